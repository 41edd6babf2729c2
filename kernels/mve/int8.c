/* int8.c - the tile product of bytes, quantisation and the max pool of bytes for Helium.  kernels/ref/int8.c
 * specifies them.
 *
 * vmladava multiplies 16 bytes with 16 bytes and adds all products to an integer register.  Weights come in
 * quads, 64 bytes from one quad of a column to its next, so a gathering load takes 4 quads of a column.  The
 * instruction takes two signed operands.  So rows are copied with 128 less in each byte, and sums start from
 * 128 times the sum of the column's weights. */
#include <string.h>

#include "kernels/simd/pool.h"
#include "kernels/simd/simd.h"

enum {
    LINE = CPTK_PANEL * CPTK_QUAD, /* bytes of a quad of a panel */
    STEP = 16,                     /* bytes of a row that are multiplied at once */
    STEP_QUADS = STEP / CPTK_QUAD,
    CHUNK = 256,        /* bytes of a row that are copied at once */
    MOST_ROWS = 3,      /* the instruction adds to registers of even numbers alone: there are 6 for sums */
    MOST_PANELS = 4,    /* that use a copy */
    ALL_QUADS = 0xFFFF, /* the predicate of a whole step */
};

/* ---- sums ---- */

/* The weights of `quads` quads, at most 4, of a column at b; 0 beyond them. */
static inline int8x16_t column_weights(const int8_t *b, mve_pred16_t quads)
{
    const uint32x4_t at = vmulq_n_u32(vidupq_n_u32(0, 1), LINE);
    return vreinterpretq_s8_s32(vldrwq_gather_offset_z_s32((const int32_t *)(const void *)b, at, quads));
}

/* start [16] = 128 times the sum of each column's weights. */
static void start_sums(const int8_t *b, int quads, int32_t *start)
{
    const mve_pred16_t rest = vctp32q((uint32_t)(quads % STEP_QUADS));
    for (int j = 0; j < CPTK_PANEL; j++, b += CPTK_QUAD) {
        const int8_t *from = b;
        int32_t sum = 0;
        for (int steps = quads / STEP_QUADS; steps > 0; steps--, from += STEP_QUADS * LINE) {
            sum = vaddvaq_s8(sum, column_weights(from, ALL_QUADS));
        }
        if (rest) sum = vaddvaq_s8(sum, column_weights(from, rest));
        start[j] = 128 * sum;
    }
}

/* sum[r][0..1] += the products of `steps` steps of the rows' bytes x [steps][R][16] with a column and the
 * next one, whose weights begin at b. */
BODY_INLINE void add_steps(int32_t (*sum)[CPTK_PANEL], const int8_t *x, const int8_t *b, int steps, int R)
{
    const uint32x4_t at = vmulq_n_u32(vidupq_n_u32(0, 1), LINE), next = vaddq_n_u32(at, CPTK_QUAD);
    int32_t left[MOST_ROWS], right[MOST_ROWS];
    BODY_UNROLL
    for (int r = 0; r < R; r++) left[r] = sum[r][0], right[r] = sum[r][1];
    for (; steps > 0; steps--, b += STEP_QUADS * LINE, x += R * STEP) {
        const int32_t *from = (const int32_t *)(const void *)b;
        const int8x16_t v = vreinterpretq_s8_s32(vldrwq_gather_offset_s32(from, at));
        const int8x16_t w = vreinterpretq_s8_s32(vldrwq_gather_offset_s32(from, next));
        BODY_UNROLL
        for (int r = 0; r < R; r++) {
            const int8x16_t a = vld1q_s8(x + r * STEP);
            left[r] = vmladavaq_s8(left[r], a, v);
            right[r] = vmladavaq_s8(right[r], a, w);
        }
    }
    BODY_UNROLL
    for (int r = 0; r < R; r++) sum[r][0] = left[r], sum[r][1] = right[r];
}

#if defined(__GNUC__) && !defined(__clang__)

