/* TIFF by libtiff, which is loaded for it: the first picture of the file.  libtiff says what it objects to
 * through handlers, which keep the first error and drop all warnings. */
#include "tools/common/picture_decoders.h"

#if TOOL_WITH_TIFF

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <tiffio.h>

#include "tools/common/loaded.h"

#if TIFFLIB_VERSION >= 20221213
#define LIBRARY "libtiff.so.6"
#else
#define LIBRARY "libtiff.so.5"
#endif
#if defined(__APPLE__)
#undef LIBRARY
#define LIBRARY "libtiff.6.dylib"
#endif

enum {
    RASTER_BYTES = 4, /* a pixel of libtiff's */
    MOST_EXTRA = 8,   /* samples of a pixel besides its colour */
    CODED_BYTES =
        16 /* a pixel as stored: four samples of 16 bits, and as much again for the edges of tiles */
};

#define FUNCTIONS(each)                                                                                    \
    each(TIFFClientOpen) each(TIFFClose) each(TIFFGetField) each(TIFFGetFieldDefaulted) each(TIFFSetField) \
        each(TIFFIsTiled) each(TIFFTileSize64) each(TIFFStripSize64) each(TIFFNumberOfTiles)               \
            each(TIFFNumberOfStrips) each(TIFFRGBAImageOK) each(TIFFRGBAImageBegin) each(TIFFRGBAImageGet) \
                each(TIFFRGBAImageEnd) each(TIFFSetErrorHandler) each(TIFFSetErrorHandlerExt)              \
                    each(TIFFSetWarningHandler)

typedef struct tiff_functions {
    FUNCTIONS(TOOL_LOADED_FIELD)
} tiff_functions;

/* ---- libtiff, once for the process ---- */

static tiff_functions f;
static bool loaded;

typedef struct tiff_bytes {
    const uint8_t *data; /* [size] */
    uint64_t size, at;
    char message[1024]; /* the first error; libtiff wants that much room */
} tiff_bytes;

static void keep_error(thandle_t client, const char *module, const char *format, va_list values)
{
    tiff_bytes *bytes = client;
    (void)module;
    if (bytes && !bytes->message[0]) (void)vsnprintf(bytes->message, sizeof bytes->message, format, values);
}

static void load(void)
{
    static const char *const names[] = {FUNCTIONS(TOOL_LOADED_NAME) NULL};
    loaded = tool_load(LIBRARY, names, &f);
    if (!loaded) return;
    (void)f.TIFFSetErrorHandler(NULL);
    (void)f.TIFFSetErrorHandlerExt(keep_error);
    (void)f.TIFFSetWarningHandler(NULL);
}

/* ---- the file, in memory ---- */

static tmsize_t read_bytes(thandle_t client, void *to, tmsize_t wanted)
{
    tiff_bytes *bytes = client;
    const uint64_t left = bytes->at < bytes->size ? bytes->size - bytes->at : 0;
    const uint64_t count = wanted < 0 ? 0 : (uint64_t)wanted < left ? (uint64_t)wanted : left;
    if (count) memcpy(to, bytes->data + bytes->at, (size_t)count);
    bytes->at += count;
    return (tmsize_t)count;
}

static tmsize_t write_nothing(thandle_t client, void *from, tmsize_t wanted)
{
    (void)client, (void)from, (void)wanted;
    return -1;
}

static toff_t seek(thandle_t client, toff_t to, int from)
{
    tiff_bytes *bytes = client;
    bytes->at = to + (from == SEEK_CUR ? bytes->at : from == SEEK_END ? bytes->size : 0);
    return bytes->at;
}

static int close_nothing(thandle_t client)
{
    (void)client;
    return 0;
}

static toff_t size_of(thandle_t client)
{
    return ((const tiff_bytes *)client)->size;
}

/* What libtiff mapped it would read in place; it does not write there. */
static int map(thandle_t client, void **base, toff_t *size)
{
    const tiff_bytes *bytes = client;
    *base = (void *)(uintptr_t)bytes->data;
    *size = bytes->size;
    return 1;
}

static void unmap(thandle_t client, void *base, toff_t size)
{
    (void)client, (void)base, (void)size;
}

/* ---- decoding ---- */

/* The usual ones.  Others are rare, and each is one more decoder that strangers' bytes would reach. */
static bool is_usual(uint16_t compression)
{
    switch (compression) {
    case COMPRESSION_NONE:
    case COMPRESSION_CCITTRLE:
    case COMPRESSION_CCITTFAX3:
    case COMPRESSION_CCITTFAX4:
    case COMPRESSION_LZW:
    case COMPRESSION_JPEG:
    case COMPRESSION_PACKBITS:
    case COMPRESSION_DEFLATE:
    case COMPRESSION_ADOBE_DEFLATE:
        return true;
    default:
        return false;
    }
}

/* Holds the file to the limits: the raster and a tile (or strip) must fit into memory, and all tiles together
 * may not decode to much more than the picture, since many may lie beside it or be the same bytes. */
