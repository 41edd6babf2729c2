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

json_t *serve_answer_attention(const caption_model *model, const caption_result *result)
{
    caption_model_info info;
    const caption_text *text = &result->captions[0];
    json_t *answer = json_object(), *tokens = json_array(), *rows = json_array(), *shape = json_array();
    caption_model_get_info(model, &info);
    for (int i = 0; i < text->length && text->ids[i] != info.end; i++) {
        const float *alpha = text->alpha + (size_t)i * (size_t)info.positions; /* [positions] */
        const char *word = caption_model_word(model, text->ids[i]);
        json_t *row = json_array();
        if (text->ids[i] == info.pad) {
            json_decref(row);
            continue;
        }
        for (int p = 0; p < info.positions; p++) tool_json_append(&row, tool_json_real((double)alpha[p]));
        tool_json_append(&tokens, tool_json_text(word ? word : "<unk>"));
        tool_json_append(&rows, row);
    }
    const int side = side_of(info.positions);
    tool_json_append(&shape, json_integer(side ? side : 1));
    tool_json_append(&shape, json_integer(side ? side : info.positions));
    tool_json_set(&answer, "caption", tool_json_text(text->text));
    tool_json_set(&answer, "tokens", tokens);
    tool_json_set(&answer, "attention", rows);
    tool_json_set(&answer, "grid_shape", shape);
    add_warning(&answer, result);
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
