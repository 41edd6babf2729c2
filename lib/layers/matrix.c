/* matrix.c - see matrix.h. */
#include "lib/layers/matrix.h"

#include <stdio.h>

typedef struct form {
    const char *weight, *scale; /* suffixes of the tensors' names; scale: NULL for none */
    capw_dtype dtype;
    capw_layout layout;
} form;

static const form forms[] = {
    [CPT_MATRIX_WEIGHT] = {.weight = "weight", .dtype = CAPW_FLOAT32, .layout = CAPW_PANELS},
    [CPT_MATRIX_WINOGRAD] = {.weight = "winograd", .dtype = CAPW_FLOAT32, .layout = CAPW_WINOGRAD},
    [CPT_MATRIX_PAIRS] = {.weight = "screen",
                          .scale = "screen_scale",
                          .dtype = CAPW_INT16,
                          .layout = CAPW_PAIRS},
};

typedef struct tensor_name {
    char text[CAPW_NAME_BYTES];
} tensor_name;

/* A name that does not fit is cut off; no tensor has it then. */
static tensor_name name_of(const char *layer, const char *suffix)
{
    tensor_name name;
    snprintf(name.text, sizeof name.text, "%s.%s", layer, suffix);
    return name;
}

/* *vector = tensor LAYER.SUFFIX [out], float32. */
static caption_status bind_vector(const float **vector, const cpt_weights *weights, tensor_name name, int out,
                                  caption_error *error)
{
    cpt_shape shape = {.rank = 1, .dims = {out}};
    *vector = cpt_weights_bind(weights, name.text, CAPW_FLOAT32, CAPW_ROWS, &shape, error);
    return *vector ? CAPTION_OK : CAPTION_ERROR_MODEL;
}

caption_status cpt_matrix_bind(cpt_matrix *m, const cpt_weights *weights, const char *name,
                               const cpt_matrix_spec *spec, caption_error *error)
{
    const form *f = &forms[spec->form];
    const bool linear = spec->kernel == 0;
    const tensor_name tensor = name_of(name, f->weight);
    const capw_tensor *record = cpt_weights_find(weights, tensor.text);
    cpt_shape shape = {.rank = 2, .dims = {spec->out, spec->in}};
    *m = (cpt_matrix){
        .dtype = f->dtype, .layout = f->layout, .taps = linear ? 1 : spec->kernel * spec->kernel};
    if (!record && spec->optional) return CAPTION_OK;
    if (!linear) shape = (cpt_shape){.rank = 4, .dims = {spec->out, spec->kernel, spec->kernel, spec->in}};
    /* Both Winograd algorithms serve: the record says which the file is for. */
    if (record && spec->form == CPT_MATRIX_WINOGRAD && cpt_layout_winograd_outputs(record->layout)) {
        m->layout = (capw_layout)record->layout;
    }
    const void *data = cpt_weights_bind(weights, tensor.text, m->dtype, m->layout, &shape, error);
    if (!data) return CAPTION_ERROR_MODEL;
    if (m->dtype == CAPW_FLOAT32) {
        m->weight = data;
    } else {
        m->pairs = data;
    }
    m->out = shape.dims[0];
    m->in = shape.dims[shape.rank - 1];
    caption_status status = CAPTION_OK;
    if (f->scale) status = bind_vector(&m->scale, weights, name_of(name, f->scale), m->out, error);
    if (!status && spec->has_bias) {
        status = bind_vector(&m->bias, weights, name_of(name, "bias"), m->out, error);
    }
    return status;
}