/* The same for 3 rows and at least one step, where most of the time goes: without the moves that GCC puts
 * into the loop.  Te is a register of an even number. */
BODY_INLINE void add_steps_3(int32_t (*sum)[CPTK_PANEL], const int8_t *x, const int8_t *b, int steps)
{
    uint32x4_t at = vmulq_n_u32(vidupq_n_u32(0, 1), LINE), next = vaddq_n_u32(at, CPTK_QUAD);
    int32_t l0 = sum[0][0], r0 = sum[0][1], l1 = sum[1][0], r1 = sum[1][1], l2 = sum[2][0], r2 = sum[2][1];
    __asm__ volatile("dls lr, %[steps]\n"
                     "1:\n"
                     "vldrw.u32 q0, [%[b], %q[at]]\n"
                     "vldrb.8 q2, [%[x]], #48\n"
                     "vmladava.s8 %[l0], q2, q0\n"
                     "vldrw.u32 q1, [%[b], %q[next]]\n"
                     "vmladava.s8 %[r0], q2, q1\n"
                     "vldrb.8 q3, [%[x], #-32]\n"
                     "vmladava.s8 %[l1], q3, q0\n"
                     "add %[b], %[b], #256\n"
                     "vmladava.s8 %[r1], q3, q1\n"
                     "vldrb.8 q2, [%[x], #-16]\n"
                     "vmladava.s8 %[l2], q2, q0\n"
                     "vmladava.s8 %[r2], q2, q1\n"
                     "le lr, 1b\n"
                     : [l0] "+Te"(l0), [r0] "+Te"(r0), [l1] "+Te"(l1), [r1] "+Te"(r1), [l2] "+Te"(l2),
                       [r2] "+Te"(r2), [x] "+r"(x), [b] "+r"(b)
                     : [at] "w"(at), [next] "w"(next), [steps] "r"(steps)
                     : "lr", "q0", "q1", "q2", "q3", "memory");
    sum[0][0] = l0, sum[0][1] = r0, sum[1][0] = l1, sum[1][1] = r1, sum[2][0] = l2, sum[2][1] = r2;
}

#else

BODY_INLINE void add_steps_3(int32_t (*sum)[CPTK_PANEL], const int8_t *x, const int8_t *b, int steps)
{
    add_steps(sum, x, b, steps, 3);
}

#endif

/* The same for all pairs of the n columns of a panel. */
BODY_INLINE void add_pairs(int32_t *sum, const int8_t *x, const int8_t *b, int steps, int n, int R)
{
    for (int j = n; j > 0; j -= 2, b += 2 * CPTK_QUAD, sum += 2) {
        int32_t(*pair)[CPTK_PANEL] = (int32_t(*)[CPTK_PANEL])(void *)sum;
        if (R == 3) {
            add_steps_3(pair, x, b, steps);
        } else {
            add_steps(pair, x, b, steps, R);
        }
    }
}

/* The last quads, fewer than a step has: x [R][16]. */
BODY_INLINE void add_rest(int32_t *sum, const int8_t *x, const int8_t *b, mve_pred16_t quads, int R)
{
    for (int j = 0; j < CPTK_PANEL; j++, b += CPTK_QUAD) {
        const int8x16_t w = column_weights(b, quads);
        BODY_UNROLL
        for (int r = 0; r < R; r++) {
            int32_t *to = sum + r * CPTK_PANEL + j;
            *to = vmladavaq_s8(*to, vld1q_s8(x + r * STEP), w);
        }
    }
}

/* ---- rows ---- */

/* Where the next bytes of the rows come from. */
typedef struct row_place {
    int tap, at;
} row_place;

/* Copies the next bytes of rows row..row+R-1, at most CHUNK of each, to x [steps][R][16].  Returns how many
 * quads these are. */
