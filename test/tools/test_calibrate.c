/* Tests of the ranges of int8 models: histograms, fits, ranges from pictures and from batch norm. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "test/fixture.h"
#include "test/tools/net_maker.h"
#include "tools/common/images.h"
#include "tools/common/session.h"
#include "tools/convert/fit.h"

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/test_calibrate_XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    DIR *dir = opendir(folder);
    (void)state;
    if (!dir) return -1;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] != '.') (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
    (void)closedir(dir);
    return rmdir(folder);
}

/* ---- random numbers ---- */

static uint32_t random_state = 1;

/* In [0, 1). */
static double uniform(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (double)(random_state >> 8) / 16777216.0;
}

static double normal(void)
{
    const double radius = sqrt(-2 * log(1 - uniform()));
    return radius * cos(6.283185307179586 * uniform());
}

enum { SAMPLES = 20000 };
static float samples[SAMPLES];

static void sample_normals(double mean, double deviation, bool relu)
{
    random_state = 1;
    for (int i = 0; i < SAMPLES; i++) {
        const double value = mean + deviation * normal();
        samples[i] = relu && value < 0 ? 0 : (float)value;
    }
}

static convert_histogram open_histogram(bool with_sign)
{
    convert_histogram h;
    assert_true(convert_histogram_open(&h, with_sign));
    return h;
}

static convert_histogram count_samples(bool with_sign)
{
    convert_histogram h = open_histogram(with_sign);
    assert_true(convert_histogram_add(&h, samples, SAMPLES));
    return h;
}

static void assert_near(double value, double wanted, double part)
{
    if (fabs(value - wanted) > part * fabs(wanted)) fail_msg("%g, not %g", value, wanted);
}

/* ---- histograms ---- */

static void assert_same(const convert_histogram *a, const convert_histogram *b)
{
    assert_true(a->width == b->width && a->zeros == b->zeros && a->low == b->low && a->high == b->high);
    for (int i = 0; i < convert_histogram_bins(a); i++) assert_true(a->counts[i] == b->counts[i]);
}

/* Bins are merged as values grow, and every value is still where it belongs. */
static void any_order_gives_the_same_bins(void **state)
{
    (void)state;
    for (int with_sign = 0; with_sign < 2; with_sign++) {
        sample_normals(0.3, 1, !with_sign);
        for (int i = 0; i < SAMPLES; i++) samples[i] *= (float)i * 1e-3f; /* small ones first */
        convert_histogram up = open_histogram(with_sign), down = open_histogram(with_sign);
        convert_histogram halves[2] = {open_histogram(with_sign), open_histogram(with_sign)};
        for (int i = 0; i < SAMPLES; i++) {
            assert_true(convert_histogram_add(&up, samples + i, 1));
            assert_true(convert_histogram_add(&down, samples + SAMPLES - 1 - i, 1));
            assert_true(convert_histogram_add(&halves[i < SAMPLES / 2], samples + i, 1));
        }
        convert_histogram_join(&halves[0], &halves[1]);
        assert_same(&up, &down);
        assert_same(&up, &halves[0]);
        double total = up.zeros;
        for (int i = 0; i < convert_histogram_bins(&up); i++) {
            double wanted = 0;
            const double edge = convert_histogram_edge(&up, i);
            for (int k = 0; i % 97 == 0 && k < SAMPLES; k++) {
                wanted +=
                    samples[k] != 0 && (double)samples[k] >= edge && (double)samples[k] < edge + up.width;
            }
            if (i % 97 == 0) assert_true(up.counts[i] == wanted);
            total += up.counts[i];
        }
        assert_true(total == SAMPLES);
        assert_true(up.high < CONVERT_BINS * up.width);
        assert_true(fmax(up.high, -up.low) >= CONVERT_BINS / 2 * up.width);
        for (int i = 0; i < 2; i++) convert_histogram_close(&halves[i]);
        convert_histogram_close(&up);
        convert_histogram_close(&down);
    }
}

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void quantiles(void **state)
{
    static const double parts[] = {0.00005, 0.001, 0.1, 0.25, 0.5, 0.9, 0.99, 0.9999, 1};
    (void)state;
    for (int with_sign = 0; with_sign < 2; with_sign++) {
        sample_normals(0.2, 2, !with_sign);
        convert_histogram h = count_samples(with_sign);
        qsort(samples, SAMPLES, sizeof *samples, by_value);
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
            const double wanted = (double)samples[(int)ceil(parts[i] * SAMPLES) - 1];
            assert_true(fabs(convert_histogram_quantile(&h, parts[i]) - wanted) <= h.width);
        }
        convert_histogram_close(&h);
    }
}

