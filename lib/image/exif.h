/* exif.h - the orientation out of EXIF data, and what a JPEG's markers say before its first scan.  Called by
 * image.c, jpeg.c and png.c; reads bounded memory only. */
#ifndef CPT_EXIF_H
#define CPT_EXIF_H

#include <stddef.h>
#include <stdint.h>

/* Tag 0x0112 of the first directory of a TIFF block: 1..8, or 1 when absent or malformed. */
int cpt_exif_orientation(const uint8_t *tiff, size_t size);

typedef struct cpt_jpeg_header {
    int width, height, components, orientation;
    int staged;          /* progressive or several scans: coefficients of the whole image are kept */
    size_t coefficients; /* of all components, padded to whole blocks */
    size_t row_memory;   /* bytes of the rows that libjpeg works on, as stored and up-sampled */
} cpt_jpeg_header;

/* Reads the markers up to the first scan; 0 when there is no frame header. */
int cpt_jpeg_scan(const uint8_t *data, size_t size, cpt_jpeg_header *header);

#endif
