/* What stands in the DNS for a key (RFC 6376 section 3.6). See teataja/delivery/dkim.h. */
#include <string.h>

#include "teataja/base/limits.h"
#include "teataja/delivery/dkim.h"

enum { PIECE = 255 }; /* octets of a string in a TXT record (RFC 1035 section 3.3.14) */

static int cut(struct arena *arena, struct dkim_record *record, struct err *err)
{
    size_t len = strlen(record->value);
    const char **pieces;

    record->string_count = (len + PIECE - 1) / PIECE;
    pieces = arena_alloc(arena, record->string_count, sizeof(*pieces));
    if (pieces == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; i < record->string_count; i++) {
        pieces[i] = arena_strndup(arena, record->value + i * PIECE, PIECE);
        if (pieces[i] == NULL) {
            return err_nomem(err);
        }
    }
    record->strings = pieces;
    return 0;
}

static int write_zone(struct arena *arena, struct dkim_record *record, struct err *err)
{
    struct str zone;
    int rc;

    str_init(&zone, LIMIT_TEXT);
    str_addf(&zone, "%s. IN TXT (", record->name);
    for (size_t i = 0; i < record->string_count; i++) {
        str_addf(&zone, "\n    \"%s\"", record->strings[i]);
    }
    str_add(&zone, " )");
    rc = str_check(&zone, err);
    if (rc == 0) {
        record->zone = arena_strdup(arena, zone.data);
        rc = record->zone != NULL ? 0 : err_nomem(err);
    }
    str_release(&zone);
    return rc;
}

int dkim_record(struct arena *arena, const char *domain, const char *selector,
                const struct dkim_key *key, struct dkim_record *out, struct err *err)
{
    struct str value;
    int rc;

    *out = (struct dkim_record){.name = arena_printf(arena, "%s._domainkey.%s", selector, domain)};
    str_init(&value, LIMIT_TEXT);
    str_addf(&value, "v=DKIM1; k=%s; p=", dkim_key_type_name(dkim_key_type(key)));
    rc = dkim_key_public(key, &value, err);
    out->value = rc == 0 ? arena_strdup(arena, value.data) : NULL;
    str_release(&value);
    if (rc < 0) {
        return rc;
    }
    if (out->name == NULL || out->value == NULL) {
        return err_nomem(err);
    }
    rc = cut(arena, out, err);
    return rc == 0 ? write_zone(arena, out, err) : rc;
}
