#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "deliver.h"
#include "output.h"
#include "teataja/base/clock.h"
#include "teataja/base/json.h"
#include "teataja/base/limits.h"
#include "teataja/base/log.h"
#include "teataja/base/suggest.h"
#include "teataja/compose/message.h"
#include "teataja/compose/staff.h"
#include "teataja/delivery/delivery.h"
#include "teataja/delivery/dkim.h"
#include "teataja/delivery/forecast.h"
#include "teataja/delivery/mailing.h"
#include "teataja/members/suppression.h"

static atomic_bool stop;

/* The second Ctrl-C ends the program as it always would: the ledger copes. */
static void on_signal(int number)
{
    atomic_store(&stop, true);
    signal(number, SIG_DFL);
}

struct screen {
    int64_t started; /* clock_ticks */
    int64_t at_start; /* rows that were settled before */
};

static void show_progress(void *ctx, const struct delivery_progress *progress)
{
    struct screen *screen = ctx;
    int64_t settled = progress->total - progress->left;
    double seconds = (double)(clock_ticks() - screen->started) / 1e9;
    double rate;
    int filled;

    if (screen->at_start < 0) {
        screen->at_start = settled;
    }
    rate = seconds > 0.05 ? (double)(settled - screen->at_start) / seconds : 0;
    filled = progress->total > 0 ? (int)(30 * settled / progress->total) : 30;
    fprintf(stderr, "\r[%.*s%*s] %" PRId64 "/%" PRId64 "  %.0f/s", filled,
            "##############################", 30 - filled, "", settled, progress->total, rate);
    if (rate > 0.01 && progress->left > 0) {
        int64_t left = (int64_t)((double)progress->left / rate);

        fprintf(stderr, "  %" PRId64 ":%02" PRId64 " left ", left / 60, left % 60);
    } else {
        fputs("            ", stderr);
    }
}

static int suppress(void *ctx, struct db *db, int64_t member, const char *address,
                    const char *evidence, struct err *err)
{
    const struct workspace *workspace = ctx;
    const struct members members = {
        .db = db, .config = &workspace->config, .key = &workspace->key};

    (void)member;
    return suppression_add(&members, address, SUPPRESSION_HARD, evidence, err);
}

/* A name that is near to none is answered with all of them. */
static void no_relay(const struct site *site, const char *name, const char *hint, struct err *err)
{
    struct str names;

    str_init(&names, LIMIT_TEXT);
    for (size_t i = 0; i < site->relay_count; i++) {
        str_addf(&names, "%s'%s'", i > 0 ? ", " : "", site->relays[i].name);
    }
    err_set(err, ERR_NOT_FOUND, "no relay '%s' in teataja.yaml%s%s", name,
            hint[0] != '\0' ? hint : "; it names ", hint[0] != '\0' ? "" : names.data);
    str_release(&names);
}

static const struct site_relay *choose_relay(const struct site *site, const char *name,
                                             struct err *err)
{
    const struct site_relay *relay;

    if (site->relay_count == 0) {
        err_set(err, ERR_NOT_FOUND, "teataja.yaml names no relay: add one under 'relays'");
        return NULL;
    }
    if (name == NULL) {
        return &site->relays[0];
    }
    relay = site_relay_find(site, name);
    if (relay == NULL) {
        struct suggest suggest;

        suggest_start(&suggest, name);
        for (size_t i = 0; i < site->relay_count; i++) {
            suggest_offer(&suggest, site->relays[i].name);
        }
        no_relay(site, name, suggest_hint(&suggest), err);
    }
    return relay;
}

/* What a delivery needs of a relay: its password, and where its certificates are. */
static int open_relay(struct workspace *workspace, const struct site_relay *relay,
                      struct delivery_relay *out, struct err *err)
{
    char *text = NULL;
    int rc;

    *out = (struct delivery_relay){.relay = relay};
    if (relay->password != NULL) {
        rc = config_secret(workspace->arena, &workspace->config, relay->password, &text, err);
        if (rc < 0) {
            return err_prefix(err, "the password of relay '%s'", relay->name);
        }
        out->password = text;
    }
    if (relay->ca_file != NULL) {
        out->ca_file = config_path(workspace->arena, &workspace->config, relay->ca_file);
        if (out->ca_file == NULL) {
            return err_nomem(err);
        }
    }
    return 0;
}

/* The other relays take over when the first cannot; one that was asked for stands alone. */
static int open_spares(struct workspace *workspace, struct delivery_options *options,
                       struct err *err)
{
    const struct site *site = &workspace->config.site;
    struct delivery_relay *spares =
        arena_alloc(workspace->arena, site->relay_count, sizeof(*spares));
    int rc = 0;

