/* run.c - doing what is due, one row at a time. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "job_left.h"
#include "room.h"
#include "run_lock.h"
#include "sql/schedule/run.h"
#include "teataja/base/log.h"
#include "teataja/base/suggest.h"

/* Before the second, third, ... attempt. */
static const int64_t pauses[SCHEDULE_ATTEMPTS - 1] = {
    CLOCK_MINUTE, 5 * CLOCK_MINUTE, 15 * CLOCK_MINUTE, CLOCK_HOUR, 3 * CLOCK_HOUR};

struct running {
    struct schedule *schedule;
    struct schedule_run run; /* texts in the scratch arena */
    int64_t now;
    bool by_hand;       /* not tried again */
    int64_t at;         /* by hand: when the letter goes */
    const char *reason; /* what the last attempt said; "" if none */
    const char *cause;  /* why it is skipped, for others; "" if they need not know */
    struct schedule_outcome outcome;
};

static int list_ids(struct schedule *schedule, const struct db_sql *sql, int64_t now, int64_t **out,
                    size_t *count, struct err *err)
{
    struct db_stmt *stmt = NULL;
    size_t capacity = 0;
    int rc = db_query(schedule->options.db, sql, &stmt, err);

    *out = NULL;
    *count = 0;
    if (rc == 0 && sql == SQL_RUN_LIST) {
        rc = db_bind(stmt, err, "i", now);
    }
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        rc = arena_grow(schedule->scratch, out, &capacity, *count, sizeof(**out), err);
        if (rc == 0) {
            (*out)[(*count)++] = db_int(stmt, 0);
        }
    }
    db_stmt_free(stmt);
    return rc;
}

int run_recover(struct schedule *schedule, struct err *err)
{
    struct arena_mark mark = arena_mark(schedule->scratch);
    struct db *db = schedule->options.db;
    int64_t *ids = NULL;
    size_t count = 0;
    int rc = list_ids(schedule, SQL_RUN_RUNNING, 0, &ids, &count, err);

    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct run_lock lock;

        rc = run_lock_take(&lock, db, ids[i], err);
        if (rc == 1) {
            rc = db_exec(db, SQL_RUN_RECOVER, err, "i", ids[i]);
            run_lock_release(&lock);
        }
    }
    arena_rewind(schedule->scratch, mark);
    return rc;
}

/* ---- outcomes ---- */

static int end(const struct running *running, const char *state, const char *reason,
               struct err *err)
{
    const struct schedule_outcome *outcome = &running->outcome;

    LOG(strcmp(state, "failed") == 0 ? LOG_ERROR : LOG_INFO, "schedule_run",
        log_text("job", running->run.job), log_text("occurrence", running->run.local),
        log_text("target", running->run.target), log_text("state", state),
        log_text("reason", reason), log_int("mailing", outcome->mailing),
        log_int("recipients", outcome->recipients));
    return db_exec(running->schedule->options.db, SQL_RUN_END, err, "itti??t", running->run.id,
                   state, reason, running->now, outcome->mailing != 0, outcome->mailing,
                   outcome->mailing != 0, outcome->recipients, running->cause);
}

static int try_again(const struct running *running, const char *reason, struct err *err)
{
    int64_t next = running->now + pauses[running->run.attempt - 1];

    LOG(LOG_WARN, "schedule_retry", log_text("job", running->run.job),
        log_text("occurrence", running->run.local), log_text("target", running->run.target),
        log_int("attempt", running->run.attempt), log_text("reason", reason));
    return db_exec(running->schedule->options.db, SQL_RUN_AGAIN, err, "iti", running->run.id,
                   reason, next);
}

/* What was done before counts as done: a scheduler died between making the mailing and
 * saying so, or somebody was faster. 1 if so. */
static int was_done(struct running *running, int said, struct err *err)
{
    bool invited = running->run.kind == SCHEDULE_INVITE &&
                   (running->run.attempt > 1 || running->reason[0] != '\0');

    /* Who asks again for invitations that were made hears that nobody is left. */
    if (said != ERR_EXISTS && (said != ERR_STATE || !invited)) {
        return 0;
    }
    return job_made(running->schedule->options.db, running->run.kind, running->run.target,
                    &running->outcome.mailing, err);
}

