/* teataja/members/recipients.h - who gets a mailing.
 *
 * Active subscribers of its one list, and in the audience, and not suppressed -
 * always. In order of the member's id. Who they are is settled by recipients_open, in
 * about one byte of memory each; the walk holds no lock and no snapshot, and the caller
 * may write between two of them. Who is erased meanwhile is left out.
 *
 *     struct recipients_query query = {.list = "funding", .audience = {newsletter, issue}};
 *     rc = recipients_open(members, &query, &recipients, err);
 *     while ((rc = recipients_next(recipients, arena, &profile, err)) == 1) { ... }
 *     recipients_close(recipients);
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/members/member.h"
#include "teataja/members/profile.h"
#include "teataja/members/segment.h"

#define RECIPIENTS_SEGMENTS 2

struct recipients_query {
    const char *list;                                    /* slug */
    const struct segment *audience[RECIPIENTS_SEGMENTS]; /* all must match; NULL: everybody */
    int64_t after;                                       /* only members with a greater id */
    int64_t limit;                                       /* at most so many; 0: all */
};

struct recipients;

/* What `members` points to must outlive the walk. ERR_NOT_FOUND for the list. */
int recipients_open(const struct members *members, const struct recipients_query *query,
                    struct recipients **out, struct err *err);

/* 1 and *out in the arena (which may be rewound between calls), 0 at the end. */
int recipients_next(struct recipients *recipients, struct arena *arena, struct member_profile *out,
                    struct err *err);

void recipients_close(struct recipients *recipients);

/* How many there are, and why the others of the list get nothing; each member
 * counts once, for the first reason that holds, in this order. `after` and
 * `limit` of the query make no difference. */
struct recipients_count {
    int64_t on_list; /* subscriptions in any state, erased members left out */
    int64_t left;
    int64_t pending;     /* asked, but not confirmed */
    int64_t unconfirmed; /* imported without evidence of consent */
    int64_t suppressed;  /* address: hard bounces, complaints, requests */
    int64_t outside;     /* not in the audience */
    int64_t get_it;      /* recipients */
    int64_t bouncing;    /* of these: addresses that had soft bounces */
    int64_t not_on_list; /* in the audience, but never on the list (only with an audience) */
};
int recipients_explain(const struct members *members, const struct recipients_query *query,
                       struct recipients_count *out, struct err *err);
