/* image.c - finds out which decoder an image needs, holds it to the limits, and resizes pixels. */
#include "lib/image/image.h"

#include <string.h>

#include "lib/image/decoders.h"
#include "lib/platform/structure.h"

struct cpt_image_decoder {
    cpt_image_config config;
    uint8_t *workspace; /* [config.decode_memory] */
    cpt_jpeg *jpeg;     /* NULL in builds without it */
};

#define PROBE_OUT_SIZE 224 /* the size that caption_image_probe assumes the image is resized to */

/* Bytes of the resizer's tables and rows for a stored image of width x height; SIZE_MAX: too many. */
static size_t resizer_bytes(int width, int height, int orientation, int out_size)
{
    const int size[2] = {width, height};
    cpt_arena dry;
    cpt_arena_init(&dry, NULL, 0);
    cpt_resizer resizer;
    cpt_resizer_init(&resizer, &dry, size, orientation, out_size, NULL);
    return dry.failed ? SIZE_MAX : dry.used;
}

caption_status cpt_image_decoder_init(cpt_image_decoder **decoder, cpt_arena *arena,
                                      const cpt_image_config *config, caption_error *error)
{
    *decoder = NULL;
    cpt_image_decoder *d = cpt_arena_take(arena, 1, sizeof *d);
    cpt_jpeg *jpeg = NULL;
#if CAPTION_WITH_JPEG
    jpeg = cpt_arena_take(arena, 1, cpt_jpeg_object_size());
#endif
    if (!arena->base) return CAPTION_OK;
    if (arena->failed) return cpt_fail(error, CAPTION_ERROR_MEMORY, "the image decoder does not fit");
    d->config = *config;
    d->jpeg = jpeg;
#if CAPTION_WITH_JPEG
    const caption_status status = cpt_jpeg_init(jpeg, error);
    if (status) return status;
#endif
    *decoder = d;
    return CAPTION_OK;
}

void cpt_image_decoder_plan_workspace(cpt_image_decoder *decoder, cpt_arena *arena,
                                      const cpt_image_config *config)
{
    uint8_t *workspace = cpt_arena_take(arena, config->decode_memory, 1);
    if (!decoder) return;
    decoder->workspace = workspace;
    decoder->config.decode_memory = config->decode_memory;
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
    cpt_image_warnings *warnings = job->warnings;
    if (warnings->count++ == 0) cpt_format(warnings->first, sizeof warnings->first, "%s", text);
}

/* ---- limits ---- */

static bool side_in_range(int side)
{
    return side >= 1 && side <= CAPTION_MAX_IMAGE_SIDE;
}

static caption_status check_pixels(const cpt_image_config *config, int width, int height,
                                   caption_error *error)
{
    if (!side_in_range(width) || !side_in_range(height)) {
        return cpt_fail(error, CAPTION_ERROR_LIMIT, "the image has %d x %d pixels, a side may have %d", width,
                        height, CAPTION_MAX_IMAGE_SIDE);
    }
    if ((uint64_t)width * (uint64_t)height > config->max_pixels) {
        return cpt_fail(error, CAPTION_ERROR_LIMIT,
                        "the image has %d x %d pixels, more than the limit of %llu", width, height,
                        (unsigned long long)config->max_pixels);
    }
    return CAPTION_OK;
}

/* Refuses an image of width x height that needs more memory than there is. */
static caption_status check_memory(const cpt_image_config *config, const int size[2], size_t needed,
                                   caption_error *error)
{
    if (needed > config->decode_memory) {
        return cpt_fail(error, CAPTION_ERROR_LIMIT,
                        "this image of %d x %d pixels needs %zu bytes of decode_memory, there are %zu",
                        size[0], size[1], needed, config->decode_memory);
    }
    return CAPTION_OK;
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

/* Finds out the format and reads the header. */
static caption_status read_header(const cpt_image_bytes *image, caption_image_info *info,
                                  caption_error *error)
{
    const uint8_t *data = image->data;
    const char *reason = NULL;
    if (image->size == 0) return cpt_fail(error, CAPTION_ERROR_IMAGE, "the image is empty");
    if (image->size >= 3 && memcmp(data, "\xFF\xD8\xFF", 3) == 0) {
        info->format = CAPTION_FORMAT_JPEG;
        reason = cpt_jpeg_probe(image, info);
    } else if (image->size >= 8 && memcmp(data, "\211PNG\r\n\032\n", 8) == 0) {
        info->format = CAPTION_FORMAT_PNG;
        reason = cpt_png_probe(image, info);
    } else {
        const char *other = other_format(data, image->size);
        return cpt_fail(error, CAPTION_ERROR_IMAGE, "not a JPEG or PNG image%s%s", other ? ", but " : "",
                        other ? other : "");
    }
    if (!reason) return CAPTION_OK;
    return cpt_fail(error, CAPTION_ERROR_IMAGE, "damaged %s image: %s",
                    info->format == CAPTION_FORMAT_JPEG ? "JPEG" : "PNG", reason);
}

/* The same, with all the memory that decoding and resizing to out_size x out_size need. */
static caption_status probe(const cpt_image_bytes *image, int out_size, caption_image_info *info,
                            caption_error *error)
{
    memset(info, 0, sizeof *info);
    const caption_status status = read_header(image, info, error);
    if (status) return status;
    if (info->width < 1 || info->height < 1) {
        return cpt_fail(error, CAPTION_ERROR_IMAGE, "the image has %d x %d pixels", info->width,
                        info->height);
    }
    const size_t resizer = resizer_bytes(info->width, info->height, info->orientation, out_size);
    if (!cpt_add(info->decode_memory, resizer, &info->decode_memory)) {
        return cpt_fail(error, CAPTION_ERROR_LIMIT, "the image of %d x %d pixels is too large", info->width,
                        info->height);
    }
    return CAPTION_OK;
}

caption_status caption_image_probe_sized(const void *data, size_t size, caption_image_info *info,
                                         size_t info_size, caption_error *error)
{
    static const cpt_structure structure = {"image information", sizeof(caption_format),
                                            sizeof(caption_image_info)};
    if (!data && size) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "data is NULL");
    caption_image_info own;
    const caption_status status = probe(&(cpt_image_bytes){data, size}, PROBE_OUT_SIZE, &own, error);
    return status ? status : cpt_hand_out(&structure, info, info_size, &own, error);
}

