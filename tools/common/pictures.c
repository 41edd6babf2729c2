/* Which decoder a picture needs, its limits, and turning it upright; see pictures.h. */
#include "tools/common/pictures.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <caption.h>

#include "tools/common/picture_decoders.h"

/* ---- formats ---- */

typedef struct picture_decoder {
    const char *name, *builder; /* builder: what make calls the part */
    bool (*sniff)(const uint8_t *data, size_t size);
    bool (*decode)(picture_job *job, picture *p); /* NULL: left out of this build */
    bool foreign;                                 /* false: the library reads it */
} picture_decoder;

static bool starts(const uint8_t *data, size_t size, const char *magic, size_t length)
{
    return size >= length && memcmp(data, magic, length) == 0;
}

static bool is_jpeg(const uint8_t *data, size_t size)
{
    return starts(data, size, "\xFF\xD8\xFF", 3);
}

static bool is_png(const uint8_t *data, size_t size)
{
    return starts(data, size, "\x89PNG\r\n\x1A\n", 8);
}

static bool is_webp(const uint8_t *data, size_t size)
{
    return size >= 12 && starts(data, size, "RIFF", 4) && memcmp(data + 8, "WEBP", 4) == 0;
}

/* Videos start alike; the brand tells. */
static bool is_heif(const uint8_t *data, size_t size)
{
    static const char brands[][5] = {"heic", "heix", "heim", "heis", "hevc", "hevx",
                                     "mif1", "mif2", "msf1", "avif", "avis"};
    if (size < 12 || memcmp(data + 4, "ftyp", 4) != 0) return false;
    for (size_t i = 0; i < sizeof brands / sizeof *brands; i++) {
        if (memcmp(data + 8, brands[i], 4) == 0) return true;
    }
    return false;
}

static bool is_gif(const uint8_t *data, size_t size)
{
    return starts(data, size, "GIF87a", 6) || starts(data, size, "GIF89a", 6);
}

static bool is_tiff(const uint8_t *data, size_t size)
{
    return starts(data, size, "II*\0", 4) || starts(data, size, "MM\0*", 4) ||
           starts(data, size, "II+\0", 4) || starts(data, size, "MM\0+", 4); /* the last two: BigTIFF */
}

/* Its two reserved words are 0; two letters alone would be too little. */
static bool is_bmp(const uint8_t *data, size_t size)
{
    return size >= 12 && starts(data, size, "BM", 2) && memcmp(data + 6, "\0\0\0\0", 4) == 0;
}

#if TOOL_WITH_WEBP
#define WEBP picture_decode_webp
#else
#define WEBP NULL
#endif
#if TOOL_WITH_HEIF
#define HEIF picture_decode_heif
#else
#define HEIF NULL
#endif
#if TOOL_WITH_GIF
#define GIF picture_decode_gif
#else
#define GIF NULL
#endif
#if TOOL_WITH_TIFF
#define TIFF picture_decode_tiff
#else
#define TIFF NULL
#endif
#if TOOL_WITH_BMP
#define BMP picture_decode_bmp
#else
#define BMP NULL
#endif

static const picture_decoder decoders[] = {
    {"JPEG", "JPEG", is_jpeg, NULL, false}, {"PNG", "PNG", is_png, NULL, false},
    {"WebP", "WEBP", is_webp, WEBP, true},  {"HEIC or AVIF", "HEIF", is_heif, HEIF, true},
    {"GIF", "GIF", is_gif, GIF, true},      {"TIFF", "TIFF", is_tiff, TIFF, true},
    {"BMP", "BMP", is_bmp, BMP, true},
};

static const picture_decoder *find(const void *data, size_t size)
{
    for (size_t i = 0; i < sizeof decoders / sizeof *decoders; i++) {
        if (decoders[i].sniff(data, size)) return &decoders[i];
    }
    return NULL;
}

const char *picture_format(const void *data, size_t size)
{
    const picture_decoder *decoder = find(data, size);
    return decoder ? decoder->name : NULL;
}

bool picture_is_foreign(const void *data, size_t size)
{
    const picture_decoder *decoder = find(data, size);
    return decoder && decoder->foreign;
}

/* ---- limits ---- */

enum { AMOUNT_BYTES = 24 };

/* "1.2 GB": one figure behind the point, rounded up; K, M and G are as in --max-memory. */
static const char *amount(char text[AMOUNT_BYTES], uint64_t bytes)
{
    static const char *const units[] = {"bytes", "KB", "MB", "GB"};
    int unit = 0;
    double size = (double)bytes;
    for (; unit < 3 && size >= 1024; unit++) size /= 1024;
    const uint64_t tenths = (uint64_t)(size * 10) + ((double)(uint64_t)(size * 10) < size * 10);
    if (tenths % 10) {
        (void)snprintf(text, AMOUNT_BYTES, "%.1f %s", (double)tenths / 10, units[unit]);
    } else {
        (void)snprintf(text, AMOUNT_BYTES, "%.0f %s", (double)tenths / 10, units[unit]);
    }
    return text;
}

