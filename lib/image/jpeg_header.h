/* jpeg_header.h - what the markers of a JPEG file say, without decoding anything.  Reads nothing beyond the
 * bytes that it is given. */
#ifndef CPT_JPEG_HEADER_H
#define CPT_JPEG_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CPT_JPEG_COMPONENTS = 10 }; /* as many as libjpeg takes */

typedef struct cpt_jpeg_header {
    int width, height, components, orientation;
    bool staged; /* progressive or several scans, so that the coefficients of the whole image are kept */
    size_t coefficients;              /* of all components, padded to full blocks */
    size_t row_memory;                /* bytes of the rows that libjpeg works on, as stored and up-sampled */
    size_t first_scan;                /* where the first scan's marker begins */
    uint8_t ids[CPT_JPEG_COMPONENTS]; /* [components] by which scans name components */
    uint64_t blocks[CPT_JPEG_COMPONENTS]; /* [components] blocks of 8 x 8 */
} cpt_jpeg_header;

/* Reads the markers of data [size] up to the first scan's.  Returns NULL, or what is wrong with them. */
const char *cpt_jpeg_scan(const uint8_t *data, size_t size, cpt_jpeg_header *header);

typedef struct cpt_jpeg_work {
    size_t scans;
    uint64_t blocks; /* that these scans and the pixels behind them visit */
} cpt_jpeg_work;

/* Reads the markers of all scans, and so the whole file. */
cpt_jpeg_work cpt_jpeg_count_work(const uint8_t *data, size_t size, const cpt_jpeg_header *header);

#endif
