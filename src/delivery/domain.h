/* src/delivery/domain.h - recipient domains that answer "later".
 *
 * Three such answers in a row, and all of the domain waits: five minutes, and longer
 * each time that the first to be tried again is put off too. A letter that a domain
 * takes ends it. A full mailbox is one mailbox's, and whoever is greylisted comes back
 * by itself: making the others wait would only prolong it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "teataja/base/err.h"
#include "teataja/base/limits.h"
#include "teataja/db/db.h"
#include "teataja/delivery/smtp.h"

enum { DOMAINS_MAX = 64 };

/* Those that failed last, as the database has them. */
struct domains {
    size_t count;
    struct domain {
        char name[LIMIT_DOMAIN + 1];
        int64_t paused_until;
    } items[DOMAINS_MAX];
};

/* Reads them. Inside the caller's transaction, as below. */
int domains_load(struct db *db, struct domains *domains, struct err *err);

/* Until when an address has to wait; 0: not at all. */
int64_t domains_paused(const struct domains *domains, const char *address, int64_t now);

/* Takes note of an answer about an address. *paused: its domain waits from now on. */
int domains_note(struct db *db, struct domains *domains, const char *address,
                 const struct smtp_outcome *outcome, int64_t now, bool *paused, struct err *err);
