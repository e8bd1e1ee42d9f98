/* mailing list | show | pause | resume | cancel | resend: the ledger, for people. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "approval_print.h"
#include "deliver.h"
#include "output.h"
#include "teataja/delivery/ledger.h"
#include "teataja/delivery/mailing.h"
#include "workspace.h"

static const char *number_text(struct arena *arena, int64_t number)
{
    return arena_printf(arena, "%" PRId64, number);
}

/* Opens the site; what dead workers left is recovered first, so that what is shown
 * is so. */
static enum exit_status open_ledger(const struct command *command, struct workspace *workspace)
{
    struct err err = {0};
    char *var = NULL;
    enum exit_status status = workspace_open(command, WORKSPACE_DB, false, workspace);

    if (status == EXIT_DONE && (workspace_var(workspace, &var, &err) < 0 ||
                                ledger_recover(workspace->db, var, NULL, &err) < 0)) {
        status = command_fail(&err);
    }
    return status;
}

/* A draft has no rows yet: how many it would have. */
static int count_draft(struct arena *arena, struct db *db, const struct mailing *mailing,
                       struct mailing_counts *counts, struct err *err)
{
    struct approval draft;
    int rc = 0;

    if (mailing_is_draft(mailing)) {
        rc = approval_get(db, arena, mailing->id, &draft, err);
        counts->total = rc == 0 ? draft.recipients : 0;
    }
    return rc;
}

static enum exit_status list_run(struct command *command)
{
    static const char *const headings[] = {">id",   "made (UTC)", "what",      "purpose",
                                           "state", ">total",     ">sent",     ">waiting",
                                           ">failed", ">unknown"};
    struct output_table *table = output_table_new(10, headings);
    struct workspace workspace;
    struct mailing *mailings = NULL;
    struct err err = {0};
    size_t count = 0;
    enum exit_status status = open_ledger(command, &workspace);

    if (status == EXIT_DONE &&
        mailing_list(workspace.db, command->arena, 100, command_has(command, "all"), &mailings,
                     &count, &err) < 0) {
        status = command_fail(&err);
    }
    for (size_t i = 0; status == EXIT_DONE && i < count; i++) {
        struct mailing_counts counts;

        if (mailing_count(workspace.db, mailings[i].id, &counts, &err) < 0 ||
            count_draft(command->arena, workspace.db, &mailings[i], &counts, &err) < 0) {
            status = command_fail(&err);
            break;
        }
        const char *const cells[] = {
            number_text(command->arena, mailings[i].id),
            output_when(command->arena, mailings[i].created_at),
            mailings[i].subject,
            mailings[i].purpose,
            mailings[i].state,
            number_text(command->arena, counts.total),
            number_text(command->arena, counts.sent),
            number_text(command->arena, counts.queued + counts.claimed + counts.committing +
                                            counts.deferred),
            number_text(command->arena, counts.failed),
            number_text(command->arena, counts.unknown),
        };
        output_table_row(table, cells);
    }
    output_table_print(table, command->json && status == EXIT_DONE);
    workspace_close(&workspace);
    return status;
}

static const struct option list_options[] = {
    {"all", NULL, "also what the staff was told by mail", false}, {NULL, NULL, NULL, false}};

const struct verb verb_mailing_list = {
    .name = "mailing list",
    .usage = "",
    .summary = "list what was sent, the newest first",
    .help = "The last hundred mailings, with how many are sent, waiting, failed or unknown. A mailing\n"
            "that is itself 'waiting', 'approved' or 'rejected' is a draft: see 'approve'.",
    .options = list_options,
    .run = list_run,
};

struct rows {
    struct arena *arena;
    struct output_table *table;
};

