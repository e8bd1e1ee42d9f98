/* teataja/members/subscription.h - who is on which list, and by what right.
 *
 *   (none) -> unconfirmed   an import without evidence: gets nothing
 *   (none) -> pending       asked on a page: gets a request to confirm
 *   (none), unconfirmed, pending -> active
 *   any -> left             and only a person's own new consent leads back
 *
 * Only active ones get mail. Every act adds a row to the record of consent,
 * which is never changed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/config/site.h"
#include "teataja/members/member.h"

enum subscription_state {
    SUBSCRIPTION_NONE, /* not on the list */
    SUBSCRIPTION_PENDING,
    SUBSCRIPTION_UNCONFIRMED,
    SUBSCRIPTION_ACTIVE,
    SUBSCRIPTION_LEFT
};

/* "active"; "none" for SUBSCRIPTION_NONE. */
const char *subscription_state_name(enum subscription_state state);

/* "legitimate_interest"; and back, -1 if it is none. */
const char *subscription_basis_name(enum site_basis basis);
int subscription_basis_find(const char *name);

/* By what right somebody is put on a list, and what shows it. */
struct subscription_ground {
    enum site_basis basis;
    int64_t consent_at;           /* when consent was given; 0: there is no evidence */
    const char *how;              /* form, paper, import, mail, phone, web; may be NULL */
    const char *source;           /* which file, page or meeting; may be NULL */
    const char *wording;          /* the words agreed to; may be NULL */
    const char *wording_language; /* their language; NULL is "" */
    bool again;                   /* the person asked for it anew: leads back from left */
};

/* Puts a member on a list: active if the basis is not consent, or if there is
 * evidence of it (consent_at and a source), else unconfirmed. Who left stays
 * left unless `again` and active by this ground. A better state is never made
 * worse. *state (may be NULL) is what holds now, *changed (may be NULL) tells
 * whether that is new. ERR_NOT_FOUND for the list. */
int subscription_start(const struct members *members, int64_t member, const char *list,
                       const struct subscription_ground *ground, enum subscription_state *state,
                       bool *changed, struct err *err);

/* Somebody asked to be on a list: pending, unless active already. */
int subscription_ask(const struct members *members, int64_t member, const char *list,
                     const struct subscription_ground *ground, struct err *err);

/* The person confirmed: active from pending or unconfirmed (from left too when it was
 * asked for anew since). ERR_STATE if there is nothing to confirm. */
int subscription_confirm(const struct members *members, int64_t member, const char *list,
                         const char *how, const char *source, struct err *err);

/* Leaves a list; leaving twice, or a list one is not on, is fine and recorded
 * once. *changed may be NULL. */
int subscription_leave(const struct members *members, int64_t member, const char *list,
                       const char *how, const char *source, bool *changed, struct err *err);

/* SUBSCRIPTION_NONE if there is none. */
int subscription_get(const struct members *members, int64_t member, const char *list,
                     enum subscription_state *state, struct err *err);

struct subscription {
    const char *list; /* slug */
    enum subscription_state state;
    enum site_basis basis;
    int64_t since;
};

/* A member's subscriptions, by list. */
int subscription_list(const struct members *members, struct arena *arena, int64_t member,
                      struct subscription **out, size_t *count, struct err *err);

/* One act of the record. Absent texts are NULL. */
struct consent {
    const char *list;
    const char *act; /* imported, asked, given, confirmed, left */
    int64_t at;
    const char *how;
    const char *source;
    const char *wording;
    const char *wording_language;
};

/* A member's record, oldest first. */
int consent_list(const struct members *members, struct arena *arena, int64_t member,
                 struct consent **out, size_t *count, struct err *err);
