/* Tests of logits: coarse ones are within their bound, and the children found with them are those of exact
 * logits. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/decoder/logits.h"
#include "lib/model.h"
#include "lib/platform/cpu.h"
#include "test/fixture.h"

enum { WORDS = 1003, HIDDEN = 37, ROWS = 18, LENGTH = 120 };

/* They ban and penalise nothing. */
static const cpt_rules plain_rules = {
    .width = 5, .banned = -1, .special = {0, 1, 2, 3}, .form = CAPTION_PENALTY_PUBLISHED, .penalty = 1};

/* ---- a vocabulary with coarse weights, and random states ---- */

static float uniform(uint32_t *random)
{
    *random = *random * 1664525u + 1013904223u;
    return (float)(*random >> 8) / (float)(1 << 23) - 1;
}

typedef struct product {
    fixture fix;
    cptk_kernels kernels;
    cpt_logits logits;
    void *memory;
    float *exact; /* [ROWS, WORDS] */
    float h[ROWS][HIDDEN];
    const float *states[ROWS];
    cpt_used_word words[ROWS][LENGTH];
    cpt_hypothesis hypotheses[ROWS];
} product;

/* Plans logits for ROWS rows in memory of just their size, which the caller frees. */
static void *plan_logits(cpt_logits *logits)
{
    cpt_arena arena;
    cpt_arena_init(&arena, NULL, 0);
    logits->max_width = ROWS;
    cpt_logits_plan(logits, &arena, ROWS, 1);
    void *memory = aligned_alloc(CPT_ALIGN, (arena.used + CPT_ALIGN - 1) / CPT_ALIGN * CPT_ALIGN);
    assert_non_null(memory);
    cpt_arena_init(&arena, memory, arena.used);
    cpt_logits_plan(logits, &arena, ROWS, 1);
    assert_false(arena.failed);
    return memory;
}

static void find_best(product *p, const cpt_rules *rules, int rows, int slots, bool exact)
{
    const cpt_rows all = {.images = 1, .first = {0, rows}};
    const cpt_logits_query query = {.states = p->states,
                                    .hypotheses = p->hypotheses,
                                    .rows = &all,
                                    .slots = &slots,
                                    .exact = exact,
                                    .rules = rules};
    cpt_logits_best(&p->logits, &query);
}

/* Keeps the exact logits of the states as they are. */
static void keep_exact(product *p)
{
    find_best(p, &plain_rules, ROWS, 1, true);
    memcpy(p->exact, p->logits.values, ROWS * WORDS * sizeof *p->exact);
}

static void open_product(product *p, uint32_t cpu)
{
    uint32_t random = 5;
    memset(p, 0, sizeof *p);
    make_model_options options;
    make_model_defaults(&options);
    options.kind = CAPTION_KIND_BASELINE;
    options.width = 1;
    options.layers = 2;
    options.vocabulary = WORDS;
    options.hidden = HIDDEN;
    options.coarse = true;
    assert_true(fixture_open(&p->fix, &options));
    cptk_kernels_init(&p->kernels, cpu);
    p->logits.decoder = &p->fix.model->decoder;
    p->logits.kernels = &p->kernels;
    assert_non_null(p->logits.decoder->coarse.matrix.pairs);
    p->memory = plan_logits(&p->logits);
    p->exact = malloc(ROWS * WORDS * sizeof *p->exact);
    assert_non_null(p->exact);
    for (int r = 0; r < ROWS; r++) {
        for (int i = 0; i < HIDDEN; i++) p->h[r][i] = uniform(&random);
        p->states[r] = p->h[r];
        p->hypotheses[r] = (cpt_hypothesis){(double)uniform(&random), p->words[r], 0};
    }
    keep_exact(p);
}

static void close_product(product *p)
{
    free(p->exact);
    free(p->memory);
    fixture_close(&p->fix);
}

/* ---- coarse logits ---- */

