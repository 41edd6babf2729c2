/* Output files that appear complete or not at all; see outfile.h.
 *
 * The names of the live temporaries are global, because the signal handler needs them.  Never touches a file
 * that it did not create, except to replace the target. */
#define _GNU_SOURCE /* O_TMPFILE */
#include "tools/common/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, MAX_LIVE = 8, MAX_LINKS = 16, LARGE_PAGE = 2 << 20, PROC_BYTES = 40 };

struct tool_outfile {
    FILE *stream;
    char *path;              /* as the user wrote it, for messages */
    int slot;                /* in the registry of temporaries; -1 = written directly */
    char target[PATH_BYTES]; /* after following links */
};

/* A slot is claimed before its name is written, and armed after: the handler sees finished names only. */
static struct {
    atomic_int claimed;
    atomic_int armed;
    char name[PATH_BYTES];
} registry[MAX_LIVE];
static atomic_int handlers_set;
static atomic_uint serial;

/* those that end a process and can be caught, without those that a program's own errors raise */
static const int caught_signals[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGPIPE,
                                     SIGALRM, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ};

void tool_outfile_remove_all(void)
{
    for (int i = 0; i < MAX_LIVE; i++) {
        if (atomic_load(&registry[i].armed)) (void)unlink(registry[i].name);
    }
}

static void on_signal(int number)
{
    tool_outfile_remove_all();
    (void)signal(number, SIG_DFL);
    (void)raise(number); /* delivered when this handler returns: the parent sees the real cause */
}

static void set_handlers(void)
{
    if (atomic_exchange(&handlers_set, 1)) return;
    for (size_t i = 0; i < sizeof caught_signals / sizeof caught_signals[0]; i++) {
        struct sigaction old;
        /* a tool's own handler and an inherited "ignore" (nohup) stay */
        if (sigaction(caught_signals[i], NULL, &old) != 0 || old.sa_handler != SIG_DFL) continue;
        struct sigaction action;
        memset(&action, 0, sizeof action);
        action.sa_handler = on_signal;
        (void)sigfillset(&action.sa_mask);
        (void)sigaction(caught_signals[i], &action, NULL);
    }
}

void tool_outfile_hold_signals(void)
{
    sigset_t held;
    (void)sigemptyset(&held);
    for (size_t i = 0; i < sizeof caught_signals / sizeof caught_signals[0]; i++) {
        (void)sigaddset(&held, caught_signals[i]);
    }
    (void)sigprocmask(SIG_BLOCK, &held, NULL);
}

static int claim_slot(void)
{
    for (int i = 0; i < MAX_LIVE; i++) {
        if (!atomic_exchange(&registry[i].claimed, 1)) return i;
    }
    return -1;
}

static void release_slot(int slot)
{
    if (slot < 0) return;
    atomic_store(&registry[slot].armed, 0);
    atomic_store(&registry[slot].claimed, 0);
}

/* Bytes of the folder part of path, with its final slash. */
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* Follows symbolic links, so that the file behind a link is replaced and the link stays. */
static bool resolve(char target[PATH_BYTES], tool_error *err, const char *path)
{
    if (strlen(path) >= PATH_BYTES) return tool_fail_errno(err, path, ENAMETOOLONG);
    strcpy(target, path);
    for (int hops = 0; hops < MAX_LINKS; hops++) {
        char link[PATH_BYTES];
        const ssize_t got = readlink(target, link, sizeof link - 1);
        if (got < 0) return true; /* no link, or nothing there yet */
        link[got] = '\0';
        const size_t keep = link[0] == '/' ? 0 : folder_length(target);
        if (keep + (size_t)got >= PATH_BYTES) return tool_fail_errno(err, path, ENAMETOOLONG);
        memcpy(target + keep, link, (size_t)got + 1);
    }
    return tool_fail_errno(err, path, ELOOP);
}

