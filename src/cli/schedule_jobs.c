/* What the jobs of the schedule do: plan and queue, as `send` and `event invite` do. */
#include "schedule_jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "serve_watch.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/log.h"
#include "teataja/compose/approval_send.h"
#include "teataja/compose/event_letter.h"
#include "teataja/compose/invite.h"
#include "teataja/compose/letter.h"

/* What is to be sent, and when. */
struct errand {
    const char *target;
    const char *occurrence; /* NULL to count only */
    int64_t date;
    const char *job; /* whose run it is, and its time; NULL, 0 to count only */
    int64_t due;
    struct approval_wish wish;

    /* What it shows is read too, unless `dates` is NULL. */
    const struct workspace *workspace;
    struct arena *arena; /* of what goes into *dates */
    struct forecast_dates *dates;
};

/* What waits for people, in words. */
static int say_waiting(struct approval_sent *sent, const struct errand *errand,
                       struct schedule_outcome *out, struct err *err)
{
    out->mailing = sent->mailing;
    out->recipients = sent->recipients;
    if (errand->occurrence == NULL || errand->wish.act == APPROVAL_DRAFT ||
        strcmp(sent->state, "queued") == 0) {
        return 0;
    }
    out->waits = true;
    return err_set(err, ERR_STATE, "mailing %lld waits for approval: %d of %d given%s%s",
                   (long long)sent->mailing, sent->given, sent->needed,
                   sent->changes[0] != '\0' ? "; it changed: " : "", sent->changes);
}

static const char *slug_of(const char *target)
{
    return strchr(target, '/') + 1;
}

static int send_letter(struct compose *compose, struct arena *arena, const struct errand *errand,
                       struct schedule_outcome *out, struct err *err)
{
    bool automatic = strncmp(errand->target, LETTER_AUTOMATIC, strlen(LETTER_AUTOMATIC)) == 0;
    const struct letter_options options = {.date = errand->date,
                                           .occurrence = errand->occurrence,
                                           .dry_run = errand->occurrence == NULL,
                                           .wish = errand->wish};
    struct letter_summary summary = {0};
    int rc = letter_plan(compose, arena, automatic ? errand->target : slug_of(errand->target),
                         &options, &summary, err);

    for (size_t i = 0; rc == 0 && !options.dry_run && i < summary.warning_count; i++) {
        LOG(LOG_WARN, "letter_warning", log_text("letter", errand->target),
            log_text("warning", summary.warnings[i]));
    }
    if (rc == 0 && summary.sent.mailing != 0) {
        return say_waiting(&summary.sent, errand, out, err);
    }
    if (rc == 0 && errand->dates != NULL) {
        rc = forecast_read_letter(errand->workspace, errand->arena, &summary, errand->dates, err);
    }
    out->mailing = summary.mailing;
    out->recipients = summary.total;
    return rc;
}

/* When the event begins, and the like. */
static int read_dates(const struct errand *errand, const char *slug, struct err *err)
{
    return errand->dates == NULL ? 0
                                 : forecast_read_event(errand->workspace, errand->arena, slug,
                                                       errand->date, errand->dates, err);
}

static int send_invitations(struct compose *compose, struct arena *arena,
                            const struct errand *errand, struct schedule_outcome *out,
                            struct err *err)
{
    const struct invite_options options = {
        .date = errand->date, .dry_run = errand->occurrence == NULL, .wish = errand->wish};
    struct invite_summary summary = {0};
    int rc = invite_plan(compose, arena, slug_of(errand->target), &options, &summary, err);

    rc = rc == 0 ? read_dates(errand, slug_of(errand->target), err) : rc;
    if (rc == 0 && summary.sent.mailing != 0) {
        return say_waiting(&summary.sent, errand, out, err);
    }
    out->mailing = summary.mailing;
    out->recipients = summary.total;
    return rc;
}

