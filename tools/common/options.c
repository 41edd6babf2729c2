/* The options that captioning tools share; see options.h.  Never prints. */
#include "tools/common/options.h"

#include <stddef.h>

#include "tools/common/cli.h"

void tool_options_init(tool_options *options)
{
    caption_session_options_init(&options->session);
    options->greedy = false;
    options->beams = options->nbest = options->max_length = 0;
    options->alpha = options->penalty = -1;
    options->form = -1;
}

static bool take_cpu(uint32_t *mask, const char *value, tool_error *err)
{
    static const char *const names[] = {"avx512vnni", "avx512", "avx2", "neon", "c", NULL};
    static const uint32_t masks[] = {CAPTION_CPU_AVX512_VNNI | CAPTION_CPU_AVX512 | CAPTION_CPU_AVX2,
                                     CAPTION_CPU_AVX512 | CAPTION_CPU_AVX2, CAPTION_CPU_AVX2,
                                     CAPTION_CPU_NEON, 0};
    int index;
    if (!tool_parse_choice(&index, "--cpu", value, names, err)) return false;
    *mask = masks[index];
    return true;
}

static bool take_conv(caption_conv *conv, const char *value, tool_error *err)
{
    static const char *const names[] = {"auto", "direct", "winograd", "im2col", NULL};
    int index;
    if (!tool_parse_choice(&index, "--conv", value, names, err)) return false;
    *conv = (caption_conv)index;
    return true;
}

static bool take_form(int *form, const char *value, tool_error *err)
{
    static const char *const names[] = {"published", "corrected", NULL};
    return tool_parse_choice(form, "--penalty-form", value, names, err);
}

tool_taken tool_options_take(tool_options *options, int code, const char *value, tool_error *err)
{
    caption_session_options *session = &options->session;
    bool ok = true;
    switch (code) {
    case TOOL_OPTION_THREADS:
        ok = tool_parse_int(&session->threads, "--threads", value, 1, 64, err);
        break;
    case TOOL_OPTION_CPU:
        ok = take_cpu(&session->cpu, value, err);
        break;
    case TOOL_OPTION_CONV:
        ok = take_conv(&session->conv, value, err);
        break;
    case TOOL_OPTION_NO_EXIF:
        session->no_exif = 1;
        break;
    case TOOL_OPTION_STRICT:
        session->strict = 1;
        break;
    case TOOL_OPTION_MAX_PIXELS:
        ok = tool_parse_u64(&session->max_pixels, "--max-pixels", value, 1, UINT64_MAX / 16, err);
        break;
    case TOOL_OPTION_GREEDY:
        options->greedy = true;
        break;
    case TOOL_OPTION_BEAMS:
        ok = tool_parse_int(&options->beams, "--beams", value, 1, 64, err);
        break;
    case TOOL_OPTION_NBEST:
        ok = tool_parse_int(&options->nbest, "--nbest", value, 1, 64, err);
        break;
    case TOOL_OPTION_MAX_LEN:
        ok = tool_parse_int(&options->max_length, "--max-len", value, 1, 1024, err);
        break;
    case TOOL_OPTION_ALPHA:
        ok = tool_parse_float(&options->alpha, "--alpha", value, 0, 10, err);
        break;
    case TOOL_OPTION_PENALTY:
        ok = tool_parse_float(&options->penalty, "--penalty", value, 0.01f, 100, err);
        break;
    case TOOL_OPTION_PENALTY_FORM:
        ok = take_form(&options->form, value, err);
        break;
    case TOOL_OPTION_CORRECTED:
        options->form = CAPTION_PENALTY_CORRECTED;
        break;
    default:
        return TOOL_NOT_MINE;
    }
    return ok ? TOOL_TAKEN : TOOL_BAD_VALUE;
}

bool tool_options_apply(tool_options *options, const caption_model *model, caption_decode_options *decode,
                        tool_error *err)
{
    caption_decode_options_init(decode, model);
    if (options->greedy && (options->beams > 1 || options->nbest > 1)) {
        return tool_fail(err, "--greedy: finds one caption, it does not go with --beams or --nbest");
    }
    if (options->greedy) {
        decode->search = CAPTION_SEARCH_GREEDY;
    } else if (options->beams || options->nbest > 1) {
        decode->search = CAPTION_SEARCH_BEAM; /* asked for, whatever the model prefers */
    }
    if (options->beams) decode->beams = options->beams;
    if (options->max_length) decode->max_length = options->max_length;
    if (options->alpha >= 0) decode->length_alpha = options->alpha;
    if (options->penalty >= 0) decode->repetition_penalty = options->penalty;
    if (options->form >= 0) decode->penalty = (caption_penalty)options->form;
    if (options->nbest > decode->beams) {
        return tool_fail(err, "--nbest: %d is more than the beam width %d; add --beams %d", options->nbest,
                         decode->beams, options->nbest);
    }
    decode->nbest = options->nbest;
    options->session.max_beams = decode->beams;
    options->session.max_length = decode->max_length;
    return true;
}
