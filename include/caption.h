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
 *         caption_error error = {CAPTION_ERROR_ARGUMENT, "usage: caption MODEL IMAGE"};
 *         if (argc == 3 && caption_model_open_file(&model, argv[1], NULL, &error) == CAPTION_OK &&
 *             caption_session_create(&session, model, NULL, &error) == CAPTION_OK &&
 *             caption_file(session, argv[2], NULL, &result, &error) == CAPTION_OK)
 *             printf("%s\n", result->captions[0].text);
 *         else
 *             fprintf(stderr, "%s\n", error.message);
 *         caption_session_close(&session);
 *         caption_model_close(&model);
 *         return error.status == CAPTION_OK ? 0 : 1;
 *     }
 *
 * TWO OBJECTS.  A caption_model holds the weights.  It never changes once it is open, and any number of
 * threads may use it at once.  A caption_session holds everything that changes while captions are made.  One
 * session belongs to one thread at a time; several sessions may share a model.
 *
 * FOUR LEVELS.  Each is made of the next:
 *     caption_file    a file's name
 *     caption_image   the bytes of a JPEG or PNG file
 *     caption_pixels  red, green and blue, 8 bits each
 *     caption_load_file, caption_load_image, caption_load_pixels; caption_encode; caption_decode
 * The steps of the last line work on slots: a session has max_batch of them, and each holds one image.
 *
 * MEMORY.  A session takes all its memory when it is made.  Afterwards the library allocates nothing, opens
 * no file but the image, and never prints.  One exception: OpenBLAS, which is used with CAPTION_CONV_IM2COL
 * only.  A session that needs it loads it (libopenblas.so.0).  It maps its own work memory at a process's
 * first product, and on some processors it allocates for small products too.  Where it is not installed,
 * plain C takes its place.
 *
 * ERRORS.  A function that can fail returns a caption_status.  Most also take a caption_error, which may be
 * NULL.  If it isn't, it is filled on every return: with the same status and, after a failure, with one line
 * of text that says what was wrong and where.  Every function may return CAPTION_ERROR_ARGUMENT when a
 * pointer that it needs is NULL; the lists below do not repeat that.
 *
 * VERSIONS.  A program may run with a newer library than the one whose header it was compiled with, as long
 * as both have the same CAPTION_ABI_VERSION.  The rules that make this work:
 *   - The library knows the size of every structure that a caller hands in.  Structures of options carry it,
 *     with CAPTION_ABI_VERSION, in their first two fields, which their _init function sets.  For all others
 *     the inline functions below pass it beside the pointer.  The library reads and writes nothing beyond it.
 *   - These structures grow at their ends only, and each ends without padding.  So the size says which fields
 *     there are.  A smaller structure comes from an older program: fields that it lacks have their defaults.
 *     A larger one comes from a newer program, which may rely on what this library doesn't know.  It is
 *     refused with CAPTION_ERROR_VERSION and a message that names the structure and both sizes.
 *   - `reserved` fields are room for additions.  They must be 0; the _init functions see to that.
 *   - caption_result and caption_progress belong to the library, which hands out a pointer: they may grow at
 *     their ends.  caption_text is handed out in arrays, so its size stays; its reserved field is the room.
 *   - caption_error never changes.
 *   - CAPTION_ABI_VERSION goes up whenever a program that was compiled with an older header would no longer
 *     run: when a field or function is taken away or gets another meaning.
 * Other languages, which can't use inline functions, call the functions that end in _sized and _defaults.
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

/* ---- versions and limits ---- */

#define CAPTION_VERSION_MAJOR 0
#define CAPTION_VERSION_MINOR 1
#define CAPTION_VERSION_PATCH 0
#define CAPTION_ABI_VERSION 2 /* see VERSIONS above */

/* "MAJOR.MINOR.PATCH" of this header, a string literal */
#define CAPTION_QUOTE_(text) #text
#define CAPTION_QUOTE(text) CAPTION_QUOTE_(text)
#define CAPTION_VERSION                  \
    CAPTION_QUOTE(CAPTION_VERSION_MAJOR) \
    "." CAPTION_QUOTE(CAPTION_VERSION_MINOR) "." CAPTION_QUOTE(CAPTION_VERSION_PATCH)

/* the largest values (and, where it isn't 0 or 1, the smallest) that the options below may have */
#define CAPTION_MAX_THREADS 64
#define CAPTION_MAX_BATCH 64
#define CAPTION_MAX_BEAMS 64
#define CAPTION_MAX_LENGTH 1024 /* tokens */
#define CAPTION_MAX_LENGTH_ALPHA 10.0f
#define CAPTION_MIN_REPETITION_PENALTY 0.01f
#define CAPTION_MAX_REPETITION_PENALTY 100.0f

/* the largest width and the largest height of an image, in pixels */
#define CAPTION_MAX_IMAGE_SIDE 65535

/* what the options are when neither the caller nor the model file says anything else */
#define CAPTION_DEFAULT_BEAMS 5
#define CAPTION_DEFAULT_LENGTH 20 /* tokens */
#define CAPTION_DEFAULT_LENGTH_ALPHA 0.7f
#define CAPTION_DEFAULT_REPETITION_PENALTY 1.2f
#define CAPTION_DEFAULT_MAX_PIXELS 64000000u
#define CAPTION_DEFAULT_DECODE_MEMORY ((size_t)6 << 20) /* bytes */

/* Gives the version of the library that is running.
 *
 * Returns: "MAJOR.MINOR.PATCH", a constant.  CAPTION_VERSION is the version of the header. */
