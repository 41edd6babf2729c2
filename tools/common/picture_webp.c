/* WebP by libwebp: the picture, or of an animation the first frame on its canvas.  Writes into our memory
 * only, and the rows are those that Pillow makes. */
#include "tools/common/picture_decoders.h"

#if TOOL_WITH_WEBP

#include <string.h>
#include <webp/decode.h>
#include <webp/demux.h>

#include "lib/image/exif.h"

/* Bytes a pixel: of RGB, and of what libwebp keeps (ARGB of a lossless picture, alpha of another). */
enum { LOSSY_BYTES = 3 + 1, LOSSLESS_BYTES = 3 + 4 };

static int find_orientation(const WebPDemuxer *demuxer)
{
    static const char head[] = "Exif\0"; /* some writers put JPEG's header before it */
    WebPChunkIterator chunk;
    int orientation = 1;
    if (!WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk)) return 1;
    const uint8_t *exif = chunk.chunk.bytes;
    const size_t size = chunk.chunk.size;
    const size_t skip = size >= sizeof head && memcmp(exif, head, sizeof head) == 0 ? sizeof head : 0;
    orientation = cpt_exif_orientation(exif + skip, size - skip);
    WebPDemuxReleaseChunkIterator(&chunk);
    return orientation;
}

static const char *reason_of(VP8StatusCode status)
{
    switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY:
        return "out of memory";
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED:
        return "it ends too early";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return "it uses something that libwebp does not know";
    default:
        return "its data is broken";
    }
}

static bool decode_frame(picture_job *job, picture *p, const uint32_t canvas[2], const WebPIterator *frame)
{
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config)) return picture_refused(job, "this libwebp is another version");
    const VP8StatusCode status = WebPGetFeatures(frame->fragment.bytes, frame->fragment.size, &config.input);
    if (status != VP8_STATUS_OK) return picture_damaged(job, reason_of(status));
    if (config.input.width != frame->width || config.input.height != frame->height || frame->x_offset < 0 ||
        frame->y_offset < 0 || frame->width > (int64_t)canvas[0] - frame->x_offset ||
        frame->height > (int64_t)canvas[1] - frame->y_offset) {
        return picture_damaged(job, "a frame of another size than its canvas has room for");
    }
    const bool lossless = config.input.format == 2;
    if (!picture_reserve(job, canvas[0], canvas[1], lossless ? LOSSLESS_BYTES : LOSSY_BYTES, 0)) return false;
    uint8_t *rgb = picture_room(job, p, canvas[0], canvas[1], 3);
    if (!rgb) return false;
    const size_t stride = (size_t)p->stride,
                 first = (size_t)frame->y_offset * stride + (size_t)frame->x_offset * 3;
    config.output.colorspace = MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = rgb + first;
    config.output.u.RGBA.stride = (int)stride;
    config.output.u.RGBA.size = canvas[1] * stride - first;
    const VP8StatusCode decoded = WebPDecode(frame->fragment.bytes, frame->fragment.size, &config);
    return decoded == VP8_STATUS_OK || picture_damaged(job, reason_of(decoded));
}

bool picture_decode_webp(picture_job *job, picture *p)
{
    const WebPData data = {job->source->data, job->source->size};
    WebPDemuxer *demuxer = WebPDemux(&data);
    if (!demuxer) return picture_damaged(job, "it ends too early, or its header is broken");
    WebPIterator frame;
    const uint32_t canvas[2] = {WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_WIDTH),
                                WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_HEIGHT)};
    if (!job->source->no_exif) job->orientation = find_orientation(demuxer);
    bool ok = WebPDemuxGetFrame(demuxer, 1, &frame) != 0;
    if (ok) {
        ok = decode_frame(job, p, canvas, &frame);
        WebPDemuxReleaseIterator(&frame);
    } else {
        (void)picture_damaged(job, "it holds no frame");
    }
    WebPDemuxDelete(demuxer);
    return ok;
}

#endif