    if (spares == NULL) {
        return err_nomem(err);
    }
    options->spares = spares;
    for (size_t i = 1; rc == 0 && i < site->relay_count && i <= DELIVERY_SPARES; i++) {
        rc = open_relay(workspace, &site->relays[i], &spares[options->spare_count++], err);
    }
    return rc;
}

static int fill_options(struct workspace *workspace, const char *relay_name,
                        struct delivery_options *options, struct err *err)
{
    const struct site *site = &workspace->config.site;
    const struct site_relay *relay = choose_relay(site, relay_name, err);
    struct delivery_relay first = {0};
    char *text = NULL;
    int rc;

    if (relay == NULL) {
        return err->code;
    }
    rc = open_relay(workspace, relay, &first, err);
    if (rc == 0 && relay_name == NULL) {
        rc = open_spares(workspace, options, err);
    }
    if (rc < 0) {
        return rc;
    }
    options->relay = first.relay;
    options->password = first.password;
    options->ca_file = first.ca_file;
    options->max_age = site->delivery.max_age;
    options->halt_after = site->delivery.halt_after;
    options->database = db_path(workspace->db);
    options->suppress = suppress;
    options->suppress_ctx = workspace;
    options->stop = &stop;
    rc = workspace_var(workspace, &text, err);
    options->lock_folder = text;
    return rc;
}

int deliver_knows_relay(const struct workspace *workspace, const char *relay_name,
                        struct err *err)
{
    return choose_relay(&workspace->config.site, relay_name, err) != NULL ? 0 : err->code;
}

int deliver_ready(struct workspace *workspace, const char *relay_name, struct err *err)
{
    struct delivery_options options = {0};
    struct dkim dkim = {0};
    int rc = fill_options(workspace, relay_name, &options, err);

    rc = rc == 0 ? dkim_open(&workspace->config, &dkim, err) : rc;
    dkim_close(&dkim);
    return rc;
}

/* Begins an object that the caller ends. */
static void report_fields(struct json_writer *json, const struct mailing *mailing,
                          const struct mailing_counts *counts)
{
    json_write_object(json);
    json_write_int_at(json, "mailing", mailing->id);
    json_write_text_at(json, "subject", mailing->subject);
    json_write_text_at(json, "purpose", mailing->purpose);
    json_write_text_at(json, "state", mailing->state);
    if (mailing->reason != NULL) {
        json_write_text_at(json, "reason", mailing->reason);
    }
    json_write_int_at(json, "total", counts->total);
    json_write_int_at(json, "sent", counts->sent);
    json_write_int_at(json, "queued", counts->queued + counts->claimed + counts->committing);
    json_write_int_at(json, "deferred", counts->deferred);
    json_write_int_at(json, "failed", counts->failed);
    json_write_int_at(json, "suppressed", counts->suppressed);
    json_write_int_at(json, "unknown", counts->unknown);
    json_write_int_at(json, "resent", counts->resent);
}

static void report_json(const struct mailing *mailing, const struct mailing_counts *counts)
{
    struct str out;
    struct json_writer json = json_writer(&out);

    str_init(&out, LIMIT_TEXT);
    report_fields(&json, mailing, counts);
    json_write_object_end(&json);
    puts(out.data);
    str_release(&out);
}

void deliver_rows_json(const struct mailing *mailing, const struct mailing_counts *counts,
                       struct output_table *rows)
{
    struct str out;
    struct json_writer json = json_writer(&out);

    str_init(&out, LIMIT_TEXT);
    report_fields(&json, mailing, counts);
    json_write_key(&json, "rows");
    fputs(out.data, stdout);
    output_table_print(rows, true);
    puts("}");
    str_release(&out);
}

static void report_text(struct arena *arena, const struct mailing *mailing,
                        const struct mailing_counts *counts)
{
    int64_t waiting = counts->queued + counts->claimed + counts->committing;
    const struct {
        int64_t count;
        const char *what;
    } others[] = {{counts->deferred, "deferred"},
                  {counts->failed, "failed"},
                  {counts->suppressed, "not sent any more"},
                  {counts->unknown, "unknown"},
                  {waiting, "waiting"}};

    printf("Mailing %" PRId64 " (%s) is %s: %" PRId64 " of %" PRId64 " sent", mailing->id,
           mailing->subject, mailing->state, counts->sent, counts->total);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (others[i].count > 0) {
            printf(", %" PRId64 " %s", others[i].count, others[i].what);
        }
    }
    puts(".");
    if (strcmp(mailing->state, "held") == 0 && mailing->reason != NULL) {
        printf("It was halted: %s. When that is in order, go on with: teataja mailing resume "
               "%" PRId64 "\n",
               mailing->reason, mailing->id);
        return;
    }
    if (waiting + counts->deferred > 0 && mailing->not_after != 0 &&
        clock_now() > mailing->not_after) {
        printf("It shows a deadline that was over at %s UTC: who has not got it gets nothing of it.\n",
               output_when(arena, mailing->not_after));
    } else if (waiting + counts->deferred > 0) {
        printf("Go on with: teataja mailing resume %" PRId64 "\n", mailing->id);
    }
    if (counts->unknown > 0) {
        printf("Nobody knows whether the unknown ones arrived; send them again with: teataja "
               "mailing resend %" PRId64 " --unknown\n",
               mailing->id);
    }
    if (counts->failed > 0) {
        printf("Why they failed: teataja mailing show %" PRId64 " --state failed\n", mailing->id);
    }
}

