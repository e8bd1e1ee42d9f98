/* job.c - what the files of the site want to happen, and when. */
#include <stdio.h>
#include <string.h>

#include "job_left.h"
#include "room.h"
#include "sql/schedule/job.h"

#define CHUNK (31 * CLOCK_DAY) /* of one expansion: bounded, however often a rule comes */

/* What is different from kind to kind. */
static const struct {
    const char *name;
    const char *purpose; /* of the mailings that it makes */
} kinds[SCHEDULE_KINDS] = {[SCHEDULE_NEWSLETTER] = {"newsletter", "letter"},
                           [SCHEDULE_ISSUE] = {"issue", "letter"},
                           [SCHEDULE_INVITE] = {"invitation", "invitation"},
                           [SCHEDULE_REMINDER] = {"reminder", "reminder"},
                           [SCHEDULE_THANKS] = {"thanks", "thanks"},
                           [SCHEDULE_DRAFT] = {"draft", NULL}};

#define DRAFTS "drafts/"

const char *schedule_kind_name(enum schedule_kind kind)
{
    return kinds[kind].name;
}

struct job *job_add(struct schedule *schedule, enum schedule_kind kind, const char *name)
{
    struct job *job = &schedule->jobs[schedule->count++];

    *job = (struct job){.kind = kind};
    (void)snprintf(job->name, sizeof(job->name), "%s", name);
    return job;
}

static struct job *add(struct schedule *schedule, enum schedule_kind kind, const char *folder,
                       const char *slug)
{
    char name[JOB_NAME];
    struct job *job;

    (void)snprintf(name, sizeof(name), "%s/%s", folder, slug);
    job = job_add(schedule, kind, name);
    job->slug = slug;
    return job;
}

static int add_newsletters(struct schedule *schedule, struct err *err)
{
    const struct config *config = schedule->options.config;

    for (size_t i = 0; i < config->newsletter_count; i++) {
        const struct newsletter *newsletter = &config->newsletters[i];
        struct timetable timetable;
        int rc = timetable_of(schedule->arena, config, newsletter, NULL, &timetable, err);

        if (rc < 0) {
            return rc;
        }
        if (rc == 1) {
            struct job *job = add(schedule, SCHEDULE_NEWSLETTER, "newsletters", newsletter->slug);

            job->timetable = timetable;
            job->zone = timetable.zone;
            job->newsletter = newsletter;
            job->draft_before = newsletter->draft_before;
            job->too_late_after = newsletter->too_late_after;
        }
    }
    return 0;
}

static void add_issues(struct schedule *schedule)
{
    const struct content *content = schedule->options.content;

    for (size_t i = 0; i < content->issue_count; i++) {
        const struct issue *issue = &content->issues[i];

        if (issue->has_send && issue->newsletter != NULL) {
            struct job *job = add(schedule, SCHEDULE_ISSUE, "issues", issue->item.slug);

            job->once = true;
            job->at = (struct timetable_time){.local = issue->send_local, .at = issue->send_at};
            job->zone = issue->zone;
            job->draft_before = issue->newsletter->draft_before;
            job->too_late_after = issue->newsletter->too_late_after;
        }
    }
}

/* That of the newsletter to the list. */
static int64_t draft_before(const struct config *config, const char *list)
{
    for (size_t i = 0; list != NULL && i < config->newsletter_count; i++) {
        if (strcmp(config->newsletters[i].list, list) == 0) {
            return config->newsletters[i].draft_before;
        }
    }
    return 0;
}

/* Invitations that were missed are sent as long as the event has not begun. */
static int add_events(struct schedule *schedule, struct err *err)
{
    const struct events *events = schedule->options.events;

    for (size_t i = 0; i < events->count; i++) {
        const struct event *event = &events->items[i];
        struct job *job;
        int rc;

        job_event_add(schedule, event);
        if (!event->has_invite_before || event->status == EVENT_CANCELLED) {
            continue;
        }
        job = add(schedule, SCHEDULE_INVITE, "events", event->slug);
        job->once = true;
        job->zone = event->tzid;
        job->at.local = event->start;
        job->at.local.date_only = false;
        civil_add_days(&job->at.local, -event->invite_before.days);
        rc = zone_to_utc(event->tzid, &job->at.local, &job->at.at, &job->at.fit, err);
        if (rc == 0 && event->invite_before.micros != 0) {
            job->at.at -= event->invite_before.micros;
            rc = zone_from_utc(event->tzid, job->at.at, &job->at.local, err);
        }
        if (rc < 0) {
            return rc;
        }
        job->draft_before = draft_before(schedule->options.config, event->list);
        job->too_late_after = event->start_utc - job->at.at;
    }
    return 0;
}

