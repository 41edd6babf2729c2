/* Captions on standard output; see show.h.  Called by capdemo. */
#include "tools/demo/show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/json.h"

enum { CELL_COLUMNS = 2, MAP_GAP = 2, LINE_COLUMNS = 80 };

/* Rows and columns of a square map of `positions` cells, 0 where it isn't one. */
static int map_side(int positions)
{
    int side = 1;
    while (side * side < positions) side++;
    return side * side == positions ? side : 0;
}

/* The word that token `id` stands for, cut to `columns` characters and padded to them. */
static void print_word(const char *word, int columns)
{
    int used = 0;
    for (; *word; word++) {
        bool starts = ((unsigned char)*word & 0xC0) != 0x80;
        if (starts && used == columns) break;
        used += starts;
        (void)putchar(*word);
    }
    (void)printf("%*s", columns - used, "");
}

/* alpha: [cells]; row of a map in five shades, relative to the map's peak. */
static void print_map_row(const float *alpha, int side, int row)
{
    static const char *const shades[] = {" ", "\u2591", "\u2592", "\u2593", "\u2588"};
    float peak = 0;
    int i, c;
    for (i = 0; i < side * side; i++) peak = alpha[i] > peak ? alpha[i] : peak;
    for (c = 0; c < side; c++) {
        float part = peak > 0 ? alpha[row * side + c] / peak : 0;
        int shade = part < 0.1f ? 0 : part < 0.3f ? 1 : part < 0.55f ? 2 : part < 0.8f ? 3 : 4;
        for (i = 0; i < CELL_COLUMNS; i++) (void)fputs(shades[shade], stdout);
    }
}

/* One map per token, as many side by side as a line holds. */
static void show_attention(const caption_model *model, const caption_text *text)
{
    caption_model_info info;
    int side, columns, per_line, first, i, row;
    caption_model_get_info(model, &info);
    side = map_side(info.positions);
    if (!text->alpha || !side) return;
    columns = side * CELL_COLUMNS;
    per_line = (LINE_COLUMNS + MAP_GAP) / (columns + MAP_GAP);
    if (per_line < 1) per_line = 1;
    for (first = 0; first < text->length; first += per_line) {
        int last = first + per_line < text->length ? first + per_line : text->length;
        (void)putchar('\n');
        for (i = first; i < last; i++) {
            const char *word = caption_model_word(model, text->ids[i]);
            print_word(word ? word : "?", columns);
            (void)printf("%*s", MAP_GAP, "");
        }
        (void)putchar('\n');
        for (row = 0; row < side; row++) {
            for (i = first; i < last; i++) {
                print_map_row(text->alpha + (size_t)i * (size_t)info.positions, side, row);
                (void)printf("%s%*s", i + 1 < last ? "|" : "|\n", i + 1 < last ? MAP_GAP - 1 : 0, "");
            }
        }
    }
}

void demo_show_text(const demo_answer *answer)
{
    const caption_result *result = answer->result;
    int i;
    if (!answer->several) {
        if (answer->named) (void)printf("%s: ", answer->image);
        (void)printf("%s\n", result->captions[0].text);
    } else {
        if (answer->named) (void)printf("%s:\n", answer->image);
        for (i = 0; i < result->count; i++) {
            (void)printf("%8.4f  %s\n", result->captions[i].score, result->captions[i].text);
        }
    }
    if (answer->attention) {
        show_attention(answer->model, &result->captions[0]);
        (void)putchar('\n');
    }
}

/* [{"word", "map": [positions numbers]}, ...] */
static json_t *json_attention(const caption_model *model, const caption_text *text)
{
    caption_model_info info;
    json_t *array = json_array();
    int i, p;
    caption_model_get_info(model, &info);
    for (i = 0; array && i < text->length; i++) {
        const float *alpha = text->alpha + (size_t)i * (size_t)info.positions; /* [positions] */
        const char *word = caption_model_word(model, text->ids[i]);
        json_t *map = json_array();
        int bad = !map;
        for (p = 0; !bad && p < info.positions; p++) {
            bad = json_array_append_new(map, json_real((double)alpha[p])) != 0;
        }
        if (json_array_append_new(
                array, json_pack("{s:o, s:o}", "word", tool_json_text(word ? word : ""), "map", map)) != 0 ||
            bad) {
            json_decref(array);
            array = NULL;
        }
    }
    return array;
}

bool demo_show_json(const demo_answer *answer)
{
    const caption_text *best = &answer->result->captions[0];
    const demo_times *t = &answer->times;
    json_t *line = json_pack("{s:o, s:o, s:f, s:o, s:f}", "image", tool_json_text(answer->image), "caption",
                             tool_json_text(best->text), "confidence", best->confidence, "beams",
                             tool_json_captions(answer->result), "ms", t->load + t->encoder + t->decoder);
    bool ok = line != NULL;
    if (ok && answer->result->warnings) {
        ok = json_object_set_new(
                 line, "warning",
                 tool_json_text(answer->result->warning ? answer->result->warning : "damaged image")) == 0;
    }
    if (ok && answer->timed) {
        ok = json_object_set_new(line, "times",
                                 json_pack("{s:f, s:f, s:f}", "load", t->load, "encoder", t->encoder,
                                           "decoder", t->decoder)) == 0;
    }
    if (ok && answer->attention && best->alpha) {
        ok = json_object_set_new(line, "attention", json_attention(answer->model, best)) == 0;
    }
    /* a failed write is found when the output is flushed */
    if (ok) {
        (void)json_dumpf(line, stdout, TOOL_JSON_FLAGS);
        (void)putchar('\n');
    }
    json_decref(line);
    return ok;
}
