/* outbox_ledger.h - the ledger of an outbox_case, by hand.
 *
 * Header only, as outbox_case.h is.
 */
#pragma once

#include "support/outbox_case.h"
#include "teataja/delivery/ledger.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

enum { ROWS = OUTBOX_CASE_ROWS };

static inline int open_in(const char *folder, ledger_suppress *suppress, struct ledger **out,
                          struct err *why)
{
    const struct ledger_options options = {.database = site.path,
                                           .lock_folder = folder,
                                           .relay = "test",
                                           .suppress = suppress,
                                           .suppress_ctx = &site};

    return ledger_open(&options, out, why);
}

static inline void release(struct ledger_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ledger_row_release(&rows[i]);
    }
}

static inline struct smtp_outcome answer(enum reply_disposition disposition, int code)
{
    return (struct smtp_outcome){.stage = REPLY_DOT,
                                 .verdict = {.disposition = disposition},
                                 .reply = {.code = code, .enhanced = "5.1.1", .text = "text"}};
}
