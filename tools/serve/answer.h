/* What the service answers, as JSON: the keys and the rounding of the published service.  Values are new
 * references, NULL where memory ran out. */
#ifndef TOOLS_SERVE_ANSWER_H
#define TOOLS_SERVE_ANSWER_H

#include <jansson.h>

#include <caption.h>

#include "tools/serve/request.h"

/* The number rounded to four decimals, as Python's round does it; null where it isn't finite. */
json_t *serve_json_rounded(double value);

/* {"caption", "method", "beam_width", "confidence", "alternatives"} */
json_t *serve_answer_caption(const caption_result *result, int beams);

/* {"caption", "tokens", "attention", "grid_shape"} of a model with attention.  <end> and <pad> are left out,
 * as are their weights. */
json_t *serve_answer_attention(const caption_model *model, const caption_result *result);

/* Maps of a caption's tokens. */
typedef struct serve_maps {
    const float *values; /* [tokens, rows, columns] */
    int rows, columns;
} serve_maps;

/* What serve_answer_caption answers, and {"map", "tokens", "maps", "grid_shape"}: the name of their kind, the
 * words of the best caption, and the map of each.  <end> and <pad> are left out. */
json_t *serve_answer_explanation(const caption_model *model, const caption_result *result, int beams,
                                 tool_map kind, const serve_maps *maps);

/* The maps of a caption that caption_decode found; values is NULL where the model has no attention. */
serve_maps serve_attention_maps(const caption_model *model, const caption_text *text);

/* ["a", "dog"]: the words of tokens [count], but for <end>, <pad> and <unk>. */
json_t *serve_answer_words(const caption_model *model, const int *tokens, int count);

/* {"detail": detail}; takes over `detail`. */
json_t *serve_answer_error(json_t *detail);

/* {"architecture", "backbone", ...}; name: what the model is called */
json_t *serve_answer_model(const caption_model *model, const char *name);

/* The text of a value in compact form, owned by the caller; takes over `value`.  NULL where
 * memory ran out. */
char *serve_answer_text(json_t *value);

#endif
