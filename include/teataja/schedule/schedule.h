/* teataja/schedule/schedule.h - what is due, done once.
 *
 * A job is something that happens by the calendar: a newsletter's schedule, the `send:`
 * of an issue, the invitations, reminders and thanks of an event. An occurrence of a job
 * is one row, UNIQUE by (job, local time): several schedulers on one database, a clock that
 * is put back, a file that is read again - it happens once. There is no cursor: what is due
 * is what the rule says and no row has.
 *
 *   due -> running -> done
 *                  -> skipped   nothing to send, nobody to get it, missed, too late
 *                  -> due       tried again after 1, 5, 15 minutes, 1 and 3 hours
 *                  -> failed    after SCHEDULE_ATTEMPTS
 *
 * A row that is running is guarded by a lock file beside the database; what a
 * dead scheduler left running is run again by the next tick (and is not done
 * twice: one issue is one mailing).
 *
 * Missed: of the occurrences that nobody was awake for, the latest is run if it is at
 * most `too_late_after` old; the others are rows that say why they are skipped. A
 * newsletter's schedule counts from when it was first seen, or seen changed: what lies
 * before was not missed. So do reminders and thanks, that writing a file never sends
 * mail at once; each of those is made up for by itself, a reminder until the next one of
 * its event is due.
 *
 * Drafts: `draft_before` a letter of a newsletter, an issue or invitations to an event of its list,
 * its draft is made, as a job of its own (drafts/newsletters/funding) whose occurrences are
 * those of the letter; what it was made of is what goes out at that occurrence. A draft
 * whose time lay before its schedule was seen is made at once.
 *
 * The clock: a wall clock that jumps by more than SCHEDULE_JUMP against the time since
 * boot (which counts suspend), or that is so much earlier than at the last tick of
 * another boot, holds everything until schedule_release.
 *
 * Nothing here reads a clock, and nothing here sends: the caller passes the time and a
 * function that does a job. One thread uses a struct schedule at a time.
 * Life: schedule_open, schedule_tick..., schedule_close; open again when files changed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/civil.h"
#include "teataja/base/clock.h"
#include "teataja/base/err.h"
#include "teataja/config/config.h"
#include "teataja/content/content.h"
#include "teataja/db/db.h"
#include "teataja/events/event.h"

#define SCHEDULE_JUMP CLOCK_DAY
#define SCHEDULE_ATTEMPTS 6
#define SCHEDULE_LOOK_BACK (366 * CLOCK_DAY) /* older ones are forgotten, not reported */

enum schedule_kind {
    SCHEDULE_NEWSLETTER, /* the next issue of the newsletter that says `send: next`; without
                          * one its automatic letter, if it has `compose: auto` */
    SCHEDULE_ISSUE,      /* the issue, by its own `send:` */
    SCHEDULE_INVITE,     /* the invitations of the event */
    SCHEDULE_REMINDER,   /* one of its `reminders:`, before each occurrence */
    SCHEDULE_THANKS,     /* its thanks, after the last one */
    SCHEDULE_DRAFT,      /* the draft of one of the first three, `draft_before` it */
    SCHEDULE_KINDS
};

/* An occurrence that is to be done now. */
struct schedule_run {
    int64_t id;
    enum schedule_kind kind;
    const char *job;    /* "newsletters/funding", "issues/2026-12", "events/forum",
                         * "events/forum/reminder-7d", "events/forum/thanks" */
    const char *target; /* what is sent: "issues/2026-12", "newsletters/funding", "events/forum";
                         * of a reminder in a series "events/seminar/20270302T100000" */
    const char *slug;   /* of the target: "2026-12" */
    const char *local;  /* "2026-12-01T09:00:00"; of a draft that of its letter */
    const char *zone;   /* of `local` */
    int64_t due;        /* its instant */
    int64_t at;         /* when the letter goes: `due`, or later for its draft */
    bool by_hand;       /* out of turn: schedule_run_now */
    int64_t attempt;    /* 1, 2, ... */
};

/* What came of it. */
struct schedule_outcome {
    int64_t mailing;    /* 0: none was made */
    int64_t recipients; /* rows of it */
    bool waits; /* with ERR_STATE: for people; not skipped, but looked at each minute as long
                 * as it is not too late */
};

/* Does a run: plans and queues, does not deliver. 0: done. ERR_EXISTS: it was done
 * before, which is as good. ERR_STATE: there is nothing to do, the run is skipped with
 * the message as its reason. ERR_STOPPED: the row goes back to due and the tick ends.
 * Any other error: tried again later. No transaction is open when it is called. */
