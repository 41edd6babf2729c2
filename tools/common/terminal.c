/* What the terminal can show; see terminal.h. */
#include "tools/common/terminal.h"

#include <langinfo.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/ioctl.h>

#include "tools/common/cli.h"

enum { USUAL_COLUMNS = 80, MOST_COLUMNS = 10000 };

int tool_terminal_columns(int descriptor)
{
#ifdef TIOCGWINSZ
    struct winsize size = {0};
    if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
#else
    (void)descriptor;
#endif
    const char *text = getenv("COLUMNS");
    int columns = USUAL_COLUMNS;
    if (text && !tool_parse_int(&columns, "COLUMNS", text, 1, MOST_COLUMNS, NULL)) return USUAL_COLUMNS;
    return columns;
}

bool tool_terminal_utf8(void)
{
    const char *name = nl_langinfo(CODESET);
    return strcasecmp(name, "UTF-8") == 0 || strcasecmp(name, "utf8") == 0;
}
