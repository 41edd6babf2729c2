/* search.c - see search.h.  Beam and greedy search share everything: greedy is width 1 without penalty. */
#include "lib/decoder/search.h"

#include <math.h>
#include <string.h>

#include "lib/model.h"

void cpt_search_plan(cpt_search *s, cpt_arena *arena, const caption_model *model,
                     const caption_session_options *options)
{
    const size_t rows = (size_t)options->max_beams, length = (size_t)options->max_length;
    const size_t positions = (size_t)model->info.positions;
    size_t candidates = rows + length + 1;
    const int attention = model->info.kind == CAPTION_KIND_ATTENTION;
    s->model = model;
    s->max_beams = options->max_beams;
    s->max_length = options->max_length;
    if (candidates > (size_t)model->info.vocabulary_size) candidates = (size_t)model->info.vocabulary_size;
    s->text_bytes = length * ((size_t)model->weights.longest_word + 1) + 1;
    cpt_decoder_plan(&s->decoder, arena, options->max_beams, options->threads);
    cpt_beam_plan(&s->beam, arena, options->max_beams, options->max_length);
    s->inputs = cpt_arena_take(arena, rows, sizeof *s->inputs);
    s->index = cpt_arena_take(arena, candidates, sizeof *s->index);
    s->value = cpt_arena_take(arena, candidates, sizeof *s->value);
    s->tokens = cpt_arena_take(arena, length, sizeof *s->tokens);
    s->captions = cpt_arena_take(arena, rows, sizeof *s->captions);
    s->ids = cpt_arena_take(arena, rows * length, sizeof *s->ids);
    s->text = cpt_arena_take(arena, rows, s->text_bytes);
    if (attention) {
        s->history = cpt_arena_take(arena, rows * length * positions, sizeof *s->history);
        s->alpha = cpt_arena_take(arena, rows * length * positions, sizeof *s->alpha);
    }
}

/* How often `token` is among the first `count` tokens. */
static int occurrences(const int *tokens, int count, int token)
{
    int n = 0;
    for (int i = 0; i < count; i++) n += tokens[i] == token;
    return n;
}

/* Sorted insertion: higher value first, then lower index. */
static void insert_candidate(int *index, float *value, int *count, int token, float log_probability)
{
    int at = (*count)++;
    for (; at > 0 &&
           (value[at - 1] < log_probability || (value[at - 1] == log_probability && index[at - 1] > token));
         at--) {
        index[at] = index[at - 1];
        value[at] = value[at - 1];
    }
    index[at] = token;
    value[at] = log_probability;
}

/* The log-probability of a token the hypothesis already holds: divided (published) or multiplied (corrected)
 * once per occurrence, in float32 as the published system does it. */
static float penalised(float log_probability, int times, const caption_decode_options *options)
{
    for (int i = 0; i < times; i++) {
        if (options->penalty == CAPTION_PENALTY_PUBLISHED) {
            log_probability /= options->repetition_penalty;
        } else {
            log_probability *= options->repetition_penalty;
        }
    }
    return log_probability;
}

/* What a row's choice is made from. */
typedef struct choice {
    const float *logits; /* [V] */
    int used;            /* how many tokens the row has that count as repeated, in s->tokens */
    int banned;          /* a token that may not come yet, or -1 */
    float lse;           /* log of the sum of exp(logits) */
} choice;

static void begin_choice(cpt_search *s, int row, int step, const caption_decode_options *options, choice *c)
{
    const int penalty = options->search == CAPTION_SEARCH_BEAM && options->repetition_penalty != 1.0f;
    c->logits = s->decoder.logits + (size_t)row * (size_t)s->model->info.vocabulary_size;
    c->used = penalty ? cpt_beam_tokens(&s->beam, row, s->tokens, s->max_length) : 0;
    c->banned = step + 1 < options->min_length ? s->model->info.end : -1;
}

/* Fills index and value with the best logits of a row whose tokens are neither used nor banned, at most
 * `width`, best first, and returns how many.  Only those others change their order, so the top
 * width + used hold all there is to choose from. */
