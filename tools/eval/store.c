/* The predictions file of a run; see store.h. */
#include "tools/eval/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/common/outfile.h"
#include "tools/common/settings.h"
#include "tools/common/text.h"
#include "tools/common/grow.h"
#include "tools/eval/refs.h"

#define FIRST_LINE "capeval run, version 1\n"

enum { MAX_SETTINGS = 1 << 16 }; /* bytes; there are a few hundred */

struct eval_store {
    int fd;
    bool created; /* by this process, so that nothing is lost when it is removed */
    char *path;
    eval_table *images; /* numbers = indices into captions */
    eval_table *texts;
    const char **captions; /* owned by texts */
    size_t capacity;
};

/* ---- settings ---- */

static bool write_settings(const char *path, const char *settings, tool_error *err)
{
    tool_outfile *out = tool_outfile_open(path, err);
    if (!out) return false;
    (void)fprintf(tool_outfile_stream(out), "%s%s", FIRST_LINE, settings);
    return tool_outfile_commit(&out, err);
}

/* A file that holds anything needs the settings that it was begun with; an empty one takes any. */
static bool check_settings(const char *path, bool empty, const char *settings, tool_error *err)
{
    char *side = malloc(strlen(path) + sizeof ".run");
    tool_text text = {NULL, 0};
    bool ok = false;
    if (!side) return tool_fail(err, "%s: out of memory", path);
    (void)sprintf(side, "%s.run", path);
    if (access(side, F_OK) != 0) {
        ok = empty ? write_settings(side, settings, err)
                   : tool_fail(err, "%s: exists, and is not of a run that could go on (no %s)", path, side);
    } else if (tool_text_read_regular(&text, side, MAX_SETTINGS, err)) {
        if (strncmp(text.data, FIRST_LINE, strlen(FIRST_LINE)) != 0) {
            (void)tool_fail(err, "%s: not a settings file of capeval run", side);
        } else {
            ok = empty ? write_settings(side, settings, err)
                       : tool_settings_compare(path, text.data + strlen(FIRST_LINE), settings, err);
        }
    }
    tool_text_free(&text);
    free(side);
    return ok;
}

/* ---- captions ---- */

static bool remember(eval_store *store, const char *image, const char *caption, tool_error *err)
{
    const size_t n = eval_table_count(store->images);
    const char **captions = tool_grow(store->captions, &store->capacity, n + 1, sizeof *captions);
    const uint32_t text = eval_table_add(store->texts, caption, strlen(caption));
    if (captions) store->captions = captions;
    if (!captions || text == EVAL_NO_WORD) return tool_fail(err, "%s: out of memory", store->path);
    captions[n] = eval_table_text(store->texts, text);
    if (eval_table_add(store->images, image, strlen(image)) == EVAL_NO_WORD) {
        return tool_fail(err, "%s: out of memory", store->path);
    }
    return true;
}

/* Whether a line of one of the images, cut off anywhere, can be `tail` [size]. */
static bool begins_line(const char *const *images, size_t n_images, const char *tail, size_t size)
{
    const char *tab = memchr(tail, '\t', size);
    const size_t length = tab ? (size_t)(tab - tail) : size;
    for (size_t i = 0; i < n_images; i++) {
        const size_t whole = strlen(images[i]);
        if ((tab ? whole == length : whole >= length) && memcmp(images[i], tail, length) == 0) return true;
    }
    return false;
}

/* Reads the complete lines; *end becomes the offset behind them. */
static bool load(eval_store *store, tool_text *text, size_t *end_of_lines, tool_error *err)
{
    char *line = text->data;
    size_t number = 1;
    for (;; number++) {
        char *end = memchr(line, '\n', text->size - (size_t)(line - text->data));
        if (!end) break;
        char *tab = memchr(line, '\t', (size_t)(end - line));
        *end = '\0';
        if (!tab || memchr(line, '\0', (size_t)(end - line)) ||
            tool_utf8_check(line, (size_t)(end - line)) != (size_t)(end - line)) {
            return tool_fail(err, "%s:%zu: not a line of a predictions file", store->path, number);
        }
        *tab = '\0';
        if (eval_store_find(store, line)) {
            return tool_fail(err, "%s:%zu: this image came before", store->path, number);
        }
        if (!remember(store, line, tab + 1, err)) return false;
        line = end + 1;
    }
    *end_of_lines = (size_t)(line - text->data);
    return true;
}

/* O_NONBLOCK, O_NOCTTY: the name may become a FIFO's or a terminal's between stat and open */
static bool open_file(eval_store *store, tool_error *err)
{
    const int flags = O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    struct flock lock = {0};
    struct stat info = {0};
    store->fd = open(store->path, flags | O_EXCL, 0666);
    store->created = store->fd >= 0;
    if (!store->created && (stat(store->path, &info) != 0 || S_ISREG(info.st_mode))) {
        store->fd = open(store->path, flags, 0666);
        if (store->fd < 0) return tool_fail_errno(err, store->path, errno);
    }
    if (store->fd >= 0 && fstat(store->fd, &info) != 0) return tool_fail_errno(err, store->path, errno);
    if (!S_ISREG(info.st_mode)) return tool_fail(err, "%s: is not a regular file", store->path);
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    if (fcntl(store->fd, F_SETLK, &lock) != 0 && (errno == EAGAIN || errno == EACCES)) {
        return tool_fail(err, "%s: another run is writing to it", store->path);
    }
    return true;
}

