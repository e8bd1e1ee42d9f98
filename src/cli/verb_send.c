/* preview, send, event invite: what goes out, seen and sent. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "deliver.h"
#include "forecast.h"
#include "output.h"
#include "teataja/base/clock.h"
#include "teataja/base/file.h"
#include "teataja/base/json.h"
#include "teataja/base/limits.h"
#include "teataja/base/str.h"
#include "teataja/compose/invite.h"
#include "teataja/compose/letter.h"
#include "teataja/content/content.h"
#include "teataja/members/subscription.h"
#include "workspace.h"

struct desk {
    struct workspace workspace;
    struct compose *compose;
};

static enum exit_status open_desk(const struct command *command, struct desk *desk)
{
    struct err err = {0};
    enum exit_status status =
        workspace_open(command, WORKSPACE_DB | WORKSPACE_CONTENT, false, &desk->workspace);
    const struct compose_site site = {.config = &desk->workspace.config,
                                      .content = &desk->workspace.content,
                                      .events = &desk->workspace.events,
                                      .members = &desk->workspace.members,
                                      .templates = desk->workspace.templates};

    desk->compose = NULL;
    if (status == EXIT_DONE && compose_open(&site, &desk->compose, &err) < 0) {
        status = command_fail(&err);
    }
    return status;
}

static void close_desk(struct desk *desk)
{
    compose_close(desk->compose);
    workspace_close(&desk->workspace);
}

/* "issues/2026-12", "issues/2026-12.md" and "2026-12" name the same; so do
 * "events/forum" and, for invitations, "forum". */
static const char *slug_of(struct arena *arena, const char *name)
{
    const char *slash = strrchr(name, '/');
    const char *base = slash != NULL ? slash + 1 : name;
    size_t len = strcspn(base, ".");
    const char *slug = arena_strndup(arena, base, len);

    return slug != NULL ? slug : base; /* main tells that memory was short */
}

/* What compose calls a letter. "newsletters/funding" is the automatic letter of that
 * newsletter; so is "funding" where no issue has that name. */
static const char *letter_name(const struct command *command, const struct desk *desk)
{
    const char *name = command->arguments[0];
    const char *slug = slug_of(command->arena, name);
    bool automatic = strncmp(name, LETTER_AUTOMATIC, strlen(LETTER_AUTOMATIC)) == 0 ||
                     (strchr(name, '/') == NULL &&
                      content_issue(&desk->workspace.content, slug) == NULL &&
                      left_out_find(&desk->workspace.config.left, "issues", slug) == NULL &&
                      config_newsletter(&desk->workspace.config, slug) != NULL);
    const char *full =
        automatic ? arena_printf(command->arena, "%s%s", LETTER_AUTOMATIC, slug) : slug;

    return full != NULL ? full : slug;
}

static enum exit_status read_language(const struct command *command, enum language *out)
{
    const char *tag = command_value(command, "lang");

    *out = tag != NULL ? language_find(tag) : LANG_NONE;
    if (tag != NULL && *out == LANG_NONE) {
        return command_misused(command, "no language '%s': it is one of %s", tag, language_all());
    }
    return EXIT_DONE;
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

static void print_lines(const struct letter_line *lines, size_t count, const char *indent)
{
    const char *block = "";

    for (size_t i = 0; i < count; i++) {
        if (strcmp(block, lines[i].block) != 0) {
            block = lines[i].block;
            printf("%s%s\n", indent, block);
        }
        printf("%s  %s (%s)%s%s\n", indent, lines[i].title, lines[i].slug,
               lines[i].note[0] != '\0' ? ": " : "", lines[i].note);
    }
}

static void write_lines(struct json_writer *json, const struct letter_line *lines, size_t count)
{
    json_write_key(json, "items");
    json_write_array(json);
    for (size_t i = 0; i < count; i++) {
        json_write_object(json);
        json_write_text_at(json, "block", lines[i].block);
        json_write_text_at(json, "slug", lines[i].slug);
        json_write_text_at(json, "note", lines[i].note);
        json_write_object_end(json);
    }
    json_write_array_end(json);
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
    write_lines(&json, view->lines, view->line_count);
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

static enum exit_status preview_run(struct command *command)
{
    struct letter_preview options = {.member = command_value(command, "member"),
                                     .date = clock_now()};
    struct letter_view view = {0};
    struct err err = {0};
    struct desk desk;
    const char *folder = command_value(command, "o");
    const char *slug = slug_of(command->arena, command->arguments[0]);
    const char *name;
    bool event = strncmp(command->arguments[0], "events/", 7) == 0;
    enum exit_status status = open_desk(command, &desk);
    int rc;

    if (status == EXIT_DONE) {
        status = read_language(command, &options.language);
    }
    if (status != EXIT_DONE) {
        goto out;
    }
    name = letter_name(command, &desk);
    rc = event ? invite_preview(desk.compose, command->arena, slug, &options, &view, &err)
               : letter_preview(desk.compose, command->arena, name, &options, &view, &err);
    if (rc < 0) {
        status = command_fail(&err);
        goto out;
    }
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
        print_lines(view.lines, view.line_count, "");
        puts("What is sent differs only in Message-ID, Date, envelope and the tokens of links.");
    }
out:
    close_desk(&desk);
    return status;
}

static const struct option preview_options[] = {
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

static void print_reasons(const struct recipients_count *reasons)
{
    const struct {
        int64_t count;
        const char *why;
    } rows[] = {{reasons->left, "left the list"},
                {reasons->pending, "have not confirmed"},
                {reasons->unconfirmed, "were imported without evidence of consent"},
                {reasons->suppressed, "have an address that gets nothing"},
                {reasons->outside, "are outside of the audience"},
                {reasons->not_on_list, "are in the audience but not on the list"}};
    bool first = true;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].count > 0) {
            puts(first ? "\nGet nothing:" : "");
            printf("  %4" PRId64 " %s", rows[i].count, rows[i].why);
            first = false;
        }
    }
    if (!first) {
        puts("");
    }
}

