/* teataja/base/report.h - all the problems of a check, at once.
 *
 * Whoever reads the user's files adds what is wrong and goes on; the verb prints
 * the list at the end, sorted by file, line and column, as
 * `file:line:column: message` (errors) or `file:line:column: warning: message`.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"

enum report_severity { REPORT_ERROR, REPORT_WARNING };

struct problem {
    enum report_severity severity;
    const char *file; /* relative to the site; "" when it has none */
    int line;         /* from 1; 0 when it has none */
    int column;       /* from 1, in characters; 0 when it has none */
    const char *message;
};

struct report;

/* A report whose texts live in an arena of its own. NULL when out of memory. */
struct report *report_new(void);
void report_free(struct report *report);

/* Adds a problem; the strings are copied. `report` may be NULL (nothing is
 * kept). When memory runs out or LIMIT_PROBLEMS is passed it is only counted. */
void report_add(struct report *report, enum report_severity severity, const char *file, int line,
                int column, const char *format, ...) __attribute__((format(printf, 6, 7)));

/* Adds an error of a whole file or folder, in the words of `fault` (such as file_read's). */
void report_add_fault(struct report *report, const char *file, const struct err *fault);

/* True if a fault was the system's, which says nothing of what the user wrote: EIO, EACCES. */
bool report_refused(const struct report *report);

/* True if such a fault may be gone the next time, as EIO but not EACCES. */
bool report_failing(const struct report *report);

/* The first error of each file that has one, in the order they were found: also of a file
 * whose problems were no longer kept. NULL past the end. */
const struct problem *report_bad_file(const struct report *report, size_t index);

/* False when memory ran out before every file with an error could be noted. */
bool report_whole(const struct report *report);

/* How many errors and warnings were added (kept or not). */
size_t report_errors(const struct report *report);
size_t report_warnings(const struct report *report);

/* The problems kept, sorted; `index` counts from 0. NULL past the end. */
const struct problem *report_get(struct report *report, size_t index);

/* Writes "file:line:column: message", as much of the place as there is; cut at `size`. */
void report_format(const struct problem *problem, char *text, size_t size);

/* Prints every kept problem, a line each, then how many were left out if any. */
void report_print(struct report *report, FILE *out);

/* ERR_INVALID and the first error's text if there is any error, else 0. */
int report_check(struct report *report, struct err *err);