CAPTION_API const char *caption_version(void);

/* ---- errors ---- */

typedef enum caption_status {
    CAPTION_OK = 0,
    CAPTION_ERROR_ARGUMENT = -1, /* a NULL pointer, a number out of range, calls in a wrong order */
    CAPTION_ERROR_MEMORY = -2,   /* an allocation failed, or the caller's memory is too small */
    CAPTION_ERROR_IO = -3,       /* a file can't be opened or read */
    CAPTION_ERROR_MODEL = -4,   /* not a model file, a damaged one, or one of a network that isn't run here */
    CAPTION_ERROR_VERSION = -5, /* a model file or a structure of a version unknown to this library */
    CAPTION_ERROR_IMAGE = -6,   /* not an image of a supported kind, or damaged beyond decoding */
    CAPTION_ERROR_LIMIT = -7,   /* the image has more than max_pixels or a side over CAPTION_MAX_IMAGE_SIDE,
                                   needs more than decode_memory, or takes too much work: a JPEG whose scans
                                   visit more than 12 million blocks of 8 x 8, a PNG whose rows have more than
                                   256 MB */
    CAPTION_ERROR_UNSUPPORTED = -8, /* left out of this build (JPEG, PNG, files, threads, allocation), or not
                                       there for models of this precision */
    CAPTION_ERROR_ABORTED = -9      /* the progress function asked to stop */
} caption_status;

/* Filled by functions that can fail.  This structure never changes. */
typedef struct caption_error {
    caption_status status; /* what the function returned */
    char message[256];     /* one line in English, without a final newline, ends in NUL; "" after success */
} caption_error;

/* Names a status.
 *
 * Returns: a short English text, a constant, for example "invalid image"; for a number that is no status,
 * "unknown status". */
CAPTION_API const char *caption_status_string(caption_status status);

/* ---- opening models ---- */

/* The weights and everything else that a model file holds. */
typedef struct caption_model caption_model;

typedef struct caption_model_options {
    int abi_version; /* set by caption_model_options_init, as are struct_size and reserved */
    uint32_t struct_size;
    int verify; /* 1: compare the checksum of every tensor, which reads the whole file.  Default 0: compare
                   those of the tables only */
    uint32_t reserved[5]; /* 0 */
} caption_model_options;

/* Fills model options for a caller whose structure has struct_size bytes.
 *
 * caption_model_options_init calls it. */
CAPTION_API void caption_model_options_defaults(caption_model_options *options, int abi_version,
                                                size_t struct_size);

/* Fills model options with their defaults.
 *
 * Change the fields that you care about afterwards. */
static inline void caption_model_options_init(caption_model_options *options)
{
    caption_model_options_defaults(options, CAPTION_ABI_VERSION, sizeof *options);
}

/* Reads for caption_model_open_callback.
 *
 * Reads exactly `size` bytes, which begin `offset` bytes behind the start of the model file, into `buffer`.
 *
 * Returns: 0, or anything else for an error. */
typedef int (*caption_read_fn)(void *user, uint64_t offset, void *buffer, size_t size);

/* Opens a model file by its name.
 *
 * The file is mapped into memory, not read, and must not change while the model is open.  *model is the open
 * model, or NULL after an error.  Close it with caption_model_close.  `options` may be NULL.
 *
 * If somebody makes the file shorter all the same, the next access to what is gone raises SIGBUS, as for any
 * mapping, and that ends the program.  A file that is replaced with rename(2) does no harm: the old one stays
 * mapped.  The library sets no handler, because signals belong to the program.
 *
 * Where others may write to the file, a program can read it into 64-byte aligned memory itself and call
 * caption_model_open_memory, or let caption_model_open_callback read it; nothing is mapped then.  Or it can
 * handle SIGBUS: write(2) a message and end with _exit(2), as the tools do.  The handler runs in the thread
 * that made the access, which may be one of a session's.
 *
 * Errors: IO, MODEL, VERSION, MEMORY, UNSUPPORTED. */
CAPTION_API caption_status caption_model_open_file(caption_model **model, const char *path,
                                                   const caption_model_options *options,
                                                   caption_error *error);

/* Opens a model file that is in memory.
 *
 * `data` [size] is used where it lies.  It must be 64-byte aligned and outlive the model.  Otherwise as
 * caption_model_open_file.
 *
 * Errors: ARGUMENT (not aligned), MODEL, VERSION, MEMORY, UNSUPPORTED. */
CAPTION_API caption_status caption_model_open_memory(caption_model **model, const void *data, size_t size,
                                                     const caption_model_options *options,
                                                     caption_error *error);

/* Opens a model file that a function reads.
 *
 * `read` is called with `user` until `size` bytes, the whole file, are in memory that the model owns.  It is
 * not called later.  Otherwise as caption_model_open_file.
 *
 * Errors: IO (the function failed), ARGUMENT (size is 0 or doesn't fit into memory), MODEL, VERSION, MEMORY,
 * UNSUPPORTED. */
CAPTION_API caption_status caption_model_open_callback(caption_model **model, caption_read_fn read,
                                                       void *user, uint64_t size,
                                                       const caption_model_options *options,
                                                       caption_error *error);

/* Gives the size of a model object.
 *
 * Returns: the bytes of memory that caption_model_init needs, which are the same for every model. */
CAPTION_API size_t caption_model_size(void);

