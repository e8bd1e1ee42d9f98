/* teataja/base/suggest.h - "did you mean ...?"
 *
 *     struct suggest suggest;
 *     suggest_start(&suggest, "secter");
 *     for (...) suggest_offer(&suggest, names[i]);
 *     err_set(err, ERR_INVALID, "no field '%s'%s", "secter", suggest_hint(&suggest));
 *
 * gives "no field 'secter'; did you mean 'sector'?". Nearness is the number of
 * characters to insert, delete, change or swap with the neighbour, without
 * regard to the case of ASCII letters; a third of the name at most, and 3. Three letters
 * or more may also be the beginning of a name ("lang"). What is offered
 * beyond LIMIT_SUGGESTIONS names in a second of a thread's CPU time is not looked at.
 */
#pragma once

#include <stddef.h>

#define SUGGEST_NAME 64 /* longer names, in characters, get no suggestion */

struct suggest {
    const char *name; /* what was written */
    const char *best; /* the nearest offered so far, or NULL */
    size_t distance;  /* of best */
    char hint[320];
};

void suggest_start(struct suggest *suggest, const char *name);

/* The strings must stay valid until the hint is made. NULL is passed over. */
void suggest_offer(struct suggest *suggest, const char *candidate);

/* "; did you mean 'sector'?" or "": lives in *suggest. */
const char *suggest_hint(struct suggest *suggest);

/* The nearest of `count` names, or NULL if none is near. */
const char *suggest_nearest(const char *name, const char *const *names, size_t count);
