/* Two results that have to be the same, to the bit. */
#ifndef TEST_SAME_RESULT_H
#define TEST_SAME_RESULT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <caption.h>

static void same_result(const caption_result *a, const caption_result *b, int positions)
{
    assert_int_equal(a->count, b->count);
    for (int i = 0; i < a->count; i++) {
        const caption_text *x = &a->captions[i], *y = &b->captions[i];
        assert_string_equal(x->text, y->text);
        assert_int_equal(x->length, y->length);
        assert_memory_equal(x->ids, y->ids, (size_t)x->length * sizeof *x->ids);
        assert_memory_equal(&x->log_probability, &y->log_probability, sizeof x->log_probability);
        assert_memory_equal(&x->score, &y->score, sizeof x->score);
        assert_memory_equal(&x->confidence, &y->confidence, sizeof x->confidence);
        assert_int_equal(!x->alpha, !y->alpha);
        if (!x->alpha) continue;
        assert_memory_equal(x->alpha, y->alpha, (size_t)x->length * (size_t)positions * sizeof *x->alpha);
    }
}

#endif
