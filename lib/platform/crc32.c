/* crc32.c - zlib's CRC-32, or a small table-driven one where zlib is left out (firmware). */
#include "lib/platform/crc32.h"

#if CAPTION_WITH_ZLIB

#include <zlib.h>

uint32_t cpt_crc32(const void *data, size_t size)
{
    return (uint32_t)crc32_z(0, data, size);
}

#else

uint32_t cpt_crc32(const void *data, size_t size)
{
    /* the CRC of each 4-bit value: two steps take in a byte */
    static const uint32_t nibble[16] = {
        0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
        0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C};
    const unsigned char *p = data;
    uint32_t crc = 0xFFFFFFFFu;
    for (size_t i = 0; i < size; i++) {
        crc ^= p[i];
        crc = (crc >> 4) ^ nibble[crc & 15];
        crc = (crc >> 4) ^ nibble[crc & 15];
    }
    return ~crc;
}

#endif