/* Opens a model file that is in memory, without allocating.
 *
 * As caption_model_open_memory, but the model object lies in `memory`, which belongs to the caller: 64-byte
 * aligned, at least caption_model_size() bytes, and there for as long as the model is open.
 *
 * Errors: ARGUMENT (not aligned), MEMORY (memory_size is too small), MODEL, VERSION. */
CAPTION_API caption_status caption_model_init(caption_model **model, void *memory, size_t memory_size,
                                              const void *data, size_t size,
                                              const caption_model_options *options, caption_error *error);

/* Closes a model and sets *model to NULL.
 *
 * Close its sessions first.  What the library allocated or mapped is released; memory of the caller's is left
 * alone.  `model` and *model may be NULL. */
CAPTION_API void caption_model_close(caption_model **model);

/* ---- looking into models ---- */

typedef enum caption_kind {
    CAPTION_KIND_ATTENTION = 0, /* every word looks at the image through attention */
    CAPTION_KIND_BASELINE = 1   /* the image is one vector, the first input of the recurrent network */
} caption_kind;

typedef enum caption_rnn { CAPTION_RNN_GRU = 0, CAPTION_RNN_LSTM = 1 } caption_rnn;

/* The numbers that a model's weights are stored in and multiplied as. */
typedef enum caption_precision {
    CAPTION_PRECISION_FLOAT32 = 0,
    CAPTION_PRECISION_INT8 = 1 /* results have the same bits on every machine */
} caption_precision;

typedef struct caption_model_info {
    caption_kind kind;
    caption_rnn rnn;
    int layers;               /* recurrent layers */
    int input_size;           /* an image is resized to input_size x input_size pixels */
    int positions;            /* of the feature map: 49 for images of 224 x 224; 1 for the baseline kind */
    int feature_channels;     /* numbers at each position: 2048 for ResNet-50; baseline kind: embed_size */
    int embed_size;           /* numbers that stand for a word */
    int hidden_size;          /* numbers in a recurrent layer's state */
    int attention_size;       /* numbers in which image and state are compared; 0 for the baseline kind */
    int vocabulary_size;      /* words, the special tokens included */
    int pad, start, end, unk; /* ids of the special tokens, 0..vocabulary_size-1 */
    int tensor_count;
    int metadata_count;
    uint64_t parameters; /* numbers in all tensors, without padding and without second copies */
    uint64_t bytes;      /* of the model file */
    caption_precision precision;
    int reserved; /* 0 */
} caption_model_info;

/* Describes a model to a caller whose structure has info_size bytes.
 *
 * caption_model_get_info calls it.
 *
 * Errors: VERSION (info_size is larger than this library's structure). */
CAPTION_API caption_status caption_model_get_info_sized(const caption_model *model, caption_model_info *info,
                                                        size_t info_size, caption_error *error);

/* Describes a model.
 *
 * Errors: VERSION.  Nothing is written to *info then. */
static inline caption_status caption_model_get_info(const caption_model *model, caption_model_info *info)
{
    return caption_model_get_info_sized(model, info, sizeof *info, NULL);
}

/* Gives a word of the vocabulary.
 *
 * Returns: the text of token `id` in UTF-8, owned by the model, or NULL unless 0 <= id < vocabulary_size. */
CAPTION_API const char *caption_model_word(const caption_model *model, int id);

/* Gives a metadata entry by its number.
 *
 * Metadata are pairs of texts in the model file.  *key and *value belong to the model.
 *
 * Errors: ARGUMENT unless 0 <= index < metadata_count; *key and *value are left alone then. */
CAPTION_API caption_status caption_model_metadata(const caption_model *model, int index, const char **key,
                                                  const char **value);

/* Finds a metadata entry by its key.
 *
 * Returns: its value, owned by the model, or NULL when there is no such key. */
CAPTION_API const char *caption_model_find_metadata(const caption_model *model, const char *key);

typedef struct caption_tensor_info {
    const char *name;       /* owned by the model */
    const char *dtype;      /* of a number: "float32" or "int16"; a constant */
    const char *layout;     /* how the numbers are ordered, as docs/format.md names it; a constant */
    int rank;               /* 1..4 */
    uint32_t dims[4];       /* [rank] logical sizes, before any padding; 1 or more */
    uint64_t offset, bytes; /* where it lies in the model file */
    uint32_t crc;           /* CRC-32 of those bytes */
    const void *data;       /* those bytes, owned by the model */
} caption_tensor_info;

/* Describes a tensor to a caller whose structure has info_size bytes.
 *
 * caption_model_tensor calls it.
 *
 * Errors: ARGUMENT unless 0 <= index < tensor_count; VERSION (info_size is larger than this library's
 * structure). */
CAPTION_API caption_status caption_model_tensor_sized(const caption_model *model, int index,
                                                      caption_tensor_info *info, size_t info_size,
                                                      caption_error *error);

/* Describes a tensor of a model.
 *
 * Errors: ARGUMENT unless 0 <= index < tensor_count; VERSION.  Nothing is written to *info then. */
static inline caption_status caption_model_tensor(const caption_model *model, int index,
                                                  caption_tensor_info *info)
{
    return caption_model_tensor_sized(model, index, info, sizeof *info, NULL);
}

/* Compares a tensor with its checksum.
 *
 * Errors: MODEL (the message names the tensor), ARGUMENT unless 0 <= index < tensor_count. */
CAPTION_API caption_status caption_model_verify(const caption_model *model, int index, caption_error *error);

/* ---- sessions ---- */

/* The memory in which captions are made, and threads that help. */
typedef struct caption_session caption_session;

