/* `capeval run --compare`: two models and a folder of images in; how far they agree out.
 *
 * Prints the result to standard output; progress, notes and failed images go to standard error. */
#ifndef TOOLS_EVAL_COMPARE_COMMAND_H
#define TOOLS_EVAL_COMPARE_COMMAND_H

#include "tools/eval/run_command.h"

/* options: output and metrics are not used; without refs there are no metrics.  Images that can't be
 * captioned are left out; in the end they make this false. */
bool eval_compare_command(const eval_run_options *options, tool_error *err);

#endif
