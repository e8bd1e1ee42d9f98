/* block.h - what stands where a letter's Markdown says {{> calls}} and so on: the
 * data of templates/mail/README.md, "Blocks". */
#pragma once

#include "frame.h"
#include "teataja/compose/selection.h"

/* What a letter over LIMIT_HTML leaves out, step by step: what the linked page says
 * as well. */
enum block_brief {
    BRIEF_NOT,
    BRIEF_DETAILS, /* sectors, regions, languages, contact, information event and calendar of calls */
    BRIEF_TEXTS,   /* and summaries of events, and who may apply */
    BRIEF_STEPS
};

/* Sets calls, still_open, closed_calls, deadlines, events, news and counts in frame->root. */
int block_set(struct frame *frame, const struct selection *selection, struct err *err);

/* Sets what an item in another language than the letter's needs: lang, dir,
 * lang_note; nulls otherwise. */
void block_set_language(struct frame *frame, struct value *item, enum language language);

/* Sets body_html and body_text of a Markdown document without slots; nulls for
 * NULL. */
int block_set_body(struct frame *frame, struct value *item, const struct markdown *body,
                   int heading_offset, struct err *err);

/* When an event takes place: "20.–21. mai 2027, 10:00–16:00". */
const char *block_when(struct frame *frame, const struct occurrence *occurrence);

/* Place and town on one line; NULL if there is none. */
const char *block_place(struct frame *frame, const struct occurrence_text *text);
