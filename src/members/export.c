#include "teataja/members/export.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "member_row.h"
#include "sql/members/export.h"
#include "teataja/base/civil.h"
#include "teataja/base/limits.h"
#include "teataja/base/mem.h"
#include "teataja/base/str.h"
#include "teataja/calendar/zone.h"
#include "teataja/db/db.h"
#include "teataja/members/csv.h"
#include "teataja/members/sync.h"

#define EXPORT_ROW ((size_t)1024 * 1024)
#define EXPORT_BOM "\xef\xbb\xbf"

/* The columns before the attributes; the last three only with a list. */
enum { EXPORT_PLAIN = 14, EXPORT_LIST = 3 };
static const char *const headers[EXPORT_PLAIN + EXPORT_LIST] = {
    "id",     "uid",    "email",        "name",  "language",     "timezone",
    "region", "kind",   "sector",       "tag",   "organisation", "organisation_code",
    "joined", "status", "subscription", "basis", "since"};

struct export_run {
    const struct members *members;
    struct arena *arena; /* of one row */
    FILE *out;
    struct str line;
    char separator;
    int64_t list; /* 0: none */
};

static int export_flush(struct export_run *run, struct err *err)
{
    int rc = str_check(&run->line, err);

    if (rc == 0 && fwrite(run->line.data, 1, run->line.len, run->out) != run->line.len) {
        rc = err_set_errno(err, ERR_IO, errno, "cannot write the export");
    }
    str_reset(&run->line);
    return rc;
}

static int export_header(struct export_run *run, bool bom, struct err *err)
{
    const struct site *site = &run->members->config->site;
    size_t count = EXPORT_PLAIN + (run->list != 0 ? EXPORT_LIST : 0);

    if (bom) {
        str_add(&run->line, EXPORT_BOM);
    }
    for (size_t i = 0; i < count; i++) {
        str_addf(&run->line, "%s", headers[i]);
        str_add_char(&run->line, run->separator);
    }
    if (site->attribute_count == 0) {
        str_cut(&run->line, run->line.len - 1);
    }
    for (size_t i = 0; i < site->attribute_count; i++) {
        str_addf(&run->line, "attr.%s", site->attributes[i].key);
        if (i + 1 < site->attribute_count) {
            str_add_char(&run->line, run->separator);
        }
    }
    str_add(&run->line, "\r\n");
    return export_flush(run, err);
}

static const char *export_terms(struct arena *arena, const struct member_terms *terms)
{
    const char *text = "";

    for (size_t i = 0; text != NULL && i < terms->count; i++) {
        text = arena_printf(arena, "%s%s%s", text, i > 0 ? ", " : "", terms->items[i]);
    }
    return text;
}

static const char *export_languages(struct arena *arena, const struct member *member)
{
    const char *text = "";

    for (size_t i = 0; text != NULL && i < member->language_count; i++) {
        text = arena_printf(arena, "%s%s%s", text, i > 0 ? ", " : "",
                            language_tag(member->languages[i]));
    }
    return text;
}

/* The day of an instant in the site's zone. */
static int export_day(const struct export_run *run, int64_t instant, const char **out,
                      struct err *err)
{
    struct civil civil;
    char text[CIVIL_TEXT];
    int rc = zone_from_utc(run->members->config->site.timezone, instant, &civil, err);

    if (rc < 0) {
        return rc;
    }
    civil.date_only = true;
    civil_format(&civil, text);
    *out = arena_strdup(run->arena, text);
    return *out == NULL ? err_nomem(err) : 0;
}

static int export_organisation(const struct export_run *run, const struct member *member,
                               const char **code, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = 0;

    *code = NULL;
    if (member->organisation == 0) {
        return 0;
    }
    rc = db_query(run->members->db, SQL_EXPORT_ORGANISATION_CODE, &stmt, err);
    if (rc == 0) {
        rc = db_bind_int(stmt, 1, member->organisation, err);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 1) {
        *code = db_dup(stmt, 0, run->arena);
        rc = 0;
    }
    db_stmt_free(stmt);
    return rc;
}

/* 1 and the three columns of the list, 0 if the member was never on it. */
static int export_subscription(const struct export_run *run, int64_t member,
                               const char *fields[EXPORT_LIST], struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(run->members->db, SQL_EXPORT_SUBSCRIPTION, &stmt, err);

    if (rc == 0) {
        rc = db_bind(stmt, err, "ii", member, run->list);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 1) {
        fields[0] = db_dup(stmt, 0, run->arena);
        fields[1] = db_dup(stmt, 1, run->arena);
        rc = export_day(run, db_int(stmt, 2), &fields[2], err);
        rc = rc < 0 ? rc : 1;
    }
    db_stmt_free(stmt);
    return rc;
}

