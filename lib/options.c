/* options.c - see options.h. */
#include "lib/options.h"

#include <string.h>

#include "lib/model.h"

/* The size of a structure says which fields it has only while nothing lies behind the last one: padding there
 * would be taken for a field that a later version puts in its place. */
#define ENDS_WITH(type, field)                                                          \
    _Static_assert(offsetof(type, field) + sizeof((type *)NULL)->field == sizeof(type), \
                   #type " has padding at its end")
ENDS_WITH(caption_model_options, reserved);
ENDS_WITH(caption_session_options, reserved);
ENDS_WITH(caption_decode_options, reserved);
ENDS_WITH(caption_explain_options, reserved);
ENDS_WITH(caption_model_info, reserved);
ENDS_WITH(caption_tensor_info, data);
ENDS_WITH(caption_layer_info, multiply_adds);
ENDS_WITH(caption_image_info, decode_memory);
ENDS_WITH(caption_pixel_view, stride);

/* How every structure of options begins. */
typedef struct options_head {
    int abi_version;
    uint32_t struct_size;
} options_head;

#define HEAD_IS_FIRST(type)                                                                \
    _Static_assert(offsetof(type, abi_version) == offsetof(options_head, abi_version) &&   \
                       offsetof(type, struct_size) == offsetof(options_head, struct_size), \
                   #type " begins otherwise")
HEAD_IS_FIRST(caption_model_options);
HEAD_IS_FIRST(caption_session_options);
HEAD_IS_FIRST(caption_decode_options);
HEAD_IS_FIRST(caption_explain_options);

/* ---- structures of options ---- */

/* Copies this library's defaults into the caller's structure, as far as both go, with the caller's head.
 * Whether that version is known is asked when the options are used. */
static void give_defaults(void *options, const void *defaults, size_t known, const options_head *caller)
{
    if (!options || caller->struct_size < sizeof *caller) return;
    memcpy(options, defaults, caller->struct_size < known ? caller->struct_size : known);
    memcpy(options, caller, sizeof *caller);
}

/* Reads a caller's options over the defaults in `to`, whose own head stays. */
static caption_status read_options(const cpt_structure *structure, void *to, const void *from,
                                   caption_error *error)
{
    const options_head own = {CAPTION_ABI_VERSION, (uint32_t)structure->known};
    options_head head;
    memcpy(&head, from, sizeof head);
    if (head.abi_version != CAPTION_ABI_VERSION) {
        return cpt_fail(error, CAPTION_ERROR_VERSION,
                        "%s of ABI version %d, libcaption " CAPTION_VERSION " has version %d",
                        structure->name, head.abi_version, CAPTION_ABI_VERSION);
    }
    const caption_status status = cpt_take_in(structure, to, from, head.struct_size, error);
    memcpy(to, &own, sizeof own);
    return status;
}

/* `reserved` [bytes] must be 0: a newer program may have put something there. */
static caption_status check_reserved(const char *name, const void *reserved, size_t bytes,
                                     caption_error *error)
{
    const unsigned char *at = reserved;
    for (size_t i = 0; i < bytes; i++) {
        if (at[i] != 0) {
            return cpt_fail(error, CAPTION_ERROR_VERSION,
                            "%s: a reserved field is not 0; fill the structure with its _init function",
                            name);
        }
    }
    return CAPTION_OK;
}

typedef struct option_range {
    const char *name;
    double value, low, high;
} option_range;

/* NaN is in no range. */
static caption_status check_ranges(const char *name, const option_range *ranges, size_t count,
                                   caption_error *error)
{
    for (size_t i = 0; i < count; i++) {
        const option_range *r = &ranges[i];
        if (!(r->value >= r->low && r->value <= r->high)) {
            return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "%s: %s is %.10g, must be %.10g to %.10g", name,
                            r->name, r->value, r->low, r->high);
        }
    }
    return CAPTION_OK;
}

/* ---- model options ---- */

static const cpt_structure model_options = {"model options", sizeof(options_head),
                                            sizeof(caption_model_options)};

void caption_model_options_defaults(caption_model_options *options, int abi_version, size_t struct_size)
{
    const caption_model_options defaults = {0};
    give_defaults(options, &defaults, sizeof defaults, &(options_head){abi_version, (uint32_t)struct_size});
}

caption_status cpt_model_options_read(caption_model_options *to, const caption_model_options *from,
                                      caption_error *error)
{
    caption_model_options_init(to);
    if (!from) return CAPTION_OK;
    const caption_status status = read_options(&model_options, to, from, error);
    return status ? status : check_reserved(model_options.name, to->reserved, sizeof to->reserved, error);
}

/* ---- session options ---- */

static const cpt_structure session_options = {"session options", sizeof(options_head),
                                              sizeof(caption_session_options)};

void caption_session_options_defaults(caption_session_options *options, int abi_version, size_t struct_size)
{
    const caption_session_options defaults = {
        .threads = 1,
        .max_batch = 1,
        .conv = CAPTION_CONV_AUTO,
        .cpu = CAPTION_CPU_ALL,
        .max_pixels = CAPTION_DEFAULT_MAX_PIXELS,
        .decode_memory = CAPTION_DEFAULT_DECODE_MEMORY,
    };
    give_defaults(options, &defaults, sizeof defaults, &(options_head){abi_version, (uint32_t)struct_size});
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

caption_status cpt_session_options_read(caption_session_options *to, const caption_session_options *from,
                                        const caption_model *model, caption_error *error)
{
    const caption_decode_options *defaults = &model->defaults;
    caption_session_options_init(to);
    caption_status status = from ? read_options(&session_options, to, from, error) : CAPTION_OK;
    if (!status) status = check_reserved(session_options.name, to->reserved, sizeof to->reserved, error);
    if (status) return status;
    if (to->max_beams == 0) to->max_beams = larger(defaults->beams, CAPTION_DEFAULT_BEAMS);
    if (to->max_length == 0) to->max_length = larger(defaults->max_length, CAPTION_DEFAULT_LENGTH);
    const option_range ranges[] = {
        {.name = "threads", .value = to->threads, .low = 1, .high = CAPTION_MAX_THREADS},
        {.name = "max_batch", .value = to->max_batch, .low = 1, .high = CAPTION_MAX_BATCH},
        {.name = "max_beams", .value = to->max_beams, .low = 1, .high = CAPTION_MAX_BEAMS},
        {.name = "max_length", .value = to->max_length, .low = 1, .high = CAPTION_MAX_LENGTH},
        {.name = "conv", .value = to->conv, .low = CAPTION_CONV_AUTO, .high = CAPTION_CONV_IM2COL},
        {.name = "max_pixels", .value = (double)to->max_pixels, .low = 1, .high = (double)UINT64_MAX},
        {.name = "explain", .value = to->explain, .low = 0, .high = 1},
        {.name = "low_memory", .value = to->low_memory, .low = 0, .high = 1},
    };
    status = check_ranges(session_options.name, ranges, sizeof ranges / sizeof *ranges, error);
    if (status || !to->low_memory || (to->max_batch == 1 && !to->explain)) return status;
    return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "%s: low_memory goes with max_batch 1 and explain 0",
                    session_options.name);
}

/* ---- decoding options ---- */

static const cpt_structure decode_options = {"decoding options", sizeof(options_head),
                                             sizeof(caption_decode_options)};

void caption_decode_options_defaults(caption_decode_options *options, const caption_model *model,
                                     int abi_version, size_t struct_size)
{
    const caption_decode_options published = {
        .search = CAPTION_SEARCH_BEAM,
        .beams = CAPTION_DEFAULT_BEAMS,
        .max_length = CAPTION_DEFAULT_LENGTH,
        .length_alpha = CAPTION_DEFAULT_LENGTH_ALPHA,
        .repetition_penalty = CAPTION_DEFAULT_REPETITION_PENALTY,
        .penalty = CAPTION_PENALTY_PUBLISHED,
    };
    give_defaults(options, model ? &model->defaults : &published, sizeof published,
                  &(options_head){abi_version, (uint32_t)struct_size});
}

caption_status cpt_decode_options_read(caption_decode_options *to, const caption_decode_options *from,
                                       const caption_model *model, caption_error *error)
{
    caption_decode_options_init(to, model);
    if (!from) return CAPTION_OK;
    const caption_status status = read_options(&decode_options, to, from, error);
    return status ? status : check_reserved(decode_options.name, to->reserved, sizeof to->reserved, error);
}

caption_status cpt_decode_options_check(const caption_decode_options *o,
                                        const caption_session_options *session, caption_error *error)
{
    const option_range ranges[] = {
        {.name = "search", .value = o->search, .low = CAPTION_SEARCH_BEAM, .high = CAPTION_SEARCH_GREEDY},
        {.name = "max_length", .value = o->max_length, .low = 1, .high = session->max_length},
        {.name = "min_length", .value = o->min_length, .low = 0, .high = o->max_length},
        {.name = "length_alpha",
         .value = (double)o->length_alpha,
         .low = 0,
         .high = (double)CAPTION_MAX_LENGTH_ALPHA},
        {.name = "repetition_penalty",
         .value = (double)o->repetition_penalty,
         .low = (double)CAPTION_MIN_REPETITION_PENALTY,
         .high = (double)CAPTION_MAX_REPETITION_PENALTY},
        {.name = "penalty",
         .value = o->penalty,
         .low = CAPTION_PENALTY_PUBLISHED,
         .high = CAPTION_PENALTY_CORRECTED},
    };
    const option_range beam_ranges[] = {
        {.name = "beams", .value = o->beams, .low = 1, .high = session->max_beams},
        {.name = "nbest", .value = o->nbest, .low = 0, .high = o->beams},
    };
    const caption_status status =
        check_ranges(decode_options.name, ranges, sizeof ranges / sizeof *ranges, error);
    if (status || o->search == CAPTION_SEARCH_GREEDY) return status; /* greedy search has no beams */
    return check_ranges(decode_options.name, beam_ranges, sizeof beam_ranges / sizeof *beam_ranges, error);
}

/* ---- options of explanations ---- */

static const cpt_structure explain_options = {"explanation options", sizeof(options_head),
                                              sizeof(caption_explain_options)};

void caption_explain_options_defaults(caption_explain_options *options, int abi_version, size_t struct_size)
{
    const caption_explain_options defaults = {.method = CAPTION_EXPLAIN_GRADCAM};
    give_defaults(options, &defaults, sizeof defaults, &(options_head){abi_version, (uint32_t)struct_size});
}

caption_status cpt_explain_options_read(caption_explain_options *to, const caption_explain_options *from,
                                        caption_error *error)
{
    caption_explain_options_init(to);
    caption_status status = from ? read_options(&explain_options, to, from, error) : CAPTION_OK;
    if (!status) status = check_reserved(explain_options.name, &to->unused, sizeof to->unused, error);
    if (!status) status = check_reserved(explain_options.name, to->reserved, sizeof to->reserved, error);
    if (status) return status;
    const option_range method = {.name = "method",
                                 .value = to->method,
                                 .low = CAPTION_EXPLAIN_GRADCAM,
                                 .high = CAPTION_EXPLAIN_OCCLUSION};
    return check_ranges(explain_options.name, &method, 1, error);
}
