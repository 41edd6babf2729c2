/* What the terminal can show: how many columns, and whether it takes UTF-8. */
#ifndef TOOLS_COMMON_TERMINAL_H
#define TOOLS_COMMON_TERMINAL_H

#include <stdbool.h>

/* Columns of the terminal behind a descriptor; where that is none, $COLUMNS; else 80.  At least 1. */
int tool_terminal_columns(int descriptor);

/* Whether the locale writes text as UTF-8.  tool_start must have run before. */
bool tool_terminal_utf8(void);

#endif