static int add_row(void *ctx, const struct mailing_row *row)
{
    struct rows *rows = ctx;
    struct arena_mark mark = arena_mark(rows->arena);
    const char *answer = row->code != 0
                             ? arena_printf(rows->arena, "%" PRId64 " %s %s", row->code,
                                            row->enhanced != NULL ? row->enhanced : "",
                                            row->reply != NULL ? row->reply : "")
                             : row->reply;
    const char *const cells[] = {
        row->member != 0 ? number_text(rows->arena, row->member) : "",
        row->address,
        row->lang,
        row->state,
        output_when(rows->arena, row->done_at),
        row->next_at > 0 && strcmp(row->state, "deferred") == 0
            ? output_when(rows->arena, row->next_at)
            : "",
        answer,
    };

    output_table_row(rows->table, cells);
    arena_rewind(rows->arena, mark);
    return 0;
}

static enum exit_status read_state(const struct command *command, const char *state)
{
    static const char *const states[] = {"queued",   "claimed", "committing", "sent",
                                         "deferred", "failed",  "suppressed", "unknown"};
    const size_t count = sizeof(states) / sizeof(states[0]);
    size_t i = 0;

    while (state != NULL && i < count && strcmp(states[i], state) != 0) {
        i++;
    }
    return i < count ? EXIT_DONE : command_misused(command, "no state '%s' of a row", state);
}

/* A draft, or what was decided about one that went out. */
static enum exit_status show_draft(const struct command *command, struct workspace *workspace,
                                   const struct mailing *mailing)
{
    struct approval draft;
    struct err err = {0};

    if (command_has(command, "trail")) {
        return approval_print_trail(command, workspace, mailing->id);
    }
    if (approval_get(workspace->db, command->arena, mailing->id, &draft, &err) < 0) {
        return command_fail(&err);
    }
    if (approval_print_draft(command, workspace, &draft) == EXIT_DONE && !command->json) {
        puts("");
        return approval_print_trail(command, workspace, mailing->id);
    }
    return EXIT_DONE;
}

static enum exit_status show_run(struct command *command)
{
    static const char *const headings[] = {">member", "address",       "language", "state",
                                           "done (UTC)", "next (UTC)", "answer"};
    struct rows rows = {.arena = command->arena};
    struct workspace workspace;
    struct mailing mailing;
    struct mailing_counts counts;
    struct err err = {0};
    int64_t id = 0;
    const char *state = command_value(command, "state");
    enum exit_status status = command_mailing(command, &id);

    if (status == EXIT_DONE) {
        status = read_state(command, state);
    }
    if (status != EXIT_DONE) {
        return status;
    }
    status = open_ledger(command, &workspace);
    if (status == EXIT_DONE && mailing_get(workspace.db, command->arena, id, &mailing, &err) < 0) {
        status = command_fail(&err);
    }
    if (status == EXIT_DONE && (mailing_is_draft(&mailing) || command_has(command, "trail"))) {
        status = show_draft(command, &workspace, &mailing);
        goto out;
    }
    if (status == EXIT_DONE && mailing_count(workspace.db, id, &counts, &err) < 0) {
        status = command_fail(&err);
    }
    if (status == EXIT_DONE && !command->json &&
        deliver_report(command, &workspace, id) == EXIT_FAILED) {
        status = EXIT_FAILED;
    }
    if (status == EXIT_DONE) {
        rows.table = output_table_new(7, headings);
        if (mailing_rows(workspace.db, id, state, add_row, &rows, &err) < 0) {
            status = command_fail(&err);
        }
        if (command->json && status == EXIT_DONE) {
            deliver_rows_json(&mailing, &counts, rows.table);
        } else {
            output_table_print(rows.table, false);
        }
    }
out:
    workspace_close(&workspace);
    return status;
}