BODY_INLINE int copy_rows(const cptk_tile_int8 *t, int row, row_place *from, int8_t *x, int R)
{
    int done = 0;
    while (done < CHUNK && from->tap < t->taps) {
        const int all = t->depth - from->at, count = all < CHUNK - done ? all : CHUNK - done;
        const uint8_t *const *rows = t->a + from->tap * t->rows + row;
        BODY_UNROLL
        for (int r = 0; r < R; r++) {
            const uint8_t *a = rows[r] + from->at;
            int8_t *to = x + r * STEP;
            if (done % STEP == 0 && count % STEP == 0) {
                to += done * R;
                for (int i = 0; i < count; i += STEP, to += R * STEP) {
                    vst1q_u8((uint8_t *)to, veorq_u8(vld1q_u8(a + i), vdupq_n_u8(0x80)));
                }
                continue;
            }
            for (unsigned i = 0, at = (unsigned)done; i < (unsigned)count; i += CPTK_QUAD, at += CPTK_QUAD) {
                uint32_t quad;
                memcpy(&quad, a + i, sizeof quad);
                quad ^= 0x80808080u;
                memcpy(to + at / STEP * (unsigned)(R * STEP) + at % STEP, &quad, sizeof quad);
            }
        }
        done += count;
        from->at += count;
        if (from->at == t->depth) *from = (row_place){.tap = from->tap + 1};
    }
    return done / CPTK_QUAD;
}

/* ---- what becomes of the sums ---- */

/* The columns from `column` on, of which `in` says which are there: R rows of sums. */
BODY_INLINE void finish(const cptk_out_int8 *out, const int32_t *sum, int row, int column, mve_pred16_t in,
                        int R)
{
    const vf scale = vldrwq_z_f32(out->scale + column, in);
    const vf bias = out->bias ? vldrwq_z_f32(out->bias + column, in) : scale;
    BODY_UNROLL
    for (int r = 0; r < R; r++) {
        const size_t at = (size_t)(row + r) * out->c_stride + (size_t)column;
        vf x = vmulq_f32(vcvtq_f32_s32(vld1q_s32(sum + r * CPTK_PANEL)), scale);
        if (out->bias) x = vaddq_f32(x, bias);
        if (out->add) {
            const size_t add = (size_t)(row + r) * out->add_stride + (size_t)column;
            const vf more = vcvtq_f32_u32(vldrhq_z_u32(out->add + add, in));
            x = vaddq_f32(x, vmulq_n_f32(more, out->add_scale));
        }
        if (out->c_f32) vstrwq_p_f32(out->c_f32 + at, x, in);
        if (out->c_u8) vec_store_u8(out->c_u8 + at, x, in);
        if (out->c_u16) vec_store_u16(out->c_u16 + at, vmulq_n_f32(x, 256.0f), in);
    }
}

/* ---- blocks ---- */

/* Rows row..row+R-1 of the panels first..end-1. */
BODY_INLINE void block(const cptk_tile_int8 *t, int row, int first, int end, const int32_t *start, int R)
{
    _Alignas(STEP) int8_t x[CHUNK * MOST_ROWS];
    int32_t sum[MOST_PANELS][MOST_ROWS][CPTK_PANEL];
    row_place from = {.tap = 0};
    const int8_t *b = t->b + (size_t)first * t->b_panel;
    for (int p = 0; p < end - first; p++) {
        for (int r = 0; r < R; r++) memcpy(sum[p][r], start + p * CPTK_PANEL, sizeof sum[p][r]);
    }
    for (int quads; (quads = copy_rows(t, row, &from, x, R)) > 0; b += quads * LINE) {
        const int steps = quads / STEP_QUADS;
        const mve_pred16_t rest = vctp32q((uint32_t)(quads % STEP_QUADS));
        for (int p = 0; p < end - first; p++) {
            const int left = t->n - (first + p) * CPTK_PANEL, n = left < CPTK_PANEL ? left : CPTK_PANEL;
            const int8_t *panel = b + (size_t)p * t->b_panel;
            if (steps > 0) add_pairs(sum[p][0], x, panel, steps, n, R);
            if (rest) add_rest(sum[p][0], x + steps * R * STEP, panel + steps * STEP_QUADS * LINE, rest, R);
        }
    }
    for (int p = 0; p < end - first; p++) {
        for (int v = 0; v < CPTK_PANEL; v += VEC_W) {
            const int column = (first + p) * CPTK_PANEL + v, left = t->n - column;
            if (left > 0) finish(&t->out, &sum[p][0][v], row, column, vctp32q((uint32_t)left), R);
        }
    }
}

