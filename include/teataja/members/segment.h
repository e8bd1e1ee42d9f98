/* teataja/members/segment.h - who a mailing is for.
 *
 * A segment is an expression over members:
 *
 *   expression := term { "or" term }        term := factor { "and" factor }
 *   factor     := "not" factor | "(" expression ")" | condition
 *   condition  := field op value | field ["not"] "in" "(" value { "," value } ")"
 *               | field "exists"
 *               | "subscribed" "(" list ")" | "invited" "(" event ")"
 *               | "received" "(" letter ")" | "rsvp" "(" event ")" ("=" | "!=") answer
 *               | "rsvp" "(" event ")" ["not"] "in" "(" answer { "," answer } ")"
 *   op         := "=" | "!=" | "<" | "<=" | ">" | ">=" | "~"
 *   field      := email | name | language | timezone | region | organisation | kind | sector
 *               | tag | joined | status | attr.NAME
 *
 * A letter is an issue, or "newsletters/NAME": any that this newsletter composed itself.
 *
 * A value is a word (letters, digits and - _ . @ + : /) or a text in "..." or '...', in which
 * \ takes the next character as it is. The grammar's own words are read in any case; one that is
 * meant as a value stands in quotes.
 *
 * It is two-valued: what a member does not have compares false, and `!=` is
 * `not =`. `=` and `~` (contains) compare folded text. language, kind, sector
 * and tag mean "has". A region matches the regions below it and a group its
 * members; who has no region has the organisation's; a kind or sector is the
 * member's own or the organisation's. Dates are days in the site's zone. The empty text matches
 * everybody; erased members never match.
 *
 * Life: segment_parse, any number of segment_count or segment_open ...
 * segment_next, segment_free. Values are bound, never spliced into SQL.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/str.h"
#include "teataja/config/config.h"
#include "teataja/members/member.h"

struct segment;

/* What names in a segment are checked against. `config` is needed. A NULL list of slugs
 * is not checked: the rooms that know them are not below this one. */
struct segment_scope {
    const struct config *config;
    const char *const *events; /* slugs of events/ */
    size_t event_count;
    const char *const *issues; /* slugs of issues/ */
    size_t issue_count;
};

/* Parses `text` (UTF-8, at most LIMIT_SEGMENT bytes).
 * Returns 0 and sets *out (caller frees with segment_free), or ERR_INVALID
 * (ERR_LIMIT for LIMIT_SEGMENT, _DEPTH and _LIST) with a message that names the
 * column, such as "column 24: no field 'secter'; did you mean 'sector'?". The
 * segment needs nothing of the scope afterwards. NULL text is the empty text. */
int segment_parse(const struct segment_scope *scope, const char *text, struct segment **out,
                  struct err *err);

/* As segment_parse with no more than the configuration. */
int segment_parse_plain(const struct config *config, const char *text, struct segment **out,
                        struct err *err);

void segment_free(struct segment *segment);

/* The column of the last mistake is in the message; this takes it out for a
 * caller that knows the line: 0 if there is none. */
int segment_error_column(const struct err *err);

int segment_count(struct db *db, const struct segment *segment, int64_t *count, struct err *err);

/* Walks the members of a segment by id: open, then 1 and *member for each, 0 at
 * the end. */
struct segment_walk;
int segment_open(struct db *db, const struct segment *segment, struct segment_walk **out,
                 struct err *err);
int segment_next(struct segment_walk *walk, int64_t *member, struct err *err);
void segment_close(struct segment_walk *walk);

/* All members of a segment by id, in the arena. */
int segment_match_all(struct db *db, const struct segment *segment, struct arena *arena,
                      int64_t **members, size_t *count, struct err *err);

struct segment_plan {
    const char *sql;           /* with $1, $2, ... */
    const char *const *values; /* what is bound to them, as text */
    size_t value_count;
    const char *plan; /* how SQLite runs it */
    int64_t count;
};

/* For `segment explain`, all in the arena. */
int segment_explain(struct db *db, const struct segment *segment, struct arena *arena,
                    struct segment_plan *out, struct err *err);

/* For statements that hold a segment among other things: appends a condition on
 * the row `m` of the table member, with its values from $`first` on, never NULL.
 * segment_bind binds them; segment_values says how many there are. */
void segment_write_sql(const struct segment *segment, int first, struct str *out);
int segment_bind(const struct segment *segment, struct db_stmt *stmt, int first, struct err *err);
int segment_values(const struct segment *segment);
