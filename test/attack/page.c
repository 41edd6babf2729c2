/* page.c - looks at a page of capdemo --html: whatever names and words hold, nothing of them may be more than
 * a text in the page's data. */
#define _GNU_SOURCE /* open_memstream, memmem */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "test/attack/launch.h"
#include "tools/page/page.h"

enum { MOST_PAGE = 1 << 26 };

static char *print(void (*part)(FILE *stream), size_t *size)
{
    char *text = NULL;
    FILE *stream = open_memstream(&text, size);
    if (!stream) abort();
    part(stream);
    if (fclose(stream) != 0) abort();
    return text;
}

/* The data stand between the page's own beginning and end.  They are JSON, and end no script: they have no
 * "<". */
static const char *look_at(const tool_text *page)
{
    size_t begin = 0, end = 0;
    char *head = print(page_report_begin, &begin), *tail = print(page_report_end, &end);
    const char *bad = NULL;
    if (page->size < begin + end || memcmp(page->data, head, begin) != 0 ||
        memcmp(page->data + page->size - end, tail, end) != 0) {
        bad = "a page that is not whole";
    } else {
        const char *data = page->data + begin;
        const size_t size = page->size - begin - end;
        json_t *value = json_loadb(data, size, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_array(value)) bad = "a page whose data are not JSON";
        if (memchr(data, '<', size)) bad = "a page whose data could end their script";
        json_decref(value);
    }
    free(head);
    free(tail);
    return bad;
}

const char *launch_bad_page(const char *folder)
{
    char path[LAUNCH_PATH];
    tool_text page;
    (void)snprintf(path, sizeof path, "%s/OUT/x.html", folder);
    if (!tool_text_read(&page, path, MOST_PAGE, NULL)) return NULL; /* there is none */
    const char *bad = look_at(&page);
    tool_text_free(&page);
    return bad;
}
