/* teataja/content/issue.h - a hand-written letter: issues/<slug>.md.
 *
 *     newsletter: funding
 *     subject: Funding in December
 *     preheader: …
 *     audience: 'sector in (music, design) and not tag = "press"'
 *     send: 2026-12-01 09:00          or `next`: when the newsletter's schedule says
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/schema.h"
#include "teataja/config/newsletter.h"
#include "teataja/content/item.h"

struct issue {
    struct item item; /* editions: title is the subject */
    const struct yaml_node *node;

    const char *newsletter_slug;
    const char *subject;
    const char *preheader;
    const char *audience;         /* narrows the newsletter's own; a segment, which this room cannot
                                   * check; NULL if none */
    const struct yaml_node *send; /* a date and time, or `next`; NULL if not given */
    const char *const *funded_by; /* slugs of projects, beside the newsletter's own */
    size_t funded_by_count;

    /* Computed. */
    bool automatic; /* no issue that somebody wrote: content.letters */
    const struct newsletter *newsletter;
    const char *zone; /* of `send`: as written, the newsletter's, the site's */
    bool send_next;   /* at the next time of the newsletter's schedule */
    bool has_send;
    struct civil send_local; /* `send` as written */
    int64_t send_at; /* instant of `send` */
};

extern const struct schema issue_schema;
