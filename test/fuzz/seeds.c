/* seeds.c - good inputs of every fuzz target, made new each time:  seeds FOLDER
 *
 * Writes FOLDER/NAME/seed-* for each target fuzz_NAME. */
#include <dirent.h>
#include <sys/stat.h>

#include "test/fixture.h"
#include "test/fuzz/fuzz.h"
#include "test/tools/net_maker.h"
#include "tools/convert/convert.h"

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

/* ---- files ---- */

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

/* ---- pictures ---- */

/* Those of test/pictures, beside which stand their pixels. */
static void pictures(void)
{
    static const char folder[] = "test/pictures";
    DIR *dir = opendir(folder);
    fuzz_need(dir != NULL);
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        const char *ending = strrchr(entry->d_name, '.');
        if (entry->d_name[0] == '.' || !ending || strcmp(ending, ".rgb") == 0) continue;
        char path[PATH_BYTES];
        size_t size;
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        unsigned char *data = read_back(path, &size);
        save("picture", entry->d_name, data, size);
        free(data);
    }
    (void)closedir(dir);
}

/* ---- checkpoints ---- */

/* An input of fuzz_convert.  config may be empty, which stands for the checkpoint's own. */
static void save_conversion(const char *name, fuzz_bytes checkpoint, fuzz_bytes vocabulary,
                            const char *config)
{
    static const char metrics[] = "{\"BLEU-4\": 0.3093}\n";
    bytes b = {0};
    put_number(&b, checkpoint.size, 4);
    put_number(&b, vocabulary.size, 4);
    put_number(&b, strlen(config), 4);
    put(&b, checkpoint.data, checkpoint.size);
    put(&b, vocabulary.data, vocabulary.size);
    put(&b, config, strlen(config));
    put(&b, metrics, sizeof metrics - 1);
    save("convert", name, b.at, b.size);
    free_bytes(&b);
}

/* The same checkpoint as a safetensors file, and its words as JSON. */
static void save_safetensors(const char *checkpoint, const char *vocabulary)
{
    static convert_job job;
    char output[FUZZ_PATH];
    fuzz_path(output, "model.safetensors");
    job.files = (convert_files){.checkpoint = checkpoint, .vocabulary = vocabulary, .output = output};
    job.safetensors = true;
    job.threads = 1;
    fuzz_need(convert_run(&job, NULL));
    convert_free(&job);
    char *words = convert_safetensors_words(output);
    fuzz_bytes parts[2];
    parts[0].data = read_back(output, &parts[0].size);
    parts[1].data = read_back(words, &parts[1].size);
    save("checkpoint", "safetensors", parts[0].data, parts[0].size);
    save_conversion("safetensors", parts[0], parts[1], "");
    free((void *)(uintptr_t)parts[0].data);
    free((void *)(uintptr_t)parts[1].data);
    free(words);
}

static void checkpoint(const char *name, bool attention, bool lstm)
{
    static net n;
    zip_maker z;
    net_make(&n, 1, attention, lstm, attention ? 1 : 2);
    pk_text(&n.config, "rnn_type");
    pk_text(&n.config, lstm ? "lstm" : "gru");
    net_archive(&n, &z);
    if (!lstm) save("checkpoint", name, z.out.at, z.out.size);
    char path[FUZZ_PATH], words[FUZZ_PATH];
    fuzz_write(path, "model.pth", (fuzz_bytes){z.out.at, z.out.size});
    fuzz_path(words, "vocab.pkl");
    net_write_vocabulary(words, NET_WORDS, NULL);
    size_t size;
    unsigned char *vocabulary = read_back(words, &size);
    save_conversion(name, (fuzz_bytes){z.out.at, z.out.size}, (fuzz_bytes){vocabulary, size},
                    lstm ? "" : "{\"rnn_type\": \"gru\", \"hidden_size\": 6}\n");
    if (lstm) save_safetensors(path, words);
    free(vocabulary);
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
    save_text("request", "form",
              "beam_width=3&max_len=%31+\036Multipart/Form-Data; x=\"a\\\"\"; boundary=\"b c\"\036text/html, "
              "application/x-ndjson;q=1\036Bearer token\036--b c\r\nContent-Disposition: form-data; "
              "name=\"file\"; filename=\"a.jpg\"\r\nContent-Type: image/jpeg\r\n\r\npicture\r\n--b c \r\n"
              "content-disposition: form-data; name=file; filename*=UTF-8''a\r\n\r\n\r\n--b c--\r\n");
    save_text("request", "picture", "max_len=1_0.0\036image/png\036\036\036picture");
    save_text("request", "wrong",
              "beam_width=-1&max_len=a%zz\036multipart/form-data; boundary=b\036\036\036\r\n--b\r\n"
              "Content-Disposition: form-data; name=\"file\"\r\n\r\ntext\r\n--b--");
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
    pictures();
    checkpoint("gru", true, false);
    checkpoint("baseline", false, false);
    checkpoint("lstm", true, true);
    texts();
    return 0;
}
