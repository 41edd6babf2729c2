/* crc32.h - CRC-32 as zlib computes it (polynomial 0xEDB88320), with or without zlib. */
#ifndef CPT_CRC32_H
#define CPT_CRC32_H

#include <stddef.h>
#include <stdint.h>

uint32_t cpt_crc32(const void *data, size_t size);

#endif