/* Reads through the descriptor that holds the lock: closing another descriptor of the file would give it up.
 */
static bool read_all(const eval_store *store, tool_text *text, tool_error *err)
{
    ssize_t got = 1;
    struct stat info;
    if (fstat(store->fd, &info) != 0) return tool_fail_errno(err, store->path, errno);
    if (info.st_size > EVAL_MAX_FILE) {
        return tool_fail(err, "%s: larger than %d bytes", store->path, EVAL_MAX_FILE);
    }
    text->data = malloc((size_t)info.st_size + 1);
    if (!text->data) return tool_fail(err, "%s: out of memory", store->path);
    while (got > 0 && text->size < (size_t)info.st_size) {
        got = pread(store->fd, text->data + text->size, (size_t)info.st_size - text->size, (off_t)text->size);
        if (got > 0) text->size += (size_t)got;
        if (got < 0 && errno == EINTR) got = 1; /* once more */
    }
    text->data[text->size] = '\0';
    return got >= 0 || tool_fail_errno(err, store->path, errno);
}

/* Takes what earlier runs wrote.  A line that was cut off is dropped from the file. */
static bool take_up(eval_store *store, const char *const *images, size_t n_images, tool_text *text,
                    tool_error *err)
{
    size_t end = 0;
    if (!load(store, text, &end, err)) return false;
    if (end == text->size) return true;
    if (!begins_line(images, n_images, text->data + end, text->size - end)) {
        return tool_fail(err,
                         "%s: what follows its last complete line is of no image of this run: it is kept",
                         store->path);
    }
    return ftruncate(store->fd, (off_t)end) == 0 || tool_fail_errno(err, store->path, errno);
}

eval_store *eval_store_open(const char *path, const char *settings, const char *const *images,
                            size_t n_images, tool_error *err)
{
    eval_store *store = calloc(1, sizeof *store);
    tool_text text = {NULL, 0};
    bool ok = false;
    if (!store) {
        (void)tool_fail(err, "%s: out of memory", path);
        return NULL;
    }
    store->fd = -1;
    store->images = eval_table_create();
    store->texts = eval_table_create();
    store->path = malloc(strlen(path) + 1);
    if (!store->images || !store->texts || !store->path) {
        (void)tool_fail(err, "%s: out of memory", path);
        goto done;
    }
    strcpy(store->path, path);
    if (!open_file(store, err) || !read_all(store, &text, err)) goto done;
    ok = check_settings(path, text.size == 0, settings, err) && take_up(store, images, n_images, &text, err);
    if (!ok && store->created) (void)unlink(path);
done:
    tool_text_free(&text);
    if (!ok) eval_store_close(&store);
    return store;
}

void eval_store_close(eval_store **store)
{
    if (!store || !*store) return;
    if ((*store)->fd >= 0) {
        (void)fsync((*store)->fd);
        (void)close((*store)->fd);
    }
    eval_table_free(&(*store)->images);
    eval_table_free(&(*store)->texts);
    free((*store)->captions);
    free((*store)->path);
    free(*store);
    *store = NULL;
}

const char *eval_store_find(const eval_store *store, const char *image)
{
    const uint32_t number = eval_table_find(store->images, image, strlen(image));
    return number == EVAL_NO_WORD ? NULL : store->captions[number];
}

static bool write_line(const eval_store *store, const char *line, size_t size, tool_error *err)
{
    while (size) {
        const ssize_t put = write(store->fd, line, size);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return tool_fail_errno(err, store->path, errno);
        line += put;
        size -= (size_t)put;
    }
    return true;
}

/* Whether a line is one that `load` takes. */
static bool check_line(const char *image, const char *caption, tool_error *err)
{
    if (strpbrk(image, "\t\n")) {
        return tool_fail(err, "%s: a name with a tab or a newline can't stand in a predictions file", image);
    }
    if (tool_utf8_check(image, strlen(image)) != strlen(image)) {
        return tool_fail(err, "%s: the name is not UTF-8, so it can't stand in a predictions file", image);
    }
    return tool_utf8_check(caption, strlen(caption)) == strlen(caption) ||
           tool_fail(err, "%s: the caption is not UTF-8", image);
}

bool eval_store_add(eval_store *store, const char *image, const char *caption, tool_error *err)
{
    if (!check_line(image, caption, err)) return false;
    const size_t size = strlen(image) + strlen(caption) + 2; /* with tab and newline */
    char *line = malloc(size + 1);
    if (!line) return tool_fail(err, "%s: out of memory", store->path);
    (void)sprintf(line, "%s\t%s\n", image, caption);
    char *text = line + strlen(image) + 1;
    for (char *p = text; p < line + size - 1; p++) {
        if (*p == '\n' || *p == '\r' || *p == '\t') *p = ' ';
    }
    bool ok = write_line(store, line, size, err);
    line[size - 1] = '\0';
    ok = ok && remember(store, image, text, err);
    free(line);
    return ok;
}
