/* seeds.c - good inputs of every fuzz target, made new each time:  seeds FOLDER
 *
 * Writes FOLDER/NAME/seed-* for each target fuzz_NAME. */
#include <sys/stat.h>

#include "test/fixture.h"
#include "test/fuzz/fuzz.h"
#include "test/tools/net_maker.h"

enum { PATH_BYTES = 512 };

static const char *base;

static void save(const char *target, const char *name, const void *data, size_t size)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s", base, target);
    (void)mkdir(path, 0777);
    (void)snprintf(path, sizeof path, "%s/%s/seed-%s", base, target, name);
    write_file(path, data, size);
}

static void save_text(const char *target, const char *name, const char *text)
{
    save(target, name, text, strlen(text));
}

/* ---- models ---- */

static void save_model(const char *name, const make_model_options *options)
{
    size_t size;
    unsigned char *data = make_model(options, &size);
    fuzz_need(data != NULL);
    save("model", name, data, size);
    free(data);
}

static void models(void)
{
    make_model_options options;
    make_model_defaults(&options);
    options.width = 1;
    save_model("gru", &options);
    options.coarse = true;
    options.winograd = 1;
    options.rnn = CAPTION_RNN_LSTM;
    save_model("lstm", &options);
    options.winograd = 0;
    options.coarse = false;
    options.kind = CAPTION_KIND_BASELINE;
    options.layers = 2;
    options.attention = 0;
    save_model("baseline", &options);
    make_model_defaults(&options);
    options.width = 1;
    options.int8 = true;
    save_model("int8", &options);
    options.fine = true;
    options.rnn = CAPTION_RNN_LSTM;
    save_model("int8-fine", &options);
}

/* ---- images ---- */

static void save_image(const char *name, int options, unsigned char *image, size_t size)
{
    bytes b = {0};
    put_number(&b, (uint64_t)options, 1);
    put(&b, image, size);
    save("image", name, b.at, b.size);
    free_bytes(&b);
    free(image);
}

static void images(void)
{
    size_t size;
    unsigned char *image = fixture_jpeg(1, &size);
    save_image("jpeg", 0, image, size);
    image = fixture_progressive(2, &size);
    save_image("progressive", 1, image, size);
    image = fixture_png(3, &size);
    save_image("png", 2, image, size);
    image = fixture_jpeg(4, &size);
    save_image("small-budget", 12, image, size);
}

static void exif(void)
{
    static const unsigned char little[] = "II*\0\10\0\0\0\1\0\22\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0";
    static const unsigned char big[] = "MM\0*\0\0\0\10\0\1\1\22\0\3\0\0\0\1\0\3\0\0\0\0\0\0";
    save("exif", "little", little, sizeof little - 1);
    save("exif", "big", big, sizeof big - 1);
}

/* ---- checkpoints ---- */

static unsigned char *read_back(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    fuzz_need(file && fseek(file, 0, SEEK_END) == 0);
    *size = (size_t)ftell(file);
    unsigned char *data = malloc(*size);
    rewind(file);
    fuzz_need(data && fread(data, 1, *size, file) == *size);
    (void)fclose(file);
    return data;
}

static void checkpoint(const char *name, bool attention, bool lstm)
{
    static const char config[] = "{\"rnn_type\": \"gru\", \"hidden_size\": 6}\n";
    static const char metrics[] = "{\"BLEU-4\": 0.3093}\n";
    const size_t config_size = lstm ? 0 : sizeof config - 1; /* without one, the checkpoint's own */
    static net n;
    zip_maker z;
    bytes b = {0};
    size_t size;
    net_make(&n, 1, attention, lstm, attention ? 1 : 2);
    pk_text(&n.config, "rnn_type");
    pk_text(&n.config, lstm ? "lstm" : "gru");
    net_archive(&n, &z);
    if (!lstm) save("checkpoint", name, z.out.at, z.out.size);
    char path[FUZZ_PATH];
    fuzz_path(path, "vocab.pkl");
    net_write_vocabulary(path, NET_WORDS, NULL);
    unsigned char *vocabulary = read_back(path, &size);
    put_number(&b, z.out.size, 4);
    put_number(&b, size, 4);
    put_number(&b, config_size, 4);
    put(&b, z.out.at, z.out.size);
    put(&b, vocabulary, size);
    put(&b, config, config_size);
    put(&b, metrics, sizeof metrics - 1);
    save("convert", name, b.at, b.size);
    free(vocabulary);
    free_bytes(&b);
    free_bytes(&n.config);
    zip_free(&z);
}

/* ---- texts ---- */

static void texts(void)
{
    save_text("captions", "flickr8k",
              "image,caption\na.jpg,a dog\n\"b,c.jpg\",\"a \"\"big\"\" dog\"\n\036a.jpg\n");
    save_text("captions", "flickr30k",
              "image_name| comment_number| comment\na.jpg| 0| a dog\na.jpg| 1| the dog\n"
              "b.jpg| 0| x\n\036b.jpg\na.jpg\n");
    save_text("predictions", "lines",
              "a.jpg\ta dog runs\nb.jpg\ta cat\n\036image,caption\na.jpg,the dog runs\n"
              "b.jpg,cats sit\nb.jpg,a cat\n");
    save_text("predictions", "json",
              "{\"image\": \"a.jpg\", \"caption\": \"a dog\"}\n\036"
              "image,caption\na.jpg,a dog\n");
    save_text("predictions", "published",
              "[{\"image_id\": \"a.jpg\", \"prediction\": \"a dog\", \"ground_truth\": "
              "[\"a dog\", \"dogs\"]}]");
    save_text("wordnet", "dog",
              "dog n 1 1 @ 1 1 00000000\n\03600000000 05 n 02 dog 0 hound 0 000 | a dog\n\036"
              "dogs dog\n\036hound");
    save_text("store", "begun", "b.jpg\ta cat\n\036capeval run, version 1\nmodel=00112233\nbeams=5\n");
    save_text("store", "cut",
              "b.jpg\ta cat\nc.jpg\ta d\036capeval run, version 1\nmodel=00112233\nbeams=5\n");
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: seeds FOLDER\n");
        return 2;
    }
    base = argv[1];
    (void)mkdir(base, 0777);
    models();
    images();
    exif();
    checkpoint("gru", true, false);
    checkpoint("baseline", false, false);
    checkpoint("lstm", true, true);
    texts();
    return 0;
}
