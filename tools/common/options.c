/* The options that captioning tools share; see options.h. */
#include "tools/common/options.h"

#include <stddef.h>

#include "lib/format/names.h"
#include "tools/common/cli.h"
#include "tools/common/session.h"

/* clang-format off */
const tool_option tool_search_options[] = {
    {.name = "beams", .code = TOOL_OPTION_BEAMS, .argument = "N",
     .help = "width of the beam search, 1 to " CAPTION_QUOTE(CAPTION_MAX_BEAMS), .initial = "the model's, mostly " CAPTION_QUOTE(CAPTION_DEFAULT_BEAMS)},
    {.name = "max-len", .code = TOOL_OPTION_MAX_LEN, .argument = "N",
     .help = "most tokens of a caption, counting its end, 1 to " CAPTION_QUOTE(CAPTION_MAX_LENGTH),
     .initial = "the model's, mostly " CAPTION_QUOTE(CAPTION_DEFAULT_LENGTH)},
    {.name = "length-alpha", .code = TOOL_OPTION_LENGTH_ALPHA, .argument = "X",
     .help = "score = log-probability / length^X, 0 to 10", .initial = "the model's, mostly 0.7"},
    {.name = "alpha", .code = TOOL_OPTION_LENGTH_ALPHA, .argument = "X"}, /* an older spelling */
    {.name = "penalty", .code = TOOL_OPTION_PENALTY, .argument = "X",
     .help = "repetition penalty, 0.01 to 100; 1 is none", .initial = "the model's, mostly 1.2"},
    {.name = "penalty-form", .code = TOOL_OPTION_PENALTY_FORM, .argument = "FORM",
     .help = "published (raises repeated words) or corrected (lowers them)",
     .initial = "the model's, mostly published"},
    {.name = NULL},
};

const tool_option tool_image_options[] = {
    {.name = "no-exif", .code = TOOL_OPTION_NO_EXIF,
     .help = "leave photos lying on their side, as the published system does"},
    {.name = "strict", .code = TOOL_OPTION_STRICT,
     .help = "refuse damaged images instead of captioning what can be read"},
    {.name = NULL},
};

const tool_option tool_limit_options[] = {
    {.name = "max-pixels", .code = TOOL_OPTION_MAX_PIXELS, .argument = "N",
     .help = "refuse images of more pixels", .initial = "64000000"},
    {.name = "max-memory", .code = TOOL_OPTION_MAX_MEMORY, .argument = "SIZE",
     .help = "refuse images that need more memory to be decoded: bytes, or with K, M or G behind the number",
     .initial = "256M"},
    {.name = NULL},
};

#define ENTRY_CPU \
    {.name = "cpu", .code = TOOL_OPTION_CPU, .argument = "LEVEL", \
     .help = "instructions to use at most: avx512vnni, avx512, avx2vnni, avx2, neondot, neon or c (none)", \
     .initial = "all that the machine has"}
#define ENTRY_CONV \
    {.name = "conv", .code = TOOL_OPTION_CONV, .argument = "KIND", \
     .help = "how to convolve: auto, direct, winograd or im2col", .initial = "auto"}

const tool_option tool_engine_options[] = {
    {.name = "threads", .code = TOOL_OPTION_THREADS, .argument = "N",
     .help = "threads to use, 1 to " CAPTION_QUOTE(CAPTION_MAX_THREADS) "; the results are the same for any number",
     .initial = "one a processor"},
    ENTRY_CPU,
    ENTRY_CONV,
    {.name = NULL},
};

const tool_option tool_bench_options[] = {
    {.name = "threads", .code = TOOL_OPTION_THREADS, .argument = "N",
     .help = "threads to use, 1 to " CAPTION_QUOTE(CAPTION_MAX_THREADS), .initial = "1"},
    ENTRY_CPU,
    ENTRY_CONV,
    {.name = NULL},
};
/* clang-format on */

void tool_options_init(tool_options *options)
{
    *options = (tool_options){.length_alpha = -1, .penalty = -1, .form = -1};
    tool_session_options_init(&options->session);
    options->session.threads = tool_processors(CAPTION_MAX_THREADS);
}

static bool take_cpu(uint32_t *mask, const char *value, tool_error *err)
{
    const char *names[CPT_CPU_LEVELS + 1] = {NULL};
    for (int i = 0; i < CPT_CPU_LEVELS; i++) names[i] = cpt_cpu_levels[i].name;
    int index = 0;
    if (!tool_parse_choice(&index, "--cpu", value, names, err)) return false;
    *mask = cpt_cpu_levels[index].sets;
    return true;
}

static bool take_conv(caption_conv *conv, const char *value, tool_error *err)
{
    int index = 0;
    if (!tool_parse_choice(&index, "--conv", value, cpt_conv_names, err)) return false;
    *conv = (caption_conv)index;
    return true;
}

bool tool_limit_take(caption_session_options *session, int code, const char *value, tool_error *err)
{
    uint64_t bytes = 0;
    switch (code) {
    case TOOL_OPTION_MAX_PIXELS:
        return tool_parse_u64(&session->max_pixels, "--max-pixels", value, 1, UINT64_MAX / 16, err);
    case TOOL_OPTION_MAX_MEMORY:
        if (!tool_parse_bytes(&bytes, "--max-memory", value, SIZE_MAX / 16, err)) return false;
        session->decode_memory = (size_t)bytes;
        return true;
    default:
        return false;
    }
}

static bool take_session(caption_session_options *session, int code, const char *value, tool_error *err)
{
    switch (code) {
    case TOOL_OPTION_THREADS:
        return tool_parse_int(&session->threads, "--threads", value, 1, CAPTION_MAX_THREADS, err);
    case TOOL_OPTION_CPU:
        return take_cpu(&session->cpu, value, err);
    case TOOL_OPTION_CONV:
        return take_conv(&session->conv, value, err);
    case TOOL_OPTION_NO_EXIF:
        session->no_exif = 1;
        return true;
    case TOOL_OPTION_STRICT:
        session->strict = 1;
        return true;
    default:
        return tool_limit_take(session, code, value, err);
    }
}

bool tool_options_take(tool_options *options, int code, const char *value, tool_error *err)
{
    switch (code) {
    case TOOL_OPTION_GREEDY:
        options->greedy = true;
        return true;
    case TOOL_OPTION_BEAMS:
        return tool_parse_int(&options->beams, "--beams", value, 1, CAPTION_MAX_BEAMS, err);
    case TOOL_OPTION_NBEST:
        return tool_parse_int(&options->nbest, "--nbest", value, 1, CAPTION_MAX_BEAMS, err);
    case TOOL_OPTION_MAX_LEN:
        return tool_parse_int(&options->max_length, "--max-len", value, 1, CAPTION_MAX_LENGTH, err);
    case TOOL_OPTION_LENGTH_ALPHA:
        return tool_parse_float(&options->length_alpha, "--length-alpha", value, 0, CAPTION_MAX_LENGTH_ALPHA,
                                err);
    case TOOL_OPTION_PENALTY:
        return tool_parse_float(&options->penalty, "--penalty", value, CAPTION_MIN_REPETITION_PENALTY,
                                CAPTION_MAX_REPETITION_PENALTY, err);
    case TOOL_OPTION_PENALTY_FORM:
        return tool_parse_choice(&options->form, "--penalty-form", value, cpt_penalty_names, err);
    default:
        return take_session(&options->session, code, value, err);
    }
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
    if (options->length_alpha >= 0) decode->length_alpha = options->length_alpha;
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
