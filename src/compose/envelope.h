/* envelope.h - what a mailing freezes beside its variants, and what a recipient's
 * row carries: both JSON in delivery's tables, written and read here. */
#pragma once

#include <stdint.h>

#include "kind.h"
#include "teataja/base/address.h"
#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/str.h"
#include "teataja/compose/link.h"

/* mailing.config */
struct envelope {
    const struct mail_kind *kind;
    const char *domain;     /* right of the @ in Message-IDs */
    int64_t list;           /* 0 for none */
    const char *occurrence; /* of the event that it is about; "": the whole, or none */
    struct link_base base;
};

int envelope_write(const struct envelope *envelope, struct str *out, struct err *err);

/* In the arena. ERR_CORRUPT. */
int envelope_read(struct arena *arena, const char *json, struct envelope *out, struct err *err);

/* outbox.slots: values by place. */
struct row_values {
    const char *name;         /* "" if none */
    const char *organisation; /* "" if none */
    int64_t epoch;            /* of the member's links */
    int64_t invitation;       /* 0 if none */
    const char *organizer;    /* address in the calendar; "" if none */
};

int row_values_write(const struct row_values *values, struct str *out, struct err *err);
int row_values_read(struct arena *arena, const char *json, struct row_values *out, struct err *err);
