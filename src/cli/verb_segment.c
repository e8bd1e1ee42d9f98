/* segment count | explain; `segment show` is in verb_member.c */
#include <inttypes.h>
#include <stdio.h>

#include "output.h"
#include "teataja/base/json.h"
#include "teataja/base/limits.h"
#include "teataja/members/segment.h"
#include "workspace.h"

/* Opens the site and parses the verb's expression. */
static enum exit_status open_segment(const struct command *command, struct workspace *workspace,
                                     struct segment **segment)
{
    struct err err = {0};
    enum exit_status status = workspace_open(command, WORKSPACE_DB, false, workspace);

    *segment = NULL;
    if (status == EXIT_DONE &&
        workspace_segment(workspace, command->arguments[0], segment, &err) < 0) {
        int column = segment_error_column(&err);

        if (column > 0) {
            fprintf(stderr, "  %s\n  %*s^\n", command->arguments[0], column - 1, "");
        }
        status = command_fail(&err);
    }
    return status;
}

static enum exit_status count_run(struct command *command)
{
    struct workspace workspace;
    struct segment *segment = NULL;
    struct err err = {0};
    int64_t count = 0;
    enum exit_status status = open_segment(command, &workspace, &segment);

    if (status == EXIT_DONE && segment_count(workspace.db, segment, &count, &err) < 0) {
        status = command_fail(&err);
    }
    if (status == EXIT_DONE) {
        printf(command->json ? "{\"count\":%" PRId64 "}\n" : "%" PRId64 "\n", count);
    }
    segment_free(segment);
    workspace_close(&workspace);
    return status;
}

const struct verb verb_segment_count = {
    .name = "segment count",
    .usage = "EXPRESSION",
    .summary = "count the members of a segment",
    .help = "Example: teataja segment count 'subscribed(funding) and (sector in (music, design)\n"
            "or region = \"Ida-Viru\") and not tag = press'\n\n"
            "Fields: email name language timezone region organisation kind sector tag joined\n"
            "status attr.NAME. Operators: = != < <= > >= ~ in (...) exists, and or not ( ).\n"
            "Functions: subscribed(list) invited(event) rsvp(event) = yes received(issue)\n"
            "received(newsletters/NAME).",
    .min_arguments = 1,
    .max_arguments = 1,
    .run = count_run,
};

static void explain_json(const struct segment_plan *plan)
{
    struct str out;
    struct json_writer json = json_writer(&out);

    str_init(&out, LIMIT_TEXT);
    json_write_object(&json);
    json_write_text_at(&json, "sql", plan->sql);
    json_write_key(&json, "values");
    json_write_array(&json);
    for (size_t i = 0; i < plan->value_count; i++) {
        json_write_text(&json, plan->values[i]);
    }
    json_write_array_end(&json);
    json_write_text_at(&json, "plan", plan->plan);
    json_write_int_at(&json, "count", plan->count);
    json_write_object_end(&json);
    puts(out.data);
    str_release(&out);
}

static enum exit_status explain_run(struct command *command)
{
    struct workspace workspace;
    struct segment *segment = NULL;
    struct segment_plan plan;
    struct err err = {0};
    enum exit_status status = open_segment(command, &workspace, &segment);

    if (status == EXIT_DONE &&
        segment_explain(workspace.db, segment, command->arena, &plan, &err) < 0) {
        status = command_fail(&err);
    }
    if (status == EXIT_DONE && command->json) {
        explain_json(&plan);
    } else if (status == EXIT_DONE) {
        printf("%s\n", plan.sql);
        for (size_t i = 0; i < plan.value_count; i++) {
            printf("  $%zu = %s\n", i + 1, plan.values[i]);
        }
        printf("\n%s\n\n%" PRId64 " member%s\n", plan.plan, plan.count, plan.count == 1 ? "" : "s");
    }
    segment_free(segment);
    workspace_close(&workspace);
    return status;
}

const struct verb verb_segment_explain = {
    .name = "segment explain",
    .usage = "EXPRESSION",
    .summary = "show the SQL of a segment, how it runs, and the count",
    .help = "Values are always bound ($1, $2, ...), never put into the SQL.",
    .min_arguments = 1,
    .max_arguments = 1,
    .run = explain_run,
};
