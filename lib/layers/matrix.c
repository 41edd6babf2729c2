/* matrix.c - see matrix.h. */
#include "lib/layers/matrix.h"

#include <math.h>

#include "kernels/kernels.h"

typedef struct form {
    const char *weight, *scale, *bias; /* suffixes of the tensors' names; scale: NULL for none */
    capw_dtype dtype;
    capw_layout layout;
} form;

static const form forms[] = {
    [CPT_MATRIX_WEIGHT] = {.weight = "weight", .bias = "bias", .dtype = CAPW_FLOAT32, .layout = CAPW_PANELS},
    [CPT_MATRIX_WINOGRAD] = {.weight = "winograd", .dtype = CAPW_FLOAT32, .layout = CAPW_WINOGRAD},
    [CPT_MATRIX_PAIRS] = {.weight = "screen",
                          .scale = "screen_scale",
                          .bias = "bias",
                          .dtype = CAPW_INT16,
                          .layout = CAPW_PAIRS},
    [CPT_MATRIX_QUADS] =
        {.weight = "weight", .scale = "scale", .bias = "bias", .dtype = CAPW_INT8, .layout = CAPW_QUADS},
    [CPT_MATRIX_HALVES] = {.weight = "fine",
                           .scale = "fine_scale",
                           .bias = "fine_bias",
                           .dtype = CAPW_UINT8,
                           .layout = CAPW_QUADS},
};

typedef struct tensor_name {
    char text[CAPW_NAME_BYTES];
} tensor_name;

/* A name that does not fit is cut off; no tensor has it then. */
static tensor_name name_of(const char *layer, const char *suffix)
{
    tensor_name name = {{0}};
    cpt_format(name.text, sizeof name.text, "%s.%s", layer, suffix);
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

/* ---- what int8 products rely on ---- */

/* No result of a product overflows within these limits, so an int8 model never computes with infinities. */
#define MOST_SCALE 0x1p64f
#define LEAST_SCALE 0x1p-100f

/* Each of n numbers must be within low..high. */
static caption_status check_numbers(const float *numbers, int n, float low, float high, tensor_name name,
                                    caption_error *error)
{
    for (int i = 0; i < n; i++) {
        if (!(numbers[i] >= low && numbers[i] <= high)) {
            return cpt_fail(error, CAPTION_ERROR_MODEL,
                            "model file: tensor %s: number %d is %g, must be %g to %g", name.text, i,
                            (double)numbers[i], (double)low, (double)high);
        }
    }
    return CAPTION_OK;
}

_Static_assert(CAPW_QUADS_DEPTH <= CPTK_INT8_MOST_DEPTH, "sums of products must fit an int32");

static caption_status check_bytes(const cpt_matrix *m, const form *f, const char *name, caption_error *error)
{
    const int depth = (m->in + CPTK_QUAD - 1) / CPTK_QUAD * CPTK_QUAD;
    if (depth > CAPW_QUADS_DEPTH / m->taps) {
        return cpt_fail(error, CAPTION_ERROR_MODEL,
                        "model file: tensor %s.%s: %d x %d products of int8 may overflow", name, f->weight,
                        m->taps, m->in);
    }
    caption_status status =
        check_numbers(m->scale, m->out, LEAST_SCALE, MOST_SCALE, name_of(name, f->scale), error);
    if (!status && m->bias) {
        status = check_numbers(m->bias, m->out, -MOST_SCALE, MOST_SCALE, name_of(name, f->bias), error);
    }
    return status;
}

caption_status cpt_range_bind(cpt_range *range, const cpt_weights *weights, const char *name,
                              caption_error *error)
{
    const tensor_name tensor = name_of(name, "range");
    const float *numbers;
    caption_status status = bind_vector(&numbers, weights, tensor, 2, error);
    if (!status) status = check_numbers(numbers, 1, LEAST_SCALE, MOST_SCALE, tensor, error);
    if (status) return status;
    if (!(numbers[1] >= 0 && numbers[1] <= 255) || numbers[1] != floorf(numbers[1])) {
        return cpt_fail(error, CAPTION_ERROR_MODEL,
                        "model file: tensor %s: its zero point is %g, must be a whole number of 0 to 255",
                        tensor.text, (double)numbers[1]);
    }
    *range = (cpt_range){.scale = numbers[0], .zero_point = (int)numbers[1]};
    return CAPTION_OK;
}

/* ---- binding ---- */

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
    } else if (m->dtype == CAPW_INT8) {
        m->quads = data;
    } else if (m->dtype == CAPW_UINT8) {
        m->halves = data;
    } else {
        m->pairs = data;
    }
    m->out = shape.dims[0];
    m->in = shape.dims[shape.rank - 1];
    caption_status status = CAPTION_OK;
    if (f->scale) status = bind_vector(&m->scale, weights, name_of(name, f->scale), m->out, error);
    if (!status && spec->has_bias) {
        status = bind_vector(&m->bias, weights, name_of(name, f->bias), m->out, error);
    }
    if (!status && f->layout == CAPW_QUADS) status = check_bytes(m, f, name, error);
    return status;
}