/* Instruction sets, as bits.  One that the machine lacks is ignored, and so is one whose base (AVX2 of
 * AVX2_VNNI, AVX512 of AVX512_VNNI, NEON of NEON_DOT, SIMD128 of RELAXED) is not allowed. */
#define CAPTION_CPU_AVX2 1u
#define CAPTION_CPU_AVX512 2u
#define CAPTION_CPU_NEON 4u
#define CAPTION_CPU_AVX512_VNNI 8u
#define CAPTION_CPU_AVX2_VNNI 16u
#define CAPTION_CPU_NEON_DOT 32u
#define CAPTION_CPU_SIMD128 64u  /* of WebAssembly */
#define CAPTION_CPU_RELAXED 128u /* of WebAssembly: relaxed SIMD */
#define CAPTION_CPU_MVE 256u     /* Helium with floats: Cortex-M55, M85 */
#define CAPTION_CPU_ALL 0xFFFFFFFFu

/* How convolutions are computed.  Int8 models always take DIRECT. */
typedef enum caption_conv {
    CAPTION_CONV_AUTO = 0,   /* for each layer, what is fastest with the session's instruction set */
    CAPTION_CONV_DIRECT = 1, /* kernels that read the map in place */
    CAPTION_CONV_WINOGRAD =
        2,                  /* Winograd's algorithm where the model has weights for it (int8: where the
                               instruction set has no dot product of bytes, to the same bits), else DIRECT */
    CAPTION_CONV_IM2COL = 3 /* im2col, then one matrix product (by OpenBLAS where that is built in) */
} caption_conv;

typedef struct caption_session_options {
    int abi_version; /* set by caption_session_options_init, as are struct_size and reserved */
    uint32_t struct_size;
    int threads;         /* 1..CAPTION_MAX_THREADS, default 1.  Results are the same for every number */
    int max_batch;       /* slots, 1..CAPTION_MAX_BATCH, default 1 */
    int max_beams;       /* widest beam search, 1..CAPTION_MAX_BEAMS.  Default 0: the width in the model file,
                            but CAPTION_DEFAULT_BEAMS at least */
    int max_length;      /* longest caption in tokens, 1..CAPTION_MAX_LENGTH.  Default 0: the length in the
                            model file, but CAPTION_DEFAULT_LENGTH at least */
    caption_conv conv;   /* default CAPTION_CONV_AUTO */
    uint32_t cpu;        /* CAPTION_CPU_ bits of the instruction sets to use, default CAPTION_CPU_ALL */
    int no_exif;         /* 1: ignore EXIF orientation, as the published system does.  Default 0: obey it */
    int strict;          /* 1: refuse an image that decodes only with warnings.  Default 0: take it */
    uint64_t max_pixels; /* width x height that an image may have, 1 or more, default
                            CAPTION_DEFAULT_MAX_PIXELS */
    size_t decode_memory; /* bytes for decoding and resizing, default CAPTION_DEFAULT_DECODE_MEMORY; 0: as
                             many as encoder and search take, whose memory they share; caption_image_probe
                             says what an image needs */
    int explain;          /* 1: set memory aside for caption_explain, too.  Default 0 */
    /* 1: as little memory as there can be, for one slot without `explain`.  The encoder's first layers run
     * row by row, by direct convolution, and features take the place of the pixels: encoding a slot uses its
     * image up, and loading one its features.  The progress function is called as often, without a map while
     * the first layers run.  Slower with several threads.  Default 0 */
    int low_memory;
    uint64_t reserved[3]; /* 0 */
} caption_session_options;

/* Fills session options for a caller whose structure has struct_size bytes.
 *
 * caption_session_options_init calls it. */
CAPTION_API void caption_session_options_defaults(caption_session_options *options, int abi_version,
                                                  size_t struct_size);

/* Fills session options with their defaults.
 *
 * Change the fields that you care about afterwards. */
static inline void caption_session_options_init(caption_session_options *options)
{
    caption_session_options_defaults(options, CAPTION_ABI_VERSION, sizeof *options);
}

/* Gives the size of a session.
 *
 * `options` may be NULL, which stands for the defaults.
 *
 * Errors: ARGUMENT (an option is out of range), VERSION, MEMORY (the size doesn't fit into a size_t),
 * UNSUPPORTED.
 *
 * Returns: the bytes that caption_session_init needs; 0 after an error, which only `error` can tell. */
CAPTION_API size_t caption_session_size(const caption_model *model, const caption_session_options *options,
                                        caption_error *error);

/* Makes a session in the caller's memory.
 *
 * `memory` must be 64-byte aligned, have caption_session_size bytes for the same model and options, and
 * outlive the session, as must the model.  *session is the session, or NULL after an error.  Close it with
 * caption_session_close, which ends its threads and releases libjpeg's state, the one thing that libjpeg
 * allocates here.
 *
 * Errors: ARGUMENT (not aligned, an option is out of range), VERSION, MEMORY (memory_size is too small, or
 * threads can't be started), UNSUPPORTED. */
CAPTION_API caption_status caption_session_init(caption_session **session, void *memory, size_t memory_size,
                                                const caption_model *model,
                                                const caption_session_options *options, caption_error *error);

/* Makes a session in memory that it allocates.
 *
 * As caption_session_init.  The model must outlive the session.
 *
 * Errors: ARGUMENT (an option is out of range), VERSION, MEMORY, UNSUPPORTED. */
CAPTION_API caption_status caption_session_create(caption_session **session, const caption_model *model,
                                                  const caption_session_options *options,
                                                  caption_error *error);

