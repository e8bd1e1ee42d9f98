/* teataja/content/item.h - what calls, news and issues have in common: a slug, and
 * one edition a language.
 *
 * <slug>.md is in the site's first language and holds the facts; <slug>.pl.md is
 * another edition and holds texts only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/language.h"
#include "teataja/base/report.h"
#include "teataja/base/yaml.h"
#include "teataja/render/markdown.h"

enum item_kind { ITEM_CALL, ITEM_NEWS, ITEM_ISSUE };

/* The texts of an item in one language. What an edition does not say itself and
 * does not depend on language (url, funder) is taken from the first edition. */
struct edition {
    const struct yaml_node *node; /* the head, for yaml_problem */
    const char *file;             /* "calls/kultuurkapital.pl.md" */
    enum language language;
    const char *title;     /* of a call or of news; an issue's subject */
    const char *preheader; /* of an issue; NULL if none */
    const char *summary;   /* NULL if none */
    const char *funder;    /* of a call; NULL if none */
    const char *url;       /* where to read more; NULL if none */
    const char *image_alt; /* of news with an image; else NULL */
    const char *body;      /* Markdown; "" if none */
    size_t body_len;
    int body_line; /* line of the file where it begins */
};

struct item {
    enum item_kind kind;
    const char *slug;
    const char *file;       /* of the first edition: "calls/kultuurkapital.md" */
    enum language language; /* of the first edition: the site's first */
    const struct edition *editions[LANG_COUNT]; /* NULL where there is none */
    int64_t id;       /* row of `item` that stands for these facts; 0 until recorded */
    int64_t revision; /* 1, 2, ...; 0 until recorded */
    int64_t sequence; /* how often the facts had changed before: 0, 1, ... */
    int64_t seen_at;  /* when these facts were recorded; 0 until then */
};

/* "calls", "news", "issues": the folder of a kind. "call", "news", "issue": its
 * name in the table `item`. */
const char *item_folder(enum item_kind kind);
const char *item_kind_name(enum item_kind kind);

/* The edition in the first of `languages` that has one, else in `fallback` (may
 * be LANG_NONE), else the first edition. *other (may be NULL) tells whether it is
 * in none of `languages`, so that it is shown marked "(in Estonian)". Never NULL
 * for an item that loaded without errors. */
const struct edition *item_edition(const struct item *item, const enum language *languages,
                                   size_t count, enum language fallback, bool *other);

/* What an issue's body may hold besides Markdown: values of each member ... */
enum item_token {
    ITEM_TOKEN_MEMBER_NAME,         /* {{member.name}} */
    ITEM_TOKEN_MEMBER_EMAIL,        /* {{member.email}} */
    ITEM_TOKEN_MEMBER_ORGANISATION, /* {{member.organisation}}: its name, or nothing */
    ITEM_TOKEN_NEWSLETTER_NAME,     /* {{newsletter.name}}, in the letter's language */
    ITEM_TOKEN_SITE_NAME,           /* {{site.name}} */
    ITEM_TOKEN_WEB_LEAVE,       /* {{web.leave}}: the page to leave the list; a link's address */
    ITEM_TOKEN_WEB_PREFERENCES, /* {{web.preferences}}: likewise */
    ITEM_TOKENS
};

/* ... in the order of enum item_token, for markdown_uses and the slots. */
extern const struct markdown_token item_tokens[ITEM_TOKENS];

/* ... and blocks on lines of their own, in the order of enum newsletter_block:
 * "calls", "events", "news", "deadlines". */
#define ITEM_BLOCKS 4
extern const char *const item_blocks[ITEM_BLOCKS];

/* Writes an item's row: the newest revision of (kind, slug) if its digest is the
 * same, else a new revision with these facts. `kind` is "call", "news", "issue" or
 * "event"; compose records events through this. `data` is JSON. */
struct db;
int item_record(struct db *db, const char *kind, const char *slug, const char *digest,
                const char *data, int64_t now, int64_t *id, int64_t *revision, struct err *err);

/* Parses the body of an edition. Tokens and blocks are for issues; in a call or
 * in news, which many letters share, they are unknown. As markdown_parse. */
int item_body(struct arena *arena, const struct item *item, const struct edition *edition,
              struct report *report, struct markdown **out, struct err *err);
