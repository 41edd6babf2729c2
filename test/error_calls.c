/* error_calls.c - see error_calls.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "test/error_calls.h"
#include "test/fixture.h"

static int junk; /* pointers are set to it before a call that must set them */

static caption_status opened(caption_status status, caption_model **model)
{
    assert_true((status == CAPTION_OK) == (*model != NULL));
    caption_model_close(model);
    return status;
}

static caption_status call_open_file(const args *a, caption_error *error)
{
    caption_model *model = (void *)&junk;
    const caption_status status =
        caption_model_open_file(a->no_result ? NULL : &model, a->path, a->model_how, error);
    return a->no_result ? status : opened(status, &model);
}

static caption_status call_open_memory(const args *a, caption_error *error)
{
    caption_model *model = (void *)&junk;
    const caption_status status = caption_model_open_memory(a->no_result ? NULL : &model, a->data,
                                                            (size_t)a->size, a->model_how, error);
    return a->no_result ? status : opened(status, &model);
}

int read_model(void *user, uint64_t offset, void *buffer, size_t size)
{
    memcpy(buffer, (const unsigned char *)user + offset, size);
    return 0;
}

int read_nothing(void *user, uint64_t offset, void *buffer, size_t size)
{
    (void)user, (void)offset, (void)buffer, (void)size;
    return -1;
}

static caption_status call_open_callback(const args *a, caption_error *error)
{
    caption_model *model = (void *)&junk;
    const caption_status status = caption_model_open_callback(
        a->no_result ? NULL : &model, a->read, (void *)(uintptr_t)a->data, a->size, a->model_how, error);
    return a->no_result ? status : opened(status, &model);
}

static caption_status call_init_model(const args *a, caption_error *error)
{
    caption_model *model = (void *)&junk;
    const caption_status status = caption_model_init(a->no_result ? NULL : &model, a->memory, a->room,
                                                     a->data, (size_t)a->size, a->model_how, error);
    return a->no_result ? status : opened(status, &model);
}

static caption_status call_get_info(const args *a, caption_error *error)
{
    caption_model_info info;
    return caption_model_get_info_sized(a->model, a->no_result ? NULL : &info,
                                        a->struct_size ? a->struct_size : sizeof info, error);
}

static caption_status call_get_tensor(const args *a, caption_error *error)
{
    caption_tensor_info info;
    return caption_model_tensor_sized(a->model, a->number, a->no_result ? NULL : &info,
                                      a->struct_size ? a->struct_size : sizeof info, error);
}

static caption_status call_verify(const args *a, caption_error *error)
{
    return caption_model_verify(a->model, a->number, error);
}

/* This one returns a size: the status is in the error structure alone. */
static caption_status call_session_size(const args *a, caption_error *error)
{
    caption_error own;
    const size_t size = caption_session_size(a->model, a->session_options, error);
    assert_int_equal(caption_session_size(a->model, a->session_options, &own), size);
    assert_true((size > 0) == (own.status == CAPTION_OK));
    return own.status;
}

static caption_status call_init_session(const args *a, caption_error *error)
{
    caption_session *s = (void *)&junk;
    const caption_status status = caption_session_init(a->no_result ? NULL : &s, a->memory, a->room, a->model,
                                                       a->session_options, error);
    if (a->no_result) return status;
    assert_true((status == CAPTION_OK) == (s != NULL));
    caption_session_close(&s);
    return status;
}

static caption_status call_create_session(const args *a, caption_error *error)
{
    caption_session *s = (void *)&junk;
    const caption_status status =
        caption_session_create(a->no_result ? NULL : &s, a->model, a->session_options, error);
    if (a->no_result) return status;
    assert_true((status == CAPTION_OK) == (s != NULL));
    caption_session_close(&s);
    return status;
}

/* A call that failed has set its result to NULL. */
static caption_status resulted(caption_status status, const args *a, const caption_result *result)
{
    if (!a->no_result) assert_true((status == CAPTION_OK) == (result != NULL));
    return status;
}

static caption_status call_file(const args *a, caption_error *error)
{
    const caption_result *result = (void *)&junk;
    const caption_status status =
        caption_file(a->session, a->path, a->options, a->no_result ? NULL : &result, error);
    return resulted(status, a, result);
}

static caption_status call_image(const args *a, caption_error *error)
{
    const caption_result *result = (void *)&junk;
    const caption_status status =
        caption_image(a->session, a->data, (size_t)a->size, a->options, a->no_result ? NULL : &result, error);
    return resulted(status, a, result);
}

static caption_pixel_view view_of(const args *a)
{
    caption_pixel_view view = fixture_pixels(1);
    view.width = a->width;
    return view;
}

static caption_status call_pixels(const args *a, caption_error *error)
{
    const caption_pixel_view view = view_of(a);
    const caption_result *result = (void *)&junk;
    const caption_status status = caption_pixels_sized(a->session, a->data ? &view : NULL,
                                                       a->struct_size ? a->struct_size : sizeof view,
                                                       a->options, a->no_result ? NULL : &result, error);
    return resulted(status, a, result);
}

static caption_status call_load_file(const args *a, caption_error *error)
{
    return caption_load_file(a->session, a->number, a->path, error);
}

