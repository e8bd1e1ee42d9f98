/* teataja/members/csv.h - comma-separated values (RFC 4180), read and written.
 *
 * Reading: UTF-8 with or without a byte order mark, UTF-16 with one, any other
 * charset that ICU knows when named; the separator is ';', ',' or tab, found in
 * the first row, or what Excel's line sep=; before it names; lines end in CRLF, LF or CR; a field
 * in quotes may hold separators, doubled quotes and line ends. Empty lines are passed over. The
 * whole file is at most LIMIT_CSV, a field LIMIT_CSV_FIELD, a row LIMIT_CSV_COLUMNS
 * fields. It is read in stretches of some 256 KB: rows come before a byte further down
 * turns out to be none of the charset.
 *
 *     while ((rc = csv_next(csv, &row, err)) == 1) { ... row->fields[0].text ... }
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "teataja/base/err.h"
#include "teataja/base/str.h"

struct csv;

struct csv_field {
    const char *text; /* UTF-8 with a NUL behind it, spaces around it as they were */
    size_t len;
    int line;   /* where it starts, from 1 */
    int column; /* in characters, from 1: the quote if it has one */
};

struct csv_row {
    int line; /* of its first field */
    const struct csv_field *fields;
    size_t count;
};

struct csv_options {
    const char *charset; /* NULL: UTF-8, or UTF-16 by its byte order mark */
    char separator;      /* 0: found in the first row */
};

/* Reads from a file, or from memory that must outlive the reader; `name` stands
 * in messages. ERR_NOT_FOUND, ERR_IO, ERR_LIMIT (by the file's size); ERR_INVALID for an unknown
 * charset, or a spreadsheet (xlsx, ods, xls) that was not saved as CSV. */
int csv_open(const char *path, const struct csv_options *options, struct csv **out,
             struct err *err);
int csv_open_memory(const char *name, const void *data, size_t len,
                    const struct csv_options *options, struct csv **out, struct err *err);

/* The next row: 1 and *out (valid until the next call), 0 at the end, negative
 * for a mistake, after which reading ends. Messages start with
 * "file:line:column: "; csv_line and csv_column give the place. */
int csv_next(struct csv *csv, const struct csv_row **out, struct err *err);
int csv_line(const struct csv *csv);
int csv_column(const struct csv *csv);

/* The separator that is in use; 0 before the first row. */
char csv_separator(const struct csv *csv);

void csv_close(struct csv *csv);

/* Appends one field, quoted where needed. Text that a spreadsheet would run as a
 * formula (it starts with = + - @, tab or CR) gets a leading apostrophe, which
 * csv_plain takes away again. NULL is an empty field. */
void csv_write_field(struct str *out, char separator, const char *text);

/* Appends a whole row with CRLF. */
void csv_write_row(struct str *out, char separator, const char *const *fields, size_t count);

/* `text` without an apostrophe that csv_write_field put before a formula. */
const char *csv_plain(const char *text);