/* All rows; returns the largest error. */
static double check_bound(product *p)
{
    double most = 0;
    const cpt_coarse_args args = {.decoder = p->logits.decoder,
                                  .states = p->states,
                                  .logits = p->logits.values,
                                  .rows = ROWS,
                                  .kernels = &p->kernels,
                                  .pool = NULL};
    cpt_coarse_run(&p->logits.coarse, &args);
    for (int r = 0; r < ROWS; r++) {
        const double bound = cpt_coarse_error(&p->logits.coarse, r, 0);
        for (int w = r * WORDS; w < (r + 1) * WORDS; w++) {
            const double off = fabs((double)p->logits.values[w] - (double)p->exact[w]);
            assert_true(off <= bound);
            if (off > most) most = off;
        }
    }
    return most;
}

/* The bound grows and shrinks with the state.  A state that is almost 0 is rounded to 0. */
static void sizes(void **state)
{
    static const float factors[] = {0, 1e-44f, 1e-36f, 1e-30f, 1e-3f, 1e3f, 1e12f};
    (void)state;
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
        product p;
        open_product(&p, CAPTION_CPU_ALL & cpt_cpu_detect());
        for (int r = 0; r < ROWS; r++) {
            for (int k = 0; k < HIDDEN; k++) p.h[r][k] *= factors[i];
        }
        keep_exact(&p);
        (void)check_bound(&p);
        for (int r = 0; r < ROWS; r++) {
            assert_true(cpt_coarse_error(&p.logits.coarse, r, 0) <
                        1e-5 + 1e-2 * (double)factors[i] * sqrt(HIDDEN));
        }
        close_product(&p);
    }
}

static cpt_linear pairs_matrix(int out, int in, const uint32_t *pairs, const float *scale, const float *bias)
{
    return (cpt_linear){
        .dtype = CAPW_INT16,
        .layout = CAPW_PAIRS,
        .out = out,
        .taps = 1,
        .in = in,
        .pairs = pairs,
        .scale = scale,
        .bias = bias,
    };
}

/* Here the weights are multiples of their scale.  Coarse logits are off because states are rounded. */
static void rounded_states(void **state)
{
    enum { H = 64 };
    static float weight[H][CPTK_PANEL], bias[CPTK_PANEL], scale[CPTK_PANEL], h[H];
    static uint32_t pairs[H / 2][CPTK_PANEL];
    float coarse_logits[CPTK_PANEL];
    const float *states = h;
    cpt_decoder decoder = {.vocabulary = CPTK_PANEL, .hidden = H};
    cptk_kernels kernels;
    cpt_coarse coarse = {.states = (uint32_t[H / 2]){0}, .scale = &(float){0}, .error = &(double){0}};
    const cpt_coarse_args args = {
        .decoder = &decoder, .states = &states, .logits = coarse_logits, .rows = 1, .kernels = &kernels};
    uint32_t random = 9;
    double most = 0, size = 0;
    (void)state;
    for (int w = 0; w < CPTK_PANEL; w++) {
        double length = 0;
        scale[w] = 0x1p-14f;
        for (int k = 0; k < H; k++) {
            const int number = (int)(uniform(&random) * CPTK_INT16_MOST);
            weight[k][w] = (float)number * scale[w];
            pairs[k / 2][w] |= (uint32_t)(uint16_t)(int16_t)number << (k % 2 * 16);
            length += (double)weight[k][w] * (double)weight[k][w];
        }
        most = fmax(most, sqrt(length));
    }
    for (int k = 0; k < H; k++) {
        h[k] = k == 0 ? 1 : 0.001f * uniform(&random); /* the one large number makes steps coarse */
        size += (double)h[k] * (double)h[k];
    }
    decoder.fc.weight = weight[0];
    decoder.fc.bias = bias;
    decoder.fc.in = H;
    decoder.fc.out = CPTK_PANEL;
    decoder.coarse = (cpt_coarse_weights){
        .matrix = pairs_matrix(CPTK_PANEL, H, pairs[0], scale, bias),
        .most_error = (float)(most * (H + 4) * 0x1p-23),
        .most_length = (float)most,
    };
    cptk_kernels_init(&kernels, cpt_cpu_detect());
    float exact[CPTK_PANEL];
    cpt_linear_rows(&decoder.fc, &states, 1, exact, &kernels, NULL);
    cpt_coarse_run(&coarse, &args);
    most = 0;
    for (int w = 0; w < CPTK_PANEL; w++) {
        most = fmax(most, fabs((double)coarse_logits[w] - (double)exact[w]));
    }
    assert_true(most <= cpt_coarse_error(&coarse, 0, 0));
    /* the rounding of the weights alone makes no such error */
    assert_true(most > 1.01 * (double)decoder.coarse.most_error * sqrt(size) + 0x1p-20);
}

