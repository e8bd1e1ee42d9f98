/* teataja/delivery/relay.h - what is known of the relays.
 *
 * A relay that took nothing in a run is parked, longer each time: a minute at first, a
 * quarter of an hour if it refused our login or sender for good. Then one connection
 * tries it; a letter that it answers for ends it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/config/site.h"
#include "teataja/db/db.h"

struct relay_state {
    const char *relay;    /* its name in teataja.yaml */
    int64_t failures;     /* runs in a row that it took nothing in; 0: it works */
    int64_t parked_until; /* not used before */
    const char *reason;   /* what it said last */
    int64_t since;        /* when it failed first */
};

/* One of a relay that works has 0 and "". Texts in the arena. */
int relay_state_get(struct db *db, struct arena *arena, const char *relay,
                    struct relay_state *out, struct err *err);

/* Those that failed last time, by name. */
int relay_state_list(struct db *db, struct arena *arena, struct relay_state **out, size_t *count,
                     struct err *err);

/* It took nothing: until *until. `denied`: it does not want us. */
int relay_park(struct db *db, const char *relay, const char *reason, bool denied, int64_t now,
               int64_t *until, struct err *err);

/* It works. */
int relay_unpark(struct db *db, const char *relay, struct err *err);