/* Closes a session and sets *session to NULL.
 *
 * `session` and *session may be NULL. */
CAPTION_API void caption_session_close(caption_session **session);

/* ---- options of the search, and results ---- */

typedef enum caption_search {
    CAPTION_SEARCH_BEAM = 0,  /* keeps the best `beams` beginnings at each step */
    CAPTION_SEARCH_GREEDY = 1 /* takes the most probable word at each step; gives one caption */
} caption_search;

/* What happens to the log-probability, which is negative, of a word that a caption already has. */
typedef enum caption_penalty {
    CAPTION_PENALTY_PUBLISHED = 0, /* it is divided by repetition_penalty, which makes the word MORE likely;
                                      the published system does so, and its figures were measured with it */
    CAPTION_PENALTY_CORRECTED = 1  /* it is multiplied, which makes the word less likely */
} caption_penalty;

typedef enum caption_stage {
    CAPTION_STAGE_ENCODER = 0,
    CAPTION_STAGE_DECODER = 1,
    CAPTION_STAGE_EXPLAIN = 2 /* caption_explain */
} caption_stage;

/* The output of a layer of the encoder, as it lies in the session's memory.  Only to be read, and only during
 * the call that hands it out. */
typedef struct caption_map {
    const char *layer; /* its name, e.g. "layer1.0.conv1", as caption_session_layer gives it */
    int images;        /* how many images the map has; see caption_progress */
    int height, width, channels;
    size_t pitch;         /* elements from one position to the next, at least `channels` */
    const float *values;  /* [images, height, width, pitch] of a model of float32, else NULL */
    const uint8_t *bytes; /* the same of an int8 model, else NULL; a value is scale * (byte - zero_point).
                             Also NULL where a later layer adds the map and none multiplies it: then it has
                             only `wide` */
    float scale;          /* int8: what a step of 1 is worth; else 0 */
    int zero_point;       /* int8: the byte of the value 0, 0..255; else 0 */
    const uint16_t *wide; /* the same of an int8 model, where a later layer adds the map, else NULL; a value
                             is scale * (wide / 256 - zero_point) */
} caption_map;

/* What a progress function is told. */
typedef struct caption_progress {
    caption_stage stage;
    int done;  /* encoder: layers that have run; decoder: steps that have been computed; explain: parts of the
                  work that are done, 1..total.  Begins at 1 */
    int total; /* encoder: layers that run in this call, 54 for each group of up to 4 images.
                  decoder: max_length.  A search whose captions all end earlier stops before `done` gets
                  there. explain: parts of the work.  They take about the same time each */
    int rows;  /* decoder: beginnings of captions in this step, 1..beams; else 0 */
    const float *logits; /* decoder, when the option `logits` is 1: [rows, vocabulary_size], valid during the
                            call.  Else NULL */
    const caption_map *map; /* encoder: what the layer has just computed; else NULL.  Of a group of
                               several images, the first layers take one image after the other, and only the
                               last image's map is shown.  With max_batch 1 every map is */
    int slot;           /* decoder: the slot whose search has made the step; explain: the slot; encoder: 0 */
    int settled_count;  /* decoder: how many tokens all captions of the search begin with, finished ones
                           too.  They are final: the result has no caption without them.  Else 0 */
    const int *settled; /* decoder: [settled_count] these tokens, valid during the call; else NULL */
} caption_progress;

/* Is told how far the work has got.
 *
 * It is called after every layer of the encoder, every step of the decoder and every part of an explanation,
 * by the thread that called the library.
 *
 * Returns: 0 to go on, anything else to stop the work with CAPTION_ERROR_ABORTED. */
typedef int (*caption_progress_fn)(void *user, const caption_progress *progress);

/* "The model's" is the value in the model file; where that has none, the CAPTION_DEFAULT_ value. */
typedef struct caption_decode_options {
    int abi_version; /* set by caption_decode_options_init, as are struct_size and reserved */
    uint32_t struct_size;
    caption_search search; /* default: the model's, else CAPTION_SEARCH_BEAM */
    int beams;             /* width of the beam search, 1 to the session's max_beams; default: the model's */
    int nbest;             /* captions wanted, 1..beams; default 0: all that the search found */
    int max_length;        /* tokens of a caption, <end> counted, 1 to the session's max_length; default: the
                              model's */
    int min_length;        /* tokens, <end> counted, that a caption has at least, 0..max_length; default 0 */
    float length_alpha;    /* a caption's score is its log-probability / length^length_alpha,
                              0..CAPTION_MAX_LENGTH_ALPHA; default: the model's */
    float repetition_penalty; /* CAPTION_MIN_REPETITION_PENALTY..CAPTION_MAX_REPETITION_PENALTY, 1 is none;
                                 default: the model's.  It has no effect on greedy search */
    caption_penalty penalty;  /* default: the model's, else CAPTION_PENALTY_PUBLISHED */
    caption_progress_fn progress; /* or NULL, the default */
    void *progress_user;          /* passed to it */
    int logits; /* 1: the progress function gets the logits of every word, which makes the decoder slower.
                   Default 0 */
    uint64_t reserved[4]; /* 0 */
} caption_decode_options;

/* Fills decoding options for a caller whose structure has struct_size bytes.
 *
 * caption_decode_options_init calls it. */
CAPTION_API void caption_decode_options_defaults(caption_decode_options *options, const caption_model *model,
                                                 int abi_version, size_t struct_size);