static int best_fresh(cpt_search *s, choice *c)
{
    const int words = s->model->info.vocabulary_size, width = s->beam.width;
    int wanted = width + c->used + (c->banned >= 0), count = 0;
    if (wanted > words) wanted = words;
    s->decoder.kernels->top_lse(c->logits, words, wanted, s->index, s->value, &c->lse);
    for (int i = 0; i < wanted; i++) { /* compacts in place: count never passes i */
        const int token = s->index[i];
        if (token == c->banned || (token >= 4 && occurrences(s->tokens, c->used, token))) continue;
        s->index[count] = token;
        s->value[count++] = s->value[i];
    }
    return count < width ? count : width;
}

/* The i-th used token, if it is one to look at: no special word, not banned, the first of its kind. */
static int is_repeatable(const cpt_search *s, const choice *c, int i)
{
    const int token = s->tokens[i];
    return token >= 4 && token != c->banned && !occurrences(s->tokens, i, token);
}

/* Fills index and value with the best children of a row, best first, at most `width`, and returns how many.
 */
static int best_children(cpt_search *s, int row, int step, const caption_decode_options *options)
{
    const int width = s->beam.width;
    choice c;
    int count;
    begin_choice(s, row, step, options, &c);
    count = best_fresh(s, &c);
    for (int i = 0; i < count; i++) s->value[i] -= c.lse;
    for (int i = 0; i < c.used; i++) {
        const int token = s->tokens[i];
        if (!is_repeatable(s, &c, i)) continue;
        insert_candidate(s->index, s->value, &count, token,
                         penalised(c.logits[token] - c.lse, occurrences(s->tokens, c.used, token), options));
        if (count > width) count = width;
    }
    return count;
}

/* Keeps the `most` largest totals, largest first; NaN counts as large. */
static void keep_total(double *totals, int *count, int most, double total)
{
    int at = *count < most ? (*count)++ : most;
    for (; at > 0 && !(totals[at - 1] >= total); at--) {
        if (at < most) totals[at] = totals[at - 1];
    }
    if (at < most) totals[at] = total;
}

/* Computes those logits again, from whole weights, on which the next step's hypotheses can depend.  Rounding
 * moves a logit by at most its row's error, and log-probabilities, before and after some logits are whole, by
 * less than four times that.  `bar` is a total that as many children as there are slots for reach in any
 * case; what can't reach it, or can't be among its row's best, may stay rounded. */
static void settle_logits(cpt_search *s, int rows, int step, const caption_decode_options *options)
{
    const int slots = s->beam.width - s->beam.done_count;
    double totals[64], error[64], bar; /* 64: the most rows there can be, max_beams */
    float lse[64], least[64];
    int kept = 0;
    choice c;
    for (int r = 0; r < rows; r++) {
        int count;
        begin_choice(s, r, step, options, &c);
        count = best_fresh(s, &c);
        lse[r] = c.lse;
        least[r] = count > 0 ? s->value[count - 1] : -INFINITY;
        error[r] = 4 * cpt_vocabulary_error(&s->decoder, r, c.lse);
        for (int i = 0; i < count; i++) {
            keep_total(totals, &kept, slots,
                       cpt_beam_score(&s->beam, r) + (double)(s->value[i] - c.lse) - error[r]);
        }
    }
    bar = kept == slots ? totals[slots - 1] : -INFINITY;
    for (int r = 0; r < rows; r++) {
        const double score = cpt_beam_score(&s->beam, r), needed = bar - score + (double)lse[r];
        const double own = (double)least[r];
        cpt_vocabulary_doubt(&s->decoder, r, (float)((needed > own ? needed : own) - error[r]));
        begin_choice(s, r, step, options, &c);
        for (int i = 0; i < c.used; i++) {
            const float most = c.logits[s->tokens[i]] - lse[r] + (float)error[r];
            const int times = occurrences(s->tokens, c.used, s->tokens[i]);
            if (is_repeatable(s, &c, i) && !(score + (double)penalised(most, times, options) < bar)) {
                cpt_vocabulary_doubt_word(&s->decoder, s->tokens[i]);
            }
        }
    }
    cpt_vocabulary_finish(&s->decoder);
}

static const float *embedding_of(const cpt_search *s, int row)
{
    const cpt_decoder *d = s->decoder.decoder;
    const int node = s->beam.alive[row];
    const int token = node >= 0 ? s->beam.nodes[node].token : s->model->info.start;
    return d->embedding + (size_t)token * (size_t)d->embed;
}

