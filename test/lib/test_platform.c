/* Tests of lib/platform: the arena, checked sizes, status texts, CPU detection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <caption.h>
#include "kernels/kernels.h"
#include "lib/platform/arena.h"
#include "lib/platform/cpu.h"
#include "lib/platform/status.h"

static _Alignas(64) unsigned char block[1024];

static void products_and_sums(void **state)
{
    size_t x = 7;
    (void)state;
    assert_int_equal(cpt_mul(SIZE_MAX / 2, 2, &x), 1);
    assert_int_equal(x, SIZE_MAX - 1);
    x = 7;
    assert_int_equal(cpt_mul(SIZE_MAX / 2 + 1, 2, &x), 0);
    assert_int_equal(cpt_mul(SIZE_MAX, SIZE_MAX, &x), 0);
    assert_int_equal(x, 7); /* left alone */
    assert_int_equal(cpt_mul(SIZE_MAX, 0, &x), 1);
    assert_int_equal(x, 0);
    assert_int_equal(cpt_add(SIZE_MAX, 0, &x), 1);
    assert_int_equal(x, SIZE_MAX);
    assert_int_equal(cpt_add(SIZE_MAX, 1, &x), 0);
}

static void arena_hands_out_aligned_pieces(void **state)
{
    (void)state;
    cpt_arena arena;
    cpt_arena_init(&arena, block, sizeof block);
    unsigned char *a = cpt_arena_take(&arena, 3, 1);
    unsigned char *b = cpt_arena_take(&arena, 65, 1);
    unsigned char *c = cpt_arena_take(&arena, 16, 4);
    assert_ptr_equal(a, block);
    assert_ptr_equal(b, block + 64);
    assert_ptr_equal(c, block + 192);
    assert_int_equal(arena.used, 256);
    assert_int_equal(arena.failed, 0);
}

static void arena_of_the_exact_size(void **state)
{
    (void)state;
    cpt_arena arena;
    cpt_arena_init(&arena, block, 128);
    assert_non_null(cpt_arena_take(&arena, 128, 1));
    assert_int_equal(arena.failed, 0);
    assert_null(cpt_arena_take(&arena, 1, 1));
    assert_int_equal(arena.failed, 1);
    assert_int_equal(arena.used, 128);
}

static void arena_failure_is_sticky(void **state)
{
    (void)state;
    cpt_arena arena;
    cpt_arena_init(&arena, block, 128);
    assert_null(cpt_arena_take(&arena, 129, 1));
    assert_null(cpt_arena_take(&arena, 1, 1)); /* which would fit */
    assert_int_equal(arena.failed, 1);
    assert_int_equal(arena.used, 0);
}

static void arena_overflow(void **state)
{
    static const size_t pairs[][2] = {
        {SIZE_MAX, 2}, {SIZE_MAX / 4 + 1, 4}, {SIZE_MAX, 1}, {SIZE_MAX - 62, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        for (int dry = 0; dry < 2; dry++) {
            cpt_arena arena;
            cpt_arena_init(&arena, dry ? NULL : block, sizeof block);
            assert_null(cpt_arena_take(&arena, pairs[i][0], pairs[i][1]));
            assert_int_equal(arena.failed, 1);
            assert_int_equal(arena.used, 0);
        }
    }
}

/* Pieces that fit one by one, but not together. */
static void dry_run_overflow(void **state)
{
    (void)state;
    cpt_arena arena;
    cpt_arena_init(&arena, NULL, 0);
    assert_null(cpt_arena_take(&arena, SIZE_MAX / 2, 1));
    assert_int_equal(arena.failed, 0);
    assert_null(cpt_arena_take(&arena, SIZE_MAX / 2, 1));
    assert_null(cpt_arena_take(&arena, 64, 1));
    assert_int_equal(arena.failed, 1);
}

static void dry_run_counts_what_a_real_one_takes(void **state)
{
    (void)state;
    cpt_arena dry;
    cpt_arena_init(&dry, NULL, 0);
    cpt_arena real;
    cpt_arena_init(&real, block, sizeof block);
    for (size_t n = 0; n < 9; n++) {
        assert_null(cpt_arena_take(&dry, n, 5));
        assert_non_null(cpt_arena_take(&real, n, 5));
        assert_int_equal(dry.used, real.used);
    }
}

static void status_texts_differ(void **state)
{
    (void)state;
    for (int a = 0; a >= CAPTION_ERROR_ABORTED; a--) {
        assert_string_not_equal(caption_status_string((caption_status)a), "unknown status");
        for (int b = 0; b > a; b--) {
            assert_string_not_equal(caption_status_string((caption_status)a),
                                    caption_status_string((caption_status)b));
        }
    }
    assert_string_equal(caption_status_string(CAPTION_OK), "ok");
    assert_string_equal(caption_status_string((caption_status)-100), "unknown status");
    assert_string_equal(caption_status_string((caption_status)1), "unknown status");
}

static void failures_are_recorded(void **state)
{
    (void)state;
    caption_error error;
    memset(&error, 0x5A, sizeof error);
    assert_int_equal(cpt_fail(&error, CAPTION_ERROR_MODEL, "tensor %s: rank %d", "fc.weight", 9),
                     CAPTION_ERROR_MODEL);
    assert_int_equal(error.status, CAPTION_ERROR_MODEL);
    assert_string_equal(error.message, "tensor fc.weight: rank 9");
    assert_int_equal(cpt_ok(&error), CAPTION_OK);
    assert_int_equal(error.status, CAPTION_OK);
    assert_string_equal(error.message, "");
    char longer[1000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(cpt_fail(&error, CAPTION_ERROR_IO, "%s", longer), CAPTION_ERROR_IO);
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
    assert_int_equal(cpt_fail(NULL, CAPTION_ERROR_IO, "nobody listens"), CAPTION_ERROR_IO);
    assert_int_equal(cpt_ok(NULL), CAPTION_OK);
}

/* Masks select levels; levels that are absent are ignored. */
static void messages_are_one_harmless_line(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"a\nb\033[31m\x7F", "a?b?[31m?"},
        {"caf\xC3\xA9 \xF0\x9F\x90\x95 \xE2\x80\xA6", "caf\xC3\xA9 \xF0\x9F\x90\x95 \xE2\x80\xA6"},
        {"\xC2\x9B", "??"},               /* U+009B starts a command as ESC [ does */
        {"\xE2\x80\xAE", "???"},          /* U+202E turns the line around */
        {"\xFFx\xC3z\xE2\x80", "?x?z??"}, /* no UTF-8 */
    };
    (void)state;
    caption_error error;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(cpt_fail(&error, CAPTION_ERROR_MODEL, "%s", cases[i].text), CAPTION_ERROR_MODEL);
        assert_string_equal(error.message, cases[i].message);
    }
}

