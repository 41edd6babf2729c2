/* A progress line on the terminal; see progress.h.  Called by tools with long work; writes to stderr only. */
#include "tools/common/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BAR_CELLS = 24, LINE_BYTES = 160 };

static double seconds_between(struct timespec from, struct timespec to)
{
    return (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
}

void tool_progress_begin(tool_progress *p, const char *unit, uint64_t first, uint64_t total)
{
    const char *term = getenv("TERM");
    memset(p, 0, sizeof *p);
    p->unit = unit;
    p->first = first;
    p->total = total;
    p->active = isatty(STDERR_FILENO) && !(term && strcmp(term, "dumb") == 0);
    (void)clock_gettime(CLOCK_MONOTONIC, &p->start);
}

static int clip(int wanted, int size)
{
    return wanted < 0 ? 0 : wanted < size ? wanted : size - 1;
}

static int format_time(double seconds, char *text, int size)
{
    unsigned long s = seconds < 1e9 ? (unsigned long)(seconds + 0.5) : 1000000000ul;
    if (s >= 3600) {
        return clip(snprintf(text, (size_t)size, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60), size);
    }
    return clip(snprintf(text, (size_t)size, "%lu:%02lu", s / 60, s % 60), size);
}

int tool_progress_format(const tool_progress *p, uint64_t done, double seconds, char *text, int size)
{
    double rate = done > p->first && seconds > 0 ? (double)(done - p->first) / seconds : 0;
    int n = 0, cell;
    if (size <= 0) return 0;
    text[0] = '\0';
    if (p->total) {
        double part = done < p->total ? (double)done / (double)p->total : 1;
        char bar[BAR_CELLS + 1];
        for (cell = 0; cell < BAR_CELLS; cell++) bar[cell] = cell < (int)(part * BAR_CELLS) ? '#' : '.';
        bar[BAR_CELLS] = '\0';
        n += clip(snprintf(text, (size_t)size, "[%s] %llu/%llu %s", bar, (unsigned long long)done,
                           (unsigned long long)p->total, p->unit),
                  size);
    } else {
        n += clip(snprintf(text, (size_t)size, "%llu %s", (unsigned long long)done, p->unit), size);
    }
    if (rate > 0) n += clip(snprintf(text + n, (size_t)(size - n), ", %.3g %s/s", rate, p->unit), size - n);
    if (rate > 0 && p->total > done) {
        n += clip(snprintf(text + n, (size_t)(size - n), ", "), size - n);
        n += format_time((double)(p->total - done) / rate, text + n, size - n);
        n += clip(snprintf(text + n, (size_t)(size - n), " left"), size - n);
    }
    return n;
}

void tool_progress_update(tool_progress *p, uint64_t done)
{
    char text[LINE_BYTES];
    struct timespec now;
    if (!p->active) return;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    if (p->drawn && seconds_between(p->last, now) < 0.1) return;
    (void)tool_progress_format(p, done, seconds_between(p->start, now), text, (int)sizeof text);
    (void)fprintf(stderr, "\r\033[K%s", text);
    (void)fflush(stderr);
    p->last = now;
    p->drawn = true;
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
