/* make_full.c - a model of the published sizes with random weights, for `make bench` where there is no other:
 * make_full MODEL.capw.  Its words mean nothing; its times are those of a real one. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "test/make_model.h"

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: make_full MODEL.capw\n");
        return 2;
    }
    make_model_options options;
    make_model_defaults(&options);
    options.width = 64;
    options.embed = 300;
    options.hidden = 1024;
    options.attention = 256;
    options.vocabulary = 10111;
    options.winograd = 1;
    options.coarse = true;
    size_t size;
    unsigned char *data = make_model(&options, &size);
    FILE *file = data ? fopen(argv[1], "wb") : NULL;
    bool ok = file && fwrite(data, 1, size, file) == size;
    if (file && fclose(file) != 0) ok = false;
    free(data);
    if (!ok) perror(argv[1]);
    return ok ? 0 : 1;
}
