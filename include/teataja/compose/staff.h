/* teataja/compose/staff.h - editors and admins are told by mail.
 *
 * What is told is what the database says, never what a process saw: a draft that waits, a
 * mailing that is finished, halted or held, a source or a relay that is down and well again,
 * the schedule that is held, a run that failed or came too late, an approval that was voided
 * or refused, files that are left out since they are wrong. A row for each thing says in which
 * state it was told; whoever looks next tells what is in another state now, and so it is told once,
 * whichever process looks, however often they are restarted. The row is written in the transaction
 * that queues the mail.
 *
 * Who is told: admins are those of `staff` in teataja.yaml who have that role, or the office;
 * editors are the `editors` of the newsletter and those of `staff` with that role, or the
 * admins.
 *
 * At most one mail an hour about a subject (struct staff_notice): what happens meanwhile is
 * told together, and what has passed by then is not told at all.
 *
 * The mail is a mailing of the purpose "notice": it goes out like all mail, and counts in no
 * report, no archive and for no member.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/address.h"
#include "teataja/base/arena.h"
#include "teataja/base/clock.h"
#include "teataja/base/err.h"
#include "teataja/base/language.h"
#include "teataja/compose/compose.h"
#include "teataja/config/config.h"

#define STAFF_PAUSE CLOCK_HOUR            /* between two mails about one subject */
#define STAFF_PATIENCE (5 * CLOCK_MINUTE) /* a relay that is down for less is not told of */
#define STAFF_POLLS 3                     /* polls of a source that fail before it is told of */

/* ---- Who ---- */

struct staff_person {
    const char *name; /* NULL if none */
    struct address address;
    enum language language;
};

/* Those of a role in the arena, each address once. `newsletter`: for whose editors it is asked;
 * NULL: of none, so those of `staff` alone. Never nobody. ERR_NOMEM. */
int staff_people(const struct config *config, struct arena *arena, enum site_staff_role role,
                 const struct newsletter *newsletter, struct staff_person **out, size_t *count,
                 struct err *err);

/* ---- What ---- */

/* One mail: what it is about, and to whom it goes. */
struct staff_notice {
    const char *subject; /* "relays/main", "sources", "mailings/7", "newsletters/funding" */
    const char *title;   /* the mail's Subject, in the first reader's language */
    const char *const *addresses;
    size_t address_count;
    int64_t mailing; /* 0 for a dry run */
};

struct staff_options {
    int64_t now;
    bool dry_run; /* nothing is written, and *out says what would be told */
};

/* Looks, and queues what there is to tell. The first look at a database only notes the time:
 * what ended before is not news. What fails for one subject is logged and tried again at the
 * next look. Cheap when there is nothing: a few reads. *out lives in the arena. */
int staff_tell(struct compose *compose, struct arena *arena, const struct staff_options *options,
               struct staff_notice **out, size_t *count, struct err *err);

/* Queues a mail to everybody that is told something, to see that it arrives. */
int staff_test(struct compose *compose, struct arena *arena, int64_t now, struct staff_notice *out,
               struct err *err);

/* A person delivers this mailing and sees how it goes: when it is finished, nobody is told. */
int staff_seen(struct db *db, int64_t mailing, int64_t now, struct err *err);

/* The person went before it was finished: how it ends is told after all. */
int staff_unseen(struct db *db, int64_t mailing, struct err *err);
