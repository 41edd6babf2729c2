/* logits.c - coarse logits first, then exact ones for the words that matter.
 *
 * Coarse logits (coarse.h) cost half of exact ones and come with a bound on their errors.  The bound tells
 * which words can be among the children that the search keeps.  Their logits are computed again from the
 * exact weights and states, 16 words (a panel) at a time, and are then the same to the bit as if all logits
 * had been computed exactly.  The other words count only in log(sum exp(logits)), where their errors are
 * unrelated and mostly cancel (docs/numerics.md). */
#include "lib/decoder/logits.h"

#include <math.h>
#include <string.h>

static int count_panels(const cpt_decoder *d)
{
    return (d->vocabulary + CPTK_PANEL - 1) / CPTK_PANEL;
}

void cpt_logits_plan(cpt_logits *l, cpt_arena *arena, int max_rows, int threads)
{
    const cpt_decoder *d = l->decoder;
    const size_t rows = (size_t)max_rows;
    l->values = cpt_arena_take(arena, rows * (size_t)d->vocabulary, sizeof *l->values);
    l->children = cpt_arena_take(arena, rows * (size_t)l->max_width, sizeof *l->children);
    l->child_count = cpt_arena_take(arena, rows, sizeof *l->child_count);
    l->choice.kernels = l->kernels;
    l->choice.vocabulary = d->vocabulary;
    cpt_choice_plan(&l->choice, arena, max_rows, l->max_width);
    l->new_words = cpt_arena_take(arena, rows, sizeof *l->new_words);
    l->lse = cpt_arena_take(arena, rows, sizeof *l->lse);
    if (d->int8) {
        l->states_u8 = cpt_arena_take(arena, rows, cpt_fine_pitch(d->hidden));
        l->rows_u8 = cpt_arena_take(arena, rows, sizeof *l->rows_u8);
        l->rest_rows_u8 = cpt_arena_take(arena, rows, sizeof *l->rest_rows_u8);
    }
    if (d->fine.halves) {
        l->fine = cpt_arena_take(arena, (size_t)threads, sizeof *l->fine);
        l->rests_u8 = cpt_arena_take(arena, rows, cpt_fine_pitch(d->hidden));
        l->rest = cpt_arena_take(arena, (size_t)d->hidden, sizeof *l->rest);
    }
    if (d->coarse.matrix.pairs) {
        cpt_coarse_plan(&l->coarse, arena, d, max_rows);
        l->bounds = cpt_arena_take(arena, rows, sizeof *l->bounds);
        l->totals = cpt_arena_take(arena, (size_t)l->max_width, sizeof *l->totals);
    }
    if (d->coarse.matrix.pairs || d->fine.halves) {
        const size_t panels = (size_t)count_panels(d);
        l->needed = cpt_arena_take(arena, panels, sizeof *l->needed);
        l->panels = cpt_arena_take(arena, panels, sizeof *l->panels);
    }
}

static const float *row_logits(const cpt_logits *l, int row)
{
    return l->values + (size_t)row * (size_t)l->decoder->vocabulary;
}

/* ---- rows ----
 *
 * The threads share the rows.  Looking through all words of a row takes microseconds. */

typedef struct row_job {
    cpt_logits *logits;
    const cpt_logits_query *query;
} row_job;

static void find_new_words(void *user, int row, int thread)
{
    row_job *job = user;
    cpt_logits *l = job->logits;
    const cpt_logits_query *query = job->query;
    cpt_choice choice = cpt_choice_of_row(&l->choice, row);
    (void)thread;
    l->new_words[row] = cpt_choice_new_words(&choice, row_logits(l, row), &query->hypotheses[row],
                                             query->rules, l->decoder->int8 ? NULL : &l->lse[row]);
}

static void find_children(void *user, int row, int thread)
{
    row_job *job = user;
    cpt_logits *l = job->logits;
    const cpt_logits_query *query = job->query;
    cpt_choice choice = cpt_choice_of_row(&l->choice, row);
    (void)thread;
    l->child_count[row] = cpt_choice_best(&choice, row_logits(l, row), &query->hypotheses[row], query->rules,
                                          l->children + (size_t)row * (size_t)l->max_width);
}

/* ---- exact logits of some words ---- */

