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

/* Fills index and value with the best children of a row, best first, at most `width`, and returns how many.
 * Only tokens already used change their order, so the top width + used logits hold all there is to choose
 * from. */
static int best_children(cpt_search *s, int row, int step, int width, const caption_decode_options *options)
{
    const caption_model_info *info = &s->model->info;
    const float *logits = s->decoder.logits + (size_t)row * (size_t)info->vocabulary_size;
    const int penalty = options->search == CAPTION_SEARCH_BEAM && options->repetition_penalty != 1.0f;
    const int used = penalty ? cpt_beam_tokens(&s->beam, row, s->tokens, s->max_length) : 0;
    const int banned = step + 1 < options->min_length ? info->end : -1;
    int wanted = width + used + (banned >= 0), count = 0;
    float lse;
    if (wanted > info->vocabulary_size) wanted = info->vocabulary_size;
    s->decoder.kernels->top_lse(logits, info->vocabulary_size, wanted, s->index, s->value, &lse);
    for (int i = 0; i < wanted; i++) { /* compacts in place: count never passes i */
        const int token = s->index[i];
        if (token == banned || (token >= 4 && occurrences(s->tokens, used, token))) continue;
        s->index[count] = token;
        s->value[count++] = s->value[i] - lse;
    }
    if (count > width) count = width;
    for (int i = 0; i < used; i++) {
        const int token = s->tokens[i];
        if (token < 4 || token == banned || occurrences(s->tokens, i, token)) continue; /* each once */
        insert_candidate(s->index, s->value, &count, token,
                         penalised(logits[token] - lse, occurrences(s->tokens, used, token), options));
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
    if (s->history)
        memcpy(s->history + (size_t)step * (size_t)s->max_beams * positions, s->decoder.alpha,
               (size_t)rows * positions * sizeof(float));
    if (options->progress) {
        const caption_progress progress = {CAPTION_STAGE_DECODER, step + 1, options->max_length, rows,
                                           s->decoder.logits};
        stop = options->progress(options->progress_user, &progress);
    }
    for (int r = 0; r < rows; r++) {
        const int count = best_children(s, r, step, s->beam.width, options);
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
