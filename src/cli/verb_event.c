/* event list | show | attendees | answer; `event invite` is in verb_send.c */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "teataja/base/clock.h"
#include "teataja/events/answer.h"
#include "teataja/events/occurrence.h"
#include "workspace.h"

/* How far `event show` looks; beyond it only for the next one. */
#define AHEAD (732 * CLOCK_DAY)
#define BEHIND (30 * CLOCK_DAY)

static const char *when_text(struct arena *arena, const struct civil *civil)
{
    char text[CIVIL_TEXT];

    civil_print(civil, text);
    return arena_strdup(arena, text);
}

static enum exit_status event_list_run(struct command *command)
{
    static const char *const headings[] = {"event", "next", "zone", "status", "access", "title"};
    struct output_table *table = output_table_new(6, headings);
    struct workspace workspace;
    struct err err = {0};
    int64_t now = clock_now();
    enum exit_status status = workspace_open(command, WORKSPACE_CONTENT, false, &workspace);

    for (size_t i = 0; status == EXIT_DONE && i < workspace.events.count; i++) {
        const struct event *event = &workspace.events.items[i];
        struct occurrence next;
        int rc = event_next(event, now, INT64_MAX, command->arena, &next, &err);
        const char *const cells[] = {
            event->slug,
            rc == 1 ? when_text(command->arena, &next.start) : "past",
            event->tzid,
            event_status_name(event->status),
            event_access_name(event->access),
            event->editions[0].title,
        };

        if (rc < 0) {
            fprintf(stderr, "teataja: %s: %s\n", event->file, err.msg);
        }
        output_table_row(table, cells);
    }
    output_table_print(table, command->json && status == EXIT_DONE);
    workspace_close(&workspace);
    return status;
}

const struct verb verb_event_list = {
    .name = "event list",
    .usage = "",
    .summary = "list events with their next occurrence",
    .help = "Times are local, in the event's own zone.",
    .run = event_list_run,
};

/* Opens the site with its events and finds the verb's first argument among them. */
static enum exit_status open_event(const struct command *command, unsigned parts,
                                   struct workspace *workspace, const struct event **event)
{
    struct err err = {0};
    enum exit_status status =
        workspace_open(command, parts | WORKSPACE_CONTENT, false, workspace);

    if (status == EXIT_DONE &&
        event_get(&workspace->events, command->arguments[0], event, &err) < 0) {
        status = command_fail(&err);
    }
    return status;
}

static void show_occurrences(const struct command *command, const struct event *event,
                             int64_t now)
{
    static const char *const headings[] = {"occurrence", "starts", "ends", "place", "note"};
    struct output_table *table = output_table_new(5, headings);
    struct occurrence *occurrences = NULL;
    struct occurrence next;
    struct err err = {0};
    int count = event_occurrences(event, now - BEHIND, now + AHEAD,
                                  command->arena, &occurrences, &err);

    if (count == 0) {
        occurrences = &next;
        count = event_next(event, now, INT64_MAX, command->arena, &next, &err);
    }
    if (count < 0) {
        fprintf(stderr, "teataja: %s: %s\n", event->file, err.msg);
    }
    for (int i = 0; i < count; i++) {
        struct occurrence_text text;

        occurrence_text(&occurrences[i], &event->editions[0], &text);
        const char *const cells[] = {
            occurrences[i].id,
            when_text(command->arena, &occurrences[i].start),
            when_text(command->arena, &occurrences[i].end),
            text.place != NULL ? text.place : text.online,
            occurrences[i].cancelled ? "cancelled" : occurrences[i].moved ? "moved" : "",
        };
        output_table_row(table, cells);
    }
    output_table_print(table, command->json);
}

static enum exit_status event_show_run(struct command *command)
{
    struct workspace workspace;
    const struct event *event = NULL;
    enum exit_status status = open_event(command, 0, &workspace, &event);

    if (status == EXIT_DONE && !command->json) {
        printf("%s (%s)\n", event->editions[0].title, event->file);
        printf("%s, %s, zone %s%s%s\n", event_status_name(event->status),
               event_access_name(event->access), event->tzid,
               event->list != NULL ? ", list " : "", event->list != NULL ? event->list : "");
        if (event->audience.text != NULL) {
            printf("for %s\n", event->audience.text);
        }
        fputs("languages:", stdout);
        for (size_t i = 0; i < event->edition_count; i++) {
            printf(" %s", language_tag(event->editions[i].language));
        }
        if (event->rsvp.capacity > 0) {
            printf("\n%" PRId64 " places", event->rsvp.capacity);
        }
        puts("\n");
    }
    if (status == EXIT_DONE) {
        show_occurrences(command, event, clock_now());
    }
    workspace_close(&workspace);
    return status;
}

const struct verb verb_event_show = {
    .name = "event show",
    .usage = "EVENT",
    .summary = "show an event and its occurrences",
    .help = "Lists occurrences from a month ago to two years ahead, with what was moved or\n"
            "cancelled.",
    .min_arguments = 1,
    .max_arguments = 1,
    .run = event_show_run,
};

