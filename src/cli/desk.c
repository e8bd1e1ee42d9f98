#include "desk.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "approval_print.h"

void desk_tell_stopped(enum exit_status status, const char *done)
{
    if (status == EXIT_CONTENT) {
        fprintf(stderr, "teataja: nothing was %s: correct what is said above first\n", done);
    }
}

enum exit_status desk_open(const struct command *command, const char *done, struct desk *desk)
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
    desk_tell_stopped(status, done);
    if (status == EXIT_DONE && compose_open(&site, &desk->compose, &err) < 0) {
        status = command_fail(&err);
    }
    return status;
}

void desk_close(struct desk *desk)
{
    compose_close(desk->compose);
    workspace_close(&desk->workspace);
}

const char *desk_slug(struct arena *arena, const char *name)
{
    const char *slash = strrchr(name, '/');
    const char *base = slash != NULL ? slash + 1 : name;
    const char *slug = arena_strndup(arena, base, strcspn(base, "."));

    return slug != NULL ? slug : base; /* main tells that memory was short */
}

enum exit_status desk_language(const struct command *command, enum language *out)
{
    const char *tag = command_value(command, "lang");

    *out = tag != NULL ? language_find(tag) : LANG_NONE;
    if (tag != NULL && *out == LANG_NONE) {
        return command_misused(command, "no language '%s': it is one of %s", tag, language_all());
    }
    return EXIT_DONE;
}

enum exit_status desk_carriage(const struct command *command, struct desk *desk,
                               int64_t *connections)
{
    struct err err = {0};

    if (command_has(command, "lang") && !command_has(command, "test")) {
        return command_misused(command, "--lang goes with --test: others get their own language");
    }
    if (command_number(command, "connections", 1, 64, 0, connections, &err) < 0) {
        return command_misused(command, "%s", err.msg);
    }
    if (command_has(command, "relay") &&
        deliver_knows_relay(&desk->workspace, command_value(command, "relay"), &err) < 0) {
        return command_fail(&err);
    }
    if (!command_has(command, "dry-run") && !command_has(command, "queue") &&
        deliver_ready(&desk->workspace, command_value(command, "relay"), &err) < 0) {
        return command_fail(&err);
    }
    return EXIT_DONE;
}

enum exit_status desk_dispatch(const struct command *command, struct desk *desk,
                               int64_t connections, int64_t mailing, int64_t total)
{
    if (!command_has(command, "queue")) {
        return deliver_mailing(command, &desk->workspace, mailing, command_value(command, "relay"),
                               connections);
    }
    if (command->json) {
        return deliver_report(command, &desk->workspace, mailing) == EXIT_FAILED ? EXIT_FAILED
                                                                                 : EXIT_DONE;
    }
    printf("Queued %" PRId64 " message%s as mailing %" PRId64 ".\n", total, total == 1 ? "" : "s",
           mailing);
    return EXIT_DONE;
}

enum exit_status desk_dispatch_sent(const struct command *command, struct desk *desk,
                                    int64_t connections, const struct approval_sent *sent)
{
    return strcmp(sent->state, "queued") == 0
               ? desk_dispatch(command, desk, connections, sent->mailing, sent->recipients)
               : approval_print_sent(command, &desk->workspace, sent);
}