/* The sum over the samples themselves. */
static double error_of_samples(double scale, int zero_point)
{
    double sum = 0;
    for (int i = 0; i < SAMPLES; i++) {
        const double byte = fmin(fmax(rint((double)samples[i] / scale) + zero_point, 0), 255);
        const double error = fabs((double)samples[i] - scale * (byte - zero_point)) / scale;
        const double rounded = fmin(error, 0.5); /* what is beyond is clipped */
        sum += scale * scale * (rounded * rounded + CONVERT_CLIPPED * (error * error - rounded * rounded));
    }
    return sum;
}

static void errors(void **state)
{
    (void)state;
    for (int with_sign = 0; with_sign < 2; with_sign++) {
        sample_normals(0.3, 1.7, !with_sign);
        convert_histogram h = count_samples(with_sign);
        for (double scale = 0.002; scale < 0.2; scale *= 1.5) {
            for (int zero_point = 0; zero_point <= (with_sign ? 255 : 0); zero_point += 51) {
                assert_near(convert_histogram_error(&h, scale, zero_point),
                            error_of_samples(scale, zero_point), 0.03);
            }
        }
        convert_histogram_close(&h);
    }
}

static void not_finite(void **state)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    (void)state;
    convert_histogram h = open_histogram(true);
    for (size_t i = 0; i < 3; i++) {
        const float values[3] = {1, bad[i], 2};
        assert_false(convert_histogram_add(&h, values, 3));
    }
    assert_true(h.width == 0 && h.high == 0);
    convert_histogram_close(&h);
}

/* ---- fits ---- */

static convert_range fit_values(const float *values, size_t count, bool with_sign, convert_method method)
{
    convert_range range = {.scale = 0};
    convert_histogram h = open_histogram(with_sign);
    assert_true(convert_histogram_add(&h, values, count));
    convert_fit(&range, &h, method);
    convert_histogram_close(&h);
    assert_int_equal(range.method, method);
    return range;
}

static void assert_range(const float *values, size_t count, bool with_sign, double scale, int zero_point)
{
    for (int method = 0; method <= CONVERT_METHOD_ERROR; method++) {
        const convert_range range = fit_values(values, count, with_sign, (convert_method)method);
        assert_near((double)range.scale, scale, 0.01);
        assert_int_equal(range.zero_point, zero_point);
    }
}

static void simple_layers(void **state)
{
    static const float zeros[100], constant[4] = {5.1f, 5.1f, 5.1f, 5.1f};
    static const float negative[2] = {-2.55f, -2.55f}, both[2] = {-1, 4.1f};
    static const float tiny[2] = {1e-38f, 1e-44f}, huge[2] = {3e38f, 0};
    (void)state;
    assert_range(zeros, 100, false, 1, 0);
    assert_range(zeros, 100, true, 1, 0);
    assert_range(constant, 4, false, 0.02, 0);
    assert_range(constant, 4, true, 0.02, 0);
    assert_range(negative, 2, true, 0.01, 255);
    assert_range(both, 2, true, 0.02, 50);
    assert_range(tiny, 2, false, 0x1p-100, 0); /* the least and the largest scale that a reader takes */
    assert_range(huge, 2, false, 0x1p64, 0);
}

/* One value is far from the others: the percentile leaves it out. */
static void outliers(void **state)
{
    (void)state;
    random_state = 3;
    for (int i = 0; i < SAMPLES; i++) samples[i] = (float)uniform();
    samples[77] = 1000;
    assert_near((double)fit_values(samples, SAMPLES, false, CONVERT_METHOD_MAX).scale, 1000 / 255.0, 1e-6);
    convert_range range = fit_values(samples, SAMPLES, false, CONVERT_METHOD_PERCENTILE);
    assert_true((double)range.scale * 255 < 1.5);
    range = fit_values(samples, SAMPLES, true, CONVERT_METHOD_PERCENTILE);
    assert_true((double)range.scale * 255 < 1.5 && range.zero_point == 0);
    memset(samples, 0, sizeof samples);
    samples[77] = 2.55f; /* more than 99.99 % are 0: the percentile must not be 0 */
    range = fit_values(samples, SAMPLES, false, CONVERT_METHOD_PERCENTILE);
    assert_near((double)range.scale, 0.01, 0.001);
}

