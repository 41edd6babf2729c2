/* search.c - the loop over steps, and the captions that come out of it. */
#include "lib/decoder/search.h"

#include <math.h>
#include <string.h>

#include "kernels/real.h"

void cpt_search_plan(cpt_search *s, cpt_arena *arena, const cpt_search_setup *setup)
{
    const size_t rows = (size_t)setup->max_beams, length = (size_t)setup->max_length;
    const size_t positions = (size_t)setup->info->positions;
    s->info = setup->info;
    s->weights = setup->weights;
    s->max_beams = setup->max_beams;
    s->max_length = setup->max_length;
    /* each word with a space before or a NUL after it */
    s->text_bytes = length * ((size_t)setup->weights->longest_word + 1) + 1;
    s->step.decoder = s->logits.decoder = setup->decoder;
    s->step.kernels = s->logits.kernels = setup->kernels;
    s->step.positions = setup->info->positions;
    cpt_step_plan(&s->step, arena, setup->max_beams, setup->threads);
    cpt_logits_plan(&s->logits, arena, setup->max_beams);
    cpt_beam_plan(&s->beam, arena, setup->max_beams, setup->max_length);
    s->captions = cpt_arena_take(arena, rows, sizeof *s->captions);
    s->ids = cpt_arena_take(arena, rows * length, sizeof *s->ids);
    s->text = cpt_arena_take(arena, rows, s->text_bytes);
    if (setup->info->kind == CAPTION_KIND_ATTENTION) {
        s->history = cpt_arena_take(arena, rows * length * positions, sizeof *s->history);
        s->alpha = cpt_arena_take(arena, rows * length * positions, sizeof *s->alpha);
    }
}

void cpt_search_set_pool(cpt_search *s, cpt_pool *pool)
{
    s->step.pool = s->logits.pool = pool;
}

/* ---- steps ---- */

/* One search: what stays the same in all its steps. */
typedef struct search_job {
    const float *features; /* [P, C], or [E] in the baseline kind */
    const caption_decode_options *options;
    cpt_rules rules; /* `banned` is set for each step */
} search_job;

static cpt_rules make_rules(const cpt_search *s, const caption_decode_options *options)
{
    const caption_model_info *info = s->info;
    const bool greedy = options->search == CAPTION_SEARCH_GREEDY;
    return (cpt_rules){.width = greedy ? 1 : options->beams,
                       .banned = -1,
                       .special = {info->pad, info->start, info->end, info->unk},
                       .form = options->penalty,
                       .penalty = greedy ? 1.0f : options->repetition_penalty};
}

/* Sets the input of a row: its last token, or what comes before the first one. */
static void set_input(cpt_search *s, const search_job *job, int row)
{
    const int node = s->beam.alive[row];
    if (node < 0 && s->step.decoder->kind == CAPTION_KIND_BASELINE) {
        cpt_step_set_vector(&s->step, row, job->features);
    } else {
        cpt_step_set_word(&s->step, row, node >= 0 ? s->beam.nodes[node].token : s->info->start);
    }
}

/* Finds the best children of all rows and offers them to the beam. */
static void offer_children(cpt_search *s, const search_job *job, int rows)
{
    const float *states[CPT_MAX_BEAMS];
    cpt_hypothesis hypotheses[CPT_MAX_BEAMS];
    for (int r = 0; r < rows; r++) {
        states[r] = cpt_step_output(&s->step, r);
        hypotheses[r].score = cpt_beam_score(&s->beam, r);
        hypotheses[r].words = cpt_beam_words(&s->beam, r, &hypotheses[r].count);
    }
    const cpt_logits_query query = {.states = states,
                                    .hypotheses = hypotheses,
                                    .rows = rows,
                                    .slots = cpt_beam_slots(&s->beam),
                                    .exact = job->options->logits,
                                    .rules = &job->rules};
    cpt_logits_best(&s->logits, &query);
    for (int r = 0; r < rows; r++) {
        const cpt_child *children = s->logits.children + (size_t)r * (size_t)s->max_beams;
        for (int i = 0; i < s->logits.child_count[r]; i++) {
            cpt_beam_offer(&s->beam, r, children[i].token, children[i].log_probability);
        }
    }
}