/* ---- decoding ---- */

static caption_status decode(cpt_image_decoder *d, const cpt_image_job *job, const caption_image_info *info)
{
#if CAPTION_WITH_PNG
    if (info->format == CAPTION_FORMAT_PNG) return cpt_png_decode(job, info);
#endif
#if CAPTION_WITH_JPEG
    if (info->format == CAPTION_FORMAT_JPEG) return cpt_jpeg_decode(d->jpeg, job, info);
#endif
    (void)d;
    return cpt_fail(job->error, CAPTION_ERROR_UNSUPPORTED, "this build does not decode %s images",
                    info->format == CAPTION_FORMAT_JPEG ? "JPEG" : "PNG");
}

/* Whether this build decodes the format; one that it doesn't takes no memory. */
static bool is_built_in(caption_format format)
{
#if CAPTION_WITH_PNG
    if (format == CAPTION_FORMAT_PNG) return true;
#endif
#if CAPTION_WITH_JPEG
    if (format == CAPTION_FORMAT_JPEG) return true;
#endif
    (void)format;
    return false;
}

caption_status cpt_image_decode(cpt_image_decoder *d, const cpt_image_bytes *image, uint8_t *out,
                                cpt_image_warnings *warnings, caption_error *error)
{
    warnings->count = 0;
    warnings->first[0] = '\0';
    caption_image_info info;
    caption_status status = probe(image, d->config.out_size, &info, error);
    if (d->config.no_exif) info.orientation = 1;
    const int size[2] = {info.width, info.height};
    if (!status) status = check_pixels(&d->config, info.width, info.height, error);
    if (!status && is_built_in(info.format)) {
        status = check_memory(&d->config, size, info.decode_memory, error);
    }
    if (status) return status;
    cpt_arena workspace;
    cpt_arena_init(&workspace, d->workspace, d->config.decode_memory);
    const cpt_image_job job = {
        .image = image,
        .config = &d->config,
        .workspace = &workspace,
        .out = out,
        .warnings = warnings,
        .error = error,
    };
    status = decode(d, &job, &info);
    if (!status && warnings->count > 0 && d->config.strict) {
        return cpt_fail(error, CAPTION_ERROR_IMAGE, "damaged image: %.200s", warnings->first);
    }
    return status;
}

/* ---- pixels ---- */

caption_status cpt_image_resize(cpt_image_decoder *d, const caption_pixel_view *pixels, uint8_t *out,
                                caption_error *error)
{
    const int size[2] = {pixels->width, pixels->height};
    if (!pixels->rgb) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "pixel view: rgb is NULL");
    if (!side_in_range(size[0]) || !side_in_range(size[1])) {
        return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "pixel view: %d x %d pixels, must be 1 to %d each",
                        size[0], size[1], CAPTION_MAX_IMAGE_SIDE);
    }
    const ptrdiff_t tight = (ptrdiff_t)size[0] * 3, stride = pixels->stride ? pixels->stride : tight;
    if (stride > -tight && stride < tight) {
        return cpt_fail(error, CAPTION_ERROR_ARGUMENT,
                        "pixel view: a stride of %td bytes is too small for rows of %td", stride, tight);
    }
    if (stride < -(PTRDIFF_MAX / size[1]) || stride > PTRDIFF_MAX / size[1]) {
        return cpt_fail(error, CAPTION_ERROR_ARGUMENT,
                        "pixel view: %d rows with a stride of %td bytes don't fit into memory", size[1],
                        stride);
    }
    caption_status status = check_pixels(&d->config, size[0], size[1], error);
    if (!status) {
        status =
            check_memory(&d->config, size, resizer_bytes(size[0], size[1], 1, d->config.out_size), error);
    }
    if (status) return status;
    cpt_arena workspace;
    cpt_arena_init(&workspace, d->workspace, d->config.decode_memory);
    cpt_resizer resizer;
    cpt_resizer_init(&resizer, &workspace, size, 1, d->config.out_size, out);
    for (int y = 0; y < size[1]; y++) cpt_resizer_push(&resizer, pixels->rgb + y * stride);
    return CAPTION_OK;
}
