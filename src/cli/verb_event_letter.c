/* event remind | thank: letters to those who were invited. */
#include <inttypes.h>
#include <stdio.h>

#include "desk.h"
#include "forecast.h"
#include "teataja/base/clock.h"
#include "teataja/base/json.h"
#include "teataja/base/limits.h"
#include "teataja/base/str.h"
#include "teataja/compose/event_letter.h"

struct unreached {
    int64_t count;
    const char *why;
    const char *key; /* in JSON */
};

enum { REASONS = 4 };

static void list_unreached(const struct event_letter_summary *summary,
                           struct unreached out[REASONS])
{
    out[0] = (struct unreached){summary->said_no, "said no", "said_no"};
    out[1] = (struct unreached){summary->waiting, "wait for a seat", "waiting"};
    out[2] = (struct unreached){summary->no_answer, "have not said yes", "no_answer"};
    out[3] = (struct unreached){summary->invited_later, "were invited later", "invited_later"};
}

static void print_summary(const struct event_letter_summary *summary)
{
    struct unreached unreached[REASONS];

    list_unreached(summary, unreached);
    printf("%s, %s: %" PRId64 " of %" PRId64 " who were invited\n", summary->subject, summary->when,
           summary->total, summary->invited);
    for (size_t i = 0; i < summary->group_count; i++) {
        printf("  %4" PRId64 "  %s  %s\n", summary->groups[i].recipients,
               language_tag(summary->groups[i].language), summary->groups[i].subject);
    }
    for (size_t i = 0; i < REASONS; i++) {
        if (unreached[i].count > 0) {
            printf("  %4" PRId64 "  get nothing: %s\n", unreached[i].count, unreached[i].why);
        }
    }
}

static void print_json(const struct workspace *workspace,
                       const struct event_letter_summary *summary, const struct forecast *forecast)
{
    struct unreached unreached[REASONS];
    struct str out;
    struct json_writer json = json_writer(&out);

    list_unreached(summary, unreached);
    str_init(&out, LIMIT_TEXT);
    json_write_object(&json);
    json_write_text_at(&json, "subject", summary->subject);
    json_write_text_at(&json, "when", summary->when);
    json_write_int_at(&json, "recipients", summary->total);
    json_write_int_at(&json, "invited", summary->invited);
    for (size_t i = 0; i < REASONS; i++) {
        json_write_int_at(&json, unreached[i].key, unreached[i].count);
    }
    workspace_left_json(workspace, &json);
    forecast_json(forecast, &json);
    json_write_object_end(&json);
    puts(out.data);
    str_release(&out);
}

static enum exit_status rehearse(const struct command *command, struct desk *desk, const char *slug,
                                 const struct event_letter_options *options,
                                 const struct event_letter_summary *summary)
{
    const char *purpose = options->kind == EVENT_REMINDER ? "reminder" : "thanks";
    struct forecast forecast;
    struct err err = {0};

    if (forecast_mailing(&desk->workspace, command_value(command, "relay"), purpose, summary->total,
                         &forecast, &err) < 0 ||
        forecast_read_event(&desk->workspace, command->arena, slug, options->date, &forecast.dates,
                            &err) < 0) {
        return command_fail(&err);
    }
    if (command->json) {
        print_json(&desk->workspace, summary, &forecast);
    } else {
        print_summary(summary);
        forecast_print(&desk->workspace, &forecast);
        puts("Dry run: nothing was sent.");
    }
    return EXIT_DONE;
}

static enum exit_status run(const struct command *command, struct event_letter_options options)
{
    struct event_letter_summary summary = {0};
    int64_t connections = 0;
    struct err err = {0};
    struct desk desk;
    const char *slug = desk_slug(command->arena, command->arguments[0]);
    enum exit_status status = desk_open(command, "sent", &desk);

    options.dry_run = command_has(command, "dry-run");
    options.test = command_value(command, "test");
    options.date = clock_now();
    if (status == EXIT_DONE) {
        status = desk_language(command, &options.language);
    }
    if (status == EXIT_DONE) {
        status = desk_carriage(command, &desk, &connections);
    }
    if (status == EXIT_DONE &&
        event_letter_plan(desk.compose, command->arena, slug, &options, &summary, &err) < 0) {
        status = command_fail(&err);
    } else if (status == EXIT_DONE && options.dry_run) {
        status = rehearse(command, &desk, slug, &options, &summary);
    } else if (status == EXIT_DONE) {
        status = desk_dispatch(command, &desk, connections, summary.mailing, summary.total);
    }
    desk_close(&desk);
    return status;
}

/* ---- event remind ---- */

static enum exit_status remind_run(struct command *command)
{
    const struct event_letter_options options = {
        .kind = EVENT_REMINDER, .occurrence = command_value(command, "occurrence")};

    return run(command, options);
}

static const struct option remind_options[] = {
    {"occurrence", "WHEN", "of a series: this one, by its id or date (default: the next)", false},
    {"dry-run", NULL, "tell who would be reminded, and why others are not", false},
    {"test", "ADDRESS", "send one reminder to ADDRESS; it does not count as sent", false},
    {"lang", "LANG", "with --test: in this language", false},
    {"queue", NULL, "queue the reminders; do not deliver now", false},
    {"relay", "NAME", "use this relay of teataja.yaml (default: the first)", false},
    {"connections", "N", "so many connections (default: the relay's)", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_event_remind = {
    .name = "event remind",
    .usage = "EVENT",
    .summary = "remind those who were invited to an event",
    .help =
        "Who said yes or maybe, and who has not answered while answers are taken; never who said\n"
        "no. At most once a day by hand. What an event says in 'reminders' goes out by itself.",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = remind_options,
    .run = remind_run,
};

/* ---- event thank ---- */

static enum exit_status thank_run(struct command *command)
{
    const struct event_letter_options options = {.kind = EVENT_THANKS};

    return run(command, options);
}

static const struct option thank_options[] = {
    {"dry-run", NULL, "tell who would get it, and why others do not", false},
    {"test", "ADDRESS", "send one copy to ADDRESS, also before the end; it does not count as sent",
     false},
    {"lang", "LANG", "with --test: in this language", false},
    {"queue", NULL, "queue the letters; do not deliver now", false},
    {"relay", "NAME", "use this relay of teataja.yaml (default: the first)", false},
    {"connections", "N", "so many connections (default: the relay's)", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_event_thank = {
    .name = "event thank",
    .usage = "EVENT",
    .summary = "thank those who said yes, with what the event's file says",
    .help = "Once an event, after its (last) end: the text under 'thanks', with links to the\n"
            "material. It goes out by itself on the morning after, or 'thanks_after' the end, if "
            "it is\n"
            "written by then; what is written later is sent with this.",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = thank_options,
    .run = thank_run,
};
