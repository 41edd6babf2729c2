/* limits.h - the limits of the library that callers can't change.  Those that callers meet as ranges of
 * options are in caption.h (CAPTION_MAX_...). */
#ifndef CPT_LIMITS_H
#define CPT_LIMITS_H

/* The side of the square image that a model file may ask for.  The encoder makes maps 32 times smaller, so
 * that less than 32 leaves nothing. */
#define CPT_MIN_INPUT_SIZE 32
#define CPT_MAX_INPUT_SIZE 1024

/* Scans of a JPEG image.  Progressive images have about ten.  Each takes time for the whole image, however
 * few bytes it has. */
#define CPT_MAX_JPEG_SCANS 100

/* Blocks of 8 x 8 that decoding a JPEG image may visit: so many, and more for each byte of the file.  A block
 * takes at least 2 bits of a sequential image and 1 bit of a progressive image's first scan, so a whole image
 * of one colour has at most 8 blocks a byte for each of its scans.  The first number lets an image of a few
 * megapixels be cut off anywhere. */
#define CPT_JPEG_BLOCKS (1 << 20)
#define CPT_JPEG_BLOCKS_PER_BYTE 64

/* Blocks that it may visit whatever its size.  They take about 1 s; 64 million pixels with half the colours,
 * in the ten scans that libjpeg writes, are 10 million blocks. */
#define CPT_MAX_JPEG_BLOCKS (12 << 20)

/* Bytes that one byte of a deflated stream can stand for. */
#define CPT_MAX_INFLATION 1032

/* Bytes that the rows of a PNG image may be inflated to: 64 million pixels of 32 bits.  They take less than
 * 2 s. */
#define CPT_MAX_PNG_BYTES (1 << 28)

/* Bytes that a PNG file may have behind its last row's, before the end of the pixels' chunks.  They are
 * inflated only to be dropped. */
#define CPT_MAX_PNG_REST (1 << 16)

/* Bytes of a decoder's warning, the NUL at its end counted. */
#define CPT_WARNING_BYTES 256

/* Recurrent layers of a baseline decoder. */
#define CPT_MAX_RNN_LAYERS 64

/* Ranges of a model file's input.mean and input.std, for pixels in 0..1. */
#define CPT_MAX_MEAN 10.0
#define CPT_MIN_STD 1e-3
#define CPT_MAX_STD 1e3

#endif