bool picture_allowed(const picture_limits *limits, const char *name, const picture_size *size,
                     tool_error *err)
{
    char need[AMOUNT_BYTES], limit[AMOUNT_BYTES];
    if (size->width > CAPTION_MAX_IMAGE_SIDE || size->height > CAPTION_MAX_IMAGE_SIDE) {
        return tool_fail(err, "%s: has %" PRIu32 " x %" PRIu32 " pixels, a side may have %d", name,
                         size->width, size->height, CAPTION_MAX_IMAGE_SIDE);
    }
    if ((uint64_t)size->width * size->height > limits->pixels) {
        return tool_fail(err,
                         "%s: has %" PRIu32 " x %" PRIu32 " pixels, the limit is %" PRIu64 " (--max-pixels)",
                         name, size->width, size->height, limits->pixels);
    }
    if (size->memory > limits->memory) {
        return tool_fail(err, "%s: needs %s, the limit is %s (--max-memory)", name,
                         amount(need, size->memory), amount(limit, limits->memory));
    }
    return true;
}

/* ---- for decoders ---- */

bool picture_damaged(const picture_job *job, const char *reason)
{
    return tool_fail(job->err, "%s: damaged %s image: %.300s", job->source->name, job->format, reason);
}

bool picture_refused(const picture_job *job, const char *reason)
{
    return tool_fail(job->err, "%s: %s image: %.300s", job->source->name, job->format, reason);
}

static bool check_size(const picture_job *job, const picture_size *size)
{
    const char *name = job->source->name;
    if (size->width < 1 || size->height < 1) {
        return tool_fail(job->err, "%s: the image has %" PRIu32 " x %" PRIu32 " pixels", name, size->width,
                         size->height);
    }
    return picture_allowed(job->limits, name, size, job->err);
}

static uint64_t pixel_memory(const picture_job *job, uint32_t width, uint32_t height,
                             unsigned bytes_per_pixel)
{
    const unsigned each = bytes_per_pixel + (job->orientation == 1 ? 0 : 3);
    return (uint64_t)width * height * each;
}

bool picture_check(const picture_job *job, uint32_t width, uint32_t height, unsigned bytes_per_pixel)
{
    return check_size(job, &(picture_size){width, height, pixel_memory(job, width, height, bytes_per_pixel)});
}

bool picture_reserve(const picture_job *job, uint32_t width, uint32_t height, unsigned bytes_per_pixel,
                     uint64_t more)
{
    const uint64_t memory = pixel_memory(job, width, height, bytes_per_pixel);
    const picture_size size = {width, height, more < UINT64_MAX - memory ? memory + more : UINT64_MAX};
    if (!check_size(job, &size)) return false;
    const picture_claim *claim = job->source->claim;
    if (claim) claim->take(claim->user, (size_t)size.memory); /* no more than the limit, which is a size_t */
    return true;
}

uint8_t *picture_room(const picture_job *job, picture *p, uint32_t width, uint32_t height,
                      unsigned pixel_bytes)
{
    uint8_t *rgb = calloc((size_t)width * height, pixel_bytes);
    if (!rgb) {
        (void)tool_fail(job->err, "%s: out of memory", job->source->name);
        return NULL;
    }
    *p = (picture){.rgb = rgb,
                   .width = (int)width,
                   .height = (int)height,
                   .stride = (ptrdiff_t)width * 3,
                   .owner = rgb,
                   .release = free};
    return rgb;
}

/* ---- turning ---- */

/* Orientation: from 5 on, rows and columns change places, and then each axis may be flipped. */
static bool turn(const picture_job *job, picture *p)
{
    const int o = job->orientation;
    const bool transposed = o >= 5, flip_x = o == 2 || o == 3 || o == 6 || o == 7,
               flip_y = o == 3 || o == 4 || o == 7 || o == 8;
    const picture lying = *p;
    const uint32_t width = (uint32_t)(transposed ? lying.height : lying.width),
                   height = (uint32_t)(transposed ? lying.width : lying.height);
    uint8_t *to = picture_room(job, p, width, height, 3);
    for (uint32_t y = 0; to && y < height; y++) {
        const ptrdiff_t row = (ptrdiff_t)(flip_y ? height - 1 - y : y);
        for (uint32_t x = 0; x < width; x++, to += 3) {
            const ptrdiff_t column = (ptrdiff_t)(flip_x ? width - 1 - x : x);
            memcpy(to,
                   lying.rgb +
                       (transposed ? column * lying.stride + row * 3 : row * lying.stride + column * 3),
                   3);
        }
    }
    if (to) lying.release(lying.owner);
    return to != NULL;
}

bool picture_decode(picture *p, const picture_source *source, const picture_limits *limits, tool_error *err)
{
    *p = (picture){.rgb = NULL};
    const picture_decoder *decoder = find(source->data, source->size);
    if (!decoder || !decoder->foreign) return tool_fail(err, "%s: no image for the tools", source->name);
    if (!decoder->decode) {
        return tool_fail(err, "%s: this build does not decode %s images (it was made with %s=0)",
                         source->name, decoder->name, decoder->builder);
    }
    picture_job job = {
        .source = source, .limits = limits, .format = decoder->name, .orientation = 1, .err = err};
    if (decoder->decode(&job, p) && (job.orientation == 1 || turn(&job, p))) return true;
    picture_free(p);
    return false;
}

void picture_free(picture *p)
{
    if (p->release) p->release(p->owner);
    *p = (picture){.rgb = NULL};
}
