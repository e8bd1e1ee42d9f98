/* teataja/members/export.h - members as CSV that a spreadsheet may open safely.
 *
 * One row a member who is not erased: id, uid, email, name, language, timezone,
 * region, kind, sector, tag, organisation, organisation_code, joined, status,
 * with a list also subscription, basis and since, then attr.NAME for each declared attribute. What
 * import_file reads back as it was.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "teataja/base/err.h"
#include "teataja/members/member.h"
#include "teataja/members/segment.h"

struct export_options {
    const struct segment *segment; /* NULL: everybody */
    const char *list;              /* slug; NULL: no list. Only those who are or were on it. */
    char separator;                /* 0: ',' */
    bool bom;                      /* a UTF-8 byte order mark, for old spreadsheets */
};

/* Writes to `out`, which stays open. *count (may be NULL) is the rows. ERR_IO,
 * ERR_NOT_FOUND for the list. */
int export_members(const struct members *members, const struct export_options *options, FILE *out,
                   size_t *count, struct err *err);