#define BLOCK_FUNCTION(R)                                                                                 \
    static __attribute__((noinline)) void block_##R(const cptk_tile_int8 *t, int row, int first, int end, \
                                                    const int32_t *start)                                 \
    {                                                                                                     \
        block(t, row, first, end, start, R);                                                              \
    }
BLOCK_FUNCTION(1)
BLOCK_FUNCTION(2)
BLOCK_FUNCTION(3)

static void (*const blocks[])(const cptk_tile_int8 *t, int row, int first, int end,
                              const int32_t *start) = {block_1, block_2, block_3};

static void cptk_tile_u8_mve(const cptk_tile_int8 *t)
{
    const int panels = (t->n + CPTK_PANEL - 1) / CPTK_PANEL, quads = t->taps * t->depth / CPTK_QUAD;
    for (int first = 0; first < panels; first += MOST_PANELS) {
        const int end = first + MOST_PANELS < panels ? first + MOST_PANELS : panels;
        int32_t start[MOST_PANELS * CPTK_PANEL];
        for (int p = first; p < end; p++) {
            start_sums(t->b + (size_t)p * t->b_panel, quads, start + (p - first) * CPTK_PANEL);
        }
        for (int row = 0; row < t->rows; row += MOST_ROWS) {
            const int rows = t->rows - row < MOST_ROWS ? t->rows - row : MOST_ROWS;
            blocks[rows - 1](t, row, first, end, start);
        }
    }
}

/* ---- passes ---- */

static void cptk_quantize_u8_mve(const float *x, uint8_t *q, int n, float inverse, float zero)
{
    for (int i = 0; i < n; i += VEC_W) {
        const mve_pred16_t in = vctp32q((uint32_t)(n - i));
        vec_store_u8(q + i, vaddq_n_f32(vmulq_n_f32(vldrwq_z_f32(x + i, in), inverse), zero), in);
    }
}

static void cptk_maxpool_u8_mve(const cptk_maxpool *p)
{
    const int out_w = (p->w + 1) / 2;
    const uint8_t *in = p->in;
    for (int y = p->y0; y < p->y1; y++) {
        uint8_t *to = (uint8_t *)p->out + cptk_row_at(y, p->out_ring) * (size_t)out_w * (size_t)p->pitch;
        for (int x = 0; x < out_w; x++, to += p->pitch) {
            const pool_window window = pool_window_of(p, y, x);
            for (int ch = 0; ch < p->c; ch += 16) {
                const mve_pred16_t some = vctp8q((uint32_t)(p->c - ch));
                uint8x16_t best = vdupq_n_u8(0);
                for (int iy = window.top; iy < window.bottom; iy++) {
                    const size_t line = cptk_row_at(iy, p->in_ring) * (size_t)p->w;
                    for (int ix = window.left; ix < window.right; ix++) {
                        const uint8_t *from = in + (line + (size_t)ix) * (size_t)p->pitch + ch;
                        best = vmaxq_u8(best, vldrbq_z_u8(from, some));
                    }
                }
                vstrbq_p_u8(to + ch, best, some);
            }
        }
    }
}

void cptk_int8_init_mve(cptk_kernels *kernels)
{
    kernels->tile_u8 = cptk_tile_u8_mve;
    kernels->tile_rows_u8 = CPTK_MAX_ROWS / MOST_ROWS * MOST_ROWS;
    kernels->quantize_u8 = cptk_quantize_u8_mve;
    kernels->maxpool_u8 = cptk_maxpool_u8_mve;
}
