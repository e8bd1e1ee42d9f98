/* src/cli/deliver.h - runs a delivery in front of a person. */
#pragma once

#include <stdatomic.h>

#include "output.h"
#include "teataja/delivery/delivery.h"
#include "teataja/delivery/mailing.h"
#include "workspace.h"

/* Delivers a mailing (0: all that is due) through the site's first relay, or the one
 * named; shows progress on a terminal, stops between messages on Ctrl-C, and tells what
 * came of it. `connections` 0 means the relay's own number. */
enum exit_status deliver_mailing(const struct command *command, struct workspace *workspace,
                                 int64_t mailing, const char *relay_name, int64_t connections);

/* Whether a delivery through this relay could begin: it is in the configuration and its
 * password can be read. For before a mailing is frozen. */
int deliver_ready(struct workspace *workspace, const char *relay_name, struct err *err);

/* Whether teataja.yaml names this relay. ERR_NOT_FOUND suggests one, or names those there are. */
int deliver_knows_relay(const struct workspace *workspace, const char *relay_name, struct err *err);

/* Prints the counts of a mailing and what can be done about what is left. */
enum exit_status deliver_report(const struct command *command, struct workspace *workspace,
                                int64_t mailing);

/* Prints the same as JSON with the rows in it, and frees them. */
void deliver_rows_json(const struct mailing *mailing, const struct mailing_counts *counts,
                       struct output_table *rows);

/* Who delivers without a person in front: when to stop, and whom to tell how it goes. */
struct deliver_watch {
    const atomic_bool *stop; /* set from a signal handler: stop between messages */
    void (*progress)(void *ctx, const struct delivery_progress *progress);
    void *ctx;
};

/* Delivers all that is due, silently. As delivery_run; also the errors of a relay's
 * password and of signing keys. */
int deliver_due(struct workspace *workspace, const struct deliver_watch *watch,
                struct delivery_result *result, struct err *err);