/* The name under which a process sees its own open file. */
static void name_of_descriptor(char name[PROC_BYTES], int fd)
{
    (void)snprintf(name, PROC_BYTES, "/proc/self/fd/%d", fd);
}

/* Creates a file without a name in the target's folder, which the system removes however the process ends. -1
 * where the system or the file system has none, or couldn't give it a name later. */
static int create_unnamed(const tool_outfile *out)
{
#ifdef O_TMPFILE
    char folder[PATH_BYTES] = ".", own_name[PROC_BYTES];
    const size_t keep = folder_length(out->target);
    if (keep) {
        memcpy(folder, out->target, keep);
        folder[keep] = '\0';
    }
    const int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
    if (fd < 0) return -1;
    name_of_descriptor(own_name, fd);
    if (access(own_name, F_OK) == 0) return fd;
    (void)close(fd);
#else
    (void)out;
#endif
    return -1;
}

/* Takes a new name beside out->target, which the slot then holds: for the file without a name, or for a new
 * file where unnamed is -1.  Returns the file's descriptor; -1 and an errno value in *code on failure. */
static int take_name(const tool_outfile *out, int slot, int unnamed, int *code)
{
    const size_t keep = folder_length(out->target);
    char *name = registry[slot].name, own_name[PROC_BYTES];
    name_of_descriptor(own_name, unnamed);
    memcpy(name, out->target, keep);
    for (int attempt = 0; attempt < 100; attempt++) {
        const int length = snprintf(name + keep, PATH_BYTES - keep, ".capout-%ld-%u.tmp", (long)getpid(),
                                    atomic_fetch_add(&serial, 1u));
        *code = ENAMETOOLONG;
        if (length < 0 || (size_t)length >= PATH_BYTES - keep) return -1;
        /* armed before it exists: a signal in between has nothing to remove, one after it finds it */
        atomic_store(&registry[slot].armed, 1);
        const int fd = unnamed < 0 ? open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666)
                       : linkat(AT_FDCWD, own_name, AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0 ? unnamed
                                                                                            : -1;
        *code = errno;
        if (fd >= 0) return fd;
        atomic_store(&registry[slot].armed, 0);
        if (*code != EEXIST) return -1;
    }
    return -1;
}

/* Creates the temporary with the permissions that the umask gives; fills out->slot. */
static int create_temporary(tool_outfile *out, tool_error *err)
{
    set_handlers();
    const int slot = claim_slot();
    if (slot < 0) {
        (void)tool_fail(err, "%s: too many output files open at once", out->path);
        return -1;
    }
    int code = 0, fd = create_unnamed(out);
    if (fd < 0) fd = take_name(out, slot, -1, &code);
    if (fd < 0) {
        release_slot(slot);
        (void)tool_fail(err, "%s: cannot create a file in its folder: %s", out->path, tool_reason(code));
        return -1;
    }
    out->slot = slot;
    return fd;
}

static int open_descriptor(tool_outfile *out, tool_error *err)
{
    struct stat info;
    if (stat(out->path, &info) == 0) {
        if (S_ISDIR(info.st_mode)) {
            (void)tool_fail(err, "%s: is a folder", out->path);
            return -1;
        }
        if (!S_ISREG(info.st_mode)) {
            const int fd = open(out->path, O_WRONLY | O_CLOEXEC);
            if (fd < 0) (void)tool_fail_errno(err, out->path, errno);
            return fd;
        }
    }
    if (!resolve(out->target, err, out->path)) return -1;
    if (!out->target[folder_length(out->target)]) {
        (void)tool_fail(err, "%s: is no file name", out->path);
        return -1;
    }
    return create_temporary(out, err);
}

