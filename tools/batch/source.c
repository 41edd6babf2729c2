/* The images of a run in order; see source.h. */
#include "tools/batch/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/common/grow.h"
#include "tools/common/pictures.h"

enum {
    HEAD = PICTURE_MAGIC_BYTES,
    MAX_MEMBER = 1 << 28, /* bytes of an image in a tar */
    MAX_SAMPLE = 1 << 28  /* bytes of a sample */
};

void batch_source_begin(batch_source *source, const batch_inputs *inputs, const char *only, bool samples)
{
    *source = (batch_source){.only = only, .samples = samples};
    batch_names_begin(&source->names, inputs);
}

static void leave_tar(batch_source *source)
{
    if (source->tar) source->tar_bytes += batch_tar_position(source->tar);
    batch_tar_close(&source->tar);
    free(source->tar_name);
    source->tar_name = NULL;
    source->waiting = false;
}

void batch_source_end(batch_source *source)
{
    leave_tar(source);
    batch_names_end(&source->names);
}

uint64_t batch_source_position(const batch_source *source)
{
    return source->tar_bytes + (source->tar ? batch_tar_position(source->tar) : 0);
}

/* ---- items ---- */

void batch_item_free(batch_item *item)
{
    for (size_t i = 0; i < item->count; i++) {
        free(item->files[i].name);
        tool_text_free(&item->files[i].data);
    }
    free(item->files);
    free(item->name);
    *item = (batch_item){.name = NULL};
}

/* folder: NULL for none */
static char *join(const char *folder, const char *name)
{
    const size_t size = strlen(name) + (folder ? strlen(folder) : 0) + 2;
    char *path = malloc(size);
    if (path) (void)snprintf(path, size, "%s%s%s", folder ? folder : "", folder ? "/" : "", name);
    return path;
}

static bool give_name(batch_item *item, const char *folder, const char *name, tool_error *err)
{
    if (!item->name) item->name = join(folder, name);
    return item->name || tool_fail(err, "out of memory");
}

/* Adds a file without its bytes; NULL when memory ran out. */
static batch_file *add_file(batch_item *item, const batch_member *member)
{
    batch_file *files = tool_grow(item->files, &item->room, item->count + 1, sizeof *files);
    if (!files) return NULL;
    item->files = files;
    files[item->count] =
        (batch_file){.name = join(NULL, member->name), .mode = member->mode, .mtime = member->mtime};
    return files[item->count].name ? &files[item->count++] : NULL;
}

static void drop_last_file(batch_item *item)
{
    batch_file *file = &item->files[--item->count];
    free(file->name);
    tool_text_free(&file->data);
}

/* ---- members of a tar ---- */

/* Whether a member is meant to be an image.  One whose first bytes are damaged is known by its name, so that
 * it is listed as failed and not passed over. */
static bool has_image_ending(const char *name)
{
    static const char *const endings[] = {"jpg",  "jpeg", "png", "webp", "heic", "heif",
                                          "avif", "gif",  "tif", "tiff", "bmp"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof endings[0]; i++) {
        if (strcasecmp(dot + 1, endings[i]) == 0) return true;
    }
    return false;
}

static bool is_image(const batch_file *file)
{
    return picture_format(file->data.data, file->data.size) || has_image_ending(file->name);
}

/* The length of a member's key: its name up to the first dot behind the last slash. */
static size_t key_length(const char *name)
{
    const char *slash = strrchr(name, '/');
    const char *base = slash ? slash + 1 : name;
    return (size_t)(base - name) + strcspn(base, ".");
}

static bool same_key(const char *a, const char *b)
{
    const size_t length = key_length(a);
    return length == key_length(b) && memcmp(a, b, length) == 0;
}

/* Goes to the next member that is a file. */
static batch_step next_member(batch_source *source, tool_error *err)
{
    if (source->waiting) {
        source->waiting = false;
        return BATCH_STEP_MEMBER;
    }
    for (;;) {
        const batch_step step = batch_tar_next(source->tar, &source->member, err);
        if (step != BATCH_STEP_MEMBER || source->member.regular) return step;
    }
}

/* Reads the bytes of the current member into the item's last file.  Sets *bad where they are damaged or too
 * many. */
static bool read_file(batch_source *source, batch_item *item, bool whole, size_t limit, tool_error *bad)
{
    batch_file *file = &item->files[item->count - 1];
    if (!batch_tar_read(source->tar, &file->data, HEAD, bad)) return false;
    if (file->data.size < HEAD) return true;
    /* what can't be an image isn't read on, whatever it is called and however long it claims to be */
    if (!whole && !picture_format(file->data.data, HEAD)) return true;
    if (source->member.size > limit) return tool_fail(bad, "larger than %zu bytes", limit);
    if (source->member.cut) return tool_fail(bad, "Truncated: the tar ends before its bytes do");
    if (limit <= HEAD) return tool_fail(bad, "its sample is larger than %d bytes", MAX_SAMPLE);
    if (!batch_tar_read(source->tar, &file->data, limit - HEAD + 1, bad)) return false;
    if (file->data.size > limit) return tool_fail(bad, "larger than %zu bytes", limit);
    return true;
}

/* ---- the next item of a tar ---- */

typedef enum found { FOUND_ITEM, FOUND_NOTHING, FOUND_FAILURE } found;

static bool out_of_memory(tool_error *err)
{
    return tool_fail(err, "out of memory");
}