/* To those who were invited. "events/seminar/20270302T100000" names an occurrence too. */
static int send_event_letter(struct compose *compose, struct arena *arena,
                             const struct errand *errand, enum event_letter_kind kind,
                             struct schedule_outcome *out, struct err *err)
{
    const char *slug = slug_of(errand->target);
    const char *slash = strchr(slug, '/');
    const char *name = errand->job != NULL ? strrchr(errand->job, '-') : NULL;
    const struct event_letter_options options = {.kind = kind,
                                                 .occurrence = slash != NULL ? slash + 1 : NULL,
                                                 .name = name != NULL ? name + 1 : "planned",
                                                 .invited_by = errand->due,
                                                 .date = errand->date,
                                                 .dry_run = errand->occurrence == NULL};
    struct event_letter_summary summary = {0};
    char *event = arena_strndup(arena, slug, strcspn(slug, "/"));
    int rc = event == NULL ? err_nomem(err)
                           : event_letter_plan(compose, arena, event, &options, &summary, err);

    rc = rc == 0 ? read_dates(errand, event, err) : rc;
    out->mailing = summary.mailing;
    out->recipients = summary.total;
    return rc;
}

static int send_reminders(struct compose *compose, struct arena *arena, const struct errand *errand,
                          struct schedule_outcome *out, struct err *err)
{
    return send_event_letter(compose, arena, errand, EVENT_REMINDER, out, err);
}

static int send_thanks(struct compose *compose, struct arena *arena, const struct errand *errand,
                       struct schedule_outcome *out, struct err *err)
{
    return send_event_letter(compose, arena, errand, EVENT_THANKS, out, err);
}

/* Of a letter or of invitations. */
static int send_draft(struct compose *compose, struct arena *arena, const struct errand *errand,
                      struct schedule_outcome *out, struct err *err)
{
    return strncmp(errand->target, "events/", 7) == 0
               ? send_invitations(compose, arena, errand, out, err)
               : send_letter(compose, arena, errand, out, err);
}

/* One row a kind: what is done when it is due. */
static int (*const doers[SCHEDULE_KINDS])(struct compose *, struct arena *, const struct errand *,
                                          struct schedule_outcome *, struct err *) = {
    [SCHEDULE_NEWSLETTER] = send_letter,  [SCHEDULE_ISSUE] = send_letter,
    [SCHEDULE_INVITE] = send_invitations, [SCHEDULE_REMINDER] = send_reminders,
    [SCHEDULE_THANKS] = send_thanks,      [SCHEDULE_DRAFT] = send_draft,
};

static int with_arena(struct schedule_jobs *jobs, enum schedule_kind kind,
                      const struct errand *errand, struct schedule_outcome *out, struct err *err)
{
    struct arena *arena = arena_new(LIMIT_ARENA_SITE);
    int rc = arena == NULL ? err_nomem(err) : doers[kind](jobs->compose, arena, errand, out, err);

    arena_free(arena);
    return rc;
}

/* What is run by hand is wanted now: it waits for nobody's time. */
static struct approval_wish wish_of(const struct schedule_run *run)
{
    if (run->kind == SCHEDULE_DRAFT) {
        return (struct approval_wish){.act = APPROVAL_DRAFT, .due = run->at};
    }
    return run->by_hand ? (struct approval_wish){.act = APPROVAL_SEND}
                        : (struct approval_wish){.act = APPROVAL_AT_TIME, .due = run->due};
}

/* Of automatic letters one is made at a time, or two schedulers could tell a member of two
 * newsletters the same thing twice, as new. *fd is -1 if it needs no lock. */
static int lock_news(struct schedule_jobs *jobs, const struct schedule_run *run, int *fd,
                     struct err *err)
{
    char *folder = NULL;
    int rc;

    *fd = -1;
    if (strncmp(run->target, LETTER_AUTOMATIC, strlen(LETTER_AUTOMATIC)) != 0) {
        return 0;
    }
    rc = workspace_var(&jobs->workspace, &folder, err);
    if (rc < 0) {
        return rc;
    }
    *fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd >= 0 && flock(*fd, LOCK_EX) == 0) {
        return 0;
    }
    /* A signal: the scheduler shall end. */
    return errno == EINTR ? err_set(err, ERR_STOPPED, "the scheduler was asked to end")
                          : err_set_errno(err, ERR_IO, errno, "cannot lock %s", folder);
}

static int do_run(void *ctx, const struct schedule_run *run, struct schedule_outcome *out,
                  struct err *err)
{
    int fd = -1;
    int rc = lock_news(ctx, run, &fd, err);
    const struct errand errand = {.target = run->target,
                                  .occurrence = run->local,
                                  .date = clock_now(),
                                  .job = run->job,
                                  .due = run->due,
                                  .wish = wish_of(run)};