/* One step of all alive rows.  Returns what the progress callback said. */
static int run_step(cpt_search *s, int step, const float *features, const caption_decode_options *options)
{
    const int rows = s->beam.alive_count, first_of_baseline = step == 0 && !s->history;
    const size_t positions = (size_t)s->decoder.positions;
    int stop = 0;
    for (int r = 0; r < rows; r++) s->inputs[r] = first_of_baseline ? features : embedding_of(s, r);
    cpt_decoder_step(&s->decoder, s->inputs, rows);
    cpt_vocabulary_start(&s->decoder, rows, options->logits);
    if (s->history) {
        memcpy(s->history + (size_t)step * (size_t)s->max_beams * positions, s->decoder.alpha,
               (size_t)rows * positions * sizeof(float));
    }
    if (options->progress) {
        const caption_progress progress = {CAPTION_STAGE_DECODER, step + 1, options->max_length, rows,
                                           options->logits ? s->decoder.logits : NULL};
        stop = options->progress(options->progress_user, &progress);
    }
    if (s->decoder.rounded) settle_logits(s, rows, step, options);
    for (int r = 0; r < rows; r++) {
        const int count = best_children(s, r, step, options);
        for (int i = 0; i < count; i++) cpt_beam_offer(&s->beam, r, s->index[i], s->value[i]);
    }
    cpt_beam_advance(&s->beam);
    cpt_decoder_select(&s->decoder, s->beam.parents, s->beam.alive_count);
    return stop;
}

/* Words joined by spaces, special tokens left out; returns nothing: the room was computed for the longest
 * words. */
static void write_text(const caption_model *model, const int *ids, int length, char *text)
{
    const caption_model_info *info = &model->info;
    char *at = text;
    for (int i = 0; i < length && ids[i] != info->end; i++) {
        const char *word = caption_model_word(model, ids[i]);
        const size_t bytes = strlen(word);
        if (ids[i] == info->pad || ids[i] == info->start || ids[i] == info->unk) continue;
        if (at != text) *at++ = ' ';
        memcpy(at, word, bytes);
        at += bytes;
    }
    *at = '\0';
}

static void write_caption(cpt_search *s, int rank)
{
    const cpt_finished *done = &s->beam.done[rank];
    const size_t positions = (size_t)s->decoder.positions, offset = (size_t)rank * (size_t)s->max_length;
    const cpt_node *last = &s->beam.nodes[done->node];
    caption_text *out = &s->captions[rank];
    int *ids = s->ids + offset;
    float *alpha = s->history ? s->alpha + offset * positions : NULL;
    char *text = s->text + (size_t)rank * s->text_bytes;
    const double confidence = exp(done->score);
    for (int node = done->node; node >= 0; node = s->beam.nodes[node].parent) {
        const cpt_node *n = &s->beam.nodes[node];
        const size_t step = (size_t)n->length - 1;
        ids[step] = n->token;
        if (alpha) {
            memcpy(alpha + step * positions,
                   s->history + (step * (size_t)s->max_beams + (size_t)n->row) * positions,
                   positions * sizeof(float));
        }
    }
    write_text(s->model, ids, last->length, text);
    *out = (caption_text){
        .text = text,
        .ids = ids,
        .length = last->length,
        .log_probability = last->score,
        .score = done->score,
        .confidence = confidence < 1 ? confidence : 1,
        .alpha = alpha,
    };
}

int cpt_search_run(cpt_search *s, const float *features, const caption_decode_options *options)
{
    const int greedy = options->search == CAPTION_SEARCH_GREEDY;
    int count;
    cpt_beam_start(&s->beam, greedy ? 1 : options->beams, (double)options->length_alpha, s->model->info.end);
    cpt_decoder_start(&s->decoder, features);
    for (int step = 0; step < options->max_length && s->beam.alive_count > 0; step++) {
        if (run_step(s, step, features, options)) return -1;
    }
    cpt_beam_finish(&s->beam);
    count = s->beam.done_count;
    if (options->nbest > 0 && options->nbest < count) count = options->nbest;
    for (int i = 0; i < count; i++) write_caption(s, i);
    return count;
}
