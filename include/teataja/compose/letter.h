/* teataja/compose/letter.h - a letter, from the site's files to frozen rows.
 *
 * A letter is an issue, named by its slug, or an automatic one: "newsletters/<slug>" of a
 * newsletter with `compose: auto`. That one is made of what each member has not been told
 * (compose/selection.h), below the text of newsletters/<slug>.intro.md if there is one.
 *
 * Who gets what is decided once: each recipient's selection (compose/selection.h)
 * makes a key, equal keys share a variant, each variant is rendered once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/language.h"
#include "teataja/compose/approval.h"
#include "teataja/compose/compose.h"
#include "teataja/members/recipients.h"

struct letter_options {
    bool dry_run;           /* nothing is written */
    const char *test;       /* an address: one message goes there, and does not count as had */
    const char *as;         /* with test: whose letter it is (member_find); NULL: `language` */
    enum language language; /* with test and without `as`; LANG_NONE: the fallback's */
    int64_t date;           /* Date of the messages; 0: now */
    const char *on_unknown; /* "resend" or "hold"; NULL: resend */

    /* Of an automatic letter: which time of its schedule this is, as the schedule's row has
     * it ("2026-12-07T09:00:00", at most LETTER_OCCURRENCE bytes). One mailing of a newsletter
     * and occurrence. NULL: the date of the letter, in the newsletter's zone. */
    const char *occurrence;

    /* Of an automatic letter: only to those who did not get this mailing because a deadline in
     * it was over (delivery/overdue.h). One letter instead of each. 0: to all. */
    int64_t instead;

    struct approval_wish wish; /* where people have a say; zeros: sent by hand */
};

enum { LETTER_OCCURRENCE = 40 };

#define LETTER_AUTOMATIC "newsletters/" /* what the name of an automatic letter begins with */

/* A line of what a letter shows. */
struct letter_line {
    const char *block; /* "calls", "still_open", "events", "news", "deadlines" */
    const char *slug;
    const char *title; /* in the letter's language, else in the one shown */
    const char *note;  /* "new", "moved", "closed", "closing soon", "in et" ...; "" */
};

/* Recipients whose letters show the same. */
struct letter_group {
    enum language language;
    const char *key; /* of the selection */
    const char *subject;
    int64_t recipients;
    const struct letter_line *lines;
    size_t line_count;
    size_t html_bytes; /* of the HTML part before encoding */
};

/* All in one arena. */
struct letter_summary {
    int64_t mailing;           /* 0 for a dry run */
    struct approval_sent sent; /* whether it was queued or waits; zeros for a dry run */
    const char *subject;       /* "issues/2026-12", "newsletters/funding" */
    const struct newsletter *newsletter;
    int64_t date;
    int64_t not_after;                 /* the first deadline shown; 0: none */
    int64_t total;                     /* recipients */
    int64_t nothing_new;               /* who would get an automatic letter, but it is empty */
    const struct letter_group *groups; /* most recipients first */
    size_t group_count;
    struct recipients_count reasons; /* why others get nothing; zeros for a test */
    const char *const *warnings;     /* "call 'x' closed on ... : left out" */
    size_t warning_count;
};

/* Plans the letter `slug`: freezes parts, variants and recipients, a chunk at a time so
 * that others can write meanwhile, and makes the mailing ready. What a process left that
 * was killed while it did so is removed first. Refused, with nothing left behind:
 *   ERR_NOT_FOUND  no such issue or newsletter ("; did you mean ...")
 *   ERR_EXISTS     it was sent, or is being sent by somebody else; the automatic letter of
 *                  this occurrence was
 *   ERR_STATE      nobody would get it, as nobody has anything new to read; a newsletter that
 *                  is composed by hand; a project that pays for it is not running on
 *                  that day
 *   ERR_INVALID    a segment, a template, a notice that lacks the letter's language
 *   ERR_LIMIT      an HTML part over LIMIT_HTML, with what to do
 * Where the newsletter asks for approval, nothing is queued before it has it: *out says that it
 * waits. Tests and dry runs wait for nobody.
 * A dry run refuses the same but ERR_EXISTS, which becomes a warning. Calls that have
 * closed are left out; what closed within a week is a warning too. A letter whose
 * HTML would be over LIMIT_HTML leaves out details first. */
int letter_plan(struct compose *compose, struct arena *arena, const char *slug,
                const struct letter_options *options, struct letter_summary *out, struct err *err);

/* Automatic letters that are held because a deadline in them was over before all had them,
 * composed anew for the others, without it (delivery/overdue.h). Those that wait for people
 * stay held: what was approved would not be what goes. *made counts the new mailings. What
 * fails is logged and tried again at the next call. ERR_NOMEM, and errors of the database. */
int letter_anew(struct compose *compose, int64_t now, int64_t *made, struct err *err);

/* Whether that is done of a letter; of others whoever waits too long gets nothing. */
bool letter_is_renewed(const struct newsletter *newsletter, const char *subject);

/* One letter, as it would be sent to a member now. */
struct letter_view {
    enum language language;
    const char *subject;
    const char *html; /* with images as data: so that a browser shows them */
    size_t html_len;
    const char *text;
    size_t text_len;
    const char *eml; /* the same but for Message-ID, Date, envelope and tokens */
    size_t eml_len;
    const struct letter_line *lines;
    size_t line_count;
    bool held_back; /* an automatic letter that would not be sent: too little is new */
};

struct letter_preview {
    const char *member;     /* as member_find takes it; NULL: a reader without a profile */
    enum language language; /* without `member`; LANG_NONE: the newsletter's fallback */
    int64_t date;           /* 0: now */
};

/* Renders without writing anything. Errors as letter_plan; ERR_NOT_FOUND for
 * the member. */
int letter_preview(struct compose *compose, struct arena *arena, const char *slug,
                   const struct letter_preview *options, struct letter_view *out, struct err *err);
