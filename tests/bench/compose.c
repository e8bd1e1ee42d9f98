/* Composes every message of a queued mailing, on one core, without sending:
 *
 *     bench_compose DATABASE KEY_FILE [ROUNDS]
 *
 * prints the messages a second of each round. See README.md here.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "teataja/base/clock.h"
#include "teataja/base/mem.h"
#include "teataja/compose/message.h"
#include "teataja/db/db.h"

struct rows {
    struct delivery_job *jobs;
    size_t count;
    size_t capacity;
};

static int load(const char *path, struct rows *rows, struct err *err)
{
    struct db *db = NULL;
    struct db_stmt *stmt = NULL;
    int rc = db_open(path, DB_OPEN_EXISTING, &db, err);

    if (rc == 0) {
        rc = db_query_text(db, "SELECT id, mailing, variant, member, address, slots FROM outbox",
                           &stmt, err);
    }
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        if (rows->count == rows->capacity) {
            rows->capacity = rows->capacity > 0 ? rows->capacity * 2 : 1024;
            rows->jobs = mem_resize(rows->jobs, rows->capacity, sizeof(*rows->jobs));
            if (rows->jobs == NULL) {
                rc = err_nomem(err);
                break;
            }
        }
        rows->jobs[rows->count++] = (struct delivery_job){
            .row = db_int(stmt, 0),
            .mailing = db_int(stmt, 1),
            .variant = db_int(stmt, 2),
            .member = db_int(stmt, 3),
            .address = mem_strdup(db_text(stmt, 4)),
            .slots = mem_strdup(db_text(stmt, 5)),
        };
        rc = 0;
    }
    db_stmt_free(stmt);
    db_close(db);
    return rc;
}

static int read_key(const char *path, struct token_key *key)
{
    FILE *file = fopen(path, "r");
    unsigned byte = 0;
    size_t n = 0;

    key->id = 1;
    while (file != NULL && n < TOKEN_KEY && fscanf(file, "%2x", &byte) == 1) {
        key->secret[n++] = (uint8_t)byte;
    }
    if (file != NULL) {
        fclose(file);
    }
    return n == TOKEN_KEY ? 0 : -1;
}

static int compose_all(struct composer *composer, const struct rows *rows, struct str *message,
                       struct err *err)
{
    char sender[LIMIT_ADDRESS + 1];
    int64_t start = clock_ticks();
    size_t bytes = 0;
    double seconds;

    for (size_t i = 0; i < rows->count; i++) {
        str_reset(message);
        if (composer_message(composer, &rows->jobs[i], message, sender, err) < 0) {
            return err->code;
        }
        bytes += message->len;
    }
    seconds = (double)(clock_ticks() - start) / 1e9;
    printf("%zu messages of %zu bytes: %.0f messages/s\n", rows->count, bytes / rows->count,
           (double)rows->count / seconds);
    return 0;
}

int main(int argc, char **argv)
{
    struct rows rows = {0};
    struct token_key key;
    struct composer *composer = NULL;
    struct str message;
    struct err err = {0};
    int rounds = argc > 3 ? atoi(argv[3]) : 3;
    int rc;

    if (argc < 3 || read_key(argv[2], &key) < 0) {
        fputs("usage: bench_compose DATABASE KEY_FILE [ROUNDS]\n", stderr);
        return 2;
    }
    str_init(&message, LIMIT_MESSAGE);
    rc = token_init(&err);
    if (rc == 0) {
        rc = load(argv[1], &rows, &err);
    }
    if (rc == 0) {
        rc = composer_open(argv[1], &key, &composer, &err);
    }
    for (int i = 0; rc == 0 && i < rounds; i++) {
        rc = compose_all(composer, &rows, &message, &err);
    }
    if (rc < 0) {
        fprintf(stderr, "bench_compose: %s\n", err.msg);
    }
    composer_close(composer);
    for (size_t i = 0; i < rows.count; i++) {
        mem_free((char *)rows.jobs[i].address);
        mem_free((char *)rows.jobs[i].slots);
    }
    mem_free(rows.jobs);
    str_release(&message);
    return rc < 0;
}
