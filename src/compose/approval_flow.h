/* approval_flow.h - what sending something leads to when people have a say in it. */
#pragma once

#include "approval.h"
#include "plan.h"
#include "snapshot.h"
#include "teataja/compose/letter.h"

struct approval_flow {
    struct compose *compose;
    struct arena *arena;    /* of what goes into *out */
    const char *purpose;    /* "letter", "invitation" */
    const char *target;     /* "issues/2026-12" */
    const char *newsletter; /* slug; "" for none */
    int needed;             /* of enum newsletter_approval */
    int tolerance;
    int64_t too_late_after; /* for so long a letter may say what was so on its day */
    bool dated;             /* its texts depend on the day */
    bool leaves_traces;     /* what its rows bring along stays when they are taken back */
    const char *occurrence; /* NULL: whichever is open */
    bool again;
    const struct approval_wish *wish;

    /* Plans it, in this way (NULL: it waits for nobody), and fills rule, audience and date of
     * the way's snapshot. */
    int (*make)(void *ctx, const struct plan_way *way, struct err *err);
    void *ctx;

    struct approval_sent *out;
};

int approval_flow_run(struct approval_flow *flow, struct err *err);

/* What a summary says of it: `sent` is what the flow left there, "queued" without one; *mailing and
 * total are of what was made. */
void approval_flow_tell(struct approval_sent *sent, int64_t *mailing, int64_t total);

/* Only what it would be now, as of the day of `approval`. The caller closes *out. */
int approval_flow_look(struct approval_flow *flow, const struct approval *approval,
                       struct snapshot *out, struct err *err);
