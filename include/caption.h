/* caption.h - libcaption: a photo goes in, a sentence comes out.
 *
 *     #include <caption.h>
 *     #include <stdio.h>
 *
 *     int main(int argc, char **argv)
 *     {
 *         caption_model *model = NULL;
 *         caption_session *session = NULL;
 *         const caption_result *result;
 *         caption_error error;
 *         if (argc == 3 && caption_model_open_file(&model, argv[1], NULL, &error) == CAPTION_OK &&
 *             caption_session_create(&session, model, NULL, &error) == CAPTION_OK &&
 *             caption_file(session, argv[2], NULL, &result, &error) == CAPTION_OK)
 *             printf("%s\n", result->captions[0].text);
 *         else
 *             fprintf(stderr, "%s\n", argc == 3 ? error.message : "usage: caption MODEL IMAGE");
 *         caption_session_close(&session);
 *         caption_model_close(&model);
 *     }
 *
 * Two objects.  A caption_model is immutable once opened and may be used by any number of threads at once.  A
 * caption_session holds everything that changes; use one per thread.  After a session is initialised nothing
 * is allocated, no file but the image is opened, and nothing is ever printed.  (OpenBLAS, which multiplies
 * only with CAPTION_CONV_IM2COL and on processors without hand-written kernels, maps its work memory at a
 * process's first product; on some processors it takes memory for small products and gives it back.)
 *
 * The ladder, each rung made of the next:
 *     caption_file  ->  caption_image  ->  caption_pixels  ->  caption_load_*, caption_encode, caption_decode
 *
 * Every function that can fail returns a caption_status and, if the caller passes one, fills a caption_error
 * whose message says what was wrong and where.  Structures that carry options are filled by their _init
 * function, which records the version of this header; change the fields you care about afterwards.  NULL
 * stands for the defaults.
 */
#ifndef CAPTION_H
#define CAPTION_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__) || defined(__clang__)
#define CAPTION_API __attribute__((visibility("default")))
#else
#define CAPTION_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define CAPTION_VERSION_MAJOR 0
#define CAPTION_VERSION_MINOR 1
#define CAPTION_VERSION_PATCH 0
#define CAPTION_ABI_VERSION 1

/* ---- errors ---- */

typedef enum caption_status {
    CAPTION_OK = 0,
    CAPTION_ERROR_ARGUMENT = -1, /* a NULL, an option out of range, calls in the wrong order */
    CAPTION_ERROR_MEMORY = -2,   /* an allocation failed, or the caller's memory is too small */
    CAPTION_ERROR_IO = -3,       /* a file can't be opened or read */
    CAPTION_ERROR_MODEL = -4,    /* not a model file, damaged, or of a network this library does not run */
    CAPTION_ERROR_VERSION = -5,  /* a model file or an options structure of a version unknown here */
    CAPTION_ERROR_IMAGE = -6,    /* not an image of a supported kind, or damaged beyond decoding */
    CAPTION_ERROR_LIMIT = -7,    /* the image is larger than max_pixels allows, or needs more decode_memory */
    CAPTION_ERROR_UNSUPPORTED = -8, /* left out of this build (PNG, files, threads, ...) */
    CAPTION_ERROR_ABORTED = -9      /* the progress callback asked to stop */
} caption_status;

typedef struct caption_error {
    caption_status status;
    char message[256]; /* one line, no final newline, always ends in NUL */
} caption_error;

/* A short constant English text for a status; never NULL. */
CAPTION_API const char *caption_status_string(caption_status status);

/* "MAJOR.MINOR.PATCH" of the library that was linked. */
CAPTION_API const char *caption_version(void);

/* ---- models ---- */

typedef struct caption_model caption_model;

typedef struct caption_model_options {
    int abi_version;
    int verify; /* 1: check every tensor's checksum on opening (reads the whole file).  Default 0: tables
                   only. */
} caption_model_options;

static inline void caption_model_options_init(caption_model_options *options)
{
    options->abi_version = CAPTION_ABI_VERSION;
    options->verify = 0;
}

/* Reads exactly `size` bytes at `offset` into `buffer`; returns 0, or anything else for an error. */
typedef int (*caption_read_fn)(void *user, uint64_t offset, void *buffer, size_t size);

/* Maps the file into memory; *model is NULL on any error.  Errors: IO, MODEL, VERSION, MEMORY, ARGUMENT. */
CAPTION_API caption_status caption_model_open_file(caption_model **model, const char *path,
                                                   const caption_model_options *options,
                                                   caption_error *error);

/* Uses `data` in place, without copying: it must be 64-byte aligned and outlive the model. */
CAPTION_API caption_status caption_model_open_memory(caption_model **model, const void *data, size_t size,
                                                     const caption_model_options *options,
                                                     caption_error *error);

