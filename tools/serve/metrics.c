/* Counts for Prometheus; see metrics.h. */
#include "tools/serve/metrics.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/common/clock.h"
#include "tools/serve/queue.h"

/* upper bounds of the buckets but the last, in seconds */
static const double bounds[SERVE_BUCKETS - 1] = {0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 2, 5, 10, 30};

bool serve_metrics_begin(serve_metrics *metrics)
{
    *metrics = (serve_metrics){.start = tool_now_ms()};
    return pthread_mutex_init(&metrics->lock, NULL) == 0;
}

void serve_metrics_end(serve_metrics *metrics)
{
    (void)pthread_mutex_destroy(&metrics->lock);
}

double serve_metrics_uptime(const serve_metrics *metrics)
{
    return (tool_now_ms() - metrics->start) / 1e3;
}

void serve_metrics_request(serve_metrics *metrics, int status)
{
    if (status < 0 || status >= SERVE_STATUSES) return;
    (void)pthread_mutex_lock(&metrics->lock);
    metrics->requests[status]++;
    (void)pthread_mutex_unlock(&metrics->lock);
}

void serve_metrics_image(serve_metrics *metrics, int status, double ms)
{
    int bucket = 0;
    while (bucket < SERVE_BUCKETS - 1 && ms / 1e3 > bounds[bucket]) bucket++;
    (void)pthread_mutex_lock(&metrics->lock);
    if (status == 200) {
        metrics->captioned++;
        metrics->buckets[bucket]++;
        metrics->seconds += ms / 1e3;
    } else if (status == SERVE_GONE) {
        metrics->gone++;
    } else {
        metrics->failed++;
    }
    (void)pthread_mutex_unlock(&metrics->lock);
}

void serve_metrics_batch(serve_metrics *metrics, size_t count, double ms)
{
    const double each = ms / (double)count;
    (void)pthread_mutex_lock(&metrics->lock);
    metrics->batches++;
    metrics->batched += count;
    metrics->pace = metrics->pace > 0 ? 0.9 * metrics->pace + 0.1 * each : each;
    (void)pthread_mutex_unlock(&metrics->lock);
}

int serve_metrics_wait(serve_metrics *metrics, size_t queued, size_t workers)
{
    (void)pthread_mutex_lock(&metrics->lock);
    const double seconds = ceil(metrics->pace * (double)queued / (double)workers / 1e3);
    (void)pthread_mutex_unlock(&metrics->lock);
    return seconds < 1 ? 1 : seconds > 600 ? 600 : (int)seconds;
}

/* ---- text ---- */

static void put_head(FILE *to, const char *name, const char *type, const char *help)
{
    (void)fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put(FILE *to, const char *name, const char *type, const char *help, double value)
{
    put_head(to, name, type, help);
    (void)fprintf(to, "%s %.15g\n", name, value);
}

/* Bytes of memory in use, as Linux says it; 0 where it doesn't. */
static double resident(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file) return 0;
    if (fscanf(file, "%*u %lu", &pages) != 1) pages = 0;
    (void)fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void put_latencies(FILE *to, const serve_metrics *m)
{
    static const char name[] = "capserve_image_seconds";
    uint64_t sum = 0;
    put_head(to, name, "histogram", "Time from the queue to the answer of captioned images.");
    for (int i = 0; i < SERVE_BUCKETS; i++) {
        sum += m->buckets[i];
        if (i < SERVE_BUCKETS - 1) {
            (void)fprintf(to, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name, bounds[i], sum);
        } else {
            (void)fprintf(to, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, sum);
        }
    }
    (void)fprintf(to, "%s_sum %.6f\n%s_count %" PRIu64 "\n", name, m->seconds, name, sum);
}

static void put_counts(FILE *to, const serve_metrics *m)
{
    put_head(to, "capserve_requests_total", "counter", "Requests answered, by status.");
    for (int i = 0; i < SERVE_STATUSES; i++) {
        if (!m->requests[i]) continue;
        (void)fprintf(to, "capserve_requests_total{status=\"%d\"} %" PRIu64 "\n", i, m->requests[i]);
    }
    put_head(to, "capserve_images_total", "counter", "Images, by outcome.");
    (void)fprintf(to, "capserve_images_total{outcome=\"captioned\"} %" PRIu64 "\n", m->captioned);
    (void)fprintf(to, "capserve_images_total{outcome=\"failed\"} %" PRIu64 "\n", m->failed);
    (void)fprintf(to, "capserve_images_total{outcome=\"gone\"} %" PRIu64 "\n", m->gone);
    put(to, "capserve_batches_total", "counter", "Groups of images that were encoded together.",
        (double)m->batches);
    put(to, "capserve_batched_images_total", "counter", "Images in these groups.", (double)m->batched);
}

char *serve_metrics_text(serve_metrics *metrics, const serve_gauges *gauges, size_t *size)
{
    char *text = NULL;
    FILE *to = open_memstream(&text, size);
    if (!to) return NULL;
    (void)pthread_mutex_lock(&metrics->lock);
    put_counts(to, metrics);
    put_latencies(to, metrics);
    (void)pthread_mutex_unlock(&metrics->lock);
    put(to, "capserve_queued_images", "gauge", "Images that wait for a worker.", (double)gauges->queued);
    put(to, "capserve_active_requests", "gauge", "Requests that are read, worked on or answered.",
        (double)gauges->requests);
    put(to, "capserve_connections", "gauge", "Open connections.", (double)gauges->connections);
    put(to, "capserve_body_bytes", "gauge", "Memory that holds uploads.", (double)gauges->body_bytes);
    put(to, "capserve_uptime_seconds", "gauge", "Time since the start.", serve_metrics_uptime(metrics));
    put(to, "process_resident_memory_bytes", "gauge", "Memory in use.", resident());
    const bool ok = !ferror(to);
    if (fclose(to) == 0 && ok) return text;
    free(text);
    return NULL;
}
