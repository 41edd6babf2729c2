/* utf8.h - strict UTF-8: overlong forms, surrogates and numbers above U+10FFFF are none. */
#ifndef CPT_UTF8_H
#define CPT_UTF8_H

#include <stddef.h>

/* Bytes of the character at the start of data [size, at least 1]; 0 when those bytes are no UTF-8. */
size_t cpt_utf8_length(const char *data, size_t size);

/* Offset of the first byte that is not UTF-8; `size` if there is none. */
size_t cpt_utf8_check(const char *data, size_t size);

#endif
