#include "import_row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "member_value.h"
#include "teataja/base/civil.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/suggest.h"
#include "teataja/calendar/zone.h"

void import_row_problem(const struct import_reader *reader, struct import_row *row, int line,
                        int column, const char *message)
{
    row->bad = true;
    report_add(reader->report, REPORT_ERROR, reader->file, line, column, "%s", message);
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

static int read_consent_at(const struct import_reader *reader, const char *text, int64_t *at,
                           struct err *err)
{
    struct civil civil;
    int rc = civil_parse(text, &civil, err);

    if (rc == 0) {
        rc = zone_to_utc(reader->members->config->site.timezone, &civil, at, NULL, err);
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

static int read_attribute(const struct import_reader *reader,
                          const struct site_attribute *attribute, const char *text,
                          struct member_input *input, struct err *err)
{
    if (attribute->type == SITE_ATTRIBUTE_DATE) {
        text = import_date(reader->arena, text);
    }
    return member_input_set_attr(reader->members->config, reader->arena, input, attribute->key,
                                 text, err);
}

static int read_cell(const struct import_reader *reader, const struct import_column *column,
                     const char *text, struct import_row *row, struct err *err)
{
    struct arena *arena = reader->arena;

    switch (column->target) {
    case IMPORT_FIELD:
        if (column->field == MEMBER_JOINED) {
            text = import_date(arena, text);
        }
        return member_input_set(reader->members->config, arena, &row->input, column->field, text,
                                err);
    case IMPORT_ATTR:
        return read_attribute(reader, column->attribute, text, &row->input, err);
    case IMPORT_FIRST_NAME:
        return read_text(arena, text, &row->first_name, err);
    case IMPORT_LAST_NAME:
        return read_text(arena, text, &row->last_name, err);
    case IMPORT_BASIS:
        return read_basis(arena, text, &row->ground.basis, err);
    case IMPORT_CONSENT_AT:
        return read_consent_at(reader, import_date(arena, text), &row->ground.consent_at, err);
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

static int read_cells(const struct import_reader *reader, const struct csv_row *csv,
                      struct import_row *row, struct err *err)
{
    for (size_t i = 0; i < csv->count && i < reader->column_count; i++) {
        const struct import_column *column = &reader->columns[i];
        const struct csv_field *field = &csv->fields[i];
        const char *text = NULL;
        int rc = 0;

        if (column->target == IMPORT_IGNORED) {
            continue;
        }
        text = cell_text(reader->arena, field);
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
        rc = read_cell(reader, column, text, row, err);
        if (rc == ERR_NOMEM) {
            return rc;
        }
        if (rc < 0) {
            import_row_problem(reader, row, field->line, field->column, err->msg);
            err_clear(err);
        }
    }
    return 0;
}

/* A full name from its parts: "name" is the first name where only a last one
 * stands beside it, and the last one where only a first one does. */
static int join_name(const struct import_reader *reader, struct import_row *row, struct err *err)
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
    joined = arena_printf(reader->arena, "%s%s%s", before,
                          *before != '\0' && *after != '\0' ? " " : "", after);
    if (joined == NULL) {
        return err_nomem(err);
    }
    return member_input_set(reader->members->config, reader->arena, &row->input, MEMBER_NAME,
                            joined, err);
}

bool import_row_is_empty(const struct csv_row *csv)
{
    for (size_t i = 0; i < csv->count; i++) {
        if (!cell_is_empty(&csv->fields[i])) {
            return false;
        }
    }
    return true;
}

int import_row_read(const struct import_reader *reader, const struct csv_row *csv,
                    struct import_row *row, struct err *err)
{
    char message[96];
    int rc;

    row->line = csv->line;
    if (csv->count != reader->column_count) {
        (void)snprintf(message, sizeof(message), "the row has %zu field%s, the first row %zu",
                       csv->count, csv->count == 1 ? "" : "s", reader->column_count);
        import_row_problem(reader, row, csv->line, 1, message);
        return 0;
    }
    rc = read_cells(reader, csv, row, err);
    return rc == 0 ? join_name(reader, row, err) : rc;
}
