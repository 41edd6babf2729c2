/* WordNet's database files and its morphology; see wordnet.h.
 *
 * The index and exception files are split into lines once and searched by their first field; synsets are
 * parsed where the index points.  Nothing from the files is trusted: every offset and count is checked. */
#include "tools/eval/wordnet.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <caption.h>

#include "tools/common/text.h"
#include "tools/common/grow.h"

enum {
    N_POS = 4,           /* parts of speech */
    MAX_FORM = 128,      /* bytes; the longest lemma of WordNet 3.0 has 71 */
    MAX_FORMS = 256,     /* base forms of a word; longer lists are cut */
    MAX_FILE = 64 << 20, /* bytes; data.noun has 15 million */
    MAX_DIGITS = 9,      /* of a number, so that it fits into 32 bits */
};

/* Bytes read to answer for one word.  "break" takes 4 thousand.  Entries may name a synset any number of
 * times, and many words may share a long one, so that without a bound the time would grow with a file's
 * square. */
#define MAX_ANSWER 16384

typedef struct line {
    const char *text;
    uint32_t key; /* bytes of the first field */
    uint32_t length;
} line;

typedef struct table {
    tool_text text;
    line *lines; /* sorted by first field; equal ones in file order */
    size_t count, capacity;
} table;

struct eval_wordnet {
    table index[N_POS], exceptions[N_POS];
    tool_text data[N_POS];
    char *folder;
};

static const char *const pos_names[N_POS] = {"noun", "verb", "adj", "adv"};

typedef struct ending {
    const char *from, *to;
} ending;

/* Rules of detachment; they end with an empty pair. */
static const ending noun_endings[] = {{"s", ""},    {"ses", "s"},   {"ves", "f"},   {"xes", "x"},
                                      {"zes", "z"}, {"ches", "ch"}, {"shes", "sh"}, {"men", "man"},
                                      {"ies", "y"}, {0, 0}};
static const ending verb_endings[] = {{"s", ""},  {"ies", "y"}, {"es", "e"}, {"es", ""}, {"ed", "e"},
                                      {"ed", ""}, {"ing", "e"}, {"ing", ""}, {0, 0}};
static const ending adj_endings[] = {{"er", ""}, {"est", ""}, {"er", "e"}, {"est", "e"}, {0, 0}};
static const ending adv_endings[] = {{0, 0}};
static const ending *const endings[N_POS] = {noun_endings, verb_endings, adj_endings, adv_endings};

/* ---- files ---- */

static int compare_key(const char *a, size_t a_length, const char *b, size_t b_length)
{
    const int order = memcmp(a, b, a_length < b_length ? a_length : b_length);
    return order ? order : (a_length > b_length) - (a_length < b_length);
}

static int compare_lines(const void *a, const void *b)
{
    const line *x = a, *y = b;
    const int order = compare_key(x->text, x->key, y->text, y->key);
    return order ? order : (x->text > y->text) - (x->text < y->text);
}

static bool add_line(table *t, const tool_lines *l)
{
    const char *space = memchr(l->line, ' ', l->length);
    if (!l->length || l->line[0] == ' ') return true; /* the licence stands indented before the first entry */
    line *lines = tool_grow(t->lines, &t->capacity, t->count + 1, sizeof *lines);
    if (!lines) return false;
    t->lines = lines;
    lines[t->count].text = l->line;
    lines[t->count].length = (uint32_t)l->length;
    lines[t->count].key = space ? (uint32_t)(space - l->line) : (uint32_t)l->length;
    t->count++;
    return true;
}

/* Reads FOLDER/NAME.EXTENSION. */
static bool load_file(tool_text *text, const char *folder, const char *name, const char *extension,
                      tool_error *err)
{
    char *path = malloc(strlen(folder) + strlen(name) + strlen(extension) + 3);
    if (!path) return tool_fail(err, "%s: out of memory", folder);
    (void)sprintf(path, "%s/%s.%s", folder, name, extension);
    const bool ok = tool_text_read(text, path, MAX_FILE, err);
    free(path);
    return ok;
}

static bool load_table(table *t, const char *folder, const char *name, const char *extension, tool_error *err)
{
    if (!load_file(&t->text, folder, name, extension, err)) return false;
    tool_lines lines;
    tool_lines_begin(&lines, t->text.data, t->text.size);
    while (tool_lines_next(&lines)) {
        if (!add_line(t, &lines)) return tool_fail(err, "%s: out of memory", folder);
    }
    for (size_t i = 1; i < t->count; i++) {
        if (compare_lines(&t->lines[i - 1], &t->lines[i]) > 0) {
            qsort(t->lines, t->count, sizeof *t->lines, compare_lines);
            break;
        }
    }
    return true;
}

