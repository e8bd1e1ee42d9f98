/* teataja/compose/tally.h - who was sent what, counted: for people and for funders.
 *
 * From deliveries, bounces and leaving only: nothing is ever measured of who opened or
 * clicked what. A member counts under what the register says of them today; somebody who
 * was erased since counts in the totals only.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/config/config.h"
#include "teataja/db/db.h"

/* What is counted: one mailing, or all whose fate was known in a period. */
struct tally_scope {
    int64_t mailing; /* 0: any */
    int64_t from;    /* instants: from, included, until, excluded; 0 and INT64_MAX for ever */
    int64_t until;
};

/* One line of a section. */
struct tally_line {
    const char *key;  /* slug, code, tag or number */
    const char *name; /* in the language asked for */
    int64_t recipients;
    int64_t delivered; /* the relay took it */
    int64_t members;   /* different people among the delivered */
};

enum tally_section {
    TALLY_MAILING,
    TALLY_LANGUAGE,
    TALLY_REGION,
    TALLY_KIND,
    TALLY_SECTOR,
    TALLY_SECTIONS
};

/* "mailing", "language", ... */
const char *tally_section_name(enum tally_section section);

struct tally {
    int64_t mailings;
    int64_t recipients;
    int64_t delivered;
    int64_t deferred;      /* to be tried again, or not tried yet */
    int64_t hard;          /* failed: there is no such mailbox */
    int64_t soft;          /* failed: the mailbox could not take it for too long */
    int64_t policy;        /* failed: our fault or our relay's */
    int64_t suppressed;    /* left or was suppressed before it went out */
    int64_t unknown;       /* nobody knows whether it arrived */
    int64_t left;          /* of one mailing: left its list within 30 days of getting it; of a
                              period: left any list in it */
    int64_t members;       /* different people who were reached */
    int64_t organisations; /* whom they work for */
    struct {
        struct tally_line *lines; /* the most delivered first; mailings by date */
        size_t count;
    } sections[TALLY_SECTIONS];
};

/* Counts; everything in the arena. One snapshot. */
int tally_count(struct db *db, const struct config *config, const struct tally_scope *scope,
                enum language language, struct arena *arena, struct tally *out, struct err *err);
