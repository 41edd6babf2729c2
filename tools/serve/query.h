/* The query of a request's address, "beam_width=3&max_len=20", as the published service reads it.  Allocates
 * nothing. */
#ifndef TOOLS_SERVE_QUERY_H
#define TOOLS_SERVE_QUERY_H

#include <stdbool.h>
#include <stddef.h>

/* Finds the last parameter of this name and puts its value, decoded and cut to fit, into value [room].  A
 * zero byte in it, and what follows, is left out.  `query` may be NULL.  False where there is none. */
bool serve_query_find(const char *query, const char *name, char *value, size_t room);

/* Reads a whole number as Pydantic does: blanks around it, a sign, single '_' between digits and ".0" behind
 * it are allowed.  A number that is too large becomes the largest. */
bool serve_query_int(const char *text, long *number);

#endif