eval_wordnet *eval_wordnet_open(const char *folder, tool_error *err)
{
    eval_wordnet *wordnet = calloc(1, sizeof *wordnet);
    if (!wordnet || !(wordnet->folder = malloc(strlen(folder) + 1))) {
        (void)tool_fail(err, "%s: out of memory", folder);
        goto fail;
    }
    strcpy(wordnet->folder, folder);
    for (int pos = 0; pos < N_POS; pos++) {
        const char *name = pos_names[pos];
        if (!load_table(&wordnet->index[pos], folder, "index", name, err)) goto fail;
        if (!load_table(&wordnet->exceptions[pos], folder, name, "exc", err)) goto fail;
        if (!load_file(&wordnet->data[pos], folder, "data", name, err)) goto fail;
    }
    return wordnet;
fail:
    eval_wordnet_close(&wordnet);
    return NULL;
}

static void free_table(table *t)
{
    tool_text_free(&t->text);
    free(t->lines);
}

void eval_wordnet_close(eval_wordnet **wordnet)
{
    if (!wordnet || !*wordnet) return;
    for (int pos = 0; pos < N_POS; pos++) {
        free_table(&(*wordnet)->index[pos]);
        free_table(&(*wordnet)->exceptions[pos]);
        tool_text_free(&(*wordnet)->data[pos]);
    }
    free((*wordnet)->folder);
    free(*wordnet);
    *wordnet = NULL;
}

