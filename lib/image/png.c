/* png.c - PNG to rows with libpng: palettes expanded, transparency dropped, 16 bits cut to the high byte.
 *
 * libpng allocates in the workspace only.  Chunks that do not change pixels are skipped unread, so that none
 * of them can use the memory up.  Errors come back by longjmp, which never leaves this file. */
#include "lib/image/decoders.h"

#include <string.h>

#include "lib/image/exif.h"

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The eXIf chunk's orientation, if it comes before the pixels. */
static int find_orientation(const cpt_image_bytes *image)
{
    const uint8_t *data = image->data;
    const size_t size = image->size;
    for (size_t at = 8; size - at >= 12;) {
        const uint32_t length = be32(data + at);
        if (length > size - at - 12 || memcmp(data + at + 4, "IDAT", 4) == 0) break;
        if (memcmp(data + at + 4, "eXIf", 4) == 0) return cpt_exif_orientation(data + at + 8, length);
        at += 12 + (size_t)length;
    }
    return 1;
}

const char *cpt_png_probe(const cpt_image_bytes *image, caption_image_info *info)
{
    if (image->size < 33 || memcmp(image->data + 12, "IHDR", 4) != 0) return "no usable header";
    const uint8_t *header = image->data + 16; /* behind the signature and IHDR's length and type */
    if (be32(header) > INT32_MAX || be32(header + 4) > INT32_MAX) return "no usable header";
    info->width = (int)be32(header);
    info->height = (int)be32(header + 4);
    info->orientation = find_orientation(image);
    info->staged = header[12] != 0;
    /* libpng's two rows of at most 8 bytes a pixel, one of ours, zlib's window and tables */
    uint64_t bytes = (uint64_t)info->width * 28 + (192u << 10);
    if (info->staged) bytes += (uint64_t)info->width * (uint64_t)info->height * 3;
    info->decode_memory = bytes > SIZE_MAX / 2 ? SIZE_MAX / 2 : (size_t)bytes;
    return NULL;
}

#if CAPTION_WITH_PNG

#include <png.h>
#include <setjmp.h>

/* The least bytes that the image's rows are inflated to; the passes of an interlaced image have more rows. */
static uint64_t inflated_bytes(const cpt_image_bytes *image, const caption_image_info *info)
{
    static const uint8_t channels[8] = {1, 0, 3, 1, 2, 0, 4, 0}; /* by colour type */
    const unsigned depth = image->data[24], type = image->data[25];
    const uint64_t bits = (uint64_t)info->width * depth * channels[type & 7];
    return (uint64_t)info->height * ((bits + 7) / 8 + 1);
}

typedef struct png_reader {
    const cpt_image_job *job;
    const caption_image_info *info;
    png_structp png;
    png_infop chunks;
    size_t at;     /* bytes of the image that were read */
    int row;       /* being read, counted from 1 */
    size_t last;   /* bytes that may be read before the last row is delivered, once that is being read */
    bool complete; /* every row was delivered */
    char message[128];
} png_reader;

static png_voidp take_memory(png_structp png, png_alloc_size_t size)
{
    const png_reader *reader = png_get_mem_ptr(png);
    return cpt_arena_take(reader->job->workspace, size, 1);
}

static void keep_memory(png_structp png, png_voidp piece)
{
    (void)png, (void)piece; /* the workspace is emptied all at once */
}

static void on_error(png_structp png, png_const_charp text)
{
    png_reader *reader = png_get_error_ptr(png);
    strncpy(reader->message, text, sizeof reader->message - 1);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    const png_reader *reader = png_get_error_ptr(png);
    cpt_image_warn(reader->job, text);
}

static void read_bytes(png_structp png, png_bytep to, size_t size)
{
    png_reader *reader = png_get_io_ptr(png);
    const cpt_image_bytes *image = reader->job->image;
    if (size > image->size - reader->at) png_error(png, "the file ends too early");
    if (reader->last && size > reader->last - reader->at) {
        png_error(png, "too many bytes behind the last row");
    }
    memcpy(to, image->data + reader->at, size);
    reader->at += size;
}

/* Everything becomes 8-bit RGB. */
static void set_transforms(png_structp png)
{
    png_set_strip_16(png);
    png_set_expand(png);
    png_set_gray_to_rgb(png);
    png_set_strip_alpha(png);
}

static void skip_other_chunks(png_structp png)
{
    /* tRNS too: transparency is dropped anyway */
    static const png_byte skipped[] =
        "bKGD\0cHRM\0eXIf\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0sPLT\0"
        "sRGB\0tEXt\0tIME\0tRNS\0zTXt";
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, skipped, (int)(sizeof skipped / 5));
}

