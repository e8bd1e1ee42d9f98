/* import_row.h - what one row of an imported file says. */
#pragma once

#include <stdbool.h>

#include "import_column.h"
#include "teataja/members/member.h"
#include "teataja/members/subscription.h"

/* Who reads them: what the rows of a file have in common. */
struct import_reader {
    const struct members *members;
    const char *file;
    struct report *report;
    struct arena *arena; /* of the columns; and, behind a mark, of the row */
    struct import_column *columns;
    size_t column_count;
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

/* Whether it has nothing but white space. */
bool import_row_is_empty(const struct csv_row *csv);

/* Reads a row's cells into *row, which says which list's basis it has otherwise. Mistakes are
 * in the report and make it bad; ERR_INVALID or ERR_LIMIT is one of the whole row, in err. */
int import_row_read(const struct import_reader *reader, const struct csv_row *csv,
                    struct import_row *row, struct err *err);

/* A mistake, with its place. */
void import_row_problem(const struct import_reader *reader, struct import_row *row, int line,
                        int column, const char *message);
