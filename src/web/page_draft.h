/* page_draft.h - a draft that an editor was mailed a link to, and what its page shows. */
#pragma once

#include "route.h"
#include "teataja/compose/approval.h"
#include "teataja/compose/link.h"

/* Most characters of a reason or a note. In any script they fit FORM_VALUE and
 * APPROVAL_REMARK. */
enum { DRAFT_WORDS = 1000 };

struct draft {
    struct link_draft_ids ids;
    struct approval approval;
    const struct approval_step *steps;
    size_t step_count;
    const struct newsletter *newsletter; /* NULL if it has none, or it is not there any more */
    struct approval_person person;       /* whose link it is */
    bool outdated;                       /* the link is of an earlier text */
};

/* What a form brought that was not taken. */
struct draft_said {
    int status;
    const char *problem; /* above everything */
    const char *reason;  /* as it was written; NULL */
    const char *reason_problem;
    const char *note;
    const char *note_problem;
};

/* Whose step it was: the link's owner's? */
bool draft_is_own(const struct call *call, const struct draft *draft,
                  const struct approval_step *step);

/* The owner's approval of the newest text is there, and counts. */
bool draft_has_approved(const struct call *call, const struct draft *draft);

/* The draft may be decided about by this link. */
bool draft_is_open(const struct draft *draft);

/* A language's name in the reader's. */
const char *draft_language(struct call *call, enum language language);

/* "20 people" */
const char *draft_people(struct call *call, int64_t count);

/* Adds a line {label, text} to a list. */
void draft_add_fact(struct value *facts, const char *label, const char *text);

/* Sets "changes" and "change_facts" of the page: what is different since the draft before, if
 * there was one; *some says whether anything is. */
int draft_set_changes(struct call *call, const struct draft *draft, bool *some, struct err *err);

/* Answers with the draft as it stands. */
int draft_show(struct call *call, const struct draft *draft, const struct draft_said *said,
               struct err *err);
