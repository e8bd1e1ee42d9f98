/* The role metrics: /metrics for Prometheus, /healthz for who asks whether all is well. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "serve.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/log.h"
#include "teataja/delivery/figures.h"
#include "teataja/events/source.h"
#include "teataja/web/server.h"

enum { RATE_SAMPLES = 60 };

#define SECOND_NS INT64_C(1000000000)
/* Counting a million rows takes a second: it may take one part in so many of the time. */
#define COUNT_SHARE 100

struct metrics {
    struct serve_role *role;
    pthread_mutex_t lock; /* over all below */
    struct serve_status status;
    bool told; /* the status has come */
    struct {
        int64_t at; /* ticks */
        int64_t sent;
    } samples[RATE_SAMPLES]; /* one a second */
    size_t sample_count;
    struct db *db;
    bool counted;
    int64_t version;    /* of the database when it was counted */
    int64_t count_due;  /* ticks: not counted again before */
    int64_t counted_at; /* microseconds UTC */
    struct figures_settled *settled;
    struct figures_state outbox[FIGURES_STATES];
    struct figures_state mailings[FIGURES_STATES];
    int64_t size;
    struct arena *arena; /* of the sources */
    struct source_state *sources;
    size_t source_count;
};

/* ---- What is known ---- */

/* Under the lock. The oldest sample gives way. */
static void add_sample(struct metrics *metrics, int64_t now)
{
    size_t last = metrics->sample_count;

    if (last > 0 && now - metrics->samples[last - 1].at < SECOND_NS) {
        return;
    }
    if (last == RATE_SAMPLES) {
        memmove(metrics->samples, metrics->samples + 1,
                (RATE_SAMPLES - 1) * sizeof(metrics->samples[0]));
        last--;
    }
    metrics->samples[last].at = now;
    metrics->samples[last].sent = metrics->status.figures[SERVE_SENT];
    metrics->sample_count = last + 1;
}

/* Messages a second over the last minute. */
static double rate(const struct metrics *metrics)
{
    size_t last = metrics->sample_count;
    int64_t time;

    if (last < 2) {
        return 0;
    }
    time = metrics->samples[last - 1].at - metrics->samples[0].at;
    return time > 0 ? (double)(metrics->samples[last - 1].sent - metrics->samples[0].sent) * 1e9 /
                          (double)time
                    : 0;
}

/* Reads what the supervisor says until the role shall end. */
static void listen_to_supervisor(struct metrics *metrics)
{
    struct pollfd fds[2] = {{.fd = metrics->role->stop_fd, .events = POLLIN},
                            {.fd = metrics->role->status_fd, .events = POLLIN}};

    while (fds[0].revents == 0 && (fds[1].revents & (POLLHUP | POLLERR)) == 0) {
        struct serve_status status;

        if (poll(fds, 2, -1) < 0) {
            fds[0].revents = fds[1].revents = 0;
            continue;
        }
        while (read(metrics->role->status_fd, &status, sizeof(status)) == (ssize_t)sizeof(status)) {
            pthread_mutex_lock(&metrics->lock);
            metrics->status = status;
            metrics->told = true;
            add_sample(metrics, clock_ticks());
            pthread_mutex_unlock(&metrics->lock);
        }
    }
}

static int look_at_sources(struct metrics *metrics, struct err *err)
{
    arena_free(metrics->arena);
    metrics->sources = NULL;
    metrics->source_count = 0;
    metrics->arena = arena_new(LIMIT_ARENA_WORK);
    return metrics->arena == NULL
               ? err_nomem(err)
               : sources_list(metrics->db, &metrics->role->workspace->config, metrics->arena,
                              &metrics->sources, &metrics->source_count, err);
}

static int count(struct metrics *metrics, struct err *err)
{
    struct db *db = metrics->db;
    int64_t version = 0;
    int64_t begun = clock_ticks();
    int rc = figures_version(db, &version, err);

    if (rc < 0 ||
        (metrics->counted && (version == metrics->version || begun < metrics->count_due))) {
        return rc;
    }
    rc = figures_outbox(db, metrics->settled, metrics->outbox, err);
    rc = rc == 0 ? figures_mailings(db, metrics->mailings, err) : rc;
    rc = rc == 0 ? figures_size(db, &metrics->size, err) : rc;
    rc = rc == 0 ? look_at_sources(metrics, err) : rc;
    metrics->counted = rc == 0;
    metrics->counted_at = clock_now();
    metrics->version = version;
    metrics->count_due = clock_ticks() + COUNT_SHARE * (clock_ticks() - begun);
    return rc;
}

