/* One claim for all connections. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "pool.h"
#include "support/outbox_ledger.h"

struct call {
    pthread_t thread;
    struct pool *pool;
    int rc;
    struct ledger_row row;
};

static void *take_one(void *context)
{
    struct call *call = context;

    call->rc = pool_take(call->pool, &call->row, NULL);
    return NULL;
}

static void wait_for_claims(size_t a_second, int64_t claimed)
{
    struct call calls[3];
    struct ledger *ledger;
    struct pool *pool;

    ok(open_in(site.folder, NULL, &ledger, &err));
    ok(pool_open(ledger, 1, 1, a_second, &pool, &err));
    ok(db_begin(site.db, &err));
    for (size_t i = 0; i < COUNT(calls); i++) {
        calls[i] = (struct call){.pool = pool};
        assert_int_equal(pthread_create(&calls[i].thread, NULL, take_one, &calls[i]), 0);
        usleep(50000);
    }
    db_rollback(site.db);
    for (size_t i = 0; i < COUNT(calls); i++) {
        assert_int_equal(pthread_join(calls[i].thread, NULL), 0);
        assert_int_equal(calls[i].rc, 1);
        for (size_t j = 0; j < i; j++) {
            assert_true(calls[i].row.id != calls[j].row.id);
        }
    }
    assert_int_equal(number("SELECT count(*) FROM outbox WHERE state = 'claimed'"), claimed);
    for (size_t i = 0; i < COUNT(calls); i++) {
        ok(ledger_return(ledger, &calls[i].row, 1, &err));
        ledger_row_release(&calls[i].row);
        pool_settled(pool, true);
    }
    ok(pool_close(pool, &err));
    assert_int_equal(number("SELECT count(*) FROM outbox WHERE state = 'queued'"), ROWS);
    ledger_close(ledger);
}

static void test_connections_wait_for_one_claim(void **state)
{
    (void)state;
    wait_for_claims(0, ROWS);
    wait_for_claims(1, 3); /* the rate gives one to each */
}

static void test_a_claim_takes_what_the_rate_lets_it(void **state)
{
    static const struct {
        size_t a_second, claimed;
    } cases[] = {{0, ROWS}, {1, 1}, {2, 2}, {100, ROWS}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ledger_row row;
        struct ledger *ledger;
        struct pool *pool;
        size_t taken = 0;

        outbox_case_again();
        ok(open_in(site.folder, NULL, &ledger, &err));
        ok(pool_open(ledger, 1, 1, cases[i].a_second, &pool, &err));
        assert_false(pool_is_dry(pool));
        for (; pool_take(pool, &row, &err) == 1; taken++) {
            assert_true(!pool_is_dry(pool) || taken == ROWS - 1); /* never while some are left */
            if (taken == 0) {
                assert_int_equal(number("SELECT count(*) FROM outbox WHERE state = 'claimed'"),
                                 cases[i].claimed);
            }
            ledger_row_release(&row);
        }
        assert_int_equal(taken, ROWS);
        assert_true(pool_is_dry(pool));
        pool_settled(pool, false);
        assert_true(pool_is_dry(pool));
        pool_settled(pool, true);
        assert_false(pool_is_dry(pool));
        ok(pool_close(pool, &err));
        ledger_close(ledger);
    }
    ok(pool_close(NULL, &err));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, outbox_case_open, outbox_case_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_connections_wait_for_one_claim),
        CASE(test_a_claim_takes_what_the_rate_lets_it),
    };

    return cmocka_run_group_tests(tests, outbox_case_make_base, outbox_case_remove_base);
}
