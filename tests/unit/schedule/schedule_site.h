/* schedule_site.h - newsletters and issues made by hand, and a function that "sends". */
#pragma once

#include "support/temp_database.h"

#include <string.h>

#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/str.h"
#include "teataja/calendar/zone.h"
#include "teataja/schedule/schedule.h"

enum { SITE_NEWSLETTERS = 8, SITE_ISSUES = 64 };

struct schedule_site {
    struct arena *arena;
    struct newsletter newsletters[SITE_NEWSLETTERS];
    struct newsletter_schedule schedules[SITE_NEWSLETTERS];
    struct issue issues[SITE_ISSUES];
    struct event event;
    struct config config;
    struct content content;
    struct events events;
    struct db *db;    /* where it "sends": the one of the scheduler under test */
    struct str fired; /* a line a run */
    int fail_with;    /* what the function says, and how many times */
    int fail_times;
    bool waits;      /* nobody approved yet */
    bool dies_after; /* the mailing is made, and the function says that it failed */
};

static inline int64_t utc(const char *text)
{
    struct civil civil;

    ok(civil_parse(text, &civil, &err));
    return civil_to_utc(&civil);
}

static inline void site_init(struct schedule_site *site)
{
    memset(site, 0, sizeof(*site));
    site->arena = arena_new(LIMIT_ARENA_WORK);
    assert_non_null(site->arena);
    site->config.site.timezone = "Europe/Tallinn";
    site->config.newsletters = site->newsletters;
    site->content.issues = site->issues;
    site->events.items = &site->event;
    site->db = db;
    str_init(&site->fired, LIMIT_TEXT);
}

static inline void site_release(struct schedule_site *site)
{
    str_release(&site->fired);
    arena_free(site->arena);
}

static inline struct newsletter *site_newsletter(struct schedule_site *site, const char *slug,
                                                 const char *every)
{
    size_t i = site->config.newsletter_count++;

    assert_true(i < SITE_NEWSLETTERS);
    site->schedules[i] = (struct newsletter_schedule){.every = every};
    site->newsletters[i] =
        (struct newsletter){.slug = slug,
                            .file = arena_printf(site->arena, "newsletters/%s.yaml", slug),
                            .schedule = every != NULL ? &site->schedules[i] : NULL,
                            .too_late_after = CLOCK_DAY};
    return &site->newsletters[i];
}

/* An issue for the newsletter's next time. */
static inline struct issue *site_issue(struct schedule_site *site, const char *slug,
                                       const struct newsletter *newsletter)
{
    struct issue *issue = &site->issues[site->content.issue_count++];

    assert_true(site->content.issue_count <= SITE_ISSUES);
    issue->item.slug = slug;
    issue->newsletter = newsletter;
    issue->send_next = true;
    issue->zone = "Europe/Tallinn";
    return issue;
}

/* The same for a time of its own. */
static inline struct issue *site_issue_at(struct schedule_site *site, const char *slug,
                                          const struct newsletter *newsletter, const char *local)
{
    struct issue *issue = site_issue(site, slug, newsletter);

    issue->send_next = false;
    issue->has_send = true;
    ok(civil_parse(local, &issue->send_local, &err));
    ok(zone_to_utc(issue->zone, &issue->send_local, &issue->send_at, NULL, &err));
    return issue;
}

static inline void make_mailing(struct db *into, const char *purpose, const char *subject)
{
    struct db_stmt *stmt = NULL;

    ok(db_query_text(
        into,
        "INSERT INTO mailing (uid, purpose, subject, dedupe, state, priority, config, "
        "audience, message_date, hash, created_at) VALUES (hex(randomblob(8)), $1, $2, "
        "$1 || $2 || hex(randomblob(8)), 'queued', 4, '{}', '', 0, '', 0)",
        &stmt, &err));
    ok(db_bind(stmt, &err, "tt", purpose, subject));
    ok(db_run(stmt, &err));
}

static inline void make_run(struct db *into, const struct schedule_run *run)
{
    static const char *const purposes[SCHEDULE_KINDS] = {[SCHEDULE_NEWSLETTER] = "letter",
                                                         [SCHEDULE_ISSUE] = "letter",
                                                         [SCHEDULE_INVITE] = "invitation",
                                                         [SCHEDULE_REMINDER] = "reminder",
                                                         [SCHEDULE_THANKS] = "thanks"};
    char subject[128];
    char *slash;

    (void)snprintf(subject, sizeof(subject), "%s", run->target);
    slash = strchr(strchr(subject, '/') + 1, '/'); /* an occurrence stands behind */
    if (slash != NULL) {
        *slash = '\0';
    }
    make_mailing(into, purposes[run->kind], subject);
}

static inline int send_run(void *ctx, const struct schedule_run *run, struct schedule_outcome *out,
                           struct err *why)
{
    struct schedule_site *site = ctx;

    if (site->fail_times > 0) {
        site->fail_times--;
        if (site->dies_after) {
            make_run(site->db, run);
        }
        return err_set(why, site->fail_with, "trouble %d", (int)run->attempt);
    }
    if (site->waits && run->kind != SCHEDULE_DRAFT) {
        out->waits = true;
        out->mailing = 7;
        return err_set(why, ERR_STATE, "waits for approval");
    }
    if (run->kind == SCHEDULE_DRAFT) {
        assert_int_equal(run->at, run->by_hand ? run->at : run->due + 3 * CLOCK_DAY);
    } else {
        make_run(site->db, run);
        out->mailing = db_last_id(site->db);
    }
    out->recipients = 60;
    str_addf(&site->fired, "%s %s %s\n", run->job, run->local, run->target);
    return 0;
}

static inline struct schedule *site_open(struct schedule_site *site, struct db *on)
{
    const struct schedule_options options = {.db = on,
                                             .config = &site->config,
                                             .content = &site->content,
                                             .events = &site->events,
                                             .run = send_run,
                                             .ctx = site};
    struct schedule *schedule = NULL;

    ok(schedule_open(&options, &schedule, &err));
    return schedule;
}

/* A tick by a clock that is right. */
static inline struct schedule_tick tick_at(struct schedule *schedule, int64_t now)
{
    const struct schedule_time time = {
        .now = now, .uptime = now - INT64_C(1700000000) * CLOCK_SECOND, .boot = "one"};
    struct schedule_tick tick;

    ok(schedule_tick(schedule, &time, &tick, &err));
    assert_false(tick.held);
    return tick;
}

/* A tick of a fresh scheduler, as by cron. */
static inline struct schedule_tick tick_once(struct schedule_site *site, const char *when)
{
    struct schedule *schedule = site_open(site, site->db);
    struct schedule_tick tick = tick_at(schedule, utc(when));

    schedule_close(schedule);
    return tick;
}

/* "job local state reason" of all rows, in order of their time. */
static inline const char *site_rows(struct schedule_site *site)
{
    struct db_stmt *stmt = NULL;
    struct str out;
    const char *text;

    str_init(&out, LIMIT_TEXT);
    ok(db_query_text(site->db,
                     "SELECT job, local, state, reason FROM schedule_run ORDER BY due_at, id",
                     &stmt, &err));
    while (db_next(stmt, &err) == 1) {
        str_addf(&out, "%s %s %s%s%s\n", db_text(stmt, 0), db_text(stmt, 1), db_text(stmt, 2),
                 db_text(stmt, 3)[0] != '\0' ? ": " : "", db_text(stmt, 3));
    }
    db_stmt_free(stmt);
    text = arena_strdup(site->arena, out.data);
    str_release(&out);
    return text;
}
