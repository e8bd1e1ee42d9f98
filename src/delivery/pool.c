#include "pool.h"

#include <pthread.h>
#include <string.h>

#include "teataja/base/mem.h"

enum { AHEAD = 2 }; /* rows a connection left when more are claimed: a sync takes as long */

struct pool {
    struct ledger *ledger;
    int64_t mailing;
    size_t room;              /* rows that may be claimed and not settled */
    size_t a_second;          /* rows of a claim; 0 for no such limit */
    size_t low;               /* rows left at which the next claim is made */
    struct ledger_row *fresh; /* of the thread that is claiming */
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
    pool->low = a_second > 0 && a_second < AHEAD * connections ? a_second / 2 : AHEAD * connections;
    pool->rows = mem_alloc(pool->room, sizeof(*pool->rows));
    pool->fresh = mem_alloc(pool->room, sizeof(*pool->fresh));
    if (pool->rows == NULL || pool->fresh == NULL) {
        mem_free(pool->rows);
        mem_free(pool->fresh);
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
    mem_free(pool->fresh);
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

/* Claims with the mutex released: the others go on with what is left. */
static int fill(struct pool *pool, struct err *err)
{
    size_t left = pool->count - pool->at;
    size_t want = pool->room - pool->taken - left;
    size_t count = 0;
    int rc;

    if (pool->a_second > 0 && want > pool->a_second - left) {
        want = pool->a_second - left;
    }
    pool->claiming = true;
    pthread_mutex_unlock(&pool->mutex);
    rc = ledger_claim(pool->ledger, pool->mailing, want, pool->fresh, &count, err);
    pthread_mutex_lock(&pool->mutex);
    pool->claiming = false;
    pool->count -= pool->at;
    memmove(pool->rows, pool->rows + pool->at, pool->count * sizeof(*pool->rows));
    memcpy(pool->rows + pool->count, pool->fresh, count * sizeof(*pool->rows));
    pool->at = 0;
    pool->count += count;
    pool->dry = rc == 0 && count == 0;
    pthread_cond_broadcast(&pool->filled);
    return rc;
}

int pool_take(struct pool *pool, struct ledger_row *row, struct err *err)
{
    int rc = 0;

    pthread_mutex_lock(&pool->mutex);
    if (!pool->claiming && !pool->dry && pool->count - pool->at <= pool->low) {
        rc = fill(pool, err);
    }
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
    dry = pool->dry && pool->at == pool->count;
    pthread_mutex_unlock(&pool->mutex);
    return dry;
}
