/* source list | pull: the calendars of others. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "output.h"
#include "teataja/base/clock.h"
#include "teataja/base/json.h"
#include "teataja/base/limits.h"
#include "teataja/base/suggest.h"
#include "teataja/events/source.h"
#include "workspace.h"

static const char *count_text(struct arena *arena, size_t count)
{
    return arena_printf(arena, "%zu", count);
}

static const char *state_of(const struct source_state *state)
{
    if (state->polled_at == 0) {
        return "never polled";
    }
    return state->error != NULL ? "failing" : "good";
}

static enum exit_status list_run(struct command *command)
{
    static const char *const headings[] = {"source", ">events", ">deadlines", ">gone",     "state",
                                           "polled", "next",    "last good",  ">failures", "error"};
    struct output_table *table = output_table_new(10, headings);
    struct source_state *states = NULL;
    struct workspace workspace;
    struct err err = {0};
    size_t count = 0;
    int64_t now = clock_now();
    enum exit_status status = workspace_open(command, WORKSPACE_DB, false, &workspace);

    if (status == EXIT_DONE &&
        sources_list(workspace.db, &workspace.config, command->arena, &states, &count, &err) < 0) {
        status = command_fail(&err);
    }
    for (size_t i = 0; status == EXIT_DONE && i < count; i++) {
        const struct source_state *state = &states[i];
        const char *const cells[] = {
            state->source->name,
            count_text(command->arena, state->events),
            count_text(command->arena, state->deadlines),
            count_text(command->arena, state->gone),
            state_of(state),
            output_when(command->arena, state->polled_at),
            state->next_at <= now ? "due" : output_when(command->arena, state->next_at),
            output_when(command->arena, state->ok_at),
            arena_printf(command->arena, "%" PRId64, state->failures),
            state->error,
        };

        output_table_row(table, cells);
    }
    output_table_print(table, command->json && status == EXIT_DONE);
    workspace_close(&workspace);
    return status;
}

const struct verb verb_source_list = {
    .name = "source list",
    .usage = "",
    .summary = "list the calendars of others and how their polls went",
    .help = "Times are UTC. GONE counts what vanished from a calendar and is not over yet: it\n"
            "is still told, for what vanished was not cancelled.",
    .run = list_run,
};

static void write_json(struct json_writer *json, const struct site_source *source,
                       const struct source_pull *pull, const struct err *err)
{
    json_write_object(json);
    json_write_text_at(json, "source", source->name);
    json_write_text_at(json, "error", err != NULL ? err->msg : NULL);
    json_write_bool_at(json, "unchanged", pull->unchanged);
    json_write_key(json, "items");
    json_write_array(json);
    for (size_t i = 0; i < pull->count; i++) {
        const struct source_item *item = &pull->items[i];

        json_write_object(json);
        json_write_text_at(json, "change", source_change_name(item->change));
        json_write_text_at(json, "kind", item->is_deadline ? "deadline" : "event");
        json_write_text_at(json, "slug", item->slug);
        json_write_text_at(json, "uid", item->uid);
        json_write_text_at(json, "title", item->title);
        json_write_text_at(json, "when", item->when);
        json_write_object_end(json);
    }
    json_write_array_end(json);
    json_write_key(json, "left_out");
    json_write_array(json);
    for (size_t i = 0; i < pull->problem_count; i++) {
        json_write_text(json, pull->problems[i]);
    }
    json_write_array_end(json);
    json_write_object_end(json);
}

/* What changed, item by item, and how much did not. */
static void print_pull(const struct site_source *source, const struct source_pull *pull)
{
    static const char *const headings[] = {"change", "kind", "slug", "when", "title"};
    struct output_table *table = output_table_new(5, headings);
    size_t counts[SOURCE_CHANGES] = {0};

    for (size_t i = 0; i < pull->count; i++) {
        const struct source_item *item = &pull->items[i];
        const char *const cells[] = {
            source_change_name(item->change),
            item->is_deadline ? "deadline" : "event",
            item->slug,
            item->when,
            item->title,
        };

        counts[item->change]++;
        if (item->change != SOURCE_SAME) {
            output_table_row(table, cells);
        }
    }
    printf("%s: %s%zu new, %zu changed, %zu gone, %zu as before\n", source->name,
           pull->unchanged ? "unchanged, says the server; " : "", counts[SOURCE_NEW],
           counts[SOURCE_CHANGED], counts[SOURCE_GONE], counts[SOURCE_SAME]);
    output_table_print(table, false);
    for (size_t i = 0; i < pull->problem_count; i++) {
        printf("  left out: %s\n", pull->problems[i]);
    }
}

struct pulling {
    const struct command *command;
    struct workspace workspace;
    struct str json_text;
    struct json_writer json;
    size_t pulled;
    size_t failed;
};

