/* teataja/members/member.h - the register: people who get mail.
 *
 * A member has an id that stays, an address that may change, and fields. What
 * people write into a field - on the command line, in an imported file - goes
 * through member_input_set, which checks it and gives it its one stored form;
 * member_add and member_set then write a checked input.
 *
 * Every function runs inside the caller's transaction if there is one, else in
 * one of its own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/language.h"
#include "teataja/base/token.h"
#include "teataja/config/config.h"
#include "teataja/db/db.h"

/* What every act on members needs. The pointers are the caller's. `key` makes
 * the hashes of suppressed addresses; it may be NULL where nothing is written. */
struct members {
    struct db *db;
    const struct config *config;
    const struct token_key *key;
};

/* State of a member's address. */
enum member_delivery { MEMBER_ACTIVE, MEMBER_BOUNCING, MEMBER_SUPPRESSED, MEMBER_ERASED };

/* "active", "bouncing", "suppressed", "erased". */
const char *member_delivery_name(enum member_delivery delivery);

struct member_terms {
    const char *const *items; /* slugs, sorted bytewise */
    size_t count;
};

struct member_attr {
    const char *key;
    const char *text; /* stored form: dates "2026-01-01", ints "12", bools "true" or "false" */
};

/* A row of the register, all of it in one arena. Absent texts are NULL. */
struct member {
    int64_t id;
    const char *uid;         /* random, stays for ever */
    const char *external_id; /* the office's own id */
    const char *email;       /* NULL once erased */
    const char *email_key;   /* folded address */
    const char *name;
    enum language languages[LANG_COUNT]; /* in order of preference */
    size_t language_count;
    const char *tz;       /* NULL: the site's */
    const char *region;   /* code */
    int64_t organisation; /* id; 0 if none */
    const char *organisation_name;
    enum member_delivery delivery;
    const char *delivery_reason;
    int64_t soft_score; /* soft bounces that count */
    int64_t epoch;      /* of the member's signed links */
    int64_t joined_at;
    int64_t changed_at;
    int64_t erased_at; /* 0: not erased */
    struct member_terms kinds, sectors, tags;
    const struct member_attr *attrs; /* by key */
    size_t attr_count;
};

/* The fields that people may write. */
enum member_field {
    MEMBER_NONE = -1,
    MEMBER_ID, /* external id: the office's own */
    MEMBER_EMAIL,
    MEMBER_NAME,
    MEMBER_LANGUAGE, /* one or more, in order of preference */
    MEMBER_TIMEZONE,
    MEMBER_REGION,            /* code, name or alias of regions.yaml */
    MEMBER_KIND,              /* one or more */
    MEMBER_SECTOR,            /* one or more */
    MEMBER_TAG,               /* one or more */
    MEMBER_JOINED,            /* a date */
    MEMBER_ORGANISATION,      /* its name */
    MEMBER_ORGANISATION_CODE, /* in its country's business register */
    MEMBER_ORGANISATION_KIND,
    MEMBER_ORGANISATION_SECTOR, /* one or more */
    MEMBER_ORGANISATION_REGION,
    MEMBER_ORGANISATION_WEB,
    MEMBER_FIELD_COUNT
};

/* "region"; and back, MEMBER_NONE if it is none. */
const char *member_field_name(enum member_field field);
enum member_field member_field_find(const char *name);

/* Checked values, in their stored form; NULL leaves a field as it is, "" clears
 * it. Lists ("music design") are slugs or tags joined by spaces. Zero it to
 * start: struct member_input input = {0}. */
struct member_input {
    const char *value[MEMBER_FIELD_COUNT];
    const char *email_key; /* set with MEMBER_EMAIL */
    int64_t joined_at;     /* set with MEMBER_JOINED: the day's start in the site's zone */
    struct member_attr *attrs;
    size_t attr_count;
    size_t attr_capacity;
};

/* Checks `text` as the value of a field and puts its stored form into *input
 * (in the arena). Parts of a list are separated by ',', ';', '|' or a new line,
 * languages also by spaces. Empty text clears the field (an address cannot be
 * cleared). ERR_INVALID names what is wrong, with a suggestion: "no region
 * 'Ida-Vru'; did you mean 'Ida-Viru'?". */
int member_input_set(const struct config *config, struct arena *arena, struct member_input *input,
                     enum member_field field, const char *text, struct err *err);

/* The same for the free attribute `key` of teataja.yaml ("attr." may stand
 * before it). ERR_INVALID also for a key that is not declared. */
int member_input_set_attr(const struct config *config, struct arena *arena,
                          struct member_input *input, const char *key, const char *text,
                          struct err *err);

/* As one of the above by the name of the field: "region", "attr.phone". */
int member_input_set_named(const struct config *config, struct arena *arena,
                           struct member_input *input, const char *name, const char *text,
                           struct err *err);

/* Adds a member; MEMBER_EMAIL must be set. *id may be NULL. A suppressed address
 * makes a suppressed member; one whose owner asked to be forgotten is ERR_DENIED, until
 * the suppression is lifted. ERR_EXISTS when the address or the external id is
 * taken, with the id of its member in the message. */
int member_add(const struct members *members, const struct member_input *input, int64_t *id,
               struct err *err);

/* Changes the fields that are set in *input; *changed (may be NULL) tells whether
 * anything did. A new MEMBER_EMAIL is member_change_address. ERR_NOT_FOUND,
 * ERR_EXISTS; ERR_STATE for an erased member. */
int member_set(const struct members *members, int64_t id, const struct member_input *input,
               bool *changed, struct err *err);

/* Gives a member another address. The earlier one is kept, so that an answer
 * from it still counts as the member's; the delivery state starts anew, unless
 * the new address is suppressed. Links in letters sent before go on working, for nobody may
 * get a letter that cannot be left: member_raise_epoch revokes them. */
int member_change_address(const struct members *members, int64_t id, const char *email,
                          struct err *err);

/* By id, with everything. ERR_NOT_FOUND; erased members are found. */
int member_get(const struct members *members, struct arena *arena, int64_t id, struct member *out,
               struct err *err);

/* By "17" (id), "id:EXTERNAL", a uid, an external id, or an address (present, or
 * else one that a single member had before). ERR_NOT_FOUND: "no member
 * 'x@y.example'". */
int member_find(const struct members *members, struct arena *arena, const char *who,
                struct member *out, struct err *err);

/* The member whose present address (or, with `earlier`, any address) has this
 * key. Returns 1 and sets *id, 0 if there is none, or negative. */
int member_by_address(const struct members *members, const char *email_key, bool earlier,
                      int64_t *id, struct err *err);

/* Revokes all signed links of a member; those of later letters work. */
int member_raise_epoch(const struct members *members, int64_t id, struct err *err);

/* Sets the delivery state of the address to active or bouncing with a score;
 * for suppressing see members/suppression.h. */
int member_set_delivery(const struct members *members, int64_t id, enum member_delivery delivery,
                        const char *reason, int64_t soft_score, struct err *err);

/* Members who are not erased. */
int member_count(const struct members *members, int64_t *count, struct err *err);
