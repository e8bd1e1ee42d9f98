/* source_pull.c - a poll: fetched, read in confinement, compared, kept. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source_copy.h"
#include "source_load.h"
#include "source_read.h"
#include "source_row.h"
#include "teataja/base/clock.h"
#include "teataja/base/confine.h"
#include "teataja/base/limits.h"
#include "teataja/events/source.h"
#include "teataja/net/fetch.h"

#define CONFINED_MEMORY 268435456 /* 256 MiB */
#define CONFINED_CPU 10           /* seconds */
#define CONFINED_WAIT 30000       /* milliseconds */
#define MILLISECOND (CLOCK_SECOND / 1000)

static const char *const change_names[SOURCE_CHANGES] = {
    [SOURCE_NEW] = "new",
    [SOURCE_CHANGED] = "changed",
    [SOURCE_SAME] = "same",
    [SOURCE_GONE] = "gone",
};

const char *source_change_name(enum source_change change)
{
    return change_names[change];
}

struct pull {
    struct db *db;
    const struct config *config;
    const struct site_source *source;
    int64_t now;
    const struct source_pull_options *options;
    struct arena *arena;
    struct source_pull *out;
    struct source_copy old;   /* empty if there is none */
    struct source_copy fresh; /* what is there now, then what is kept */
    size_t capacity;          /* of fresh.parts */
    int64_t retry_after;      /* seconds */
    struct err *err;
};

/* What the server may call a calendar; many call it plain text or nothing in particular. */
static const char *const types[] = {"text/calendar", "application/ics", "text/plain",
                                    "application/octet-stream", NULL};

static int set_options(const struct pull *pull, struct fetch_options *out)
{
    const struct site_source *source = pull->source;
    struct fetch_net *nets = arena_alloc(pull->arena, source->allow_count + 1, sizeof(*nets));
    int rc = 0;

    if (nets == NULL) {
        return err_nomem(pull->err);
    }
    *out = (struct fetch_options){.url = source->url,
                                  .allow_http = source->allow_http,
                                  .allow_private = source->allow_private,
                                  .allow = nets,
                                  .allow_count = source->allow_count,
                                  .user = source->user,
                                  .etag = pull->old.etag,
                                  .last_modified = pull->old.last_modified,
                                  .types = types,
                                  .max_bytes = (size_t)source->max_size,
                                  .total_ms = (int)(source->timeout / MILLISECOND),
                                  .stop_fd = pull->options->stop_fd};
    for (size_t i = 0; rc == 0 && i < source->allow_count; i++) {
        rc = fetch_net_parse(source->allow[i], &nets[i], pull->err);
    }
    if (rc == 0 && source->ca_file != NULL) {
        out->ca_file = config_path(pull->arena, pull->config, source->ca_file);
        rc = out->ca_file == NULL ? err_nomem(pull->err) : 0;
    }
    if (rc == 0 && source->user != NULL) {
        char *password = NULL;

        rc = config_secret(pull->arena, pull->config, source->password, &password, pull->err);
        out->password = password;
    }
    return rc;
}

/* The calendar as the confined process understands it. */
static int read_calendar(struct pull *pull, struct confine *child,
                         const struct fetch_answer *answer)
{
    struct str text;
    const char *kept;
    int rc;

    str_init(&text, SOURCE_COPY_MAX);
    rc = confine_ask(child, answer->body.data, answer->body.len, pull->options->stop_fd, &text,
                     pull->err);
    if (rc == 0) {
        kept = arena_strndup(pull->arena, text.data, text.len);
        rc = kept == NULL ? err_nomem(pull->err)
                          : source_copy_parse(pull->arena, kept, text.len, &pull->fresh, pull->err);
    }
    str_release(&text);
    if (rc == 0) {
        pull->fresh.etag = arena_strdup(pull->arena, answer->etag);
        pull->fresh.last_modified = arena_strdup(pull->arena, answer->last_modified);
        rc = pull->fresh.etag == NULL || pull->fresh.last_modified == NULL ? err_nomem(pull->err)
                                                                           : 0;
    }
    return rc == 0 ? source_copy_settle(pull->arena, pull->source->name, &pull->fresh, pull->err)
                   : rc;
}