enum exit_status deliver_report(const struct command *command, struct workspace *workspace,
                                int64_t mailing_id)
{
    struct mailing mailing;
    struct mailing_counts counts;
    struct err err = {0};

    if (mailing_get(workspace->db, command->arena, mailing_id, &mailing, &err) < 0 ||
        mailing_count(workspace->db, mailing_id, &counts, &err) < 0) {
        return command_fail(&err);
    }
    if (command->json) {
        report_json(&mailing, &counts);
    } else {
        report_text(command->arena, &mailing, &counts);
    }
    LOG(LOG_INFO, "mailing", log_int("mailing", mailing.id), log_text("state", mailing.state),
        log_int("total", counts.total), log_int("sent", counts.sent),
        log_int("failed", counts.failed), log_int("unknown", counts.unknown));
    return counts.sent + counts.suppressed == counts.total ? EXIT_DONE : EXIT_PARTLY;
}

/* Opens what composes and signs, and delivers. */
static int carry(struct workspace *workspace, struct delivery_options *options,
                 struct delivery_result *result, struct err *err)
{
    struct composer *composer = NULL;
    struct dkim dkim = {0};
    int rc = dkim_open(&workspace->config, &dkim, err);

    if (rc == 0) {
        rc = composer_open(options->database, &workspace->key, &composer, err);
    }
    if (rc == 0) {
        composer_sign(composer, &dkim);
        options->compose = composer_message;
        options->compose_ctx = composer;
        rc = delivery_run(options, result, err);
    }
    composer_close(composer);
    dkim_close(&dkim);
    return rc;
}

int deliver_due(struct workspace *workspace, const struct deliver_watch *watch,
                struct delivery_result *result, struct err *err)
{
    struct delivery_options options = {0};
    struct workspace own = *workspace; /* with an arena that goes: a daemon comes here often */
    int rc;

    *result = (struct delivery_result){0};
    own.arena = arena_new(LIMIT_ARENA_WORK);
    rc = own.arena == NULL ? err_nomem(err) : fill_options(&own, NULL, &options, err);
    options.stop = watch->stop;
    options.progress = watch->progress;
    options.progress_ctx = watch->ctx;
    if (rc == 0) {
        rc = carry(&own, &options, result, err);
    }
    arena_free(own.arena);
    return rc;
}

/* When the limits of the relay let the rest of a mailing go. */
static void tell_wait(const struct command *command, struct workspace *workspace,
                      const struct delivery_options *options, const struct delivery_result *result)
{
    const struct site *site = &workspace->config.site;
    struct forecast_job job = {.rows = result->progress.left - result->progress.deferred,
                               .mailing = options->mailing};
    bool alone = options->spare_count == 0;
    struct err ignored = {0};

    if (command->json ||
        relay_forecast(workspace->db, alone ? options->relay : site->relays,
                       alone ? 1 : site->relay_count, clock_now(), false, &job, 1, &ignored) < 0) {
        return;
    }
    printf("%" PRId64 " sent; the relay's limits let the rest go from %s UTC, the last at %s UTC. "
           "Ctrl-C leaves them to 'teataja mailing resume %" PRId64 "'.\n",
           result->progress.sent, output_when(command->arena, result->waits_until),
           output_when(command->arena, job.last_at), options->mailing);
    fflush(stdout);
}

/* Whether nobody has paused, held or cancelled it. */
static bool goes_on(struct workspace *workspace, int64_t mailing)
{
    struct arena_mark mark = arena_mark(workspace->arena);
    struct mailing row = {.state = ""};
    struct err ignored = {0};
    int rc = mailing_get(workspace->db, workspace->arena, mailing, &row, &ignored);
    bool going = rc < 0 || strcmp(row.state, "queued") == 0 || strcmp(row.state, "sending") == 0;

    arena_rewind(workspace->arena, mark);
    return going;
}

