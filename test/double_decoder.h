/* double_decoder.h - the decoder once more, in doubles and straight from the formulas: the log-probability of
 * each token of a caption.  It reads a float32 model's tensors through the public API, and shares no code
 * with the library. */
#ifndef TEST_DOUBLE_DECODER_H
#define TEST_DOUBLE_DECODER_H

#include <caption.h>

/* y [length]: the log-probability of each token after those before it, for the feature map [positions,
 * channels] (baseline: before pooling).  Asserts that the model has what it needs. */
void double_decoder_score(const caption_model *model, const double *map, int positions, const int *ids,
                          int length, double *y);

#endif