/* Fetches it and has it read. The child is forked before libcurl may start a thread. */
static int fetch(struct pull *pull)
{
    struct source_reading reading = {pull->config, pull->source, pull->now};
    const struct confine_options confined = {.work = source_read,
                                             .ctx = &reading,
                                             .readable = "/usr/share/zoneinfo",
                                             .input_max = (size_t)pull->source->max_size,
                                             .answer_max = SOURCE_COPY_MAX,
                                             .memory = CONFINED_MEMORY,
                                             .cpu_s = CONFINED_CPU,
                                             .wait_ms = CONFINED_WAIT};
    struct confine child = {0};
    struct fetch_options options;
    struct fetch_answer answer = {0};
    int rc = set_options(pull, &options);

    if (rc < 0) {
        return rc;
    }
    rc = confine_start(&confined, &child, pull->err);
    if (rc == 0) {
        rc = fetch_get(&options, &answer, pull->err);
        pull->retry_after = answer.retry_after;
        pull->out->unchanged = rc == 0 && answer.unchanged;
        if (rc == 0 && !answer.unchanged) {
            rc = read_calendar(pull, &child, &answer);
        }
        fetch_answer_release(&answer);
    }
    confine_end(&child);
    return rc;
}

static const struct source_part *find_part(const struct source_copy *copy,
                                           const struct source_part *part)
{
    for (size_t i = 0; i < copy->count; i++) {
        if (copy->parts[i].is_deadline == part->is_deadline &&
            strcmp(copy->parts[i].slug, part->slug) == 0) {
            return &copy->parts[i];
        }
    }
    return NULL;
}

/* Tells one item; NULL text where the event cannot be made any more. */
static int tell(struct pull *pull, const struct source_copy *copy, const struct source_part *part,
                enum source_change change, bool *current)
{
    struct source_item *item = &pull->out->items[pull->out->count];
    struct event event;
    struct err local = {0};
    char when[CIVIL_TEXT];
    int rc = source_part_event(pull->arena, pull->config, pull->source, copy, part, &event, &local);

    *current = rc == 1 && source_event_is_current(pull->arena, &event, pull->now);
    if (rc <= 0 || (change == SOURCE_GONE && !*current)) {
        return rc < 0 ? err_nomem(pull->err) : 0;
    }
    civil_print(&event.start, when);
    *item = (struct source_item){.change = change,
                                 .is_deadline = part->is_deadline,
                                 .slug = part->slug,
                                 .uid = part->uid,
                                 .title = event.editions[0].title,
                                 .when = arena_printf(pull->arena, "%s %s", when, event.tzid)};
    if (item->when == NULL) {
        return err_nomem(pull->err);
    }
    pull->out->count++;
    return 0;
}

/* What is there now, beside what was. A broken one stays as it was. */
static int compare_fresh(struct pull *pull)
{
    struct source_copy *fresh = &pull->fresh;
    size_t kept = 0;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < fresh->count; i++) {
        struct source_part part = fresh->parts[i];
        const struct source_part *before = find_part(&pull->old, &part);
        enum source_change change = SOURCE_SAME;
        bool current;

        if (part.broken && before == NULL) {
            continue;
        }
        if (part.broken) {
            part = *before;
        } else if (before == NULL) {
            change = SOURCE_NEW;
        } else if (before->gone_at != 0 || strcmp(before->digest, part.digest) != 0) {
            change = SOURCE_CHANGED;
        }
        pull->out->changed = pull->out->changed || change != SOURCE_SAME;
        fresh->parts[kept++] = part;
        rc = tell(pull, fresh, &part, change, &current);
    }
    fresh->count = kept;
    return rc;
}

