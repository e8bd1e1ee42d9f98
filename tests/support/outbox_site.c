/* outbox_site.c - see outbox_site.h. */
#include "support/outbox_site.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/temp_folder.h"
#include "teataja/base/clock.h"
#include "teataja/delivery/mailing.h"

#define MESSAGE 4096
#define MAILING 1

bool outbox_site_wrong(struct outbox_site *site, const char *format, ...)
{
    va_list list;

    if (site->why[0] == '\0') {
        va_start(list, format);
        vsnprintf(site->why, sizeof(site->why), format, list);
        va_end(list);
    }
    return false;
}

static bool make_folder(struct outbox_site *site)
{
    if (!temp_folder_make("outbox", site->folder)) {
        return outbox_site_wrong(site, "no folder");
    }
    snprintf(site->path, sizeof(site->path), "%s/site.db", site->folder);
    return true;
}

static int run_text(struct db *db, const char *text, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query_text(db, text, &stmt, err);

    return rc == 0 ? db_run(stmt, err) : rc;
}

static int fill(struct db *db, int rows, struct err *err)
{
    const struct mailing mail = {.purpose = "letter",
                                 .subject = "issues/test",
                                 .list = 1,
                                 .dedupe = "test",
                                 .on_unknown = "hold",
                                 .priority = MAILING_LETTER,
                                 .config = "{}",
                                 .audience = "",
                                 .hash = "",
                                 .message_date = clock_now()};
    static const char *const inserts[] = {
        "member (id, uid, email, email_key, joined_at, changed_at)"
        " SELECT i, 'u' || i, 'm' || i || '@naide.example', 'm' || i || '@naide.example', 0, 0",
        "subscription SELECT i, 1, 'active', 'membership', 0",
        "outbox (id, mailing, dedupe, member, address, variant, slots, priority)"
        " SELECT i, 1, 'm' || i, i, 'm' || i || '@naide.example', 1, '[]', 4",
    };
    int64_t mailing = 0;
    int64_t variant = 0;
    int rc = run_text(db, "INSERT INTO list (id, slug) VALUES (1, 'funding')", err);

    rc = rc == 0 ? mailing_create(db, &mail, &mailing, err) : rc;
    rc = rc == 0 ? mailing_add_variant(db, mailing, "et", "k", "pieces", 6, NULL, 0, &variant, err)
                 : rc;
    rc = rc == 0 ? db_begin(db, err) : rc;
    for (size_t i = 0; rc == 0 && i < sizeof(inserts) / sizeof(inserts[0]); i++) {
        char text[600];

        snprintf(text, sizeof(text),
                 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
                 " INSERT INTO %s FROM n",
                 rows, inserts[i]);
        rc = run_text(db, text, err);
    }
    rc = rc == 0 ? db_commit(db, err) : rc;
    return rc == 0 ? mailing_ready(db, mailing, err) : rc;
}

bool outbox_site_make(struct outbox_site *site, int rows)
{
    struct err err = {0};
    int rc;

    *site = (struct outbox_site){.rows = rows};
    if (!make_folder(site)) {
        return false;
    }
    rc = db_open(site->path, DB_OPEN_CREATE, &site->db, &err);
    rc = rc == 0 ? fill(site->db, rows, &err) : rc;
    return rc == 0 || outbox_site_wrong(site, "%s", err.msg);
}

void outbox_site_close(struct outbox_site *site)
{
    db_close(site->db);
    site->db = NULL;
}

bool outbox_site_copy(const struct outbox_site *from, struct outbox_site *site)
{
    char block[65536];
    FILE *in = fopen(from->path, "rb");
    FILE *out = NULL;
    size_t got;
    struct err err = {0};
    bool copied;

    *site = (struct outbox_site){.rows = from->rows};
    copied = in != NULL && make_folder(site) && (out = fopen(site->path, "wb")) != NULL;
    while (copied && (got = fread(block, 1, sizeof(block), in)) > 0) {
        copied = fwrite(block, 1, got, out) == got;
    }
    copied = (out == NULL || fclose(out) == 0) && copied;
    if (in != NULL) {
        fclose(in);
    }
    if (!copied) {
        return outbox_site_wrong(site, "cannot copy %s", from->path);
    }
    return db_open(site->path, DB_OPEN_EXISTING, &site->db, &err) == 0 ||
           outbox_site_wrong(site, "%s", err.msg);
}

