/* slots.h - the images of a session: where each slot's pixels and features lie, and the way from the ones to
 * the others. */
#ifndef CPT_SLOTS_H
#define CPT_SLOTS_H

#include "lib/session.h"

/* Error: ARGUMENT, when the session is NULL or has no such slot. */
caption_status cpt_slot_check(const caption_session *s, int slot, caption_error *error);

uint8_t *cpt_slot_pixels(const caption_session *s, int slot); /* [S, S, 3] */
size_t cpt_slot_feature_count(const caption_session *s);      /* floats of a slot's features */
float *cpt_slot_features(const caption_session *s, int slot); /* [positions, feature_channels] */

/* The feature map [out_h, out_w, channels] of an encoded slot; NULL where only what was pooled from it is
 * there.  The baseline kind keeps it in sessions for explanations alone. */
const float *cpt_slot_map(const caption_session *s, int slot);

/* Runs the encoder on the first `count` images, which may be others than the session's own.  Returns 0, or
 * what the callback returned. */
int cpt_images_encode(caption_session *s, const cpt_images *images, int count, cpt_layer_fn callback,
                      void *user);

#endif
