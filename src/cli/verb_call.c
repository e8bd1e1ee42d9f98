/* call list: the funding opportunities and where they stand, or their deadlines as a
 * calendar. */
#include <stdio.h>
#include <string.h>

#include "output.h"
#include "teataja/base/civil.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/compose/call_feed.h"
#include "workspace.h"

static const char *moment_text(struct arena *arena, const struct call_moment *moment)
{
    char text[CIVIL_TEXT];

    civil_print(&moment->civil, text);
    return arena_printf(arena, "%s%s%s", text, moment->civil.date_only ? "" : " ",
                        moment->civil.date_only ? "" : moment->zone);
}

static const char *list_text(struct arena *arena, const char *const *items, size_t count)
{
    const char *out = "";

    for (size_t i = 0; i < count; i++) {
        out = arena_printf(arena, "%s%s%s", out, i > 0 ? ", " : "", items[i]);
        if (out == NULL) {
            return "";
        }
    }
    return out;
}

static bool is_state(const char *name)
{
    bool found = false;

    for (int state = CALL_PLANNED; state <= CALL_CANCELLED; state++) {
        found |= strcmp(call_state_name((enum call_state)state), name) == 0;
    }
    return found;
}

/* The calendar that everybody can have, on standard output. */
static enum exit_status print_calendar(const struct command *command, struct workspace *workspace)
{
    const char *const folders[2] = {config_path(command->arena, &workspace->config, "templates"),
                                    workspace->templates};
    const char *tag = command_value(command, "lang");
    struct call_feed feed = {.config = &workspace->config,
                             .content = &workspace->content,
                             .language = tag != NULL ? language_find(tag)
                                                     : workspace->config.site.languages[0],
                             .now = clock_now()};
    struct catalogue *catalogue = NULL;
    struct err err = {0};
    struct str text;
    int rc;

    if (feed.language == LANG_NONE) {
        return command_misused(command, "no language '%s': it is one of %s", tag, language_all());
    }
    str_init(&text, LIMIT_MESSAGE);
    rc = folders[0] == NULL ? err_nomem(&err) : catalogue_load(folders, 2, NULL, &catalogue, &err);
    feed.catalogue = catalogue;
    if (rc == 0) {
        rc = content_recall(workspace->db, command->arena, &workspace->content, feed.now, &err);
    }
    if (rc == 0) {
        rc = call_feed_write(&feed, &text, &err);
    }
    if (rc == 0) {
        fwrite(text.data, 1, text.len, stdout);
    }
    str_release(&text);
    catalogue_free(catalogue);
    return rc == 0 ? EXIT_DONE : command_fail(&err);
}

static enum exit_status list_calendar(const struct command *command)
{
    struct workspace workspace;
    enum exit_status status =
        workspace_open(command, WORKSPACE_DB | WORKSPACE_CONTENT, false, &workspace);

    if (status == EXIT_DONE) {
        status = print_calendar(command, &workspace);
    }
    workspace_close(&workspace);
    return status;
}

static enum exit_status list_table(const struct command *command)
{
    static const char *const headings[] = {"call", "state",   "opens", "deadline",
                                           "who",  "sectors", "title"};
    const char *wanted = command_value(command, "state");
    struct output_table *table = output_table_new(7, headings);
    struct workspace workspace;
    int64_t now = clock_now();
    enum exit_status status;

    if (wanted != NULL && !is_state(wanted)) {
        output_table_print(table, false);
        return command_misused(command, "no state '%s' of a call", wanted);
    }
    status = workspace_open(command, WORKSPACE_CONTENT, false, &workspace);
    for (size_t i = 0; status == EXIT_DONE && i < workspace.content.call_count; i++) {
        const struct call *call = &workspace.content.calls[i];
        const struct call_round *round = call_current_round(call, now);
        const char *state = call_state_name(call_state_at(call, now));
        const char *const cells[] = {
            call->item.slug,
            state,
            round != NULL && round->has_opens ? moment_text(command->arena, &round->opens)
                                              : call->opens_text,
            round != NULL && round->has_deadline ? moment_text(command->arena, &round->deadline)
                                                 : "",
            list_text(command->arena, call->applicants, call->applicant_count),
            list_text(command->arena, call->sectors, call->sector_count),
            call->title,
        };

        if (wanted == NULL || strcmp(wanted, state) == 0) {
            output_table_row(table, cells);
        }
    }
    output_table_print(table, command->json && status == EXIT_DONE);
    workspace_close(&workspace);
    return status;
}

static enum exit_status call_list_run(struct command *command)
{
    return command_has(command, "ics") ? list_calendar(command) : list_table(command);
}

static const struct option call_options[] = {
    {"state", "STATE", "only those planned, open, closed, exhausted or cancelled", false},
    {"ics", NULL, "the deadlines as a calendar, for a file or a web server", false},
    {"lang", "LANG", "with --ics: in this language (default: the site's first)", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_call_list = {
    .name = "call list",
    .usage = "",
    .summary = "list funding calls with state and next deadline",
    .help = "'check' prints every round of every call.",
    .options = call_options,
    .run = call_list_run,
};
