/* `capeval run --compare`; see compare_command.h. */
#include "tools/eval/compare_command.h"

#include <stdlib.h>
#include <string.h>

#include "tools/common/cli.h"
#include "tools/common/crew.h"
#include "tools/common/images.h"
#include "tools/common/output.h"
#include "tools/eval/compare.h"
#include "tools/eval/compare_report.h"
#include "tools/eval/own.h"

enum { SETTINGS = 512 };

/* ---- which images ---- */

static bool add_name(eval_refs *names, const char *name, size_t length, tool_error *err)
{
    return eval_refs_add(names, name, length, "", 0) || tool_fail(err, "list of images: out of memory");
}

static bool add_listed(eval_refs *names, const char *list, bool null, tool_error *err)
{
    tool_text text = {NULL, 0};
    if (!tool_text_read(&text, list, EVAL_MAX_FILE, err)) return false;
    tool_lines lines = {0};
    (null ? tool_names_begin : tool_lines_begin)(&lines, text.data, text.size);
    bool ok = true;
    while (ok && tool_lines_next(&lines)) {
        if (lines.length) ok = add_name(names, lines.line, lines.length, err);
    }
    tool_text_free(&text);
    if (ok && !eval_refs_count(names)) ok = tool_fail(err, "%s: no images", list);
    return ok;
}

static bool add_folder(eval_refs *names, const char *folder, tool_error *err)
{
    tool_images found = {0};
    bool ok = tool_images_add(&found, folder, false, err);
    for (size_t i = 0; ok && i < found.count; i++) {
        const char *name = found.names[i] + strlen(folder);
        while (*name == '/') name++;
        ok = add_name(names, name, strlen(name), err);
    }
    tool_images_free(&found);
    return ok;
}

/* What stands for the references where there are none: the images' names alone. */
static eval_refs *read_names(const eval_run_options *options, tool_error *err)
{
    eval_refs *names = eval_refs_create();
    if (!names) {
        (void)tool_fail(err, "list of images: out of memory");
    } else if (!(options->list ? add_listed(names, options->list, options->null, err)
                               : add_folder(names, options->images, err))) {
        eval_refs_free(&names);
    }
    return names;
}

static const char **list_images(const eval_run_options *options, const eval_refs *refs, size_t *count,
                                tool_error *err)
{
    const char *list = options->refs ? options->list : NULL;
    return (options->null ? eval_refs_list_null : eval_refs_list)(refs, list, count, err);
}

/* ---- the models ---- */

/* "name=value" of the line at text, and the line behind it; NULL at the end. */
static const char *next_setting(const char *text, char line[SETTINGS])
{
    const size_t length = strcspn(text, "\n");
    if (!text[0]) return NULL;
    memcpy(line, text, length);
    line[length] = '\0';
    return text[length] ? text + length + 1 : text + length;
}

/* Says what else differs than the model, for then the captions differ for two reasons. */
static void print_differences(const char *first, const char *second)
{
    char a[SETTINGS], b[SETTINGS];
    bool same_model = false;
    while ((first = next_setting(first, a)) && (second = next_setting(second, b))) {
        const bool is_model = strncmp(a, "model=", 6) == 0;
        if (strcmp(a, b) == 0) {
            same_model = same_model || is_model;
        } else if (!is_model) {
            tool_note("capeval", "note: the models' own settings differ: %s and %s", a, b);
        }
    }
    if (same_model) tool_note("capeval", "note: both files hold the same model");
}

static bool open_models(eval_model models[2], const eval_run_options *options, tool_error *err)
{
    char settings[2][SETTINGS];
    for (int m = 0; m < 2; m++) {
        const char *path = m ? options->compare : options->model;
        models[m].session = options->session;
        if (!eval_model_open(&models[m], path, options->greedy, options->beams, err)) return false;
        if (!eval_model_settings(&models[m], settings[m], sizeof settings[m])) {
            return tool_fail(err, "%s: settings too long", models[m].name);
        }
    }
    if (!options->score.quiet) print_differences(settings[0], settings[1]);
    return true;
}

/* ---- results ---- */

static bool score_both(eval_comparison *comparison, const eval_refs *refs, const eval_score_options *options,
                       tool_error *err)
{
    eval_predictions lists[2] = {{0}, {0}};
    bool ok = true;
    for (int m = 0; m < 2 && ok; m++) ok = eval_compare_list(&lists[m], comparison, m, err);
    ok = ok && eval_score_pair(lists, refs, options, comparison->metrics, &comparison->no_synonyms, err);
    comparison->scored = ok;
    for (int m = 0; m < 2; m++) eval_predictions_free(&lists[m]);
    return ok;
}

/* Both files appear, or none does. */
static bool write_results(const eval_comparison *comparison, const eval_score_options *options,
                          tool_error *err)
{
    tool_output images = {0}, result = {0};
    bool ok = (!options->per_image || eval_own_output(&eval_own_pairs, &images, options->per_image, err)) &&
              tool_output_open(&result, NULL, err);
    if (ok && images.stream) eval_compare_report_images(comparison, images.stream);
    if (ok && options->json) {
        tool_output_json(&result, eval_compare_report_json(comparison), JSON_INDENT(2) | TOOL_JSON_FLAGS);
    } else if (ok) {
        eval_compare_report_text(comparison, result.stream);
    }
    ok = ok && tool_output_whole(&result, err) && tool_output_close(&images, err) &&
         tool_output_close(&result, err);
    tool_output_abort(&images);
    tool_output_abort(&result);
    return ok;
}

static bool report(eval_comparison *comparison, const eval_refs *refs, const eval_run_options *options,
                   tool_error *err)
{
    if (!comparison->captioned) {
        return tool_fail(err, "none of %zu images captioned: %s", comparison->n_images,
                         comparison->first_failure.message);
    }
    if (options->refs && !score_both(comparison, refs, &options->score, err)) return false;
    return write_results(comparison, &options->score, err);
}

bool eval_compare_command(const eval_run_options *options, tool_error *err)
{
    eval_model models[2] = {{0}, {0}};
    eval_comparison comparison = {
        .models = {&models[0], &models[1]}, .folder = options->images, .quiet = options->score.quiet};
    eval_refs *refs = NULL;
    const char **images = NULL;
    bool ok = false;
    comparison.threads = options->threads ? options->threads : tool_processors(TOOL_CREW_MOST);
    const char *per_image = options->score.per_image;
    if (per_image && !eval_own_check(&eval_own_pairs, per_image, err)) goto done;
    if (!tool_is_folder(options->images)) {
        (void)tool_fail(err, "%s: no such folder", options->images);
        goto done;
    }
    refs = options->refs ? eval_refs_read(options->refs, err) : read_names(options, err);
    if (!refs) goto done;
    images = list_images(options, refs, &comparison.n_images, err);
    if (!images) goto done;
    comparison.images = images;
    if (!open_models(models, options, err) || !eval_compare(&comparison, err)) goto done;
    ok = report(&comparison, refs, options, err);
    if (ok && comparison.failed) {
        ok = tool_fail(err, "%zu of %zu images failed", comparison.failed, comparison.n_images);
    }
done:
    eval_comparison_free(&comparison);
    for (int m = 0; m < 2; m++) eval_model_close(&models[m]);
    eval_refs_free(&refs);
    free(images);
    return ok;
}