static void print_summary(const struct letter_summary *summary)
{
    printf("%s to the list '%s': %" PRId64 " recipient%s, %zu version%s\n", summary->subject,
           summary->newsletter->list, summary->total, summary->total == 1 ? "" : "s",
           summary->group_count, summary->group_count == 1 ? "" : "s");
    for (size_t i = 0; i < summary->group_count; i++) {
        const struct letter_group *group = &summary->groups[i];

        printf("\n%s%4" PRId64 "  %s  %s%s  (HTML %zu KB)\n", output_colour(stdout, OUTPUT_STRONG),
               group->recipients, language_tag(group->language), group->subject,
               output_colour(stdout, OUTPUT_PLAIN), (group->html_bytes + 1023) / 1024);
        print_lines(group->lines, group->line_count, "      ");
    }
    if (summary->nothing_new > 0) {
        printf("Nothing new for %" PRId64 ": they get no letter.\n", summary->nothing_new);
    }
    print_reasons(&summary->reasons);
    for (size_t i = 0; i < summary->warning_count; i++) {
        printf("warning: %s\n", summary->warnings[i]);
    }
}

static void write_reasons(struct json_writer *json, const struct recipients_count *reasons)
{
    json_write_key(json, "others");
    json_write_object(json);
    json_write_int_at(json, "left", reasons->left);
    json_write_int_at(json, "pending", reasons->pending);
    json_write_int_at(json, "unconfirmed", reasons->unconfirmed);
    json_write_int_at(json, "suppressed", reasons->suppressed);
    json_write_int_at(json, "outside", reasons->outside);
    json_write_int_at(json, "not_on_list", reasons->not_on_list);
    json_write_object_end(json);
}

static void summary_json(const struct letter_summary *summary, const struct forecast *forecast)
{
    struct str out;
    struct json_writer json = json_writer(&out);

    str_init(&out, LIMIT_ARENA_WORK);
    json_write_object(&json);
    json_write_text_at(&json, "subject", summary->subject);
    json_write_int_at(&json, "mailing", summary->mailing);
    json_write_int_at(&json, "recipients", summary->total);
    json_write_int_at(&json, "nothing_new", summary->nothing_new);
    json_write_key(&json, "versions");
    json_write_array(&json);
    for (size_t i = 0; i < summary->group_count; i++) {
        const struct letter_group *group = &summary->groups[i];

        json_write_object(&json);
        json_write_text_at(&json, "language", language_tag(group->language));
        json_write_text_at(&json, "subject", group->subject);
        json_write_int_at(&json, "recipients", group->recipients);
        json_write_int_at(&json, "html_bytes", (int64_t)group->html_bytes);
        write_lines(&json, group->lines, group->line_count);
        json_write_object_end(&json);
    }
    json_write_array_end(&json);
    write_reasons(&json, &summary->reasons);
    json_write_key(&json, "warnings");
    json_write_array(&json);
    for (size_t i = 0; i < summary->warning_count; i++) {
        json_write_text(&json, summary->warnings[i]);
    }
    json_write_array_end(&json);
    forecast_json(forecast, &json);
    json_write_object_end(&json);
    puts(out.data);
    str_release(&out);
}

/* How to send, settled before anything is frozen: a wrong option leaves no mailing behind. */
static enum exit_status read_carriage(const struct command *command, struct desk *desk,
                                      int64_t *connections)
{
    struct err err = {0};

    if (command_has(command, "lang") && !command_has(command, "test")) {
        return command_misused(command, "--lang goes with --test: others get their own language");
    }
    if (command_number(command, "connections", 1, 64, 0, connections, &err) < 0) {
        return command_misused(command, "%s", err.msg);
    }
    if (!command_has(command, "dry-run") && !command_has(command, "queue") &&
        deliver_ready(&desk->workspace, command_value(command, "relay"), &err) < 0) {
        return command_fail(&err);
    }
    return EXIT_DONE;
}