static int pull_one(struct pulling *pulling, const struct site_source *source, struct err *err)
{
    const struct command *command = pulling->command;
    struct source_pull_options options = {.dry_run = command_has(command, "dry-run"),
                                          .stop_fd = -1};
    struct source_pull pull = {0};
    struct err own = {0};
    int rc = source_pull(pulling->workspace.db, &pulling->workspace.config, source, clock_now(),
                         &options, command->arena, &pull, &own);

    pulling->pulled++;
    pulling->failed += rc < 0;
    if (rc == ERR_NOMEM) {
        return err_nomem(err);
    }
    if (command->json) {
        write_json(&pulling->json, source, &pull, rc < 0 ? &own : NULL);
    } else if (rc < 0) {
        fprintf(stderr, "%steataja: %s: %s%s\n", output_colour(stderr, OUTPUT_BAD), source->name,
                own.msg, output_colour(stderr, OUTPUT_PLAIN));
    } else {
        print_pull(source, &pull);
    }
    return 0;
}

/* The sources that are meant; NULL with a message if there is no such one. */
static bool choose(const struct pulling *pulling, const struct site_source **one, struct err *err)
{
    const struct site *site = &pulling->workspace.config.site;
    const char *name = pulling->command->argument_count > 0 ? pulling->command->arguments[0] : NULL;
    struct suggest suggest;

    *one = site_source_find(site, name);
    if (name == NULL || *one != NULL) {
        return true;
    }
    suggest_start(&suggest, name);
    for (size_t i = 0; i < site->source_count; i++) {
        suggest_offer(&suggest, site->sources[i].name);
    }
    err_set(err, ERR_NOT_FOUND, "no source '%s'%s", name, suggest_hint(&suggest));
    return false;
}

/* What the files and the other sources say to what was pulled: doubles. */
static void print_doubles(struct pulling *pulling)
{
    struct workspace *workspace = &pulling->workspace;
    struct report *report = report_new();
    struct events events;

    (void)events_load(workspace->arena, &workspace->config, report, &events, NULL);
    for (size_t i = 0; report_get(report, i) != NULL; i++) {
        const struct problem *problem = report_get(report, i);

        if (strncmp(problem->file, "sources/", 8) == 0) {
            fprintf(stderr, "%s: warning: %s\n", problem->file, problem->message);
        }
    }
    report_free(report);
}

/* Every source that is meant and, with --due, due. */
static int pull_all(struct pulling *pulling, const struct site_source *one, struct err *err)
{
    struct source_state *states = NULL;
    size_t count = 0;
    int64_t now = clock_now();
    int rc = sources_list(pulling->workspace.db, &pulling->workspace.config,
                          pulling->command->arena, &states, &count, err);

    for (size_t i = 0; rc == 0 && i < count; i++) {
        if ((one == NULL || states[i].source == one) &&
            (!command_has(pulling->command, "due") || states[i].next_at <= now)) {
            rc = pull_one(pulling, states[i].source, err);
        }
    }
    return rc;
}

static enum exit_status pull_run(struct command *command)
{
    struct pulling pulling = {.command = command};
    const struct site_source *one = NULL;
    struct err err = {0};
    enum exit_status status = workspace_open(command, WORKSPACE_DB, false, &pulling.workspace);

    str_init(&pulling.json_text, LIMIT_ARENA_WORK);
    pulling.json = json_writer(&pulling.json_text);
    if (status != EXIT_DONE) {
        goto out;
    }
    json_write_array(&pulling.json);
    if (!choose(&pulling, &one, &err) || pull_all(&pulling, one, &err) < 0) {
        status = command_fail(&err);
        goto out;
    }
    json_write_array_end(&pulling.json);
    if (command->json) {
        puts(pulling.json_text.data);
    } else if (pulling.pulled == 0) {
        puts(command_has(command, "due") ? "No source is due." : "The site has no sources.");
    }
    if (!command_has(command, "dry-run")) {
        print_doubles(&pulling);
    }
    if (pulling.failed > 0) {
        status = pulling.failed < pulling.pulled ? EXIT_PARTLY : EXIT_FAILED;
    }
out:
    str_release(&pulling.json_text);
    workspace_close(&pulling.workspace);
    return status;
}

static const struct option pull_options[] = {
    {"dry-run", NULL, "show what would change and write nothing", false},
    {"due", NULL, "only those whose time has come", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_source_pull = {
    .name = "source pull",
    .usage = "[SOURCE]",
    .summary = "fetch the calendars of others: what is new, changed, gone",
    .help = "Fetches one source, or all of them, due or not. What is new stands beside the\n"
            "events and calls of files from then on. What is gone from a calendar is not\n"
            "cancelled: it is told on until it is over, or its source is taken out. A source\n"
            "that fails keeps its last good copy and is tried again after growing pauses.",
    .max_arguments = 1,
    .options = pull_options,
    .run = pull_run,
};
