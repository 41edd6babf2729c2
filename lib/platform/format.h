/* format.h - texts with numbers in them.  It takes the place of snprintf, whose C99 conversions some C
 * libraries for small machines lack, and which is larger than a decoder. */
#ifndef CPT_FORMAT_H
#define CPT_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

#if defined(__GNUC__) || defined(__clang__)
#define CPT_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define CPT_PRINTF(text, first)
#endif

/* Writes what snprintf would write: the text, cut off where `size` bytes (1 or more) end, and a NUL.  It
 * knows %%, %s, %d, %u and %g, the precision of %s and %g (a number or *), and the lengths l, ll, z and t of
 * integers.  %g has up to 15 digits; from the 12th on they may be off, and what lies halfway between two
 * texts may become either.  Anything else in the format ends the text. */
void cpt_format(char *to, size_t size, const char *format, ...) CPT_PRINTF(3, 4);

/* The same with the arguments in a list. */
void cpt_format_list(char *to, size_t size, const char *format, va_list args) CPT_PRINTF(3, 0);

#endif
