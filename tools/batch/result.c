/* Where captions go; see result.h. */
#include "tools/batch/result.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "tools/batch/manifest.h"
#include "tools/common/settings.h"

/* NULL when memory ran out */
static char *with_ending(const char *path, const char *ending)
{
    const size_t size = strlen(path) + strlen(ending) + 1;
    char *text = malloc(size);
    if (text) (void)snprintf(text, size, "%s%s", path, ending);
    return text;
}

/* ---- opening ---- */

/* The output exists, and no run is at it: fine where it is what this run would make. */
static bool check_existing(batch_result *result, tool_error *err)
{
    batch_manifest manifest;
    tool_error cause = {{0}};
    if (!batch_manifest_read(result->name, &manifest, NULL, &cause)) {
        return tool_fail(err,
                         "%s: exists, and is not of a capbatch run that could go on; --restart replaces it",
                         result->name);
    }
    const bool ok = tool_settings_compare(result->name, manifest.settings, result->settings, err);
    result->totals = manifest.totals;
    result->complete = ok;
    free(manifest.settings);
    return ok;
}

/* The checked part, cut to what the journal knows, ready for more.  The output itself may be in place
 * already: a run that was stopped right before it wrote its manifest left it so. */
static bool open_part(batch_result *result, tool_error *err)
{
    FILE *file = NULL;
    const int fd = open(result->part, O_RDWR | O_CLOEXEC);
    bool placed = false;
    if (fd < 0 && errno == ENOENT) {
        file = fopen(result->name, "rb");
        placed = file != NULL;
    } else if (fd < 0) {
        return tool_fail_errno(err, result->part, errno);
    } else {
        file = fdopen(fd, "rb");
        if (!file) (void)close(fd);
    }
    if (!file && !placed && fd >= 0) return tool_fail_errno(err, result->part, errno);
    if (file) {
        const bool ok = batch_journal_check(&result->journal, file, &result->totals, err);
        (void)fclose(file);
        if (!ok) return false;
    }
    if (placed && result->journal.ended) return true;
    if (placed || !file) { /* no part: begin at the beginning, whatever the journal says */
        file = fopen("/dev/null", "rb");
        const bool ok = file && batch_journal_check(&result->journal, file, &result->totals, err);
        if (file) (void)fclose(file);
        if (!ok) return tool_fail_errno(err, result->part, errno);
    }
    result->fd = open(result->part, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (result->fd < 0) return tool_fail_errno(err, result->part, errno);
    if (ftruncate(result->fd, (off_t)result->totals.bytes) != 0 || lseek(result->fd, 0, SEEK_END) < 0) {
        return tool_fail_errno(err, result->part, errno);
    }
    return true;
}

static bool open_file(batch_result *result, bool restart, tool_error *err)
{
    char *journal = with_ending(result->name, ".journal");
    result->part = with_ending(result->name, ".part");
    bool ok = journal && result->part ? true : tool_fail(err, "%s: out of memory", result->name);
    if (ok && !restart && access(journal, F_OK) != 0 && access(result->name, F_OK) == 0) {
        ok = check_existing(result, err);
    } else if (ok) {
        ok = batch_journal_open(&result->journal, journal, result->settings, restart, err) &&
             open_part(result, err);
    }
    free(journal);
    return ok;
}

bool batch_result_open(batch_result *result, const char *path, const char *settings, bool restart,
                       tool_error *err)
{
    struct stat info;
    *result = (batch_result){.name = path, .settings = settings, .fd = -1, .close = true};
    if (!path || strcmp(path, "-") == 0) {
        result->name = "standard output";
        result->fd = STDOUT_FILENO;
        result->close = false;
        return true;
    }
    bool ok = true;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
        result->fd = open(path, O_WRONLY | O_CLOEXEC);
        if (result->fd < 0) ok = tool_fail_errno(err, path, errno);
    } else {
        ok = open_file(result, restart, err);
    }
    if (!ok) batch_result_close(result);
    return ok;
}

/* ---- writing ---- */

bool batch_result_put(batch_result *result, const char *bytes, size_t size, tool_error *err)
{
    for (size_t at = 0; at < size;) {
        const ssize_t wrote = write(result->fd, bytes + at, size - at);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) {
            return tool_fail_errno(err, result->part ? result->part : result->name,
                                   wrote < 0 ? errno : ENOSPC);
        }
        at += (size_t)wrote;
    }
    result->totals.bytes += size;
    result->totals.crc = (uint32_t)crc32_z(result->totals.crc, (const Bytef *)bytes, size);
    return true;
}

bool batch_result_add(batch_result *result, const batch_chunk *chunk, tool_error *err)
{
    if (!batch_result_put(result, chunk->bytes, chunk->size, err)) return false;
    result->totals.items += chunk->items;
    result->totals.captioned += chunk->captioned;
    result->totals.failed += chunk->failed;
    return !result->part ||
           batch_journal_add(&result->journal, &result->totals, chunk->failures, chunk->failures_size, err);
}

/* ---- the end ---- */

/* A name that was changed is safe once its folder is on the disk. */
static void sync_folder(const char *path)
{
    char *folder = with_ending(path, "");
    if (!folder) return;
    char *slash = strrchr(folder, '/');
    if (slash) slash[slash == folder] = '\0';
    const int fd = open(slash ? folder : ".", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
    free(folder);
}

/* OUT.part becomes OUT. */
static bool place(batch_result *result, tool_error *err)
{
    if (result->fd < 0) return true; /* it is in place already */
    const bool synced = fsync(result->fd) == 0 || errno == EINVAL;
    const int code = errno;
    const bool closed = close(result->fd) == 0;
    result->fd = -1;
    if (!synced) return tool_fail_errno(err, result->part, code);
    if (!closed || rename(result->part, result->name) != 0) return tool_fail_errno(err, result->name, errno);
    sync_folder(result->name);
    return true;
}

static bool next_failure(void *journal, char **line, size_t *room)
{
    return batch_journal_failure(journal, line, room);
}

bool batch_result_finish(batch_result *result, const char *bytes, size_t size, tool_error *err)
{
    if (!result->journal.ended && !batch_result_put(result, bytes, size, err)) return false;
    if (!result->part) {
        const bool ok = !result->close || close(result->fd) == 0;
        result->fd = -1;
        return ok || tool_fail_errno(err, result->name, errno);
    }
    /* settings is only read */
    const batch_manifest manifest = {.settings = (char *)(uintptr_t)result->settings,
                                     .totals = result->totals};
    if (!result->journal.ended && !batch_journal_end(&result->journal, &result->totals, err)) return false;
    if (!place(result, err)) return false;
    batch_journal_rewind(&result->journal);
    if (!batch_manifest_write(result->name, &manifest, next_failure, &result->journal, err)) return false;
    batch_journal_close(&result->journal, true);
    return true;
}

void batch_result_close(batch_result *result)
{
    const bool nothing = result->part && result->fd >= 0 && !result->totals.items && !result->journal.ended;
    if (result->fd >= 0 && result->close) (void)close(result->fd);
    result->fd = -1;
    if (nothing) (void)unlink(result->part);
    batch_journal_close(&result->journal, nothing);
    free(result->part);
    result->part = NULL;
}
