/* replay.c - runs a fuzz target over files and folders of inputs, without a fuzzer:  replay PATH...
 *
 * Prints how many inputs there were; a target that finds something ends the program. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "test/fuzz/fuzz.h"

enum { PATH_BYTES = 1024 };

static int run_file(const char *path, size_t size)
{
    uint8_t *data = malloc(size ? size : 1); /* exactly as large, so that sanitizers see a read beyond it */
    FILE *file = fopen(path, "rb");
    const int ok = data && file && fread(data, 1, size, file) == size;
    if (file) (void)fclose(file);
    if (ok) (void)LLVMFuzzerTestOneInput(data, size);
    free(data);
    if (!ok) fprintf(stderr, "%s: can't be read\n", path);
    return ok ? 1 : -1;
}

/* Returns the number of inputs below path, or -1. */
static int run(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0) return perror(path), -1;
    if (!S_ISDIR(info.st_mode)) return run_file(path, (size_t)info.st_size);
    DIR *folder = opendir(path);
    if (!folder) return perror(path), -1;
    int count = 0;
    const struct dirent *entry;
    while (count >= 0 && (entry = readdir(folder))) {
        char inner[PATH_BYTES];
        if (entry->d_name[0] == '.') continue;
        (void)snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        const int more = run(inner);
        count = more < 0 ? -1 : count + more;
    }
    (void)closedir(folder);
    return count;
}

int main(int argc, char **argv)
{
    int total = 0;
    for (int i = 1; i < argc; i++) {
        const int count = run(argv[i]);
        if (count < 0) return 1;
        total += count;
    }
    printf("%d inputs\n", total);
    return total > 0 ? 0 : 1;
}
