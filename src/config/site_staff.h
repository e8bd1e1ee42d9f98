/* site_staff.h - the table of `staff`, and what a table cannot say. */
#pragma once

#include "teataja/config/site.h"

extern const struct schema site_staff_schema;

/* Checks the staff and fills what follows from the rest of the site. */
void site_staff_settle(struct site *site, struct report *report);
