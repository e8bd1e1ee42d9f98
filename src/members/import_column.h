/* import_column.h - what the columns of an imported file mean. */
#pragma once

#include <stddef.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/report.h"
#include "teataja/members/csv.h"
#include "teataja/members/import.h"
#include "teataja/members/member.h"

enum import_target {
    IMPORT_IGNORED,
    IMPORT_FIELD,
    IMPORT_ATTR,
    IMPORT_FIRST_NAME,
    IMPORT_LAST_NAME,
    IMPORT_BASIS,
    IMPORT_CONSENT_AT,
    IMPORT_CONSENT_SOURCE,
    IMPORT_CONSENT_HOW,
    IMPORT_CONSENT_WORDING,
    IMPORT_CONSENT_LANGUAGE,
    IMPORT_SUBSCRIPTION, /* of our own export: who left there has left here */
    IMPORT_STATUS        /* of our own export: who is suppressed there is so here */
};

struct import_column {
    enum import_target target;
    enum member_field field;                /* IMPORT_FIELD */
    const struct site_attribute *attribute; /* IMPORT_ATTR */
};

/* Reads the first row: one column for each of its fields. Mistakes and columns
 * that are left out go into the report. */
int import_columns_read(const struct members *members, const struct import_options *options,
                        const char *file, const struct csv_row *header, struct report *report,
                        struct arena *arena, struct import_column **out, struct err *err);
