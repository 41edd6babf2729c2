/* What of an output is finished; see journal.h.
 *
 * Closing any descriptor of the file gives up the lock, so all is read and written through one stream. */
#include "tools/batch/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "tools/common/settings.h"
#include "tools/common/text.h"

/* The file:
 *     capbatch journal, version 1
 *     =name=value                                      settings
 *     run HOST PID                                     who writes it, last line of the head
 *     !NAME<TAB>MESSAGE                                failures of the next group
 *     +ITEMS CAPTIONED FAILED BYTES CRC CHECK          a group; CHECK: of its record's bytes before
 *     *ITEMS CAPTIONED FAILED BYTES CRC CHECK          the same of the last one: the output is complete
 * Each run that goes on adds its "run" line between records. */
#define FIRST_LINE "capbatch journal, version 1\n"

enum { HOST_BYTES = 256, COPY_BYTES = 1 << 16 };

static bool fail_io(const batch_journal *journal, tool_error *err)
{
    return tool_fail_errno(err, journal->path, errno ? errno : EIO);
}

static bool put(batch_journal *journal, const char *text, size_t size, tool_error *err)
{
    errno = 0;
    if (fwrite(text, 1, size, journal->file) == size && fflush(journal->file) == 0) return true;
    return fail_io(journal, err);
}

/* ---- the lock ---- */

