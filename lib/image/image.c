/* image.c - which decoder an image needs, limits, and pixels that are there already.  Called by api.c and
 * session.c. */
#include "lib/image/image.h"

#include <stdio.h>
#include <string.h>

#include "lib/image/decoders.h"

struct cpt_image_decoder {
    cpt_image_config config;
    uint8_t *workspace; /* [config.decode_memory] */
    cpt_jpeg *jpeg;     /* NULL in builds without it */
};

#define PROBE_OUT_SIZE 224 /* the size that caption_image_probe assumes the image is resized to */

/* Bytes of the resizer's tables and rows. */
static size_t resizer_bytes(int width, int height, int orientation, int out_size)
{
    const int size[2] = {width, height};
    cpt_resizer resizer;
    cpt_arena dry;
    cpt_arena_init(&dry, NULL, 0);
    cpt_resizer_init(&resizer, &dry, size, orientation, out_size, NULL);
    return dry.failed ? SIZE_MAX : dry.used;
}

caption_status cpt_image_decoder_init(cpt_image_decoder **decoder, cpt_arena *arena,
                                      const cpt_image_config *config, caption_error *error)
{
    cpt_image_decoder *d = cpt_arena_take(arena, 1, sizeof *d);
    uint8_t *workspace = cpt_arena_take(arena, config->decode_memory, 1);
    cpt_jpeg *jpeg = NULL;
#if CAPTION_WITH_JPEG
    jpeg = cpt_arena_take(arena, 1, cpt_jpeg_object_size());
#endif
    *decoder = NULL;
    if (!arena->base) return CAPTION_OK;
    if (arena->failed) return cpt_fail(error, CAPTION_ERROR_MEMORY, "the image decoder does not fit");
    d->config = *config;
    d->workspace = workspace;
    d->jpeg = jpeg;
#if CAPTION_WITH_JPEG
    if (cpt_jpeg_init(jpeg, error)) return CAPTION_ERROR_MEMORY;
#endif
    *decoder = d;
    return CAPTION_OK;
}

void cpt_image_decoder_close(cpt_image_decoder *decoder)
{
#if CAPTION_WITH_JPEG
    if (decoder) cpt_jpeg_close(decoder->jpeg);
#else
    (void)decoder;
#endif
}

void cpt_image_warn(const cpt_image_job *job, const char *text)
{
    if ((*job->warnings)++ == 0) snprintf(job->warning, 256, "%.255s", text);
}

static caption_status check_pixels(const cpt_image_config *config, int width, int height,
                                   caption_error *error)
{
    if ((uint64_t)width * (uint64_t)height > config->max_pixels) {
        return cpt_fail(error, CAPTION_ERROR_LIMIT,
                        "the image has %d x %d pixels, more than the limit of %llu", width, height,
                        (unsigned long long)config->max_pixels);
    }
    return CAPTION_OK;
}

caption_status cpt_image_check(const cpt_image_job *job, const caption_image_info *info)
{
    const caption_status status = check_pixels(job->config, info->width, info->height, job->error);
    if (!status && info->decode_memory > job->config->decode_memory) {
        return cpt_fail(
            job->error, CAPTION_ERROR_LIMIT,
            "decoding this image of %d x %d pixels needs %zu bytes of decode_memory, there are %zu",
            info->width, info->height, info->decode_memory, job->config->decode_memory);
    }
    return status;
}

/* ---- what kind of image ---- */

/* The name of a format that is recognised but not decoded, or NULL. */
static const char *other_format(const uint8_t *p, size_t size)
{
    if (size >= 12 && memcmp(p, "RIFF", 4) == 0 && memcmp(p + 8, "WEBP", 4) == 0) return "WebP";
    if (size >= 12 && memcmp(p + 4, "ftyp", 4) == 0) return "HEIF, AVIF or MP4";
    if (size >= 4 && memcmp(p, "GIF8", 4) == 0) return "GIF";
    if (size >= 4 && (memcmp(p, "II*\0", 4) == 0 || memcmp(p, "MM\0*", 4) == 0)) return "TIFF";
    if (size >= 2 && memcmp(p, "BM", 2) == 0) return "BMP";
    return NULL;
}