/* Returns what the progress callback says; 0 without one. */
static int report(const cpt_search *s, const search_job *job, int step, int rows)
{
    const caption_decode_options *options = job->options;
    const caption_progress progress = {.stage = CAPTION_STAGE_DECODER,
                                       .done = step + 1,
                                       .total = options->max_length,
                                       .rows = rows,
                                       .logits = options->logits ? s->logits.values : NULL};
    return options->progress ? options->progress(options->progress_user, &progress) : 0;
}

/* One step of all alive rows.  Returns anything but 0 when the progress callback wants to stop. */
static int run_step(cpt_search *s, search_job *job, int step)
{
    const int rows = s->beam.alive_count;
    for (int r = 0; r < rows; r++) set_input(s, job, r);
    cpt_step_run(&s->step, rows);
    if (s->history) {
        const size_t positions = (size_t)s->step.positions;
        memcpy(s->history + (size_t)step * (size_t)s->max_beams * positions, s->step.attention.alpha,
               (size_t)rows * positions * sizeof *s->history);
    }
    job->rules.banned = step + 1 < job->options->min_length ? s->info->end : -1;
    offer_children(s, job, rows);
    const int stop = report(s, job, step, rows);
    if (stop) return stop;
    cpt_beam_advance(&s->beam);
    cpt_step_select(&s->step, s->beam.parents, s->beam.alive_count);
    return 0;
}

/* ---- results ---- */

/* Writes the words, joined by spaces, up to <end> and without special words.  `text` has room for as many of
 * the longest word. */
static void write_text(const cpt_search *s, const int *ids, int length, char *text)
{
    const caption_model_info *info = s->info;
    char *at = text;
    for (int i = 0; i < length && ids[i] != info->end; i++) {
        if (ids[i] == info->pad || ids[i] == info->start || ids[i] == info->unk) continue;
        const char *word = s->weights->words + s->weights->word_offsets[ids[i]];
        const size_t bytes = strlen(word);
        if (at != text) *at++ = ' ';
        memcpy(at, word, bytes);
        at += bytes;
    }
    *at = '\0';
}

/* The caption of the hypothesis that ends at this place of the list of finished ones. */
static void write_caption(cpt_search *s, int place)
{
    const cpt_finished *done = &s->beam.done[place];
    const cpt_node *last = &s->beam.nodes[done->node];
    const size_t rows = (size_t)s->max_beams, positions = (size_t)s->step.positions;
    const size_t offset = (size_t)place * (size_t)s->max_length;
    const double confidence = isnan(done->score) ? 0 : cptk_exp(done->score);
    int *ids = s->ids + offset;
    float *alpha = s->history ? s->alpha + offset * positions : NULL;
    char *text = s->text + (size_t)place * s->text_bytes;
    for (int node = done->node; node >= 0; node = s->beam.nodes[node].parent) {
        const cpt_node *n = &s->beam.nodes[node];
        const size_t step = (size_t)n->length - 1;
        ids[step] = n->token;
        if (alpha) {
            memcpy(alpha + step * positions, s->history + (step * rows + (size_t)n->row) * positions,
                   positions * sizeof *alpha);
        }
    }
    write_text(s, ids, last->length, text);
    s->captions[place] = (caption_text){.text = text,
                                        .ids = ids,
                                        .length = last->length,
                                        .log_probability = last->score,
                                        .score = done->score,
                                        .confidence = confidence < 1 ? confidence : 1,
                                        .alpha = alpha};
}

int cpt_search_run(cpt_search *s, const float *features, const caption_decode_options *options)
{
    search_job job = {features, options, make_rules(s, options)};
    cpt_beam_start(&s->beam, job.rules.width, (double)options->length_alpha, s->info->end);
    cpt_step_begin(&s->step, features);
    for (int step = 0; step < options->max_length && s->beam.alive_count > 0; step++) {
        if (run_step(s, &job, step)) return -1;
    }
    cpt_beam_finish(&s->beam);
    int count = s->beam.done_count;
    if (options->nbest > 0 && options->nbest < count) count = options->nbest;
    for (int place = 0; place < count; place++) write_caption(s, place);
    return count;
}