typedef int schedule_do(void *ctx, const struct schedule_run *run, struct schedule_outcome *out,
                        struct err *err);

struct schedule_options {
    struct db *db;
    const struct config *config;
    const struct content *content;
    const struct events *events;
    schedule_do *run; /* NULL: only to look */
    void *ctx;
};

struct schedule;

/* Everything that *options points to must outlive it. ERR_INVALID for a schedule that
 * cannot be read, with its place. Writes nothing. */
int schedule_open(const struct schedule_options *options, struct schedule **out, struct err *err);
void schedule_close(struct schedule *schedule);

/* Time as the caller has it. */
struct schedule_time {
    int64_t now;      /* microseconds UTC: clock_now */
    int64_t uptime;   /* microseconds since boot, suspend counted: clock_uptime; < 0: unknown, as
                       * with a rehearsal's clock, and then no jump is looked for */
    const char *boot; /* clock_boot_id */
};

/* What a tick did. */
struct schedule_tick {
    int64_t next_due; /* when to tick again at the latest; INT64_MAX: nothing is planned */
    int64_t done;
    int64_t skipped;
    int64_t failed;  /* for good */
    int64_t retried; /* failed, and tried again later */
    int64_t waiting; /* for people */
    bool held;       /* the clock jumped: nothing is done until schedule_release */
};

/* Does what is due. Occurrences whose run fails are no error of the tick: they are rows
 * and events of the log. Errors: of the database, ERR_NOMEM, ERR_STOPPED. Cheap when
 * nothing is due: call it at next_due, and at least once a minute, for the clock. */
int schedule_tick(struct schedule *schedule, const struct schedule_time *time,
                  struct schedule_tick *out, struct err *err);

/* Does a job now, out of turn: its occurrence is the present time. `job` is a name as in
 * struct schedule_run, or the newsletter's slug. ERR_NOT_FOUND ("; did you mean ...");
 * ERR_STATE with the reason when there is nothing to do; otherwise what the run said. */
int schedule_run_now(struct schedule *schedule, const char *job, const struct schedule_time *time,
                     struct schedule_outcome *out, struct err *err);

/* What schedule_run_now would do, without doing it. *out lives in the arena. Errors as there. */
int schedule_plan_now(struct schedule *schedule, struct arena *arena, const char *job,
                      const struct schedule_time *time, struct schedule_run *out, struct err *err);

/* What will happen in [from, to), in order of time. */
struct schedule_item {
    enum schedule_kind kind;
    const char *job;
    const char *target; /* NULL: not known yet, such as the issue after the next */
    const char *slug;
    struct civil local;
    const char *zone;
    int64_t due;
    const char *note; /* "" or what is special: "the clock shows 03:30 then" */
};
int schedule_list(struct schedule *schedule, struct arena *arena, int64_t from, int64_t to,
                  struct schedule_item **out, size_t *count, struct err *err);

/* What was done, the newest first, at most `max`. */
struct schedule_record {
    int64_t id;
    const char *kind;
    const char *job;
    const char *target; /* "" if none */
    const char *local;
    const char *zone;
    int64_t due;
    const char *state;  /* "due", "running", "done", "skipped", "failed" */
    const char *reason; /* "" if none */
    int64_t attempts;
    int64_t next_at; /* of a due one that is tried again */
    int64_t done_at; /* 0 until it is */
    int64_t mailing; /* 0 if none */
};
int schedule_records(struct db *db, struct arena *arena, size_t max, struct schedule_record **out,
                     size_t *count, struct err *err);

/* Holds everything until schedule_release, as a clock that jumped does: for whoever brings a
 * backup back, which does not know what was sent since. In the caller's transaction. */
int schedule_hold_all(struct db *db, const char *reason, int64_t now, struct err *err);

/* Why everything is held and since when. Returns 1, 0 if it is not, or an error. */
struct schedule_hold {
    const char *reason; /* in the arena */
    int64_t since;      /* by the clock that jumped */
};
int schedule_held(struct db *db, struct arena *arena, struct schedule_hold *out, struct err *err);

/* The clock is right: goes on from *time. ERR_STATE if nothing is held. */
int schedule_release(struct db *db, const struct schedule_time *time, struct err *err);

/* Checks the schedules of newsletters; problems go to `report` with file, line and
 * column. Returns 0, or ERR_NOMEM. For the verb check. */
int schedule_check(struct arena *arena, const struct config *config, int64_t now,
                   struct report *report, struct err *err);

/* "newsletter", "issue", "invitation", "reminder", "thanks". */
const char *schedule_kind_name(enum schedule_kind kind);