static caption_status probe(const uint8_t *data, size_t size, int out_size, caption_image_info *info,
                            caption_error *error)
{
    const char *other;
    size_t resizer;
    int good;
    memset(info, 0, sizeof *info);
    if (size == 0) return cpt_fail(error, CAPTION_ERROR_IMAGE, "the image is empty");
    if (size >= 3 && memcmp(data, "\xFF\xD8\xFF", 3) == 0) {
        info->format = CAPTION_FORMAT_JPEG;
        good = cpt_jpeg_probe(data, size, info);
    } else if (size >= 8 && memcmp(data, "\211PNG\r\n\032\n", 8) == 0) {
        info->format = CAPTION_FORMAT_PNG;
        good = cpt_png_probe(data, size, info);
    } else {
        other = other_format(data, size);
        return cpt_fail(error, CAPTION_ERROR_IMAGE, "not a JPEG or PNG image%s%s", other ? ", but " : "",
                        other ? other : "");
    }
    if (!good) {
        return cpt_fail(error, CAPTION_ERROR_IMAGE, "damaged %s image: no usable header",
                        info->format == CAPTION_FORMAT_JPEG ? "JPEG" : "PNG");
    }
    if (info->width < 1 || info->height < 1) {
        return cpt_fail(error, CAPTION_ERROR_IMAGE, "the image has %d x %d pixels", info->width,
                        info->height);
    }
    resizer = resizer_bytes(info->width, info->height, info->orientation, out_size);
    if (!cpt_add(info->decode_memory, resizer, &info->decode_memory)) {
        return cpt_fail(error, CAPTION_ERROR_LIMIT, "the image of %d x %d pixels is too large", info->width,
                        info->height);
    }
    return CAPTION_OK;
}

caption_status caption_image_probe(const void *data, size_t size, caption_image_info *info,
                                   caption_error *error)
{
    caption_status status;
    if (!info || (!data && size)) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "data or info is NULL");
    status = probe(data, size, PROBE_OUT_SIZE, info, error);
    return status ? status : cpt_ok(error);
}

/* ---- decoding ---- */

static caption_status decode(cpt_image_decoder *d, const cpt_image_job *job, const caption_image_info *info)
{
    if (info->format == CAPTION_FORMAT_PNG) {
#if CAPTION_WITH_PNG
        return cpt_png_decode(job, info);
#else
        return cpt_fail(job->error, CAPTION_ERROR_UNSUPPORTED, "this build does not decode PNG images");
#endif
    }
#if CAPTION_WITH_JPEG
    return cpt_jpeg_decode(d->jpeg, job, info);
#else
    (void)d;
    return cpt_fail(job->error, CAPTION_ERROR_UNSUPPORTED, "this build does not decode JPEG images");
#endif
}

caption_status cpt_image_decode(cpt_image_decoder *d, const void *data, size_t size, uint8_t *out,
                                int *warnings, char *warning, caption_error *error)
{
    cpt_arena workspace;
    const cpt_image_job job = {data, size, &d->config, &workspace, out, warnings, warning, error};
    caption_image_info info;
    caption_status status;
    *warnings = 0;
    warning[0] = '\0';
    status = probe(data, size, d->config.out_size, &info, error);
    if (d->config.no_exif) info.orientation = 1;
    if (!status) status = cpt_image_check(&job, &info);
    if (status) return status;
    cpt_arena_init(&workspace, d->workspace, d->config.decode_memory);
    status = decode(d, &job, &info);
    if (!status && *warnings && d->config.strict) {
        return cpt_fail(error, CAPTION_ERROR_IMAGE, "damaged image: %.200s", warning);
    }
    return status;
}

caption_status cpt_image_resize(cpt_image_decoder *d, const caption_pixel_view *pixels, uint8_t *out,
                                caption_error *error)
{
    const int size[2] = {pixels->width, pixels->height};
    const ptrdiff_t tight = (ptrdiff_t)pixels->width * 3, stride = pixels->stride ? pixels->stride : tight;
    const uint8_t *row = pixels->rgb;
    cpt_resizer resizer;
    cpt_arena workspace;
    size_t needed;
    caption_status status;
    if (pixels->width < 1 || pixels->height < 1 || pixels->width > (1 << 28) || pixels->height > (1 << 28)) {
        return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "pixels of %d x %d", pixels->width, pixels->height);
    }
    if ((stride < 0 ? -stride : stride) < tight) {
        return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "a stride of %td bytes is too small for rows of %td",
                        stride, tight);
    }
    status = check_pixels(&d->config, pixels->width, pixels->height, error);
    if (status) return status;
    needed = resizer_bytes(pixels->width, pixels->height, 1, d->config.out_size);
    if (needed > d->config.decode_memory) {
        return cpt_fail(error, CAPTION_ERROR_LIMIT,
                        "resizing %d x %d pixels needs %zu bytes of decode_memory", pixels->width,
                        pixels->height, needed);
    }
    cpt_arena_init(&workspace, d->workspace, d->config.decode_memory);
    cpt_resizer_init(&resizer, &workspace, size, 1, d->config.out_size, out);
    for (int y = 0; y < pixels->height; y++, row += stride) cpt_resizer_push(&resizer, row);
    return CAPTION_OK;
}