/* Fills decoding options with the defaults of a model.
 *
 * With model NULL they are those of the published system.  Change the fields that you care about
 * afterwards. */
static inline void caption_decode_options_init(caption_decode_options *options, const caption_model *model)
{
    caption_decode_options_defaults(options, model, CAPTION_ABI_VERSION, sizeof *options);
}

/* One caption.  Arrays of it are handed out, so its size does not change. */
typedef struct caption_text {
    const char *text;       /* the sentence, UTF-8: words joined by single spaces, without special tokens */
    const int *ids;         /* [length] the tokens as they were found, <end> too where the search found it */
    int length;             /* tokens, 1 or more */
    double log_probability; /* natural logarithm, summed over the tokens; repetition penalties are in it */
    double score;           /* log_probability / length^length_alpha; captions are ordered by it.  NaN where a
                               model's numbers are not finite: such captions come last */
    double confidence;      /* exp(score), 1 at most; 0 where the score is NaN */
    const float *alpha;     /* [length, positions] where each token looked: attention weights, which are 0 or
                               more and sum to 1 in each row.  Position = row of the map x columns + column.
                               NULL for the baseline kind */
    uint64_t reserved[2];   /* 0 */
} caption_text;

/* What was found in an image.  It may grow at its end. */
typedef struct caption_result {
    int count;                    /* captions, 1 or more */
    const caption_text *captions; /* [count], best first */
    int warnings;        /* complaints of the image's decoder; the caption is of what could be decoded */
    const char *warning; /* the first complaint, or NULL */
} caption_result;

/* ---- captioning one image ---- */

/* Captions an image file.
 *
 * `path` names a JPEG or PNG file.  `options` may be NULL, which stands for the model's defaults.  *result
 * belongs to the session, is valid until the session's next call (caption_explain excepted), and is NULL
 * after an error.  Slot 0 is used.
 *
 * The file is mapped while it is decoded: what caption_model_open_file says about files that become shorter
 * holds here too.  caption_image maps nothing.
 *
 * Errors: IO, IMAGE, LIMIT, ARGUMENT (an option is out of range), VERSION, UNSUPPORTED, ABORTED. */
CAPTION_API caption_status caption_file(caption_session *session, const char *path,
                                        const caption_decode_options *options, const caption_result **result,
                                        caption_error *error);

/* Captions an encoded image in memory.
 *
 * `data` [size] are the bytes of a JPEG or PNG file; they are not needed after the call.  Otherwise as
 * caption_file.
 *
 * Errors: IMAGE, LIMIT, ARGUMENT (an option is out of range), VERSION, UNSUPPORTED, ABORTED. */
CAPTION_API caption_status caption_image(caption_session *session, const void *data, size_t size,
                                         const caption_decode_options *options, const caption_result **result,
                                         caption_error *error);

/* Pixels in the caller's memory. */
typedef struct caption_pixel_view {
    const uint8_t *rgb; /* [height, width, 3], red first; the top row's first byte */
    int width, height;  /* 1..CAPTION_MAX_IMAGE_SIDE */
    ptrdiff_t stride;   /* bytes from a row to the one below, at least width * 3, or negative for images that
                           are stored from the bottom up; 0: width * 3.  height rows fit into a ptrdiff_t */
} caption_pixel_view;

/* Captions pixels for a caller whose view has pixels_size bytes.
 *
 * caption_pixels calls it.
 *
 * Errors: as caption_pixels; VERSION too when pixels_size is larger than this library's structure. */
CAPTION_API caption_status caption_pixels_sized(caption_session *session, const caption_pixel_view *pixels,
                                                size_t pixels_size, const caption_decode_options *options,
                                                const caption_result **result, caption_error *error);

/* Captions pixels.
 *
 * They may have any size and are resized; they are not needed after the call.  Otherwise as caption_file.
 *
 * Errors: ARGUMENT (sizes, stride or an option out of range), LIMIT, VERSION, ABORTED. */
static inline caption_status caption_pixels(caption_session *session, const caption_pixel_view *pixels,
                                            const caption_decode_options *options,
                                            const caption_result **result, caption_error *error)
{
    return caption_pixels_sized(session, pixels, sizeof *pixels, options, result, error);
}

/* ---- the steps: load slots, encode them together, decode each as often as you like ---- */

/* Loads an image file into a slot.
 *
 * The image is decoded and resized to input_size x input_size pixels.  Slots are numbered 0..max_batch-1.
 * After an error the slot is empty.  The file is mapped, as by caption_file.
 *
 * Errors: IO, IMAGE, LIMIT, ARGUMENT (there is no such slot), UNSUPPORTED. */
CAPTION_API caption_status caption_load_file(caption_session *session, int slot, const char *path,
                                             caption_error *error);

/* Loads an encoded image in memory into a slot.
 *
 * `data` [size] are the bytes of a JPEG or PNG file.  Otherwise as caption_load_file.
 *
 * Errors: IMAGE, LIMIT, ARGUMENT (there is no such slot), UNSUPPORTED. */
CAPTION_API caption_status caption_load_image(caption_session *session, int slot, const void *data,
                                              size_t size, caption_error *error);

/* Loads pixels into a slot for a caller whose view has pixels_size bytes.
 *
 * caption_load_pixels calls it.
 *
 * Errors: as caption_load_pixels; VERSION (pixels_size is larger than this library's structure). */
CAPTION_API caption_status caption_load_pixels_sized(caption_session *session, int slot,
                                                     const caption_pixel_view *pixels, size_t pixels_size,
                                                     caption_error *error);

