/* src/cli/desk.h - what verbs share that compose a letter and send it. */
#pragma once

#include "deliver.h"
#include "teataja/base/language.h"
#include "teataja/compose/compose.h"
#include "workspace.h"

/* An opened site that composes. */
struct desk {
    struct workspace workspace;
    struct compose *compose;
};

/* The last line where problems of the site's files (EXIT_CONTENT) stop a verb: that nothing was
 * `done` ("sent"). */
void desk_tell_stopped(enum exit_status status, const char *done);

/* Opens the site in command->folder; problems of its files are printed. EXIT_DONE, or the
 * status to return, which desk_tell_stopped has told; close in any case. */
enum exit_status desk_open(const struct command *command, const char *done, struct desk *desk);
void desk_close(struct desk *desk);

/* "events/forum", "events/forum.md" and "forum" name the same. In the arena. */
const char *desk_slug(struct arena *arena, const char *name);

/* --lang; LANG_NONE if it is not given. */
enum exit_status desk_language(const struct command *command, enum language *out);

/* How to send, by --relay, --connections, --queue and --dry-run: settled before anything is
 * frozen, so that a wrong option leaves no mailing behind. */
enum exit_status desk_carriage(const struct command *command, struct desk *desk,
                               int64_t *connections);

/* After a mailing was planned: leaves it queued (--queue), or delivers it now. */
enum exit_status desk_dispatch(const struct command *command, struct desk *desk,
                               int64_t connections, int64_t mailing, int64_t total);

/* The same where people may have a say: says that it waits, if it does. */
struct approval_sent;
enum exit_status desk_dispatch_sent(const struct command *command, struct desk *desk,
                                    int64_t connections, const struct approval_sent *sent);