static void print_attendees(const struct command *command, const struct attendee *attendees,
                            size_t count)
{
    static const char *const headings[] = {"answer", ">guests", "name", "address", "comment",
                                           "via"};
    struct output_table *table = output_table_new(6, headings);
    struct attendee_counts counts;

    for (size_t i = 0; i < count; i++) {
        const char *const cells[] = {
            answer_state_name(attendees[i].state),
            arena_printf(command->arena, "%" PRId64, attendees[i].guests),
            attendees[i].name,
            attendees[i].address,
            attendees[i].comment,
            attendees[i].via,
        };
        output_table_row(table, cells);
    }
    output_table_print(table, command->json);
    if (!command->json) {
        attendee_count(attendees, count, &counts);
        printf("%" PRId64 " invited: %" PRId64 " yes (%" PRId64 " seats with guests), %" PRId64
               " maybe, %" PRId64 " no, %" PRId64 " without an answer\n",
               counts.invited, counts.by_state[ANSWER_YES], counts.seats,
               counts.by_state[ANSWER_MAYBE], counts.by_state[ANSWER_NO],
               counts.by_state[ANSWER_NONE]);
    }
}

static enum exit_status attendees_run(struct command *command)
{
    struct workspace workspace;
    const struct event *event = NULL;
    struct attendee *attendees = NULL;
    struct occurrence occurrence = {0};
    struct err err = {0};
    enum exit_status status = open_event(command, WORKSPACE_DB, &workspace, &event);
    const char *which = command_value(command, "occurrence");
    int count = 0;

    if (status == EXIT_DONE && which != NULL &&
        event_occurrence_find(event, which, command->arena, &occurrence, &err) < 0) {
        status = command_fail(&err);
    }
    if (status == EXIT_DONE &&
        (count = attendee_list(workspace.db, event, occurrence.id, command->arena, &attendees,
                               &err)) < 0) {
        status = command_fail(&err);
    }
    if (status == EXIT_DONE) {
        print_attendees(command, attendees, (size_t)count);
    }
    workspace_close(&workspace);
    return status;
}

static const struct option attendees_options[] = {
    {"occurrence", "WHEN", "one occurrence of a series, by its id or date", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_event_attendees = {
    .name = "event attendees",
    .usage = "EVENT",
    .summary = "who was invited, and what they answered",
    .help = "In a series an answer to one occurrence goes before the answer to the whole.",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = attendees_options,
    .run = attendees_run,
};

static enum exit_status answer_run(struct command *command)
{
    struct answer_entry entry = {.via = "staff", .now = clock_now()};
    struct answer_result result;
    struct workspace workspace;
    struct member member;
    const struct event *event = NULL;
    struct err err = {0};
    enum exit_status status = open_event(command, WORKSPACE_DB, &workspace, &event);

    if (status != EXIT_DONE) {
        goto out;
    }
    if (member_find(&workspace.members, command->arena, command->arguments[1], &member, &err) <
        0) {
        status = command_fail(&err);
        goto out;
    }
    entry.address = member.email;
    entry.occurrence = command_value(command, "occurrence");
    entry.comment = command_value(command, "comment");
    entry.by = command_value(command, "as") != NULL ? command_value(command, "as")
                                                    : getenv("USER");
    entry.force = command_has(command, "force");
    if (answer_state_find(command->arguments[2], &entry.state, &err) < 0 ||
        command_number(command, "guests", 0, 100, 0, &entry.guests, &err) < 0) {
        status = command_misused(command, "%s", err.msg);
        goto out;
    }
    if (answer_enter(workspace.db, event, &entry, &result, &err) < 0) {
        status = command_fail(&err);
        goto out;
    }
    if (command->json) {
        printf("{\"member\":%" PRId64 ",\"before\":\"%s\",\"answer\":\"%s\",\"seats\":%" PRId64
               ",\"capacity\":%" PRId64 "}\n",
               result.member, answer_state_name(result.before), answer_state_name(entry.state),
               result.seats, result.capacity);
    } else {
        printf("Member %" PRId64 ": %s (before: %s). ", result.member,
               answer_state_name(entry.state), answer_state_name(result.before));
        if (result.capacity > 0) {
            printf("%" PRId64 " of %" PRId64 " seats taken.\n", result.seats, result.capacity);
        } else {
            printf("%" PRId64 " seat%s taken.\n", result.seats, result.seats == 1 ? "" : "s");
        }
    }
out:
    workspace_close(&workspace);
    return status;
}

static const struct option answer_options[] = {
    {"occurrence", "WHEN", "one occurrence of a series, by its id or date", false},
    {"guests", "N", "who come along", false},
    {"comment", "TEXT", "in the member's words", false},
    {"as", "NAME", "who enters it (default: $USER)", false},
    {"force", NULL, "also past the capacity, the guests or the last day", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_event_answer = {
    .name = "event answer",
    .usage = "EVENT MEMBER yes|no|maybe",
    .summary = "enter a member's answer to an invitation",
    .help = "For answers that came by telephone or at the door. MEMBER is an address (also\n"
            "an earlier one), an id or id:THE-OFFICE'S-ID. Every answer is kept; the last counts.",
    .min_arguments = 3,
    .max_arguments = 3,
    .options = answer_options,
    .run = answer_run,
};
