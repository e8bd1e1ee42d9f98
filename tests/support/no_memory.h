/* no_memory.h - an act without memory: for each of its allocations it says so, and
 * nothing leaks (AddressSanitizer looks). Header only, for cmocka tests. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "teataja/base/err.h"
#include "teataja/base/mem.h"

/* Lets one allocation after another fail: `act` must tell, or do without. */
static inline void assert_told_without_memory(int (*act)(struct err *err))
{
    bool done = false;

    for (unsigned long nth = 1; !done; nth++) {
        struct err err = {0};
        int rc;

        mem_fail_at(nth, 0);
        rc = act(&err);
        done = mem_count() < nth;
        mem_fail_at(0, 0);
        if (rc != (done ? 0 : ERR_NOMEM)) {
            fail_msg("allocation %lu: %d %s", nth, rc, err.msg);
        }
        assert_true(nth < 10000);
    }
}
