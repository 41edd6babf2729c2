/* limits.h - the limits of the library that callers can't change.  Those that callers meet as ranges of
 * options are in caption.h (CAPTION_MAX_...). */
#ifndef CPT_LIMITS_H
#define CPT_LIMITS_H

/* The side of the square image that a model file may ask for.  The encoder makes maps 32 times smaller, so
 * that less than 32 leaves nothing. */
#define CPT_MIN_INPUT_SIZE 32
#define CPT_MAX_INPUT_SIZE 1024

/* The side of an image, so that a row of pixels fits into an int. */
#define CPT_MAX_IMAGE_SIDE (1 << 28)

/* Scans of a JPEG image.  Progressive images have about ten.  Each takes time for the whole image, however
 * few bytes it has. */
#define CPT_MAX_JPEG_SCANS 100

/* Bytes of a decoder's warning, the NUL at its end counted. */
#define CPT_WARNING_BYTES 256

/* Recurrent layers of a baseline decoder. */
#define CPT_MAX_RNN_LAYERS 64

/* Ranges of a model file's input.mean and input.std, for pixels in 0..1. */
#define CPT_MAX_MEAN 10.0
#define CPT_MIN_STD 1e-3
#define CPT_MAX_STD 1e3

#endif
