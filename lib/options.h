/* options.h - structures that cross the border between a program and the library, which may have been
 * compiled with headers of different versions: which options such a structure has, their defaults and
 * their ranges. */
#ifndef CPT_OPTIONS_H
#define CPT_OPTIONS_H

#include "lib/platform/structure.h"

/* Takes in a caller's options, or the defaults when `from` is NULL.  The result has all fields of this
 * library. Errors: VERSION. */
caption_status cpt_model_options_read(caption_model_options *to, const caption_model_options *from,
                                      caption_error *error);

/* The same for session options.  The defaults of max_beams and max_length, which the model may ask for, have
 * taken the place of 0.  Errors: VERSION, ARGUMENT (out of range). */
caption_status cpt_session_options_read(caption_session_options *to, const caption_session_options *from,
                                        const caption_model *model, caption_error *error);

/* The same for decoding options.  Ranges are not looked at.  Errors: VERSION. */
caption_status cpt_decode_options_read(caption_decode_options *to, const caption_decode_options *from,
                                       const caption_model *model, caption_error *error);

/* Refuses options that are out of range for a session.  Error: ARGUMENT. */
caption_status cpt_decode_options_check(const caption_decode_options *options,
                                        const caption_session_options *session, caption_error *error);

/* Takes in the options of an explanation, or the defaults when `from` is NULL.  Errors: VERSION, ARGUMENT
 * (out of range). */
caption_status cpt_explain_options_read(caption_explain_options *to, const caption_explain_options *from,
                                        caption_error *error);

#endif
