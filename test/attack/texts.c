/* texts.c - hostile references, predictions and lists of names, and the good files beside them; see
 * attack.h. */
#include "test/attack/attack.h"
#include "test/fixture.h"
#include "test/tools/net_maker.h"

enum { PATH_BYTES = 4096, PICTURES = 3, MOST_BYTES = 4 << 20 /* of a file */ };

static const char *const pictures[PICTURES] = {"a.jpg", "b.jpg", "c.png"};

/* ---- captions ---- */

static const char *roll_name(dice *d)
{
    return one_in(d, 4) ? roll_text(d) : pictures[roll_below(d, PICTURES)];
}

/* Words of a caption; now and then thousands, the same or all different. */
static void put_caption(bytes *b, dice *d)
{
    static const char *const words[] = {"a", "dog", "dogs", "runs", "running", "the", "A", ".", ",", "\""};
    size_t count = roll_below(d, 12);
    if (one_in(d, 60)) count = 30000;
    const bool same = one_in(d, 2), numbers = count > 12 && one_in(d, 2);
    for (size_t i = 0; i < count; i++) {
        char number[24];
        (void)snprintf(number, sizeof number, "w%zu", i);
        const char *word = numbers ? number : words[same ? 1 : roll_below(d, sizeof words / sizeof words[0])];
        if (i) put_text(b, " ");
        put_text(b, one_in(d, 30) ? roll_text(d) : word);
    }
}

static void put_csv(bytes *b, dice *d)
{
    const bool quoted = one_in(d, 3);
    put_text(b, roll_name(d));
    put_text(b, ",");
    if (quoted) put_text(b, "\"");
    put_caption(b, d);
    if (quoted && !one_in(d, 4)) put_text(b, "\"");
}

static void put_bars(bytes *b, dice *d)
{
    char number[40];
    (void)snprintf(number, sizeof number, "| %llu| ",
                   (unsigned long long)(one_in(d, 4) ? roll_edge(d) : roll_below(d, 5)));
    put_text(b, roll_name(d));
    put_text(b, number);
    put_caption(b, d);
}

void attack_references(bytes *out, dice *d)
{
    static const char *const headers[] = {"image,caption", "image_name| comment_number| comment",
                                          "\xEF\xBB\xBFimage,caption", "image,caption,more", ""};
    const size_t header = roll_below(d, sizeof headers / sizeof headers[0]);
    const bool bars = header == 1, carriage = one_in(d, 6);
    size_t lines = 1 + roll_below(d, 20);
    if (one_in(d, 20)) lines = 100000;
    put_text(out, headers[header]);
    put_text(out, "\n");
    for (; lines > 0 && out->size < MOST_BYTES; lines--) {
        if (bars != one_in(d, 30)) {
            put_bars(out, d);
        } else {
            put_csv(out, d);
        }
        if (carriage) put_text(out, "\r");
        if (!one_in(d, 30)) put_text(out, "\n");
        if (one_in(d, 200)) put(out, "", 1);
    }
    if (one_in(d, 3)) damage(out, d);
}

/* ---- predictions ---- */

static void put_quoted(bytes *b, dice *d)
{
    put_text(b, "\"");
    if (one_in(d, 2)) {
        put_text(b, roll_name(d));
    } else {
        put_caption(b, d);
    }
    if (!one_in(d, 40)) put_text(b, "\"");
}

static void put_object(bytes *b, dice *d)
{
    static const char *const keys[] = {"image", "caption", "error", "image_id", "prediction", "ground_truth"};
    put_text(b, "{");
    for (size_t i = roll_below(d, 6); i > 0; i--) {
        put_text(b, "\"");
        put_text(b, keys[roll_below(d, sizeof keys / sizeof keys[0])]);
        put_text(b, "\": ");
        if (one_in(d, 5)) {
            put_text(b, "[");
            put_quoted(b, d);
            put_text(b, "]");
        } else {
            put_quoted(b, d);
        }
        put_text(b, i > 1 ? ", " : "");
    }
    put_text(b, "}");
}

