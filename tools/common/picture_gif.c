/* GIF by giflib: the first frame on its screen.  Reads one line after the other, and nothing behind that
 * frame. */
#include "tools/common/picture_decoders.h"

#if TOOL_WITH_GIF

#include <stdlib.h>
#include <string.h>

#include <gif_lib.h>

enum { PIXEL_BYTES = 3, NO_COLOUR = -1 };

typedef struct gif_bytes {
    const uint8_t *data; /* [size] */
    size_t size, at;
} gif_bytes;

static int read_bytes(GifFileType *gif, GifByteType *to, int wanted)
{
    gif_bytes *bytes = gif->UserData;
    const size_t left = bytes->size - bytes->at, count = (size_t)wanted < left ? (size_t)wanted : left;
    memcpy(to, bytes->data + bytes->at, count);
    bytes->at += count;
    return (int)count;
}

static bool fail(const picture_job *job, int code)
{
    const char *reason = GifErrorString(code);
    return picture_damaged(job, reason ? reason : "its data is broken");
}

/* Reads an extension; a graphic control block tells the transparent colour. */
static bool read_extension(GifFileType *gif, int *transparent)
{
    GifByteType *block; /* a length, and as many bytes */
    int code;
    if (DGifGetExtension(gif, &code, &block) == GIF_ERROR) return false;
    GraphicsControlBlock control;
    if (code == GRAPHICS_EXT_FUNC_CODE && block &&
        DGifExtensionToGCB(block[0], block + 1, &control) != GIF_ERROR) {
        *transparent = control.TransparentColor;
    }
    while (block) {
        if (DGifGetExtensionNext(gif, &block) == GIF_ERROR) return false;
    }
    return true;
}

/* Goes on to the first frame. */
static bool find_frame(const picture_job *job, GifFileType *gif, int *transparent)
{
    *transparent = NO_COLOUR;
    for (;;) {
        GifRecordType kind;
        if (DGifGetRecordType(gif, &kind) == GIF_ERROR) return fail(job, gif->Error);
        if (kind == TERMINATE_RECORD_TYPE) return picture_damaged(job, "it holds no frame");
        if (kind == IMAGE_DESC_RECORD_TYPE) break;
        if (kind == EXTENSION_RECORD_TYPE && !read_extension(gif, transparent)) return fail(job, gif->Error);
    }
    return DGifGetImageDesc(gif) != GIF_ERROR || fail(job, gif->Error);
}

/* A colour that the palette lacks is black. */
static void put_colour(uint8_t *to, const ColorMapObject *palette, int index)
{
    memset(to, 0, PIXEL_BYTES);
    if (!palette || index < 0 || index >= palette->ColorCount) return;
    const GifColorType colour = palette->Colors[index];
    to[0] = colour.Red;
    to[1] = colour.Green;
    to[2] = colour.Blue;
}

/* What the frame leaves free has the transparent colour, as in Pillow, or the first one. */
static void fill(picture *p, uint8_t *rgb, const ColorMapObject *palette, int transparent)
{
    uint8_t colour[PIXEL_BYTES];
    put_colour(colour, palette, transparent == NO_COLOUR ? 0 : transparent);
    const size_t count = (size_t)p->width * (size_t)p->height;
    for (size_t i = 0; i < count; i++) memcpy(rgb + i * PIXEL_BYTES, colour, PIXEL_BYTES);
}

/* The line of an interlaced frame that comes after y; `step` is how far its pass goes each time. */
static int next_line(int y, int *step, int height)
{
    y += *step;
    while (y >= height && *step > 1) { /* passes begin at 0, 4, 2 and 1, with steps of 8, 8, 4 and 2 */
        const bool first = *step == 8 && y % 8 == 0;
        y = first ? 4 : *step / 4;
        if (!first) *step /= 2;
    }
    return y;
}

static bool read_lines(const picture_job *job, GifFileType *gif, picture *p, uint8_t *rgb)
{
    const GifImageDesc *frame = &gif->Image;
    const ColorMapObject *palette = frame->ColorMap ? frame->ColorMap : gif->SColorMap;
    GifPixelType *line = malloc((size_t)frame->Width);
    if (!line) return tool_fail(job->err, "%s: out of memory", job->source->name);
    bool ok = true;
    int y = 0, step = frame->Interlace ? 8 : 1;
    for (int i = 0; ok && i < frame->Height; i++, y = next_line(y, &step, frame->Height)) {
        ok = DGifGetLine(gif, line, frame->Width) != GIF_ERROR;
        uint8_t *to = rgb + (frame->Top + y) * p->stride + (ptrdiff_t)frame->Left * PIXEL_BYTES;
        for (int x = 0; ok && x < frame->Width; x++) put_colour(to + x * PIXEL_BYTES, palette, line[x]);
    }
    free(line);
    return ok || fail(job, gif->Error);
}

static uint32_t larger(int a, int b)
{
    return (uint32_t)(a > b ? a : b);
}

static bool decode(const picture_job *job, GifFileType *gif, picture *p)
{
    const GifImageDesc *frame = &gif->Image;
    int transparent;
    if (!find_frame(job, gif, &transparent)) return false;
    if (frame->Width < 1 || frame->Height < 1) return picture_damaged(job, "its first frame is empty");
    /* all are 16-bit numbers; a frame may be larger than its screen, which then grows */
    const uint32_t width = larger(gif->SWidth, frame->Left + frame->Width),
                   height = larger(gif->SHeight, frame->Top + frame->Height);
    if (!picture_reserve(job, width, height, PIXEL_BYTES, 0)) return false;
    uint8_t *rgb = picture_room(job, p, width, height, PIXEL_BYTES);
    if (!rgb) return false;
    fill(p, rgb, frame->ColorMap ? frame->ColorMap : gif->SColorMap, transparent);
    return read_lines(job, gif, p, rgb);
}

bool picture_decode_gif(picture_job *job, picture *p)
{
    gif_bytes bytes = {.data = job->source->data, .size = job->source->size};
    int code = 0;
    GifFileType *gif = DGifOpen(&bytes, read_bytes, &code);
    if (!gif) return fail(job, code);
    const bool ok = decode(job, gif, p);
    (void)DGifCloseFile(gif, &code);
    return ok;
}

#endif