/* Reads `size` bytes through `read` into memory that the model owns. */
CAPTION_API caption_status caption_model_open_callback(caption_model **model, caption_read_fn read,
                                                       void *user, uint64_t size,
                                                       const caption_model_options *options,
                                                       caption_error *error);

/* As caption_model_open_memory, but the model object too lives in the caller's memory (`memory`, 64-byte
 * aligned, at least caption_model_size() bytes): nothing is allocated.  Closing such a model only sets the
 * pointer to NULL. */
CAPTION_API size_t caption_model_size(void);
CAPTION_API caption_status caption_model_init(caption_model **model, void *memory, size_t memory_size,
                                              const void *data, size_t size,
                                              const caption_model_options *options, caption_error *error);

/* Frees what was opened and sets *model to NULL.  Accepts NULL and a pointer to NULL.  Close its sessions
 * first. */
CAPTION_API void caption_model_close(caption_model **model);

typedef enum caption_kind { CAPTION_KIND_ATTENTION = 0, CAPTION_KIND_BASELINE = 1 } caption_kind;
typedef enum caption_rnn { CAPTION_RNN_GRU = 0, CAPTION_RNN_LSTM = 1 } caption_rnn;

typedef struct caption_model_info {
    caption_kind kind;
    caption_rnn rnn;
    int layers;           /* recurrent layers */
    int input_size;       /* the image is resized to input_size x input_size */
    int positions;        /* positions of a feature map: 49; baseline: 1 */
    int feature_channels; /* channels of a feature: 2048; baseline: embed_size */
    int embed_size;
    int hidden_size;
    int attention_size; /* 0 for the baseline kind */
    int vocabulary_size;
    int pad, start, end, unk; /* special token ids */
    int tensor_count;
    int metadata_count;
    uint64_t parameters; /* numbers in all tensors, without padding and second copies */
    uint64_t bytes;      /* of the model file */
} caption_model_info;

CAPTION_API void caption_model_get_info(const caption_model *model, caption_model_info *info);

/* The text of token `id`, UTF-8, owned by the model; NULL when id is out of range. */
CAPTION_API const char *caption_model_word(const caption_model *model, int id);

/* The index-th metadata entry; both texts are owned by the model.  Error: ARGUMENT when index is out of
 * range. */
CAPTION_API caption_status caption_model_metadata(const caption_model *model, int index, const char **key,
                                                  const char **value);

/* The value of a metadata key, owned by the model, or NULL. */
CAPTION_API const char *caption_model_find_metadata(const caption_model *model, const char *key);

typedef struct caption_tensor_info {
    const char *name; /* owned by the model */
    const char *dtype, *layout;
    int rank;
    uint32_t dims[4];
    uint64_t offset, bytes;
    uint32_t crc;
    const void *data; /* as stored (see capw.h), owned by the model */
} caption_tensor_info;

/* The index-th tensor.  Error: ARGUMENT when index is out of range. */
CAPTION_API caption_status caption_model_tensor(const caption_model *model, int index,
                                                caption_tensor_info *info);

/* Checks the index-th tensor's checksum.  Error: MODEL, naming the tensor. */
CAPTION_API caption_status caption_model_verify(const caption_model *model, int index, caption_error *error);

/* ---- sessions ---- */

typedef struct caption_session caption_session;

/* Instruction sets a session may use, as bits; levels the machine lacks are ignored. */
#define CAPTION_CPU_AVX2 1u
#define CAPTION_CPU_AVX512 2u
#define CAPTION_CPU_NEON 4u
#define CAPTION_CPU_AVX512_VNNI 8u
#define CAPTION_CPU_ALL 0xFFFFFFFFu

typedef enum caption_conv {
    CAPTION_CONV_AUTO = 0,     /* per layer, what is fastest on this CPU */
    CAPTION_CONV_DIRECT = 1,   /* hand-written kernels that read the image map in place */
    CAPTION_CONV_WINOGRAD = 2, /* as DIRECT, Winograd wherever the model file allows it */
    CAPTION_CONV_IM2COL = 3    /* im2col, then one GEMM (OpenBLAS, where built in) */
} caption_conv;

typedef struct caption_session_options {
    int abi_version;
    int threads;          /* 1..64, default 1; results are the same for any number */
    int max_batch;        /* images encoded together, 1..64, default 1 */
    int max_beams;        /* widest beam search, 1..64, default 0: the model's own width, at least 5 */
    int max_length;       /* longest caption in tokens, 1..1024, default 0: the model's own, at least 20 */
    caption_conv conv;    /* default CAPTION_CONV_AUTO */
    uint32_t cpu;         /* CAPTION_CPU_* bits that may be used, default CAPTION_CPU_ALL */
    int no_exif;          /* 1: ignore EXIF orientation, as the published system does.  Default 0 */
    int strict;           /* 1: refuse an image that decodes only with warnings.  Default 0 */
    uint64_t max_pixels;  /* width x height an image may have, default 200 000 000 */
    size_t decode_memory; /* bytes set aside for decoding, default 6 MiB; see caption_image_probe */
} caption_session_options;