/* Behind all others: a job for the draft of each that has one. Each of its occurrences counts,
 * until that of the letter. */
static void add_drafts(struct schedule *schedule)
{
    size_t count = schedule->count;

    for (size_t i = 0; i < count; i++) {
        const struct job *job = &schedule->jobs[i];
        struct job draft = *job;

        if (job->draft_before == 0) {
            continue;
        }
        draft.kind = SCHEDULE_DRAFT;
        draft.ahead = draft.too_late_after = job->draft_before;
        draft.each = true;
        (void)snprintf(draft.name, sizeof(draft.name), DRAFTS "%.*s",
                       (int)(sizeof(draft.name) - sizeof(DRAFTS)), job->name);
        schedule->jobs[schedule->count++] = draft;
    }
}

const char *job_of(const struct job *job)
{
    return job->ahead != 0 ? job->name + strlen(DRAFTS) : job->name;
}

int jobs_make(struct schedule *schedule, struct err *err)
{
    size_t most = (schedule->options.config->newsletter_count +
                   schedule->options.content->issue_count + schedule->options.events->count) *
                      2 +
                  job_event_most(schedule->options.events);
    int rc;

    schedule->jobs = arena_alloc(schedule->arena, most + 1, sizeof(*schedule->jobs));
    if (schedule->jobs == NULL) {
        return err_nomem(err);
    }
    rc = add_newsletters(schedule, err);
    if (rc == 0) {
        add_issues(schedule);
        rc = add_events(schedule, err);
    }
    if (rc == 0) {
        add_drafts(schedule);
    }
    return rc;
}

struct job *job_find(const struct schedule *schedule, const char *name)
{
    for (size_t i = 0; i < schedule->count; i++) {
        if (strcmp(schedule->jobs[i].name, name) == 0) {
            return &schedule->jobs[i];
        }
    }
    return NULL;
}

static int list_once(const struct job *job, struct arena *arena, int64_t from, int64_t to,
                     struct timetable_time **out, struct err *err)
{
    if (job->at.at < from || job->at.at >= to) {
        return 0;
    }
    *out = arena_alloc(arena, 1, sizeof(**out));
    if (*out == NULL) {
        return err_nomem(err);
    }
    **out = job->at;
    return 1;
}

static int list(const struct job *job, struct arena *arena, int64_t from, int64_t to,
                struct timetable_time **out, struct err *err)
{
    struct timetable_time *times = NULL;
    size_t capacity = 0;
    size_t count = 0;

    *out = NULL;
    if (job->once) {
        return list_once(job, arena, from, to, out, err);
    }
    if (job->event != NULL) {
        return job_event_list(job, arena, from, to, out, err);
    }
    for (int64_t at = from; at < to; at += CHUNK) {
        struct timetable_time *some = NULL;
        int found = timetable_list(arena, &job->timetable, at, to - at > CHUNK ? at + CHUNK : to, 0,
                                   &some, err);

        if (found < 0) {
            return found;
        }
        for (int i = 0; i < found; i++) {
            int rc = arena_grow(arena, &times, &capacity, count, sizeof(*times), err);

            if (rc < 0) {
                return rc;
            }
            times[count++] = some[i];
        }
    }
    *out = times;
    return (int)count;
}

int job_list(const struct job *job, struct arena *arena, int64_t from, int64_t to,
             struct timetable_time **out, struct err *err)
{
    int count = list(job, arena, from + job->ahead, to + job->ahead, out, err);

    for (int i = 0; *out != NULL && i < count; i++) {
        (*out)[i].at -= job->ahead;
    }
    return count;
}

static int next(const struct job *job, struct arena *arena, int64_t after, int64_t *out,
                struct err *err)
{
    static const int64_t windows[] = {32 * CLOCK_DAY, 400 * CLOCK_DAY, 3660 * CLOCK_DAY};

    *out = INT64_MAX;
    if (job->once) {
        *out = job->at.at > after ? job->at.at : INT64_MAX;
        return 0;
    }
    for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
        struct timetable_time *times = NULL;
        int found = job->event != NULL
                        ? job_event_list(job, arena, after + 1, after + windows[i], &times, err)
                        : timetable_list(arena, &job->timetable, after + 1, after + windows[i], 1,
                                         &times, err);

