/* jpeg.c - JPEG to rows with libjpeg-turbo's defaults: slow integer DCT, fancy up-sampling.
 *
 * libjpeg's object is made once, which is the only time it allocates, and kept as it was then.  Every image
 * starts from a copy of that state with another memory manager, so that nothing of one image reaches the
 * next.  Errors come back by longjmp, which never leaves this file.  libjpeg never prints or exits here. */
#include "lib/image/decoders.h"

#if CAPTION_WITH_JPEG

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "lib/image/jpeg_header.h"
#include "lib/image/jpeg_memory.h"

struct cpt_jpeg {
    struct jpeg_decompress_struct cinfo, fresh; /* at work, and as libjpeg made it */
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    cpt_jpeg_memory memory;
    const cpt_image_job *job; /* NULL outside cpt_jpeg_decode */
    char message[JMSG_LENGTH_MAX];
    bool out_of_memory, created;
    bool complete; /* every row was delivered */
};

static void on_error(j_common_ptr cinfo)
{
    cpt_jpeg *jpeg = cinfo->client_data;
    jpeg->out_of_memory = cinfo->err->msg_code == JERR_OUT_OF_MEMORY;
    cinfo->err->format_message(cinfo, jpeg->message);
    longjmp(jpeg->escape, 1);
}

static void on_message(j_common_ptr cinfo, int level)
{
    cpt_jpeg *jpeg = cinfo->client_data;
    if (level >= 0 || !jpeg->job) return; /* only warnings matter */
    cinfo->err->format_message(cinfo, jpeg->message);
    cpt_image_warn(jpeg->job, jpeg->message);
}

static void on_print(j_common_ptr cinfo)
{
    (void)cinfo;
}

/* The scans were counted before.  This is for files whose markers libjpeg reads in another way. */
static void on_progress(j_common_ptr cinfo)
{
    cpt_jpeg *jpeg = cinfo->client_data;
    if (jpeg->cinfo.input_scan_number <= CPT_MAX_JPEG_SCANS) return;
    cpt_format(jpeg->message, sizeof jpeg->message, "more than %d scans", CPT_MAX_JPEG_SCANS);
    longjmp(jpeg->escape, 1);
}

/* ---- the source: bytes in memory ---- */

static void source_begin(j_decompress_ptr cinfo)
{
    (void)cinfo;
}

/* The data have ended: pretends that there was an end marker, as libjpeg's own sources do. */
static boolean source_fill(j_decompress_ptr cinfo)
{
    static const JOCTET end[2] = {0xFF, JPEG_EOI};
    WARNMS(cinfo, JWRN_JPEG_EOF);
    cinfo->src->next_input_byte = end;
    cinfo->src->bytes_in_buffer = sizeof end;
    return TRUE;
}

static void source_skip(j_decompress_ptr cinfo, long bytes)
{
    if (bytes <= 0) return;
    if ((size_t)bytes > cinfo->src->bytes_in_buffer) {
        source_fill(cinfo);
    } else {
        cinfo->src->next_input_byte += bytes;
        cinfo->src->bytes_in_buffer -= (size_t)bytes;
    }
}

/* ---- one object for all images ---- */

size_t cpt_jpeg_object_size(void)
{
    return sizeof(cpt_jpeg);
}

