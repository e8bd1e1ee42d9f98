/* preview, send, event invite: what goes out, seen and sent. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "approval_print.h"
#include "desk.h"
#include "forecast.h"
#include "summary.h"
#include "teataja/base/clock.h"
#include "teataja/base/file.h"
#include "teataja/base/json.h"
#include "teataja/base/limits.h"
#include "teataja/base/str.h"
#include "teataja/compose/event_letter.h"
#include "teataja/compose/invite.h"
#include "teataja/compose/letter.h"
#include "teataja/content/content.h"
#include "teataja/members/subscription.h"

/* What compose calls a letter. "newsletters/funding" is the automatic letter of that
 * newsletter; so is "funding" where no issue has that name. */
static const char *letter_name(const struct command *command, const struct desk *desk)
{
    const char *name = command->arguments[0];
    const char *slug = desk_slug(command->arena, name);
    bool automatic = strncmp(name, LETTER_AUTOMATIC, strlen(LETTER_AUTOMATIC)) == 0 ||
                     (strchr(name, '/') == NULL &&
                      content_issue(&desk->workspace.content, slug) == NULL &&
                      left_out_find(&desk->workspace.config.left, "issues", slug) == NULL &&
                      config_newsletter(&desk->workspace.config, slug) != NULL);
    const char *full =
        automatic ? arena_printf(command->arena, "%s%s", LETTER_AUTOMATIC, slug) : slug;

    return full != NULL ? full : slug;
}

/* ---- preview ---- */

static int write_view(const struct command *command, const char *folder, const char *slug,
                      const struct letter_view *view, struct err *err)
{
    const struct {
        const char *ending;
        const char *data;
        size_t len;
    } files[] = {{"html", view->html, view->html_len},
                 {"txt", view->text, view->text_len},
                 {"eml", view->eml, view->eml_len}};
    int rc = file_make_folder(folder, err);

    for (size_t i = 0; rc == 0 && i < sizeof(files) / sizeof(files[0]); i++) {
        char *name = arena_printf(command->arena, "%s.%s.%s", slug, language_tag(view->language),
                                  files[i].ending);
        char *path = name != NULL ? file_join(command->arena, folder, name) : NULL;

        if (path == NULL) {
            return err_nomem(err);
        }
        rc = file_write(path, files[i].data, files[i].len, 0644, err);
        if (rc == 0 && !command->json) {
            printf("%s\n", path);
        }
    }
    return rc;
}

static void view_json(const struct letter_view *view)
{
    struct str out;
    struct json_writer json = json_writer(&out);

    str_init(&out, LIMIT_ARENA_WORK);
    json_write_object(&json);
    json_write_text_at(&json, "language", language_tag(view->language));
    json_write_text_at(&json, "subject", view->subject);
    json_write_key(&json, "text");
    json_write_text_n(&json, view->text, view->text_len);
    summary_lines_json(&json, view->lines, view->line_count);
    json_write_object_end(&json);
    puts(out.data);
    str_release(&out);
}

/* A preview shows what a member would read who, as things stand, would get nothing. */
static void warn_of_silence(const struct command *command, const struct desk *desk,
                            const char *list)
{
    const struct workspace *workspace = &desk->workspace;
    enum subscription_state state = SUBSCRIPTION_ACTIVE;
    struct member member;
    struct err ignored = {0};

    if (command_value(command, "member") == NULL || list == NULL ||
        member_find(&workspace->members, command->arena, command_value(command, "member"), &member,
                    &ignored) < 0 ||
        subscription_get(&workspace->members, member.id, list, &state, &ignored) < 0) {
        return;
    }
    if (state != SUBSCRIPTION_ACTIVE) {
        fprintf(stderr, "teataja: warning: this member would get nothing: on the list '%s': %s\n",
                list, subscription_state_name(state));
    } else if (member.delivery == MEMBER_SUPPRESSED) {
        fputs("teataja: warning: this member would get nothing: the address is suppressed\n",
              stderr);
    }
}

/* A reader of another language gets the edition that stands in for theirs. */
static void warn_of_language(const struct letter_preview *options, const struct letter_view *view)
{
    if (options->member == NULL && options->language != LANG_NONE &&
        view->language != options->language) {
        fprintf(stderr, "teataja: warning: there is no edition in '%s': this is the one in '%s'\n",
                language_tag(options->language), language_tag(view->language));
    }
}

/* The list of what is previewed; NULL if there is none. */
static const char *list_of(const struct workspace *workspace, const char *name, const char *slug,
                           bool is_event)
{
    const struct event *event = is_event ? event_find(&workspace->events, slug) : NULL;
    const struct issue *issue = is_event                ? NULL
                                : strchr(name, '/') != NULL ? content_letter(&workspace->content, slug)
                                                        : content_issue(&workspace->content, slug);

    return issue != NULL ? issue->newsletter->list : event != NULL ? event->list : NULL;
}