/* After a mailing was planned: leave it queued, or deliver it now. */
static enum exit_status dispatch(const struct command *command, struct desk *desk,
                                 int64_t connections, int64_t mailing, int64_t total)
{
    if (command_has(command, "queue")) {
        if (!command->json) {
            printf("Queued %" PRId64 " messages as mailing %" PRId64 ".\n", total, mailing);
        }
        return command->json ? deliver_report(command, &desk->workspace, mailing) == EXIT_FAILED
                                   ? EXIT_FAILED
                                   : EXIT_DONE
                             : EXIT_DONE;
    }
    return deliver_mailing(command, &desk->workspace, mailing, command_value(command, "relay"),
                           connections);
}

static enum exit_status send_run(struct command *command)
{
    struct letter_options options = {.dry_run = command_has(command, "dry-run"),
                                     .test = command_value(command, "test"),
                                     .as = command_value(command, "as"),
                                     .on_unknown = command_has(command, "hold") ? "hold" : NULL,
                                     .date = clock_now()};
    struct letter_summary summary = {0};
    int64_t connections = 0;
    struct err err = {0};
    struct desk desk;
    enum exit_status status;

    if (options.as != NULL && options.test == NULL) {
        return command_misused(command, "--as goes with --test");
    }
    status = open_desk(command, &desk);
    if (status == EXIT_DONE) {
        status = read_language(command, &options.language);
    }
    if (status == EXIT_DONE) {
        status = read_carriage(command, &desk, &connections);
    }
    if (status != EXIT_DONE) {
        goto out;
    }
    if (letter_plan(desk.compose, command->arena, letter_name(command, &desk), &options, &summary,
                    &err) < 0) {
        status = command_fail(&err);
        goto out;
    }
    if (options.dry_run) {
        struct forecast forecast;

        if (forecast_letter(&desk.workspace, command_value(command, "relay"), &summary, &forecast,
                            &err) < 0) {
            status = command_fail(&err);
        } else if (command->json) {
            summary_json(&summary, &forecast);
        } else {
            print_summary(&summary);
            forecast_print(&desk.workspace, &forecast);
            puts("\nDry run: nothing was sent.");
        }
        goto out;
    }
    for (size_t i = 0; i < summary.warning_count; i++) {
        fprintf(stderr, "teataja: warning: %s\n", summary.warnings[i]);
    }
    status = dispatch(command, &desk, connections, summary.mailing, summary.total);
out:
    close_desk(&desk);
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
            "those for whom there is something new.",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = send_options,
    .run = send_run,
};

/* ---- event invite ---- */

static void print_invite(const struct invite_summary *summary)
{
    printf("%s: %" PRId64 " invitation%s", summary->subject, summary->total,
           summary->total == 1 ? "" : "s");
    printf(summary->invited_before > 0 ? " (%" PRId64 " are invited already)\n" : "\n",
           summary->invited_before);
    for (size_t i = 0; i < summary->group_count; i++) {
        printf("  %4" PRId64 "  %s  %s\n", summary->groups[i].recipients,
               language_tag(summary->groups[i].language), summary->groups[i].subject);
    }
    print_reasons(&summary->reasons);
}

static void invite_json(const struct invite_summary *summary)
{
    struct str out;
    struct json_writer json = json_writer(&out);

    str_init(&out, LIMIT_TEXT);
    json_write_object(&json);
    json_write_text_at(&json, "subject", summary->subject);
    json_write_int_at(&json, "recipients", summary->total);
    json_write_int_at(&json, "invited_before", summary->invited_before);
    write_reasons(&json, &summary->reasons);
    json_write_object_end(&json);
    puts(out.data);
    str_release(&out);
}

static enum exit_status invite_run(struct command *command)
{
    struct invite_options options = {.dry_run = command_has(command, "dry-run"),
                                     .again = command_has(command, "again"),
                                     .test = command_value(command, "test"),
                                     .date = clock_now()};
    struct invite_summary summary = {0};
    int64_t connections = 0;
    struct err err = {0};
    struct desk desk;
    enum exit_status status = open_desk(command, &desk);

    if (status == EXIT_DONE) {
        status = read_language(command, &options.language);
    }
    if (status == EXIT_DONE) {
        status = read_carriage(command, &desk, &connections);
    }
    if (status == EXIT_DONE &&
        invite_plan(desk.compose, command->arena, slug_of(command->arena, command->arguments[0]),
                    &options, &summary, &err) < 0) {
        status = command_fail(&err);
    } else if (status == EXIT_DONE && options.dry_run) {
        if (command->json) {
            invite_json(&summary);
        } else {
            print_invite(&summary);
            puts("Dry run: nobody was invited.");
        }
    } else if (status == EXIT_DONE) {
        status = dispatch(command, &desk, connections, summary.mailing, summary.total);
    }
    close_desk(&desk);
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
            "invited yet, each with a calendar object of their own.",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = invite_options_table,
    .run = invite_run,
};
