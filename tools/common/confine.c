/* Gives up rights; see confine.h.
 *
 * Calls are refused with EPERM, not by ending the process: libraries try calls that they can do without. */
#define _GNU_SOURCE
#include "tools/common/confine.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1 /* their runtimes start processes and trace */
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

#if !TOOL_WITH_SECCOMP || !defined(__linux__) || defined(SANITIZED)

void tool_confine(const char *const *outputs, size_t count)
{
    (void)outputs;
    (void)count;
}

void tool_confine_server(void) {}

#else

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- files: Landlock ---- */

#if defined(__has_include) && __has_include(<linux/landlock.h>) && defined(SYS_landlock_restrict_self)
#include <linux/landlock.h>

/* Rights of the first version of Landlock, and what is done to files in a folder that is written. */
static const uint64_t in_folder = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                                  LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |
                                  LANDLOCK_ACCESS_FS_REMOVE_DIR; /* one that was made and stayed empty */
static const uint64_t never = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                              LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                              LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;

/* Cuts `path` down to its folder: "a/b" to "a", "b" to ".". */
static void cut_name(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash) slash[slash == path] = '\0';
    if (!slash) strcpy(path, ".");
}

/* A descriptor of what must stay writable for the output `name`: its folder, or the nearest above that is
 * there; of a device or pipe, itself. */
static int open_output(const char *name, bool *folder)
{
    char path[PATH_MAX];
    struct stat info;
    *folder = true;
    if (!realpath(name, path)) {
        if (strlen(name) >= sizeof path) return -1;
        strcpy(path, name);
        cut_name(path);
    } else if (stat(path, &info) == 0 && !S_ISDIR(info.st_mode)) {
        *folder = S_ISREG(info.st_mode);
        if (*folder) cut_name(path);
    }
    int fd = open(path, O_PATH | O_CLOEXEC);
    while (fd < 0 && errno == ENOENT && strcmp(path, ".") != 0 && strcmp(path, "/") != 0) {
        cut_name(path);
        fd = open(path, O_PATH | O_CLOEXEC);
    }
    return fd;
}

static void keep_output(int rules, const char *name)
{
    bool folder;
    struct landlock_path_beneath_attr rule = {.parent_fd = open_output(name, &folder)};
    if (rule.parent_fd < 0) return;
    rule.allowed_access = folder ? in_folder : LANDLOCK_ACCESS_FS_WRITE_FILE;
    (void)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    (void)close(rule.parent_fd);
}

static void confine_files(const char *const *outputs, size_t count)
{
    const struct landlock_ruleset_attr attributes = {.handled_access_fs = in_folder | never};
    const int rules = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    if (rules < 0) return;
    for (size_t i = 0; i < count; i++) {
        if (outputs[i] && strcmp(outputs[i], "-") != 0) keep_output(rules, outputs[i]);
    }
    keep_output(rules, "/dev/null");
    (void)syscall(SYS_landlock_restrict_self, rules, 0);
    (void)close(rules);
}

#else

static void confine_files(const char *const *outputs, size_t count)
{
    (void)outputs;
    (void)count;
}

#endif

/* ---- calls: seccomp ---- */

/* What is refused.  A call that this machine or this libseccomp doesn't have is skipped. */
static const char *const refused[] = {
    /* programs and processes */
    "execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd",
    "pidfd_open", "kill", "tkill", "kcmp",
    /* network */
    "socket", "socketpair", "connect", "bind", "listen",
    /* owners, modes, users, limits of others */
    "chmod", "fchmodat", "chown", "fchown", "lchown", "fchownat", "setuid", "setgid", "setreuid", "setregid",
    "setresuid", "setresgid", "setgroups", "setfsuid", "setfsgid", "capset", "setxattr", "lsetxattr",
    "fsetxattr",
    /* the system */
    "mount", "umount2", "move_mount", "open_tree", "fsopen", "fsmount", "pivot_root", "chroot", "setns",
    "unshare", "swapon", "swapoff", "reboot", "kexec_load", "kexec_file_load", "init_module", "finit_module",
    "delete_module", "bpf", "perf_event_open", "keyctl", "add_key", "request_key", "userfaultfd",
    "io_uring_setup", "io_uring_enter", "io_uring_register", "open_by_handle_at", "name_to_handle_at", "acct",
    "quotactl", "settimeofday", "clock_settime", "adjtimex", "sethostname", "setdomainname", "iopl", "ioperm",
    "personality", "syslog", "mknod", "mknodat", "symlink", "symlinkat"};

/* The same for programs that don't answer on a socket. */
static const char *const refused_clients[] = {"accept", "accept4"};

static void refuse(scmp_filter_ctx filter, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const int number = seccomp_syscall_resolve_name(names[i]);
        if (number != __NR_SCMP_ERROR) (void)seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0);
    }
}

static void confine_calls(bool server)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (!filter) return;
    refuse(filter, refused, sizeof refused / sizeof refused[0]);
    if (!server) refuse(filter, refused_clients, sizeof refused_clients / sizeof refused_clients[0]);
    /* a clone that is no thread; clone3's flags are in memory, where a filter can't look: without it the C
     * library takes clone */
    (void)seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                           SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
    (void)seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    (void)seccomp_load(filter);
    seccomp_release(filter);
}

static void confine(const char *const *outputs, size_t count, bool server)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return; /* both need it */
    confine_files(outputs, count);
    confine_calls(server);
}

void tool_confine(const char *const *outputs, size_t count)
{
    confine(outputs, count, false);
}

void tool_confine_server(void)
{
    confine(NULL, 0, true);
}

#endif
