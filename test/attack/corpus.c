/* corpus.c - hostile files of every kind that the tools read:  corpus FOLDER SEED COUNT
 *
 * Writes FOLDER/NNNNN.ENDING for each of COUNT files, and FOLDER/good with the files that go with them.  The
 * same seed gives the same files, and file N is the same for every COUNT. */
#include <errno.h>
#include <sys/stat.h>

#include "test/attack/attack.h"

enum { PATH_BYTES = 4096 };

typedef void maker(bytes *out, dice *d);

/* In the order of a turn of TURN files. */
static const struct {
    const char *ending;
    maker *make;
} kinds[] = {
    {"capw", attack_model},
    {"jpg", attack_jpeg},
    {"pth", attack_checkpoint},
    {"refs", attack_references},
    {"capw", attack_model},
    {"png", attack_png},
    {"pkl", attack_vocabulary},
    {"preds", attack_predictions},
    {"capw", attack_model},
    {"jpg", attack_jpeg},
    {"pth", attack_checkpoint},
    {"json", attack_settings},
    {"capw", attack_model},
    {"png", attack_png},
    {"pkl", attack_vocabulary},
    {"preds", attack_predictions},
    {"capw", attack_model},
    {"jpg", attack_jpeg},
    {"refs", attack_references},
    {"names", attack_names},
    {"tar", attack_tar},
    {"pic", attack_picture},
    {"tgz", attack_compressed_tar},
    {"pic", attack_picture},
    {"tar", attack_tar},
};

static void write_attack(const char *folder, uint64_t seed, size_t index)
{
    const size_t kind = index % (sizeof kinds / sizeof kinds[0]);
    char path[PATH_BYTES];
    bytes out = {0};
    dice d = dice_of(seed, index);
    kinds[kind].make(&out, &d);
    if (snprintf(path, sizeof path, "%s/%05zu.%s", folder, index, kinds[kind].ending) >= PATH_BYTES) abort();
    write_file(path, out.at, out.size);
    free_bytes(&out);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: corpus FOLDER SEED COUNT\n");
        return 2;
    }
    const uint64_t seed = strtoull(argv[2], NULL, 10);
    const size_t count = strtoull(argv[3], NULL, 10);
    char good[PATH_BYTES];
    if (snprintf(good, sizeof good, "%s/good", argv[1]) >= PATH_BYTES) return 1;
    if ((mkdir(argv[1], 0777) != 0 && errno != EEXIST) || (mkdir(good, 0777) != 0 && errno != EEXIST)) {
        fprintf(stderr, "corpus: %s: %s\n", good, strerror(errno));
        return 1;
    }
    write_good_files(good);
    for (size_t i = 0; i < count; i++) write_attack(argv[1], seed, i);
    return 0;
}