void outbox_site_remove(struct outbox_site *site)
{
    outbox_site_close(site);
    (void)temp_folder_remove(site->folder);
}

bool outbox_site_do(struct outbox_site *site, const char *sql)
{
    struct err err = {0};

    return run_text(site->db, sql, &err) == 0 || outbox_site_wrong(site, "%s: %s", sql, err.msg);
}

int64_t outbox_site_number(struct outbox_site *site, const char *sql)
{
    struct db_stmt *stmt = NULL;
    struct err err = {0};
    int64_t out = -1;

    if (db_query_text(site->db, sql, &stmt, &err) == 0 && db_next(stmt, &err) == 1) {
        out = db_int(stmt, 0);
    } else {
        outbox_site_wrong(site, "%s: %s", sql, err.msg);
    }
    db_stmt_free(stmt);
    return out;
}

bool outbox_site_hurry(struct outbox_site *site)
{
    return outbox_site_do(site, "DELETE FROM domain_state") &&
           outbox_site_do(site, "UPDATE outbox SET next_at = 0 WHERE state = 'deferred'") &&
           outbox_site_do(site, "UPDATE mailing SET on_unknown = 'resend', state = 'sending'"
                                " WHERE state IN ('sending', 'held')");
}

/* Lengths differ from row to row, and some lines begin with dots. */
static size_t write_message(int64_t row, char out[MESSAGE])
{
    int len = snprintf(
        out, MESSAGE,
        "To: <m%" PRId64 "@naide.example>\r\nSubject: test\r\n\r\nrow %" PRId64 "\r\n", row, row);

    for (int64_t line = 0; line < row % 23; line++) {
        len +=
            snprintf(out + len, MESSAGE - (size_t)len, "%.*srow %" PRId64 " line %" PRId64 "\r\n",
                     (int)(line % 3), "..", row, line);
    }
    return (size_t)len;
}

static void write_sender(int64_t row, char out[LIMIT_ADDRESS + 1])
{
    snprintf(out, LIMIT_ADDRESS + 1, "b-%" PRId64 "@office.example", row);
}

/* Lines of 65 bytes. */
static void add_filler(struct str *out, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += 65) {
        str_add(out, "nothing that anybody would want to read, and very much of it...\r\n");
    }
}

static int compose(void *ctx, const struct delivery_job *job, struct str *message,
                   char sender[LIMIT_ADDRESS + 1], struct err *err)
{
    char text[MESSAGE];
    size_t len = write_message(job->row, text);

    write_sender(job->row, sender);
    str_add_bytes(message, text, len);
    add_filler(message, ((const struct outbox_site *)ctx)->filler);
    return str_check(message, err);
}

int outbox_site_deliver(const struct outbox_site *site, struct delivery_options options,
                        struct delivery_result *result, struct err *err)
{
    options.try_parked = true;
    options.mailing = MAILING;
    return outbox_site_run(site, options, result, err);
}

int outbox_site_run(const struct outbox_site *site, struct delivery_options options,
                    struct delivery_result *result, struct err *err)
{
    options.database = site->path;
    options.lock_folder = site->folder;
    options.compose = compose;
    options.compose_ctx = (void *)(uintptr_t)site; /* only read */
    return delivery_run(&options, result, err);
}

struct site_relay outbox_site_relay(const struct smtp_server *server, int connections, int reply_ms)
{
    const int64_t wait = (reply_ms > 0 ? reply_ms : 30000) * CLOCK_SECOND / 1000;

    return (struct site_relay){
        .name = "test",
        .url = smtp_server_url(server),
        .starttls = RELAY_STARTTLS_OFF,
        .connections = connections,
        .messages_per_connection = 1000,
        .pipelining = RELAY_PIPELINING_FULL,
        .timeouts = {.connect = 30 * CLOCK_SECOND, .reply = wait, .final_dot = wait}};
}

static bool is_message_of(const struct outbox_site *site, int64_t row,
                          const struct server_message *message)
{
    char text[MESSAGE];
    struct str expected;
    size_t len = write_message(row, text);
    bool same;

    str_init(&expected, LIMIT_MESSAGE);
    str_add_bytes(&expected, text, len);
    add_filler(&expected, site->filler);
    same = message->len == expected.len && memcmp(message->bytes, expected.data, message->len) == 0;
    str_release(&expected);
    return same;
}

