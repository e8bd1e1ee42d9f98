#include "teataja/members/import.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import_column.h"
#include "import_seen.h"
#include "member_value.h"
#include "sql/members/import.h"
#include "teataja/base/civil.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/suggest.h"
#include "teataja/calendar/zone.h"
#include "teataja/db/db.h"
#include "teataja/members/subscription.h"
#include "teataja/members/suppression.h"
#include "teataja/members/sync.h"

#define IMPORT_PROGRESS 1000
#define IMPORT_ARENA ((size_t)64 * 1024 * 1024)

/* Of the database in memory: rows of 100,000 members and their indexes. */
#define CACHE_KIB 16384

struct import_run {
    const struct members *members;
    const struct import_options *options;
    const char *file;
    struct report *report;
    struct import_result *result;
    struct arena *arena; /* of the columns; and, behind a mark, of the row */
    struct import_column *columns;
    size_t column_count;
    struct import_seen seen;
    size_t errors; /* that the report had before */
};

/* What one row says. */
struct import_row {
    int line;
    int column; /* where a mistake of the whole row is reported: its address or id */
    struct member_input input;
    const char *first_name;
    const char *last_name;
    struct subscription_ground ground;
    bool left;       /* our own export says so */
    bool doubtful;   /* our own export says that it is not confirmed */
    bool suppressed; /* our own export says so */
    bool bad;
};

static void problem(const struct import_run *run, struct import_row *row, int line, int column,
                    const char *message)
{
    row->bad = true;
    report_add(run->report, REPORT_ERROR, run->file, line, column, "%s", message);
}

/* "31.1.2026" is "2026-01-31"; other texts stay as they are. */
static const char *import_date(struct arena *arena, const char *text)
{
    const char *iso = NULL;
    char *end = NULL;
    long day = strtol(text, &end, 10);
    long month = 0;
    long year = 0;

    if (end == text || *end != '.') {
        return text;
    }
    month = strtol(end + 1, &end, 10);
    if (*end != '.') {
        return text;
    }
    year = strtol(end + 1, &end, 10);
    if (day < 0 || day > 99 || month < 0 || month > 99 || year < 1000 || year > 9999) {
        return text;
    }
    iso = arena_printf(arena, "%04ld-%02ld-%02ld%s", year, month, day, end);
    return iso != NULL ? iso : text;
}

static int read_consent_at(const struct import_run *run, const char *text, int64_t *at,
                           struct err *err)
{
    struct civil civil;
    int rc = civil_parse(text, &civil, err);

    if (rc == 0) {
        rc = zone_to_utc(run->members->config->site.timezone, &civil, at, NULL, err);
    }
    if (rc == 0 && *at > clock_now()) {
        rc = err_set(err, ERR_INVALID, "the consent of '%.40s' lies in the future", text);
    }
    return rc;
}

static int read_basis(struct arena *arena, const char *text, enum site_basis *basis,
                      struct err *err)
{
    const char *fold = NULL;
    char name[32] = "";
    struct suggest suggest;
    int found = -1;
    int rc = member_value_fold(arena, text, &fold, err);

    if (rc < 0) {
        return rc;
    }
    (void)snprintf(name, sizeof(name), "%s", fold);
    for (char *at = name; *at != '\0'; at++) {
        *at = *at == ' ' || *at == '-' ? '_' : *at;
    }
    found = subscription_basis_find(name);
    if (found >= 0) {
        *basis = (enum site_basis)found;
        return 0;
    }
    suggest_start(&suggest, text);
    for (int i = SITE_BASIS_CONSENT; i <= SITE_BASIS_LEGITIMATE_INTEREST; i++) {
        suggest_offer(&suggest, subscription_basis_name((enum site_basis)i));
    }
    return err_set(err, ERR_INVALID, "no legal basis '%.60s'%s", text, suggest_hint(&suggest));
}

/* A text of the record of consent: short, and a copy. */
static int read_text(struct arena *arena, const char *text, const char **out, struct err *err)
{
    if (strlen(text) > LIMIT_VALUE) {
        return err_set(err, ERR_LIMIT, "the text is longer than %d bytes", LIMIT_VALUE);
    }
    *out = arena_strdup(arena, text);
    return *out == NULL ? err_nomem(err) : 0;
}