/* ---- children ---- */

/* By the definition: what every word's total would be, the score of the hypothesis and its log-probability
 * after penalties. */
static void all_totals(const float *logits, const cpt_hypothesis *hypothesis, const cpt_rules *rules,
                       double *totals)
{
    double sum = 0;
    for (int w = 0; w < WORDS; w++) sum += exp((double)logits[w]);
    for (int w = 0; w < WORDS; w++) {
        double log_probability = (double)logits[w] - log(sum);
        for (int i = 0; i < hypothesis->count && w > 3; i++) { /* 0 to 3 are special */
            if (hypothesis->words[i].token != w) continue;
            for (int times = 0; times < hypothesis->words[i].times; times++) {
                if (rules->form == CAPTION_PENALTY_PUBLISHED) {
                    log_probability /= (double)rules->penalty;
                } else {
                    log_probability *= (double)rules->penalty;
                }
            }
        }
        totals[w] = w == rules->banned ? -INFINITY : hypothesis->score + log_probability;
    }
}

/* The place of the largest of `count` totals, which is taken out. */
static int take_largest(double *totals, int count)
{
    int best = 0;
    for (int i = 1; i < count; i++) {
        if (totals[i] > totals[best]) best = i;
    }
    totals[best] = -INFINITY;
    return best;
}

/* The `slots` best children of all rows are those of exact logits, with logits that are the same to the bit.
 */
static void check_children(product *p, const cpt_rules *rules, int rows, int slots)
{
    double *totals = malloc((size_t)rows * WORDS * sizeof *totals);
    assert_non_null(totals);
    find_best(p, rules, rows, slots, false);
    for (int r = 0; r < rows; r++) {
        all_totals(p->exact + r * WORDS, &p->hypotheses[r], rules, totals + r * WORDS);
    }
    for (int i = 0; i < slots; i++) {
        const int best = take_largest(totals, rows * WORDS), row = best / WORDS, token = best % WORDS;
        const cpt_child *children = p->logits.children + row * ROWS;
        int found = 0;
        for (int k = 0; k < p->logits.child_count[row]; k++) found += children[k].token == token;
        assert_int_equal(found, 1);
        assert_memory_equal(&p->logits.values[best], &p->exact[best], sizeof *p->exact);
    }
    free(totals);
}

/* Each row's children, given the logits as they are now, by the definition. */
static void check_rows(const product *p, const cpt_rules *rules, int rows)
{
    for (int r = 0; r < rows; r++) {
        const cpt_child *children = p->logits.children + r * ROWS;
        const double score = p->hypotheses[r].score;
        double least = INFINITY;
        double totals[WORDS];
        all_totals(p->logits.values + r * WORDS, &p->hypotheses[r], rules, totals);
        assert_int_equal(p->logits.child_count[r], rules->width);
        for (int i = 0; i < rules->width; i++) {
            const double total = score + (double)children[i].log_probability;
            assert_true(fabs(total - totals[children[i].token]) < 2e-5);
            assert_true(total <= least); /* best first */
            least = total;
            totals[children[i].token] = -INFINITY; /* none comes twice */
        }
        for (int w = 0; w < WORDS; w++) assert_true(totals[w] < least + 4e-5);
    }
}

/* Each row holds words of its own, from the best to the 60th: one twice, and a special one.  Penalties make
 * the best ones worse, and those far behind better. */
static void repeat_words(product *p)
{
    enum { TOP = 60 };
    static const int ranks[] = {0, 4, 25, TOP - 1};
    for (int r = 0; r < ROWS; r++) {
        int index[TOP];
        float value[TOP], lse;
        p->kernels.top_lse_f32(p->exact + r * WORDS, WORDS, TOP, index, value, &lse);
        for (int i = 0; i < 4; i++) p->words[r][i] = (cpt_used_word){index[ranks[i]], i == 0 ? 2 : 1};
        p->words[r][4] = (cpt_used_word){r % 4, 1};
        p->hypotheses[r].count = 5;
    }
}