        if (found != 0) {
            *out = found > 0 ? times[0].at : INT64_MAX;
            return found < 0 ? found : 0;
        }
    }
    return 0;
}

int job_next(const struct job *job, struct arena *arena, int64_t after, int64_t *out,
             struct err *err)
{
    int rc = next(job, arena, after + job->ahead, out, err);

    *out -= *out != INT64_MAX ? job->ahead : 0;
    return rc;
}

int job_mailing(struct db *db, const char *purpose, const char *subject, int64_t *mailing,
                struct err *err)
{
    return db_get_int(db, SQL_JOB_MAILING, mailing, err, "tt", purpose, subject);
}

int job_made(struct db *db, enum schedule_kind kind, const char *target, int64_t *mailing,
             struct err *err)
{
    const char *slash = strchr(target, '/');
    size_t len = slash != NULL ? (size_t)(slash + 1 - target) + strcspn(slash + 1, "/") : 0;
    char subject[JOB_NAME];

    (void)snprintf(subject, sizeof(subject), "%.*s", (int)len, target);
    if (kind == SCHEDULE_DRAFT) {
        kind = strncmp(target, "events/", 7) == 0 ? SCHEDULE_INVITE : SCHEDULE_ISSUE;
    }
    return job_mailing(db, kinds[kind].purpose, subject, mailing, err);
}

int job_is_over(const struct schedule *schedule, const struct job *job, struct err *err)
{
    int64_t mailing;
    char target[JOB_NAME];

    (void)snprintf(target, sizeof(target), "events/%s", job->slug);
    if (job->kind == SCHEDULE_THANKS) {
        return job_made(schedule->options.db, job->kind, target, &mailing, err);
    }
    return strncmp(job_of(job), "issues/", 7) == 0
               ? job_made(schedule->options.db, SCHEDULE_ISSUE, job_of(job), &mailing, err)
               : 0;
}

/* The `nth` issue that waits for the newsletter's next time; NULL if there are not so many. */
static int job_waiting(const struct schedule *schedule, const struct job *job, size_t nth,
                       const struct issue **out, struct err *err)
{
    const struct content *content = schedule->options.content;

    *out = NULL;
    for (size_t i = 0; i < content->issue_count; i++) {
        const struct issue *issue = &content->issues[i];
        char subject[JOB_NAME];
        int64_t mailing;
        int rc;

        if (!issue->send_next || issue->newsletter != job->newsletter) {
            continue;
        }
        (void)snprintf(subject, sizeof(subject), "issues/%s", issue->item.slug);
        rc = job_mailing(schedule->options.db, "letter", subject, &mailing, err);
        if (rc < 0) {
            return rc;
        }
        if (rc == 0 && nth-- == 0) {
            *out = issue;
            return 0;
        }
    }
    return 0;
}

/* "events/forum", "events/seminar/20270302T100000" */
static int event_target(const struct schedule *schedule, const struct job *job, int64_t due,
                        char out[JOB_NAME], struct err *err)
{
    char occurrence[OCCURRENCE_ID] = "";
    int rc = job->kind == SCHEDULE_REMINDER
                 ? job_event_occurrence(schedule, job, due, occurrence, err)
                 : 1;

    if (rc == 1) {
        (void)snprintf(out, JOB_NAME, "events/%s%s%s", job->slug, occurrence[0] != '\0' ? "/" : "",
                       occurrence);
    }
    return rc;
}

int job_target(const struct schedule *schedule, const struct job *job, size_t nth, int64_t due,
               char out[JOB_NAME], struct err *err)
{
    const struct issue *issue = NULL;
    int rc;

    if (job->event != NULL) {
        return event_target(schedule, job, due, out, err);
    }
    if (job->newsletter == NULL) {
        (void)snprintf(out, JOB_NAME, "%s", job_of(job));
        return 1;
    }
    rc = job_waiting(schedule, job, nth, &issue, err);
    if (rc == 0) {
        rc = job_left_waiting(schedule, job, issue != NULL, err);
    }
    if (rc < 0) {
        return rc;
    }
    if (issue != NULL) {
        (void)snprintf(out, JOB_NAME, "issues/%s", issue->item.slug);
    } else if (job->newsletter->compose == COMPOSE_AUTO) {
        (void)snprintf(out, JOB_NAME, "%s", job_of(job));
    }
    return issue != NULL || job->newsletter->compose == COMPOSE_AUTO;
}
