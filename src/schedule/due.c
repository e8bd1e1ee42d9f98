/* due.c - what the calendar says and no row has. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "room.h"
#include "sql/schedule/due.h"
#include "teataja/base/log.h"
#include "teataja/base/quantity.h"

enum { REASON = 200 };

/* What a job is known by: another rule begins anew. In the scratch arena. */
static int rule_of(struct schedule *schedule, const struct job *job, const char **out,
                   struct err *err)
{
    char start[CIVIL_TEXT];

    if (job->event != NULL) {
        return job_event_rule(job, schedule->scratch, out, err);
    }
    civil_format(&job->timetable.start, start);
    *out = arena_printf(schedule->scratch, "%s from %s %s", job->timetable.rule, start, job->zone);
    return *out != NULL ? 0 : err_nomem(err);
}

/* From when on a schedule counts. */
static int read_since(struct schedule *schedule, struct job *job, int64_t now, struct err *err)
{
    struct db *db = schedule->options.db;
    struct db_stmt *stmt = NULL;
    bool as_seen = false;
    const char *rule = NULL;
    int rc = rule_of(schedule, job, &rule, err);

    if (rc == 0) {
        rc = db_query(db, SQL_DUE_JOB, &stmt, err);
    }
    if (rc == 0) {
        rc = db_bind(stmt, err, "t", job->name);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 1) {
        as_seen = strcmp(db_text(stmt, 0), rule) == 0 && db_int(stmt, 1) <= now;
        job->since = db_int(stmt, 1);
    }
    db_stmt_free(stmt);
    if (rc < 0 || as_seen) {
        return rc < 0 ? rc : 0;
    }
    job->since = now;
    return db_exec(db, SQL_DUE_JOB_SET, err, "tti", job->name, rule, now);
}

static int has_row(struct schedule *schedule, const struct job *job,
                   const struct timetable_time *time, struct err *err)
{
    char local[CIVIL_TEXT];
    int64_t one;

    civil_format(&time->local, local);
    return db_get_int(schedule->options.db, SQL_DUE_HAS, &one, err, "tt", job->name, local);
}

/* What becomes of an occurrence: NULL if it is to be done. *cause is the row's. */
static const char *judge(const struct job *job, const struct timetable_time *time, bool latest,
                         int64_t now, char reason[REASON], const char **cause)
{
    char limit[QUANTITY_TEXT];

    *cause = "";
    if (!latest) {
        return "missed: nobody was there before the next one came";
    }
    if (now - time->at <= job->too_late_after) {
        return NULL;
    }
    *cause = RUN_LATE;
    quantity_format_duration(job->too_late_after, limit);
    (void)snprintf(reason, REASON, "too late: %" PRId64 " h after its time, %s is the most",
                   (now - time->at) / CLOCK_HOUR, limit);
    return reason;
}

static int add(struct schedule *schedule, const struct job *job, const struct timetable_time *time,
               bool latest, int64_t now, struct schedule_tick *tick, struct err *err)
{
    struct db *db = schedule->options.db;
    char text[REASON];
    char local[CIVIL_TEXT];
    const char *cause;
    const char *reason = judge(job, time, latest, now, text, &cause);
    int rc;

    civil_format(&time->local, local);
    rc = db_exec(db, SQL_DUE_ADD, err, "ttttittit", job->name, local, schedule_kind_name(job->kind),
                 job->zone, time->at, reason != NULL ? "skipped" : "due",
                 reason != NULL ? reason : "", now, cause);
    if (rc == 0 && reason != NULL && db_changes(db) == 1) {
        tick->skipped++;
        LOG(LOG_WARN, "schedule_skipped", log_text("job", job->name), log_text("occurrence", local),
            log_text("reason", reason));
    }
    return rc;
}

/* The rows of `times`, in one transaction: who sees the latest sees the earlier ones. */
static int add_all(struct schedule *schedule, const struct job *job,
                   const struct timetable_time *times, int count, int64_t now,
                   struct schedule_tick *tick, struct err *err)
{
    struct db *db = schedule->options.db;
    const struct timetable_time *latest = &times[count - 1];
    int rc = db_begin(db, err);

    for (int i = 0; rc == 0 && i < count; i++) {
        rc = add(schedule, job, &times[i], job->each || i == count - 1, now, tick, err);
    }
    if (rc == 0 && !job->each) {
        rc = db_exec(db, SQL_DUE_OVERTAKE, err, "titi", job->name, latest->at,
                     "overtaken: the next one came before it succeeded", now);
    }
    if (rc == 0) {
        rc = db_commit(db, err);
    }
    db_rollback(db);
    return rc;
}

static int find(struct schedule *schedule, struct job *job, int64_t now, struct schedule_tick *tick,
                struct err *err)
{
    struct timetable_time *times = NULL;
    int64_t from = now - SCHEDULE_LOOK_BACK;
    bool missing = false;
    int count;
    int rc = job->once ? 0 : read_since(schedule, job, now, err);

    if (rc < 0) {
        return rc;
    }
    /* A draft of what comes after `since` may have been due before. */
    from = job->since - job->ahead > from ? job->since - job->ahead : from;
    count = job_list(job, schedule->scratch, from, now + 1, &times, err);
    for (int i = 0; rc == 0 && i < count && !missing; i++) {
        rc = has_row(schedule, job, &times[i], err);
        missing = rc == 0;
        rc = rc == 1 ? 0 : rc;
    }
    if (rc < 0 || count < 0) {
        return rc < 0 ? rc : count;
    }
    if (missing) {
        rc = job_is_over(schedule, job, err);
        rc = rc == 0 ? add_all(schedule, job, times, count, now, tick, err) : rc < 0 ? rc : 0;
    }
    return rc < 0 ? rc : job_next(job, schedule->scratch, now, &job->next, err);
}

int due_find(struct schedule *schedule, struct job *job, int64_t now, struct schedule_tick *tick,
             struct err *err)
{
    struct arena_mark mark = arena_mark(schedule->scratch);
    struct err own = {0};
    int rc;

    if (job->next > now && now >= schedule->last_now) {
        return 0;
    }
    rc = find(schedule, job, now, tick, &own);
    arena_rewind(schedule->scratch, mark);
    if (rc == ERR_LIMIT || rc == ERR_INVALID) {
        /* One rule that cannot be followed must not keep the others waiting. */
        LOG(LOG_ERROR, "schedule_unreadable", log_text("job", job->name),
            log_text("reason", own.msg));
        job->next = now + CLOCK_HOUR;
        return 0;
    }
    return rc < 0 ? err_set(err, rc, "%s", own.msg) : 0;
}
