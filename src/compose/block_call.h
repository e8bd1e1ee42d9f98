/* block_call.h - calls in a letter: the cards, the table of what is still open,
 * the table of deadlines. */
#pragma once

#include "block.h"

/* Sets calls, still_open, closed_calls and deadlines in frame->root. *open says how many open
 * calls the letter tells of. */
int block_set_calls(struct frame *frame, const struct selection *selection, size_t *open,
                    struct err *err);
