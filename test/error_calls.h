/* error_calls.h - one way to call every public function that takes a caption_error, for tables of calls. */
#ifndef TEST_ERROR_CALLS_H
#define TEST_ERROR_CALLS_H

#include <stdbool.h>

#include <caption.h>

/* What a call is made with; each function takes what it needs. */
typedef struct args {
    bool no_result; /* the pointer for the result is NULL */
    const caption_model *model;
    caption_session *session;
    const char *path;
    const void *data;
    uint64_t size;
    void *memory;
    size_t room; /* bytes of memory */
    int number;  /* of a slot, a tensor, a layer; a count */
    const caption_model_options *model_how;
    const caption_session_options *session_options;
    const caption_decode_options *options;
    const caption_text *caption;
    const caption_explain_options *explain_how;
    int width;          /* of a pixel view */
    size_t struct_size; /* of the structure; 0: as it is */
    caption_read_fn read;
} args;

typedef struct target {
    const char *name; /* of the public function */
    caption_status (*call)(const args *a, caption_error *error);
} target;

/* A call that fails must set its result to NULL, and one that succeeds must not: this is asserted.  Results
 * are closed again. */
extern const target open_file;
extern const target open_memory;
extern const target open_callback;
extern const target init_model;
extern const target get_info;
extern const target get_tensor;
extern const target verify;
extern const target session_size;
extern const target init_session;
extern const target create_session;
extern const target file;
extern const target image;
extern const target pixels;
extern const target load_file;
extern const target load_image;
extern const target load_pixels;
extern const target encode;
extern const target decode, decode_batch;
extern const target explain;
extern const target set_features;
extern const target probe;
extern const target layer;

/* For open_callback: copies args.data, or fails. */
int read_model(void *user, uint64_t offset, void *buffer, size_t size);
int read_nothing(void *user, uint64_t offset, void *buffer, size_t size);

#endif
