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

static void show_attention(tool_output *output, const caption_model *model, const caption_text *text)
{
    if (!text->alpha) return;
    caption_model_info info;
    caption_model_get_info(model, &info);
    const char **words = malloc((size_t)text->length * sizeof *words);
    if (!words) {
        tool_output_lose(output);
        return;
    }
    for (int i = 0; i < text->length; i++) words[i] = word_of(model, text->ids[i]);
    const demo_maps maps = {.words = words,
                            .alpha = text->alpha,
                            .count = text->length,
                            .positions = info.positions,
                            .columns = tool_terminal_columns(fileno(output->stream)),
                            .utf8 = tool_terminal_utf8()};
    demo_draw_maps(output->stream, &maps);
    free(words);
}

void demo_show_text(tool_output *output, const demo_answer *answer)
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
    if (!answer->attention) return;
    show_attention(output, answer->model, &result->captions[0]);
    if (answer->named) (void)fputc('\n', output->stream);
}

/* ---- JSON ---- */

/* [{"word", "map": [positions numbers]}, ...] */
static json_t *json_attention(const caption_model *model, const caption_text *text)
{
    json_t *array = json_array();
    caption_model_info info;
    caption_model_get_info(model, &info);
    for (int i = 0; i < text->length; i++) {
        const float *alpha = text->alpha + (size_t)i * (size_t)info.positions; /* [positions] */
        json_t *map = json_array(), *entry = json_object();
        for (int p = 0; p < info.positions; p++) tool_json_append(&map, tool_json_real((double)alpha[p]));
        tool_json_set(&entry, "word", tool_json_text(word_of(model, text->ids[i])));
        tool_json_set(&entry, "map", map);
        tool_json_append(&array, entry);
    }
    return array;
}

static json_t *json_times(const demo_times *t)
{
    return json_pack("{s:f, s:f, s:f}", "load", t->load, "encoder", t->encoder, "decoder", t->decoder);
}

void demo_show_json(tool_output *output, const demo_answer *answer)
{
    const caption_result *result = answer->result;
    const caption_text *best = &result->captions[0];
    const demo_times *t = &answer->times;
    json_t *line = json_object();
    tool_json_set(&line, "image", tool_json_text(answer->image));
    tool_json_set(&line, "caption", tool_json_text(best->text));
    tool_json_set(&line, "confidence", json_real((double)best->confidence));
    tool_json_set(&line, "beams", tool_json_captions(result));
    tool_json_set(&line, "ms", json_real(t->load + t->encoder + t->decoder));
    if (result->warnings) {
        const char *warning = result->warning ? result->warning : "damaged image";
        tool_json_set(&line, "warning", tool_json_text(warning));
    }
    if (answer->timed) tool_json_set(&line, "times", json_times(t));
    if (answer->attention && best->alpha) {
        tool_json_set(&line, "attention", json_attention(answer->model, best));
    }
    tool_output_json(output, line, TOOL_JSON_FLAGS);
}

void demo_show_json_error(tool_output *output, const char *image, const char *message)
{
    json_t *line = json_object();
    tool_json_set(&line, "image", tool_json_text(image));
    tool_json_set(&line, "error", tool_json_text(message));
    tool_output_json(output, line, TOOL_JSON_FLAGS);
}