/* What was there and is not now: kept until it is over. */
static int keep_gone(struct pull *pull, size_t fresh_count)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < pull->old.count; i++) {
        struct source_part part = pull->old.parts[i];
        const struct source_copy there = {.parts = pull->fresh.parts, .count = fresh_count};
        bool current = false;

        if (find_part(&there, &part) != NULL) {
            continue;
        }
        rc = tell(pull, &pull->old, &part, SOURCE_GONE, &current);
        if (rc == 0 && current && pull->fresh.count < LIMIT_OCCURRENCES) {
            pull->out->changed = pull->out->changed || part.gone_at == 0;
            part.gone_at = part.gone_at == 0 ? pull->now : part.gone_at;
            pull->fresh.parts[pull->fresh.count++] = part;
        }
    }
    return rc;
}

static int compare(struct pull *pull)
{
    size_t most = pull->old.count + pull->fresh.count + 1;
    struct source_part *parts = arena_alloc(pull->arena, most, sizeof(*parts));
    int rc;

    pull->out->items = arena_alloc(pull->arena, most, sizeof(*pull->out->items));
    if (parts == NULL || pull->out->items == NULL) {
        return err_nomem(pull->err);
    }
    if (pull->fresh.count > 0) {
        memcpy(parts, pull->fresh.parts, pull->fresh.count * sizeof(*parts));
    }
    pull->fresh.parts = parts;
    pull->out->problems = pull->fresh.problems;
    pull->out->problem_count = pull->fresh.problem_count;
    rc = compare_fresh(pull);
    return rc == 0 ? keep_gone(pull, pull->fresh.count) : rc;
}

/* Everything but the row. */
static int poll_source(struct pull *pull)
{
    struct err local = {0};
    int rc = source_copy_load(pull->arena, pull->config, pull->source->name, &pull->old, &local);

    if (rc == ERR_NOMEM) {
        return err_nomem(pull->err);
    }
    if (rc < 0) {
        pull->old = (struct source_copy){.etag = "", .last_modified = "", .zone = ""};
    }
    rc = fetch(pull);
    if (rc == 0 && pull->out->unchanged) {
        bool current;

        pull->out->items = arena_alloc(pull->arena, pull->old.count + 1, sizeof(*pull->out->items));
        if (pull->out->items == NULL) {
            return err_nomem(pull->err);
        }
        for (size_t i = 0; rc == 0 && i < pull->old.count; i++) {
            rc = tell(pull, &pull->old, &pull->old.parts[i],
                      pull->old.parts[i].gone_at != 0 ? SOURCE_GONE : SOURCE_SAME, &current);
        }
        return rc;
    }
    if (rc == 0) {
        rc = compare(pull);
    }
    pull->fresh.problem_count = 0; /* told, not kept */
    if (rc == 0 && !pull->options->dry_run) {
        rc = source_copy_save(pull->config, pull->source->name, &pull->fresh, pull->err);
    }
    return rc;
}

int source_pull(struct db *db, const struct config *config, const struct site_source *source,
                int64_t now, const struct source_pull_options *options, struct arena *arena,
                struct source_pull *out, struct err *err)
{
    struct err own = {0};
    struct source_row row = {0};
    struct pull pull = {.db = db,
                        .config = config,
                        .source = source,
                        .now = now,
                        .options = options,
                        .arena = arena,
                        .out = out,
                        .err = &own};
    int rc;

    memset(out, 0, sizeof(*out));
    rc = source_row_get(db, source->name, arena, &row, err);
    if (rc < 0) {
        return rc;
    }
    rc = poll_source(&pull);
    if (rc < 0 && err != NULL) {
        *err = own;
    }
    if (options->dry_run || rc == ERR_STOPPED || rc == ERR_NOMEM) {
        out->next_at = row.next_at;
        return rc;
    }
    row.polled_at = now;
    row.ok_at = rc == 0 ? now : 0;
    row.changed_at = rc == 0 && out->changed ? now : 0;
    row.failures = rc == 0 ? 0 : row.failures + 1;
    row.error = rc == 0 ? NULL : own.msg;
    row.next_at = source_next(config, source, now, row.failures, pull.retry_after);
    out->next_at = row.next_at;
    if (source_row_save(db, source, &row, &own) < 0) {
        if (err != NULL) {
            *err = own;
        }
        return own.code;
    }
    return rc;
}