static int fail(const struct running *running, const char *reason, struct schedule_tick *tick,
                struct err *err)
{
    if (running->run.attempt >= SCHEDULE_ATTEMPTS || running->by_hand) {
        tick->failed++;
        return end(running, "failed", reason, err);
    }
    tick->retried++;
    return try_again(running, reason, err);
}

/* For people, who may decide at any time until it is too late. */
static int wait_for_people(const struct running *running, const char *reason,
                           struct schedule_tick *tick, struct err *err)
{
    if (running->by_hand) {
        return end(running, "done", reason, err);
    }
    tick->waiting++;
    if (strcmp(running->reason, reason) != 0) {
        LOG(LOG_INFO, "schedule_waits", log_text("job", running->run.job),
            log_text("occurrence", running->run.local), log_text("reason", reason));
    }
    return db_exec(running->schedule->options.db, SQL_RUN_WAIT, err, "iti?", running->run.id,
                   reason, running->now + CLOCK_MINUTE, running->outcome.mailing != 0,
                   running->outcome.mailing);
}

/* Writes what the function said. */
static int conclude(struct running *running, int said, const struct err *why,
                    struct schedule_tick *tick, struct err *err)
{
    int before = was_done(running, said, err);

    if (before < 0) {
        return before;
    }
    if (said == 0 || before == 1) {
        tick->done++;
        return end(running, "done", before == 1 ? "it was made before" : "", err);
    }
    if (said == ERR_STATE && running->outcome.waits) {
        return wait_for_people(running, why->msg, tick, err);
    }
    if (said == ERR_STATE) {
        tick->skipped++;
        return end(running, "skipped", why->msg, err);
    }
    if (said == ERR_STOPPED) {
        return db_exec(running->schedule->options.db, SQL_RUN_UNBEGIN, err, "i", running->run.id);
    }
    return fail(running, why->msg, tick, err);
}

/* ---- before ---- */

/* 1 and the run; 0 if somebody else has it or it is not due any more. */
static int read_run(struct running *running, struct err *err)
{
    struct schedule *schedule = running->schedule;
    struct schedule_run *run = &running->run;
    struct db_stmt *stmt = NULL;
    int rc = db_query(schedule->options.db, SQL_RUN_GET, &stmt, err);

    if (rc == 0) {
        rc = db_bind(stmt, err, "ii", run->id, running->now);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 1) {
        run->job = db_dup(stmt, 0, schedule->scratch);
        run->local = db_dup(stmt, 1, schedule->scratch);
        run->zone = db_dup(stmt, 2, schedule->scratch);
        run->due = db_int(stmt, 3);
        run->target = db_dup(stmt, 4, schedule->scratch);
        run->attempt = db_int(stmt, 5) + 1;
        run->by_hand = running->by_hand;
        running->reason = db_dup(stmt, 6, schedule->scratch);
        if (run->job == NULL || run->local == NULL || run->zone == NULL || run->target == NULL ||
            running->reason == NULL) {
            (void)err_nomem(err);
            rc = ERR_NOMEM;
        }
    }
    db_stmt_free(stmt);
    return rc;
}

/* Whether the files still say this time, of a job whose every occurrence counts. */
static bool is_planned(const struct running *running, const struct job *job)
{
    struct timetable_time *times = NULL;
    char local[CIVIL_TEXT];
    int count = 1;

    if (!job->once && job->each) {
        count = job_list(job, running->schedule->scratch, running->run.due, running->run.due + 1,
                         &times, NULL);
        return count != 0; /* what cannot be read is told when it is done */
    }
    civil_format(&job->at.local, local);
    return !job->once || strcmp(local, running->run.local) == 0;
}

/* Why a run is not done after all; NULL if it is. */
static const char *objection(struct running *running, const struct job *job)
{
    const char *why;

    if (!running->by_hand && !is_planned(running, job)) {
        return "the site plans this for another time now";
    }
    if (running->by_hand || running->now - running->run.due <= job->too_late_after) {
        return NULL;
    }
    running->cause = RUN_LATE;
    why = running->reason[0] != '\0'
              ? arena_printf(running->schedule->scratch, "too late: %s", running->reason)
              : NULL;
    return why != NULL ? why : "too late: it could not be done in time";
}