/* Nothing that is tried on the samples themselves is better. */
static void least_error(void **state)
{
    (void)state;
    sample_normals(0, 1, true);
    convert_range range = fit_values(samples, SAMPLES, false, CONVERT_METHOD_ERROR);
    const double found = error_of_samples((double)range.scale, 0);
    for (double most = 0.1; most < 6; most += 0.02) {
        assert_true(error_of_samples(most / 255, 0) > 0.99 * found);
    }
    sample_normals(1, 2, false);
    range = fit_values(samples, SAMPLES, true, CONVERT_METHOD_ERROR);
    assert_in_range(range.zero_point, 64, 128);
    const double signed_found = error_of_samples((double)range.scale, range.zero_point);
    for (double most = 4; most < 20; most += 0.25) {
        for (int zero_point = 40; zero_point < 160; zero_point += 4) {
            assert_true(error_of_samples(most / 255, zero_point) > 0.99 * signed_found);
        }
    }
}

static convert_range choose(const convert_histogram *h)
{
    convert_range range = {.layer = "conv1"};
    convert_fit_best(&range, h);
    assert_string_equal(range.layer, "conv1");
    return range;
}

/* Where very few values lie far out, as in a real layer, it pays to clip them. */
static void the_choice(void **state)
{
    (void)state;
    sample_normals(0, 1, true);
    convert_histogram tail = count_samples(false);
    for (int i = 0; i < SAMPLES; i++) samples[i] = fminf(samples[i], 3);
    convert_histogram h = count_samples(false);
    for (int i = 0; i < 12; i++) convert_histogram_join(&h, &h);
    convert_histogram_join(&h, &tail);
    const convert_range range = choose(&h);
    assert_int_equal(range.method, CONVERT_METHOD_ERROR);
    for (int method = 0; method < CONVERT_METHOD_ERROR; method++) {
        convert_range other = {.scale = 0};
        convert_fit(&other, &h, (convert_method)method);
        assert_true(convert_histogram_error(&h, (double)range.scale, 0) <
                    convert_histogram_error(&h, (double)other.scale, 0));
    }
    convert_histogram_close(&tail);
    convert_histogram_close(&h);
    memset(samples, 0, sizeof samples); /* all ranges are equally good, and the simplest method is taken */
    h = count_samples(false);
    const convert_range none = choose(&h);
    assert_int_equal(none.method, CONVERT_METHOD_MAX);
    assert_true(none.scale == 1);
    convert_histogram_close(&h);
}

/* ---- pictures ---- */

static char standard_error[4096];

static bool calibrate(convert_ranges *ranges, const fixture *fix, const char *name, int threads,
                      tool_error *err)
{
    convert_pictures pictures = {.name = name, .tool = "tool", .model = "m.capw"};
    tool_session_options_init(&pictures.session);
    pictures.session.threads = threads;
    FILE *caught = tmpfile(); /* messages go there for the time */
    assert_non_null(caught);
    const int kept = dup(STDERR_FILENO);
    (void)fflush(stderr);
    assert_true(dup2(fileno(caught), STDERR_FILENO) >= 0);
    memset(err, 0, sizeof *err);
    const bool ok = convert_ranges_from_pictures(ranges, fix->model, &pictures, err);
    if (ok) assert_non_null(ranges->means[ranges->count - 1]);
    convert_ranges_free(ranges);
    (void)fflush(stderr);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    (void)close(kept);
    rewind(caught);
    standard_error[fread(standard_error, 1, sizeof standard_error - 1, caught)] = '\0';
    (void)fclose(caught);
    return ok;
}