/* The last line whose first field is `key` (as in a dictionary, a repeated entry replaces the former). */
static const line *find_line(const table *t, const char *key, size_t length)
{
    size_t low = 0, high = t->count;
    while (low < high) { /* ends at the first line above the key */
        const size_t mid = low + (high - low) / 2;
        if (compare_key(t->lines[mid].text, t->lines[mid].key, key, length) <= 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    if (!low || compare_key(t->lines[low - 1].text, t->lines[low - 1].key, key, length) != 0) return NULL;
    return &t->lines[low - 1];
}

/* ---- fields ---- */

typedef struct fields {
    const char *next, *stop;
    const char *text;
    size_t length;
} fields;

/* Fields end at a space or with the line. */
static bool next_field(fields *f)
{
    while (f->next < f->stop && *f->next == ' ') f->next++;
    f->text = f->next;
    while (f->next < f->stop && *f->next != ' ' && *f->next != '\n') f->next++;
    f->length = (size_t)(f->next - f->text);
    return f->length > 0;
}

static bool next_number(fields *f, int base, size_t *value)
{
    *value = 0;
    if (!next_field(f) || f->length > MAX_DIGITS) return false;
    for (size_t i = 0; i < f->length; i++) {
        const char c = f->text[i];
        const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
        if (digit >= base) return false;
        *value = *value * (size_t)base + (size_t)digit;
    }
    return true;
}

/* ---- synsets ---- */

typedef struct search {
    const eval_wordnet *wordnet;
    eval_lemma_fn *visit;
    void *context;
    tool_error *err;
    size_t left; /* bytes that may still be read */
} search;

static fields begin_fields(const search *s, const char *text, size_t length)
{
    return (fields){.next = text, .stop = text + (length < s->left ? length : s->left)};
}

static bool damaged(const search *s, const char *file, int pos, size_t offset)
{
    return tool_fail(s->err, "%s/%s.%s: offset %zu: %s", s->wordnet->folder, file, pos_names[pos], offset,
                     s->left ? "not a WordNet database entry"
                             : "the entries of one word take more than " CAPTION_QUOTE(MAX_ANSWER) " bytes");
}

/* OFFSET LEXFILE TYPE COUNT (LEMMA LEX_ID)... */
static bool read_synset(const search *s, fields *f, size_t offset)
{
    size_t n_lemmas, number;
    if (!next_number(f, 10, &number) || number != offset || !next_field(f) || !next_field(f) ||
        !next_number(f, 16, &n_lemmas)) {
        return false;
    }
    for (size_t i = 0; i < n_lemmas; i++) {
        if (!next_field(f)) return false;
        const char *mark = memchr(f->text, '(', f->length); /* adjectives: "afraid(p)" */
        if (!s->visit(s->context, f->text, mark ? (size_t)(mark - f->text) : f->length)) return false;
        if (!next_field(f)) return false;
    }
    return true;
}

static bool visit_synset(search *s, int pos, size_t offset)
{
    const tool_text *data = &s->wordnet->data[pos];
    if (offset >= data->size || (offset && data->data[offset - 1] != '\n')) {
        return damaged(s, "data", pos, offset);
    }
    fields f = begin_fields(s, data->data + offset, data->size - offset);
    const bool ok = read_synset(s, &f, offset);
    s->left -= (size_t)(f.next - (data->data + offset));
    return ok || damaged(s, "data", pos, offset); /* unless `visit` stopped the search, with a message */
}

/* LEMMA POS SYNSETS POINTERS POINTER... SENSES TAGGED OFFSET... */
static bool begin_entry(fields *f, size_t *n_synsets)
{
    size_t n_pointers;
    if (!next_field(f) || !next_field(f) || !next_number(f, 10, n_synsets) ||
        !next_number(f, 10, &n_pointers)) {
        return false;
    }
    for (size_t i = 0; i < n_pointers + 2; i++) {
        if (!next_field(f)) return false;
    }
    return true;
}

static bool visit_entry(search *s, int pos, const line *entry)
{
    const size_t at = (size_t)(entry->text - s->wordnet->index[pos].text.data);
    fields f = begin_fields(s, entry->text, entry->length);
    size_t n_synsets, offset;
    bool ok = begin_entry(&f, &n_synsets);
    s->left -= (size_t)(f.next - entry->text);
    for (size_t i = 0; ok && i < n_synsets; i++) {
        fields rest = begin_fields(s, f.next, (size_t)(entry->text + entry->length - f.next));
        ok = next_number(&rest, 10, &offset);
        s->left -= (size_t)(rest.next - f.next);
        f.next = rest.next;
        if (ok && !visit_synset(s, pos, offset)) return false;
    }
    return ok || damaged(s, "index", pos, at);
}

/* ---- morphology ---- */

typedef struct form {
    char text[MAX_FORM];
    size_t length;
} form;

typedef struct form_set {
    form *forms; /* [MAX_FORMS] */
    size_t count;
} form_set;

/* Adds a form unless the set has it already: twice it would only find the same synsets twice. */
static void add_form(form_set *set, const char *text, size_t length)
{
    if (length >= MAX_FORM || set->count == MAX_FORMS) return;
    for (size_t i = 0; i < set->count; i++) {
        if (set->forms[i].length == length && memcmp(set->forms[i].text, text, length) == 0) return;
    }
    memcpy(set->forms[set->count].text, text, length);
    set->forms[set->count++].length = length;
}

static void detach(int pos, const form_set *from, form_set *to)
{
    to->count = 0;
    for (size_t i = 0; i < from->count; i++) {
        for (const ending *e = endings[pos]; e->from; e++) {
            const form *f = &from->forms[i];
            const size_t cut = strlen(e->from), put = strlen(e->to);
            if (f->length < cut || memcmp(f->text + f->length - cut, e->from, cut) != 0) continue;
            char text[MAX_FORM];
            memcpy(text, f->text, f->length - cut);
            memcpy(text + f->length - cut, e->to, put); /* never longer than what it replaces */
            add_form(to, text, f->length - cut + put);
        }
    }
}

/* Visits the synsets of all forms that the index has; counts those forms in *found. */
static bool visit_forms(search *s, int pos, const form_set *set, size_t *found)
{
    for (size_t i = 0; i < set->count; i++) {
        const line *entry = find_line(&s->wordnet->index[pos], set->forms[i].text, set->forms[i].length);
        if (!entry) continue;
        ++*found;
        if (!visit_entry(s, pos, entry)) return false;
    }
    return true;
}

/* An irregular form stands for itself and for the base forms listed with it.  Any other word stands for
 * itself and what one detachment makes of it.  If the index has none of these, endings are detached again
 * until one fits. */
static bool visit_pos(search *s, int pos, const char *word, form_set sets[2])
{
    const line *exception = find_line(&s->wordnet->exceptions[pos], word, strlen(word));
    form_set *now = &sets[0], *then = &sets[1];
    size_t found = 0;
    now->count = 0;
    add_form(now, word, strlen(word));
    if (exception) {
        fields f = {.next = exception->text + exception->key, .stop = exception->text + exception->length};
        while (next_field(&f)) add_form(now, f.text, f.length);
        return visit_forms(s, pos, now, &found);
    }
    detach(pos, now, then);
    for (size_t i = 0; i < then->count; i++) add_form(now, then->forms[i].text, then->forms[i].length);
    if (!visit_forms(s, pos, now, &found)) return false;
    while (!found && then->count) {
        form_set *swap = now;
        now = then;
        then = swap;
        detach(pos, now, then);
        if (!visit_forms(s, pos, then, &found)) return false;
    }
    return true;
}

bool eval_wordnet_lemmas(const eval_wordnet *wordnet, const char *word, eval_lemma_fn *visit, void *context,
                         tool_error *err)
{
    search s = {.wordnet = wordnet, .visit = visit, .context = context, .err = err, .left = MAX_ANSWER};
    form_set sets[2] = {{NULL, 0}, {NULL, 0}};
    form *forms = malloc(2 * MAX_FORMS * sizeof *forms);
    bool ok = true;
    if (!forms) return tool_fail(err, "%s: out of memory", wordnet->folder);
    sets[0].forms = forms;
    sets[1].forms = forms + MAX_FORMS;
    for (int pos = 0; pos < N_POS && ok; pos++) ok = visit_pos(&s, pos, word, sets);
    free(forms);
    return ok;
}
