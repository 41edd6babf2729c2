/* A progress line on the terminal; see progress.h.  Writes to standard error only. */
#include "tools/common/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/common/cli.h"
#include "tools/common/terminal.h"

enum { BAR_CELLS = 24, LEAST_CELLS = 6, BAR_FRAME = 3, LINE_BYTES = 256 }; /* the frame is "[", "]", " " */

static double seconds_between(struct timespec from, struct timespec to)
{
    return (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
}

void tool_progress_begin(tool_progress *p, const char *unit, uint64_t first, uint64_t total)
{
    const char *term = getenv("TERM");
    *p = (tool_progress){.unit = unit,
                         .total = total,
                         .first = first,
                         .active = isatty(STDERR_FILENO) && !(term && strcmp(term, "dumb") == 0)};
    (void)clock_gettime(CLOCK_MONOTONIC, &p->start);
    p->last = p->start;
}

/* ---- the text ---- */

/* What the line says behind its bar. */
typedef struct line_parts {
    char count[48], unit[32], rate[64], left[32]; /* "150/400", " images", ", 5 images/s", ", 0:50 left" */
} line_parts;

static void format_time_left(double seconds, char *text, size_t size)
{
    const unsigned long s = seconds < 1e9 ? (unsigned long)(seconds + 0.5) : 1000000000ul;
    if (s >= 3600) {
        (void)snprintf(text, size, ", %lu:%02lu:%02lu left", s / 3600, s / 60 % 60, s % 60);
    } else {
        (void)snprintf(text, size, ", %lu:%02lu left", s / 60, s % 60);
    }
}

static void make_parts(line_parts *parts, const tool_progress *p, uint64_t done, double seconds)
{
    const double rate = done > p->first && seconds > 0 ? (double)(done - p->first) / seconds : 0;
    const unsigned long long now = done, all = p->total;
    *parts = (line_parts){.count = ""};
    if (all) {
        (void)snprintf(parts->count, sizeof parts->count, "%llu/%llu", now, all);
    } else {
        (void)snprintf(parts->count, sizeof parts->count, "%llu", now);
    }
    (void)snprintf(parts->unit, sizeof parts->unit, " %s", p->unit);
    if (rate > 0) (void)snprintf(parts->rate, sizeof parts->rate, ", %.3g %s/s", rate, p->unit);
    if (rate > 0 && all > now) {
        format_time_left((double)(all - now) / rate, parts->left, sizeof parts->left);
    }
}

/* "[####....] " of `cells` cells, into text of cells + BAR_FRAME + 1 bytes */
static void draw_bar(char *text, int cells, double part)
{
    *text++ = '[';
    for (int cell = 0; cell < cells; cell++) *text++ = cell < (int)(part * cells) ? '#' : '.';
    memcpy(text, "] ", BAR_FRAME);
}

int tool_progress_format(const tool_progress *p, uint64_t done, double seconds, int columns, char *text,
                         int size)
{
    /* tried in this order: {unit, rate, time left} are said */
    static const bool said[][3] = {{true, true, true}, {true, false, true}, {false, false, true}};
    const int space = columns - 1, least = p->total ? LEAST_CELLS + BAR_FRAME : 0;
    char line[LINE_BYTES] = "", bar[BAR_CELLS + BAR_FRAME + 1] = "";
    if (size <= 0) return 0;
    line_parts parts;
    make_parts(&parts, p, done, seconds);
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        (void)snprintf(line, sizeof line, "%s%s%s%s", parts.count, said[i][0] ? parts.unit : "",
                       said[i][1] ? parts.rate : "", said[i][2] ? parts.left : "");
        if ((int)strlen(line) + least <= space) break;
    }
    const int room = space - (int)strlen(line) - BAR_FRAME;
    if (p->total && room >= LEAST_CELLS) {
        draw_bar(bar, room < BAR_CELLS ? room : BAR_CELLS,
                 done < p->total ? (double)done / (double)p->total : 1);
    } else if ((int)strlen(line) > space) {
        (void)snprintf(line, sizeof line, "%s", parts.count);
    }
    const int most = space < 1 ? 1 : space < size ? space + 1 : size; /* with the zero byte */
    const int length = snprintf(text, (size_t)most, "%s%s", bar, line);
    return length < most ? length : most - 1;
}

/* ---- the terminal ---- */

void tool_progress_update(tool_progress *p, uint64_t done)
{
    if (!p->active) return;
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    if (p->drawn && seconds_between(p->last, now) < 0.1) return;
    char text[LINE_BYTES];
    (void)tool_progress_format(p, done, seconds_between(p->start, now), tool_terminal_columns(STDERR_FILENO),
                               text, (int)sizeof text);
    (void)fprintf(stderr, "\r\033[K%s", text);
    (void)fflush(stderr);
    p->last = now;
    p->drawn = true;
}

void tool_progress_log(tool_progress *p, const char *tool, uint64_t done)
{
    struct timespec now = {0};
    line_parts parts;
    if (p->active || !p->log) return;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    if (seconds_between(p->last, now) < TOOL_PROGRESS_SECONDS) return;
    make_parts(&parts, p, done, seconds_between(p->start, now));
    tool_note(tool, "%s%s%s%s", parts.count, parts.unit, parts.rate, parts.left);
    p->last = now;
}

void tool_progress_clear(tool_progress *p)
{
    if (!p->drawn) return;
    (void)fputs("\r\033[K", stderr);
    (void)fflush(stderr);
    p->drawn = false;
}

void tool_progress_end(tool_progress *p)
{
    tool_progress_clear(p);
    p->active = false;
}
