/* HEIC and AVIF by libheif, which is loaded for it: the primary picture of the file.  libheif turns, mirrors
 * and crops as the file says, and hands out rows that stay its own. */
#include "tools/common/picture_decoders.h"

#if TOOL_WITH_HEIF

#include <stdlib.h>
#include <string.h>

#include <libheif/heif.h>

#include "tools/common/loaded.h"

#if defined(__APPLE__)
#define LIBRARY "libheif.1.dylib"
#else
#define LIBRARY "libheif.so.1"
#endif

/* Bytes a pixel: RGB, and the planes that it is made from, mostly with half the colours. */
enum { PIXEL_BYTES = 5, DEEP_PIXEL_BYTES = 8 };

#define FUNCTIONS(each)                                                                                 \
    each(heif_context_alloc) each(heif_context_free) each(heif_context_read_from_memory_without_copy)   \
        each(heif_context_get_primary_image_handle) each(heif_image_handle_release)                     \
            each(heif_image_handle_get_width) each(heif_image_handle_get_height)                        \
                each(heif_image_handle_get_luma_bits_per_pixel) each(heif_decoding_options_alloc)       \
                    each(heif_decoding_options_free) each(heif_decode_image) each(heif_image_get_width) \
                        each(heif_image_get_height) each(heif_image_get_plane_readonly)                 \
                            each(heif_image_release)

typedef struct heif_functions {
    FUNCTIONS(TOOL_LOADED_FIELD)
} heif_functions;

/* What owns a picture's rows. */
typedef struct heif_rows {
    heif_functions f;
    struct heif_image *image;
    uint8_t *file; /* a copy, changed by picture_heif_prepare; until the picture is decoded */
} heif_rows;

static void release(void *owner)
{
    heif_rows *rows = owner;
    if (rows->image) rows->f.heif_image_release(rows->image);
    free(rows->file);
    free(rows);
}

static bool worked(const picture_job *job, struct heif_error error)
{
    if (error.code == heif_error_Ok) return true;
    if (error.code == heif_error_Unsupported_filetype || error.code == heif_error_Unsupported_feature) {
        return picture_refused(job, error.message);
    }
    return picture_damaged(job, error.message);
}

static bool take_rows(const picture_job *job, picture *p, heif_rows *rows)
{
    const heif_functions *f = &rows->f;
    const int width = f->heif_image_get_width(rows->image, heif_channel_interleaved),
              height = f->heif_image_get_height(rows->image, heif_channel_interleaved);
    int stride = 0;
    p->rgb = f->heif_image_get_plane_readonly(rows->image, heif_channel_interleaved, &stride);
    if (!p->rgb || width < 1 || height < 1 || stride / 3 < width) {
        return picture_damaged(job, "it has no pixels");
    }
    /* what was decoded may differ from what the file announced */
    if (!picture_check(job, (uint32_t)width, (uint32_t)height, PIXEL_BYTES)) return false;
    p->width = width;
    p->height = height;
    p->stride = stride;
    return true;
}

/* more: bytes that decoding takes beside the picture */
static bool decode(const picture_job *job, picture *p, heif_rows *rows,
                   const struct heif_image_handle *handle, uint64_t more)
{
    const heif_functions *f = &rows->f;
    const int width = f->heif_image_handle_get_width(handle),
              height = f->heif_image_handle_get_height(handle);
    const bool deep = f->heif_image_handle_get_luma_bits_per_pixel(handle) > 8;
    if (width < 1 || height < 1) return picture_damaged(job, "it has no pixels");
    if (!picture_reserve(job, (uint32_t)width, (uint32_t)height, deep ? DEEP_PIXEL_BYTES : PIXEL_BYTES,
                         more)) {
        return false;
    }
    struct heif_decoding_options *options = f->heif_decoding_options_alloc();
    if (!options) return tool_fail(job->err, "%s: out of memory", job->source->name);
    options->ignore_transformations = job->source->no_exif;
    options->convert_hdr_to_8bit = 1;
#if LIBHEIF_NUMERIC_VERSION >= 0x010F0000
    /* dav1d, which libheif prefers for AV1, prints; where there is no aom, libheif takes another */
    if (options->version >= 4) options->decoder_id = "aom";
#endif
    const struct heif_error error =
        f->heif_decode_image(handle, &rows->image, heif_colorspace_RGB, heif_chroma_interleaved_RGB, options);
    f->heif_decoding_options_free(options);
    return worked(job, error) && take_rows(job, p, rows);
}

static bool read_file(const picture_job *job, picture *p, heif_rows *rows, struct heif_context *context)
{
    const heif_functions *f = &rows->f;
    const size_t size = job->source->size;
    struct heif_image_handle *handle = NULL;
    uint64_t more = 0;
    const bool prepared = picture_heif_prepare(job, rows->file, size, &more);
    if (more < UINT64_MAX - size) more += size; /* the copy of the file */
    const bool ok =
        prepared &&
        worked(job, f->heif_context_read_from_memory_without_copy(context, rows->file, size, NULL)) &&
        worked(job, f->heif_context_get_primary_image_handle(context, &handle)) &&
        decode(job, p, rows, handle, more);
    if (handle) f->heif_image_handle_release(handle);
    return ok;
}

bool picture_decode_heif(picture_job *job, picture *p)
{
    static const char *const names[] = {FUNCTIONS(TOOL_LOADED_NAME) NULL};
    heif_rows *rows = calloc(1, sizeof *rows);
    if (!rows) return tool_fail(job->err, "%s: out of memory", job->source->name);
    p->owner = rows;
    p->release = release;
    const heif_functions *f = &rows->f;
    if (!tool_load(LIBRARY, names, &rows->f)) return picture_refused(job, LIBRARY " is not installed");
    rows->file = malloc(job->source->size);
    struct heif_context *context = rows->file ? f->heif_context_alloc() : NULL;
    if (!context) return tool_fail(job->err, "%s: out of memory", job->source->name);
    memcpy(rows->file, job->source->data, job->source->size);
    const bool ok = read_file(job, p, rows, context);
    f->heif_context_free(context);
    free(rows->file);
    rows->file = NULL;
    return ok;
}

#endif