static const char *in_folder(const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put_picture(const char *name, uint32_t seed, size_t less)
{
    size_t size;
    unsigned char *data = fixture_jpeg(seed, &size);
    assert_non_null(data);
    write_file(in_folder(name), data, size - less);
    free(data);
}

static void assert_same_ranges(const convert_ranges *a, const convert_ranges *b)
{
    assert_int_equal(a->count, b->count);
    for (int i = 0; i < a->count; i++) {
        const convert_range *x = &a->layers[i], *y = &b->layers[i];
        assert_string_equal(x->layer, y->layer);
        assert_true(x->scale == y->scale && x->zero_point == y->zero_point && x->method == y->method);
    }
    assert_true(a->largest_input == b->largest_input && a->pictures == b->pictures);
}

/* The largest value of each layer, found here. */
typedef struct seen_layers {
    float low[CPT_RESNET50_CONVOLUTIONS + 1], high[CPT_RESNET50_CONVOLUTIONS + 1];
} seen_layers;

static int see_layer(void *user, const caption_progress *progress)
{
    seen_layers *seen = user;
    const caption_map *map = progress->map;
    const int layer = progress->done - 1;
    for (int i = 0; i < map->height * map->width; i++) {
        for (int c = 0; c < map->channels; c++) {
            const float value = map->values[(size_t)i * map->pitch + (size_t)c];
            seen->low[layer] = fminf(seen->low[layer], value);
            seen->high[layer] = fmaxf(seen->high[layer], value);
        }
    }
    return 0;
}

/* Runs the pictures a, b, c ... up to `last` of the folder. */
static float see(const fixture *fix, char last, seen_layers *seen)
{
    caption_session *session = NULL;
    caption_decode_options options;
    caption_model_info info;
    float largest = 0;
    memset(seen, 0, sizeof *seen);
    caption_model_get_info(fix->model, &info);
    caption_decode_options_init(&options, fix->model);
    options.progress = see_layer;
    options.progress_user = seen;
    assert_int_equal(caption_session_create(&session, fix->model, NULL, NULL), CAPTION_OK);
    for (char name[] = "a.jpg"; name[0] <= last; name[0]++) {
        assert_int_equal(caption_load_file(session, 0, in_folder(name), NULL), CAPTION_OK);
        assert_int_equal(caption_encode(session, 1, &options, NULL), CAPTION_OK);
        const float *features = caption_slot_features(session, 0);
        for (int i = 0; i < info.positions * info.feature_channels; i++) {
            largest = fmaxf(largest, fabsf(features[i]));
        }
    }
    caption_session_close(&session);
    return largest;
}

static void from_pictures(void **state)
{
    static convert_ranges ranges, again;
    static seen_layers seen;
    tool_error err;
    fixture fix;
    (void)state;
    assert_true(fixture_open(&fix, NULL));
    put_picture("b.jpg", 2, 0);
    put_picture("a.jpg", 1, 0);
    put_picture("c.jpg", 3, 0);
    write_file(in_folder("notes"), "abc", 3);
    assert_true(calibrate(&ranges, &fix, folder, 1, &err));
    assert_int_equal(ranges.count, CPT_RESNET50_CONVOLUTIONS);
    assert_int_equal(ranges.pictures, 3);
    assert_int_equal(ranges.unreadable, 0);
    assert_true(ranges.largest_input == 0);
    assert_non_null(strstr(standard_error, "1 file that is no picture was passed over, the first is notes"));
    assert_non_null(strstr(standard_error, "warning: 3 pictures may not show all ranges; 16 or more"));
    assert_true(calibrate(&again, &fix, folder, 3, &err));
    assert_same_ranges(&ranges, &again);

    (void)see(&fix, 'c', &seen);
    assert_string_equal(ranges.layers[0].layer, "stem");
    assert_string_equal(ranges.layers[3].layer, "layer1.0.downsample");
    assert_string_equal(ranges.layers[52].layer, "layer4.2.conv3");
    for (int i = 0; i < ranges.count; i++) {
        const convert_range *range = &ranges.layers[i];
        const int layer = i ? i + 1 : 0; /* the max pool lies between */
        const double width = (double)(seen.high[layer] - seen.low[layer]);
        const bool with_sign = strstr(range->layer, "downsample") != NULL;
        assert_true(with_sign || (range->zero_point == 0 && seen.low[layer] >= 0));
        assert_in_range(range->zero_point, 0, 255);
        if (width == 0) assert_true(range->scale == 1);
        if (width > 0) assert_true((double)range->scale <= width / 255 * 1.000001);
        if (range->method == CONVERT_METHOD_MAX && width > 0) {
            assert_near((double)range->scale, width / 255, 1e-6);
        }
    }
    fixture_close(&fix);
}

/* The order of the pictures makes no difference. */
static void lists(void **state)
{
    static convert_ranges ranges, again;
    char text[512];
    tool_error err;
    fixture fix;
    (void)state;
    assert_true(fixture_open(&fix, NULL));
    put_picture("a.jpg", 1, 0);
    put_picture("b.jpg", 2, 0);
    (void)snprintf(text, sizeof text, "%s/b.jpg\n%s/a.jpg\n", folder, folder);
    assert_true(calibrate(&ranges, &fix, folder, 1, &err));
    write_file(in_folder("list"), text, strlen(text));
    assert_true(calibrate(&again, &fix, in_folder("list"), 1, &err));
    assert_same_ranges(&ranges, &again);
    assert_false(calibrate(&again, &fix, in_folder("a.jpg"), 1, &err));
    assert_non_null(strstr(err.message, "a.jpg: is a picture; name a folder or a list"));
    assert_false(calibrate(&again, &fix, in_folder("none"), 1, &err));
    assert_non_null(strstr(err.message, "none: No such file"));
    fixture_close(&fix);
}

static void unreadable_pictures(void **state)
{
    static convert_ranges ranges, again;
    tool_error err;
    fixture fix;
    (void)state;
    assert_true(fixture_open(&fix, NULL));
    put_picture("a.jpg", 1, 0);
    put_picture("b.jpg", 2, 0);
    assert_true(calibrate(&again, &fix, folder, 1, &err));
    write_file(in_folder("aa.jpg"), "\xFF\xD8\xFF", 3);
    assert_true(calibrate(&ranges, &fix, folder, 1, &err));
    assert_int_equal(ranges.unreadable, 1);
    assert_non_null(strstr(standard_error, "tool: "));
    assert_non_null(strstr(standard_error, "aa.jpg: "));
    assert_same_ranges(&ranges, &again);

    (void)unlink(in_folder("a.jpg"));
    (void)unlink(in_folder("b.jpg"));
    assert_false(calibrate(&ranges, &fix, folder, 1, &err));
    assert_non_null(strstr(err.message, folder));
    assert_non_null(strstr(err.message, "no picture in it can be read"));
    (void)unlink(in_folder("aa.jpg"));
    assert_false(calibrate(&ranges, &fix, folder, 1, &err));
    assert_non_null(strstr(err.message, "a folder without pictures"));
    fixture_close(&fix);
}

static void the_vector(void **state)
{
    static convert_ranges ranges;
    static seen_layers seen;
    make_model_options options;
    tool_error err;
    fixture fix;
    (void)state;
    make_model_defaults(&options);
    options.kind = CAPTION_KIND_BASELINE;
    assert_true(fixture_open(&fix, &options));
    put_picture("a.jpg", 1, 0);
    put_picture("b.jpg", 2, 0);
    assert_true(calibrate(&ranges, &fix, folder, 1, &err));
    const float largest = see(&fix, 'b', &seen);
    assert_true(largest > 0 && ranges.largest_input == largest);
    fixture_close(&fix);
}

/* ---- batch norm ---- */

enum { WIDTH = 3, BLOCK_WIDTH = 4 * WIDTH, POSITIONS = 3000 };

static double norm_value(const char *norm, const char *what, int channel)
{
    char key[80];
    (void)snprintf(key, sizeof key, "%s.%s", norm, what);
    return (double)net_value(key, (size_t)channel);
}

/* A number of a batch norm's output. */
static double sample_norm(const char *norm, int channel)
{
    const double var = norm_value(norm, "running_var", channel);
    const double deviation = norm_value(norm, "weight", channel) * sqrt(var / (var + 1e-5));
    return norm_value(norm, "bias", channel) + deviation * normal();
}

/* The layer's range against what the samples give, fitted in the same way. */
static void assert_sampled(const convert_ranges *ranges, const char *layer, const float *values, size_t count,
                           double part)
{
    for (int i = 0; i < ranges->count; i++) {
        const convert_range *range = &ranges->layers[i];
        if (strcmp(range->layer, layer) != 0) continue;
        const bool with_sign = strstr(layer, "downsample") != NULL;
        const convert_range wanted = fit_values(values, count, with_sign, range->method);
        assert_near((double)range->scale, (double)wanted.scale, part);
        assert_true(abs(range->zero_point - wanted.zero_point) <= 255 * part);
        return;
    }
    fail_msg("%s is missing", layer);
}

static void check_norms(const convert_ranges *ranges)
{
    static float values[BLOCK_WIDTH * POSITIONS], projected[BLOCK_WIDTH * POSITIONS];
    random_state = 5;
    for (int i = 0; i < WIDTH * POSITIONS; i++) {
        values[i] = fmaxf((float)sample_norm("features.1", i % WIDTH), 0);
    }
    assert_sampled(ranges, "stem", values, WIDTH * POSITIONS, 0.06);
    for (int i = 0; i < BLOCK_WIDTH * POSITIONS; i++) {
        projected[i] = (float)sample_norm("features.4.0.downsample.1", i % BLOCK_WIDTH);
    }
    assert_sampled(ranges, "layer1.0.downsample", projected, BLOCK_WIDTH * POSITIONS, 0.06);
    for (int i = 0; i < BLOCK_WIDTH * POSITIONS; i++) {
        values[i] = fmaxf((float)sample_norm("features.4.0.bn3", i % BLOCK_WIDTH) + projected[i], 0);
    }
    assert_sampled(ranges, "layer1.0.conv3", values, BLOCK_WIDTH * POSITIONS, 0.06);
    /* from here on what is added is no normal distribution, and taken as one */
    for (int block = 1; block < 3; block++) {
        char norm[32], layer[32];
        (void)snprintf(norm, sizeof norm, "features.4.%d.bn3", block);
        (void)snprintf(layer, sizeof layer, "layer1.%d.conv3", block);
        for (int i = 0; i < BLOCK_WIDTH * POSITIONS; i++) {
            values[i] = fmaxf((float)sample_norm(norm, i % BLOCK_WIDTH) + values[i], 0);
        }
        assert_sampled(ranges, layer, values, BLOCK_WIDTH * POSITIONS, 0.12);
    }
}

static void from_norms(void **state)
{
    static net n;
    static convert_plan plan;
    static convert_ranges ranges;
    tool_error err = {{0}};
    (void)state;
    for (int attention = 0; attention < 2; attention++) {
        net_make(&n, WIDTH, attention, false, 1);
        net_write(&n, in_folder("net.pth"));
        source_file *file = source_open(in_folder("net.pth"), &err);
        memset(&plan, 0, sizeof plan);
        if (!file || !convert_plan_make(&plan, file, &err) ||
            !convert_ranges_from_norms(&ranges, &plan, &err)) {
            fail_msg("%s", err.message);
        }
        assert_int_equal(ranges.count, CPT_RESNET50_CONVOLUTIONS);
        assert_int_equal(ranges.pictures, 0);
        assert_string_equal(ranges.layers[3].layer, "layer1.0.downsample");
        assert_string_equal(ranges.layers[52].layer, "layer4.2.conv3");
        check_norms(&ranges);
        double largest = 0;
        for (int i = 0; i < NET_EMBED; i++) {
            largest =
                fmax(largest, fabs(norm_value("bn", "bias", i)) + 4 * fabs(norm_value("bn", "weight", i)));
        }
        assert_near((double)ranges.largest_input, attention ? 0 : largest, 1e-4);
        convert_plan_free(&plan);
        source_close(&file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order_gives_the_same_bins),
        cmocka_unit_test(quantiles),
        cmocka_unit_test(errors),
        cmocka_unit_test(not_finite),
        cmocka_unit_test(simple_layers),
        cmocka_unit_test(outliers),
        cmocka_unit_test(least_error),
        cmocka_unit_test(the_choice),
        cmocka_unit_test_setup_teardown(from_pictures, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(lists, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(unreadable_pictures, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(the_vector, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(from_norms, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
