/* source.c - all sources: which are due, how they stand, what is wrong with them. */
#include "teataja/events/source.h"

#include <stdio.h>
#include <string.h>

#include "source_copy.h"
#include "source_row.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/log.h"
#include "teataja/calendar/recurrence.h"
#include "teataja/net/fetch.h"

/* When a source is due; 0: at once. */
static int64_t due(const struct source_row *row, const struct site_source *source)
{
    return source_row_fits(row, source) ? row->next_at : 0;
}

static void log_pull(const struct site_source *source, const struct source_pull *pull, int rc,
                     const struct err *err)
{
    int64_t counts[SOURCE_CHANGES] = {0};

    if (rc < 0) {
        LOG(LOG_WARN, "source_failed", log_text("source", source->name),
            log_text("error", err->msg));
        return;
    }
    for (size_t i = 0; i < pull->count; i++) {
        counts[pull->items[i].change]++;
    }
    LOG(LOG_INFO, "source_polled", log_text("source", source->name),
        log_int("new", counts[SOURCE_NEW]), log_int("changed", counts[SOURCE_CHANGED]),
        log_int("same", counts[SOURCE_SAME]), log_int("gone", counts[SOURCE_GONE]),
        log_int("left_out", (int64_t)pull->problem_count));
}

/* What is the caller's trouble, not the source's. */
static bool is_ours(struct db *db, const struct site_source *source, struct arena *arena, int rc,
                    int64_t now)
{
    struct source_row row;

    if (rc == ERR_STOPPED || rc == ERR_NOMEM) {
        return true;
    }
    return source_row_get(db, source->name, arena, &row, NULL) < 0 || row.polled_at != now;
}

static int poll_due(struct db *db, const struct config *config, const struct site_source *source,
                    int64_t now, int stop_fd, struct sources_tick *out, struct err *err)
{
    const struct source_pull_options options = {.stop_fd = stop_fd};
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct source_pull pull = {0};
    struct source_row row = {0};
    struct err local = {0};
    int64_t next;
    int rc;

    if (arena == NULL) {
        return err_nomem(err);
    }
    rc = source_row_get(db, source->name, arena, &row, err);
    if (rc < 0) {
        goto out;
    }
    next = due(&row, source);
    if (next <= now) {
        rc = source_pull(db, config, source, now, &options, arena, &pull, &local);
        if (rc < 0 && is_ours(db, source, arena, rc, now)) {
            rc = err_set(err, rc, "%s", local.msg);
            goto out;
        }
        log_pull(source, &pull, rc, &local);
        out->polled++;
        out->failed += rc < 0;
        out->changed += pull.changed;
        next = pull.next_at;
        rc = 0;
    }
    out->next_due = next < out->next_due ? next : out->next_due;
out:
    arena_free(arena);
    return rc;
}

int sources_tick(struct db *db, const struct config *config, int64_t now, int stop_fd,
                 struct sources_tick *out, struct err *err)
{
    int rc = 0;

    *out = (struct sources_tick){.next_due = INT64_MAX};
    for (size_t i = 0; rc == 0 && i < config->site.source_count; i++) {
        rc = poll_due(db, config, &config->site.sources[i], now, stop_fd, out, err);
    }
    return rc;
}

/* What the copy holds; nothing if there is none. */
static int count_copy(const struct config *config, struct source_state *state, struct err *err)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct source_copy copy;
    int rc = arena == NULL ? ERR_NOMEM
                           : source_copy_load(arena, config, state->source->name, &copy, NULL);

    for (size_t i = 0; rc == 0 && i < copy.count; i++) {
        state->events += !copy.parts[i].is_deadline;
        state->deadlines += copy.parts[i].is_deadline;
        state->gone += copy.parts[i].gone_at != 0;
    }
    arena_free(arena);
    return rc == ERR_NOMEM ? err_nomem(err) : 0;
}

int sources_list(struct db *db, const struct config *config, struct arena *arena,
                 struct source_state **out, size_t *count, struct err *err)
{
    const struct site *site = &config->site;
    struct source_state *states = arena_alloc(arena, site->source_count + 1, sizeof(*states));
    int rc = 0;

    *count = 0;
    if (states == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; rc == 0 && i < site->source_count; i++) {
        struct source_state *state = &states[i];
        struct source_row row = {0};

        state->source = &site->sources[i];
        rc = source_row_get(db, state->source->name, arena, &row, err);
        if (rc == 0) {
            state->polled_at = row.polled_at;
            state->ok_at = row.ok_at;
            state->next_at = due(&row, state->source);
            state->changed_at = row.changed_at;
            state->failures = row.failures;
            state->error = row.error;
            rc = count_copy(config, state, err);
        }
    }
    *out = states;
    *count = site->source_count;
    return rc;
}

void sources_check(const struct config *config, struct report *report)
{
    for (size_t i = 0; i < config->site.source_count; i++) {
        const struct site_source *source = &config->site.sources[i];
        struct err err = {0};

        if (source->rrule != NULL && recurrence_check(source->rrule, &err) < 0) {
            yaml_problem(report, source->node, "rrule", "rrule: %s", err.msg);
        }
        for (size_t k = 0; k < source->allow_count; k++) {
            struct fetch_net net;
            char path[32];

            if (source->allow[k] != NULL && fetch_net_parse(source->allow[k], &net, &err) < 0) {
                snprintf(path, sizeof(path), "allow.%zu", k);
                yaml_problem(report, source->node, path, "allow: %s", err.msg);
            }
        }
    }
}
