/* SHA-256 (FIPS 180-4), for the hashes of a content security policy. */
#ifndef TOOLS_SERVE_SHA256_H
#define TOOLS_SERVE_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SERVE_SHA256_BYTES = 32 };

/* data: [size], less than 2^61 bytes */
void serve_sha256(const void *data, size_t size, uint8_t digest[SERVE_SHA256_BYTES]);

#endif
