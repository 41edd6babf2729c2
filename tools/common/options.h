/* The options that every captioning tool shares: how to run a session and how to search.
 *
 * A tool puts the macros below into its getopt_long table and its help text, passes every option it does not
 * know itself to tool_options_take, and calls tool_options_apply once the model is open.  Never prints. */
#ifndef TOOLS_COMMON_OPTIONS_H
#define TOOLS_COMMON_OPTIONS_H

#include <caption.h>

#include "tools/common/error.h"

enum {
    TOOL_OPTION_THREADS = 256,
    TOOL_OPTION_CPU,
    TOOL_OPTION_CONV,
    TOOL_OPTION_NO_EXIF,
    TOOL_OPTION_STRICT,
    TOOL_OPTION_MAX_PIXELS,
    TOOL_OPTION_GREEDY,
    TOOL_OPTION_BEAMS,
    TOOL_OPTION_NBEST,
    TOOL_OPTION_MAX_LEN,
    TOOL_OPTION_ALPHA,
    TOOL_OPTION_PENALTY,
    TOOL_OPTION_PENALTY_FORM,
    TOOL_OPTION_CORRECTED,
    TOOL_OPTION_OWN /* the first code that a tool may use itself */
};

/* entries of a struct option table */
/* clang-format off */
#define TOOL_OPTIONS_ENGINE \
    {"threads", required_argument, NULL, TOOL_OPTION_THREADS}, \
    {"cpu", required_argument, NULL, TOOL_OPTION_CPU}, \
    {"conv", required_argument, NULL, TOOL_OPTION_CONV}
#define TOOL_OPTIONS_IMAGE \
    {"no-exif", no_argument, NULL, TOOL_OPTION_NO_EXIF}, \
    {"strict", no_argument, NULL, TOOL_OPTION_STRICT}, \
    {"max-pixels", required_argument, NULL, TOOL_OPTION_MAX_PIXELS}
#define TOOL_OPTIONS_SEARCH \
    {"beams", required_argument, NULL, TOOL_OPTION_BEAMS}, \
    {"max-len", required_argument, NULL, TOOL_OPTION_MAX_LEN}, \
    {"alpha", required_argument, NULL, TOOL_OPTION_ALPHA}, \
    {"penalty", required_argument, NULL, TOOL_OPTION_PENALTY}, \
    {"penalty-form", required_argument, NULL, TOOL_OPTION_PENALTY_FORM}, \
    {"corrected-penalty", no_argument, NULL, TOOL_OPTION_CORRECTED}
/* clang-format on */

/* the lines of --help that belong to them */
#define TOOL_HELP_ENGINE                                                                    \
    "  --threads N         threads to use, 1 to 64 (default 1); the results are the same\n" \
    "  --cpu LEVEL         use at most avx512vnni, avx512, avx2, neon or c (plain C)\n"     \
    "  --conv KIND         convolutions: auto, direct, winograd or im2col\n"
#define TOOL_HELP_IMAGE                                                                      \
    "  --no-exif           leave photos lying on their side, as the published system does\n" \
    "  --strict            refuse damaged images instead of captioning what can be read\n"   \
    "  --max-pixels N      refuse images of more pixels (default 200000000)\n"
#define TOOL_HELP_SEARCH                                                            \
    "  --beams N           width of the beam search, 1 to 64\n"                     \
    "  --max-len N         most tokens of a caption, counting its end, 1 to 1024\n" \
    "  --alpha X           length exponent of the score, 0 to 10\n"                 \
    "  --penalty X         repetition penalty, 0.01 to 100; 1 is none\n"            \
    "  --penalty-form F    published (raises repeats) or corrected (lowers them)\n" \
    "  --corrected-penalty the same as --penalty-form corrected\n"

typedef struct tool_options {
    caption_session_options session;
    bool greedy;
    int beams, nbest, max_length; /* 0: not given */
    float alpha, penalty;         /* negative: not given */
    int form;                     /* caption_penalty; negative: not given */
} tool_options;

void tool_options_init(tool_options *options);

typedef enum tool_taken { TOOL_TAKEN, TOOL_NOT_MINE, TOOL_BAD_VALUE } tool_taken;

/* `code` is what getopt_long returned, `value` its optarg. */
tool_taken tool_options_take(tool_options *options, int code, const char *value, tool_error *err);

/* Fills `decode` with the model's defaults and what was asked for, and sizes options->session for it.  Fails
 * where options contradict each other. */
bool tool_options_apply(tool_options *options, const caption_model *model, caption_decode_options *decode,
                        tool_error *err);

#endif