static int read_attribute(const struct import_run *run, const struct site_attribute *attribute,
                          const char *text, struct member_input *input, struct err *err)
{
    if (attribute->type == SITE_ATTRIBUTE_DATE) {
        text = import_date(run->arena, text);
    }
    return member_input_set_attr(run->members->config, run->arena, input, attribute->key, text,
                                 err);
}

static int read_cell(const struct import_run *run, const struct import_column *column,
                     const char *text, struct import_row *row, struct err *err)
{
    struct arena *arena = run->arena;

    switch (column->target) {
    case IMPORT_FIELD:
        if (column->field == MEMBER_JOINED) {
            text = import_date(arena, text);
        }
        return member_input_set(run->members->config, arena, &row->input, column->field, text, err);
    case IMPORT_ATTR:
        return read_attribute(run, column->attribute, text, &row->input, err);
    case IMPORT_FIRST_NAME:
        return read_text(arena, text, &row->first_name, err);
    case IMPORT_LAST_NAME:
        return read_text(arena, text, &row->last_name, err);
    case IMPORT_BASIS:
        return read_basis(arena, text, &row->ground.basis, err);
    case IMPORT_CONSENT_AT:
        return read_consent_at(run, import_date(arena, text), &row->ground.consent_at, err);
    case IMPORT_CONSENT_SOURCE:
        return read_text(arena, text, &row->ground.source, err);
    case IMPORT_CONSENT_HOW:
        return read_text(arena, text, &row->ground.how, err);
    case IMPORT_CONSENT_WORDING:
        return read_text(arena, text, &row->ground.wording, err);
    case IMPORT_CONSENT_LANGUAGE:
        return read_text(arena, text, &row->ground.wording_language, err);
    case IMPORT_SUBSCRIPTION:
        row->left = strcmp(text, "left") == 0;
        row->doubtful = strcmp(text, "pending") == 0 || strcmp(text, "unconfirmed") == 0;
        break;
    case IMPORT_STATUS:
        row->suppressed = strcmp(text, "suppressed") == 0;
        break;
    case IMPORT_IGNORED:
        break;
    }
    return 0;
}

static bool cell_is_empty(const struct csv_field *field)
{
    return field->text[strspn(field->text, " \t\r\n")] == '\0';
}

/* The text of a cell without white space around it, in the arena; NULL when out
 * of memory. */
static char *cell_text(struct arena *arena, const struct csv_field *field)
{
    const char *text = field->text + strspn(field->text, " \t\r\n");
    size_t len = strlen(text);

    while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL) {
        len--;
    }
    return arena_strndup(arena, text, len);
}

static bool column_clears(const struct import_column *column)
{
    return column->target == IMPORT_ATTR || column->target == IMPORT_FIELD;
}

static int read_cells(const struct import_run *run, const struct csv_row *csv,
                      struct import_row *row, struct err *err)
{
    for (size_t i = 0; i < csv->count && i < run->column_count; i++) {
        const struct import_column *column = &run->columns[i];
        const struct csv_field *field = &csv->fields[i];
        const char *text = NULL;
        int rc = 0;

        if (column->target == IMPORT_IGNORED) {
            continue;
        }
        text = cell_text(run->arena, field);
        if (text == NULL) {
            return err_nomem(err);
        }
        if (strcmp(text, "-") == 0) {
            text = "";
        } else if (*text != '\0') {
            text = csv_plain(text);
        }
        if (*text == '\0' && (cell_is_empty(field) || !column_clears(column))) {
            continue;
        }
        if (column->target == IMPORT_FIELD && (column->field == MEMBER_EMAIL || row->column == 0)) {
            row->line = field->line;
            row->column = field->column;
        }
        rc = read_cell(run, column, text, row, err);
        if (rc == ERR_NOMEM) {
            return rc;
        }
        if (rc < 0) {
            problem(run, row, field->line, field->column, err->msg);
            err_clear(err);
        }
    }
    return 0;
}

/* A full name from its parts: "name" is the first name where only a last one
 * stands beside it, and the last one where only a first one does. */
static int join_name(const struct import_run *run, struct import_row *row, struct err *err)
{
    const char *name = row->input.value[MEMBER_NAME];
    const char *before = row->first_name;
    const char *after = row->last_name;
    const char *joined = NULL;

    if (before == NULL && after == NULL) {
        return 0;
    }
    if (before == NULL) {
        before = name;
    } else if (after == NULL) {
        after = name;
    }
    before = before != NULL ? before : "";
    after = after != NULL ? after : "";
    joined = arena_printf(run->arena, "%s%s%s", before,
                          *before != '\0' && *after != '\0' ? " " : "", after);
    if (joined == NULL) {
        return err_nomem(err);
    }
    return member_input_set(run->members->config, run->arena, &row->input, MEMBER_NAME, joined,
                            err);
}