caption_status cpt_jpeg_init(cpt_jpeg *jpeg, caption_error *error)
{
    memset(jpeg, 0, sizeof *jpeg);
    jpeg->cinfo.err = jpeg_std_error(&jpeg->errors);
    jpeg->errors.error_exit = on_error;
    jpeg->errors.emit_message = on_message;
    jpeg->errors.output_message = on_print;
    jpeg->cinfo.client_data = jpeg;
    jpeg->source.init_source = source_begin;
    jpeg->source.fill_input_buffer = source_fill;
    jpeg->source.skip_input_data = source_skip;
    jpeg->source.resync_to_restart = jpeg_resync_to_restart;
    jpeg->source.term_source = source_begin;
    jpeg->progress.progress_monitor = on_progress;
    if (setjmp(jpeg->escape)) {
        jpeg_destroy_decompress(&jpeg->cinfo);
        return cpt_fail(error, CAPTION_ERROR_MEMORY, "libjpeg: %.200s",
                        jpeg->out_of_memory ? caption_status_string(CAPTION_ERROR_MEMORY) : jpeg->message);
    }
    jpeg_create_decompress(&jpeg->cinfo);
    jpeg->fresh = jpeg->cinfo;
    jpeg->created = true;
    return CAPTION_OK;
}

void cpt_jpeg_close(cpt_jpeg *jpeg)
{
    if (!jpeg || !jpeg->created) return;
    jpeg->cinfo = jpeg->fresh; /* with libjpeg's own memory manager, which holds what it allocated */
    jpeg_destroy_decompress(&jpeg->cinfo);
    jpeg->created = false;
}

/* ---- how much there is to do ---- */

/* Refuses an image whose scans take more time than so few bytes, or any number of them, may cost. */
static caption_status check_work(const cpt_image_job *job)
{
    const cpt_image_bytes *image = job->image;
    cpt_jpeg_header header;
    if (cpt_jpeg_scan(image->data, image->size, &header)) return CAPTION_OK; /* never: it was probed */
    const cpt_jpeg_work work = cpt_jpeg_count_work(image->data, image->size, &header);
    if (work.scans > CPT_MAX_JPEG_SCANS) {
        return cpt_fail(job->error, CAPTION_ERROR_IMAGE, "damaged JPEG image: more than %d scans",
                        CPT_MAX_JPEG_SCANS);
    }
    if (work.blocks > CPT_JPEG_BLOCKS + (uint64_t)image->size * CPT_JPEG_BLOCKS_PER_BYTE) {
        return cpt_fail(job->error, CAPTION_ERROR_IMAGE,
                        "damaged JPEG image: %zu bytes are too few for %d x %d pixels in %zu scan%s",
                        image->size, header.width, header.height, work.scans, work.scans == 1 ? "" : "s");
    }
    if (work.blocks > CPT_MAX_JPEG_BLOCKS) {
        return cpt_fail(
            job->error, CAPTION_ERROR_LIMIT,
            "decoding this JPEG image visits %llu blocks of 8 x 8 pixels in %zu scan%s, the limit is %d",
            (unsigned long long)work.blocks, work.scans, work.scans == 1 ? "" : "s", CPT_MAX_JPEG_BLOCKS);
    }
    return CAPTION_OK;
}

/* ---- decoding ---- */

/* row [width, components] -> rgb [width, 3].  Gray is repeated.  CMYK is stored inverted (255 - C and so on)
 * and becomes RGB as in Pillow: R = (255 - K) (255 - C) / 255, rounded. */
static void to_rgb(const JSAMPLE *row, uint8_t *rgb, JDIMENSION width, int components)
{
    for (JDIMENSION x = 0; x < width; x++, row += components, rgb += 3) {
        if (components == 1) {
            rgb[0] = rgb[1] = rgb[2] = row[0];
        } else {
            const int light = row[3]; /* 255 - K */
            for (int i = 0; i < 3; i++) {
                const int t = (255 - row[i]) * light + 128;
                rgb[i] = (uint8_t)(light - (((t >> 8) + t) >> 8));
            }
        }
    }
}

