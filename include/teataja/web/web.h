/* teataja/web/web.h - the pages that the links of our mails lead to.
 *
 *   GET        /                          who we are
 *   GET, POST  /leave/TOKEN               leave a list; RFC 8058 one-click POST
 *   GET, POST  /preferences/TOKEN         language and lists
 *   GET, POST  /answer/TOKEN[/yes|maybe|no]  answer an invitation
 *   GET        /view/TOKEN                a letter in a browser, without personal values
 *   GET        /archive/NEWSLETTER[/ID]   earlier letters of a public list
 *   GET, POST  /draft/TOKEN               an editor approves, rejects, notes (compose/approval.h)
 *   GET        /draft/TOKEN/LANG[-N][.txt]  an edition of the draft, the N-th of its language
 *   GET        /style/HASH.css  /image/HASH  /picture/MAILING/CID
 *
 * HEAD is answered like GET. GET and HEAD never change anything; a POST does what its
 * page says and is idempotent. There are no cookies and no scripts: whoever holds
 * a link's token is who the link was sent to. Whether a token is right is told to a
 * person (so that a link that was cut off can be mended), never to a one-click POST.
 *
 * The files of the site are read at the start and again when they have changed; if
 * the new ones are wrong, the old ones stay, and the log says why.
 */
#pragma once

#include <stdbool.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/report.h"
#include "teataja/base/token.h"
#include "teataja/config/config.h"

struct web_options {
    const char *folder;    /* of the site */
    const char *templates; /* folder of the installed templates */
    struct token_key key;  /* of the signed links */
    const char *listen;    /* "127.0.0.1:8080", "[::1]:0", "unix:PATH"; NULL: web.listen of
                            * teataja.yaml */
    bool anywhere;         /* an address that other machines reach is taken too */
    int stop_fd;           /* becomes readable (a pipe, an eventfd) when it shall stop */

    /* Called once connections are taken, with where; may be NULL. Port 0 is shown
     * as the port that the system chose. */
    void (*listening)(void *context, const char *where);
    void *context;
};

/* Serves until stop_fd is readable: then takes nothing new, finishes what is in hand
 * within five seconds, and returns 0. Needs token_init, and a database that exists
 * and is in step with the site's files (members_sync). Runs threads of its own; the
 * calling one waits. Errors before the first connection: ERR_INVALID (configuration,
 * templates, with file and line), ERR_EXISTS (somebody listens there), ERR_DENIED,
 * ERR_NOT_FOUND, ERR_IO. */
int web_run(const struct web_options *options, struct err *err);

/* Checks `web` of teataja.yaml and the site's own templates/web; problems go to `report`
 * with their place. Returns 0, or ERR_NOMEM. For the verb check. */
int web_check(struct arena *arena, const struct config *config, const char *templates,
              struct report *report, struct err *err);
