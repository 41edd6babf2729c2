/* Two models side by side, written out; see compare_report.h. */
#include "tools/eval/compare_report.h"

#include <string.h>

#include "lib/format/names.h"
#include "tools/common/clean.h"
#include "tools/common/json.h"
#include "tools/eval/report.h"

static const char *precision_name(const eval_model *m)
{
    caption_model_info info;
    caption_model_get_info(m->model, &info);
    return cpt_name_of(cpt_precision_names, info.precision);
}

static void print_row(const char *name, double a, double b, FILE *out)
{
    (void)fprintf(out, "%-9s%9.4f%10.4f%+10.4f\n", name, a, b, b - a);
}

static void print_metrics(const eval_comparison *c, FILE *out)
{
    for (size_t i = 0; i < EVAL_N_METRICS; i++) {
        char name[16];
        const bool mark = c->no_synonyms && i == EVAL_METEOR;
        (void)snprintf(name, sizeof name, "%s%s", eval_metric_name(i, false), mark ? "*" : "");
        print_row(name, eval_metric_value(&c->metrics[0], i), eval_metric_value(&c->metrics[1], i), out);
    }
    if (c->no_synonyms) (void)fputs("* without synonyms\n", out);
}

void eval_compare_report_text(const eval_comparison *c, FILE *out)
{
    for (int m = 0; m < 2; m++) {
        (void)fprintf(out, "%-11s", m ? "model B" : "model A");
        tool_put_clean(out, c->models[m]->name);
        (void)fprintf(out, " (%s)\n", precision_name(c->models[m]));
    }
    (void)fprintf(out, "images     %zu", c->captioned);
    if (c->failed) (void)fprintf(out, ", %zu failed", c->failed);
    (void)fputc('\n', out);
    (void)fprintf(out, "equal      %zu (%.1f %%)\n", c->equal, 100 * (double)c->equal / (double)c->captioned);
    (void)fputs("score differences\n", out);
    (void)fprintf(out, "  mean     %.4f\n  largest  %.4f (", c->mean, c->largest);
    tool_put_clean(out, c->largest_name);
    (void)fprintf(out, ")\n\n%-9s%9s%10s%10s\n", "", "A", "B", "B - A");
    print_row("score", c->mean_score[0], c->mean_score[1], out);
    if (c->scored) print_metrics(c, out);
}

static json_t *model_object(const eval_comparison *c, int m)
{
    const caption_decode_options *d = &c->models[m]->decode;
    const bool greedy = d->search == CAPTION_SEARCH_GREEDY;
    json_t *object = json_object();
    tool_json_set(&object, "checkpoint", tool_json_text(c->models[m]->name));
    tool_json_set(&object, "precision", json_string(precision_name(c->models[m])));
    tool_json_set(&object, "method", json_string(cpt_name_of(cpt_search_names, d->search)));
    tool_json_set(&object, "beam_width", greedy ? json_null() : json_integer(d->beams));
    tool_json_set(&object, "max_len", json_integer(d->max_length));
    tool_json_set(&object, "mean_score", tool_json_real(c->mean_score[m]));
    for (size_t i = 0; i < EVAL_N_METRICS && c->scored; i++) {
        tool_json_set(&object, eval_metric_name(i, c->no_synonyms),
                      json_real(eval_metric_value(&c->metrics[m], i)));
    }
    return object;
}

json_t *eval_compare_report_json(const eval_comparison *c)
{
    json_t *differences = json_object(), *models = json_array(), *object = json_object();
    tool_json_set(&differences, "mean", tool_json_real(c->mean));
    tool_json_set(&differences, "largest", tool_json_real(c->largest));
    tool_json_set(&differences, "image", tool_json_text(c->largest_name));
    for (int m = 0; m < 2; m++) tool_json_append(&models, model_object(c, m));
    tool_json_set(&object, "n_images", json_integer((json_int_t)c->captioned));
    tool_json_set(&object, "n_failed", json_integer((json_int_t)c->failed));
    tool_json_set(&object, "n_equal", json_integer((json_int_t)c->equal));
    tool_json_set(&object, "score_differences", differences);
    tool_json_set(&object, "models", models);
    return object;
}

void eval_compare_report_images(const eval_comparison *c, FILE *out)
{
    (void)fputs("image\tequal\tscore A\tscore B\tcaption A\tcaption B\n", out);
    for (size_t i = 0; i < c->n_images; i++) {
        const eval_pair *pair = &c->pairs[i];
        if (!pair->text[0]) continue;
        tool_put_field(out, c->images[i]);
        (void)fprintf(out, "\t%d\t%.6f\t%.6f\t", strcmp(pair->text[0], pair->text[1]) == 0, pair->score[0],
                      pair->score[1]);
        tool_put_field(out, pair->text[0]);
        (void)fputc('\t', out);
        tool_put_field(out, pair->text[1]);
        (void)fputc('\n', out);
    }
}
