/* What an output holds and where it came from; see manifest.h. */
#include "tools/batch/manifest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/json.h"
#include "tools/common/outfile.h"
#include "tools/common/text.h"

enum {
    MOST_REASONS = 100, /* counted one by one; the others together */
    MOST_MANIFEST = 1 << 30
};

char *batch_manifest_path(const char *output)
{
    static const char ending[] = ".manifest.json";
    const size_t length = strlen(output);
    char *path = malloc(length + sizeof ending);
    if (!path) return NULL;
    memcpy(path, output, length);
    memcpy(path + length, ending, sizeof ending);
    return path;
}

bool batch_settings_find(const char *settings, const char *name, char *text, size_t size)
{
    const size_t length = strlen(name);
    for (; *settings; settings += strcspn(settings, "\n") + 1) {
        if (strncmp(settings, name, length) != 0 || settings[length] != '=') continue;
        (void)snprintf(text, size, "%.*s", (int)strcspn(settings + length + 1, "\n"), settings + length + 1);
        return true;
    }
    return false;
}

/* ---- writing ---- */

/* Takes over `value`, which may be NULL. */
static bool put_value(FILE *stream, json_t *value)
{
    if (!value) return false;
    const bool ok = json_dumpf(value, stream, JSON_ENCODE_ANY) == 0;
    json_decref(value);
    return ok;
}

static bool put_settings(FILE *stream, const char *settings)
{
    bool ok = true;
    for (const char *line = settings; ok && *line; line += strcspn(line, "\n") + 1) {
        const size_t length = strcspn(line, "\n"), name = strcspn(line, "=");
        (void)fprintf(stream, "%s\n    \"%.*s\": ", line == settings ? "" : ",", (int)name, line);
        ok = put_value(stream, json_stringn(line + name + 1, length - name - 1));
    }
    return ok;
}

/* A failure's line into name and message; the message without the name in front of it is the reason. */
static const char *split(char *line, char **message)
{
    line[strcspn(line, "\n")] = '\0';
    char *tab = strchr(line, '\t');
    *message = tab ? tab + 1 : line;
    if (tab) *tab = '\0';
    const size_t length = strlen(line);
    const bool named = strncmp(*message, line, length) == 0 && strncmp(*message + length, ": ", 2) == 0;
    return named ? *message + length + 2 : *message;
}

static bool count_reason(json_t *reasons, const char *reason)
{
    json_t *key = tool_json_text(reason); /* which is UTF-8, as keys have to be */
    if (!key) return false;
    const char *name = json_string_value(key);
    if (json_object_size(reasons) >= MOST_REASONS && !json_object_get(reasons, name)) name = "others";
    const json_int_t before = json_integer_value(json_object_get(reasons, name));
    const bool ok = json_object_set_new(reasons, name, json_integer(before + 1)) == 0;
    json_decref(key);
    return ok;
}

/* What a manifest lists. */
typedef struct failure_list {
    batch_next_failure next;
    void *user;
    uint64_t count; /* listed so far */
} failure_list;

/* Lists the failures one by one, and counts their reasons. */
static bool put_failures(FILE *stream, failure_list *list, json_t *reasons)
{
    char *line = NULL, *message = NULL;
    size_t room = 0;
    bool ok = true;
    for (; ok && list->next(list->user, &line, &room); list->count++) {
        ok = count_reason(reasons, split(line, &message));
        (void)fputs(list->count == 0 ? "\n    " : ",\n    ", stream);
        ok = ok && put_value(stream, json_pack("{s:o, s:o}", "image", tool_json_text(line), "error",
                                               tool_json_text(message)));
    }
    free(line);
    return ok;
}