static caption_status call_load_image(const args *a, caption_error *error)
{
    return caption_load_image(a->session, a->number, a->data, (size_t)a->size, error);
}

static caption_status call_load_pixels(const args *a, caption_error *error)
{
    const caption_pixel_view view = view_of(a);
    return caption_load_pixels_sized(a->session, a->number, a->data ? &view : NULL,
                                     a->struct_size ? a->struct_size : sizeof view, error);
}

/* Slot 0 is loaded, slot 1 is empty. */
static caption_status call_encode(const args *a, caption_error *error)
{
    if (a->session) {
        const caption_pixel_view view = fixture_pixels(1);
        assert_int_equal(caption_load_pixels(a->session, 0, &view, NULL), CAPTION_OK);
        (void)caption_load_image(a->session, 1, "", 0, NULL);
    }
    return caption_encode(a->session, a->number, a->options, error);
}

/* Slot 0 is encoded, slot 1 is empty. */
static caption_status call_decode(const args *a, caption_error *error)
{
    const caption_result *result = (void *)&junk;
    if (a->session) {
        static const float features[49 * 64]; /* of the fixture's model */
        assert_int_equal(caption_set_features(a->session, 0, features, NULL), CAPTION_OK);
        (void)caption_load_image(a->session, 1, "", 0, NULL);
    }
    const caption_status status =
        caption_decode(a->session, a->number, a->options, a->no_result ? NULL : &result, error);
    return resulted(status, a, result);
}

/* Likewise; slot 2 is empty too. */
static caption_status call_decode_batch(const args *a, caption_error *error)
{
    const caption_result *results[] = {(void *)&junk, (void *)&junk, (void *)&junk};
    if (a->session) {
        static const float features[49 * 64];
        assert_int_equal(caption_set_features(a->session, 0, features, NULL), CAPTION_OK);
        (void)caption_load_image(a->session, 1, "", 0, NULL);
    }
    const caption_status status =
        caption_decode_batch(a->session, a->number, a->options, a->no_result ? NULL : results, error);
    const bool counted = a->session && !a->no_result && a->number >= 1 && a->number <= 2;
    for (int i = 0; i < 2; i++) {
        /* set where there is such a result, and only there */
        assert_true((results[i] == (void *)&junk) == !(counted && i < a->number));
        if (results[i] != (void *)&junk) assert_true((status == CAPTION_OK) == (results[i] != NULL));
    }
    return status;
}

/* Slot 0 is encoded and loaded, slot 1 is empty. */
static caption_status call_explain(const args *a, caption_error *error)
{
    const caption_explanation *why = (void *)&junk;
    if (a->session) {
        const caption_pixel_view view = fixture_pixels(1);
        assert_int_equal(caption_load_pixels(a->session, 0, &view, NULL), CAPTION_OK);
        assert_int_equal(caption_encode(a->session, 1, NULL, NULL), CAPTION_OK);
        (void)caption_load_image(a->session, 1, "", 0, NULL);
    }
    const caption_status status =
        caption_explain(a->session, a->number, a->caption, a->explain_how, a->no_result ? NULL : &why, error);
    if (!a->no_result) assert_true((status == CAPTION_OK) == (why != NULL));
    return status;
}

static caption_status call_set_features(const args *a, caption_error *error)
{
    return caption_set_features(a->session, a->number, a->data, error);
}

static caption_status call_probe(const args *a, caption_error *error)
{
    caption_image_info info;
    return caption_image_probe_sized(a->data, (size_t)a->size, a->no_result ? NULL : &info,
                                     a->struct_size ? a->struct_size : sizeof info, error);
}

static caption_status call_layer(const args *a, caption_error *error)
{
    caption_layer_info info;
    return caption_session_layer_sized(a->session, a->number, a->no_result ? NULL : &info,
                                       a->struct_size ? a->struct_size : sizeof info, error);
}

const target open_file = {"caption_model_open_file", call_open_file};
const target open_memory = {"caption_model_open_memory", call_open_memory};
const target open_callback = {"caption_model_open_callback", call_open_callback};
const target init_model = {"caption_model_init", call_init_model};
const target get_info = {"caption_model_get_info_sized", call_get_info};
const target get_tensor = {"caption_model_tensor_sized", call_get_tensor};
const target verify = {"caption_model_verify", call_verify};
const target session_size = {"caption_session_size", call_session_size};
const target init_session = {"caption_session_init", call_init_session};
const target create_session = {"caption_session_create", call_create_session};
const target file = {"caption_file", call_file};
const target image = {"caption_image", call_image};
const target pixels = {"caption_pixels_sized", call_pixels};
const target load_file = {"caption_load_file", call_load_file};
const target load_image = {"caption_load_image", call_load_image};
const target load_pixels = {"caption_load_pixels_sized", call_load_pixels};
const target encode = {"caption_encode", call_encode};
const target decode = {"caption_decode", call_decode};
const target decode_batch = {"caption_decode_batch", call_decode_batch};
const target explain = {"caption_explain", call_explain};
const target set_features = {"caption_set_features", call_set_features};
const target probe = {"caption_image_probe_sized", call_probe};
const target layer = {"caption_session_layer_sized", call_layer};
