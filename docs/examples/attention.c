/* attention.c - the three best captions of an image, and where the model looked for each word of the first.
 *     cc attention.c -o attention $(pkg-config --cflags --libs libcaption)
 *     ./attention MODEL.capw IMAGE */
#include <caption.h>
#include <stdio.h>

/* One character a position, row by row; the more weight, the more ink. */
static void draw(const float *alpha, int positions, int columns)
{
    static const char ink[] = " .:-=+*#%@";
    float most = 0;
    for (int p = 0; p < positions; p++) {
        if (alpha[p] > most) most = alpha[p];
    }
    for (int p = 0; p < positions; p++) {
        putchar(ink[most > 0 ? (int)(alpha[p] / most * 9) : 0]);
        if ((p + 1) % columns == 0) putchar('\n');
    }
}

int main(int argc, char **argv)
{
    caption_model *model = NULL;
    caption_session *session = NULL;
    caption_model_info info;
    caption_decode_options options;
    const caption_result *result;
    caption_error error;
    int columns = 1;
    if (argc != 3 || caption_model_open_file(&model, argv[1], NULL, &error) != CAPTION_OK ||
        caption_session_create(&session, model, NULL, &error) != CAPTION_OK) {
        fprintf(stderr, "%s\n", argc == 3 ? error.message : "Usage: attention MODEL.capw IMAGE");
        return 1;
    }
    caption_decode_options_init(&options, model);
    options.search = CAPTION_SEARCH_BEAM;
    options.nbest = options.beams < 3 ? options.beams : 3;
    if (caption_file(session, argv[2], &options, &result, &error) != CAPTION_OK ||
        caption_model_get_info(model, &info) != CAPTION_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    for (int i = 0; i < result->count; i++) {
        printf("%.4f %s\n", result->captions[i].score, result->captions[i].text);
    }
    while (columns * columns < info.positions) columns++; /* the map is square */
    const caption_text *best = &result->captions[0];
    for (int t = 0; t < best->length && best->alpha; t++) { /* the baseline kind has no attention */
        printf("\n%s\n", caption_model_word(model, best->ids[t]));
        draw(best->alpha + (size_t)t * (size_t)info.positions, info.positions, columns);
    }
    caption_session_close(&session);
    caption_model_close(&model);
    return 0;
}
