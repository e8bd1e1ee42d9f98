/* schedule, schedule run | run-due | log | release: what happens by the calendar. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "output.h"
#include "schedule_jobs.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/str.h"
#include "teataja/calendar/zone.h"
#include "teataja/compose/message.h"

enum { DAYS = 31, MOST_DAYS = 3660, LAST = 30 };

static const char *local_text(struct arena *arena, const struct civil *civil)
{
    char text[CIVIL_TEXT];

    civil_print(civil, text);
    return arena_strdup(arena, text);
}

/* Everything waits for a person: said before anything else, on standard error. */
static int warn_of_hold(const struct command *command, struct db *db, struct err *err)
{
    struct schedule_hold hold;
    int rc = schedule_held(db, command->arena, &hold, err);

    if (rc == 1) {
        fprintf(stderr,
                "%steataja: everything is held: %s%s\n"
                "When it may go on, say 'teataja schedule release'.\n",
                output_colour(stderr, OUTPUT_BAD), hold.reason,
                output_colour(stderr, OUTPUT_PLAIN));
    }
    return rc;
}

/* ---- schedule ---- */

/* A line of the list. */
struct planned {
    const struct schedule_item *item;
    const char *count;
    const char *note;
    const char *out_by; /* when the last one is out */
    struct forecast_dates dates;
};

struct plan_list {
    const struct command *command;
    struct schedule_jobs *jobs;
    struct planned *lines;
    struct forecast_job *forecasts; /* as many; without rows where nothing would go */
    size_t count;
};

/* To how many each would go, or why it would not. */
static void count_line(const struct plan_list *list, size_t index)
{
    struct arena *arena = list->command->arena;
    struct planned *line = &list->lines[index];
    const struct schedule_item *item = line->item;
    struct err err = {0};
    int64_t number = 0;

    if (item->target == NULL || schedule_jobs_count(list->jobs, item->kind, item->target, item->due,
                                                    arena, &line->dates, &number, &err) < 0) {
        line->note = item->target == NULL ? line->note : arena_strdup(arena, err.msg);
        return;
    }
    line->count = arena_printf(arena, "%" PRId64, number);
    /* A draft goes to nobody yet. */
    list->forecasts[index].rows = item->kind == SCHEDULE_DRAFT ? 0 : number;
}

/* When each is out, if all go as planned, and what will be over by then. */
static int forecast_lines(const struct plan_list *list, int64_t now, struct err *err)
{
    const struct site *site = &list->jobs->workspace.config.site;
    struct arena *arena = list->command->arena;
    int rc = relay_forecast(list->jobs->workspace.db, site->relays, site->relay_count, now, true,
                            list->forecasts, list->count, err);

    for (size_t i = 0; rc == 0 && site->relay_count > 0 && i < list->count; i++) {
        const struct forecast_job *job = &list->forecasts[i];
        struct planned *line = &list->lines[i];
        size_t late = forecast_late(&line->dates, job->last_at);
        struct civil local;

        if (job->rows == 0) {
            continue;
        }
        rc = zone_from_utc(line->item->zone, job->last_at, &local, err);
        if (rc == 0) {
            local.second = 0;
            line->out_by = local_text(arena, &local);
        }
        if (rc == 0 && late > 0) {
            line->note = arena_printf(arena, "'%s' %s %s UTC, before it is out%s",
                                      line->dates.items[0].title, line->dates.items[0].what,
                                      output_when(arena, line->dates.items[0].at),
                                      late > 1 ? ", and more" : "");
        }
    }
    return rc;
}

/* *out lives in the command's arena. */
static int make_list(const struct command *command, struct schedule_jobs *jobs,
                     const struct schedule_item *items, size_t count, struct plan_list *out,
                     struct err *err)
{
    *out = (struct plan_list){.command = command,
                              .jobs = jobs,
                              .lines = arena_alloc(command->arena, count + 1, sizeof(*out->lines)),
                              .forecasts =
                                  arena_alloc(command->arena, count + 1, sizeof(*out->forecasts)),
                              .count = count};
    if (out->lines == NULL || out->forecasts == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; i < count; i++) {
        bool unknown = items[i].target == NULL && items[i].note[0] == '\0';

        out->lines[i] = (struct planned){
            .item = &items[i], .note = unknown ? "no issue says 'send: next'" : items[i].note};
        out->forecasts[i] = (struct forecast_job){
            .due = items[i].due,
            .priority = composer_priority(schedule_jobs_purpose(items[i].kind))};
    }
    return 0;
}