bool outbox_site_collect(struct outbox_site *site, struct smtp_server *server,
                         struct outbox_copies *copies)
{
    struct server_message message;

    for (size_t i = 0; smtp_server_message(server, i, &message); i++) {
        char sender[LIMIT_ADDRESS + 1];
        char *end = NULL;
        long row = message.recipient[0] == 'm' ? strtol(message.recipient + 1, &end, 10) : 0;

        if (row < 1 || row > site->rows || strcmp(end, "@naide.example") != 0) {
            return outbox_site_wrong(site, "a message for '%s'", message.recipient);
        }
        write_sender(row, sender);
        if (strcmp(sender, message.sender) != 0) {
            return outbox_site_wrong(site, "m%ld has a message of sender %s", row, message.sender);
        }
        if (!is_message_of(site, row, &message)) {
            return outbox_site_wrong(site, "m%ld has another message: '%.*s'", row,
                                     message.len < 60 ? (int)message.len : 60, message.bytes);
        }
        copies[row].may_have += message.fate != SERVER_REFUSED;
        copies[row].refused += message.fate == SERVER_REFUSED;
    }
    return true;
}

/* `text` may name this row's member, and nobody else. */
static bool names_only(struct outbox_site *site, int64_t row, const char *text, bool must)
{
    char name[64];
    const char *at = strchr(text, '<');

    snprintf(name, sizeof(name), "<m%" PRId64 "@naide.example>", row);
    if (at == NULL ? must : strncmp(at, "<m", 2) == 0 && strncmp(at, name, strlen(name)) != 0) {
        return outbox_site_wrong(site, "row %" PRId64 " has the reply '%s'", row, text);
    }
    return true;
}

static bool check_row(struct outbox_site *site, struct db_stmt *stmt,
                      const struct outbox_copies *copies, bool named)
{
    int64_t row = db_int(stmt, 0);
    const char *state = db_text(stmt, 1);
    int64_t unknown = db_int(stmt, 2);
    bool sent = strcmp(state, "sent") == 0;
    const struct outbox_copies *have = &copies[row];

    if (strcmp(state, "claimed") == 0 || strcmp(state, "committing") == 0) {
        return outbox_site_wrong(site, "row %" PRId64 " is still %s", row, state);
    }
    if (sent && have->may_have == 0) {
        return outbox_site_wrong(site, "row %" PRId64 " is sent, but nothing arrived", row);
    }
    if (have->may_have > unknown + (sent ? 1 : 0)) {
        return outbox_site_wrong(
            site, "m%" PRId64 " has %d copies, but the row is %s and was unknown %" PRId64 " times",
            row, have->may_have, state, unknown);
    }
    return !sent || names_only(site, row, db_text(stmt, 3), named);
}

static bool check_rows(struct outbox_site *site, struct db *db, const struct outbox_copies *copies,
                       bool named, struct err *err)
{
    struct db_stmt *stmt = NULL;
    bool good = db_query_text(db,
                              "SELECT id, state, (SELECT count(*) FROM attempt WHERE outbox ="
                              " outbox.id AND stage = 'dot' AND code IS NULL), coalesce(reply, '')"
                              " FROM outbox",
                              &stmt, err) == 0;
    int rows = 0;

    while (good && db_next(stmt, err) == 1) {
        good = check_row(site, stmt, copies, named);
        rows++;
    }
    db_stmt_free(stmt);
    return good && (rows == site->rows || outbox_site_wrong(site, "%d rows", rows));
}

static bool check_attempts(struct outbox_site *site, struct db *db, bool named, struct err *err)
{
    struct db_stmt *stmt = NULL;
    bool good =
        db_query_text(db, "SELECT outbox, text, code IS NOT NULL FROM attempt", &stmt, err) == 0;

    while (good && db_next(stmt, err) == 1) {
        good = names_only(site, db_int(stmt, 0), db_text(stmt, 1), named && db_int(stmt, 2) != 0);
    }
    db_stmt_free(stmt);
    return good;
}

bool outbox_site_check(struct outbox_site *site, const struct outbox_copies *copies, bool named)
{
    struct err err = {0};
    bool good = check_rows(site, site->db, copies, named, &err) &&
                check_attempts(site, site->db, named, &err);

    if (good && outbox_site_number(site, "SELECT count(*) FROM worker") != 0) {
        return outbox_site_wrong(site, "a worker is left");
    }
    return good || outbox_site_wrong(site, "%s", err.msg);
}