static void need_word(cpt_logits *l, int word)
{
    l->needed[word / CPTK_PANEL] = 1;
}

/* Whether one of n numbers is not below the limit.  A NaN is not below anything. */
static bool any_reaches(const float *x, int n, float limit)
{
    int found = 0;
    if (n == CPTK_PANEL) { /* a constant, so that compilers make vectors of it */
        for (int i = 0; i < CPTK_PANEL; i++) found |= !(x[i] < limit);
    } else {
        for (int i = 0; i < n; i++) found |= !(x[i] < limit);
    }
    return found;
}

/* All words of a row whose logit is not below the limit; all words, if the limit is NaN. */
static void need_words_from(cpt_logits *l, int row, float limit)
{
    const float *logits = row_logits(l, row);
    for (int first = 0, panel = 0; first < l->decoder->vocabulary; first += CPTK_PANEL, panel++) {
        const int left = l->decoder->vocabulary - first;
        l->needed[panel] |= any_reaches(logits + first, left < CPTK_PANEL ? left : CPTK_PANEL, limit);
    }
}

typedef struct exact_job {
    const cpt_logits *logits;
    const cpt_logits_query *query;
    int image;
} exact_job;

/* One panel of words, for all rows of an image. */
static void run_panel(void *user, int index, int thread)
{
    const exact_job *job = user;
    const cpt_decoder *d = job->logits->decoder;
    const int first = job->logits->panels[index] * CPTK_PANEL, left = d->vocabulary - first;
    const int row = job->query->rows->first[job->image];
    const cpt_linear_args args = {.x = job->query->states + row,
                                  .out = job->logits->values + (size_t)row * (size_t)d->vocabulary,
                                  .rows = cpt_rows_of(job->query->rows, job->image)};
    (void)thread;
    cpt_linear_columns(&d->fc, &args, first, left < CPTK_PANEL ? left : CPTK_PANEL, job->logits->kernels);
}

/* Runs the task for each number of a panel in l->panels. */
static void run_needed_panels(cpt_logits *l, cpt_task task, void *job)
{
    l->panel_count = 0;
    for (int panel = 0; panel < count_panels(l->decoder); panel++) {
        if (l->needed[panel]) l->panels[l->panel_count++] = panel;
    }
    cpt_pool_run(l->pool, task, job, l->panel_count);
}

/* ---- which words need exact logits ----
 *
 * A child's total is its row's score plus the log-probability of its word.  The search keeps the `slots`
 * children with the largest totals.  With coarse logits, totals are known up to an error:
 *
 * - Let e bound how far a coarse logit of the row is from the exact one.  log(sum exp) of the logits is then
 *   at most e off too, and a log-probability 2 e.  This holds while any part of the logits has become exact.
 *   The code allows 4 e, because its own sums round.
 * - Take for each child the least that its total can turn out to be.  `slots` children certainly reach the
 *   slots-th largest of these, the certain total.
 * - A word whose total, at most, stays below the certain total is not kept.  Its logit may stay coarse.
 * - A row has `width` children at most.  A word that cannot be among the `width` best of its row is not kept
 *   either.
 *
 * Example: 2 rows, 3 words A, B and C, width 2, slots 2, 4 e = 0.1 in both rows.
 *
 *     coarse              row 0, score -1.0          row 1, score -1.4
 *     log-probability     A -0.5   B -1.2   C -2.3   A -0.7   B -1.2   C -1.6
 *     total               -1.5     -2.2     -3.3     -2.1     -2.6     -3.0
 *     total, at least     -1.6     -2.3              -2.2     -2.7              (the two best words)
 *     total, at most      -1.4     -2.1     -3.2     -2.0     -2.5     -2.9
 *
 * The two largest totals in the line "at least" are -1.6 and -2.2, so the certain total is -2.2: two children
 * reach it, whatever the exact logits are.  At most, A reaches it in both rows (-1.4 and -2.0) and B in row 0
 * (-2.1); these logits are computed exactly.  C in both rows and B in row 1 stay below and cannot be kept.
 * The code compares logits instead of totals, which saves it a subtraction for every word: logit = total -
 * score + log(sum exp). */