/* Which letter about an event; SIZE_MAX if there is none of that name. */
static size_t event_kind(const struct command *command)
{
    static const char *const kinds[] = {"invitation", "reminder", "thanks"};
    const char *name = command_value(command, "kind");
    size_t kind = 0;

    while (name != NULL && kind < 3 && strcmp(kinds[kind], name) != 0) {
        kind++;
    }
    return kind < 3 ? kind : SIZE_MAX;
}

static int preview_event(const struct command *command, const struct desk *desk, size_t kind,
                         const char *slug, const struct letter_preview *options,
                         struct letter_view *out, struct err *err)
{
    return kind == 0 ? invite_preview(desk->compose, command->arena, slug, options, out, err)
                     : event_letter_preview(desk->compose, command->arena, slug,
                                            kind == 1 ? EVENT_REMINDER : EVENT_THANKS, options, out,
                                            err);
}

static enum exit_status preview_run(struct command *command)
{
    struct letter_preview options = {.member = command_value(command, "member"),
                                     .date = clock_now()};
    struct letter_view view = {0};
    struct err err = {0};
    struct desk desk;
    const char *folder = command_value(command, "o");
    const char *slug = desk_slug(command->arena, command->arguments[0]);
    const char *name;
    bool event = strncmp(command->arguments[0], "events/", 7) == 0;
    size_t kind = event_kind(command);
    enum exit_status status;
    int rc;

    if (kind == SIZE_MAX || (command_has(command, "kind") && !event)) {
        return command_misused(command, "--kind is invitation, reminder or thanks, of an event");
    }
    status = desk_open(command, "shown", &desk);
    if (status == EXIT_DONE) {
        status = desk_language(command, &options.language);
    }
    if (status != EXIT_DONE) {
        goto out;
    }
    name = letter_name(command, &desk);
    rc = event ? preview_event(command, &desk, kind, slug, &options, &view, &err)
               : letter_preview(desk.compose, command->arena, name, &options, &view, &err);
    if (rc < 0) {
        status = command_fail(&err);
        desk_tell_stopped(status, "shown");
        goto out;
    }
    warn_of_language(&options, &view);
    warn_of_silence(command, &desk, list_of(&desk.workspace, name, slug, event));
    if (view.held_back) {
        fputs("teataja: warning: this letter would not be sent: too little in it is new\n", stderr);
    }
    if (folder != NULL && write_view(command, folder, slug, &view, &err) < 0) {
        status = command_fail(&err);
        goto out;
    }
    if (command->json) {
        view_json(&view);
    } else if (folder == NULL) {
        printf("Subject: %s\n\n%s", view.subject, view.text);
    } else {
        printf("\nSubject: %s\n", view.subject);
        summary_lines(view.lines, view.line_count, "");
        puts("What is sent differs only in Message-ID, Date, envelope and the tokens of links.");
    }
out:
    desk_close(&desk);
    return status;
}