static bool check(const picture_job *job, TIFF *tiff, uint32_t width, uint32_t height)
{
    uint16_t compression = 0, samples = 1, planar = PLANARCONFIG_CONTIG;
    (void)f.TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &compression);
    (void)f.TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &samples);
    (void)f.TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planar);
    if (!is_usual(compression)) {
        char text[64];
        (void)snprintf(text, sizeof text, "its compression (%u) is not read", (unsigned)compression);
        return picture_refused(job, text);
    }
    if (!picture_check(job, width, height, RASTER_BYTES)) return false;
    const bool tiled = f.TIFFIsTiled(tiff) != 0;
    const uint64_t block = tiled ? f.TIFFTileSize64(tiff) : f.TIFFStripSize64(tiff),
                   count = tiled ? f.TIFFNumberOfTiles(tiff) : f.TIFFNumberOfStrips(tiff),
                   raster = (uint64_t)width * height * RASTER_BYTES,
                   planes = planar == PLANARCONFIG_SEPARATE ? samples : 1;
    if (block == 0 || count == 0 || planes == 0) return picture_damaged(job, "it has no pixels");
    if (block > (job->limits->memory - raster) / planes) {
        return picture_refused(job, "its strips or tiles take more memory than the limit");
    }
    if (block / CODED_BYTES > job->limits->pixels / count) {
        return picture_refused(job, "its tiles hold many more pixels than the limit");
    }
    return picture_reserve(job, width, height, RASTER_BYTES, block * planes);
}

/* libtiff would multiply colours with an alpha that isn't associated.  Taken for associated it is left alone,
 * and then dropped. */
static bool drop_alpha(const picture_job *job, TIFF *tiff)
{
    uint16_t count = 0, types[MOST_EXTRA];
    const uint16_t *stored = NULL;
    (void)f.TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &count, &stored);
    if (count == 0) return true;
    if (count > MOST_EXTRA) return picture_refused(job, "it has too many samples a pixel");
    for (int i = 0; i < count; i++) types[i] = EXTRASAMPLE_ASSOCALPHA;
    return f.TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, count, types) != 0 ||
           picture_damaged(job, "its extra samples are broken");
}

/* Reads into the raster [height, width], whose pixels are numbers with red in the lowest byte, and leaves
 * three bytes of each. */
static bool read_raster(TIFFRGBAImage *image, uint8_t *rgb, uint32_t width, uint32_t height)
{
    image->orientation = image->req_orientation = ORIENTATION_TOPLEFT; /* pictures.c turns it */
    for (unsigned i = 0; image->Bitdepth16To8 && i < 65536; i++) {
        image->Bitdepth16To8[i] = (uint8_t)(i >> 8); /* the high byte, as the library does with PNG */
    }
    uint32_t *raster = (uint32_t *)(void *)rgb; /* from calloc, so it is aligned */
    if (!f.TIFFRGBAImageGet(image, raster, width, height)) return false;
    const size_t count = (size_t)width * height;
    for (size_t i = 0; i < count; i++, rgb += 3) {
        const uint32_t pixel = raster[i];
        rgb[0] = (uint8_t)TIFFGetR(pixel);
        rgb[1] = (uint8_t)TIFFGetG(pixel);
        rgb[2] = (uint8_t)TIFFGetB(pixel);
    }
    return true;
}

static bool decode(picture_job *job, picture *p, TIFF *tiff, tiff_bytes *bytes)
{
    uint32_t width = 0, height = 0;
    uint16_t orientation = 1;
    (void)f.TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
    (void)f.TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height);
    (void)f.TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &orientation);
    if (!job->source->no_exif && orientation >= 1 && orientation <= 8) job->orientation = orientation;
    if (!check(job, tiff, width, height) || !drop_alpha(job, tiff)) return false;
    TIFFRGBAImage image;
    char reason[1024] = "";
    if (!f.TIFFRGBAImageOK(tiff, reason) || !f.TIFFRGBAImageBegin(&image, tiff, 1, reason)) {
        return picture_refused(job, reason);
    }
    uint8_t *rgb = picture_room(job, p, width, height, RASTER_BYTES);
    const bool ok = rgb && (read_raster(&image, rgb, width, height) ||
                            picture_damaged(job, bytes->message[0] ? bytes->message : "its data is broken"));
    f.TIFFRGBAImageEnd(&image);
    return ok;
}

bool picture_decode_tiff(picture_job *job, picture *p)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (pthread_once(&once, load) != 0 || !loaded) return picture_refused(job, LIBRARY " is not installed");
    if (!picture_tiff_check(job)) return false;
    tiff_bytes bytes = {.data = job->source->data, .size = job->source->size};
    TIFF *tiff = f.TIFFClientOpen(job->source->name, "r", &bytes, read_bytes, write_nothing, seek,
                                  close_nothing, size_of, map, unmap);
    if (!tiff) {
        return picture_damaged(job, bytes.message[0] ? bytes.message : "its header is broken");
    }
    const bool ok = decode(job, p, tiff, &bytes);
    f.TIFFClose(tiff);
    return ok;
}

#endif
