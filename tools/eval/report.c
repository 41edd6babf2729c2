/* Scores written out; see report.h. */
#include "tools/eval/report.h"

#include <math.h>

#include "tools/common/json.h"

const char *eval_metric_name(size_t i, bool no_synonyms)
{
    static const char *const names[EVAL_N_METRICS] = {"BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4",
                                                      "METEOR", "CIDEr",  "ROUGE-L"};
    return i == EVAL_METEOR && no_synonyms ? "METEOR (no synonyms)" : names[i];
}

double eval_metric_value(const eval_scores *s, size_t i)
{
    return i < EVAL_METEOR        ? s->bleu[i]
           : i == EVAL_METEOR     ? s->meteor
           : i == EVAL_METEOR + 1 ? s->cider
                                  : s->rouge_l;
}

void eval_report_table(const eval_report *report, FILE *out)
{
    const int width = report->no_synonyms ? 22 : 9;
    (void)fprintf(out, "%-*s%6zu\n", width, "images", report->n_images);
    for (size_t i = 0; i < EVAL_N_METRICS; i++) {
        (void)fprintf(out, "%-*s%6.4f\n", width, eval_metric_name(i, report->no_synonyms),
                      eval_metric_value(&report->scores, i));
    }
}

/* The double nearest to the value at so many decimals, decided on its exact digits as Python's round() does.
 */
static double rounded(double value, int decimals)
{
    double result = value;
    char text[64];
    (void)snprintf(text, sizeof text, "%.*f", decimals, value);
    (void)sscanf(text, "%lf", &result);
    return result;
}

static json_t *text_or_null(const char *text)
{
    return text ? tool_json_text(text) : json_null();
}

static json_t *number_or_null(int number)
{
    return number > 0 ? json_integer(number) : json_null();
}

json_t *eval_report_json(const eval_report *report)
{
    json_t *object = json_object();
    tool_json_set(&object, "checkpoint", text_or_null(report->checkpoint));
    tool_json_set(&object, "split", text_or_null(report->split));
    tool_json_set(&object, "n_images", json_integer((json_int_t)report->n_images));
    tool_json_set(&object, "method", text_or_null(report->method));
    tool_json_set(&object, "beam_width", number_or_null(report->beam_width));
    tool_json_set(&object, "max_len", number_or_null(report->max_len));
    tool_json_set(&object, "rnn_type", text_or_null(report->rnn_type));
    for (size_t i = 0; i < EVAL_N_METRICS; i++) {
        tool_json_set(&object, eval_metric_name(i, report->no_synonyms),
                      json_real(rounded(eval_metric_value(&report->scores, i), 4)));
    }
    tool_json_set(&object, "wall_clock_s",
                  report->seconds < 0 ? json_null() : json_real(rounded(report->seconds, 1)));
    return object;
}

void eval_report_images(const eval_joined *joined, const eval_scores *scores, bool no_synonyms, FILE *out)
{
    const size_t n = eval_corpus_size(joined->corpus);
    (void)fputs("image", out);
    for (size_t j = 0; j < EVAL_N_METRICS; j++) (void)fprintf(out, "\t%s", eval_metric_name(j, no_synonyms));
    (void)fputs("\tcaption\n", out);
    for (size_t i = 0; i < n; i++) {
        (void)fputs(joined->items[i]->image, out);
        for (size_t j = 0; j < EVAL_N_METRICS; j++) {
            (void)fprintf(out, "\t%.6f", eval_metric_value(&scores[i], j));
        }
        (void)fputc('\t', out);
        for (const char *p = joined->items[i]->caption; *p; p++) {
            (void)fputc(*p == '\t' || *p == '\n' || *p == '\r' ? ' ' : *p, out);
        }
        (void)fputc('\n', out);
    }
}
