/* board.h - what captions.c needs of the machine that it runs on: semihosting.c for a Cortex-M under QEMU,
 * host.c for this machine. */
#ifndef TEST_CORTEX_M_BOARD_H
#define TEST_CORTEX_M_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The model file, 64-byte aligned, and its size; NULL where there is none. */
const void *board_model(size_t *size);

/* The next `size` bytes of the pictures.  False at their end. */
bool board_read(void *to, size_t size);

/* Writes a text to the standard output. */
void board_print(const char *text);

/* Bytes of stack that were used at most since the start; 0 where it isn't known. */
size_t board_stack(void);

/* Instructions since the start, to within 40, under QEMU with -icount shift=0; else any number. */
uint64_t board_instructions(void);

#endif
