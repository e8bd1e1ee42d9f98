/* outbox_site.h - a site of one mailing, and the truth about it.
 *
 * Members m1, m2, ... each have the outbox row of their own number; the message of a
 * row tells whom it is for and which row it is, so that what a scripted server
 * kept can be held against the ledger. Any thread may have sites of its own; what
 * is wrong is told in `why`, for asserts belong to the thread of the test.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/smtp_server.h"
#include "support/temp_folder.h"
#include "teataja/db/db.h"
#include "teataja/delivery/delivery.h"

struct outbox_site {
    char folder[TEMP_FOLDER];
    char path[TEMP_FOLDER + 16];
    struct db *db; /* to look at it, and for what no delivery does */
    int rows;
    size_t filler; /* bytes that each message has more; 0 for most tests */
    char why[600]; /* "" while all is well */
};

/* A new folder with a database: `rows` members and rows, on_unknown "hold". */
bool outbox_site_make(struct outbox_site *site, int rows);

/* Closes the database, so that the file is all of it. */
void outbox_site_close(struct outbox_site *site);

/* A copy of a closed one in a folder of its own. */
bool outbox_site_copy(const struct outbox_site *from, struct outbox_site *site);

void outbox_site_remove(struct outbox_site *site);

/* Notes what is wrong, unless something was wrong before. Always false. */
bool outbox_site_wrong(struct outbox_site *site, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Runs a statement, or reads a number. */
bool outbox_site_do(struct outbox_site *site, const char *sql);
int64_t outbox_site_number(struct outbox_site *site, const char *sql);

/* Makes what was deferred or is unknown due now. */
bool outbox_site_hurry(struct outbox_site *site);

/* delivery_run of the one mailing, relays that are parked included; `options` may hold
 * more than what the site knows. */
int outbox_site_deliver(const struct outbox_site *site, struct delivery_options options,
                        struct delivery_result *result, struct err *err);

/* The same of all mailings, as a daemon does it. */
int outbox_site_run(const struct outbox_site *site, struct delivery_options options,
                    struct delivery_result *result, struct err *err);

/* A relay at the server, patient unless reply_ms says otherwise. */
struct site_relay outbox_site_relay(const struct smtp_server *server, int connections,
                                    int reply_ms);

/* Copies that recipients may have, by row; index 0 is not used. */
struct outbox_copies {
    int may_have; /* acknowledged, or not answered in words that make sense */
    int refused;
};

/* Adds what the server kept to copies[rows + 1]. False unless each message is, byte for
 * byte, the one of its recipient's row and has that row's sender. */
bool outbox_site_collect(struct outbox_site *site, struct smtp_server *server,
                         struct outbox_copies *copies);

/* The ledger against the copies, at any time that nobody delivers:
 *   sent rows arrived; nobody has more than one copy for a sent row, and one for
 *   each time that the row was named unknown;
 *   no worker, claim or lock is left;
 *   a reply that names a recipient stands in the row of that recipient only, and
 *   every answer to a recipient or a message names one, if `named`. */
bool outbox_site_check(struct outbox_site *site, const struct outbox_copies *copies, bool named);