/* Who holds the lock: as the file says it, or the number of the process. */
static bool refuse_locked(const batch_journal *journal, tool_error *err)
{
    char *line = NULL, who[HOST_BYTES + 32] = "";
    size_t room = 0;
    while (getline(&line, &room, journal->file) > 0) {
        if (strncmp(line, "run ", 4) == 0) {
            (void)snprintf(who, sizeof who, "%.*s", (int)strcspn(line + 4, "\n"), line + 4);
        }
    }
    free(line);
    char *space = strrchr(who, ' ');
    if (space) *space++ = '\0';
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (!space && fcntl(fileno(journal->file), F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK) {
        return tool_fail(err, "%s: another run is writing to this output: process %ld", journal->path,
                         (long)lock.l_pid);
    }
    return tool_fail(err, "%s: another run is writing to this output: process %s on %s", journal->path,
                     space ? space : "?", who[0] ? who : "?");
}

/* Opens the file and takes its lock.  A run that ends removes the file: then the lock is on a file that has
 * no name any more, and all begins anew. */
static bool open_locked(batch_journal *journal, tool_error *err)
{
    for (;;) {
        struct stat here, named;
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        const int fd = open(journal->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (fd < 0) return fail_io(journal, err);
        const bool known = fstat(fd, &here) == 0;
        if (!known || !S_ISREG(here.st_mode)) {
            if (!known) (void)fail_io(journal, err);
            (void)close(fd);
            return tool_fail(err, "%s: not a regular file", journal->path);
        }
        journal->file = fdopen(fd, "r+");
        if (!journal->file) {
            (void)close(fd);
            return fail_io(journal, err);
        }
        if (fcntl(fd, F_SETLK, &lock) != 0) {
            if (errno != EAGAIN && errno != EACCES) return fail_io(journal, err);
            return refuse_locked(journal, err);
        }
        if (stat(journal->path, &named) == 0 && named.st_ino == here.st_ino && named.st_dev == here.st_dev) {
            return true;
        }
        (void)fclose(journal->file);
        journal->file = NULL;
    }
}

/* ---- the head ---- */

static bool put_run(batch_journal *journal, tool_error *err)
{
    char host[HOST_BYTES] = "", line[HOST_BYTES + 64];
    if (gethostname(host, sizeof host - 1) != 0 || !host[0]) strcpy(host, "localhost");
    (void)snprintf(line, sizeof line, "run %s %ld\n", host, (long)getpid());
    return put(journal, line, strlen(line), err);
}

static bool begin_anew(batch_journal *journal, const char *settings, tool_error *err)
{
    rewind(journal->file);
    if (ftruncate(fileno(journal->file), 0) != 0) return fail_io(journal, err);
    (void)fputs(FIRST_LINE, journal->file);
    while (*settings) {
        const int length = (int)strcspn(settings, "\n");
        (void)fprintf(journal->file, "=%.*s\n", length, settings);
        settings += length + (settings[length] == '\n');
    }
    if (!put_run(journal, err)) return false;
    journal->first = ftell(journal->file);
    journal->fresh = true;
    return true;
}

/* Reads the settings into memory that the caller frees.  *whole: the head is all there, and the first record
 * is next.  A head that was cut off counts as none, for then nothing was written behind it. */
static bool read_head(batch_journal *journal, char **settings, bool *whole, tool_error *err)
{
    char *line = NULL;
    size_t room = 0, size = 0;
    FILE *kept = open_memstream(settings, &size);
    bool ok = kept != NULL;
    *whole = false;
    rewind(journal->file);
    if (ok && getline(&line, &room, journal->file) > 0 && strncmp(line, FIRST_LINE, strlen(line)) != 0) {
        (void)tool_fail(err, "%s: not a journal of capbatch", journal->path);
        ok = false;
    }
    while (ok && getline(&line, &room, journal->file) > 0 && line[strlen(line) - 1] == '\n') {
        *whole = strncmp(line, "run ", 4) == 0;
        if (line[0] != '=') break;
        (void)fputs(line + 1, kept);
    }
    journal->first = ftell(journal->file);
    free(line);
    if (kept && (fclose(kept) != 0 || !*settings)) ok = false;
    return ok || tool_fail(err, "%s: out of memory", journal->path);
}

bool batch_journal_open(batch_journal *journal, const char *path, const char *settings, bool restart,
                        tool_error *err)
{
    char *kept = NULL;
    bool whole = false;
    *journal = (batch_journal){.path = malloc(strlen(path) + 1)};
    if (!journal->path) return tool_fail(err, "%s: out of memory", path);
    strcpy(journal->path, path);
    if (!open_locked(journal, err)) goto fail;
    if (!restart && !read_head(journal, &kept, &whole, err)) goto fail;
    if (!whole && !begin_anew(journal, settings, err)) goto fail;
    if (whole && !tool_settings_compare(path, kept, settings, err)) goto fail;
    free(kept);
    return true;
fail:
    free(kept);
    batch_journal_close(journal, false);
    return false;
}

void batch_journal_close(batch_journal *journal, bool remove)
{
    if (journal->file && remove) (void)unlink(journal->path);
    if (journal->file) (void)fclose(journal->file);
    free(journal->path);
    *journal = (batch_journal){.file = NULL};
}

/* ---- records ---- */

/* Takes a line of a group apart.  check: of the record's lines before it. */
static bool read_group(const char *line, uLong check, batch_totals *totals)
{
    batch_totals t = {0};
    uint32_t wanted = 0;
    int numbers = 0, all = 0;
    if (sscanf(line + 1, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNx32 "%n %" SCNx32 "\n%n",
               &t.items, &t.captioned, &t.failed, &t.bytes, &t.crc, &numbers, &wanted, &all) != 6 ||
        !all || line[1 + all]) {
        return false;
    }
    if (wanted != (uint32_t)crc32_z(check, (const Bytef *)line, (size_t)numbers + 1)) return false;
    *totals = t;
    return true;
}

/* Reads the output on to `end`, and its checksum with it.  False where it isn't that long. */
static bool read_on(FILE *output, uint64_t *at, uint64_t end, uLong *crc)
{
    unsigned char bytes[COPY_BYTES];
    while (*at < end) {
        const size_t most = end - *at < sizeof bytes ? (size_t)(end - *at) : sizeof bytes;
        const size_t got = fread(bytes, 1, most, output);
        if (!got) return false;
        *crc = crc32_z(*crc, bytes, got);
        *at += got;
    }
    return end == *at;
}

bool batch_journal_check(batch_journal *journal, FILE *output, batch_totals *totals, tool_error *err)
{
    char *line = NULL;
    size_t room = 0;
    uint64_t at = 0;
    uLong crc = crc32(0, NULL, 0), check = crc32(0, NULL, 0);
    long good = journal->first;
    *totals = (batch_totals){0};
    journal->ended = false;
    batch_journal_rewind(journal);
    for (ssize_t length; (length = getline(&line, &room, journal->file)) > 0 && line[length - 1] == '\n';) {
        batch_totals group;
        if (line[0] == '!') {
            check = crc32_z(check, (const Bytef *)line, (size_t)length);
            continue;
        }
        if (line[0] == '+' || line[0] == '*') {
            if (!read_group(line, check, &group) || group.bytes < at ||
                !read_on(output, &at, group.bytes, &crc) || (uint32_t)crc != group.crc) {
                break;
            }
            *totals = group;
            journal->ended = line[0] == '*';
        } else if (strncmp(line, "run ", 4) != 0) {
            break;
        }
        check = crc32(0, NULL, 0);
        good = ftell(journal->file);
    }
    free(line);
    if (good < 0 || fseek(journal->file, good, SEEK_SET) != 0 ||
        ftruncate(fileno(journal->file), (off_t)good) != 0) {
        return fail_io(journal, err);
    }
    return journal->ended || journal->fresh || put_run(journal, err);
}

/* failures [size] */
static bool put_record(batch_journal *journal, char mark, const batch_totals *totals, const char *failures,
                       size_t size, tool_error *err)
{
    char *record = NULL;
    size_t length = 0;
    FILE *text = open_memstream(&record, &length);
    if (!text) return tool_fail(err, "%s: out of memory", journal->path);
    for (size_t at = 0; at < size;) {
        const char *end = memchr(failures + at, '\n', size - at);
        const size_t line = end ? (size_t)(end - failures) + 1 - at : size - at;
        (void)fputc('!', text);
        (void)fwrite(failures + at, 1, line, text);
        at += line;
    }
    (void)fprintf(text, "%c%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %08" PRIx32, mark, totals->items,
                  totals->captioned, totals->failed, totals->bytes, totals->crc);
    bool ok = fflush(text) == 0;
    if (ok) (void)fprintf(text, " %08lx\n", crc32_z(crc32(0, NULL, 0), (const Bytef *)record, length));
    ok = fclose(text) == 0 && record && ok; /* glibc may lose the record and say nothing */
    ok = ok ? put(journal, record, length, err) : tool_fail(err, "%s: out of memory", journal->path);
    free(record);
    return ok;
}

bool batch_journal_add(batch_journal *journal, const batch_totals *totals, const char *failures, size_t size,
                       tool_error *err)
{
    return put_record(journal, '+', totals, failures, size, err);
}

bool batch_journal_end(batch_journal *journal, const batch_totals *totals, tool_error *err)
{
    journal->ended = put_record(journal, '*', totals, "", 0, err);
    return journal->ended;
}

void batch_journal_rewind(batch_journal *journal)
{
    (void)fseek(journal->file, journal->first, SEEK_SET);
}

bool batch_journal_failure(batch_journal *journal, char **line, size_t *room)
{
    ssize_t length = 0;
    while ((length = getline(line, room, journal->file)) > 0) {
        if ((*line)[0] != '!') continue;
        memmove(*line, *line + 1, (size_t)length);
        return true;
    }
    return false;
}
