/* The encoder's plan, with the time that every layer takes.
 *
 * Runs the encoder on made-up pixels and reads the clock between the progress callbacks.  Never prints. */
#ifndef TOOLS_INFO_PLAN_H
#define TOOLS_INFO_PLAN_H

#include <caption.h>

#include "tools/common/error.h"

typedef struct info_plan {
    caption_session *session; /* owns the layers' texts */
    const char *cpu;
    caption_precision precision; /* what the layers compute with */
    int threads, runs, count;
    caption_layer_info *layers; /* [count] */
    double *ms;                 /* [count], medians over the runs */
    double total_ms;            /* their sum */
} info_plan;

/* Fills a zeroed plan; free it whatever the result. */
bool info_measure_plan(info_plan *plan, const caption_model *model, const caption_session_options *options,
                       int runs, tool_error *err);

/* Accepts a zeroed plan. */
void info_plan_free(info_plan *plan);

/* What such operations are called: "GFLOP/s", or "GOP/s" where they are of integers. */
const char *info_speed_unit(const info_plan *plan);

/* Billions of operations a second: a multiplication and an addition are one each.  0 for
 * layers that multiply nothing. */
double info_layer_speed(const caption_layer_info *layer, double ms);

#endif