/* What was drafted for this occurrence; NULL if nothing was. */
static int read_drafted(struct running *running, const char **out, struct err *err)
{
    struct schedule *schedule = running->schedule;
    struct db_stmt *stmt = NULL;
    int rc = db_query(schedule->options.db, SQL_RUN_DRAFTED, &stmt, err);

    *out = NULL;
    if (rc == 0) {
        rc = db_bind(stmt, err, "tt", running->run.job, running->run.local);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 1) {
        *out = db_dup(stmt, 0, schedule->scratch);
        rc = *out != NULL ? 0 : err_nomem(err);
    }
    db_stmt_free(stmt);
    return rc;
}

/* How many letters of the job go out before that of a draft. */
static int count_before(const struct schedule *schedule, const struct job *job, int64_t now,
                        int64_t due, struct err *err)
{
    struct timetable_time *times = NULL;

    return job->ahead == 0 || job->once
               ? 0
               : job_list(job, schedule->scratch, now - job->ahead + 1, due, &times, err);
}

static int choose_target(struct running *running, const struct job *job, struct err *err)
{
    struct schedule *schedule = running->schedule;
    const char *drafted = NULL;
    char target[JOB_NAME];
    int before;
    int rc = read_drafted(running, &drafted, err);

    if (rc < 0 || drafted != NULL) {
        running->run.target = drafted;
        return rc < 0 ? rc : 1;
    }
    before = count_before(schedule, job, running->now, running->run.due, err);
    rc = before < 0 ? before
                    : job_target(schedule, job, (size_t)before, running->run.due, target, err);
    running->run.target = rc == 1 ? arena_strdup(schedule->scratch, target) : "";
    return rc;
}

/* Chooses what is sent, unless an earlier attempt did: else a letter that was made just
 * before a crash would be followed by the next one. */
static int choose(struct running *running, const struct job *job, struct err *err)
{
    int rc = running->run.target[0] == '\0' ? choose_target(running, job, err) : 1;

    if (rc < 0 || running->run.target == NULL) {
        return rc < 0 ? rc : err_nomem(err);
    }
    running->run.kind = job->kind;
    running->run.at = running->at != 0 ? running->at : running->run.due + job->ahead;
    running->run.slug = strchr(running->run.target, '/');
    running->run.slug = running->run.slug != NULL ? running->run.slug + 1 : "";
    return rc;
}

static const char *nothing_waits(const struct job *job)
{
    return job->event != NULL ? "no occurrence of the event lies ahead"
                              : "no issue of it says 'send: next'";
}

static int skip(struct running *running, const char *reason, struct schedule_tick *tick,
                struct err *err)
{
    tick->skipped++;
    return end(running, "skipped", reason, err);
}

/* Until somebody corrects them. Not counted as an attempt: nobody tried. */
static int wait_for_files(const struct running *running, const char *reason,
                          struct schedule_tick *tick, struct err *err)
{
    tick->retried++;
    LOG(LOG_WARN, "schedule_waits", log_text("job", running->run.job),
        log_text("occurrence", running->run.local), log_text("reason", reason));
    return db_exec(running->schedule->options.db, SQL_RUN_AGAIN, err, "iti", running->run.id,
                   reason, running->now + CLOCK_MINUTE);
}

/* 1: go on, and the row says that it is running; 0: it is settled, or somebody else's. */
static int decide(struct running *running, struct schedule_tick *tick, struct err *err)
{
    struct db *db = running->schedule->options.db;
    const struct job *job;
    struct err left = {0};
    const char *why;
    int rc = read_run(running, err);

    if (rc != 1) {
        return rc;
    }
    job = job_find(running->schedule, running->run.job);
    if (job == NULL && job_left(running->schedule, running->run.job, &left) < 0) {
        return wait_for_files(running, left.msg, tick, err);
    }
    why = job == NULL ? "the site does not plan this any more" : objection(running, job);
    if (why != NULL) {
        return skip(running, why, tick, err);
    }
    rc = choose(running, job, &left);
    if (rc == ERR_INVALID) {
        return wait_for_files(running, left.msg, tick, err);
    }
    if (rc < 0) {
        return err_set(err, rc, "%s", left.msg);
    }
    if (rc == 0) {
        running->cause = job->event == NULL ? RUN_EMPTY : "";
        return skip(running, nothing_waits(job), tick, err);
    }
    if (rc == 1) {
        rc = db_exec(db, SQL_RUN_BEGIN, err, "it", running->run.id, running->run.target);
    }
    return rc < 0 ? rc : 1;
}

