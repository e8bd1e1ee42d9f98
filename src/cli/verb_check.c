/* check: everything in the site, all errors at once. */
#include <stdio.h>
#include <string.h>

#include "output.h"
#include "schedule_jobs.h"
#include "serve.h"
#include "teataja/base/clock.h"
#include "teataja/base/json.h"
#include "teataja/base/limits.h"
#include "teataja/compose/compose.h"
#include "teataja/delivery/dkim.h"
#include "teataja/web/web.h"
#include "workspace.h"

/* Segments, notices and references between rooms are checked where all is known:
 * by compose, which is opened without a database. */
static int check_across(struct workspace *workspace, struct err *err)
{
    const struct members members = {.config = &workspace->config};
    const struct compose_site site = {.config = &workspace->config,
                                      .content = &workspace->content,
                                      .events = &workspace->events,
                                      .members = &members,
                                      .templates = workspace->templates};
    struct compose *compose = NULL;
    int rc = compose_open(&site, &compose, err);

    if (rc == 0) {
        rc = compose_check(compose, workspace->report, err);
    }
    if (rc == 0) {
        rc = dkim_check(&workspace->config, workspace->report, err);
    }
    if (rc == 0) {
        rc = schedule_check(workspace->arena, &workspace->config, clock_now(), workspace->report,
                            err);
    }
    if (rc == 0) {
        rc = web_check(workspace->arena, &workspace->config, workspace->templates,
                       workspace->report, err);
    }
    serve_check(workspace, workspace->report);
    compose_close(compose);
    return rc;
}

/* Each call with its state and rounds, a round as people read it. */
static void write_calls(struct json_writer *json, const struct content *content)
{
    int64_t now = clock_now();

    json_write_key(json, "calls");
    json_write_array(json);
    for (size_t i = 0; i < content->call_count; i++) {
        const struct call *call = &content->calls[i];
        struct str rounds;

        str_init(&rounds, LIMIT_TEXT);
        call_print_rounds(call, now, &rounds);
        json_write_object(json);
        json_write_text_at(json, "call", call->item.slug);
        json_write_text_at(json, "state", call_state_name(call_state_at(call, now)));
        json_write_key(json, "rounds");
        json_write_array(json);
        for (const char *at = rounds.data; at != NULL && *at != '\0'; at += *at == '\n') {
            size_t len = strcspn(at, "\n");

            json_write_text_n(json, at, len);
            at += len;
        }
        json_write_array_end(json);
        json_write_object_end(json);
        str_release(&rounds);
    }
    json_write_array_end(json);
}

static void print_json(const struct workspace *workspace)
{
    struct str out;
    struct json_writer json = json_writer(&out);

    str_init(&out, LIMIT_ARENA_WORK);
    json_write_object(&json);
    json_write_int_at(&json, "errors", (int64_t)report_errors(workspace->report));
    json_write_int_at(&json, "warnings", (int64_t)report_warnings(workspace->report));
    json_write_key(&json, "problems");
    json_write_array(&json);
    for (size_t i = 0; report_get(workspace->report, i) != NULL; i++) {
        const struct problem *problem = report_get(workspace->report, i);

        json_write_object(&json);
        json_write_text_at(&json, "severity",
                           problem->severity == REPORT_ERROR ? "error" : "warning");
        json_write_text_at(&json, "file", problem->file);
        json_write_int_at(&json, "line", problem->line);
        json_write_int_at(&json, "column", problem->column);
        json_write_text_at(&json, "message", problem->message);
        json_write_object_end(&json);
    }
    json_write_array_end(&json);
    write_calls(&json, &workspace->content);
    schedule_times_json(workspace, &json);
    json_write_object_end(&json);
    puts(out.data);
    str_release(&out);
}

static void print_rounds(const struct workspace *workspace)
{
    int64_t now = clock_now();

    if (workspace->content.call_count > 0) {
        puts("Calls and their rounds:");
    }
    for (size_t i = 0; i < workspace->content.call_count; i++) {
        const struct call *call = &workspace->content.calls[i];
        struct str rounds;
        char *line;

        str_init(&rounds, LIMIT_TEXT);
        call_print_rounds(call, now, &rounds);
        printf("  %s%s%s (%s)\n", output_colour(stdout, OUTPUT_STRONG), call->item.slug,
               output_colour(stdout, OUTPUT_PLAIN), call_state_name(call_state_at(call, now)));
        for (char *at = rounds.data; at != NULL && *at != '\0';) {
            line = at;
            at = line + strcspn(line, "\n");
            printf("    %.*s\n", (int)(at - line), line);
            at += *at == '\n';
        }
        str_release(&rounds);
    }
}

static void print_counts(const struct workspace *workspace)
{
    const struct {
        size_t count;
        const char *one;
        const char *many;
        const char *after;
    } counts[] = {
        {workspace->config.newsletter_count, "newsletter", "newsletters", ", "},
        {workspace->content.issue_count, "issue", "issues", ", "},
        {workspace->content.call_count, "call", "calls", ", "},
        {workspace->events.count, "event", "events", ", "},
        {workspace->content.news_count, "news", "news", ": "},
        {report_errors(workspace->report), "error", "errors", ", "},
        {report_warnings(workspace->report), "warning", "warnings", "\n"},
    };

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        printf("%zu %s%s", counts[i].count, counts[i].count == 1 ? counts[i].one : counts[i].many,
               counts[i].after);
    }
}

static enum exit_status check_run(struct command *command)
{
    struct workspace workspace;
    struct err err = {0};
    enum exit_status status =
        workspace_examine(command, WORKSPACE_CONTENT, &workspace);

    if (status == EXIT_DONE && workspace_has_languages(&workspace) &&
        check_across(&workspace, &err) < 0) {
        status = command_fail(&err);
    }
    if (status != EXIT_DONE) {
        workspace_close(&workspace);
        return status;
    }
    if (command->json) {
        print_json(&workspace);
    } else {
        if (!command_has(command, "quiet")) {
            print_rounds(&workspace);
            schedule_times_print(&workspace);
        }
        fflush(stdout);
        report_print(workspace.report, stderr);
        print_counts(&workspace);
    }
    status = workspace_judge(&workspace);
    workspace_close(&workspace);
    return status;
}

static const struct option check_options[] = {
    {"quiet", NULL, "list neither rounds of calls nor times of newsletters", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_check = {
    .name = "check",
    .usage = "",
    .summary = "check every file of the site, all errors at once",
    .help = "Reads the configuration, calls, events, news and issues, and prints what is wrong as\n"
            "file:line:column: message, the computed rounds of the calls, and the next five times\n"
            "of each newsletter's schedule. Exit status 3 if there is an error.",
    .options = check_options,
    .run = check_run,
};
