/* invite_draft.h - invitations that people have a say in. */
#pragma once

#include "invitation_page.h"
#include "plan.h"
#include "snapshot.h"
#include "teataja/compose/invite.h"

/* invite_plan in a way of planning; NULL: it waits for nobody. */
int invite_make(struct compose *compose, struct arena *arena, const char *slug,
                const struct invite_options *options, const struct plan_way *way,
                struct invite_summary *out, struct err *err);

/* Sets rule, audience and date of a snapshot. */
int invite_describe(const struct invitation_page *page, bool again, struct snapshot *out,
                    struct err *err);

/* Adds an edition, for those in this time zone. `preview` lacks its reader. */
int invite_snapshot(const struct invitation_page *page, struct arena *scratch, const char *zone,
                    const struct preview *preview, struct snapshot *out, struct err *err);

/* What the invitations would be now, against the day of their draft. The caller closes *out. */
int invite_look(struct compose *compose, struct arena *arena, const struct approval *approval,
                bool again, struct snapshot *out, int *tolerance, struct err *err);
