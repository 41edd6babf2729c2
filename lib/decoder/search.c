/* search.c - the loop over steps, and the captions that come out of it. */
#include "lib/decoder/search.h"

#include <math.h>
#include <string.h>

#include "kernels/real.h"

/* How many images are searched together: so many that a step has at most CPT_MAX_ROWS rows. */
static int images_together(const cpt_search_setup *setup)
{
    const int most = CPT_MAX_ROWS / setup->max_beams;
    return most < setup->max_images ? most : setup->max_images;
}

static void plan_results(cpt_search *s, cpt_arena *arena, size_t images)
{
    const size_t captions = images * (size_t)s->max_beams, length = (size_t)s->max_length;
    /* each word with a space before or a NUL after it */
    s->text_bytes = length * ((size_t)s->weights->longest_word + 1) + 1;
    s->results = cpt_arena_take(arena, images, sizeof *s->results);
    s->captions = cpt_arena_take(arena, captions, sizeof *s->captions);
    s->ids = cpt_arena_take(arena, captions * length, sizeof *s->ids);
    s->text = cpt_arena_take(arena, captions, s->text_bytes);
    if (s->info->kind != CAPTION_KIND_ATTENTION) return;
    s->alpha = cpt_arena_take(arena, captions * length * (size_t)s->info->positions, sizeof *s->alpha);
}

void cpt_search_plan_kept(cpt_search *s, cpt_arena *arena, const cpt_search_setup *setup)
{
    s->together = images_together(setup);
    s->beams = cpt_arena_take(arena, (size_t)s->together, sizeof *s->beams);
}

void cpt_search_plan(cpt_search *s, cpt_arena *arena, const cpt_search_setup *setup)
{
    const int together = s->together, rows = together * setup->max_beams;
    s->info = setup->info;
    s->weights = setup->weights;
    s->max_beams = setup->max_beams;
    s->max_length = setup->max_length;
    s->step.decoder = s->logits.decoder = setup->decoder;
    s->step.kernels = s->logits.kernels = setup->kernels;
    s->step.positions = setup->info->positions;
    s->step.max_images = together;
    s->step.max_rows = rows;
    s->logits.max_width = setup->max_beams;
    const size_t begin_end = cpt_step_plan(&s->step, arena, setup->threads);
    cpt_logits_plan(&s->logits, arena, rows, setup->threads);
    if (setup->info->kind == CAPTION_KIND_ATTENTION) {
        const size_t steps = (size_t)rows * (size_t)setup->max_length;
        s->history = cpt_arena_take(arena, steps * (size_t)setup->info->positions, sizeof *s->history);
    }
    if (arena->used < begin_end) arena->used = begin_end;
    for (int i = 0; i < together; i++) {
        cpt_beam beam = {.width = 0};
        cpt_beam_plan(&beam, arena, setup->max_beams, setup->max_length);
        if (s->beams) s->beams[i] = beam; /* not in a dry run */
    }
    s->states = cpt_arena_take(arena, (size_t)rows, sizeof *s->states);
    s->hypotheses = cpt_arena_take(arena, (size_t)rows, sizeof *s->hypotheses);
    s->slots = cpt_arena_take(arena, (size_t)together, sizeof *s->slots);
    s->parents = cpt_arena_take(arena, (size_t)rows, sizeof *s->parents);
    s->settled = cpt_arena_take(arena, (size_t)setup->max_length, sizeof *s->settled);
    plan_results(s, arena, (size_t)setup->max_images);
}

void cpt_search_set_pool(cpt_search *s, cpt_pool *pool)
{
    s->step.pool = s->logits.pool = pool;
}

/* ---- steps ---- */

