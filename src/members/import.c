#include "teataja/members/import.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "import_row.h"
#include "import_seen.h"
#include "sql/members/import.h"
#include "teataja/db/db.h"
#include "teataja/members/suppression.h"
#include "teataja/members/sync.h"

#define IMPORT_PROGRESS 1000
#define IMPORT_ARENA ((size_t)64 * 1024 * 1024)

/* Of the database in memory: rows of 100,000 members and their indexes. */
#define CACHE_KIB 16384

struct import_run {
    struct import_reader reader;
    const struct import_options *options;
    struct import_result *result;
    struct import_seen seen;
    size_t errors; /* that the report had before */
};

/* The member that a row is about: 1 and *id, 0 for a new one, negative with a
 * mistake in err. */
static int find_member(const struct import_run *run, const struct import_row *row, int64_t *id,
                       struct err *err)
{
    const char *external = row->input.value[MEMBER_ID];
    struct db_stmt *stmt = NULL;
    int64_t by_external = 0;
    int64_t by_address = 0;
    int rc = db_query(run->reader.members->db, SQL_IMPORT_FIND, &stmt, err);

    if (external != NULL && *external == '\0') {
        external = NULL;
    }
    if (rc == 0) {
        rc = db_bind(stmt, err, "tt", external, row->input.email_key);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 1) {
        by_external = db_int(stmt, 0);
        by_address = db_int(stmt, 1);
        rc = 0;
        if (by_external != 0 && by_address != 0 && by_external != by_address) {
            rc = err_set(err, ERR_INVALID,
                         "id '%.60s' is member %" PRId64 ", but '%.120s' is the address of member "
                         "%" PRId64,
                         external, by_external, row->input.value[MEMBER_EMAIL], by_address);
        } else if (by_external == 0 && by_address != 0 && external != NULL &&
                   !db_is_null(stmt, 2)) {
            rc = err_set(err, ERR_INVALID, "'%.120s' is the address of the member with id '%.60s'",
                         row->input.value[MEMBER_EMAIL], db_text(stmt, 2));
        } else if (by_external == 0 && by_address == 0 && row->input.email_key == NULL) {
            rc = err_set(err, ERR_INVALID, "the row has no address%s",
                         external != NULL ? ", and its id is not known yet" : "");
        }
    }
    db_stmt_free(stmt);
    if (rc == 0) {
        *id = by_external != 0 ? by_external : by_address;
        rc = *id != 0;
    }
    return rc;
}

/* A person who left in the register that the file was exported from has left here
 * too, unless this register knows better. */
static int leave_as_exported(const struct import_run *run, int64_t member, bool changed,
                             enum subscription_state *state, struct err *err)
{
    if (!changed || *state == SUBSCRIPTION_LEFT) {
        return 0;
    }
    *state = SUBSCRIPTION_LEFT;
    return subscription_leave(run->reader.members, member, run->options->list, "import",
                              run->options->source, NULL, err);
}

static int subscribe(const struct import_run *run, const struct import_row *row, int64_t member,
                     bool *changed, struct err *err)
{
    struct subscription_ground ground = row->ground;
    enum subscription_state state = SUBSCRIPTION_NONE;
    int rc = 0;

    if (run->options->list == NULL) {
        return 0;
    }
    if (ground.source == NULL) {
        ground.source = run->options->source;
    }
    if (ground.how == NULL) {
        ground.how = "import";
    }
    if (row->doubtful) {
        ground.basis = SITE_BASIS_CONSENT;
        ground.consent_at = 0;
    }
    rc = subscription_start(run->reader.members, member, run->options->list, &ground, &state,
                            changed, err);
    if (rc == 0 && row->left) {
        rc = leave_as_exported(run, member, *changed, &state, err);
    }
    run->result->active += state == SUBSCRIPTION_ACTIVE;
    run->result->unconfirmed += state == SUBSCRIPTION_UNCONFIRMED;
    run->result->pending += state == SUBSCRIPTION_PENDING;
    run->result->left += state == SUBSCRIPTION_LEFT;
    return rc;
}

/* Writes a row that has no mistake in itself. A mistake against the register is
 * in err with ERR_INVALID or ERR_EXISTS; other codes end the import. */
static int save_row(struct import_run *run, const struct import_row *row, struct err *err)
{
    int64_t member = 0;
    bool changed = false;
    bool subscribed = false;
    int before = 0;
    int found = find_member(run, row, &member, err);
    int rc = found;

    if (rc == 1) {
        rc = member_set(run->reader.members, member, &row->input, &changed, err);
    } else if (rc == 0) {
        rc = member_add(run->reader.members, &row->input, &member, err);
    }
    if (rc == ERR_DENIED && found == 0) {
        run->result->kept_out++;
        err_clear(err);
        return 0;
    }
    if (rc == 0) {
        rc = import_seen_add(&run->seen, member, row->line, &before, err);
    }
    if (rc < 0) {
        return rc;
    }
    if (before != 0) {
        return err_set(err, ERR_INVALID, "the row is about the same member as line %d", before);
    }
    rc = subscribe(run, row, member, &subscribed, err);
    if (rc == 0 && row->suppressed) {
        rc = suppression_add_member(run->reader.members, member, SUPPRESSION_MANUAL, "import", err);
    }
    run->result->added += found == 0;
    run->result->updated += found == 1 && (changed || subscribed);
    run->result->unchanged += found == 1 && !changed && !subscribed;
    return rc;
}

static int import_row(struct import_run *run, const struct csv_row *csv, struct err *err)
{
    struct import_row row = {.ground.basis = (enum site_basis)run->options->basis};
    int rc;

    run->result->rows++;
    rc = import_row_read(&run->reader, csv, &row, err);
    if (rc == 0 && !row.bad) {
        rc = save_row(run, &row, err);
    }
    if (rc == ERR_INVALID || rc == ERR_EXISTS || rc == ERR_LIMIT) {
        import_row_problem(&run->reader, &row, row.line, row.column > 0 ? row.column : 1, err->msg);
        err_clear(err);
        rc = 0;
    }
    return rc;
}

