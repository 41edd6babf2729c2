/* attack.h - what the makers of hostile files share: numbers from a seed, and changes to bytes of any kind.
 *
 * A maker fills `out` with one file of its kind.  Everything it does follows from the numbers of its dice, so
 * the same seed gives the same file. */
#ifndef TEST_ATTACK_H
#define TEST_ATTACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "test/tools/torch_maker.h"

/* ---- numbers ---- */

typedef struct dice {
    uint64_t state;
} dice;

/* Dice of their own for file `index`: what one file takes doesn't change the next. */
dice dice_of(uint64_t seed, uint64_t index);
uint64_t roll(dice *d);
/* 0 to count - 1; count > 0. */
size_t roll_below(dice *d, size_t count);
/* True one time in `times`. */
bool one_in(dice *d, size_t times);
/* A number near a limit of some type: 0, 1, 2^31 - 1, 2^64 - 1 and their like; now and then any. */
uint64_t roll_edge(dice *d);
/* One of texts[] that are hostile as a word, a name or a value: control characters, invalid UTF-8, endless.
 */
const char *roll_text(dice *d);

/* ---- bytes ---- */

void put_text(bytes *b, const char *text);
void put_bytes(bytes *b, const bytes *other);
/* Replaces `remove` bytes at `at` with data [size]; places and counts that are too large are cut. */
void splice(bytes *b, size_t at, size_t remove, const void *data, size_t size);
/* One to eight changes: bits, numbers, pieces taken out, doubled, swapped, overwritten; an end cut off. */
void damage(bytes *b, dice *d);

/* ---- makers ---- */

void attack_model(bytes *out, dice *d);
void attack_jpeg(bytes *out, dice *d);
void attack_png(bytes *out, dice *d);
void attack_checkpoint(bytes *out, dice *d);
void attack_vocabulary(bytes *out, dice *d);
void attack_settings(bytes *out, dice *d);
void attack_references(bytes *out, dice *d);
void attack_predictions(bytes *out, dice *d);
void attack_names(bytes *out, dice *d);
void attack_tar(bytes *out, dice *d);
void attack_compressed_tar(bytes *out, dice *d);
/* WebP, GIF, TIFF, BMP, HEIC, AVIF */
void attack_picture(bytes *out, dice *d);

/* The files that go with an attacked one: a model, a checkpoint, its vocabulary, references, predictions, and
 * pictures of which every test has its own. */
void write_good_files(const char *folder);

#endif