/* Each row holds its best words, so many that the list of the best has no room for them all, and its new
 * words are far behind. */
static void repeat_best_words(product *p)
{
    for (int r = 0; r < ROWS; r++) {
        int index[LENGTH];
        float value[LENGTH], lse;
        p->kernels.top_lse_f32(p->exact + r * WORDS, WORDS, LENGTH, index, value, &lse);
        for (int i = 0; i < LENGTH; i++) p->words[r][i] = (cpt_used_word){index[i], 1 + i % 3};
        p->hypotheses[r].count = LENGTH;
    }
}

static void best_children(void **state)
{
    static const uint32_t masks[] = {0, CAPTION_CPU_AVX2, CAPTION_CPU_AVX2 | CAPTION_CPU_AVX512,
                                     CAPTION_CPU_ALL};
    static const int counts[] = {1, 5, ROWS};
    static const float penalties[] = {1, 1.2f, 0.7f, 3};
    (void)state;
    for (size_t m = 0; m < sizeof masks / sizeof *masks; m++) {
        product p;
        open_product(&p, masks[m] & cpt_cpu_detect());
        assert_true(check_bound(&p) > 1e-6); /* coarse logits are not exact ones */
        for (size_t i = 0; i < 8 * sizeof counts / sizeof *counts; i++) {
            cpt_rules rules = plain_rules;
            rules.penalty = penalties[i % 4];
            const int rows = counts[i / 8];
            const bool many = i / 4 % 2 != 0;
            (many ? repeat_best_words : repeat_words)(&p);
            for (int form = 0; form < 2; form++) {
                rules.form = form ? CAPTION_PENALTY_CORRECTED : CAPTION_PENALTY_PUBLISHED;
                rules.banned = form ? p.words[0][1].token : -1;
                check_children(&p, &rules, rows, 5);
                check_rows(&p, &rules, rows);
                check_children(&p, &rules, rows, 1);
                /* most logits stay coarse; the best words of many rows are everywhere */
                if (rows <= 5 && !many) assert_in_range(p.logits.panel_count, 1, WORDS / CPTK_PANEL / 2);
            }
        }
        close_product(&p);
    }
}

/* Where a state holds NaN or an infinity, every logit is computed exactly. */
static void not_a_number(void **state)
{
    (void)state;
    product p;
    open_product(&p, CAPTION_CPU_ALL & cpt_cpu_detect());
    for (int i = 0; i < 2; i++) {
        p.h[1][0] = i == 0 ? NAN : INFINITY;
        find_best(&p, &plain_rules, 2, 2, false);
        const double error = cpt_coarse_error(&p.logits.coarse, 1, 0);
        assert_true(i == 0 ? isnan(error) : isinf(error));
        assert_int_equal(p.logits.panel_count, (WORDS + CPTK_PANEL - 1) / CPTK_PANEL);
        assert_memory_equal(p.logits.values, p.exact, WORDS * sizeof *p.exact); /* row 0 */
    }
    close_product(&p);
}

/* A repeated word that is as good as a new one after its penalty: the lower id comes first.  Word 0 has
 * probability 1, so that logits are log-probabilities. */
static void equal_children(void **state)
{
    enum { LOW = 5, REPEATED, HIGH, COUNT };
    static const float logits[COUNT] = {0, -900, -900, -900, -900, -200, -100, -200};
    static const cpt_used_word words[] = {{REPEATED, 1}};
    static const int order[] = {0, LOW, REPEATED, HIGH};
    const cpt_hypothesis hypothesis = {0, words, 1};
    cpt_rules rules = plain_rules;
    int index[COUNT];
    float value[COUNT];
    uint8_t used[1];
    cpt_child children[4];
    cptk_kernels kernels;
    (void)state;
    rules.form = CAPTION_PENALTY_CORRECTED;
    rules.penalty = 2;
    cptk_kernels_init(&kernels, cpt_cpu_detect());
    cpt_choice choice = {
        .kernels = &kernels, .vocabulary = COUNT, .index = index, .value = value, .used = used};
    for (rules.width = 1; rules.width <= 4; rules.width++) {
        assert_int_equal(cpt_choice_best(&choice, logits, &hypothesis, &rules, children), rules.width);
        for (int i = 0; i < rules.width; i++) {
            assert_int_equal(children[i].token, order[i]);
            assert_true(children[i].log_probability == (i == 0 ? 0 : -200));
        }
    }
}