static void put_published(bytes *b, dice *d)
{
    size_t items = one_in(d, 20) ? 20000 : 1 + roll_below(d, 10);
    put_text(b, "[");
    for (; items > 0 && b->size < MOST_BYTES; items--) {
        put_text(b, "{\"image_id\": \"");
        put_text(b, one_in(d, 6) ? roll_text(d) : pictures[items % PICTURES]);
        put_text(b, "\", \"prediction\": \"");
        put_caption(b, d);
        put_text(b, "\", \"ground_truth\": [");
        for (size_t refs = roll_below(d, 6); refs > 0; refs--) {
            put_quoted(b, d);
            put_text(b, refs > 1 ? ", " : "");
        }
        put_text(b, items > 1 ? "]}, " : "]}");
    }
    put_text(b, "]");
}

static void put_lines(bytes *b, dice *d)
{
    size_t lines = one_in(d, 20) ? 50000 : 1 + roll_below(d, 10);
    const bool objects = one_in(d, 2);
    for (size_t i = 0; i < lines && b->size < MOST_BYTES; i++) {
        if (objects) {
            put_object(b, d);
        } else {
            put_text(b, one_in(d, 6) ? roll_name(d) : pictures[i % PICTURES]);
            if (!one_in(d, 20)) put_text(b, "\t");
            put_caption(b, d);
        }
        if (!one_in(d, 40)) put_text(b, "\n");
    }
}

void attack_predictions(bytes *out, dice *d)
{
    switch (roll_below(d, 6)) {
    case 0:
    case 1:
        put_published(out, d);
        break;
    case 2:
        for (int i = 0; i < 100000; i++) put_text(out, "[");
        break;
    default:
        put_lines(out, d);
    }
    if (one_in(d, 2)) damage(out, d);
}

/* ---- names ---- */

void attack_names(bytes *out, dice *d)
{
    size_t names = one_in(d, 10) ? 20000 : 1 + roll_below(d, 10);
    for (; names > 0 && out->size < MOST_BYTES; names--) {
        const char *name = roll_name(d);
        if (strcmp(name, "/dev/stdin") != 0) put_text(out, name);
        put(out, one_in(d, 20) ? "" : "\n", 1);
    }
    if (one_in(d, 3)) damage(out, d);
}

/* ---- good files ---- */

static void save(const char *folder, const char *name, const void *data, size_t size)
{
    char path[PATH_BYTES];
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= PATH_BYTES) abort();
    write_file(path, data, size);
}

static void save_model(const char *folder, const char *name, bool int8)
{
    make_model_options options;
    size_t size;
    make_model_defaults(&options);
    options.width = 1;
    options.int8 = options.fine = int8;
    unsigned char *data = make_model(&options, &size);
    if (!data) abort();
    save(folder, name, data, size);
    free(data);
}

static void save_checkpoint(const char *folder)
{
    static net n;
    zip_maker z;
    bytes words = {0};
    net_make(&n, 1, true, false, 1);
    net_archive(&n, &z);
    save(folder, "model.pth", z.out.at, z.out.size);
    zip_free(&z);
    net_put_vocabulary(&words, NET_WORDS, NULL);
    save(folder, "vocab.pkl", words.at, words.size);
    free_bytes(&words);
}

void write_good_files(const char *folder)
{
    static const char references[] = "image,caption\na.jpg,a dog runs\nb.jpg,a cat sleeps\nc.png,two dogs\n"
                                     "a.jpg,the dog is running\n";
    static const char predictions[] = "a.jpg\ta dog\nb.jpg\tthe cat sleeps\n";
    save_model(folder, "model.capw", false);
    save_model(folder, "int8.capw", true);
    save_checkpoint(folder);
    for (size_t i = 0; i < PICTURES; i++) {
        size_t size;
        unsigned char *image =
            strstr(pictures[i], ".png") ? fixture_png(1, &size) : fixture_jpeg((uint32_t)i, &size);
        if (!image) abort();
        save(folder, pictures[i], image, size);
        free(image);
    }
    save(folder, "refs", references, sizeof references - 1);
    save(folder, "preds", predictions, sizeof predictions - 1);
    char list[PATH_BYTES];
    if (snprintf(list, sizeof list, "%s/a.jpg\n%s/c.png\n", folder, folder) >= PATH_BYTES) abort();
    save(folder, "pictures", list, strlen(list));
}
