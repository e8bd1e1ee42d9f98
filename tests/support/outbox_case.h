/* outbox_case.h - a fresh outbox_site for each cmocka test, copied from one that is
 * made once: three quarters of the time of a sweep went into making it.
 *
 * Header only; one test program is one file, so that its variables may stand here.
 *
 *     cmocka_unit_test_setup_teardown(test, outbox_case_open, outbox_case_remove)
 *     cmocka_run_group_tests(tests, outbox_case_make_base, outbox_case_remove_base)
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/outbox_site.h"
#include "teataja/base/clock.h"
#include "teataja/base/log.h"
#include "teataja/base/token.h"
#include "teataja/delivery/mailing.h"

#define NOW (INT64_C(1700000000) * CLOCK_SECOND)

/* Who wants another number defines it before. */
#ifndef OUTBOX_CASE_ROWS
#define OUTBOX_CASE_ROWS 8
#endif

static struct outbox_site base; /* closed: what each test starts from */
static struct outbox_site site;
static struct err err;

static inline void ok(int rc)
{
    if (rc < 0) {
        fail_msg("%s", err.msg);
    }
}

static inline void well(bool good)
{
    if (!good) {
        fail_msg("%s%s", base.why, site.why);
    }
}

/* Runs a statement. */
static inline void must(const char *sql)
{
    well(outbox_site_do(&site, sql));
}

/* The first column of the only row. */
static inline int64_t number(const char *sql)
{
    int64_t out = outbox_site_number(&site, sql);

    well(site.why[0] == '\0');
    return out;
}

static inline int outbox_case_make_base(void **state)
{
    (void)state;
    log_set_level(LOG_OFF);
    ok(token_init(&err));
    clock_fix(NOW, 0);
    well(outbox_site_make(&base, OUTBOX_CASE_ROWS));
    outbox_site_close(&base);
    return 0;
}

static inline int outbox_case_remove_base(void **state)
{
    (void)state;
    outbox_site_remove(&base);
    clock_unfix();
    return 0;
}

static inline int outbox_case_open(void **state)
{
    (void)state;
    well(outbox_site_copy(&base, &site));
    return 0;
}

static inline int outbox_case_remove(void **state)
{
    (void)state;
    outbox_site_remove(&site);
    return 0;
}

/* In the middle of a test: what has been done is gone. */
static inline void outbox_case_again(void)
{
    (void)outbox_case_remove(NULL);
    (void)outbox_case_open(NULL);
}

/* A letter to the list that another mailing may be made of. */
static inline struct mailing outbox_case_plan(const char *dedupe)
{
    return (struct mailing){.purpose = "letter",
                            .subject = "issues/test",
                            .dedupe = dedupe,
                            .on_unknown = "hold",
                            .priority = MAILING_LETTER,
                            .config = "{}",
                            .audience = "",
                            .hash = "h",
                            .message_date = NOW};
}
