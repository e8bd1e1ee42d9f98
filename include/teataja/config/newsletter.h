/* teataja/config/newsletter.h - newsletters/<slug>.yaml: one regular letter. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/address.h"
#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/language.h"
#include "teataja/base/quantity.h"
#include "teataja/base/report.h"
#include "teataja/base/schema.h"
#include "teataja/base/yaml.h"

struct newsletter_from {
    const struct yaml_node *node;
    struct lang_text name;
    struct address address; /* never at a free-mail domain */
};

struct newsletter_brand {
    const struct yaml_node *node;
    const char *color; /* "#1f6f8b" */
    const char *logo;  /* path in the site; NULL if none; exists, at most LIMIT_LOGO */
    struct lang_text logo_alt;
    const char *header_image; /* the same; NULL if none */
    struct lang_text header_alt;
};

/* Blocks of a letter's body: {{> calls}} and so on. */
enum newsletter_block { BLOCK_CALLS, BLOCK_EVENTS, BLOCK_NEWS, BLOCK_DEADLINES, BLOCK_COUNT };

/* Who chooses what a letter holds. */
enum newsletter_compose {
    COMPOSE_BY_HAND, /* an editor writes issues */
    COMPOSE_AUTO     /* each member gets what is new to them: teataja/compose/letter.h */
};

/* When it goes out by itself. Only the form of the values is checked here: what they mean
 * is known to teataja/schedule/timetable.h. */
struct newsletter_schedule {
    const struct yaml_node *node;
    const char *every;          /* "first Monday 09:00"; NULL if there is a rule */
    const char *rrule;          /* "FREQ=MONTHLY;BYDAY=1MO"; NULL if there is `every` */
    struct schema_moment start; /* year 0 if not given */
};

/* How many people must approve a letter before it goes out: compose/approval.h. */
enum newsletter_approval { APPROVAL_NONE, APPROVAL_ONE, APPROVAL_TWO };

/* Who is shown drafts, by mail. */
struct newsletter_editor {
    const struct yaml_node *node;
    struct address address;
    const char *name;       /* NULL if not given */
    enum language language; /* of mails to them; LANG_NONE: the site's first */
};

struct newsletter {
    const struct yaml_node *node;
    const char *file; /* "newsletters/funding.yaml" */
    const char *slug; /* "funding" */
    const char *list; /* slug of a list of the site */
    struct lang_text name;
    struct lang_text description;
    struct newsletter_from from;
    struct address reply_to;  /* text is "" if none: answers go to the sender */
    enum language *languages; /* default: the site's */
    size_t language_count;
    enum language fallback; /* one of languages; default: the first */
    const char *timezone;   /* NULL: the site's */
    const struct newsletter_schedule *schedule; /* NULL: it is sent by hand */
    int compose;            /* of enum newsletter_compose */
    int64_t closing_soon;   /* microseconds: an automatic letter reminds of deadlines so near */
    bool skip_if_empty;     /* no automatic letter for whom there is nothing new */
    int64_t min_items;      /* fewer new items than this wait for the next automatic letter */
    int64_t too_late_after; /* microseconds: a run that was missed for longer is not made up for */
    int approval;           /* of enum newsletter_approval */
    int approval_tolerance; /* hundredths of a percent by which the audience may have changed */
    int64_t draft_before;   /* microseconds before its time that a draft is made; 0: none is */
    struct newsletter_editor *editors; /* each address once */
    size_t editor_count;
    const char *audience; /* a segment expression; NULL: all subscribers */
    struct newsletter_brand brand;
    const char *const *funded_by; /* slugs of projects */
    size_t funded_by_count;
    int *blocks; /* of enum newsletter_block, in order; default: all four */
    size_t block_count;
    int64_t news_max_age;     /* microseconds: older news is left out */
    int64_t events_within;    /* microseconds: events that start later are left out */
    int64_t deadlines_within; /* microseconds: the table of deadlines looks so far ahead */
};

/* Reads folder/newsletters/<name>. As site_load. */
int newsletter_load(struct arena *arena, const char *folder, const char *name,
                    struct report *report, struct newsletter *out, struct err *err);

/* "none", "one", "two". */
const char *newsletter_approval_name(int approval);

/* What `approval:` may say: for the front matter of events, which say it too. */
extern const struct schema_choice newsletter_approvals[];

bool newsletter_has_language(const struct newsletter *newsletter, enum language language);

extern const struct schema newsletter_schema;
