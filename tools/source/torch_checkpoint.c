/* Opens what torch.save wrote; see torch_checkpoint.h. */
#include "tools/source/torch_checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/message.h"
#include "tools/common/printable.h"

enum {
    MAX_PICKLE = 64 << 20, /* bytes; they describe some hundred thousand tensors */
    MAX_BYTE_ORDER = 64,   /* bytes; the entry says "little" or "big" */
};

/* NAME/data.pkl, where NAME is whatever the file was called when it was saved */
static torch_zip_entry *find_pickle(torch_checkpoint *c, tool_error *err)
{
    torch_zip_entry *found = NULL;
    for (size_t i = 0; i < c->zip.count; i++) {
        const char *name = c->zip.entries[i].name, *slash = strchr(name, '/');
        if (!slash || strcmp(slash, "/data.pkl") != 0 || (size_t)(slash - name) + 2 > sizeof c->prefix) {
            continue;
        }
        if (found) {
            (void)tool_fail(err, "%s: holds two checkpoints, %s and %s", c->zip.input.path, found->name,
                            name);
            return NULL;
        }
        found = &c->zip.entries[i];
        (void)snprintf(c->prefix, sizeof c->prefix, "%.*s/", (int)(slash - name), name);
    }
    if (!found) {
        (void)tool_fail(err, "%s: not a checkpoint: the archive holds no data.pkl", c->zip.input.path);
    }
    return found;
}

static bool check_byte_order(torch_checkpoint *c, tool_error *err)
{
    char name[sizeof c->prefix + 16];
    (void)snprintf(name, sizeof name, "%sbyteorder", c->prefix);
    torch_zip_entry *entry = torch_zip_find(&c->zip, name);
    if (!entry) return true; /* absent before PyTorch 2.1, which wrote little-endian data only */
    unsigned char *text = torch_zip_read(&c->zip, entry, MAX_BYTE_ORDER, err);
    if (!text) return false;
    const bool ok = strcmp((const char *)text, "little") == 0;
    if (!ok) {
        char printable[TOOL_PRINTABLE_BYTES];
        (void)tool_fail(err, "%s: %s: its data are \"%s\"-endian; only little-endian checkpoints are read",
                        c->zip.input.path, name,
                        tool_printable((const char *)text, (size_t)entry->size, printable));
    }
    free(text);
    return ok;
}

bool torch_checkpoint_open(torch_checkpoint *c, const char *path, tool_error *err)
{
    memset(c, 0, sizeof *c);
    if (!torch_zip_open(&c->zip, path, err)) return false;
    torch_zip_entry *entry = find_pickle(c, err);
    if (!entry || !check_byte_order(c, err)) return false;
    unsigned char *bytes = torch_zip_read(&c->zip, entry, MAX_PICKLE, err);
    if (!bytes) return false;
    char place[1024];
    tool_format(place, sizeof place, "%s: %s", path, entry->name);
    return torch_pickle_parse(&c->pickle, bytes, (size_t)entry->size, place, err);
}

void torch_checkpoint_close(torch_checkpoint *c)
{
    torch_pickle_free(&c->pickle);
    torch_zip_close(&c->zip);
}