static int count_suppressed(struct import_run *run, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(run->reader.members->db, SQL_IMPORT_SUPPRESSED, &stmt, err);

    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        rc = 0;
        run->result->suppressed += import_seen_has(&run->seen, db_int(stmt, 0));
    }
    db_stmt_free(stmt);
    return rc;
}

static int import_rows(struct import_run *run, struct csv *csv, struct err *err)
{
    const struct csv_row *row = NULL;
    int rc = csv_next(csv, &row, err);

    if (rc == 0) {
        report_add(run->reader.report, REPORT_ERROR, run->reader.file, 1, 1, "the file is empty");
        return 0;
    }
    if (rc == 1) {
        run->reader.column_count = row->count;
        rc = import_columns_read(run->reader.members, run->options, run->reader.file, row,
                                 run->reader.report, run->reader.arena, &run->reader.columns, err);
        if (rc == 0 && report_errors(run->reader.report) > run->errors) {
            return 0;
        }
    }
    while (rc == 0 && (rc = csv_next(csv, &row, err)) == 1) {
        struct arena_mark mark = arena_mark(run->reader.arena);

        rc = import_row_is_empty(row) ? 0 : import_row(run, row, err);
        arena_rewind(run->reader.arena, mark);
        if (run->options->progress != NULL && run->result->rows % IMPORT_PROGRESS == 0) {
            run->options->progress(run->options->progress_context, run->result->rows);
        }
    }
    return rc == 0 ? count_suppressed(run, err) : rc;
}

/* A mistake of the file itself ("file:line:column: message") stands in the report
 * with the others. Returns 0 if it was one, else rc. */
static int import_report_csv(struct report *report, const char *file, int rc, struct err *err)
{
    const char *message = err->msg;
    char *end = NULL;
    size_t prefix = strlen(file);
    long line = 0;
    long column = 0;

    if (rc != ERR_INVALID && rc != ERR_LIMIT) {
        return rc;
    }
    if (strncmp(message, file, prefix) == 0 && message[prefix] == ':') {
        line = strtol(message + prefix + 1, &end, 10);
        column = *end == ':' ? strtol(end + 1, &end, 10) : 0;
        if (strncmp(end, ": ", 2) == 0) {
            message = end + 2;
        }
    }
    report_add(report, REPORT_ERROR, file, (int)line, (int)column, "%s", message);
    err_clear(err);
    return 0;
}

static int import_check(const struct members *members, const struct import_options *options,
                        struct err *err)
{
    int64_t list = 0;

    if (db_in_transaction(members->db)) {
        return err_set(err, ERR_STATE, "an import is a transaction of its own");
    }
    if (options->list == NULL) {
        return 0;
    }
    if (options->source == NULL || *options->source == '\0') {
        return err_set(err, ERR_INVALID,
                       "an import to a list needs its source: where the file comes from");
    }
    return list_find(members, options->list, &list, err);
}

/* The transaction; mistakes are in the report. */
static int import_run(struct import_run *run, struct csv *csv, struct err *err)
{
    struct db *db = run->reader.members->db;
    int rc = db_set_cache(db, CACHE_KIB, err);

    if (rc == 0) {
        rc = db_begin(db, err);
    }
    if (rc < 0) {
        return rc;
    }
    rc = import_report_csv(run->reader.report, run->reader.file, import_rows(run, csv, err), err);
    if (rc == 0 && report_errors(run->reader.report) == run->errors && !run->options->dry_run) {
        rc = db_commit(db, err);
    }
    db_rollback(db);
    return rc;
}

/* Opens, imports and closes: from memory if `data` is there, else from the file. */
static int import_csv(const struct members *members, const char *name, const void *data, size_t len,
                      const struct import_options *options, struct report *report,
                      struct import_result *result, struct err *err)
{
    struct import_options own = *options;
    struct import_run run = {.reader = {.members = members, .file = name, .report = report},
                             .options = &own,
                             .result = result,
                             .errors = report_errors(report)};
    struct err local = {0};
    struct csv *csv = NULL;
    int rc = 0;

    err = err != NULL ? err : &local;
    memset(result, 0, sizeof(*result));
    rc = import_check(members, options, err);
    if (rc < 0) {
        return rc;
    }
    if (own.basis < 0) {
        own.basis = own.list != NULL ? site_list_find(&members->config->site, own.list)->basis
                                     : SITE_BASIS_CONSENT;
    }
    run.reader.arena = arena_new(IMPORT_ARENA);
    if (run.reader.arena == NULL) {
        return err_nomem(err);
    }
    rc = data != NULL ? csv_open_memory(name, data, len, &own.csv, &csv, err)
                      : csv_open(name, &own.csv, &csv, err);
    rc = rc < 0 ? import_report_csv(report, name, rc, err) : import_run(&run, csv, err);
    if (rc == 0 && report_errors(report) > run.errors) {
        rc = report_check(report, err);
    }
    csv_close(csv);
    arena_free(run.reader.arena);
    import_seen_release(&run.seen);
    return rc;
}

int import_file(const struct members *members, const char *path,
                const struct import_options *options, struct report *report,
                struct import_result *result, struct err *err)
{
    return import_csv(members, path, NULL, 0, options, report, result, err);
}

int import_memory(const struct members *members, const char *name, const void *data, size_t len,
                  const struct import_options *options, struct report *report,
                  struct import_result *result, struct err *err)
{
    return import_csv(members, name, data, len, options, report, result, err);
}
