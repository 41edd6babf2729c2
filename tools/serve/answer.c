/* Answers of the service; see answer.h. */
#include "tools/serve/answer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/json.h"

/* ---- values ---- */

json_t *serve_json_rounded(double value)
{
    char text[400]; /* the largest double has 309 digits */
    if (!isfinite(value)) return json_null();
    (void)snprintf(text, sizeof text, "%.4f", value);
    return json_real(strtod(text, NULL));
}

static void add_warning(json_t **answer, const caption_result *result)
{
    if (!result->warnings) return;
    tool_json_set(answer, "warning", tool_json_text(result->warning ? result->warning : "damaged image"));
}

/* ---- captions ---- */

json_t *serve_answer_caption(const caption_result *result, int beams)
{
    json_t *answer = json_object(), *alternatives = json_array();
    for (int i = 0; i < result->count; i++) {
        json_t *one = json_object();
        tool_json_set(&one, "caption", tool_json_text(result->captions[i].text));
        tool_json_set(&one, "score", serve_json_rounded(result->captions[i].score));
        tool_json_append(&alternatives, one);
    }
    tool_json_set(&answer, "caption", tool_json_text(result->captions[0].text));
    tool_json_set(&answer, "method", json_string("beam"));
    tool_json_set(&answer, "beam_width", json_integer(beams));
    tool_json_set(&answer, "confidence", serve_json_rounded(result->captions[0].confidence));
    tool_json_set(&answer, "alternatives", alternatives);
    add_warning(&answer, result);
    return answer;
}

/* The side of the square map of a model with so many positions; 0 where it is no square. */
static int side_of(int positions)
{
    int side = 1;
    while (side * side < positions) side++;
    return side * side == positions ? side : 0;
}

/* Adds "tokens", the maps under `key`, and "grid_shape".  <end> and <pad> are left out. */
static void add_maps(json_t **answer, const char *key, const caption_model *model, const caption_text *text,
                     const serve_maps *maps)
{
    caption_model_info info;
    const int positions = maps->rows * maps->columns;
    json_t *tokens = json_array(), *all = json_array(), *shape = json_array();
    caption_model_get_info(model, &info);
    for (int i = 0; i < text->length && text->ids[i] != info.end; i++) {
        const float *map = maps->values + (size_t)i * (size_t)positions; /* [positions] */
        const char *word = caption_model_word(model, text->ids[i]);
        if (text->ids[i] == info.pad) continue;
        json_t *one = json_array();
        for (int p = 0; p < positions; p++) tool_json_append(&one, tool_json_real((double)map[p]));
        tool_json_append(&tokens, tool_json_text(word ? word : "<unk>"));
        tool_json_append(&all, one);
    }
    tool_json_append(&shape, json_integer(maps->rows));
    tool_json_append(&shape, json_integer(maps->columns));
    tool_json_set(answer, "tokens", tokens);
    tool_json_set(answer, key, all);
    tool_json_set(answer, "grid_shape", shape);
}

serve_maps serve_attention_maps(const caption_model *model, const caption_text *text)
{
    caption_model_info info;
    caption_model_get_info(model, &info);
    const int side = side_of(info.positions);
    return (serve_maps){
        .values = text->alpha, .rows = side ? side : 1, .columns = side ? side : info.positions};
}

json_t *serve_answer_attention(const caption_model *model, const caption_result *result)
{
    const caption_text *text = &result->captions[0];
    const serve_maps maps = serve_attention_maps(model, text);
    json_t *answer = json_object();
    tool_json_set(&answer, "caption", tool_json_text(text->text));
    add_maps(&answer, "attention", model, text, &maps);
    add_warning(&answer, result);
    return answer;
}

json_t *serve_answer_explanation(const caption_model *model, const caption_result *result, int beams,
                                 tool_map kind, const serve_maps *maps)
{
    json_t *answer = serve_answer_caption(result, beams);
    tool_json_set(&answer, "map", json_string(tool_map_names[kind]));
    add_maps(&answer, "maps", model, &result->captions[0], maps);
    return answer;
}

json_t *serve_answer_words(const caption_model *model, const int *tokens, int count)
{
    caption_model_info info;
    json_t *words = json_array();
    caption_model_get_info(model, &info);
    for (int i = 0; i < count && tokens[i] != info.end; i++) {
        if (tokens[i] == info.pad || tokens[i] == info.start || tokens[i] == info.unk) continue;
        tool_json_append(&words, tool_json_text(caption_model_word(model, tokens[i])));
    }
    return words;
}

json_t *serve_answer_error(json_t *detail)
{
    json_t *answer = json_object();
    tool_json_set(&answer, "detail", detail);
    return answer;
}

/* ---- the model ---- */

/* Those of the published test results that the model file holds. */
static json_t *test_metrics(const caption_model *model)
{
    static const char *const names[] = {"BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "METEOR", "CIDEr", "ROUGE-L"};
    const char *text = caption_model_find_metadata(model, "source.metrics");
    json_error_t where;
    json_t *all = text ? tool_json_parse(text, strlen(text), 0, &where) : NULL, *chosen = json_object();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        json_t *value = json_object_get(all, names[i]);
        if (value && !json_is_null(value)) tool_json_set(&chosen, names[i], json_incref(value));
    }
    json_decref(all);
    return chosen;
}

json_t *serve_answer_model(const caption_model *model, const char *name)
{
    caption_model_info info;
    char architecture[80];
    caption_model_get_info(model, &info);
    const bool gru = info.rnn == CAPTION_RNN_GRU;
    (void)snprintf(architecture, sizeof architecture, "ResNet50 + %s%s decoder",
                   info.kind == CAPTION_KIND_ATTENTION ? "Bahdanau attention + " : "", gru ? "GRU" : "LSTM");
    json_t *answer = json_object();
    tool_json_set(&answer, "architecture", json_string(architecture));
    tool_json_set(&answer, "backbone", json_string("resnet50"));
    tool_json_set(&answer, "decoder_type", json_string(gru ? "gru" : "lstm"));
    tool_json_set(&answer, "vocab_size", json_integer(info.vocabulary_size));
    tool_json_set(&answer, "embed_size", json_integer(info.embed_size));
    tool_json_set(&answer, "hidden_size", json_integer(info.hidden_size));
    tool_json_set(&answer, "attention_dim", json_integer(info.attention_size));
    tool_json_set(&answer, "checkpoint_path", tool_json_text(name));
    tool_json_set(&answer, "test_metrics", test_metrics(model));
    return answer;
}

char *serve_answer_text(json_t *value)
{
    const char *reason = NULL;
    return tool_json_print(value, TOOL_JSON_FLAGS | JSON_COMPACT, &reason);
}
