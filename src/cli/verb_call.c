/* call list: the funding opportunities and where they stand. */
#include <stdio.h>
#include <string.h>

#include "output.h"
#include "teataja/base/civil.h"
#include "teataja/base/clock.h"
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

static enum exit_status call_list_run(struct command *command)
{
    static const char *const headings[] = {"call",     "state", "opens",  "deadline",
                                           "who",      "sectors", "title"};
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

static const struct option call_options[] = {
    {"state", "STATE", "only those planned, open, closed, exhausted or cancelled", false},
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
