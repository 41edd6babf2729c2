/* What the fuzz targets share: inputs of several parts, files that hold bytes, and checksums put right.
 *
 * A target is one file fuzz_NAME.c with LLVMFuzzerTestOneInput, one input a call.  libFuzzer links with it,
 * and so does replay.c, which runs the inputs of test/fuzz/corpus/NAME without a fuzzer. */
#ifndef TEST_FUZZ_H
#define TEST_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <caption.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct fuzz_bytes {
    const uint8_t *data; /* [size] */
    size_t size;
} fuzz_bytes;

/* Ends the program, as a crash would, unless `holds`. */
void fuzz_need(bool holds);

/* Cuts an input at its separators, bytes of FUZZ_SEPARATOR, into parts[count].  The last part takes the rest;
 * parts that the input lacks are empty. */
enum { FUZZ_SEPARATOR = 0x1E };
void fuzz_split(fuzz_bytes input, fuzz_bytes *parts, size_t count);

/* The same for parts that may hold any byte: before them stand the sizes of all but the last, four bytes
 * each, least significant first.  Sizes that are too large are cut. */
void fuzz_unpack(fuzz_bytes input, fuzz_bytes *parts, size_t count);

/* A folder for this process's files, removed when it ends. */
const char *fuzz_folder(void);

enum { FUZZ_PATH = 128 };

/* The path of a file in it; fuzz_write (re)writes that file with bytes. */
void fuzz_path(char path[FUZZ_PATH], const char *name);
void fuzz_write(char path[FUZZ_PATH], const char *name, fuzz_bytes content);

/* Computes the checksums of a zip archive's entries again, so that what lies behind them is reached.  Touches
 * nothing outside data [size]. */
void fuzz_seal_zip(uint8_t *data, size_t size);

/* Opens a session where it is small enough, captions one picture and looks at everything that comes out. */
void fuzz_caption(const caption_model *model);

#endif
