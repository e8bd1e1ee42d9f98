/* ical_scan.h - the content lines of an iCalendar file (RFC 5545 section 3.1).
 *
 * Knows nothing of calendars but their syntax: unfolding, names, parameters,
 * BEGIN and END. All ceilings on hostile files are held here, before libical
 * sees a byte.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "teataja/base/err.h"
#include "teataja/base/str.h"

#define ICAL_NAME 64 /* most characters of a property's or component's name, with NUL */

enum ical_content_kind {
    ICAL_CONTENT_PROPERTY,
    ICAL_CONTENT_BEGIN,
    ICAL_CONTENT_END,
    ICAL_CONTENT_BROKEN /* no name, or no ':' outside of quotes */
};

/* One unfolded line. All of it is valid until the next call. */
struct ical_content {
    enum ical_content_kind kind;
    int line;             /* of the file, where it begins */
    char name[ICAL_NAME]; /* upper case: of the property, or of the component */
    const char *text;     /* the whole line, NUL-terminated */
    const char *value;    /* behind the ':' */
    size_t prefix_len;    /* of text up to and with the ':' */
    int depth;            /* BEGIN, END: 1 for the outermost component; else of what is around */
};

struct ical_scan {
    const char *text;
    size_t len;
    size_t at;
    int line; /* of what stands at `at` */
    struct str unfolded;
    char open[16][ICAL_NAME]; /* names of the components around */
    int open_line[16];
    int depth;
    size_t components;
};

void ical_scan_init(struct ical_scan *scan, const char *text, size_t len);
void ical_scan_release(struct ical_scan *scan);

/* The next line that is not empty. Returns 1, 0 at the end, or negative with a
 * message that begins with the line's number ("12: a control character ..."):
 * ERR_INVALID for control characters, broken UTF-8, an END without its BEGIN or
 * a BEGIN without its END, ERR_LIMIT, ERR_NOMEM. */
int ical_scan_next(struct ical_scan *scan, struct ical_content *out, struct err *err);