tool_outfile *tool_outfile_open(const char *path, tool_error *err)
{
    tool_outfile *out = calloc(1, sizeof *out);
    if (out) out->slot = -1;
    if (out) out->path = malloc(strlen(path) + 1);
    if (!out || !out->path) {
        (void)tool_fail(err, "%s: out of memory", path);
        goto fail;
    }
    strcpy(out->path, path);
    const int fd = open_descriptor(out, err);
    if (fd < 0) goto fail;
    out->stream = fdopen(fd, out->slot < 0 ? "w" : "w+");
    if (!out->stream) {
        (void)tool_fail_errno(err, path, errno);
        (void)close(fd);
        goto fail;
    }
    return out;
fail:
    tool_outfile_abort(&out);
    return NULL;
}

FILE *tool_outfile_stream(tool_outfile *out)
{
    return out->stream;
}

bool tool_outfile_write(tool_outfile *out, const void *data, size_t size, tool_error *err)
{
    if (size && fwrite(data, 1, size, out->stream) != size) return tool_fail_errno(err, out->path, errno);
    return true;
}

/* Writes all of data [size], whatever pieces the system takes it in. */
static bool write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        const ssize_t wrote = write(fd, data, size);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return false;
        data += wrote;
        size -= (size_t)wrote;
    }
    return true;
}

bool tool_outfile_reserve(tool_outfile *out, uint64_t size, tool_error *err)
{
    const int fd = fileno(out->stream);
    if (out->slot < 0) return true;
    char *zeros = calloc(1, LARGE_PAGE);
    if (!zeros) return tool_fail(err, "%s: out of memory", out->path);
    bool ok = true;
    for (uint64_t left = size; ok && left > 0;) {
        const size_t piece = left < LARGE_PAGE ? (size_t)left : LARGE_PAGE;
        ok = write_all(fd, zeros, piece);
        left -= piece;
    }
    const int code = errno;
    free(zeros);
    if (!ok) return tool_fail_errno(err, out->path, code);
    return lseek(fd, 0, SEEK_SET) == 0 || tool_fail_errno(err, out->path, errno);
}

bool tool_outfile_seek(tool_outfile *out, uint64_t offset, tool_error *err)
{
    if (offset > INT64_MAX || (uint64_t)(off_t)offset != offset) {
        return tool_fail_errno(err, out->path, EFBIG);
    }
    if (fseeko(out->stream, (off_t)offset, SEEK_SET) != 0) return tool_fail_errno(err, out->path, errno);
    return true;
}

static bool has_name(const tool_outfile *out)
{
    return out->slot >= 0 && atomic_load(&registry[out->slot].armed);
}

static void end(tool_outfile **out)
{
    if (has_name(*out)) (void)unlink(registry[(*out)->slot].name);
    release_slot((*out)->slot);
    free((*out)->path);
    free(*out);
    *out = NULL;
}

bool tool_outfile_commit(tool_outfile **out, tool_error *err)
{
    tool_outfile *o = *out;
    int code = 0;
    errno = 0;
    bool ok = fflush(o->stream) == 0 && !ferror(o->stream);
    if (ok && o->slot >= 0) ok = fsync(fileno(o->stream)) == 0 || errno == EINVAL;
    if (!ok) code = errno ? errno : EIO;
    /* a link can't replace a file, so the file without a name gets one, which then replaces the target's */
    if (ok && o->slot >= 0 && !has_name(o)) ok = take_name(o, o->slot, fileno(o->stream), &code) >= 0;
    if (fclose(o->stream) != 0 && ok) {
        code = errno;
        ok = false;
    }
    if (ok && o->slot >= 0 && rename(registry[o->slot].name, o->target) != 0) {
        code = errno;
        ok = false;
    }
    if (ok) {
        release_slot(o->slot); /* the name is the target's now: nothing left to remove */
        o->slot = -1;
    } else {
        (void)tool_fail_errno(err, o->path, code);
    }
    end(out);
    return ok;
}

void tool_outfile_abort(tool_outfile **out)
{
    if (!out || !*out) return;
    if ((*out)->stream) (void)fclose((*out)->stream);
    end(out);
}
