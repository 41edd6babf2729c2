/* Tests of the names of settings.  What they should be is read out of the public headers: the name of
 * CAPTION_SEARCH_GREEDY is "greedy".  So a value that gets no name, or another one, is found. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <caption.h>

#include "kernels/kernels.h"
#include "lib/format/layout.h"
#include "lib/format/names.h"
#include "lib/platform/cpu.h"

/* ---- enumerations of a header ---- */

enum { MOST_VALUES = 32 };

typedef struct enumeration {
    struct {
        char name[32]; /* the constant's without the prefix, in small letters */
        int value;
    } entries[MOST_VALUES];
    int count;
} enumeration;

/* The file's text without comments. */
static char *read_header(const char *path)
{
    enum { ROOM = 1 << 18 };
    char *text = calloc(1, ROOM);
    FILE *file = fopen(path, "rb");
    assert_non_null(text);
    assert_non_null(file);
    assert_in_range(fread(text, 1, ROOM - 1, file), 1, ROOM - 2);
    (void)fclose(file);
    for (char *from = text; (from = strstr(from, "/*"));) {
        char *to = strstr(from, "*/");
        assert_non_null(to);
        memset(from, ' ', (size_t)(to + 2 - from));
    }
    return text;
}

/* The constants of `typedef enum TYPE`, all of which begin with `prefix` and say their value. */
static enumeration read_enumeration(const char *path, const char *type, const char *prefix)
{
    enumeration e = {.count = 0};
    char start[64];
    char *text = read_header(path);
    (void)snprintf(start, sizeof start, "typedef enum %s {", type);
    char *at = strstr(text, start), *end = at ? strchr(at, '}') : NULL;
    if (!end) fail_msg("%s: no %s", path, start);
    *end = '\0';
    for (char *item = strtok(at + strlen(start), ","); item; item = strtok(NULL, ",")) {
        char constant[64];
        int value;
        if (sscanf(item, " %63[A-Z0-9_] = %d", constant, &value) != 2) continue; /* behind the last comma */
        assert_memory_equal(constant, prefix, strlen(prefix));
        assert_in_range(e.count, 0, MOST_VALUES - 1);
        const char *own = constant + strlen(prefix);
        assert_in_range(strlen(own), 1, sizeof e.entries[0].name - 1);
        for (size_t i = 0; i <= strlen(own); i++) {
            e.entries[e.count].name[i] = (char)tolower((unsigned char)own[i]);
        }
        e.entries[e.count++].value = value;
    }
    free(text);
    assert_in_range(e.count, 2, MOST_VALUES);
    return e;
}

/* ---- the lists ---- */

static const struct {
    const char *type, *prefix;
    const char *const *names;
} lists[] = {
    {"caption_kind", "CAPTION_KIND_", cpt_kind_names},
    {"caption_rnn", "CAPTION_RNN_", cpt_rnn_names},
    {"caption_rnn", "CAPTION_RNN_", cpt_rnn_titles},
    {"caption_search", "CAPTION_SEARCH_", cpt_search_names},
    {"caption_penalty", "CAPTION_PENALTY_", cpt_penalty_names},
    {"caption_precision", "CAPTION_PRECISION_", cpt_precision_names},
    {"caption_conv", "CAPTION_CONV_", cpt_conv_names},
};

static void every_value_has_a_name(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof lists / sizeof lists[0]; k++) {
        const char *const *names = lists[k].names;
        const enumeration e = read_enumeration("include/caption.h", lists[k].type, lists[k].prefix);
        for (int i = 0; i < e.count; i++) {
            const char *name = cpt_name_of(names, (uint32_t)e.entries[i].value);
            if (!name) {
                fail_msg("%s: no name for %d, %s", lists[k].type, e.entries[i].value, e.entries[i].name);
            }
            char small[32] = "";
            for (size_t c = 0; c < strlen(name); c++) small[c] = (char)tolower((unsigned char)name[c]);
            assert_string_equal(small, e.entries[i].name);
            assert_int_equal(cpt_name_find(names, name), e.entries[i].value);
        }
        assert_null(cpt_name_of(names, (uint32_t)e.count));
    }
}

static void what_has_no_name(void **state)
{
    (void)state;
    assert_null(cpt_name_of(cpt_search_names, UINT32_MAX));
    assert_int_equal(cpt_name_find(cpt_search_names, ""), -1);
    assert_int_equal(cpt_name_find(cpt_search_names, "Greedy"), -1);
    assert_int_equal(cpt_name_find(cpt_search_names, "greedy "), -1);
    assert_int_equal(cpt_name_find(cpt_rnn_names, "GRU"), -1);
}

/* The same of the names that are not in names.h. */
static void other_enumerations(void **state)
{
    (void)state;
    enumeration e = read_enumeration("include/capw.h", "capw_layout", "CAPW_");
    for (int i = 0; i < e.count; i++) {
        assert_non_null(cpt_layout_find((uint32_t)e.entries[i].value));
        assert_string_equal(cpt_layout_find((uint32_t)e.entries[i].value)->name, e.entries[i].name);
    }
    assert_null(cpt_layout_find((uint32_t)e.count));
    e = read_enumeration("include/capw.h", "capw_dtype", "CAPW_");
    for (int i = 0; i < e.count; i++) {
        assert_non_null(cpt_dtype_name((uint32_t)e.entries[i].value));
        assert_string_equal(cpt_dtype_name((uint32_t)e.entries[i].value), e.entries[i].name);
    }
    assert_null(cpt_dtype_name((uint32_t)e.count));
    e = read_enumeration("include/caption.h", "caption_status", "CAPTION_");
    for (int i = 0; i < e.count; i++) {
        const char *text = caption_status_string((caption_status)e.entries[i].value);
        assert_string_not_equal(text, "unknown status");
    }
}

/* A session that may use a level's sets and no others says that level's name, where the machine has them. */
static void levels(void **state)
{
    const uint32_t here = cpt_cpu_detect();
    uint32_t all = 0;
    (void)state;
    for (int i = 0; i < CPT_CPU_LEVELS; i++) {
        const cpt_cpu_level *level = &cpt_cpu_levels[i];
        all |= level->sets;
        if (level->sets & ~here) continue;
        cptk_kernels kernels;
        cptk_kernels_init(&kernels, level->sets);
        assert_string_equal(kernels.name, level->name);
    }
    assert_int_equal(here & ~all, 0);
    assert_int_equal(cpt_cpu_levels[CPT_CPU_LEVELS - 1].sets, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_has_a_name),
        cmocka_unit_test(what_has_no_name),
        cmocka_unit_test(other_enumerations),
        cmocka_unit_test(levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