/* Waits until the limits allow more; false if somebody stops the mailing meanwhile. What is
 * less urgent waits a little longer, so that the others are served first. */
static bool wait_until(struct workspace *workspace, int64_t mailing, int64_t until)
{
    enum { STEP_MS = 50, LOOK_EVERY = 10 };
    struct arena_mark mark = arena_mark(workspace->arena);
    struct mailing row = {.priority = MAILING_LETTER};
    struct err ignored = {0};
    bool going = true;

    (void)mailing_get(workspace->db, workspace->arena, mailing, &row, &ignored);
    until += (row.priority - MAILING_CANCELLATION) * CLOCK_SECOND / 5;
    arena_rewind(workspace->arena, mark);
    for (int i = 0; going && !atomic_load(&stop) && clock_now() < until; i++) {
        nanosleep(&(struct timespec){.tv_nsec = STEP_MS * 1000000L}, NULL);
        going = i % LOOK_EVERY != 0 || goes_on(workspace, mailing);
    }
    return going;
}

/* Delivers, and waits for the limits of the relays as often as it takes. */
static int carry_all(const struct command *command, struct workspace *workspace,
                     struct delivery_options *options, struct delivery_result *result,
                     struct err *err)
{
    const enum log_level least = log_least();
    bool told = false;
    int rc;

    options->try_parked = true;
    /* What a log would say of relays and mailings is told in words afterwards. */
    if (least > LOG_INFO) {
        log_set_level(LOG_OFF);
    }
    while ((rc = carry(workspace, options, result, err)) == 0 && result->limited &&
           result->waits_until > 0 && !atomic_load(&stop)) {
        if (!told && result->waits_until - clock_now() > 2 * CLOCK_SECOND) {
            told = true;
            tell_wait(command, workspace, options, result);
        }
        if (!wait_until(workspace, options->mailing, result->waits_until)) {
            break;
        }
        options->try_parked = false;
    }
    log_set_level(least);
    result->stopped = result->stopped || (atomic_load(&stop) && result->progress.left > 0);
    return rc;
}

/* Whoever sits in front of it needs no mail that says how it ended; but one who goes before
 * that does. A mail too many is no reason not to deliver. */
static void note_witness(struct workspace *workspace, int64_t mailing, bool arrives)
{
    struct mailing_counts counts = {0};
    struct err err = {0};
    int rc = 0;

    if (mailing != 0 && arrives) {
        rc = staff_seen(workspace->db, mailing, clock_now(), &err);
    } else if (mailing != 0) {
        rc = mailing_count(workspace->db, mailing, &counts, &err);
        if (rc == 0 && counts.queued + counts.claimed + counts.committing + counts.deferred > 0) {
            rc = staff_unseen(workspace->db, mailing, &err);
        }
    }
    if (rc < 0) {
        LOG(LOG_WARN, "staff_not_noted", log_int("mailing", mailing), log_text("error", err.msg));
    }
}

enum exit_status deliver_mailing(const struct command *command, struct workspace *workspace,
                                 int64_t mailing, const char *relay_name, int64_t connections)
{
    struct delivery_options options = {.mailing = mailing, .connections = (size_t)connections};
    struct delivery_result result = {0};
    struct screen screen = {.started = clock_ticks(), .at_start = -1};
    struct sigaction action = {.sa_handler = on_signal};
    struct err err = {0};
    enum exit_status status;
    int rc = fill_options(workspace, relay_name, &options, &err);

    if (isatty(STDERR_FILENO) && !command->json) {
        options.progress = show_progress;
        options.progress_ctx = &screen;
    }
    if (rc == 0) {
        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
        note_witness(workspace, mailing, true);
        rc = carry_all(command, workspace, &options, &result, &err);
        note_witness(workspace, mailing, false);
    }
    if (options.progress != NULL) {
        fputc('\n', stderr);
    }
    if (rc < 0) {
        command_fail(&err);
        fprintf(stderr, "Nobody is lost: 'teataja mailing resume %" PRId64 "' goes on.\n", mailing);
        return EXIT_FAILED;
    }
    if (result.relay_fault[0] != '\0') {
        fprintf(stderr, "teataja: the relay would not go on: %s\n", result.relay_fault);
    }
    if (result.stopped && !command->json) {
        puts("Stopped between messages.");
    }
    status = deliver_report(command, workspace, mailing);
    if (result.deferred_until > 0 && !command->json) {
        printf("The first deferred one may be tried again at %s UTC.\n",
               output_when(command->arena, result.deferred_until));
    }
    return status;
}
