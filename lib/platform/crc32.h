/* crc32.h - CRC-32 as zlib computes it (polynomial 0xEDB88320), in builds without zlib too. */
#ifndef CPT_CRC32_H
#define CPT_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Returns the checksum of data [size]. */
uint32_t cpt_crc32(const void *data, size_t size);

#endif
