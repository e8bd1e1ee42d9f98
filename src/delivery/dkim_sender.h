/* dkim_sender.h - which key signs for which sender; shared by dkim.c and dkim_check.c. */
#pragma once

#include "teataja/delivery/dkim.h"

/* The domain, of those that have a key, that signs for senders at `domain`: the same or
 * the nearest above it; NULL if there is none. */
const char *dkim_signing_domain(const struct site *site, const char *domain);

/* Reads the key that `site` names. The error does not say whose it is. */
int dkim_signer_read(struct arena *arena, const struct config *config, const struct site_dkim *site,
                     struct dkim_key **out, struct err *err);

/* ERR_INVALID if an earlier signer has a key of the same kind for the same domain. */
int dkim_signer_unique(const struct dkim *dkim, size_t index, struct err *err);
