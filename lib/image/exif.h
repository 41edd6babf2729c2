/* exif.h - the orientation in EXIF data.  Reads nothing beyond the bytes that it is given. */
#ifndef CPT_EXIF_H
#define CPT_EXIF_H

#include <stddef.h>
#include <stdint.h>

/* Reads tag 0x0112 of the first directory of a TIFF block [size].  Returns 1..8; without a good tag, 1. */
int cpt_exif_orientation(const uint8_t *tiff, size_t size);

#endif