static void print_list(const struct plan_list *list)
{
    static const char *const headings[] = {"when",  "zone",        "kind",   "job",
                                           "sends", ">recipients", "out by", "note"};
    struct output_table *table = output_table_new(8, headings);

    for (size_t i = 0; i < list->count; i++) {
        const struct planned *line = &list->lines[i];
        const char *const cells[] = {
            local_text(list->command->arena, &line->item->local),
            line->item->zone,
            schedule_kind_name(line->item->kind),
            line->item->job,
            line->item->target,
            line->count,
            line->out_by,
            line->note,
        };
        output_table_row(table, cells);
    }
    output_table_print(table, list->command->json);
}

static enum exit_status list_planned(const struct command *command, struct schedule_jobs *jobs,
                                     int64_t days)
{
    struct schedule_item *items = NULL;
    struct plan_list list;
    struct err err = {0};
    int64_t now = clock_now();
    size_t count = 0;

    if (warn_of_hold(command, jobs->workspace.db, &err) < 0 ||
        schedule_list(jobs->schedule, command->arena, now, now + days * CLOCK_DAY, &items, &count,
                      &err) < 0 ||
        make_list(command, jobs, items, count, &list, &err) < 0) {
        return command_fail(&err);
    }
    for (size_t i = 0; !command_has(command, "no-counts") && i < count; i++) {
        count_line(&list, i);
    }
    if (forecast_lines(&list, now, &err) < 0) {
        return command_fail(&err);
    }
    print_list(&list);
    if (count == 0 && !command->json) {
        printf("Nothing is planned for the next %" PRId64 " days.\n", days);
    }
    return EXIT_DONE;
}

static enum exit_status schedule_run_verb(struct command *command)
{
    struct schedule_jobs jobs;
    struct err err = {0};
    int64_t days = 0;
    enum exit_status status;

    if (command_number(command, "days", 1, MOST_DAYS, DAYS, &days, &err) < 0) {
        return command_misused(command, "%s", err.msg);
    }
    status = schedule_jobs_open(command, NULL, &jobs);
    if (status == EXIT_DONE) {
        status = list_planned(command, &jobs, days);
    }
    schedule_jobs_close(&jobs);
    return status;
}

