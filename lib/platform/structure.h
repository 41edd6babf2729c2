/* structure.h - structures that a program and the library pass to each other.  The two may have been compiled
 * with headers of different versions, so a structure comes with its size (caption.h, VERSIONS). */
#ifndef CPT_STRUCTURE_H
#define CPT_STRUCTURE_H

#include "lib/platform/status.h"

/* A structure that a caller passes with its size. */
typedef struct cpt_structure {
    const char *name; /* for messages: "pixel view" */
    size_t least;     /* bytes, without which it means nothing */
    size_t known;     /* bytes of this library's */
} cpt_structure;

/* Copies the first `size` bytes of `from`, a caller's structure, into `to`, one of this library's, whose
 * other bytes keep the defaults that they have.  Errors: ARGUMENT (`from` is NULL), VERSION. */
caption_status cpt_take_in(const cpt_structure *structure, void *to, const void *from, size_t size,
                           caption_error *error);

/* Copies the first `size` bytes of `from`, a structure of this library, into `to`, a caller's.  Records
 * success in *error.  Errors: ARGUMENT (`to` is NULL), VERSION. */
caption_status cpt_hand_out(const cpt_structure *structure, void *to, size_t size, const void *from,
                            caption_error *error);

#endif