/* ---- the worked example of lib/decoder/logits.c ---- */

enum { A = 0, B = CPTK_PANEL, C = 2 * CPTK_PANEL, EXAMPLE_WORDS = 3 * CPTK_PANEL };

/* Words and states are such that logits are numbers of a table: with H = 2, row 0 has the state (1, 0) and
 * row 1 the state (0, 1).  A, B and C are each the first word of a panel; all others have probability 0. */
static void worked_example(void **state)
{
    static const float table[2][3] = {{-0.5f, -1.2f, -2.3f}, {-0.7f, -1.2f, -1.6f}};
    static const struct {
        double allowed; /* 4 e */
        int exact[3];   /* whether A, B and C need exact logits */
    } cases[] = {
        {0.02, {1, 0, 0}}, /* certain total -2.12; B in row 0 has -2.18 at most */
        {0.1, {1, 1, 0}},  /* as in the comment */
        {0.7, {1, 1, 1}},  /* certain total -2.8; C in row 1 has -2.3 at most, and B -1.9 */
    };
    static const float h[2][2] = {{1, 0}, {0, 1}};
    static const cpt_hypothesis hypotheses[2] = {{-1.0, NULL, 0}, {-1.4, NULL, 0}};
    static const float *const states[2] = {h[0], h[1]};
    static float weight[3][2][CPTK_PANEL], bias[EXAMPLE_WORDS], scale[EXAMPLE_WORDS];
    static uint32_t pairs[3][CPTK_PANEL];
    cpt_decoder decoder = {.vocabulary = EXAMPLE_WORDS, .hidden = 2};
    cptk_kernels kernels;
    cpt_logits logits = {.decoder = &decoder, .kernels = &kernels};
    cpt_rules rules = plain_rules;
    (void)state;
    rules.width = 2;
    for (int w = 0; w < EXAMPLE_WORDS; w++) {
        bias[w] = w % CPTK_PANEL == 0 ? 0 : -1000;
        scale[w] = 1e-4f;
        for (int k = 0; k < 2 && w % CPTK_PANEL == 0; k++) {
            const float number = table[k][w / CPTK_PANEL];
            weight[w / CPTK_PANEL][k][0] = number;
            pairs[w / CPTK_PANEL][0] |= (uint32_t)(uint16_t)(int16_t)lrintf(number / scale[w]) << (16 * k);
        }
    }
    decoder.fc.weight = weight[0][0];
    decoder.fc.bias = bias;
    decoder.fc.in = 2;
    decoder.fc.out = EXAMPLE_WORDS;
    decoder.coarse.matrix = pairs_matrix(EXAMPLE_WORDS, 2, pairs[0], scale, bias);
    cptk_kernels_init(&kernels, cpt_cpu_detect());
    void *memory = plan_logits(&logits);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const cpt_rows rows = {.images = 1, .first = {0, 2}};
        const cpt_logits_query query = {
            .states = states, .hypotheses = hypotheses, .rows = &rows, .slots = &(int){2}, .rules = &rules};
        decoder.coarse.most_error = (float)(cases[i].allowed / 4); /* and |h| is 1 */
        cpt_logits_best(&logits, &query);
        for (int w = 0; w < 3; w++) assert_int_equal(logits.needed[w], cases[i].exact[w]);
        for (int r = 0; r < 2; r++) {
            assert_int_equal(logits.child_count[r], 2);
            assert_int_equal(logits.children[r * ROWS].token, A);
            assert_int_equal(logits.children[r * ROWS + 1].token, B);
        }
    }
    free(memory);
}

/* ---- captions ---- */

static int see_logits(void *user, const caption_progress *progress)
{
    *(int *)user += progress->logits != NULL;
    return 0;
}

typedef struct settings {
    caption_kind kind;
    caption_rnn rnn;
    int beams, threads;
    float penalty;
} settings;