/* Keeps the `most` largest totals, largest first; NaN counts as large.  Returns how many are kept. */
static int keep_largest(double *totals, int count, int most, double total)
{
    int at = count;
    for (; at > 0 && !(totals[at - 1] >= total); at--) {
        if (at < most) totals[at] = totals[at - 1];
    }
    if (at < most) totals[at] = total;
    return count < most ? count + 1 : most;
}

/* Fills the bounds of an image's rows and returns its certain total: `slots` of its children reach it with
 * exact logits.  The new words of all rows are found. */
static double certain_total(cpt_logits *l, const cpt_logits_query *query, int image)
{
    const int slots = query->slots[image];
    int kept = 0;
    for (int r = query->rows->first[image]; r < query->rows->first[image + 1]; r++) {
        const cpt_hypothesis *hypothesis = &query->hypotheses[r];
        cpt_row_bounds *b = &l->bounds[r];
        const float *value = cpt_choice_of_row(&l->choice, r).value;
        const int count = l->new_words[r];
        b->lse = l->lse[r];
        b->least_needed = count > 0 ? value[count - 1] : -INFINITY;
        b->error = 4 * cpt_coarse_error(&l->coarse, r, b->lse);
        for (int i = 0; i < count; i++) {
            const double total = hypothesis->score + (double)(value[i] - b->lse);
            kept = keep_largest(l->totals, kept, slots, total - b->error);
        }
    }
    if (kept < 1 || kept < slots) return -INFINITY;
    return l->totals[kept - 1];
}

/* The repeated words of a row that may reach the certain total after their penalties. */
static void need_repeated_words(cpt_logits *l, const cpt_logits_query *query, int row,
                                const cpt_row_bounds *bounds, double certain)
{
    const cpt_hypothesis *hypothesis = &query->hypotheses[row];
    for (int i = 0; i < hypothesis->count; i++) {
        if (!cpt_choice_may_repeat(hypothesis, i, query->rules)) continue;
        const cpt_used_word *word = &hypothesis->words[i];
        const float at_most = row_logits(l, row)[word->token] - bounds->lse + (float)bounds->error;
        const float penalised = cpt_choice_penalised(at_most, word->times, query->rules);
        if (!(hypothesis->score + (double)penalised < certain)) need_word(l, word->token);
    }
}

/* Makes the coarse logits of an image's rows exact that its children can depend on. */
static void make_image_exact(cpt_logits *l, const cpt_logits_query *query, int image)
{
    const double certain = certain_total(l, query, image);
    memset(l->needed, 0, (size_t)count_panels(l->decoder));
    for (int r = query->rows->first[image]; r < query->rows->first[image + 1]; r++) {
        const cpt_row_bounds *b = &l->bounds[r];
        const double kept = certain - query->hypotheses[r].score + (double)b->lse;
        const double among_best = (double)b->least_needed;
        need_words_from(l, r, (float)((kept > among_best ? kept : among_best) - b->error));
        need_repeated_words(l, query, r, b, certain);
    }
    exact_job job = {l, query, image};
    run_needed_panels(l, run_panel, &job);
}

/* Makes the coarse logits exact that the children of the step can depend on. */
static void make_exact(cpt_logits *l, const cpt_logits_query *query)
{
    row_job found = {.logits = l, .query = query};
    cpt_pool_run(l->pool, find_new_words, &found, cpt_rows_all(query->rows));
    for (int image = 0; image < query->rows->images; image++) {
        if (cpt_rows_of(query->rows, image) > 0) make_image_exact(l, query, image);
    }
}

/* ---- int8 ---- */

typedef struct fine_job {
    const cpt_logits *logits;
    cpt_fine_args args;
} fine_job;

static void run_fine_panel(void *user, int index, int thread)
{
    const fine_job *job = user;
    const int *panels = job->logits->panels, last = job->logits->panel_count - 1;
    cpt_fine_args args = job->args;
    args.scratch = &job->logits->fine[thread];
    cpt_fine_add(&args, panels[index], panels[index < last ? index + 1 : last]);
}

/* Marks the words whose logits are made fine: those that would be the best children of each row of the image
 * as it is, and its repeated words.  There is no bound that others stay below them; the coarse order decides.
 */