static inline void caption_session_options_init(caption_session_options *options)
{
    options->abi_version = CAPTION_ABI_VERSION;
    options->threads = 1;
    options->max_batch = 1;
    options->max_beams = 0;
    options->max_length = 0;
    options->conv = CAPTION_CONV_AUTO;
    options->cpu = CAPTION_CPU_ALL;
    options->no_exif = 0;
    options->strict = 0;
    options->max_pixels = 200000000u;
    options->decode_memory = (size_t)6 << 20;
}

/* Bytes a session needs; 0 and an error when the options can't be met. */
CAPTION_API size_t caption_session_size(const caption_model *model, const caption_session_options *options,
                                        caption_error *error);

/* Makes a session in the caller's memory (64-byte aligned, at least caption_session_size bytes), which must
 * outlive it, as must the model.  Close it all the same: threads and libjpeg's small state are released then.
 */
CAPTION_API caption_status caption_session_init(caption_session **session, void *memory, size_t memory_size,
                                                const caption_model *model,
                                                const caption_session_options *options, caption_error *error);

/* Both in one: the session owns its memory. */
CAPTION_API caption_status caption_session_create(caption_session **session, const caption_model *model,
                                                  const caption_session_options *options,
                                                  caption_error *error);

/* Releases the session and sets *session to NULL.  Accepts NULL and a pointer to NULL. */
CAPTION_API void caption_session_close(caption_session **session);

/* ---- decoding options and results ---- */

typedef enum caption_search { CAPTION_SEARCH_BEAM = 0, CAPTION_SEARCH_GREEDY = 1 } caption_search;

typedef enum caption_penalty {
    CAPTION_PENALTY_PUBLISHED = 0, /* divides a repeated word's (negative) log-probability: raises repeats */
    CAPTION_PENALTY_CORRECTED = 1  /* multiplies instead: lowers repeats */
} caption_penalty;

typedef enum caption_stage { CAPTION_STAGE_ENCODER = 0, CAPTION_STAGE_DECODER = 1 } caption_stage;

typedef struct caption_progress {
    caption_stage stage;
    int done, total; /* layers of the encoder that have run, or steps of the decoder; total is the most there
                        can be */
    int rows;        /* decoder: candidates in this step */
    const float *logits; /* decoder, where the option asks for them: [rows, vocabulary_size], valid during the
                            call; else NULL */
} caption_progress;

/* Called after every encoder layer and decoder step; anything but 0 stops the work with
 * CAPTION_ERROR_ABORTED. */
typedef int (*caption_progress_fn)(void *user, const caption_progress *progress);

typedef struct caption_decode_options {
    int abi_version;
    caption_search search; /* default: the model's (beam) */
    int beams;             /* beam width, 1..max_beams; default: the model's (5) */
    int nbest;             /* captions wanted, 1..beams; 0, the default: all that finished */
    int max_length;     /* tokens, counting <end>, 1..the session's max_length; default: the model's (20) */
    int min_length;     /* <end> is not emitted as one of the first min_length - 1 tokens; default 0: off */
    float length_alpha; /* score = log-probability / length^length_alpha, 0..10; default: the model's (0.7) */
    float repetition_penalty; /* 0.01..100, 1 = none; default: the model's (1.2).  Greedy search has none. */
    caption_penalty penalty;  /* default: the model's (published) */
    caption_progress_fn progress; /* default NULL */
    void *progress_user;
    int logits; /* 1: progress sees the logits of every word, which costs the decoder speed; default 0 */
} caption_decode_options;

/* Fills the defaults that the model file asks for (with model NULL: the published system's). */
CAPTION_API void caption_decode_options_defaults(caption_decode_options *options, const caption_model *model,
                                                 int abi_version);
static inline void caption_decode_options_init(caption_decode_options *options, const caption_model *model)
{
    caption_decode_options_defaults(options, model, CAPTION_ABI_VERSION);
}

typedef struct caption_text {
    const char *text;       /* the sentence, UTF-8 */
    const int *ids;         /* [length] tokens as emitted, with <end> where there is one */
    int length;             /* tokens, at least 1 */
    double log_probability; /* the sum over tokens, penalties included */
    double score;           /* log_probability / length^length_alpha; greedy: length_alpha as given */
    double confidence;      /* exp(score), at most 1 */
    const float
        *alpha; /* [length, positions] attention per token, rows sum to 1; NULL for the baseline kind */
} caption_text;