/* Loads pixels into a slot.
 *
 * Otherwise as caption_load_file.
 *
 * Errors: LIMIT, ARGUMENT (there is no such slot, sizes or stride are out of range), VERSION. */
static inline caption_status caption_load_pixels(caption_session *session, int slot,
                                                 const caption_pixel_view *pixels, caption_error *error)
{
    return caption_load_pixels_sized(session, slot, pixels, sizeof *pixels, error);
}

/* Runs the encoder on slots 0..count-1.
 *
 * All of them must be loaded.  Images that are encoded together take less time than one by one and give the
 * same features.  Of `options`, which may be NULL, only the progress function is used.  After an error none
 * of these slots has features.
 *
 * Errors: ARGUMENT (count is not 1..max_batch, a slot isn't loaded), VERSION, ABORTED. */
CAPTION_API caption_status caption_encode(caption_session *session, int count,
                                          const caption_decode_options *options, caption_error *error);

/* Searches for the captions of an encoded slot.
 *
 * The slot keeps its features, so it can be decoded again with other options.  `options` and *result are as
 * in caption_file.
 *
 * Errors: ARGUMENT (there is no such slot, it isn't encoded, an option is out of range), VERSION, ABORTED. */
CAPTION_API caption_status caption_decode(caption_session *session, int slot,
                                          const caption_decode_options *options,
                                          const caption_result **result, caption_error *error);

/* Searches for the captions of encoded slots together.
 *
 * The slots are 0..count-1, and all of them must be encoded.  Images that are searched together take less
 * time than one by one, since every weight is read once for several of them.  What is found for each is the
 * same to the bit as what caption_decode finds.  results [count] get pointers to what was found in each slot;
 * they belong to the session, are valid until its next call (caption_explain excepted), and are NULL after an
 * error.  The progress function is told of each slot's steps; it finds the slot in caption_progress.
 * Otherwise as caption_decode.
 *
 * Errors: ARGUMENT (count is not 1..max_batch, a slot isn't encoded, an option is out of range), VERSION,
 * ABORTED. */
CAPTION_API caption_status caption_decode_batch(caption_session *session, int count,
                                                const caption_decode_options *options,
                                                const caption_result **results, caption_error *error);

/* Gives the resized image in a slot.
 *
 * Returns: [input_size, input_size, 3], 8 bits, red first, owned by the session and valid until the slot is
 * loaded again; NULL unless the slot is loaded. */
CAPTION_API const uint8_t *caption_slot_pixels(const caption_session *session, int slot);

/* Gives the features in a slot.
 *
 * Returns: [positions, feature_channels], owned by the session and valid until the slot is encoded again;
 * NULL unless the slot is encoded. */
CAPTION_API const float *caption_slot_features(const caption_session *session, int slot);

/* Puts kept features into a slot.
 *
 * `features` [positions, feature_channels] are a copy of what caption_slot_features gave for the same model.
 * The slot counts as encoded then, and as not loaded.
 *
 * Errors: ARGUMENT (there is no such slot). */
CAPTION_API caption_status caption_set_features(caption_session *session, int slot, const float *features,
                                                caption_error *error);

/* ---- why these words: explanations ----
 *
 *     caption_session_options_init(&session_options);
 *     session_options.explain = 1;
 *     ...
 *     if (caption_file(session, path, NULL, &result, &error) == CAPTION_OK &&
 *         caption_explain(session, 0, &result->captions[0], NULL, &why, &error) == CAPTION_OK)
 *         for (int t = 0; t < why->length; t++)
 *             show(result->captions[0].ids[t], why->maps + t * why->rows * why->columns);
 *
 * An explanation gives each token of a caption a map: one number for each position of the feature map, 7 x 7
 * of them for images of 224 x 224.  Position = row x columns + column, and each stands for a square of the
 * image of input_size / columns pixels.  In what follows, y is the log-probability of a token after the
 * tokens before it, without any penalty, and f[p][c] is channel c of the feature map at position p. */

typedef enum caption_explain_method {
    /* Grad-CAM (Selvaraju et al. 2017): w[c] = mean over p of dy / df[p][c], and the map at p is the sum over
     * c of w[c] f[p][c], or 0 where that is negative.  Needs a float32 model */
    CAPTION_EXPLAIN_GRADCAM = 0,
    /* What the published system shows: the mean over c of f[p][c], moved and scaled so that the map's least
     * number is 0 and its largest 1; all 0 where both are equal.  It depends on no word: all maps are equal
     */
    CAPTION_EXPLAIN_PUBLISHED = 1,
    /* How much y falls when the square of position p is covered with the model's mean colour.  Negative where
     * the word becomes more probable.  Encodes the image once for each position */
    CAPTION_EXPLAIN_OCCLUSION = 2
} caption_explain_method;

typedef struct caption_explain_options {
    int abi_version; /* set by caption_explain_options_init, as are struct_size and reserved */
    uint32_t struct_size;
    caption_explain_method method; /* default CAPTION_EXPLAIN_GRADCAM */
    int unused;                    /* 0 */
    caption_progress_fn progress;  /* or NULL, the default; told of CAPTION_STAGE_EXPLAIN */
    void *progress_user;           /* passed to it */
    uint64_t reserved[4];          /* 0 */
} caption_explain_options;

/* Fills options of an explanation for a caller whose structure has struct_size bytes.
 *
 * caption_explain_options_init calls it. */
CAPTION_API void caption_explain_options_defaults(caption_explain_options *options, int abi_version,
                                                  size_t struct_size);

