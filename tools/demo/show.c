/* What capdemo prints for one image; see show.h. */
#include "tools/demo/show.h"

#include <stdio.h>
#include <stdlib.h>

#include "tools/common/json.h"
#include "tools/common/terminal.h"
#include "tools/demo/maps.h"

static const char *word_of(const caption_model *model, int id)
{
    const char *word = caption_model_word(model, id);
    return word ? word : "?";
}

/* ---- text ---- */

static bool show_attention(const tool_output *output, const caption_model *model, const caption_text *text)
{
    if (!text->alpha) return true;
    caption_model_info info;
    caption_model_get_info(model, &info);
    const char **words = malloc((size_t)text->length * sizeof *words);
    if (!words) return false;
    for (int i = 0; i < text->length; i++) words[i] = word_of(model, text->ids[i]);
    const demo_maps maps = {.words = words,
                            .alpha = text->alpha,
                            .count = text->length,
                            .positions = info.positions,
                            .columns = tool_terminal_columns(fileno(output->stream)),
                            .utf8 = tool_terminal_utf8()};
    demo_draw_maps(output->stream, &maps);
    free(words);
    return true;
}

bool demo_show_text(const tool_output *output, const demo_answer *answer)
{
    const caption_result *result = answer->result;
    if (answer->named) tool_output_text(output, answer->image);
    if (!answer->several) {
        if (answer->named) (void)fputc('\t', output->stream);
        tool_output_text(output, result->captions[0].text);
        (void)fputc('\n', output->stream);
    } else {
        if (answer->named) (void)fputs(":\n", output->stream);
        for (int i = 0; i < result->count; i++) {
            (void)fprintf(output->stream, "%8.4f  ", result->captions[i].score);
            tool_output_text(output, result->captions[i].text);
            (void)fputc('\n', output->stream);
        }
    }
    if (!answer->attention) return true;
    const bool ok = show_attention(output, answer->model, &result->captions[0]);
    if (answer->named) (void)fputc('\n', output->stream);
    return ok;
}

/* ---- JSON ---- */

/* [{"word", "map": [positions numbers]}, ...] */
static json_t *json_attention(const caption_model *model, const caption_text *text)
{
    json_t *array = json_array();
    caption_model_info info;
    caption_model_get_info(model, &info);
    for (int i = 0; array && i < text->length; i++) {
        const float *alpha = text->alpha + (size_t)i * (size_t)info.positions; /* [positions] */
        json_t *map = json_array();
        bool bad = !map;
        for (int p = 0; !bad && p < info.positions; p++) {
            bad = json_array_append_new(map, tool_json_real((double)alpha[p])) != 0;
        }
        json_t *word = tool_json_text(word_of(model, text->ids[i]));
        if (json_array_append_new(array, json_pack("{s:o, s:o}", "word", word, "map", map)) != 0 || bad) {
            json_decref(array);
            array = NULL;
        }
    }
    return array;
}

/* Takes over `line`, which may be NULL.  A failed write is found when the output is flushed. */
static bool print_line(const tool_output *output, json_t *line)
{
    if (!line) return false;
    (void)json_dumpf(line, output->stream, TOOL_JSON_FLAGS);
    (void)fputc('\n', output->stream);
    json_decref(line);
    return true;
}

bool demo_show_json(const tool_output *output, const demo_answer *answer)
{
    const caption_result *result = answer->result;
    const caption_text *best = &result->captions[0];
    const demo_times *t = &answer->times;
    json_t *line = json_pack("{s:o, s:o, s:f, s:o, s:f}", "image", tool_json_text(answer->image), "caption",
                             tool_json_text(best->text), "confidence", best->confidence, "beams",
                             tool_json_captions(result), "ms", t->load + t->encoder + t->decoder);
    bool ok = line != NULL;
    if (ok && result->warnings) {
        const char *warning = result->warning ? result->warning : "damaged image";
        ok = json_object_set_new(line, "warning", tool_json_text(warning)) == 0;
    }
    if (ok && answer->timed) {
        ok = json_object_set_new(line, "times",
                                 json_pack("{s:f, s:f, s:f}", "load", t->load, "encoder", t->encoder,
                                           "decoder", t->decoder)) == 0;
    }
    if (ok && answer->attention && best->alpha) {
        ok = json_object_set_new(line, "attention", json_attention(answer->model, best)) == 0;
    }
    if (ok) return print_line(output, line);
    json_decref(line);
    return false;
}

bool demo_show_json_error(const tool_output *output, const char *image, const char *message)
{
    return print_line(
        output, json_pack("{s:o, s:o}", "image", tool_json_text(image), "error", tool_json_text(message)));
}