/* libpng inflates all that follows the pixels before it delivers the last row. */
static void begin_last_row(png_reader *reader)
{
    const uint64_t row = inflated_bytes(reader->job->image, reader->info) / (uint64_t)reader->info->height;
    reader->last = reader->at + 2 * (size_t)row + CPT_MAX_PNG_REST;
}

/* Rows of an image that is not interlaced stream; interlaced ones are put together first. */
static void read_rows(png_reader *reader)
{
    const caption_image_info *info = reader->info;
    cpt_arena *workspace = reader->job->workspace;
    const size_t row_bytes = (size_t)info->width * 3;
    const int size[2] = {info->width, info->height}, passes = png_set_interlace_handling(reader->png);
    const size_t kept = passes > 1 ? (size_t)info->height : 1;
    png_read_update_info(reader->png, reader->chunks);
    if (png_get_rowbytes(reader->png, reader->chunks) != row_bytes) {
        png_error(reader->png, "unexpected row size");
    }
    cpt_resizer resizer;
    cpt_resizer_init(&resizer, workspace, size, info->orientation, reader->job->config->out_size,
                     reader->job->out);
    uint8_t *rows = cpt_arena_take(workspace, kept, row_bytes);
    if (workspace->failed) png_error(reader->png, "not enough decode_memory");
    for (int pass = 0; pass < passes; pass++) {
        for (int y = 0; y < info->height; y++) {
            uint8_t *row = kept > 1 ? rows + (size_t)y * row_bytes : rows;
            reader->row = y + 1;
            if (pass == passes - 1 && y == info->height - 1) begin_last_row(reader);
            png_read_row(reader->png, row, NULL);
            if (pass == passes - 1) cpt_resizer_push(&resizer, row);
        }
    }
    reader->complete = true;
    reader->last = 0;
    png_read_end(reader->png, NULL);
}

static void decode(png_reader *reader)
{
    png_set_read_fn(reader->png, reader, read_bytes);
    png_set_user_limits(reader->png, INT32_MAX, INT32_MAX);
    skip_other_chunks(reader->png);
    png_read_info(reader->png, reader->chunks);
    set_transforms(reader->png);
    read_rows(reader);
}

/* The reader lies in the workspace because longjmp leaves local variables that were changed undefined. */
caption_status cpt_png_decode(const cpt_image_job *job, const caption_image_info *info)
{
    const cpt_image_bytes *image = job->image;
    const uint64_t bytes = inflated_bytes(image, info);
    if (bytes > CPT_MAX_PNG_BYTES) {
        return cpt_fail(job->error, CAPTION_ERROR_LIMIT,
                        "the rows of this PNG image have %llu bytes, the limit is %d",
                        (unsigned long long)bytes, CPT_MAX_PNG_BYTES);
    }
    if (bytes / CPT_MAX_INFLATION > image->size) {
        return cpt_fail(job->error, CAPTION_ERROR_IMAGE,
                        "damaged PNG image: %zu bytes are too few for %d x %d pixels", image->size,
                        info->width, info->height);
    }
    png_reader *reader = cpt_arena_take(job->workspace, 1, sizeof *reader);
    if (!reader) return cpt_fail(job->error, CAPTION_ERROR_LIMIT, "decoding needs more decode_memory");
    memset(reader, 0, sizeof *reader);
    reader->job = job;
    reader->info = info;
    reader->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, reader, on_error, on_warning, reader,
                                           take_memory, keep_memory);
    if (reader->png) reader->chunks = png_create_info_struct(reader->png);
    if (!reader->chunks) {
        return cpt_fail(job->error, CAPTION_ERROR_LIMIT, "decoding this PNG image needs more decode_memory");
    }
    if (setjmp(png_jmpbuf(reader->png)) == 0) {
        decode(reader);
        return CAPTION_OK;
    }
    if (reader->complete) { /* only what follows the pixels is damaged */
        cpt_image_warn(job, reader->message);
        return CAPTION_OK;
    }
    if (job->workspace->failed) {
        return cpt_fail(job->error, CAPTION_ERROR_LIMIT,
                        "decoding this PNG image needs more than %zu bytes of decode_memory",
                        job->config->decode_memory);
    }
    if (reader->row == 0) {
        return cpt_fail(job->error, CAPTION_ERROR_IMAGE, "damaged PNG image: %.200s", reader->message);
    }
    return cpt_fail(job->error, CAPTION_ERROR_IMAGE, "damaged PNG image: row %d of %d: %.180s", reader->row,
                    info->height, reader->message);
}

#endif
