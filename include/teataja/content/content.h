/* teataja/content/content.h - all calls, news and issues of a site, checked.
 *
 * Life: content_load once a command; then content_recall (reading) or
 * content_record (writing) so that items know their row and moved deadlines.
 * Everything lives in the arena.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/report.h"
#include "teataja/calendar/holiday.h"
#include "teataja/config/config.h"
#include "teataja/content/call.h"
#include "teataja/content/issue.h"
#include "teataja/content/news.h"
#include "teataja/db/db.h"

struct content {
    struct call *calls; /* by slug */
    size_t call_count;
    struct news *news; /* by slug */
    size_t news_count;
    struct issue *issues; /* by slug */
    size_t issue_count;

    /* What the automatic letters of newsletters with `compose: auto` are made of, by slug of
     * the newsletter. There is an edition in each of its languages: the text of
     * newsletters/<slug>.intro.md (site's first language) or <slug>.intro.<lang>.md, if there
     * is one, then the blocks that this does not hold; title and preheader are NULL where the
     * text does not say them. */
    struct issue *letters;
    size_t letter_count;

    struct issue *left_issues; /* by content_leave_out: what of them could be read */
    size_t left_issue_count;
};

/* Loads calls/, news/ and issues/ of config->folder; a folder that is not there
 * is empty. Rounds are computed from a year before `now` to two years after it.
 * Every problem of every file goes into `report`, with its place: see product.md.
 * A file that has no facts at all is left out of *out; everything else is in it
 * even with errors. Returns 0; ERR_INVALID if there was any error, with the first
 * in err; ERR_LIMIT (LIMIT_SITE_FILES), ERR_IO, ERR_NOMEM. `config` and `holidays`
 * (may be NULL: only weekends move deadlines) must outlive *out. */
int content_load(struct arena *arena, const struct config *config, const struct holidays *holidays,
                 int64_t now, struct report *report, struct content *out, struct err *err);

/* Takes out what config->left names (config_leave_out): calls, news, issues and automatic
 * letters. Nobody is told that it ended or changed, and it does not count as told. ERR_NOMEM. */
int content_leave_out(struct arena *arena, const struct config *config, struct content *content,
                      struct err *err);

/* By slug; NULL if there is none. */
struct call *content_call(const struct content *content, const char *slug);
struct issue *content_issue(const struct content *content, const char *slug);
struct issue *content_letter(const struct content *content, const char *newsletter);

/* Fills item.id and item.revision of what is recorded with the same facts (0: not
 * yet), and finds deadlines that moved since they were recorded: a single deadline
 * that changed before it was past keeps its key and gets moved_from. Reads only. */
int content_recall(struct db *db, struct arena *arena, struct content *content, int64_t now,
                   struct err *err);

/* As content_recall, and writes a new revision of each item whose facts are new or
 * changed: afterwards every item has an id. In the caller's transaction, or in
 * one of its own. */
int content_record(struct db *db, struct arena *arena, struct content *content, int64_t now,
                   struct err *err);