/* The same in one transaction, under the run's lock. */
static int begin(struct running *running, struct schedule_tick *tick, struct err *err)
{
    struct db *db = running->schedule->options.db;
    int go_on = 0;
    int rc = db_begin(db, err);

    if (rc == 0) {
        go_on = decide(running, tick, err);
        rc = go_on < 0 ? go_on : db_commit(db, err);
    }
    db_rollback(db);
    return rc < 0 ? rc : go_on;
}

/* *said is what the function returned, ERR_STATE if it was not asked; *why its words. */
static int do_locked(struct running *running, struct schedule_tick *tick, int *said,
                     struct err *why, struct err *err)
{
    const struct schedule_options *options = &running->schedule->options;
    int rc = begin(running, tick, err);

    if (rc <= 0) {
        *said = rc < 0 ? rc : err_set(why, ERR_STATE, "there is nothing to do");
        return rc;
    }
    if (running->run.attempt > SCHEDULE_ATTEMPTS) {
        *said = err_set(why, ERR_LIMIT, "the scheduler ended each time while this was being done");
    } else {
        *said = options->run(options->ctx, &running->run, &running->outcome, why);
    }
    return conclude(running, *said, why, tick, err);
}

static int do_one(struct running *running, struct schedule_tick *tick, int *said, struct err *why,
                  struct err *err)
{
    struct run_lock lock;
    int rc = run_lock_take(&lock, running->schedule->options.db, running->run.id, err);

    if (rc == 0) {
        *said = err_set(why, ERR_BUSY, "another scheduler does it just now");
    }
    if (rc == 1) {
        rc = do_locked(running, tick, said, why, err);
        run_lock_release(&lock);
    }
    return rc;
}

int run_due(struct schedule *schedule, int64_t now, struct schedule_tick *tick, struct err *err)
{
    struct arena_mark mark = arena_mark(schedule->scratch);
    int64_t *ids = NULL;
    size_t count = 0;
    int64_t next;
    int said = 0;
    int rc = list_ids(schedule, SQL_RUN_LIST, now, &ids, &count, err);

    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct arena_mark one = arena_mark(schedule->scratch);
        struct running running = {
            .schedule = schedule, .run.id = ids[i], .now = now, .reason = "", .cause = ""};
        struct err why = {0};

        rc = do_one(&running, tick, &said, &why, err);
        if (rc == 0 && said == ERR_STOPPED) {
            rc = err_set(err, ERR_STOPPED, "%s", why.msg);
        }
        arena_rewind(schedule->scratch, one);
    }
    arena_rewind(schedule->scratch, mark);
    if (rc == 0) {
        rc = db_get_int(schedule->options.db, SQL_RUN_NEXT, &next, err, "");
        tick->next_due = rc == 1 && next < tick->next_due ? next : tick->next_due;
    }
    return rc < 0 ? rc : 0;
}

/* ---- by hand ---- */

static int find_job(const struct schedule *schedule, const char *name, const struct job **out,
                    struct err *err)
{
    char full[JOB_NAME];
    struct suggest suggest;

    (void)snprintf(full, sizeof(full), "newsletters/%s", name);
    *out = job_find(schedule, name);
    if (*out == NULL) {
        *out = job_find(schedule, full);
    }
    if (*out != NULL) {
        return 0;
    }
    if (job_left(schedule, name, err) < 0 || job_left(schedule, full, err) < 0) {
        return ERR_INVALID;
    }
    suggest_start(&suggest, name);
    for (size_t i = 0; i < schedule->count; i++) {
        suggest_offer(&suggest, schedule->jobs[i].name);
        if (schedule->jobs[i].kind == SCHEDULE_NEWSLETTER) {
            suggest_offer(&suggest, schedule->jobs[i].slug);
        }
    }
    return err_set(err, ERR_NOT_FOUND, "nothing is scheduled as '%s'%s", name,
                   suggest_hint(&suggest));
}

