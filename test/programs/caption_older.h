/* caption_older.h - caption.h as an earlier version of the same CAPTION_ABI_VERSION could have been: every
 * structure that a caller hands in lacks its last fields.  Frozen; only what older_caller.c needs. */
#ifndef CAPTION_OLDER_H
#define CAPTION_OLDER_H

#include <stddef.h>
#include <stdint.h>

#define CAPTION_ABI_VERSION 2

typedef enum caption_status { CAPTION_OK = 0, CAPTION_ERROR_ARGUMENT = -1 } caption_status;

typedef struct caption_error {
    caption_status status;
    char message[256];
} caption_error;

/* ---- models ---- */

typedef struct caption_model caption_model;

typedef struct caption_model_options { /* lacks: verify, reserved */
    int abi_version;
    uint32_t struct_size;
} caption_model_options;

void caption_model_options_defaults(caption_model_options *options, int abi_version, size_t struct_size);
static inline void caption_model_options_init(caption_model_options *options)
{
    caption_model_options_defaults(options, CAPTION_ABI_VERSION, sizeof *options);
}

caption_status caption_model_open_file(caption_model **model, const char *path,
                                       const caption_model_options *options, caption_error *error);
void caption_model_close(caption_model **model);

typedef struct caption_model_info { /* lacks: attention_size and all behind it */
    int kind, rnn, layers, input_size, positions, feature_channels, embed_size, hidden_size;
} caption_model_info;

caption_status caption_model_get_info_sized(const caption_model *model, caption_model_info *info,
                                            size_t info_size, caption_error *error);
static inline caption_status caption_model_get_info(const caption_model *model, caption_model_info *info)
{
    return caption_model_get_info_sized(model, info, sizeof *info, NULL);
}

typedef struct caption_tensor_info { /* lacks: offset, bytes, crc, data */
    const char *name, *dtype, *layout;
    int rank;
    uint32_t dims[4];
} caption_tensor_info;

caption_status caption_model_tensor_sized(const caption_model *model, int index, caption_tensor_info *info,
                                          size_t info_size, caption_error *error);
static inline caption_status caption_model_tensor(const caption_model *model, int index,
                                                  caption_tensor_info *info)
{
    return caption_model_tensor_sized(model, index, info, sizeof *info, NULL);
}

/* ---- sessions ---- */

typedef struct caption_session caption_session;

typedef struct caption_session_options { /* lacks: max_length and all behind it */
    int abi_version;
    uint32_t struct_size;
    int threads, max_batch, max_beams;
} caption_session_options;

void caption_session_options_defaults(caption_session_options *options, int abi_version, size_t struct_size);
static inline void caption_session_options_init(caption_session_options *options)
{
    caption_session_options_defaults(options, CAPTION_ABI_VERSION, sizeof *options);
}

caption_status caption_session_create(caption_session **session, const caption_model *model,
                                      const caption_session_options *options, caption_error *error);
void caption_session_close(caption_session **session);

typedef struct caption_decode_options { /* lacks: max_length and all behind it */
    int abi_version;
    uint32_t struct_size;
    int search, beams, nbest;
} caption_decode_options;

void caption_decode_options_defaults(caption_decode_options *options, const caption_model *model,
                                     int abi_version, size_t struct_size);
static inline void caption_decode_options_init(caption_decode_options *options, const caption_model *model)
{
    caption_decode_options_defaults(options, model, CAPTION_ABI_VERSION, sizeof *options);
}

/* ---- captioning ---- */

typedef struct caption_text { /* of the size that it always has */
    const char *text;
    const int *ids;
    int length;
    double log_probability, score, confidence;
    const float *alpha;
    uint64_t reserved[2];
} caption_text;

typedef struct caption_result { /* lacks: warnings, warning */
    int count;
    const caption_text *captions;
} caption_result;

typedef struct caption_pixel_view { /* lacks: stride */
    const uint8_t *rgb;
    int width, height;
} caption_pixel_view;

caption_status caption_file(caption_session *session, const char *path, const caption_decode_options *options,
                            const caption_result **result, caption_error *error);
caption_status caption_pixels_sized(caption_session *session, const caption_pixel_view *pixels,
                                    size_t pixels_size, const caption_decode_options *options,
                                    const caption_result **result, caption_error *error);
static inline caption_status caption_pixels(caption_session *session, const caption_pixel_view *pixels,
                                            const caption_decode_options *options,
                                            const caption_result **result, caption_error *error)
{
    return caption_pixels_sized(session, pixels, sizeof *pixels, options, result, error);
}
caption_status caption_load_pixels_sized(caption_session *session, int slot, const caption_pixel_view *pixels,
                                         size_t pixels_size, caption_error *error);
static inline caption_status caption_load_pixels(caption_session *session, int slot,
                                                 const caption_pixel_view *pixels, caption_error *error)
{
    return caption_load_pixels_sized(session, slot, pixels, sizeof *pixels, error);
}

/* ---- looking ---- */

typedef struct caption_image_info { /* lacks: staged, decode_memory */
    int format, width, height, orientation;
} caption_image_info;

caption_status caption_image_probe_sized(const void *data, size_t size, caption_image_info *info,
                                         size_t info_size, caption_error *error);
static inline caption_status caption_image_probe(const void *data, size_t size, caption_image_info *info,
                                                 caption_error *error)
{
    return caption_image_probe_sized(data, size, info, sizeof *info, error);
}

typedef struct caption_layer_info { /* lacks: kernel, stride, multiply_adds */
    const char *name, *algorithm;
    int in_height, in_width, in_channels, out_height, out_width, out_channels;
} caption_layer_info;

caption_status caption_session_layer_sized(const caption_session *session, int index,
                                           caption_layer_info *info, size_t info_size, caption_error *error);
static inline caption_status caption_session_layer(const caption_session *session, int index,
                                                   caption_layer_info *info)
{
    return caption_session_layer_sized(session, index, info, sizeof *info, NULL);
}

#endif