static const struct option show_options[] = {
    {"trail", NULL, "who drafted, approved or rejected it, and when", false},
    {"state", "STATE", "only rows that are queued, sent, deferred, failed, suppressed or unknown",
     false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_mailing_show = {
    .name = "mailing show",
    .usage = "ID",
    .summary = "who has a mailing, who has not, who is unknown, and why",
    .help = "How it stands, and one line a recipient, with the relay's answer. Of a draft: its\n"
            "versions, what they tell, and who said what of it.",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = show_options,
    .run = show_run,
};

static enum exit_status resume_run(struct command *command)
{
    struct workspace workspace;
    struct err err = {0};
    int64_t id = 0;
    int64_t connections = 0;
    enum exit_status status = command_mailing(command, &id);

    if (status != EXIT_DONE) {
        return status;
    }
    if (command_number(command, "connections", 1, 64, 0, &connections, &err) < 0) {
        return command_misused(command, "%s", err.msg);
    }
    status = open_ledger(command, &workspace);
    if (status == EXIT_DONE && mailing_resume(workspace.db, id, &err) < 0) {
        status = command_fail(&err);
    }
    if (status == EXIT_DONE) {
        status = deliver_mailing(command, &workspace, id, command_value(command, "relay"),
                                 connections);
    }
    workspace_close(&workspace);
    return status;
}

static const struct option resume_options[] = {
    {"relay", "NAME", "use this relay of teataja.yaml (default: the first)", false},
    {"connections", "N", "so many connections (default: the relay's)", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_mailing_resume = {
    .name = "mailing resume",
    .usage = "ID",
    .summary = "go on with a mailing that was interrupted, paused or held",
    .help = "What a killed program left is recovered first: nobody is lost, and whoever may have\n"
            "got the letter already is named 'unknown' before it is sent again.",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = resume_options,
    .run = resume_run,
};

/* Reads the number of a mailing and the mailing itself. */
static enum exit_status open_mailing(const struct command *command, struct workspace *workspace,
                                     struct mailing *mailing, struct mailing_counts *counts)
{
    struct err err = {0};
    int64_t id = 0;
    enum exit_status status = command_mailing(command, &id);

    *workspace = (struct workspace){0};
    if (status == EXIT_DONE) {
        status = open_ledger(command, workspace);
    }
    if (status == EXIT_DONE &&
        (mailing_get(workspace->db, command->arena, id, mailing, &err) < 0 ||
         mailing_count(workspace->db, id, counts, &err) < 0)) {
        status = command_fail(&err);
    }
    return status;
}

/* What is left in a mailing that was paused or cancelled is no failure. */
static enum exit_status report(const struct command *command, struct workspace *workspace,
                               int64_t mailing)
{
    return deliver_report(command, workspace, mailing) == EXIT_FAILED ? EXIT_FAILED : EXIT_DONE;
}

static enum exit_status pause_run(struct command *command)
{
    struct workspace workspace;
    struct mailing mailing = {0};
    struct mailing_counts counts = {0};
    struct err err = {0};
    enum exit_status status = open_mailing(command, &workspace, &mailing, &counts);

    if (status == EXIT_DONE && mailing_pause(workspace.db, mailing.id, &err) < 0) {
        status = command_fail(&err);
    }
    if (status == EXIT_DONE) {
        status = report(command, &workspace, mailing.id);
    }
    workspace_close(&workspace);
    return status;
}

const struct verb verb_mailing_pause = {
    .name = "mailing pause",
    .usage = "ID",
    .summary = "stop sending a mailing for now",
    .help = "Whoever is sending it takes no more recipients: those that are taken, at most 16 a\n"
            "connection, get it. 'mailing resume' goes on.",
    .min_arguments = 1,
    .max_arguments = 1,
    .run = pause_run,
};

static int cancel(struct workspace *workspace, const struct mailing *mailing, struct err *err)
{
    struct approval_person who;

    if (!mailing_is_draft(mailing)) {
        return mailing_cancel(workspace->db, mailing->id, err);
    }
    approval_person_of(workspace, NULL, &who);
    return approval_cancel(workspace->db, mailing->id, &who, err);
}

static enum exit_status cancel_run(struct command *command)
{
    struct workspace workspace;
    struct mailing mailing = {0};
    struct mailing_counts counts = {0};
    struct err err = {0};
    enum exit_status status = open_mailing(command, &workspace, &mailing, &counts);
    int64_t waiting = counts.queued + counts.deferred + counts.claimed;

    if (status == EXIT_DONE && command_has(command, "dry-run")) {
        if (command->json) {
            status = report(command, &workspace, mailing.id);
        } else {
            printf("%s: %" PRId64 " of %" PRId64 " have it; %" PRId64 " would not get it.\n"
                   "Dry run: nothing was cancelled.\n",
                   mailing.subject, counts.sent, counts.total, waiting);
        }
    } else if (status == EXIT_DONE && strcmp(mailing.state, "sent") == 0) {
        fprintf(stderr, "teataja: mailing %" PRId64 " is sent: nobody is left who will not get it\n",
                mailing.id);
        status = EXIT_FAILED;
    } else if (status == EXIT_DONE) {
        const char *question =
            arena_printf(command->arena,
                         "Cancel mailing %" PRId64 " (%s) for good? %" PRId64 " of %" PRId64
                         " have it, %" PRId64 " will not get it",
                         mailing.id, mailing.subject, counts.sent, counts.total, waiting);

        if (question == NULL || !command_confirm(command, question)) {
            fputs("teataja: nothing was cancelled; --yes answers the question\n", stderr);
            status = EXIT_FAILED;
        } else if (cancel(&workspace, &mailing, &err) < 0) {
            status = command_fail(&err);
        } else {
            status = report(command, &workspace, mailing.id);
        }
    }
    workspace_close(&workspace);
    return status;
}

static const struct option cancel_options[] = {
    {"dry-run", NULL, "only say who would not get it", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_mailing_cancel = {
    .name = "mailing cancel",
    .usage = "ID",
    .summary = "send a mailing to nobody more, for good",
    .help = "Asks first, unless --yes is given. Who has it has it; the others never get it.",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = cancel_options,
    .run = cancel_run,
};

static enum exit_status resend_run(struct command *command)
{
    struct workspace workspace;
    struct mailing mailing = {0};
    struct mailing_counts counts = {0};
    struct err err = {0};
    int64_t count = 0;
    int rc;
    bool unknown = command_has(command, "unknown");
    enum exit_status status;

    if (unknown == command_has(command, "failed")) {
        return command_misused(command, "resend needs --unknown or --failed");
    }
    status = open_mailing(command, &workspace, &mailing, &counts);
    if (status == EXIT_DONE && command_has(command, "dry-run")) {
        printf(command->json ? "{\"mailing\":%" PRId64 ",\"again\":%" PRId64 "}\n"
                             : "Mailing %" PRId64 ": %" PRId64 " would be sent again.\n",
               mailing.id, unknown ? counts.unknown : counts.failed);
        goto out;
    }
    if (status == EXIT_DONE) {
        rc = unknown ? mailing_resend_unknown(workspace.db, mailing.id, &count, &err)
                     : mailing_resend_failed(workspace.db, mailing.id, &count, &err);
        status = rc < 0 ? command_fail(&err) : EXIT_DONE;
    }
    if (status == EXIT_DONE && count == 0 && command->json) {
        status = report(command, &workspace, mailing.id);
    } else if (status == EXIT_DONE && count == 0) {
        printf("Mailing %" PRId64 " has no %s rows.\n", mailing.id, unknown ? "unknown" : "failed");
    } else if (status == EXIT_DONE) {
        status = deliver_mailing(command, &workspace, mailing.id, command_value(command, "relay"),
                                 0);
    }
out:
    workspace_close(&workspace);
    return status;
}

static const struct option resend_options[] = {
    {"unknown", NULL, "those of whom nobody knows whether they got it", false},
    {"failed", NULL, "those whom the relay refused", false},
    {"dry-run", NULL, "only say how many", false},
    {"relay", "NAME", "use this relay of teataja.yaml (default: the first)", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_mailing_resend = {
    .name = "mailing resend",
    .usage = "ID",
    .summary = "send the unknown or the failed ones of a mailing again",
    .help = "The same message, byte for byte, with the same Message-ID.",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = resend_options,
    .run = resend_run,
};