typedef struct caption_result {
    int count;                    /* captions, best first */
    const caption_text *captions; /* [count] */
    int warnings; /* what the image decoder complained about; the caption is of what could be decoded */
    const char *warning; /* the first complaint, or NULL */
} caption_result;

/* ---- captioning ---- */

/* Captions one image.  *result belongs to the session and is valid until the session's next call.  Errors:
 * all. */
CAPTION_API caption_status caption_file(caption_session *session, const char *path,
                                        const caption_decode_options *options, const caption_result **result,
                                        caption_error *error);

/* The same for an encoded JPEG or PNG in memory. */
CAPTION_API caption_status caption_image(caption_session *session, const void *data, size_t size,
                                         const caption_decode_options *options, const caption_result **result,
                                         caption_error *error);

typedef struct caption_pixel_view {
    const uint8_t *rgb; /* [height, width, 3], rows `stride` bytes apart, red first */
    int width, height;  /* 1 or more */
    ptrdiff_t stride;   /* bytes from a row to the next; may be negative; 0: width * 3 */
} caption_pixel_view;

/* The same for pixels. */
CAPTION_API caption_status caption_pixels(caption_session *session, const caption_pixel_view *pixels,
                                          const caption_decode_options *options,
                                          const caption_result **result, caption_error *error);

/* ---- the steps: load into slots, encode them together, decode each as often as you like ---- */

/* Decodes and resizes one image into slot 0..max_batch-1.  Errors: IO, IMAGE, LIMIT, ARGUMENT, UNSUPPORTED.
 */
CAPTION_API caption_status caption_load_file(caption_session *session, int slot, const char *path,
                                             caption_error *error);
CAPTION_API caption_status caption_load_image(caption_session *session, int slot, const void *data,
                                              size_t size, caption_error *error);
CAPTION_API caption_status caption_load_pixels(caption_session *session, int slot,
                                               const caption_pixel_view *pixels, caption_error *error);

/* Runs the encoder on slots 0..count-1, all of them loaded.  `options` is used for its progress callback
 * only. */
CAPTION_API caption_status caption_encode(caption_session *session, int count,
                                          const caption_decode_options *options, caption_error *error);

/* Searches for the captions of one encoded slot. */
CAPTION_API caption_status caption_decode(caption_session *session, int slot,
                                          const caption_decode_options *options,
                                          const caption_result **result, caption_error *error);

/* What a slot holds, owned by the session: the resized image [input_size, input_size, 3], 8 bits, and the
 * features [positions, feature_channels].  NULL before the slot was loaded or encoded. */
CAPTION_API const uint8_t *caption_slot_pixels(const caption_session *session, int slot);
CAPTION_API const float *caption_slot_features(const caption_session *session, int slot);

/* Puts features kept from an earlier caption_slot_features into a slot, ready to be decoded. */
CAPTION_API caption_status caption_set_features(caption_session *session, int slot, const float *features,
                                                caption_error *error);

/* ---- looking at images and plans ---- */

typedef enum caption_format { CAPTION_FORMAT_JPEG = 1, CAPTION_FORMAT_PNG = 2 } caption_format;

typedef struct caption_image_info {
    caption_format format;
    int width, height;    /* as stored, before EXIF orientation */
    int orientation;      /* EXIF, 1..8 */
    int staged;           /* progressive JPEG or interlaced PNG: needs memory for the whole image */
    size_t decode_memory; /* what a session needs to decode it */
} caption_image_info;

/* Reads an encoded image's header.  Errors: IMAGE, UNSUPPORTED, ARGUMENT. */
CAPTION_API caption_status caption_image_probe(const void *data, size_t size, caption_image_info *info,
                                               caption_error *error);

typedef struct caption_layer_info {
    const char *name;      /* e.g. "layer2.0.conv2", owned by the session */
    const char *algorithm; /* e.g. "direct", "winograd", "im2col" */
    int in_height, in_width, in_channels;
    int out_height, out_width, out_channels;
    int kernel, stride;
    double multiply_adds; /* of direct convolution, for one image */
} caption_layer_info;

/* The index-th step of the encoder's plan, in the order in which caption_progress counts them.  Error:
 * ARGUMENT. */
CAPTION_API caption_status caption_session_layer(const caption_session *session, int index,
                                                 caption_layer_info *info);

/* The instruction set that the session's kernels use: "avx512vnni", "avx512", "avx2", "neon" or "c". */
CAPTION_API const char *caption_session_cpu(const caption_session *session);

#ifdef __cplusplus
}
#endif

#endif