static const struct option schedule_options_table[] = {
    {"days", "N", "so many days ahead (default: 31)", false},
    {"no-counts", NULL, "do not count recipients, which takes a while with many", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_schedule = {
    .name = "schedule",
    .usage = "",
    .summary = "what will happen by the calendar, and to how many",
    .help =
        "Newsletters with a 'schedule', issues with a 'send', events with an 'invite' before\n"
        "the start, their 'reminders' and 'thanks'. Times are local. Counts are as things stand\n"
        "now; a letter is out by the time that the limits of the relays give, behind what is\n"
        "queued and planned before it.",
    .options = schedule_options_table,
    .run = schedule_run_verb,
};

/* ---- schedule run ---- */

static enum exit_status print_planned(const struct command *command, struct schedule_jobs *jobs,
                                      const struct schedule_run *run)
{
    struct err err = {0};
    int64_t count = 0;

    if (schedule_jobs_count(jobs, run->kind, run->target, run->due, command->arena, NULL, &count,
                            &err) < 0) {
        return command_fail(&err);
    }
    if (command->json) {
        printf("{\"job\":\"%s\",\"sends\":\"%s\",\"recipients\":%" PRId64 "}\n", run->job,
               run->target, count);
    } else {
        printf("%s would be sent to %" PRId64 ".\nDry run: nothing was queued.\n", run->target,
               count);
    }
    return EXIT_DONE;
}

static enum exit_status run_job(const struct command *command, struct schedule_jobs *jobs,
                                const struct schedule_time *time, const struct schedule_run *run)
{
    struct schedule_outcome outcome;
    struct err err = {0};
    bool drafted;
    const char *question = arena_printf(
        command->arena,
        run->kind == SCHEDULE_DRAFT ? "Draft %s now" : "Queue %s for its recipients now",
        run->target);

    if (question == NULL || !command_confirm(command, question)) {
        return EXIT_FAILED;
    }
    if (schedule_run_now(jobs->schedule, run->job, time, &outcome, &err) < 0) {
        return command_fail(&err);
    }
    drafted = outcome.waits || run->kind == SCHEDULE_DRAFT;
    if (command->json) {
        printf("{\"job\":\"%s\",\"sends\":\"%s\",\"mailing\":%" PRId64 ",\"recipients\":%" PRId64
               ",\"waits\":%s}\n",
               run->job, run->target, outcome.mailing, outcome.recipients,
               drafted ? "true" : "false");
    } else if (drafted) {
        printf("Drafted %s as mailing %" PRId64 ", for %" PRId64 ": 'teataja mailing show %" PRId64
               "' shows it.\n",
               run->target, outcome.mailing, outcome.recipients, outcome.mailing);
    } else {
        printf("Queued %s as mailing %" PRId64 " to %" PRId64 ". 'teataja mailing resume %" PRId64
               "' delivers it, or the daemon does.\n",
               run->target, outcome.mailing, outcome.recipients, outcome.mailing);
    }
    return EXIT_DONE;
}

static enum exit_status run_run(struct command *command)
{
    const struct schedule_time time = schedule_jobs_time();
    struct schedule_run run;
    struct schedule_jobs jobs;
    struct err err = {0};
    enum exit_status status;

    if (!command_has(command, "now")) {
        return command_misused(command, "a job is run out of turn with --now only");
    }
    status = schedule_jobs_open(command, NULL, &jobs);
    if (status == EXIT_DONE && schedule_plan_now(jobs.schedule, command->arena,
                                                 command->arguments[0], &time, &run, &err) < 0) {
        status = command_fail(&err);
    } else if (status == EXIT_DONE) {
        status = command_has(command, "dry-run") ? print_planned(command, &jobs, &run)
                                                 : run_job(command, &jobs, &time, &run);
    }
    schedule_jobs_close(&jobs);
    return status;
}

static const struct option run_options[] = {
    {"now", NULL, "yes, out of turn", false},
    {"dry-run", NULL, "tell what would be sent, and to how many", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_schedule_run = {
    .name = "schedule run",
    .usage = "NAME",
    .summary = "do a job of the schedule now, out of turn",
    .help = "NAME is a newsletter, or a job as 'schedule' lists it: newsletters/funding,\n"
            "issues/2026-12, events/forum. What is planned stays planned.",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = run_options,
    .run = run_run,
};

/* ---- schedule run-due ---- */

static void print_tick(const struct command *command, const struct schedule_tick *tick)
{
    bool none = tick->next_due == INT64_MAX;
    const char *next = none ? "" : output_when(command->arena, tick->next_due);

    if (command->json) {
        printf("{\"done\":%" PRId64 ",\"skipped\":%" PRId64 ",\"failed\":%" PRId64
               ",\"retried\":%" PRId64 ",\"waiting\":%" PRId64 ",\"held\":%s,\"next\":\"%s\"}\n",
               tick->done, tick->skipped, tick->failed, tick->retried, tick->waiting,
               tick->held ? "true" : "false", next);
    } else if (!tick->held) {
        printf("%" PRId64 " done, %" PRId64 " skipped, %" PRId64 " failed, %" PRId64
               " to be tried again. ",
               tick->done, tick->skipped, tick->failed, tick->retried);
        if (tick->waiting > 0) {
            printf("%" PRId64 " wait%s for approval. ", tick->waiting,
                   tick->waiting == 1 ? "s" : "");
        }
        printf(none ? "Nothing else is planned.\n" : "Next: %s (UTC).\n", next);
    }
}

static enum exit_status run_due_run(struct command *command)
{
    const struct schedule_time time = schedule_jobs_time();
    struct schedule_tick tick = {0};
    struct schedule_jobs jobs;
    struct err err = {0};
    enum exit_status status = schedule_jobs_open(command, NULL, &jobs);

    if (status == EXIT_DONE &&
        (schedule_jobs_do(&jobs, &time, &tick, &err) < 0 ||
         (tick.held && warn_of_hold(command, jobs.workspace.db, &err) < 0))) {
        status = command_fail(&err);
    } else if (status == EXIT_DONE) {
        print_tick(command, &tick);
        status = tick.held                             ? EXIT_FAILED
                 : tick.failed > 0 || tick.retried > 0 ? EXIT_PARTLY
                                                       : EXIT_DONE;
    }
    schedule_jobs_close(&jobs);
    return status;
}

const struct verb verb_schedule_run_due = {
    .name = "schedule run-due",
    .usage = "",
    .summary = "queue what is due by the calendar, once",
    .help =
        "For cron, where no daemon runs: every few minutes. What was missed since the last\n"
        "time is made up for once, the latest only. 'mailing resume' delivers what was queued.\n"
        "Exit status 4 if something failed, 1 if everything is held.",
    .run = run_due_run,
};

/* ---- schedule log ---- */

static void print_records(const struct command *command, const struct schedule_record *records,
                          size_t count)
{
    static const char *const headings[] = {"due (UTC)", "kind",      "job",      "sends",
                                           "state",     ">attempts", ">mailing", "reason"};
    struct output_table *table = output_table_new(8, headings);

    for (size_t i = 0; i < count; i++) {
        const struct schedule_record *record = &records[i];
        const char *const cells[] = {
            output_when(command->arena, record->due),
            record->kind,
            record->job,
            record->target,
            record->state,
            arena_printf(command->arena, "%" PRId64, record->attempts),
            record->mailing != 0 ? arena_printf(command->arena, "%" PRId64, record->mailing) : "",
            record->reason,
        };

        output_table_row(table, cells);
    }
    output_table_print(table, command->json);
}

static enum exit_status log_run(struct command *command)
{
    struct schedule_record *records = NULL;
    struct workspace workspace;
    struct err err = {0};
    int64_t last = 0;
    size_t count = 0;
    enum exit_status status;

    if (command_number(command, "last", 1, 10000, LAST, &last, &err) < 0) {
        return command_misused(command, "%s", err.msg);
    }
    status = workspace_open(command, WORKSPACE_DB, false, &workspace);
    if (status == EXIT_DONE && (warn_of_hold(command, workspace.db, &err) < 0 ||
                                schedule_records(workspace.db, command->arena, (size_t)last,
                                                 &records, &count, &err) < 0)) {
        status = command_fail(&err);
    } else if (status == EXIT_DONE) {
        print_records(command, records, count);
    }
    workspace_close(&workspace);
    return status;
}

static const struct option log_options[] = {
    {"last", "N", "so many, the newest first (default: 30)", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_schedule_log = {
    .name = "schedule log",
    .usage = "",
    .summary = "what was done by the calendar, and what was not and why",
    .help = "One line an occurrence: done, skipped (missed, too late, nothing to send), failed,\n"
            "or due and tried again.",
    .options = log_options,
    .run = log_run,
};

/* ---- schedule release ---- */

static enum exit_status release_run(struct command *command)
{
    const struct schedule_time time = schedule_jobs_time();
    struct workspace workspace;
    struct schedule_hold hold;
    struct err err = {0};
    enum exit_status status = workspace_open(command, WORKSPACE_DB, false, &workspace);
    const char *question = arena_printf(command->arena, "It is %s UTC. Is that right",
                                        output_when(command->arena, time.now));
    int held = 0;

    if (status == EXIT_DONE &&
        (held = schedule_held(workspace.db, command->arena, &hold, &err)) < 0) {
        status = command_fail(&err);
    }
    if (status == EXIT_DONE && held == 1 &&
        (question == NULL || !command_confirm(command, question))) {
        status = EXIT_FAILED;
    }
    if (status == EXIT_DONE && schedule_release(workspace.db, &time, &err) < 0) {
        status = command_fail(&err);
    } else if (status == EXIT_DONE) {
        puts("The schedule goes on.");
    }
    workspace_close(&workspace);
    return status;
}

const struct verb verb_schedule_release = {
    .name = "schedule release",
    .usage = "",
    .summary = "go on after the schedule was held",
    .help =
        "A clock that jumps by more than a day, other than by sleep or a reboot, holds all that\n"
        "is planned until somebody has looked at it; so does a backup that was restored.",
    .run = release_run,
};
