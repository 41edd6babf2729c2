/* fuzz.c - see fuzz.h. */
#define _GNU_SOURCE
#include "test/fuzz/fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/fixture.h"

/* Larger sessions and networks take longer than they show. */
enum {
    MAX_BEAMS = 3,
    MAX_LENGTH = 12,
    MAX_SESSION = 32 << 20 /* bytes */,
    MAX_WORK = 20000000 /* a picture */
};

void fuzz_need(bool holds)
{
    if (!holds) abort();
}

/* ---- parts ---- */

void fuzz_split(fuzz_bytes input, fuzz_bytes *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const uint8_t *end =
            i + 1 < count && input.size ? memchr(input.data, FUZZ_SEPARATOR, input.size) : NULL;
        const size_t size = end ? (size_t)(end - input.data) : input.size;
        parts[i] = (fuzz_bytes){input.data, size};
        input.data += size;
        input.size -= size;
        if (end) input.data++, input.size--;
    }
}

static size_t get32(const uint8_t *p)
{
    return (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
}

void fuzz_unpack(fuzz_bytes input, fuzz_bytes *parts, size_t count)
{
    const size_t head = (count - 1) * 4;
    const uint8_t *sizes = input.data;
    memset(parts, 0, count * sizeof *parts);
    if (input.size < head) return;
    input.data += head;
    input.size -= head;
    for (size_t i = 0; i < count; i++) {
        size_t size = i + 1 < count ? get32(sizes + 4 * i) : input.size;
        if (size > input.size) size = input.size;
        parts[i] = (fuzz_bytes){input.data, size};
        input.data += size;
        input.size -= size;
    }
}

/* ---- files ---- */

static char folder[64];

static void remove_folder(void)
{
    char command[96];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    (void)!system(command);
}

const char *fuzz_folder(void)
{
    if (!folder[0]) {
        struct stat info;
        const bool memory = stat("/dev/shm", &info) == 0 && S_ISDIR(info.st_mode);
        (void)snprintf(folder, sizeof folder, "%s/libcaption-fuzz-XXXXXX", memory ? "/dev/shm" : "/tmp");
        fuzz_need(mkdtemp(folder) != NULL && atexit(remove_folder) == 0);
    }
    return folder;
}

void fuzz_path(char path[FUZZ_PATH], const char *name)
{
    (void)snprintf(path, FUZZ_PATH, "%s/%s", fuzz_folder(), name);
}

void fuzz_write(char path[FUZZ_PATH], const char *name, fuzz_bytes content)
{
    fuzz_path(path, name);
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    fuzz_need(fd >= 0);
    fuzz_need(content.size == 0 || write(fd, content.data, content.size) == (ssize_t)content.size);
    (void)close(fd);
}

/* ---- zip: offsets of fields from PKWARE's APPNOTE.TXT, section 4.3 ---- */

enum { LOCAL_BYTES = 30, CENTRAL_BYTES = 46 };

static void put32(uint8_t *p, uint32_t value)
{
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(value >> 8 * i);
}

/* The entry whose central record is at `central`. */
static void seal_entry(uint8_t *data, size_t size, uint8_t *central)
{
    const size_t local = get32(central + 42), bytes = get32(central + 20);
    if (local > size || size - local < LOCAL_BYTES) return;
    const size_t names = (get32(data + local + 26) & 0xFFFF) + (get32(data + local + 26) >> 16);
    const size_t start = local + LOCAL_BYTES + names;
    if (start > size || bytes > size - start) return;
    const uint32_t sum = make_model_crc(data + start, bytes);
    put32(central + 16, sum);
    if (get32(data + local + 14) != 0) put32(data + local + 14, sum);
    uint8_t *descriptor = data + start + bytes;
    if (size - start - bytes >= 8 && memcmp(descriptor, "PK\7\10", 4) == 0) put32(descriptor + 4, sum);
}

void fuzz_seal_zip(uint8_t *data, size_t size)
{
    size_t entries = 0;
    for (size_t at = 0; at + CENTRAL_BYTES <= size && entries < 2000; at++) {
        const uint8_t *found = memmem(data + at, size - at, "PK\1\2", 4);
        if (!found) return;
        at = (size_t)(found - data);
        if (at + CENTRAL_BYTES > size) return;
        seal_entry(data, size, data + at);
        entries++;
    }
}

/* ---- captions ---- */

/* What one image costs in the encoder. */
static double multiply_adds(const caption_session *session)
{
    double sum = 0;
    caption_layer_info layer;
    for (int i = 0; caption_session_layer(session, i, &layer) == CAPTION_OK; i++) sum += layer.multiply_adds;
    return sum;
}

static void look(const caption_text *caption, const caption_model_info *info)
{
    volatile double sum = (double)strlen(caption->text);
    (void)sum;
    fuzz_need(caption->length >= 1 && caption->length <= MAX_LENGTH);
    fuzz_need(caption->confidence >= 0 && caption->confidence <= 1);
    for (int i = 0; i < caption->length; i++) {
        fuzz_need(caption->ids[i] >= 0 && caption->ids[i] < info->vocabulary_size);
    }
    if (!caption->alpha) return;
    for (int i = 0; i < caption->length * info->positions; i++) sum += (double)caption->alpha[i];
}

static void caption_picture(caption_session *session, const caption_model *model)
{
    caption_model_info info;
    caption_decode_options decoding;
    const caption_result *result;
    const caption_pixel_view pixels = fixture_pixels(1);
    fuzz_need(caption_model_get_info(model, &info) == CAPTION_OK);
    caption_decode_options_init(&decoding, model);
    decoding.max_length = MAX_LENGTH;
    decoding.beams = MAX_BEAMS;
    if (caption_pixels(session, &pixels, &decoding, &result, NULL) != CAPTION_OK) return;
    fuzz_need(result->count >= 1 && result->count <= MAX_BEAMS);
    for (int i = 0; i < result->count; i++) look(&result->captions[i], &info);
}

void fuzz_caption(const caption_model *model)
{
    caption_session_options options;
    caption_session_options_init(&options);
    options.max_beams = MAX_BEAMS;
    options.max_length = MAX_LENGTH;
    options.decode_memory = 1 << 20;
    const size_t size = caption_session_size(model, &options, NULL);
    if (size == 0 || size > MAX_SESSION) return;
    caption_session *session;
    if (caption_session_create(&session, model, &options, NULL) != CAPTION_OK) return;
    if (multiply_adds(session) <= MAX_WORK) caption_picture(session, model);
    caption_session_close(&session);
}