static const char *export_attr(const struct member *member, const char *key)
{
    for (size_t i = 0; i < member->attr_count; i++) {
        if (strcmp(member->attrs[i].key, key) == 0) {
            return member->attrs[i].text;
        }
    }
    return "";
}

/* 1 if the member's row was written, 0 if the member was never on the list. */
static int export_member(struct export_run *run, int64_t id, struct err *err)
{
    const struct site *site = &run->members->config->site;
    const char *fields[EXPORT_PLAIN + EXPORT_LIST] = {NULL};
    size_t count = EXPORT_PLAIN + (run->list != 0 ? EXPORT_LIST : 0);
    struct member member;
    char separator[] = {run->separator, '\0'};
    int rc = run->list == 0 ? 1 : export_subscription(run, id, fields + EXPORT_PLAIN, err);

    if (rc != 1) {
        return rc;
    }
    rc = member_get(run->members, run->arena, id, &member, err);
    if (rc == 0) {
        rc = export_organisation(run, &member, &fields[11], err);
    }
    if (rc == 0) {
        rc = export_day(run, member.joined_at, &fields[12], err);
    }
    if (rc < 0) {
        return rc;
    }
    fields[0] = member.external_id;
    fields[1] = member.uid;
    fields[2] = member.email;
    fields[3] = member.name;
    fields[4] = export_languages(run->arena, &member);
    fields[5] = member.tz;
    fields[6] = member.region;
    fields[7] = export_terms(run->arena, &member.kinds);
    fields[8] = export_terms(run->arena, &member.sectors);
    fields[9] = export_terms(run->arena, &member.tags);
    fields[10] = member.organisation_name;
    fields[13] = member_delivery_name(member.delivery);
    for (size_t i = 0; i < count; i++) {
        str_add(&run->line, i > 0 ? separator : "");
        csv_write_field(&run->line, run->separator, fields[i]);
    }
    for (size_t i = 0; i < site->attribute_count; i++) {
        str_add(&run->line, separator);
        csv_write_field(&run->line, run->separator, export_attr(&member, site->attributes[i].key));
    }
    str_add(&run->line, "\r\n");
    rc = export_flush(run, err);
    return rc < 0 ? rc : 1;
}

static int export_rows(struct export_run *run, const struct segment *segment, size_t *count,
                       struct err *err)
{
    struct segment_walk *walk = NULL;
    int64_t member = 0;
    int rc = segment_open(run->members->db, segment, &walk, err);

    while (rc == 0 && (rc = segment_next(walk, &member, err)) == 1) {
        struct arena_mark mark = arena_mark(run->arena);

        rc = export_member(run, member, err);
        arena_rewind(run->arena, mark);
        if (rc == 1) {
            (*count)++;
            rc = 0;
        }
    }
    segment_close(walk);
    return rc;
}

int export_members(const struct members *members, const struct export_options *options, FILE *out,
                   size_t *count, struct err *err)
{
    struct export_run run = {.members = members, .out = out};
    struct segment *everybody = NULL;
    const struct segment *segment = options->segment;
    size_t rows = 0;
    int rc = 0;

    run.separator = options->separator != '\0' ? options->separator : ',';
    str_init(&run.line, EXPORT_ROW);
    run.arena = arena_new(LIMIT_ARENA_WORK);
    if (run.arena == NULL) {
        return err_nomem(err);
    }
    if (options->list != NULL) {
        rc = list_find(members, options->list, &run.list, err);
    }
    if (rc == 0 && segment == NULL) {
        rc = segment_parse_plain(members->config, "", &everybody, err);
        segment = everybody;
    }
    if (rc == 0) {
        rc = export_header(&run, options->bom, err);
    }
    if (rc == 0) {
        rc = export_rows(&run, segment, &rows, err);
    }
    if (rc == 0 && fflush(out) != 0) {
        rc = err_set_errno(err, ERR_IO, errno, "cannot write the export");
    }
    if (count != NULL) {
        *count = rows;
    }
    segment_free(everybody);
    str_release(&run.line);
    arena_free(run.arena);
    return rc;
}