/* ---- What is said ---- */

static void head(struct str *out, const char *name, const char *type, const char *help)
{
    str_addf(out, "# HELP teataja_%s %s\n# TYPE teataja_%s %s\n", name, help, name, type);
}

static void single(struct str *out, const char *name, const char *type, const char *help,
                   double value)
{
    head(out, name, type, help);
    str_addf(out, "teataja_%s %.17g\n", name, value);
}

static void write_states(struct str *out, const char *name, const char *help,
                         const struct figures_state states[FIGURES_STATES])
{
    head(out, name, "gauge", help);
    for (size_t i = 0; i < FIGURES_STATES; i++) {
        if (states[i].name[0] != '\0') {
            str_addf(out, "teataja_%s{state=\"%s\"} %" PRId64 "\n", name, states[i].name,
                     states[i].count);
        }
    }
}

static void write_roles(struct str *out, const struct serve_status *status)
{
    head(out, "role_up", "gauge", "Whether a role runs and answers.");
    for (int i = 0; i < SERVE_ROLES; i++) {
        if (status->roles[i].wanted) {
            str_addf(out, "teataja_role_up{role=\"%s\"} %d\n", serve_role_name((enum serve_id)i),
                     status->roles[i].up ? 1 : 0);
        }
    }
    head(out, "role_restarts_total", "counter", "Times a role died and was started again.");
    for (int i = 0; i < SERVE_ROLES; i++) {
        if (status->roles[i].wanted) {
            str_addf(out, "teataja_role_restarts_total{role=\"%s\"} %" PRId64 "\n",
                     serve_role_name((enum serve_id)i), status->roles[i].restarts);
        }
    }
}

static void write_schedule(struct str *out, const struct serve_status *status)
{
    static const char *const results[] = {"done", "skipped", "failed"};
    int64_t next = status->figures[SERVE_NEXT_DUE];
    int64_t now = clock_now();

    if (!status->roles[SERVE_SCHEDULE].wanted) {
        return;
    }
    single(out, "schedule_lag_seconds", "gauge", "How long the next occurrence has been due.",
           next != 0 && next < now ? (double)(now - next) / 1e6 : 0);
    if (next != 0 && next != INT64_MAX) {
        single(out, "schedule_next_timestamp_seconds", "gauge", "When the next occurrence is due.",
               (double)next / 1e6);
    }
    single(out, "schedule_held", "gauge", "Whether a jump of the clock holds the schedule.",
           (double)status->figures[SERVE_HELD]);
    head(out, "schedule_runs_total", "counter", "Occurrences by what became of them.");
    for (int i = 0; i < 3; i++) {
        str_addf(out, "teataja_schedule_runs_total{result=\"%s\"} %" PRId64 "\n", results[i],
                 status->figures[SERVE_RUNS_DONE + i]);
    }
}

static void write_sends(struct str *out, const struct metrics *metrics)
{
    static const char *const results[] = {"sent", "deferred", "failed", "suppressed", "unknown"};
    const struct serve_status *status = &metrics->status;

    if (!status->roles[SERVE_DELIVER].wanted) {
        return;
    }
    head(out, "sends_total", "counter", "Messages that the daemon handled, by result.");
    for (int i = 0; i <= SERVE_UNKNOWN; i++) {
        str_addf(out, "teataja_sends_total{result=\"%s\"} %" PRId64 "\n", results[i],
                 status->figures[i]);
    }
    single(out, "sends_per_second", "gauge", "Messages sent a second, over the last minute.",
           rate(metrics));
    single(out, "relay_up", "gauge", "0 while the relay will not go on.",
           status->figures[SERVE_RELAY_FAULT] == 0 ? 1 : 0);
}

static void write_sources(struct str *out, const struct metrics *metrics)
{
    static const struct {
        const char *name;
        const char *help;
    } series[] = {{"source_polled_timestamp_seconds", "When a source was asked last."},
                  {"source_ok_timestamp_seconds", "When a source last gave a calendar."},
                  {"source_failures", "Polls in a row that failed."}};

    for (size_t s = 0; metrics->source_count > 0 && s < sizeof(series) / sizeof(series[0]); s++) {
        head(out, series[s].name, "gauge", series[s].help);
        for (size_t i = 0; i < metrics->source_count; i++) {
            const struct source_state *source = &metrics->sources[i];
            const double values[] = {(double)source->polled_at / 1e6, (double)source->ok_at / 1e6,
                                     (double)source->failures};

            str_addf(out, "teataja_%s{source=\"%s\"} %.17g\n", series[s].name, source->source->name,
                     values[s]);
        }
    }
}

