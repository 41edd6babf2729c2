/* The options that captioning tools share: how to search, how to read images, how to run a session.
 *
 * A tool puts the lists below into its groups of options, passes every code it does not know itself to
 * tool_options_take, and calls tool_options_apply once the model is open.  Never prints. */
#ifndef TOOLS_COMMON_OPTIONS_H
#define TOOLS_COMMON_OPTIONS_H

#include <caption.h>

#include "tools/common/command.h"
#include "tools/common/error.h"

enum {
    TOOL_OPTION_THREADS = 256,
    TOOL_OPTION_CPU,
    TOOL_OPTION_CONV,
    TOOL_OPTION_NO_EXIF,
    TOOL_OPTION_STRICT,
    TOOL_OPTION_MAX_PIXELS,
    TOOL_OPTION_MAX_MEMORY,
    TOOL_OPTION_GREEDY,
    TOOL_OPTION_BEAMS,
    TOOL_OPTION_NBEST,
    TOOL_OPTION_MAX_LEN,
    TOOL_OPTION_LENGTH_ALPHA,
    TOOL_OPTION_PENALTY,
    TOOL_OPTION_PENALTY_FORM,
    TOOL_OPTION_OWN /* the first code that a tool may use itself */
};

/* lists for groups: how to search (--beams and others, but no --greedy or --nbest), how to read images, which
 * are too large (--max-pixels, --max-memory), and how to run a session (--threads, --cpu, --conv) */
extern const tool_option tool_search_options[];
extern const tool_option tool_image_options[];
extern const tool_option tool_limit_options[];
extern const tool_option tool_engine_options[];
/* as the last, for programs that measure: one thread by default */
extern const tool_option tool_bench_options[];

/* entries that several tools have in lists of their own */
/* clang-format off */
#define TOOL_ENTRY_MODEL \
    {.name = "model", .code = 'm', .argument = "FILE", .help = "the model file", \
     .initial = "$CAPTION_MODEL, then the bundled model"}
#define TOOL_ENTRY_GREEDY \
    {.name = "greedy", .code = TOOL_OPTION_GREEDY, \
     .help = "the likeliest word at every step instead of a beam search"}
/* clang-format on */

typedef struct tool_options {
    caption_session_options session;
    bool greedy;
    int beams, nbest, max_length; /* 0: not given */
    float length_alpha, penalty;  /* negative: not given */
    int form;                     /* caption_penalty; negative: not given */
} tool_options;

/* The defaults: as many threads as processors, and the model's own search. */
void tool_options_init(tool_options *options);

/* Takes a shared option; `value` is what was given with it.  False with a message for a wrong value, and
 * without one for a code that is not shared. */
bool tool_options_take(tool_options *options, int code, const char *value, tool_error *err);

/* The same for an option of tool_limit_options alone. */
bool tool_limit_take(caption_session_options *session, int code, const char *value, tool_error *err);

/* Fills `decode` with the model's defaults and what was asked for, and sizes options->session for it.  Fails
 * where options contradict each other. */
bool tool_options_apply(tool_options *options, const caption_model *model, caption_decode_options *decode,
                        tool_error *err);

#endif