/* The last file can't be read whole: it is taken out, and the item says why. */
static bool lose_file(batch_source *source, batch_item *item, const char *reason)
{
    char *name = join(source->tar_name, item->files[item->count - 1].name);
    if (!name) return false;
    (void)tool_fail(&item->error, "%s: %s", name, reason);
    free(name);
    drop_last_file(item);
    return true;
}

/* Text formats: the next image.  With `skipping` only its first bytes are read. */
static found next_image(batch_source *source, batch_item *item, bool skipping, tool_error *err)
{
    for (;;) {
        const batch_step step = next_member(source, &item->error);
        if (step == BATCH_STEP_END) return FOUND_NOTHING;
        if (step == BATCH_STEP_DAMAGE) {
            return give_name(item, NULL, source->tar_name, err) ? FOUND_ITEM : FOUND_FAILURE;
        }
        tool_error bad = {{0}};
        batch_file *file = add_file(item, &source->member);
        if (!file) {
            (void)out_of_memory(err);
            return FOUND_FAILURE;
        }
        const bool ok = skipping ? batch_tar_read(source->tar, &file->data, HEAD, &bad)
                                 : read_file(source, item, false, MAX_MEMBER, &bad);
        if (!is_image(file)) {
            drop_last_file(item);
            continue;
        }
        item->image = 0;
        item->size = file->data.size;
        if (!give_name(item, source->tar_name, file->name, err)) return FOUND_FAILURE;
        if (!ok && !lose_file(source, item, bad.message)) {
            (void)out_of_memory(err);
            return FOUND_FAILURE;
        }
        return FOUND_ITEM;
    }
}

/* Tars as output: all files of the next sample. */
static found next_sample(batch_source *source, batch_item *item, bool skipping, tool_error *err)
{
    char *first = NULL; /* the name of the sample's first member */
    found result = FOUND_FAILURE;
    item->image = SIZE_MAX;
    for (;;) {
        const batch_step step = next_member(source, &item->error);
        if (step != BATCH_STEP_MEMBER) {
            result = step == BATCH_STEP_DAMAGE || first ? FOUND_ITEM : FOUND_NOTHING;
            break;
        }
        if (first && !same_key(first, source->member.name)) {
            source->waiting = true;
            result = FOUND_ITEM;
            break;
        }
        if (!first && !(first = join(NULL, source->member.name))) break;
        if (skipping) continue;
        tool_error bad = {{0}};
        if (!add_file(item, &source->member)) break;
        const bool ok = read_file(source, item, true, MAX_SAMPLE - (size_t)item->size, &bad);
        const batch_file *file = &item->files[item->count - 1];
        if (ok && item->image == SIZE_MAX && is_image(file)) item->image = item->count - 1;
        if (ok) item->size += file->data.size;
        if (!ok && !lose_file(source, item, bad.message)) break;
    }
    if (result == FOUND_ITEM) {
        const char *image = item->image == SIZE_MAX ? first : item->files[item->image].name;
        if (!give_name(item, image ? source->tar_name : NULL, image ? image : source->tar_name, err)) {
            result = FOUND_FAILURE;
        }
    } else if (result == FOUND_FAILURE) {
        (void)out_of_memory(err);
    }
    free(first);
    return result;
}

/* ---- the next item ---- */

/* Opens a tar.  One that can't be opened is an item that failed. */
static found enter_tar(batch_source *source, const char *name, batch_item *item, tool_error *err)
{
    source->tar_name = join(NULL, name);
    if (!source->tar_name) {
        (void)out_of_memory(err);
        return FOUND_FAILURE;
    }
    source->tar = batch_tar_open(name, &item->error);
    if (source->tar) return FOUND_NOTHING;
    leave_tar(source);
    return give_name(item, NULL, name, err) ? FOUND_ITEM : FOUND_FAILURE;
}

/* Goes to the next name: an image, or a tar, which is entered. */
static found next_name(batch_source *source, batch_item *item, tool_error *err)
{
    const char *name = source->only;
    if (name) {
        if (source->begun) return FOUND_FAILURE;
        source->begun = true;
    } else {
        if (!batch_names_next(&source->names, err)) return FOUND_FAILURE;
        name = source->names.name;
    }
    if (batch_is_tar(name)) return enter_tar(source, name, item, err);
    return give_name(item, NULL, name, err) ? FOUND_ITEM : FOUND_FAILURE;
}

static bool next_item(batch_source *source, batch_item *item, bool skipping, tool_error *err)
{
    *item = (batch_item){.image = SIZE_MAX};
    for (;;) {
        found result = FOUND_NOTHING;
        if (source->tar) {
            result = source->samples ? next_sample(source, item, skipping, err)
                                     : next_image(source, item, skipping, err);
            if (result == FOUND_NOTHING) leave_tar(source);
        } else {
            result = next_name(source, item, err);
        }
        if (result == FOUND_ITEM) {
            source->given++;
            return true;
        }
        if (result == FOUND_FAILURE) {
            batch_item_free(item);
            return false;
        }
    }
}

bool batch_source_next(batch_source *source, batch_item *item, tool_error *err)
{
    return next_item(source, item, false, err);
}

bool batch_source_skip(batch_source *source, uint64_t count, tool_error *err)
{
    for (; count; count--) {
        batch_item item;
        if (!next_item(source, &item, true, err)) return false;
        batch_item_free(&item);
    }
    return true;
}
