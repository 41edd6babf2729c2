/* The current model; see models.h. */
#include "tools/serve/models.h"

#include <stdlib.h>

#include "tools/common/bundled.h"

static serve_model *open_model(const char *path, tool_error *err)
{
    serve_model *m = calloc(1, sizeof *m);
    if (!m) {
        (void)tool_fail(err, "out of memory");
        return NULL;
    }
    m->users = 1;
    if (tool_model_open(&m->model, path, &m->name, err)) return m;
    free(m);
    return NULL;
}

bool serve_models_begin(serve_models *models, const char *path, tool_error *err)
{
    *models = (serve_models){.path = path};
    models->current = open_model(path, err);
    if (!models->current) return false;
    if (pthread_mutex_init(&models->lock, NULL) == 0) return true;
    caption_model_close(&models->current->model);
    free(models->current);
    return tool_fail(err, "threads: can't make a lock");
}

void serve_models_end(serve_models *models)
{
    serve_models_give(models, models->current);
    (void)pthread_mutex_destroy(&models->lock);
}

bool serve_models_renew(serve_models *models, tool_error *err)
{
    serve_model *fresh = open_model(models->path, err);
    if (!fresh) return false;
    (void)pthread_mutex_lock(&models->lock);
    serve_model *old = models->current;
    models->current = fresh;
    (void)pthread_mutex_unlock(&models->lock);
    serve_models_give(models, old);
    return true;
}

serve_model *serve_models_take(serve_models *models)
{
    (void)pthread_mutex_lock(&models->lock);
    serve_model *m = models->current;
    m->users++;
    (void)pthread_mutex_unlock(&models->lock);
    return m;
}

void serve_models_give(serve_models *models, serve_model *model)
{
    (void)pthread_mutex_lock(&models->lock);
    const bool last = --model->users == 0;
    (void)pthread_mutex_unlock(&models->lock);
    if (!last) return;
    caption_model_close(&model->model);
    free(model);
}
