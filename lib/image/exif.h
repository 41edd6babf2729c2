/* exif.h - the orientation in EXIF data, and what a JPEG's markers say before its first scan.  Reads nothing
 * beyond the bytes that it is given. */
#ifndef CPT_EXIF_H
#define CPT_EXIF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads tag 0x0112 of the first directory of a TIFF block [size].  Returns 1..8; without a good tag, 1. */
int cpt_exif_orientation(const uint8_t *tiff, size_t size);

typedef struct cpt_jpeg_header {
    int width, height, components, orientation;
    bool staged; /* progressive or several scans, so that the coefficients of the whole image are kept */
    size_t coefficients; /* of all components, padded to full blocks */
    size_t row_memory;   /* bytes of the rows that libjpeg works on, as stored and up-sampled */
} cpt_jpeg_header;

/* Reads the markers of data [size] up to the first scan.  Returns false when there is no frame header. */
bool cpt_jpeg_scan(const uint8_t *data, size_t size, cpt_jpeg_header *header);

#endif
