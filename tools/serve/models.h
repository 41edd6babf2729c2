/* The model that the service uses, which can be opened again while old requests still use the old one. */
#ifndef TOOLS_SERVE_MODELS_H
#define TOOLS_SERVE_MODELS_H

#include <pthread.h>

#include <caption.h>

#include "tools/common/error.h"

/* An open model, closed when the last user gives it back. */
typedef struct serve_model {
    caption_model *model;
    const char *name; /* what messages call it; borrowed */
    size_t users;     /* guarded by the lock of serve_models */
} serve_model;

typedef struct serve_models {
    pthread_mutex_t lock;
    const char *path; /* as the command line has it, borrowed; NULL: see bundled.h */
    serve_model *current;
} serve_models;

bool serve_models_begin(serve_models *models, const char *path, tool_error *err);

/* All users have given back what they took. */
void serve_models_end(serve_models *models);

/* Opens the file again.  Where that fails, the old model stays. */
bool serve_models_renew(serve_models *models, tool_error *err);

/* Takes the current model; never NULL. */
serve_model *serve_models_take(serve_models *models);

void serve_models_give(serve_models *models, serve_model *model);

#endif
