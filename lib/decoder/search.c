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
        if (options->penalty == CAPTION_PENALTY_PUBLISHED)
            log_probability /= options->repetition_penalty;
        else
            log_probability *= options->repetition_penalty;
    }
    return log_probability;
}

/* What a row's choice is made from. */
typedef struct choice {
    const float *logits; /* [V] */
    int used;            /* how many tokens the row has that count as repeated */
    int banned;          /* a token that may not come yet, or -1 */
    float lse;           /* log of the sum of exp(logits) */
} choice;

/* Fills index and value with as many of a row's best logits as can be chosen from and returns how many; used
 * tokens are put into `tokens`.  Only those change the order, so the top width + used logits hold all there
 * is to choose from. */
static int best_logits(cpt_search *s, int row, int step, const caption_decode_options *options, choice *c)
{
    const int words = s->model->info.vocabulary_size;
    const int penalty = options->search == CAPTION_SEARCH_BEAM && options->repetition_penalty != 1.0f;
    int wanted;
    c->logits = s->decoder.logits + (size_t)row * (size_t)words;
    c->used = penalty ? cpt_beam_tokens(&s->beam, row, s->tokens, s->max_length) : 0;
    c->banned = step + 1 < options->min_length ? s->model->info.end : -1;
    wanted = s->beam.width + c->used + (c->banned >= 0);
    if (wanted > words) wanted = words;
    s->decoder.kernels->top_lse(c->logits, words, wanted, s->index, s->value, &c->lse);
    return wanted;
}

/* Makes those rounded logits whole that a choice can depend on. */
static void settle_logits(cpt_search *s, int rows, int step, const caption_decode_options *options)
{
    choice c;
    for (int r = 0; r < rows; r++) {
        const int wanted = best_logits(s, r, step, options, &c);
        int last = 0; /* the worst that a choice can need: the width-th of those never used */
        for (int found = 0; last < wanted; last++) {
            const int token = s->index[last];
            found += token != c.banned && !(token >= 4 && occurrences(s->tokens, c.used, token));
            if (found == s->beam.width) break;
        }
        cpt_vocabulary_doubt_below(&s->decoder, r, s->value[last < wanted ? last : wanted - 1]);
        for (int i = 0; i < c.used; i++) cpt_vocabulary_doubt_word(&s->decoder, s->tokens[i]);
    }
    cpt_vocabulary_finish(&s->decoder);
}

/* Fills index and value with the best children of a row, best first, at most `width`, and returns how many.
 */
static int best_children(cpt_search *s, int row, int step, const caption_decode_options *options)
{
    choice c;
    const int wanted = best_logits(s, row, step, options, &c), width = s->beam.width;
    int count = 0;
    for (int i = 0; i < wanted; i++) { /* compacts in place: count never passes i */
        const int token = s->index[i];
        if (token == c.banned || (token >= 4 && occurrences(s->tokens, c.used, token))) continue;
        s->index[count] = token;
        s->value[count++] = s->value[i] - c.lse;
    }
    if (count > width) count = width;
    for (int i = 0; i < c.used; i++) {
        const int token = s->tokens[i];
        if (token < 4 || token == c.banned || occurrences(s->tokens, i, token)) continue; /* each once */
        insert_candidate(s->index, s->value, &count, token,
                         penalised(c.logits[token] - c.lse, occurrences(s->tokens, c.used, token), options));
        if (count > width) count = width;
    }
    return count;
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
    if (s->history)
        memcpy(s->history + (size_t)step * (size_t)s->max_beams * positions, s->decoder.alpha,
               (size_t)rows * positions * sizeof(float));
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
        if (alpha)
            memcpy(alpha + step * positions,
                   s->history + (step * (size_t)s->max_beams + (size_t)n->row) * positions,
                   positions * sizeof(float));
    }
    write_text(s->model, ids, last->length, text);
    *out = (caption_text){text, ids, last->length, last->score, done->score, confidence < 1 ? confidence : 1,
                          alpha};
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