/* The draft of the letter that is planned next. */
static int plan_draft(struct schedule *schedule, const struct job *job, int64_t now,
                      struct civil *local, int64_t *at, struct err *err)
{
    struct timetable_time *times = NULL;
    int64_t due = INT64_MAX;
    int rc = job_next(job, schedule->scratch, now - job->ahead, &due, err);

    if (rc == 0 && due == INT64_MAX) {
        rc = err_set(err, ERR_STATE, "%s: nothing is planned that it would be the draft of",
                     job->name);
    }
    if (rc == 0) {
        rc = job_list(job, schedule->scratch, due, due + 1, &times, err);
    }
    if (rc > 0 && times != NULL) {
        *local = times[0].local;
        *at = due + job->ahead;
    }
    return rc < 0 ? rc : 0;
}

int schedule_plan_now(struct schedule *schedule, struct arena *arena, const char *name,
                      const struct schedule_time *time, struct schedule_run *out, struct err *err)
{
    const struct job *job = NULL;
    char target[JOB_NAME] = "";
    char text[CIVIL_TEXT];
    struct civil local;
    int rc;

    memset(out, 0, sizeof(*out));
    rc = find_job(schedule, name, &job, err);
    out->at = time->now;
    if (rc == 0) {
        rc = job->ahead == 0 ? zone_from_utc(job->zone, time->now, &local, err)
                             : plan_draft(schedule, job, time->now, &local, &out->at, err);
    }
    if (rc == 0) {
        rc = job_target(schedule, job, 0, time->now, target, err);
    }
    if (rc <= 0) {
        return rc < 0 ? rc : err_set(err, ERR_STATE, "%s: %s", job->name, nothing_waits(job));
    }
    civil_format(&local, text);
    out->kind = job->kind;
    out->job = arena_strdup(arena, job->name);
    out->target = arena_strdup(arena, target);
    out->local = arena_strdup(arena, text);
    out->zone = job->zone;
    out->due = time->now;
    out->by_hand = true;
    out->attempt = 1;
    if (out->job == NULL || out->target == NULL || out->local == NULL) {
        return err_nomem(err);
    }
    out->slug = strchr(out->target, '/') + 1;
    return 0;
}

/* The row of an occurrence that nobody planned. */
static int add_now(struct schedule *schedule, const struct schedule_run *run, int64_t *id,
                   struct err *err)
{
    struct db *db = schedule->options.db;
    int rc = db_exec(db, SQL_RUN_ADD_NOW, err, "tttti", run->job, run->local,
                     schedule_kind_name(run->kind), run->zone, run->due);

    if (rc == 0 && db_changes(db) == 0) {
        return err_set(err, ERR_EXISTS, "%s was run at %s already", run->job, run->local);
    }
    if (rc == 0) {
        *id = db_last_id(db);
    }
    return rc;
}

int schedule_run_now(struct schedule *schedule, const char *job, const struct schedule_time *time,
                     struct schedule_outcome *out, struct err *err)
{
    struct running running = {
        .schedule = schedule, .now = time->now, .by_hand = true, .reason = "", .cause = ""};
    struct arena_mark mark = arena_mark(schedule->scratch);
    struct schedule_tick tick = {0};
    struct err why = {0};
    struct schedule_run planned;
    int said = 0;
    int rc;

    memset(out, 0, sizeof(*out));
    rc = schedule_plan_now(schedule, schedule->scratch, job, time, &planned, err);
    if (rc == 0) {
        rc = add_now(schedule, &planned, &running.run.id, err);
    }
    running.at = planned.at;
    if (rc == 0) {
        rc = do_one(&running, &tick, &said, &why, err);
    }
    *out = running.outcome;
    arena_rewind(schedule->scratch, mark);
    if (rc == 0 && said < 0 && !out->waits) {
        rc = err_set(err, said, "%s", why.msg);
    }
    return rc;
}
