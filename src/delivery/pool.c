#include "pool.h"

#include <pthread.h>

#include "teataja/base/mem.h"

struct pool {
    struct ledger *ledger;
    int64_t mailing;
    size_t room;     /* rows that may be claimed and not settled */
    size_t a_second; /* rows of a claim; 0 for no such limit */
    struct ledger_row *rows;
    pthread_mutex_t mutex; /* of all below, and of the rows */
    pthread_cond_t filled;
    size_t at; /* the first row that was not taken */
    size_t count;
    size_t taken;  /* rows that were taken and are not settled */
    bool claiming; /* a thread is at it */
    bool dry;      /* the last claim found nothing */
};

int pool_open(struct ledger *ledger, int64_t mailing, size_t connections, size_t a_second,
              struct pool **out, struct err *err)
{
    struct pool *pool = mem_alloc(1, sizeof(*pool));

    *out = NULL;
    if (pool == NULL) {
        return err_nomem(err);
    }
    pool->ledger = ledger;
    pool->mailing = mailing;
    pool->room = connections * LEDGER_CLAIM;
    pool->a_second = a_second;
    pool->rows = mem_alloc(pool->room, sizeof(*pool->rows));
    if (pool->rows == NULL) {
        mem_free(pool);
        return err_nomem(err);
    }
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->filled, NULL);
    *out = pool;
    return 0;
}

int pool_close(struct pool *pool, struct err *err)
{
    int rc;

    if (pool == NULL) {
        return 0;
    }
    rc = pool_return(pool, err);
    pthread_cond_destroy(&pool->filled);
    pthread_mutex_destroy(&pool->mutex);
    mem_free(pool->rows);
    mem_free(pool);
    return rc;
}

int pool_return(struct pool *pool, struct err *err)
{
    int rc;

    pthread_mutex_lock(&pool->mutex);
    rc = ledger_return(pool->ledger, pool->rows + pool->at, pool->count - pool->at, err);
    while (pool->at < pool->count) {
        ledger_row_release(&pool->rows[pool->at++]);
        pool->dry = false;
    }
    pthread_mutex_unlock(&pool->mutex);
    return rc;
}

/* Claims with the mutex released, so that others can settle meanwhile. */
static int fill(struct pool *pool, struct err *err)
{
    size_t want = pool->room - pool->taken;
    size_t count = 0;
    int rc;

    if (pool->a_second > 0 && want > pool->a_second) {
        want = pool->a_second;
    }
    pool->claiming = true;
    pthread_mutex_unlock(&pool->mutex);
    rc = ledger_claim(pool->ledger, pool->mailing, want, pool->rows, &count, err);
    pthread_mutex_lock(&pool->mutex);
    pool->claiming = false;
    pool->at = 0;
    pool->count = count;
    pool->dry = rc == 0 && count == 0;
    pthread_cond_broadcast(&pool->filled);
    return rc;
}

int pool_take(struct pool *pool, struct ledger_row *row, struct err *err)
{
    int rc = 0;

    pthread_mutex_lock(&pool->mutex);
    while (rc == 0 && pool->at == pool->count && !pool->dry) {
        if (pool->claiming) {
            pthread_cond_wait(&pool->filled, &pool->mutex);
        } else {
            rc = fill(pool, err);
        }
    }
    if (rc == 0 && pool->at < pool->count) {
        *row = pool->rows[pool->at++];
        pool->taken++;
        rc = 1;
    }
    pthread_mutex_unlock(&pool->mutex);
    return rc;
}

void pool_settled(struct pool *pool, bool again)
{
    pthread_mutex_lock(&pool->mutex);
    pool->taken--;
    pool->dry = pool->dry && !again;
    pthread_mutex_unlock(&pool->mutex);
}

bool pool_is_dry(struct pool *pool)
{
    bool dry;

    pthread_mutex_lock(&pool->mutex);
    dry = pool->dry; /* then nothing is left to take either */
    pthread_mutex_unlock(&pool->mutex);
    return dry;
}
