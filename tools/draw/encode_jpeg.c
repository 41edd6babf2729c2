/* JPEG files; see encode.h.  libjpeg's errors come back by longjmp, which never leaves this file. */
#include "tools/draw/encode.h"

#include <stdlib.h>

#if CAPTION_WITH_JPEG

#include <jpeglib.h>
#include <setjmp.h>

bool encode_has_jpeg(void)
{
    return true;
}

typedef struct jpeg_writer {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr manager;
    jmp_buf escape;
    unsigned char *data; /* [size], where libjpeg writes: it takes more room than it was given only if a
                            picture grows by compression */
    unsigned long size;
    char message[JMSG_LENGTH_MAX];
} jpeg_writer;

static void on_error(j_common_ptr jpeg)
{
    jpeg_writer *writer = jpeg->client_data;
    jpeg->err->format_message(jpeg, writer->message);
    longjmp(writer->escape, 1);
}

static void on_message(j_common_ptr jpeg)
{
    (void)jpeg;
}

static bool write_picture(jpeg_writer *writer, const encode_picture *picture, int quality)
{
    struct jpeg_compress_struct *jpeg = &writer->jpeg;
    if (setjmp(writer->escape)) return false;
    jpeg_create_compress(jpeg);
    jpeg_mem_dest(jpeg, &writer->data, &writer->size);
    jpeg->image_width = (JDIMENSION)picture->width;
    jpeg->image_height = (JDIMENSION)picture->height;
    jpeg->input_components = 3;
    jpeg->in_color_space = JCS_RGB;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, quality, TRUE);
    jpeg->optimize_coding = TRUE;
    jpeg_start_compress(jpeg, TRUE);
    for (int y = 0; y < picture->height; y++) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)picture->row(picture->user, y); /* libjpeg only reads it */
        (void)jpeg_write_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_compress(jpeg);
    return true;
}

bool encode_jpeg(unsigned char **data, size_t *size, const encode_picture *picture, int quality,
                 tool_error *err)
{
    const size_t room = (size_t)picture->width * (size_t)picture->height * 3 + 4096;
    jpeg_writer *writer = calloc(1, sizeof *writer);
    unsigned char *const first = malloc(room);
    bool ok = writer && first;
    if (ok) {
        writer->data = first;
        writer->size = room;
        writer->jpeg.err = jpeg_std_error(&writer->manager);
        writer->manager.error_exit = on_error;
        writer->manager.output_message = on_message;
        writer->jpeg.client_data = writer;
        ok = write_picture(writer, picture, quality);
        jpeg_destroy_compress(&writer->jpeg);
    }
    if (!ok) {
        (void)tool_fail(err, "%s", writer && writer->message[0] ? writer->message : "out of memory");
    } else {
        *data = writer->data;
        *size = writer->size;
    }
    if (!ok || writer->data != first) free(first);
    free(writer);
    return ok;
}

#else

bool encode_has_jpeg(void)
{
    return false;
}

bool encode_jpeg(unsigned char **data, size_t *size, const encode_picture *picture, int quality,
                 tool_error *err)
{
    (void)data, (void)size, (void)picture, (void)quality;
    return tool_fail(err, "this build has no JPEG (JPEG=0)");
}

#endif
