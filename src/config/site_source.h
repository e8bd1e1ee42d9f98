/* site_source.h - the table of `sources`, and what a table cannot say. */
#pragma once

#include "teataja/config/site.h"

extern const struct schema site_source_schema;

/* Checks the sources and fills what follows from the rest of the site. */
void site_source_settle(struct site *site, struct report *report);