static void read_rows(cpt_jpeg *jpeg, const caption_image_info *info)
{
    struct jpeg_decompress_struct *cinfo = &jpeg->cinfo;
    const cpt_image_job *job = jpeg->job;
    const int size[2] = {(int)cinfo->output_width, (int)cinfo->output_height};
    const size_t width = cinfo->output_width, components = (size_t)cinfo->output_components;
    cpt_resizer resizer;
    cpt_resizer_init(&resizer, job->workspace, size, info->orientation, job->config->out_size, job->out);
    JSAMPROW row = cpt_arena_take(job->workspace, width, components);
    uint8_t *rgb = components == 3 ? row : cpt_arena_take(job->workspace, width, 3);
    if (job->workspace->failed) ERREXIT1(cinfo, JERR_OUT_OF_MEMORY, 0);
    while (cinfo->output_scanline < cinfo->output_height) {
        jpeg_read_scanlines(cinfo, &row, 1);
        if (rgb != row) to_rgb(row, rgb, cinfo->output_width, cinfo->output_components);
        cpt_resizer_push(&resizer, rgb);
    }
}

static void decode(cpt_jpeg *jpeg, const caption_image_info *info)
{
    struct jpeg_decompress_struct *cinfo = &jpeg->cinfo;
    jpeg_read_header(cinfo, TRUE);
    /* the limits were checked against these numbers */
    if ((int)cinfo->image_width != info->width || (int)cinfo->image_height != info->height) {
        ERREXIT(cinfo, JERR_SOF_DUPLICATE);
    }
    if (cinfo->out_color_space != JCS_RGB && cinfo->out_color_space != JCS_GRAYSCALE &&
        cinfo->out_color_space != JCS_CMYK) {
        ERREXIT(cinfo, JERR_CONVERSION_NOTIMPL);
    }
    jpeg_start_decompress(cinfo);
    read_rows(jpeg, info);
    jpeg->complete = true;
    jpeg_finish_decompress(cinfo);
}

caption_status cpt_jpeg_decode(cpt_jpeg *jpeg, const cpt_image_job *job, const caption_image_info *info)
{
    caption_status status = check_work(job);
    if (status) return status;
    jpeg->cinfo = jpeg->fresh;
    cpt_jpeg_memory_init(&jpeg->memory, job->workspace);
    jpeg->cinfo.mem = &jpeg->memory.methods;
    jpeg->source.next_input_byte = job->image->data;
    jpeg->source.bytes_in_buffer = job->image->size;
    jpeg->cinfo.src = &jpeg->source;
    jpeg->cinfo.progress = &jpeg->progress;
    jpeg->errors.num_warnings = 0;
    jpeg->out_of_memory = jpeg->complete = false;
    jpeg->job = job;
    if (setjmp(jpeg->escape) == 0) {
        decode(jpeg, info);
    } else if (jpeg->complete) { /* only what follows the pixels is damaged */
        cpt_image_warn(job, jpeg->message);
    } else if (jpeg->out_of_memory) {
        status = cpt_fail(job->error, CAPTION_ERROR_LIMIT,
                          "decoding this JPEG image needs more than %zu bytes of decode_memory",
                          job->config->decode_memory);
    } else {
        status = cpt_fail(job->error, CAPTION_ERROR_IMAGE, "damaged JPEG image: %.200s", jpeg->message);
    }
    jpeg->job = NULL;
    return status;
}

#else

#include "lib/image/jpeg_header.h"

#endif

/* Reads the markers itself, so it is there without libjpeg too. */
const char *cpt_jpeg_probe(const cpt_image_bytes *image, caption_image_info *info)
{
    cpt_jpeg_header h;
    const char *reason = cpt_jpeg_scan(image->data, image->size, &h);
    if (reason) return reason;
    info->width = h.width;
    info->height = h.height;
    info->orientation = h.orientation;
    info->staged = h.staged;
    /* the rows that libjpeg works on, one row of output and for CMYK and gray one of RGB, tables */
    info->decode_memory =
        h.row_memory + ((size_t)h.width * 3 + 64) * (h.components == 3 ? 1 : 3) + (96u << 10);
    if (h.staged) {
        info->decode_memory += h.coefficients * 2 + (size_t)h.height * sizeof(void *) * 4 + (16u << 10);
    }
    return NULL;
}