/* The member that a row is about: 1 and *id, 0 for a new one, negative with a
 * mistake in err. */
static int find_member(const struct import_run *run, const struct import_row *row, int64_t *id,
                       struct err *err)
{
    const char *external = row->input.value[MEMBER_ID];
    struct db_stmt *stmt = NULL;
    int64_t by_external = 0;
    int64_t by_address = 0;
    int rc = db_query(run->members->db, SQL_IMPORT_FIND, &stmt, err);

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
    return subscription_leave(run->members, member, run->options->list, "import",
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
    rc =
        subscription_start(run->members, member, run->options->list, &ground, &state, changed, err);
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
        rc = member_set(run->members, member, &row->input, &changed, err);
    } else if (rc == 0) {
        rc = member_add(run->members, &row->input, &member, err);
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
        rc = suppression_add_member(run->members, member, SUPPRESSION_MANUAL, "import", err);
    }
    run->result->added += found == 0;
    run->result->updated += found == 1 && (changed || subscribed);
    run->result->unchanged += found == 1 && !changed && !subscribed;
    return rc;
}

static bool row_is_empty(const struct csv_row *csv)
{
    for (size_t i = 0; i < csv->count; i++) {
        if (!cell_is_empty(&csv->fields[i])) {
            return false;
        }
    }
    return true;
}

static int import_row(struct import_run *run, const struct csv_row *csv, struct err *err)
{
    struct import_row row = {.line = csv->line,
                             .ground.basis = (enum site_basis)run->options->basis};
    char message[96];
    int rc = 0;

    run->result->rows++;
    if (csv->count != run->column_count) {
        (void)snprintf(message, sizeof(message), "the row has %zu fields, the first row %zu",
                       csv->count, run->column_count);
        problem(run, &row, csv->line, 1, message);
        return 0;
    }
    rc = read_cells(run, csv, &row, err);
    if (rc == 0) {
        rc = join_name(run, &row, err);
    }
    if (rc == 0 && !row.bad) {
        rc = save_row(run, &row, err);
    }
    if (rc == ERR_INVALID || rc == ERR_EXISTS || rc == ERR_LIMIT) {
        problem(run, &row, row.line, row.column > 0 ? row.column : 1, err->msg);
        err_clear(err);
        rc = 0;
    }
    return rc;
}

static int count_suppressed(struct import_run *run, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(run->members->db, SQL_IMPORT_SUPPRESSED, &stmt, err);

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
        report_add(run->report, REPORT_ERROR, run->file, 1, 1, "the file is empty");
        return 0;
    }
    if (rc == 1) {
        run->column_count = row->count;
        rc = import_columns_read(run->members, run->options, run->file, row, run->report,
                                 run->arena, &run->columns, err);
        if (rc == 0 && report_errors(run->report) > run->errors) {
            return 0;
        }
    }
    while (rc == 0 && (rc = csv_next(csv, &row, err)) == 1) {
        struct arena_mark mark = arena_mark(run->arena);

        rc = row_is_empty(row) ? 0 : import_row(run, row, err);
        arena_rewind(run->arena, mark);
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
    struct db *db = run->members->db;
    int rc = db_set_cache(db, CACHE_KIB, err);

    if (rc == 0) {
        rc = db_begin(db, err);
    }
    if (rc < 0) {
        return rc;
    }
    rc = import_report_csv(run->report, run->file, import_rows(run, csv, err), err);
    if (rc == 0 && report_errors(run->report) == run->errors && !run->options->dry_run) {
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
    struct import_run run = {.members = members,
                             .options = &own,
                             .file = name,
                             .report = report,
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
    run.arena = arena_new(IMPORT_ARENA);
    if (run.arena == NULL) {
        return err_nomem(err);
    }
    rc = data != NULL ? csv_open_memory(name, data, len, &own.csv, &csv, err)
                      : csv_open(name, &own.csv, &csv, err);
    rc = rc < 0 ? import_report_csv(report, name, rc, err) : import_run(&run, csv, err);
    if (rc == 0 && report_errors(report) > run.errors) {
        rc = report_check(report, err);
    }
    csv_close(csv);
    arena_free(run.arena);
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
