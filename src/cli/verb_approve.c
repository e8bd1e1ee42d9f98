/* approve, reject, mailing note, mailing diff: people decide about drafts. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "approval_print.h"
#include "desk.h"
#include "output.h"
#include "teataja/base/clock.h"

/* ---- approve ---- */

static void print_result(const struct command *command, int64_t id, const char *state,
                         const struct approval_result *result)
{
    const char *due = result->due_at != 0 ? output_when(command->arena, result->due_at) : "";

    if (command->json) {
        printf("{\"mailing\":%" PRId64 ",\"state\":\"%s\",\"needed\":%d,\"given\":%d,"
               "\"again\":%s,\"due\":\"%s\"}\n",
               id, state, result->needed, result->given, result->again ? "true" : "false", due);
        return;
    }
    printf("Mailing %" PRId64 " is %s%s.\n", id, state,
           result->again ? ": you had said so before, and nothing changed" : "");
    if (strcmp(state, "waiting") == 0) {
        printf("%d of %d approvals are given; the other one is somebody else's.\n", result->given,
               result->needed);
    }
}

/* Who approves on a terminal sees what the files say now: a draft that they made stale is
 * made anew first, and then nothing is approved. EXIT_DONE if it is as it was. */
static enum exit_status refresh(const struct command *command, struct desk *desk,
                                const struct approval *draft, const struct approval_person *who)
{
    struct arena_mark mark = arena_mark(command->arena);
    struct approval_sent sent = {0};
    struct approval now;
    struct err err = {0};

    if (strcmp(draft->state, "waiting") != 0 || draft->needed == 0) {
        return EXIT_DONE;
    }
    if (approval_release(desk->compose, command->arena, draft->mailing, who, &sent, &err) < 0 ||
        approval_get(desk->workspace.db, command->arena, draft->mailing, &now, &err) < 0) {
        return command_fail(&err);
    }
    if (now.revision == draft->revision) {
        arena_rewind(command->arena, mark); /* of thousands of versions that is much */
        return EXIT_DONE;
    }
    fprintf(stderr,
            "teataja: mailing %" PRId64
            " is not what it was when it was drafted, so it was drafted "
            "anew:\n%s\nLook at it ('teataja mailing diff %" PRId64
            " --last'), then approve it again.\n",
            draft->mailing, now.reason, draft->mailing);
    return EXIT_FAILED;
}

/* Whether its time is now, or it has none; what is very late waits for a 'send'. */
static bool is_time(const struct desk *desk, const struct approval *draft)
{
    const struct newsletter *newsletter =
        config_newsletter(&desk->workspace.config, draft->newsletter);
    int64_t late = draft->due_at != 0 ? clock_now() - draft->due_at : 0;

    return late >= 0 && (newsletter == NULL || late <= newsletter->too_late_after);
}

static enum exit_status release(const struct command *command, struct desk *desk,
                                const struct approval_person *who, int64_t id, int64_t connections)
{
    struct approval_sent sent = {0};
    struct err err = {0};

    if (approval_release(desk->compose, command->arena, id, who, &sent, &err) < 0) {
        return command_fail(&err);
    }
    return strcmp(sent.state, "queued") == 0
               ? desk_dispatch(command, desk, connections, sent.mailing, sent.recipients)
               : approval_print_sent(command, &desk->workspace, &sent);
}

/* What follows from an approval. */
static enum exit_status go_on(const struct command *command, struct desk *desk,
                              const struct approval_person *who, const struct approval *draft,
                              const struct approval_result *result, int64_t connections)
{
    if (!result->complete) {
        print_result(command, draft->mailing, draft->state, result);
        return EXIT_DONE;
    }
    if (is_time(desk, draft)) {
        return release(command, desk, who, draft->mailing, connections);
    }
    print_result(command, draft->mailing, "approved", result);
    if (!command->json) {
        const char *due = output_when(command->arena, draft->due_at);

        printf(draft->due_at > clock_now()
                   ? "It goes out at %s UTC, if it is still the same then.\n"
                   : "It was due at %s UTC, too long ago to go out by itself: 'teataja send' or "
                     "'teataja event invite' sends it.\n",
               due);
    }
    return EXIT_DONE;
}

static enum exit_status approve_run(struct command *command)
{
    struct approval_result result = {0};
    struct approval_person who;
    struct approval draft;
    struct desk desk = {0};
    struct err err = {0};
    int64_t connections = 0;
    int64_t id = 0;
    enum exit_status status = command_mailing(command, &id);

    if (status != EXIT_DONE) {
        return status;
    }
    if (command_number(command, "connections", 1, 64, 0, &connections, &err) < 0) {
        return command_misused(command, "%s", err.msg);
    }
    status = desk_open(command, "decided", &desk);
    if (status == EXIT_DONE &&
        approval_get(desk.workspace.db, command->arena, id, &draft, &err) < 0) {
        status = command_fail(&err);
    }
    if (status == EXIT_DONE) {
        approval_person_of(&desk.workspace, command_value(command, "as"), &who);
        status = refresh(command, &desk, &draft, &who);
    }
    if (status == EXIT_DONE &&
        approval_approve(desk.workspace.db, id, draft.digest, &who, &result, &err) < 0) {
        status = command_fail(&err);
    }
    if (status == EXIT_DONE) {
        status = go_on(command, &desk, &who, &draft, &result, connections);
    }
    desk_close(&desk);
    return status;
}

