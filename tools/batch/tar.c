/* Tars through libarchive; see tar.h.
 *
 * Behind a damaged place of a tar that is not compressed the next header is looked for here, at any byte, and
 * reading begins anew there.  In one that is, libarchive goes on by itself where it can, a block after the
 * other. */
#include "tools/batch/tar.h"

#if TOOL_WITH_ARCHIVE

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

enum { BLOCK = 512, BUFFER = 1 << 16, FIRST_ROOM = 1 << 16 };

struct batch_tar {
    struct archive *archive;
    char *path;
    int fd;
    uint64_t base;   /* where in the file this archive began */
    uint64_t header; /* of the last member, from the start of the file, where the tar is plain */
    bool damaged;    /* the last step was a damaged place */
    bool ended;
    char broken[128]; /* why libarchive gave up within a member; empty: it did not */
    char buffer[BUFFER];
};

/* ---- opening ---- */

static la_ssize_t read_block(struct archive *archive, void *user, const void **data)
{
    batch_tar *tar = user;
    ssize_t got = 0;
    do {
        got = read(tar->fd, tar->buffer, sizeof tar->buffer);
    } while (got < 0 && errno == EINTR);
    if (got < 0) archive_set_error(archive, errno, "%s", strerror(errno));
    *data = tar->buffer;
    return got;
}

static la_int64_t skip_bytes(struct archive *archive, void *user, la_int64_t count)
{
    const batch_tar *tar = user;
    struct stat info;
    (void)archive;
    const off_t now = lseek(tar->fd, 0, SEEK_CUR);
    if (now < 0 || fstat(tar->fd, &info) != 0 || !S_ISREG(info.st_mode) || now > info.st_size) return 0;
    const la_int64_t left = info.st_size - now, step = count < left ? count : left;
    return lseek(tar->fd, (off_t)step, SEEK_CUR) < 0 ? 0 : step;
}

/* Begins an archive at `base`. */
static bool begin(batch_tar *tar, uint64_t base, tool_error *err)
{
    if (tar->archive) (void)archive_read_free(tar->archive);
    tar->base = tar->header = base;
    tar->broken[0] = '\0';
    tar->archive = archive_read_new();
    if (!tar->archive) return tool_fail(err, "%s: out of memory", tar->path);
    if (base && lseek(tar->fd, (off_t)base, SEEK_SET) < 0) return tool_fail_errno(err, tar->path, errno);
    struct archive *a = tar->archive;
    (void)archive_read_support_filter_gzip(a);
    (void)archive_read_support_filter_zstd(a);
    (void)archive_read_support_format_tar(a);
    /* blocks of zeros in the middle are no end: several tars may stand in one file */
    (void)archive_read_set_options(a, "tar:read_concatenated_archives");
    (void)archive_read_set_callback_data(a, tar);
    (void)archive_read_set_read_callback(a, read_block);
    (void)archive_read_set_skip_callback(a, skip_bytes);
    if (archive_read_open1(a) == ARCHIVE_OK) return true;
    const char *reason = archive_error_string(a);
    return tool_fail(err, "%s: %s", tar->path, reason ? reason : "not a tar");
}

