/* event_text.h - head and texts of a file of events/. */
#pragma once

#include <stdbool.h>

#include "event_file.h"
#include "event_head.h"
#include "teataja/base/schema.h"
#include "teataja/config/front_matter.h"

/* Each leaves what is wrong in the file's report, and *good false then; *err has the first
 * problem. Returns 0 or ERR_NOMEM. */

/* Reads the file and fills the head by the table. *readable is false when there is
 * nothing to go on with. */
int event_read_head(const struct event_file *file, const struct schema *schema,
                    enum schema_mode mode, struct front_matter *matter, struct event_head *head,
                    bool *good, bool *readable, struct err *err);

/* The Markdown behind the front matter; NULL if there is none. */
int event_read_body(const struct event_file *file, const struct front_matter *matter,
                    const struct markdown **out, bool *good, struct err *err);

/* What the head says to those who were invited, beside the invitation. */
int event_read_letters(const struct event_file *file, const struct event_head *head,
                       struct event_edition *edition, bool *good, struct err *err);