static const struct option approve_options[] = {
    {"as", "NAME", "who approves it, a name or an address (default: who is logged in)", false},
    {"queue", NULL, "if it goes out now: queue it, do not deliver", false},
    {"relay", "NAME", "use this relay of teataja.yaml (default: the first)", false},
    {"connections", "N", "so many connections (default: the relay's)", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_approve = {
    .name = "approve",
    .usage = "ID",
    .summary = "approve a letter or invitations that wait",
    .help =
        "Of a mailing that needs two approvals both must be there, of different people. With the\n"
        "last one it goes out, or at its time. What is approved is the text, the items, the rule\n"
        "and the audience as 'mailing show' and 'preview' have them: if any of them changes, it\n"
        "waits again, and 'mailing diff' says what changed.",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = approve_options,
    .run = approve_run,
};

/* ---- reject, note ---- */

static enum exit_status reject_run(struct command *command)
{
    const char *reason = command_value(command, "reason");
    struct approval_result result = {0};
    struct workspace workspace = {0};
    struct approval_person who;
    struct err err = {0};
    int64_t id = 0;
    enum exit_status status = command_mailing(command, &id);

    if (status != EXIT_DONE) {
        return status;
    }
    if (reason == NULL) {
        return command_misused(command, "a rejection needs --reason TEXT");
    }
    status = workspace_open(command, WORKSPACE_DB, false, &workspace);
    if (status == EXIT_DONE) {
        approval_person_of(&workspace, command_value(command, "as"), &who);
        if (approval_reject(workspace.db, id, NULL, &who, reason, &result, &err) < 0) {
            status = command_fail(&err);
        }
    }
    if (status == EXIT_DONE) {
        print_result(command, id, "rejected", &result);
    }
    workspace_close(&workspace);
    return status;
}

static const struct option reject_options[] = {
    {"reason", "TEXT", "why; it is kept", false},
    {"as", "NAME", "who rejects it, a name or an address (default: who is logged in)", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_reject = {
    .name = "reject",
    .usage = "ID",
    .summary = "reject a letter or invitations that wait, with a reason",
    .help =
        "It does not go out. Once its files are changed, 'send' or 'event invite' drafts it anew,\n"
        "as the same mailing.",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = reject_options,
    .run = reject_run,
};

static enum exit_status note_run(struct command *command)
{
    struct workspace workspace = {0};
    struct approval_person who;
    struct err err = {0};
    int64_t id = 0;
    enum exit_status status = command_mailing(command, &id);

    if (status != EXIT_DONE) {
        return status;
    }
    status = workspace_open(command, WORKSPACE_DB, false, &workspace);
    if (status == EXIT_DONE) {
        approval_person_of(&workspace, command_value(command, "as"), &who);
        if (approval_note(workspace.db, id, &who, command->arguments[1], &err) < 0) {
            status = command_fail(&err);
        }
    }
    if (status == EXIT_DONE) {
        status = approval_print_trail(command, &workspace, id);
    }
    workspace_close(&workspace);
    return status;
}

static const struct option note_options[] = {
    {"as", "NAME", "whose note it is, a name or an address (default: who is logged in)", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_mailing_note = {
    .name = "mailing note",
    .usage = "ID TEXT",
    .summary = "add a note to a draft, for the others who look at it",
    .help = "It decides nothing. Shows all that was said of the draft so far.",
    .min_arguments = 2,
    .max_arguments = 2,
    .options = note_options,
    .run = note_run,
};

/* ---- mailing diff ---- */

static enum exit_status diff_run(struct command *command)
{
    struct approval_diff diff;
    struct desk desk = {0};
    struct err err = {0};
    int64_t id = 0;
    enum exit_status status = command_mailing(command, &id);

    if (status != EXIT_DONE) {
        return status;
    }
    status = desk_open(command, "shown", &desk);
    if (status == EXIT_DONE && approval_diff(desk.compose, command->arena, id,
                                             command_has(command, "last"), &diff, &err) < 0) {
        status = command_fail(&err);
    }
    if (status == EXIT_DONE) {
        status = approval_print_diff(command, &diff);
    }
    desk_close(&desk);
    return status;
}

static const struct option diff_options[] = {
    {"last", NULL, "what changed when it was drafted last, not what changed since", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_mailing_diff = {
    .name = "mailing diff",
    .usage = "ID",
    .summary = "what changed in a draft since people looked at it",
    .help =
        "Text by language as a unified diff, items that are new, gone or changed, the rule, the\n"
        "audience and its count: the draft against what the site's files would give now.",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = diff_options,
    .run = diff_run,
};
