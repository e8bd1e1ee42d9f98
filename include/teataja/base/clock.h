/* teataja/base/clock.h - the time, which a test can fix.
 *
 * Instants that happened are integer microseconds since 1970-01-01 UTC.
 */
#pragma once

#include <stdint.h>

#define CLOCK_SECOND INT64_C(1000000)
#define CLOCK_MINUTE (60 * CLOCK_SECOND)
#define CLOCK_HOUR (60 * CLOCK_MINUTE)
#define CLOCK_DAY (24 * CLOCK_HOUR)

/* Now, as the wall clock or clock_fix says. */
int64_t clock_now(void);

/* Nanoseconds of a clock that never steps: for durations only. */
int64_t clock_ticks(void);

/* Nanoseconds of processor time of this thread: for ceilings on work, which must not
 * depend on how busy the machine is. */
int64_t clock_thread_ticks(void);

/* Microseconds since the machine started, with the time it slept. -1 while the clock is
 * fixed, for a clock that was set on purpose did not jump. */
int64_t clock_uptime(void);

/* Starts the program's clock at `instant`; it runs on from there if `running`,
 * else stands still. The command line's --now and tests use it. */
void clock_fix(int64_t instant, int running);

/* Back to the wall clock. */
void clock_unfix(void);

/* The machine's boot id (a UUID), or "unknown" where the system has none. */
const char *clock_boot_id(void);
