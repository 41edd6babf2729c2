/* host.c - this machine as a board: the environment's MODEL and PICTURES name the model file and the file of
 * raw RGB pictures. */
#include <stdio.h>
#include <stdlib.h>

#include "test/cortex-m/board.h"

const void *board_model(size_t *size)
{
    static _Alignas(64) unsigned char flash[16 << 20];
    const char *name = getenv("MODEL");
    FILE *file = name ? fopen(name, "rb") : NULL;
    if (!file) return NULL;
    *size = fread(flash, 1, sizeof flash, file);
    fclose(file);
    return *size ? flash : NULL;
}

bool board_read(void *to, size_t size)
{
    static FILE *file;
    const char *name = getenv("PICTURES");
    if (!file && name) file = fopen(name, "rb");
    return file && fread(to, 1, size, file) == size;
}

void board_print(const char *text)
{
    (void)fputs(text, stdout);
}

size_t board_stack(void)
{
    return 0;
}

uint64_t board_instructions(void)
{
    return 0;
}