static bool put_all(FILE *stream, const batch_manifest *manifest, failure_list *list)
{
    const batch_totals *t = &manifest->totals;
    json_t *reasons = json_object();
    (void)fprintf(stream,
                  "{\n  \"captioned\": %" PRIu64 ",\n  \"failed\": %" PRIu64 ",\n  \"items\": %" PRIu64
                  ",\n  \"bytes\": %" PRIu64 ",\n  \"crc32\": \"%08" PRIx32 "\",\n  \"settings\": {",
                  t->captioned, t->failed, t->items, t->bytes, t->crc);
    bool ok = reasons && put_settings(stream, manifest->settings);
    (void)fputs("\n  },\n  \"failures\": [", stream);
    ok = ok && put_failures(stream, list, reasons);
    (void)fputs(t->failed ? "\n  ],\n  \"reasons\": " : "],\n  \"reasons\": ", stream);
    ok = ok && put_value(stream, json_incref(reasons));
    (void)fputs("\n}\n", stream);
    json_decref(reasons);
    return ok;
}

bool batch_manifest_write(const char *output, const batch_manifest *manifest, batch_next_failure next,
                          void *user, tool_error *err)
{
    char *path = batch_manifest_path(output);
    failure_list list = {.next = next, .user = user};
    tool_outfile *out = path ? tool_outfile_open(path, err) : NULL;
    bool ok = out != NULL;
    errno = 0;
    if (ok && !put_all(tool_outfile_stream(out), manifest, &list)) {
        const int code = ferror(tool_outfile_stream(out)) ? errno : ENOMEM;
        ok = tool_fail_errno(err, path, code ? code : EIO);
    }
    if (ok && list.count != manifest->totals.failed) {
        ok = tool_fail(err, "%s: %" PRIu64 " of %" PRIu64 " failures can be read", path, list.count,
                       manifest->totals.failed);
    }
    ok = ok && tool_outfile_commit(&out, err);
    tool_outfile_abort(&out);
    free(path);
    return ok || tool_fail(err, "%s: out of memory", output);
}

/* ---- reading ---- */

/* {"name": "value", ...} as lines; NULL when memory ran out */
static char *settings_text(json_t *object)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (!stream) return NULL;
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(object, name, value)
    {
        const char *string = json_string_value(value);
        (void)fprintf(stream, "%s=%s\n", name, string ? string : "");
    }
    if (fclose(stream) == 0) return text;
    free(text);
    return NULL;
}

static bool read_object(json_t *root, batch_manifest *manifest)
{
    json_int_t captioned = 0, failed = 0, items = 0, bytes = 0;
    const char *crc = NULL;
    json_t *settings = NULL;
    if (json_unpack(root, "{s:I, s:I, s:I, s:I, s:s, s:o}", "captioned", &captioned, "failed", &failed,
                    "items", &items, "bytes", &bytes, "crc32", &crc, "settings", &settings) != 0 ||
        !json_is_object(settings)) {
        return false;
    }
    manifest->totals = (batch_totals){.items = (uint64_t)items,
                                      .captioned = (uint64_t)captioned,
                                      .failed = (uint64_t)failed,
                                      .bytes = (uint64_t)bytes,
                                      .crc = (uint32_t)strtoul(crc, NULL, 16)};
    manifest->settings = settings_text(settings);
    return manifest->settings != NULL;
}

bool batch_manifest_read(const char *output, batch_manifest *manifest, json_t **failures, tool_error *err)
{
    *manifest = (batch_manifest){.settings = NULL};
    char *path = batch_manifest_path(output);
    tool_text text = {NULL, 0};
    if (!path) return tool_fail(err, "%s: out of memory", output);
    bool ok = tool_text_read(&text, path, MOST_MANIFEST, err);
    if (ok) {
        json_error_t where;
        json_t *root = json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES, &where);
        ok = root && read_object(root, manifest);
        json_t *array = json_object_get(root, "failures");
        if (ok && failures) *failures = json_incref(array);
        if (!ok) (void)tool_fail(err, "%s: not a manifest of capbatch", path);
        json_decref(root);
    }
    tool_text_free(&text);
    free(path);
    return ok;
}