static void need_best_words(cpt_logits *l, const cpt_logits_query *query, int image)
{
    memset(l->needed, query->exact, (size_t)count_panels(l->decoder));
    if (query->exact) return;
    for (int r = query->rows->first[image]; r < query->rows->first[image + 1]; r++) {
        const cpt_hypothesis *hypothesis = &query->hypotheses[r];
        const int *word = cpt_choice_of_row(&l->choice, r).index;
        for (int i = 0; i < l->new_words[r]; i++) need_word(l, word[i]);
        for (int i = 0; i < hypothesis->count; i++) {
            if (cpt_choice_may_repeat(hypothesis, i, query->rules)) need_word(l, hypothesis->words[i].token);
        }
    }
}

/* to [cpt_fine_pitch(H)] = x [H] * steps + 128 as bytes */
static void quantise_state(const cpt_logits *l, const float *x, float steps, uint8_t *to)
{
    const size_t hidden = (size_t)l->decoder->hidden;
    l->kernels->quantize_u8(x, to, l->decoder->hidden, steps, CPT_STATE_ZERO);
    memset(to + hidden, 0, cpt_fine_pitch(l->decoder->hidden) - hidden);
}

/* The bytes of what the bytes of a row's state lack. */
static const uint8_t *quantise_rest(const cpt_logits *l, const float *state, int row)
{
    const size_t pitch = cpt_fine_pitch(l->decoder->hidden);
    const uint8_t *bytes = l->states_u8 + (size_t)row * pitch;
    uint8_t *to = l->rests_u8 + (size_t)row * pitch;
    for (int i = 0; i < l->decoder->hidden; i++) {
        l->rest[i] = state[i] * CPT_STATE_STEPS + CPT_STATE_ZERO - (float)bytes[i];
    }
    quantise_state(l, l->rest, CPT_REST_STEPS, to);
    return to;
}

/* Adds the finer part of the logits that matter, image by image. */
static void add_fine(cpt_logits *l, const cpt_logits_query *query)
{
    row_job found = {.logits = l, .query = query};
    if (!query->exact) cpt_pool_run(l->pool, find_new_words, &found, cpt_rows_all(query->rows));
    for (int image = 0; image < query->rows->images; image++) {
        const int first = query->rows->first[image];
        fine_job job = {l,
                        {.decoder = l->decoder,
                         .states = l->rows_u8 + first,
                         .rests = l->rest_rows_u8 + first,
                         .logits = l->values + (size_t)first * (size_t)l->decoder->vocabulary,
                         .rows = cpt_rows_of(query->rows, image),
                         .kernels = l->kernels}};
        if (job.args.rows == 0) continue;
        need_best_words(l, query, image);
        run_needed_panels(l, run_fine_panel, &job);
    }
}

/* All logits from int8 weights and states, then the finer part of those that matter. */
static void run_int8(cpt_logits *l, const cpt_logits_query *query)
{
    const cpt_decoder *d = l->decoder;
    const int rows = cpt_rows_all(query->rows);
    for (int r = 0; r < rows; r++) {
        uint8_t *to = l->states_u8 + (size_t)r * cpt_fine_pitch(d->hidden);
        quantise_state(l, query->states[r], CPT_STATE_STEPS, to);
        l->rows_u8[r] = to;
    }
    cpt_linear_rows_u8(&d->fc, l->rows_u8, rows, l->values, l->kernels, l->pool);
    if (!d->fine.halves) return;
    for (int r = 0; r < rows; r++) l->rest_rows_u8[r] = quantise_rest(l, query->states[r], r);
    add_fine(l, query);
}

/* ---- the step ---- */

void cpt_logits_best(cpt_logits *l, const cpt_logits_query *query)
{
    const cpt_decoder *d = l->decoder;
    const int rows = cpt_rows_all(query->rows);
    if (d->int8) {
        run_int8(l, query);
    } else if (d->coarse.matrix.pairs && !query->exact) {
        const cpt_coarse_args args = {.decoder = d,
                                      .states = query->states,
                                      .logits = l->values,
                                      .rows = rows,
                                      .kernels = l->kernels,
                                      .pool = l->pool};
        cpt_coarse_run(&l->coarse, &args);
        make_exact(l, query);
    } else {
        cpt_linear_rows(&d->fc, query->states, rows, l->values, l->kernels, l->pool);
    }
    row_job job = {.logits = l, .query = query};
    cpt_pool_run(l->pool, find_children, &job, rows);
}