batch_tar *batch_tar_open(const char *path, tool_error *err)
{
    batch_tar *tar = calloc(1, sizeof *tar);
    if (tar) tar->fd = -1;
    if (tar) tar->path = malloc(strlen(path) + 1);
    if (!tar || !tar->path) {
        (void)tool_fail(err, "%s: out of memory", path);
        goto fail;
    }
    strcpy(tar->path, path);
    tar->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (tar->fd < 0) {
        (void)tool_fail_errno(err, path, errno);
        goto fail;
    }
#ifdef POSIX_FADV_SEQUENTIAL
    (void)posix_fadvise(tar->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
#endif
    if (begin(tar, 0, err)) return tar;
fail:
    batch_tar_close(&tar);
    return NULL;
}

void batch_tar_close(batch_tar **tar)
{
    if (!*tar) return;
    if ((*tar)->archive) (void)archive_read_free((*tar)->archive);
    if ((*tar)->fd >= 0) (void)close((*tar)->fd);
    free((*tar)->path);
    free(*tar);
    *tar = NULL;
}

uint64_t batch_tar_position(const batch_tar *tar)
{
    const la_int64_t inside = archive_filter_bytes(tar->archive, -1);
    return tar->base + (inside > 0 ? (uint64_t)inside : 0);
}

/* ---- damage ---- */

/* Whether these bytes are the header of a member: the word that marks it is there, and the checksum is right.
 */
static bool is_header(const unsigned char *block)
{
    enum { MARK_AT = 257, SUM_AT = 148, SUM_END = 156 };
    unsigned long sum = 0, wanted = 0;
    if (memcmp(block + MARK_AT, "ustar", 5) != 0) return false;
    for (int i = 0; i < BLOCK; i++) sum += i >= SUM_AT && i < SUM_END ? ' ' : block[i];
    int i = SUM_AT;
    while (i < SUM_END && block[i] == ' ') i++;
    for (; i < SUM_END && block[i] >= '0' && block[i] <= '7'; i++) wanted = wanted * 8 + (block[i] - '0');
    return sum == wanted;
}

/* The offset of the first header at or behind `from`; 0 where there is none.  It may stand at any byte: where
 * a part of the file was lost, the blocks behind are out of step. */
static uint64_t find_header(batch_tar *tar, uint64_t from)
{
    const unsigned char *bytes = (const unsigned char *)tar->buffer;
    for (;;) {
        const ssize_t got = pread(tar->fd, tar->buffer, sizeof tar->buffer, (off_t)from);
        if (got < BLOCK) return 0;
        for (ssize_t at = 0; at + BLOCK <= got; at++) {
            if (is_header(bytes + at)) return from + (uint64_t)at;
        }
        from += (uint64_t)(got - BLOCK + 1);
    }
}

/* Tells of a damaged place, and goes on behind it.  In a plain tar that is at the next header behind `from`;
 * else libarchive looks for it, if it can go on (`able`).  False where the place was told of before. */
static bool tell_damage(batch_tar *tar, uint64_t from, bool able, tool_error *err)
{
    const bool plain = archive_filter_count(tar->archive) == 1; /* libarchive's own reading alone */
    const char *reason = tar->broken[0] ? tar->broken : archive_error_string(tar->archive);
    const bool told = tar->damaged;
    tar->damaged = true;
    if (!told) {
        (void)tool_fail(err, "%s: damaged near byte %llu: %s", tar->path, (unsigned long long)from,
                        reason ? reason : "unreadable");
    }
    if (plain) {
        tool_error again = {{0}};
        const uint64_t next = find_header(tar, from + 1);
        tar->ended = !next || !begin(tar, next, &again);
    } else {
        tar->ended = !able;
    }
    return !told;
}

/* ---- members ---- */

/* Whether a member's header claims more bytes than the tar has behind it. */
static bool is_cut(const batch_tar *tar, struct archive_entry *entry, uint64_t size)
{
    struct stat info;
    if (archive_filter_count(tar->archive) != 1 || archive_entry_sparse_count(entry) > 0) return false;
    if (fstat(tar->fd, &info) != 0 || !S_ISREG(info.st_mode)) return false;
    const uint64_t whole = (uint64_t)info.st_size, head = tar->header + BLOCK;
    return head > whole || size > whole - head;
}

batch_step batch_tar_next(batch_tar *tar, batch_member *member, tool_error *err)
{
    struct archive_entry *entry = NULL;
    while (!tar->ended) {
        const int code = tar->broken[0] ? ARCHIVE_FATAL : archive_read_next_header(tar->archive, &entry);
        if (code == ARCHIVE_EOF) break;
        if (code == ARCHIVE_FATAL || code == ARCHIVE_RETRY || code == ARCHIVE_FAILED) {
            /* a header that is none stands where it was read; where libarchive gives up, what it read last
             * may have lied about its size */
            const bool able = code != ARCHIVE_FATAL;
            const uint64_t here = tar->base + (uint64_t)archive_read_header_position(tar->archive);
            if (tell_damage(tar, able ? here : tar->header, able, err)) return BATCH_STEP_DAMAGE;
            continue;
        }
        tar->damaged = false;
        tar->header = tar->base + (uint64_t)archive_read_header_position(tar->archive);
        const char *name = archive_entry_pathname(entry);
        if (!name) name = archive_entry_pathname_utf8(entry);
        const la_int64_t claimed = archive_entry_size(entry);
        const uint64_t size = claimed > 0 ? (uint64_t)claimed : 0;
        *member = (batch_member){
            .name = name ? name : "",
            .regular = archive_entry_filetype(entry) == AE_IFREG && !archive_entry_hardlink(entry),
            .size = size,
            .cut = is_cut(tar, entry, size),
            .mode = (uint32_t)archive_entry_perm(entry),
            .mtime = archive_entry_mtime(entry),
        };
        return BATCH_STEP_MEMBER;
    }
    tar->ended = true;
    return BATCH_STEP_END;
}

static bool make_room(tool_text *data, size_t *room, size_t most, tool_error *err)
{
    if (data->size < *room) return true;
    size_t wanted = *room < FIRST_ROOM ? FIRST_ROOM : *room * 2;
    if (wanted > most) wanted = most;
    char *grown = realloc(data->data, wanted + 1);
    if (!grown) return tool_fail(err, "out of memory");
    data->data = grown;
    *room = wanted;
    return true;
}

bool batch_tar_read(batch_tar *tar, tool_text *data, size_t more, tool_error *err)
{
    const size_t most = data->size + more;
    size_t room = data->size;
    while (data->size < most) {
        if (!make_room(data, &room, most, err)) return false;
        const la_ssize_t got = archive_read_data(tar->archive, data->data + data->size, room - data->size);
        if (got == 0) break;
        if (got < 0) {
            const char *reason = archive_error_string(tar->archive);
            if (!reason) reason = "damaged";
            if (got == ARCHIVE_FATAL) (void)snprintf(tar->broken, sizeof tar->broken, "%s", reason);
            return tool_fail(err, "%s", reason);
        }
        data->size += (size_t)got;
    }
    if (data->data) data->data[data->size] = '\0';
    return true;
}

#else

batch_tar *batch_tar_open(const char *path, tool_error *err)
{
    (void)tool_fail(err, "%s: this build reads no tars (it was made without libarchive)", path);
    return NULL;
}

batch_step batch_tar_next(batch_tar *tar, batch_member *member, tool_error *err)
{
    (void)tar, (void)member, (void)err;
    return BATCH_STEP_END;
}

bool batch_tar_read(batch_tar *tar, tool_text *data, size_t more, tool_error *err)
{
    (void)tar, (void)data, (void)more, (void)err;
    return false;
}

uint64_t batch_tar_position(const batch_tar *tar)
{
    (void)tar;
    return 0;
}

void batch_tar_close(batch_tar **tar)
{
    *tar = NULL;
}

#endif