/* Fills options of an explanation with their defaults.
 *
 * Change the fields that you care about afterwards. */
static inline void caption_explain_options_init(caption_explain_options *options)
{
    caption_explain_options_defaults(options, CAPTION_ABI_VERSION, sizeof *options);
}

/* Why a caption's words came.  It may grow at its end. */
typedef struct caption_explanation {
    caption_explain_method method;
    int length;                     /* tokens, those of the caption */
    int rows, columns;              /* of each map */
    int channels;                   /* C, of the feature map */
    const float *maps;              /* [length, rows, columns], see the methods */
    const float *log_probabilities; /* [length] y; NULL with CAPTION_EXPLAIN_PUBLISHED */
    const float *weights;           /* [length, channels] w, with CAPTION_EXPLAIN_GRADCAM; else NULL */
} caption_explanation;

/* Explains a caption of an encoded slot, word by word.
 *
 * The session must have been made with the option `explain`.  Of `caption` only ids and length are read: any
 * caption of any result will do, and so will tokens from elsewhere.  `options` may be NULL.  *explanation
 * belongs to the session, is valid until the session's next call, and is NULL after an error.  The slots, and
 * the result of the last search, stay as they are.
 *
 * CAPTION_EXPLAIN_OCCLUSION needs the slot's image, and the baseline kind's other maps need its feature map.
 * So a slot that caption_set_features filled has no such explanations.
 *
 * Grad-CAM of a caption of 20 tokens takes up to three times as long as the search for it.  Occlusion takes
 * longer than encoding rows x columns images, and encodes max_batch of them at a time.
 *
 * Errors: ARGUMENT (the session was made without `explain`, there is no such slot, it isn't encoded or lacks
 * what the method needs, length is not 1..the session's max_length, an id or an option is out of range),
 * UNSUPPORTED (Grad-CAM of an int8 model), VERSION, ABORTED. */
CAPTION_API caption_status caption_explain(caption_session *session, int slot, const caption_text *caption,
                                           const caption_explain_options *options,
                                           const caption_explanation **explanation, caption_error *error);

/* ---- looking at images and sessions ---- */

typedef enum caption_format { CAPTION_FORMAT_JPEG = 1, CAPTION_FORMAT_PNG = 2 } caption_format;

typedef struct caption_image_info {
    caption_format format;
    int width, height;    /* as stored, before EXIF orientation is obeyed; 1 or more */
    int orientation;      /* EXIF, 1..8; 1 where there is none */
    int staged;           /* 1: a JPEG of several scans or an interlaced PNG, whose pixels must all be kept */
    size_t decode_memory; /* bytes that a session needs to decode it and resize it to 224 x 224 pixels */
} caption_image_info;

/* Reads an image's header for a caller whose structure has info_size bytes.
 *
 * caption_image_probe calls it.
 *
 * Errors: as caption_image_probe; VERSION (info_size is larger than this library's structure). */
CAPTION_API caption_status caption_image_probe_sized(const void *data, size_t size, caption_image_info *info,
                                                     size_t info_size, caption_error *error);

/* Reads an encoded image's header.
 *
 * `data` [size] are the bytes of a JPEG or PNG file, of which a JPEG's must go on behind the header of its
 * first scan.  Works in every build, also for formats that it can't decode.
 *
 * Errors: IMAGE, LIMIT (decode_memory would not fit into a size_t), VERSION.  Nothing is written to *info
 * then. */
static inline caption_status caption_image_probe(const void *data, size_t size, caption_image_info *info,
                                                 caption_error *error)
{
    return caption_image_probe_sized(data, size, info, sizeof *info, error);
}

typedef struct caption_layer_info {
    const char *name; /* e.g. "layer2.0.conv2", owned by the model */
    const char
        *algorithm; /* "direct", "winograd", "im2col" or, for the pooling layer, "maxpool"; a constant */
    int in_height, in_width, in_channels; /* of the map that it reads, without zeros around it */
    int out_height, out_width, out_channels;
    int kernel, stride;   /* kernel x kernel numbers of a channel, taken every `stride` */
    double multiply_adds; /* out_height out_width out_channels in_channels kernel^2, for one image; the
                             pooling layer: 0 */
} caption_layer_info;

/* Describes a layer to a caller whose structure has info_size bytes.
 *
 * caption_session_layer calls it.
 *
 * Errors: ARGUMENT (there is no such layer); VERSION (info_size is larger than this library's structure). */
CAPTION_API caption_status caption_session_layer_sized(const caption_session *session, int index,
                                                       caption_layer_info *info, size_t info_size,
                                                       caption_error *error);

/* Describes a layer of the encoder.
 *
 * Layers are numbered from 0 in the order in which they run and in which caption_progress counts them.  The
 * algorithm is the one that this session uses.
 *
 * Errors: ARGUMENT (there is no such layer), VERSION.  Nothing is written to *info then. */
static inline caption_status caption_session_layer(const caption_session *session, int index,
                                                   caption_layer_info *info)
{
    return caption_session_layer_sized(session, index, info, sizeof *info, NULL);
}

/* Names the instruction set that a session uses.
 *
 * Returns: "avx512vnni", "avx512", "avx2vnni", "avx2", "neondot", "neon", "relaxed", "simd128", "mve" or "c"
 * (plain C), a constant; "" when session is NULL. */
CAPTION_API const char *caption_session_cpu(const caption_session *session);

#ifdef __cplusplus
}
#endif

#endif