static const struct option preview_options[] = {
    {"kind", "KIND", "of an event: its invitation (default), reminder or thanks", false},
    {"member", "MEMBER", "as this member would get it now", false},
    {"lang", "LANG", "in this language, for a reader without a profile", false},
    {"o", "DIR", "write .html, .txt and .eml into DIR (default: show the text)", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_preview = {
    .name = "preview",
    .usage = "ISSUE|NEWSLETTER|events/EVENT",
    .summary = "show a letter or an invitation as it would be sent",
    .help = "A newsletter with 'compose: auto' has letters without issues: its name shows the next.\n"
            "Nothing is written to the database. The .eml file opens in a mail program.",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = preview_options,
    .run = preview_run,
};

/* ---- send ---- */

static enum exit_status send_run(struct command *command)
{
    struct letter_options options = {.dry_run = command_has(command, "dry-run"),
                                     .test = command_value(command, "test"),
                                     .as = command_value(command, "as"),
                                     .on_unknown = command_has(command, "hold") ? "hold" : NULL,
                                     .date = clock_now()};
    struct letter_summary summary = {0};
    struct approval_person who;
    int64_t connections = 0;
    struct err err = {0};
    struct desk desk;
    enum exit_status status;

    if (options.as != NULL && options.test == NULL) {
        return command_misused(command, "--as goes with --test");
    }
    status = desk_open(command, "sent", &desk);
    if (status == EXIT_DONE) {
        status = desk_language(command, &options.language);
    }
    if (status == EXIT_DONE) {
        status = desk_carriage(command, &desk, &connections);
    }
    if (status != EXIT_DONE) {
        goto out;
    }
    approval_person_of(&desk.workspace, NULL, &who);
    options.wish.by = &who;
    if (letter_plan(desk.compose, command->arena, letter_name(command, &desk), &options, &summary,
                    &err) < 0) {
        status = command_fail(&err);
        desk_tell_stopped(status, "sent");
        goto out;
    }
    if (options.dry_run) {
        struct forecast forecast;

        if (forecast_mailing(&desk.workspace, command_value(command, "relay"), "letter",
                             summary.total, &forecast, &err) < 0 ||
            forecast_read_letter(&desk.workspace, command->arena, &summary, &forecast.dates, &err) <
                0) {
            status = command_fail(&err);
        } else if (command->json) {
            summary_json(&desk.workspace, &summary, &forecast);
        } else {
            summary_print(&summary);
            forecast_print(&desk.workspace, &forecast);
            puts("\nDry run: nothing was sent.");
        }
        goto out;
    }
    for (size_t i = 0; i < summary.warning_count; i++) {
        fprintf(stderr, "teataja: warning: %s\n", summary.warnings[i]);
    }
    status = desk_dispatch_sent(command, &desk, connections, &summary.sent);
out:
    desk_close(&desk);
    return status;
}

static const struct option send_options[] = {
    {"dry-run", NULL, "tell who gets which edition, and why others get nothing", false},
    {"test", "ADDRESS", "send one copy to ADDRESS; it does not count as sent", false},
    {"as", "MEMBER", "with --test: the copy that this member would get", false},
    {"lang", "LANG", "with --test: the copy in this language", false},
    {"queue", NULL, "freeze and queue it; do not deliver now", false},
    {"hold", NULL, "after a crash, hold messages whose fate is unknown (default: send again)",
     false},
    {"relay", "NAME", "use this relay of teataja.yaml (default: the first)", false},
    {"connections", "N", "so many connections (default: the relay's)", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_send = {
    .name = "send",
    .usage = "ISSUE|NEWSLETTER",
    .summary = "freeze a letter, queue it for its recipients, deliver it",
    .help = "The letter is frozen: what is edited afterwards does not change it. Each recipient is\n"
            "one row of the ledger, whatever happens. Ctrl-C stops between messages; 'mailing\n"
            "resume' goes on. An issue is sent once; a newsletter with 'compose: auto' once a day, to\n"
            "those for whom there is something new. Where the newsletter asks for approval, the letter\n"
            "is drafted and waits (see 'approve'); sent again, it is drafted anew if its files changed,\n"
            "or goes out if it is approved.",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = send_options,
    .run = send_run,
};

/* ---- event invite ---- */

static enum exit_status rehearse_invite(const struct command *command, struct desk *desk,
                                        const char *slug, const struct invite_summary *summary)
{
    struct forecast forecast;
    struct err err = {0};

    if (forecast_mailing(&desk->workspace, command_value(command, "relay"), "invitation",
                         summary->total, &forecast, &err) < 0 ||
        forecast_read_event(&desk->workspace, command->arena, slug, clock_now(), &forecast.dates,
                            &err) < 0) {
        return command_fail(&err);
    }
    if (command->json) {
        summary_invite_json(&desk->workspace, summary, &forecast);
    } else {
        summary_invite_print(summary);
        forecast_print(&desk->workspace, &forecast);
        puts("Dry run: nobody was invited.");
    }
    return EXIT_DONE;
}

static enum exit_status invite_run(struct command *command)
{
    struct invite_options options = {.dry_run = command_has(command, "dry-run"),
                                     .again = command_has(command, "again"),
                                     .test = command_value(command, "test"),
                                     .date = clock_now()};
    const char *slug = desk_slug(command->arena, command->arguments[0]);
    struct invite_summary summary = {0};
    struct approval_person who;
    int64_t connections = 0;
    struct err err = {0};
    struct desk desk;
    enum exit_status status = desk_open(command, "sent", &desk);

    if (status == EXIT_DONE) {
        status = desk_language(command, &options.language);
    }
    if (status == EXIT_DONE) {
        status = desk_carriage(command, &desk, &connections);
    }
    if (status == EXIT_DONE) {
        approval_person_of(&desk.workspace, NULL, &who);
        options.wish.by = &who;
    }
    if (status == EXIT_DONE &&
        invite_plan(desk.compose, command->arena, slug, &options, &summary, &err) < 0) {
        status = command_fail(&err);
        desk_tell_stopped(status, "sent");
    } else if (status == EXIT_DONE && options.dry_run) {
        status = rehearse_invite(command, &desk, slug, &summary);
    } else if (status == EXIT_DONE) {
        status = desk_dispatch_sent(command, &desk, connections, &summary.sent);
    }
    desk_close(&desk);
    return status;
}

static const struct option invite_options_table[] = {
    {"dry-run", NULL, "tell who would be invited", false},
    {"again", NULL, "also those who are invited already", false},
    {"test", "ADDRESS", "send one invitation to ADDRESS; nobody is invited by it", false},
    {"lang", "LANG", "with --test: in this language", false},
    {"queue", NULL, "queue the invitations; do not deliver now", false},
    {"relay", "NAME", "use this relay of teataja.yaml (default: the first)", false},
    {"connections", "N", "so many connections (default: the relay's)", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_event_invite = {
    .name = "event invite",
    .usage = "EVENT",
    .summary = "send calendar invitations to an event",
    .help = "To the active subscribers of the event's list who are in its audience and were not\n"
            "invited yet, each with a calendar object of their own. Where the event asks for approval,\n"
            "or the newsletter of its list, they are drafted and wait: see 'approve'.",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = invite_options_table,
    .run = invite_run,
};
