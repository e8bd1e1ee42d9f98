/* approval.h - what the files about approvals share inside the room. */
#pragma once

#include "teataja/compose/approval.h"

/* A row of the trail, about the newest revision; `who` NULL: the program. In the caller's
 * transaction. */
int approval_add_step(struct db *db, int64_t mailing, const struct approval_person *who,
                      const char *how, const char *what, const char *remark, struct err *err);

/* The editions of one snapshot; with `bodies` also html and text. */
int approval_read_editions(struct db *db, struct arena *arena, int64_t mailing, int64_t revision,
                           bool bodies, struct approval_edition **out, size_t *count,
                           struct err *err);

/* Whether the mailing is a draft that somebody may still decide about. */
bool approval_is_open(const struct approval *approval);
