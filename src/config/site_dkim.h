/* site_dkim.h - what a table cannot say of `dkim` in teataja.yaml. */
#pragma once

#include "teataja/config/site.h"

/* Checks names, brings them into their one form, and reports a second key of the
 * same name. ERR_NOMEM. */
int site_dkim_settle(struct arena *arena, struct site *site, struct report *report,
                     struct err *err);