/* The caption with these words, or NULL. */
static const caption_text *find_caption(const caption_result *result, const caption_text *like)
{
    for (int i = 0; i < result->count; i++) {
        const caption_text *c = &result->captions[i];
        if (c->length == like->length && memcmp(c->ids, like->ids, (size_t)c->length * sizeof *c->ids) == 0) {
            return c;
        }
    }
    return NULL;
}

/* A model with coarse weights and one without give the same captions. */
static void compare_captions(const settings *s)
{
    make_model_options options;
    caption_session *session[3] = {NULL};
    int seen = 0;
    make_model_defaults(&options);
    options.kind = s->kind;
    options.rnn = s->rnn;
    options.vocabulary = WORDS;
    options.hidden = HIDDEN;
    caption_session_options session_options;
    caption_session_options_init(&session_options);
    session_options.max_beams = s->beams;
    session_options.threads = s->threads;
    fixture fix[2];
    for (int i = 0; i < 2; i++) {
        options.coarse = i == 1;
        assert_true(fixture_open(&fix[i], &options));
        assert_int_equal(caption_session_create(&session[i], fix[i].model, &session_options, NULL),
                         CAPTION_OK);
    }
    caption_decode_options decode;
    caption_decode_options_init(&decode, fix[0].model);
    decode.beams = s->beams;
    decode.repetition_penalty = s->penalty;
    decode.min_length = 9;
    decode.progress_user = &seen;
    for (uint32_t seed = 0; seed < 4; seed++) {
        const caption_pixel_view view = fixture_pixels(seed);
        const caption_result *r[2];
        for (int i = 0; i < 2; i++) {
            assert_int_equal(caption_pixels(session[i], &view, &decode, &r[i], NULL), CAPTION_OK);
        }
        assert_int_equal(r[0]->count, r[1]->count);
        for (int c = 0; c < r[0]->count; c++) {
            const caption_text *got = &r[1]->captions[c], *want = find_caption(r[0], got);
            assert_non_null(want);
            assert_true(fabs(got->score - want->score) < 1e-4);
            /* its place is the same too, unless the two scores can hardly be told apart */
            assert_true(fabs(got->score - r[0]->captions[c].score) < 1e-4);
        }
        /* When they are asked for, all logits are exact, and so are all scores. */
        decode.progress = see_logits;
        decode.logits = 1;
        assert_int_equal(caption_pixels(session[1], &view, &decode, &r[1], NULL), CAPTION_OK);
        assert_int_equal(r[0]->count, r[1]->count);
        for (int c = 0; c < r[0]->count; c++) {
            const caption_text *got = &r[1]->captions[c], *want = &r[0]->captions[c];
            assert_string_equal(got->text, want->text);
            assert_int_equal(got->length, want->length);
            assert_memory_equal(got->ids, want->ids, (size_t)want->length * sizeof *want->ids);
            assert_true(got->score == want->score && got->log_probability == want->log_probability);
        }
        assert_true(seen > 0);
        seen = decode.logits = 0;
        assert_int_equal(caption_pixels(session[1], &view, &decode, &r[1], NULL), CAPTION_OK);
        assert_int_equal(seen, 0);
        decode.progress = NULL;
    }
    for (int i = 0; i < 2; i++) {
        caption_session_close(&session[i]);
        fixture_close(&fix[i]);
    }
}

static void same_captions(void **state)
{
    static const settings all[] = {
        /* kind, cell, beams, threads, penalty */
        {CAPTION_KIND_ATTENTION, CAPTION_RNN_GRU, 1, 1, 1.2f},
        {CAPTION_KIND_ATTENTION, CAPTION_RNN_GRU, 5, 1, 1.2f},
        {CAPTION_KIND_ATTENTION, CAPTION_RNN_LSTM, 3, 2, 1.0f},
        {CAPTION_KIND_BASELINE, CAPTION_RNN_GRU, 20, 1, 0.8f},
        {CAPTION_KIND_BASELINE, CAPTION_RNN_LSTM, 10, 2, 2.0f},
    };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) compare_captions(&all[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),         cmocka_unit_test(rounded_states), cmocka_unit_test(best_children),
        cmocka_unit_test(not_a_number),  cmocka_unit_test(equal_children), cmocka_unit_test(worked_example),
        cmocka_unit_test(same_captions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