/* Under the lock. */
static void write_all(struct str *out, const struct metrics *metrics, bool readable)
{
    const struct serve_status *status = &metrics->status;

    head(out, "build_info", "gauge", "The program.");
    str_add(out, "teataja_build_info{version=\"" TEATAJA_VERSION "\"} 1\n");
    single(out, "start_timestamp_seconds", "gauge", "When the daemon was started.",
           (double)status->started / 1e6);
    single(out, "database_up", "gauge", "Whether the database can be read.", readable ? 1 : 0);
    if (readable) {
        single(out, "database_bytes", "gauge", "Size of the database file.", (double)metrics->size);
        single(out, "counted_timestamp_seconds", "gauge",
               "When rows and mailings were counted: anew if anything changed, for a hundredth of "
               "the time at most.",
               (double)metrics->counted_at / 1e6);
        write_states(out, "outbox_rows", "Recipients' rows by state.", metrics->outbox);
        write_states(out, "mailings", "Mailings by state.", metrics->mailings);
        write_sources(out, metrics);
    }
    write_sends(out, metrics);
    write_schedule(out, status);
    write_roles(out, status);
    single(out, "config_reloads_total", "counter", "Configurations that were taken on SIGHUP.",
           (double)status->reloads);
    single(out, "config_reload_faults_total", "counter", "Configurations that were refused.",
           (double)status->reload_faults);
}

static void write_health(struct str *out, const struct metrics *metrics, bool readable, int *code)
{
    *code = readable && metrics->told ? 200 : 503;
    if (!readable) {
        str_add(out, "database: cannot be read\n");
    }
    for (int i = 0; i < SITE_ROLES; i++) {
        if (metrics->status.roles[i].wanted && !metrics->status.roles[i].up) {
            str_addf(out, "%s: down\n", serve_role_name((enum serve_id)i));
            *code = 503;
        }
    }
    if (*code == 200) {
        str_add(out, "ok\n");
    }
}

static size_t no_body(void *context, const struct server_request *request)
{
    (void)context;
    (void)request;
    return 0;
}

static void handle(void *context, const struct server_request *request, struct server_reply *reply)
{
    struct metrics *metrics = context;
    bool health = strcmp(request->path, "/healthz") == 0;
    struct err err = {0};
    struct str out;
    bool readable;

    if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
        reply->status = 405;
        server_reply_header(reply, "Allow", "GET, HEAD");
        return;
    }
    if (!health && strcmp(request->path, "/metrics") != 0) {
        reply->status = 404;
        return;
    }
    str_init(&out, LIMIT_TEXT);
    pthread_mutex_lock(&metrics->lock);
    readable = count(metrics, &err) == 0;
    if (!readable) {
        LOG(LOG_WARN, "metrics_without_database", log_text("error", err.msg));
    }
    reply->status = 200;
    if (health) {
        write_health(&out, metrics, readable, &reply->status);
    } else {
        write_all(&out, metrics, readable);
    }
    pthread_mutex_unlock(&metrics->lock);
    reply->body = out.failed == 0 ? arena_strdup(request->arena, out.data) : NULL;
    reply->len = out.len;
    reply->type = health ? "text/plain; charset=utf-8" : "text/plain; version=0.0.4; charset=utf-8";
    if (reply->body == NULL) {
        reply->status = 503;
        reply->len = 0;
    }
    str_release(&out);
}

int serve_metrics(struct serve_role *role, struct err *err)
{
    struct workspace *workspace = role->workspace;
    struct metrics metrics = {.role = role};
    const struct server_options options = {.listen = workspace->config.site.serve.metrics,
                                           .ceiling = no_body,
                                           .handle = handle,
                                           .context = &metrics};
    struct server *server = NULL;
    int rc = workspace_open_db(workspace, err);

    rc = rc == 0 ? figures_settled_new(&metrics.settled, err) : rc;
    if (rc < 0) {
        return rc;
    }
    metrics.db = workspace->db;
    pthread_mutex_init(&metrics.lock, NULL);
    rc = server_open(&options, &server, err);
    if (rc == 0) {
        LOG(LOG_INFO, "metrics_started", log_text("listen", server_where(server)));
        serve_ready(role);
        listen_to_supervisor(&metrics);
        server_stop(server);
    } else {
        err_prefix(err, "serve.metrics of teataja.yaml");
    }
    arena_free(metrics.arena);
    figures_settled_free(metrics.settled);
    pthread_mutex_destroy(&metrics.lock);
    return rc;
}
