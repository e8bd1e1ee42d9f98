/* src/cli/approval_print.h - drafts that wait for people, told. */
#pragma once

#include "teataja/compose/approval.h"
#include "teataja/compose/approval_send.h"
#include "workspace.h"

/* Who runs the command: `name` (of --as; NULL: the login). An editor of a newsletter is known by
 * name or address, so that the same person is one here and in a browser. */
void approval_person_of(const struct workspace *workspace, const char *name,
                        struct approval_person *out);

/* After send or event invite: that it waits, and what to do. */
enum exit_status approval_print_sent(const struct command *command, struct workspace *workspace,
                                     const struct approval_sent *sent);

/* A draft with its versions and items. */
enum exit_status approval_print_draft(const struct command *command,
                                      const struct workspace *workspace,
                                      const struct approval *draft);

/* Who did what with it: a table. */
enum exit_status approval_print_trail(const struct command *command,
                                      const struct workspace *workspace, int64_t mailing);

/* What changed in it. */
enum exit_status approval_print_diff(const struct command *command,
                                     const struct approval_diff *diff);