/* One search of images together: what stays the same in all its steps, and the rows of the step at hand. */
typedef struct search_job {
    const float *features; /* [M, F] of all images */
    size_t feature_count;  /* F */
    const caption_decode_options *options;
    cpt_rules rules; /* `banned` is set for each step */
    int first;       /* the image that is beam 0 */
    cpt_rows rows;
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

static const float *image_features(const search_job *job, int beam)
{
    return job->features + (size_t)(job->first + beam) * job->feature_count;
}

/* The rows of the next step: those that are alive in each beam. */
static void set_rows(const cpt_search *s, cpt_rows *rows)
{
    for (int i = 0; i < rows->images; i++) rows->first[i + 1] = rows->first[i] + s->beams[i].alive_count;
}

/* Sets the inputs of a beam's rows: their last tokens, or what comes before the first one. */
static void set_inputs(cpt_search *s, const search_job *job, int beam)
{
    const cpt_beam *b = &s->beams[beam];
    for (int r = 0; r < b->alive_count; r++) {
        const int node = b->alive[r], row = job->rows.first[beam] + r;
        if (node < 0 && s->step.decoder->kind == CAPTION_KIND_BASELINE) {
            cpt_step_set_vector(&s->step, row, image_features(job, beam));
        } else {
            cpt_step_set_word(&s->step, row, node >= 0 ? b->nodes[node].token : s->info->start);
        }
    }
}

/* Numbers of the attention weights of a step of one image in the history. */
static size_t history_size(const cpt_search *s)
{
    return (size_t)s->max_beams * (size_t)s->step.positions;
}

/* Keeps the attention weights of a beam's rows. */
static void keep_history(cpt_search *s, const cpt_rows *rows, int beam, int step)
{
    const size_t positions = (size_t)s->step.positions,
                 at = (size_t)beam * (size_t)s->max_length + (size_t)step;
    memcpy(s->history + at * history_size(s), s->step.attention.alpha + (size_t)rows->first[beam] * positions,
           (size_t)cpt_rows_of(rows, beam) * positions * sizeof *s->history);
}

/* Finds the best children of all rows and offers them to their beams. */
static void offer_children(cpt_search *s, const search_job *job)
{
    const cpt_rows *rows = &job->rows;
    for (int i = 0; i < rows->images; i++) {
        const cpt_beam *beam = &s->beams[i];
        s->slots[i] = cpt_beam_slots(beam);
        for (int r = 0; r < beam->alive_count; r++) {
            const int row = rows->first[i] + r;
            s->states[row] = cpt_step_output(&s->step, row);
            s->hypotheses[row].score = cpt_beam_score(beam, r);
            s->hypotheses[row].words = cpt_beam_words(beam, r, &s->hypotheses[row].count);
        }
    }
    const cpt_logits_query query = {.states = s->states,
                                    .hypotheses = s->hypotheses,
                                    .rows = rows,
                                    .slots = s->slots,
                                    .exact = job->options->logits,
                                    .rules = &job->rules};
    cpt_logits_best(&s->logits, &query);
    for (int row = 0; row < cpt_rows_all(rows); row++) {
        const int image = cpt_rows_image(rows, row), r = row - rows->first[image];
        const cpt_child *children = s->logits.children + (size_t)row * (size_t)s->max_beams;
        for (int i = 0; i < s->logits.child_count[row]; i++) {
            cpt_beam_offer(&s->beams[image], r, children[i].token, children[i].log_probability);
        }
    }
}

/* Tells the progress callback about a beam's step, and returns whether it wants to go on. */
static bool report(const cpt_search *s, const search_job *job, int beam, int step)
{
    const caption_decode_options *options = job->options;
    const size_t logits = (size_t)job->rows.first[beam] * (size_t)s->step.decoder->vocabulary;
    if (!options->progress) return true;
    const caption_progress progress = {.stage = CAPTION_STAGE_DECODER,
                                       .done = step + 1,
                                       .total = options->max_length,
                                       .rows = cpt_rows_of(&job->rows, beam),
                                       .logits = options->logits ? s->logits.values + logits : NULL,
                                       .slot = job->first + beam,
                                       .settled_count = cpt_beam_settled(&s->beams[beam], s->settled),
                                       .settled = s->settled};
    return options->progress(options->progress_user, &progress) == 0;
}

/* Every beam keeps its best children, which begin the next step with the states of their rows. */
static void advance(cpt_search *s, const cpt_rows *rows)
{
    int count = 0;
    for (int i = 0; i < rows->images; i++) {
        cpt_beam *beam = &s->beams[i];
        if (beam->alive_count > 0) cpt_beam_advance(beam);
        for (int r = 0; r < beam->alive_count; r++) s->parents[count++] = rows->first[i] + beam->parents[r];
    }
    cpt_step_select(&s->step, s->parents, count);
}

/* One step of all alive rows.  Returns false when the progress callback wants to stop. */
static bool run_step(cpt_search *s, search_job *job, int step)
{
    const cpt_rows *rows = &job->rows;
    for (int i = 0; i < rows->images; i++) set_inputs(s, job, i);
    cpt_step_run(&s->step, rows);
    for (int i = 0; s->history && i < rows->images; i++) keep_history(s, rows, i, step);
    job->rules.banned = step + 1 < job->options->min_length ? s->info->end : -1;
    offer_children(s, job);
    for (int i = 0; i < rows->images; i++) {
        if (cpt_rows_of(rows, i) > 0 && !report(s, job, i, step)) return false;
    }
    advance(s, rows);
    return true;
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

/* The caption of the hypothesis that ends at this place of a beam's list of finished ones; `to` is its place
 * among the captions of all images. */
static void write_caption(cpt_search *s, int beam, int place, size_t to)
{
    const cpt_beam *b = &s->beams[beam];
    const cpt_finished *done = &b->done[place];
    const cpt_node *last = &b->nodes[done->node];
    const size_t positions = (size_t)s->step.positions, length = (size_t)s->max_length;
    const float *history = s->history ? s->history + (size_t)beam * length * history_size(s) : NULL;
    const double confidence = isnan(done->score) ? 0 : cptk_exp(done->score);
    int *ids = s->ids + to * length;
    float *alpha = history ? s->alpha + to * length * positions : NULL;
    char *text = s->text + to * s->text_bytes;
    for (int node = done->node; node >= 0; node = b->nodes[node].parent) {
        const cpt_node *n = &b->nodes[node];
        const size_t step = (size_t)n->length - 1;
        ids[step] = n->token;
        if (alpha) {
            memcpy(alpha + step * positions, history + step * history_size(s) + (size_t)n->row * positions,
                   positions * sizeof *alpha);
        }
    }
    write_text(s, ids, last->length, text);
    s->captions[to] = (caption_text){.text = text,
                                     .ids = ids,
                                     .length = last->length,
                                     .log_probability = last->score,
                                     .score = done->score,
                                     .confidence = confidence < 1 ? confidence : 1,
                                     .alpha = alpha};
}

static void write_result(cpt_search *s, const search_job *job, int beam)
{
    const size_t image = (size_t)job->first + (size_t)beam, to = image * (size_t)s->max_beams;
    const int wanted = job->options->nbest;
    int count = s->beams[beam].done_count;
    if (wanted > 0 && wanted < count) count = wanted;
    for (int place = 0; place < count; place++) write_caption(s, beam, place, to + (size_t)place);
    s->results[image] = (caption_result){.count = count, .captions = s->captions + to};
}

/* ---- the search ---- */

/* Captions as many images as are searched together, at most. */
static bool run_together(cpt_search *s, search_job *job)
{
    const caption_decode_options *options = job->options;
    cpt_rows *rows = &job->rows;
    for (int i = 0; i < rows->images; i++) {
        cpt_beam_start(&s->beams[i], job->rules.width, (double)options->length_alpha, s->info->end);
        cpt_step_begin(&s->step, i, image_features(job, i));
    }
    set_rows(s, rows);
    for (int step = 0; step < options->max_length && cpt_rows_all(rows) > 0; step++) {
        if (!run_step(s, job, step)) return false;
        set_rows(s, rows);
    }
    for (int i = 0; i < rows->images; i++) {
        cpt_beam_finish(&s->beams[i]);
        write_result(s, job, i);
    }
    return true;
}

bool cpt_search_run(cpt_search *s, const float *features, int first, int count,
                    const caption_decode_options *options)
{
    search_job job = {.features = features,
                      .feature_count = (size_t)s->info->positions * (size_t)s->info->feature_channels,
                      .options = options,
                      .rules = make_rules(s, options)};
    for (int at = 0; at < count; at += s->together) {
        const int left = count - at;
        job.first = first + at;
        job.rows.images = left < s->together ? left : s->together;
        if (!run_together(s, &job)) return false;
    }
    return true;
}
