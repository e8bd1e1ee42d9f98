/* teataja/compose/message.h - a frozen variant and a row's values become bytes.
 *
 * The callback that cli hands to delivery. It reads mailings and variants on a
 * connection of its own and keeps them for as long as the composer is open;
 * several threads may call it at once. The same row gives the same bytes, also
 * signed, as long as the keys are the same.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "teataja/base/err.h"
#include "teataja/base/limits.h"
#include "teataja/base/str.h"
#include "teataja/base/token.h"
#include "teataja/delivery/delivery.h"
#include "teataja/delivery/dkim.h"

struct composer;

/* Opens the database at `database` for reading. `key` is copied. */
int composer_open(const char *database, const struct token_key *key, struct composer **out,
                  struct err *err);
void composer_close(struct composer *composer);

/* From now on every message is signed with the keys of `dkim`, which must outlive
 * the composer. Before the first message. */
void composer_sign(struct composer *composer, const struct dkim *dkim);

/* How urgent mailings of this purpose ("letter", "invitation", "reminder") are: of enum
 * mailing_priority. A letter's for one that is not known. */
int composer_priority(const char *purpose);

/* A delivery_compose; `ctx` is a struct composer. ERR_CORRUPT for a mailing or
 * variant that cannot be read; ERR_STATE for a reminder of an event that was cancelled
 * meanwhile, or to who has said no. */
int composer_message(void *ctx, const struct delivery_job *job, struct str *message,
                     char sender[LIMIT_ADDRESS + 1], struct err *err);