static void long_paths_leave_room_for_the_reason(void **state)
{
    static const char reason[] = "tensor fc.weight: its checksum is wrong";
    static char path[4001];
    (void)state;
    caption_error error;
    for (size_t length = 1; length < sizeof path; length++) {
        memset(path, 'p', length);
        path[length - 1] = 'z';
        path[length] = '\0';
        (void)cpt_fail(&error, CAPTION_ERROR_MODEL, "%s", reason);
        assert_int_equal(cpt_fail_in_file(&error, CAPTION_ERROR_MODEL, path), CAPTION_ERROR_MODEL);
        const char *behind = strstr(error.message, "z: ");
        assert_non_null(behind);
        assert_string_equal(behind + 3, reason);
        /* the path is whole, or its place is full */
        if (strstr(error.message, "p...p")) {
            assert_int_equal(strlen(error.message), sizeof error.message - 1);
        } else {
            assert_int_equal(behind + 1 - error.message, length);
        }
    }
    /* the longest reason */
    char longest[sizeof error.message];
    memset(longest, 'r', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    (void)cpt_fail(&error, CAPTION_ERROR_MODEL, "%s", longest);
    (void)cpt_fail_in_file(&error, CAPTION_ERROR_MODEL, path);
    assert_non_null(strstr(error.message, "z: rrr"));
}

static void kernel_levels(void **state)
{
    const uint32_t cpu = cpt_cpu_detect();
    (void)state;
    const uint32_t known = CAPTION_CPU_AVX2 | CAPTION_CPU_AVX2_VNNI | CAPTION_CPU_AVX512 |
                           CAPTION_CPU_AVX512_VNNI | CAPTION_CPU_NEON | CAPTION_CPU_NEON_DOT |
                           CAPTION_CPU_MVE;
    assert_int_equal(cpu & ~known, 0);
    if (cpu & CAPTION_CPU_AVX512_VNNI) assert_true(cpu & CAPTION_CPU_AVX512);
    if (cpu & CAPTION_CPU_AVX512) assert_true(cpu & CAPTION_CPU_AVX2);
    if (cpu & CAPTION_CPU_AVX2_VNNI) assert_true(cpu & CAPTION_CPU_AVX2);
    if (cpu & CAPTION_CPU_NEON_DOT) assert_true(cpu & CAPTION_CPU_NEON);
    cptk_kernels plain;
    cptk_kernels_init(&plain, 0);
    assert_string_equal(plain.name, "c");
    cptk_kernels all;
    cptk_kernels_init(&all, CAPTION_CPU_ALL);
    assert_string_equal(all.name, cpu & CAPTION_CPU_AVX512_VNNI ? "avx512vnni"
                                  : cpu & CAPTION_CPU_AVX512    ? "avx512"
                                  : cpu & CAPTION_CPU_AVX2_VNNI ? "avx2vnni"
                                  : cpu & CAPTION_CPU_AVX2      ? "avx2"
                                  : cpu & CAPTION_CPU_NEON_DOT  ? "neondot"
                                  : cpu & CAPTION_CPU_NEON      ? "neon"
                                                                : "c");
    if (cpu) assert_true(all.gru_f32 != plain.gru_f32);
    if (cpu) assert_true(all.tile_u8 != plain.tile_u8);
    cptk_kernels narrow; /* without the wider registers, what is best of the others */
    cptk_kernels_init(&narrow, ~(CAPTION_CPU_AVX512 | CAPTION_CPU_AVX512_VNNI));
    if (cpu & CAPTION_CPU_AVX2_VNNI) assert_string_equal(narrow.name, "avx2vnni");
    cptk_kernels alone; /* a set without the one that it builds on */
    cptk_kernels_init(&alone, CAPTION_CPU_AVX2_VNNI | CAPTION_CPU_AVX512_VNNI | CAPTION_CPU_NEON_DOT);
    assert_string_equal(alone.name, "c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_and_sums),
        cmocka_unit_test(arena_hands_out_aligned_pieces),
        cmocka_unit_test(arena_of_the_exact_size),
        cmocka_unit_test(arena_failure_is_sticky),
        cmocka_unit_test(arena_overflow),
        cmocka_unit_test(dry_run_overflow),
        cmocka_unit_test(dry_run_counts_what_a_real_one_takes),
        cmocka_unit_test(status_texts_differ),
        cmocka_unit_test(failures_are_recorded),
        cmocka_unit_test(messages_are_one_harmless_line),
        cmocka_unit_test(long_paths_leave_room_for_the_reason),
        cmocka_unit_test(kernel_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