    rc = rc == 0 ? with_arena(ctx, run->kind, &errand, out, err) : rc;
    if (fd >= 0) {
        close(fd);
    }
    return rc;
}

int schedule_jobs_count(struct schedule_jobs *jobs, enum schedule_kind kind, const char *target,
                        int64_t date, struct arena *arena, struct forecast_dates *dates,
                        int64_t *out, struct err *err)
{
    const struct errand errand = {.target = target,
                                  .date = date,
                                  .workspace = &jobs->workspace,
                                  .arena = arena,
                                  .dates = dates};
    struct schedule_outcome outcome = {0};
    int rc = with_arena(jobs, kind, &errand, &outcome, err);

    *out = outcome.recipients;
    return rc;
}

const char *schedule_jobs_purpose(enum schedule_kind kind)
{
    return kind == SCHEDULE_INVITE     ? "invitation"
           : kind == SCHEDULE_REMINDER ? "reminder"
           : kind == SCHEDULE_THANKS   ? "thanks"
                                       : "letter";
}

static int open_rooms(struct schedule_jobs *jobs, struct err *err)
{
    struct workspace *workspace = &jobs->workspace;
    const struct compose_site site = {.config = &workspace->config,
                                      .content = &workspace->content,
                                      .events = &workspace->events,
                                      .members = &workspace->members,
                                      .templates = workspace->templates};
    const struct schedule_options options = {.db = workspace->db,
                                             .config = &workspace->config,
                                             .content = &workspace->content,
                                             .events = &workspace->events,
                                             .run = do_run,
                                             .ctx = jobs};
    int rc = compose_open(&site, &jobs->compose, err);

    return rc < 0 ? rc : schedule_open(&options, &jobs->schedule, err);
}

enum exit_status schedule_jobs_open(const struct command *command, struct workspace_told *told,
                                    struct schedule_jobs *out)
{
    const unsigned parts = WORKSPACE_DB | WORKSPACE_CONTENT;
    struct err err = {0};
    enum exit_status status;

    memset(out, 0, sizeof(*out));
    status = told != NULL ? workspace_open_logged(command, parts, told, &out->workspace)
                          : workspace_open(command, parts, false, &out->workspace);
    if (status == EXIT_DONE && open_rooms(out, &err) < 0) {
        status = command_fail(&err);
    }
    return status;
}

void schedule_jobs_close(struct schedule_jobs *jobs)
{
    schedule_close(jobs->schedule);
    compose_close(jobs->compose);
    workspace_close(&jobs->workspace);
}

struct schedule_time schedule_jobs_time(void)
{
    return (struct schedule_time){
        .now = clock_now(), .uptime = clock_uptime(), .boot = clock_boot_id()};
}

int schedule_jobs_do(struct schedule_jobs *jobs, const struct schedule_time *time,
                     struct schedule_tick *out, struct err *err)
{
    int64_t released = 0;
    int64_t anew = 0;
    int rc = schedule_tick(jobs->schedule, time, out, err);

    if (rc == 0 && !out->held) {
        rc = approval_release_ready(jobs->compose, &released, err);
        out->done += released;
    }
    if (rc == 0 && !out->held) {
        rc = letter_anew(jobs->compose, time->now, &anew, err);
        out->done += anew;
    }
    return rc;
}

enum exit_status schedule_jobs_tick(const struct command *command, struct workspace_told *told,
                                    struct schedule_tick *out)
{
    const struct schedule_time time = schedule_jobs_time();
    struct command own = *command;
    struct schedule_jobs jobs;
    struct err err = {0};
    enum exit_status status;

    *out = (struct schedule_tick){.next_due = time.now + CLOCK_MINUTE};
    own.arena = arena_new(LIMIT_ARENA_SITE);
    if (own.arena == NULL) {
        (void)err_nomem(&err);
        return command_fail(&err);
    }
    status = schedule_jobs_open(&own, told, &jobs);
    if (status == EXIT_DONE && schedule_jobs_do(&jobs, &time, out, &err) < 0) {
        status = command_fail(&err);
    }
    if (status == EXIT_DONE) {
        serve_watch(&jobs, time.now);
    }
    schedule_jobs_close(&jobs);
    arena_free(own.arena);
    return status;
}
