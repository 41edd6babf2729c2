/* PNG files; see encode.h.  libpng's errors come back by longjmp, which never leaves this file. */
#include "tools/draw/encode.h"

#include <string.h>

static const char software[] = "libcaption";

#if CAPTION_WITH_PNG

#include <png.h>
#include <setjmp.h>

bool encode_has_png(void)
{
    return true;
}

static void on_error(png_structp png, png_const_charp text)
{
    (void)tool_fail(png_get_error_ptr(png), "%s", text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png, (void)text;
}

/* The chunk of `software` comes before the pixels, so that a file's start tells whose it is. */
static void set_texts(png_structp png, png_infop info, const char *description)
{
    png_text texts[2];
    memset(texts, 0, sizeof texts);
    texts[0].compression = PNG_TEXT_COMPRESSION_NONE;
    texts[0].key = (char *)(uintptr_t) "Software";
    texts[0].text = (char *)(uintptr_t)software;
    texts[0].text_length = strlen(software);
    texts[1].compression = PNG_ITXT_COMPRESSION_NONE;
    texts[1].key = (char *)(uintptr_t) "Description";
    texts[1].text = (char *)(uintptr_t)description;
    texts[1].itxt_length = description ? strlen(description) : 0;
    png_set_text(png, info, texts, description ? 2 : 1);
}

bool encode_png(FILE *stream, const encode_picture *picture, tool_error *err)
{
    tool_error failure = {{0}};
    png_infop info = NULL;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &failure, on_error, on_warning);
    if (!png) return tool_fail(err, "out of memory");
    if (setjmp(png_jmpbuf(png))) {
        png_destroy_write_struct(&png, &info);
        return tool_fail(err, "%s", failure.message);
    }
    info = png_create_info_struct(png);
    if (!info) png_error(png, "out of memory");
    png_init_io(png, stream);
    png_set_IHDR(png, info, (png_uint_32)picture->width, (png_uint_32)picture->height, 8, PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    set_texts(png, info, picture->description);
    png_write_info(png, info);
    for (int y = 0; y < picture->height; y++) png_write_row(png, picture->row(picture->user, y));
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    return true;
}

#else

bool encode_has_png(void)
{
    return false;
}

bool encode_png(FILE *stream, const encode_picture *picture, tool_error *err)
{
    (void)stream, (void)picture;
    return tool_fail(err, "this build has no PNG (PNG=0)");
}

#endif

bool encode_is_ours(const void *bytes, size_t size)
{
    static const char chunk[] = "tEXtSoftware"; /* and a zero byte */
    const unsigned char *p = bytes;
    const size_t length = sizeof chunk + sizeof software - 1;
    for (size_t at = 0; size >= length && at <= size - length; at++) {
        if (memcmp(p + at, chunk, sizeof chunk) != 0) continue;
        return memcmp(p + at + sizeof chunk, software, sizeof software - 1) == 0;
    }
    return false;
}
