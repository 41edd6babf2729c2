/* For now: ranges from the largest values. */
#include <caption.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "tools/common/cli.h"
#include "tools/common/images.h"
#include "tools/convert/ranges.h"

typedef struct seen {
    char name[40];
    float low, high;
} seen;
typedef struct state {
    seen maps[64];
    int count;
} state;

static int look(void *user, const caption_progress *p)
{
    state *s = user;
    const caption_map *m = p->map;
    if (!m || !strcmp(m->layer, "maxpool")) return 0;
    int i = 0;
    while (i < s->count && strcmp(s->maps[i].name, m->layer) != 0) i++;
    if (i == s->count) {
        s->count++;
        snprintf(s->maps[i].name, 40, "%s", m->layer);
    }
    for (int y = 0; y < m->height * m->width * m->images; y++)
        for (int c = 0; c < m->channels; c++) {
            float v = m->values[(size_t)y * m->pitch + (size_t)c];
            if (v < s->maps[i].low) s->maps[i].low = v;
            if (v > s->maps[i].high) s->maps[i].high = v;
        }
    return 0;
}
bool convert_ranges_from_pictures(convert_ranges *r, const caption_model *model,
                                  const convert_pictures *pictures, tool_error *err)
{
    const char *what = pictures->name;
    tool_images images = {0};
    state s;
    memset(&s, 0, sizeof s);
    caption_session *session = NULL;
    caption_session_options so;
    caption_session_options_init(&so);
    so.threads = 2;
    caption_decode_options o;
    caption_decode_options_init(&o, model);
    o.progress = look;
    o.progress_user = &s;
    caption_error e;
    if (!tool_images_add(&images, what, false, err)) return false;
    if (caption_session_create(&session, model, &so, &e)) return tool_fail_caption(err, what, &e);
    for (size_t i = 0; i < images.count; i++) {
        if (caption_load_file(session, 0, images.names[i], &e) || caption_encode(session, 1, &o, &e))
            return tool_fail_caption(err, what, &e);
        r->pictures++;
    }
    for (int i = 0; i < s.count; i++) {
        convert_range *x = &r->layers[r->count++];
        snprintf(x->layer, sizeof x->layer, "%s", s.maps[i].name);
        x->scale = (s.maps[i].high - s.maps[i].low) / 255;
        x->zero_point = (int)rintf(-s.maps[i].low / x->scale);
        if (!(x->scale > 0)) {
            x->scale = 1;
            x->zero_point = 0;
        }
    }
    caption_session_close(&session);
    tool_images_free(&images);
    return true;
}

bool convert_ranges_from_norms(convert_ranges *ranges, const convert_plan *plan, tool_error *err)
{
    (void)ranges;
    (void)plan;
    return tool_fail(err, "not yet");
}
