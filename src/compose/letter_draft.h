/* letter_draft.h - a letter that people have a say in. */
#pragma once

#include "plan.h"
#include "snapshot.h"
#include "teataja/compose/letter.h"

/* letter_plan in a way of planning; NULL: it waits for nobody. */
int letter_make(struct compose *compose, struct arena *arena, const char *slug,
                const struct letter_options *options, const struct plan_way *way,
                struct letter_summary *out, struct err *err);

/* Who sends it and how it is chosen, a line each. NULL when out of memory. */
const char *letter_rule(const struct letter *letter, struct arena *arena);

/* Adds an edition to the snapshot. `preview` lacks its reader. */
int letter_snapshot(const struct letter *letter, struct arena *scratch,
                    const struct selection *selection, const char *key,
                    const struct preview *preview, struct snapshot *out, struct err *err);

/* What the letter would be now, against the day of its draft. The caller closes *out. */
int letter_look(struct compose *compose, struct arena *arena, const struct approval *approval,
                struct snapshot *out, int *tolerance, struct err *err);
