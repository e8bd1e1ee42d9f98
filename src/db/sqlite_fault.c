/* sqlite_fault.c - see teataja/db/fault.h. */
#include "teataja/db/fault.h"

#include <stdatomic.h>

#include "sqlite_driver.h"

static atomic_bool counting;
static atomic_ulong made;          /* steps since the last db_fail_at */
static atomic_ulong fail_nth;      /* 0: none */
static atomic_bool fail_from_then; /* whether those after the nth fail as well */
static atomic_int fail_with;       /* an extended result code of SQLite */

void db_fail_at(unsigned long nth, bool for_good, enum db_fault fault)
{
    static const int native[] = {[DB_FAULT_BUSY] = SQLITE_BUSY,
                                 [DB_FAULT_FULL] = SQLITE_FULL,
                                 [DB_FAULT_IO] = SQLITE_IOERR_WRITE,
                                 [DB_FAULT_CORRUPT] = SQLITE_CORRUPT};

    atomic_store(&fail_nth, 0);
    atomic_store(&made, 0);
    atomic_store(&fail_with, native[fault]);
    atomic_store(&fail_from_then, for_good);
    atomic_store(&fail_nth, nth);
    atomic_store(&counting, true);
}

unsigned long db_steps(void)
{
    return atomic_load(&made);
}

int sqlite_fault(sqlite3 *native)
{
    unsigned long number;
    unsigned long nth;
    int code;

    if (!atomic_load_explicit(&counting, memory_order_relaxed)) {
        return SQLITE_OK;
    }
    number = atomic_fetch_add(&made, 1) + 1;
    nth = atomic_load(&fail_nth);
    if (nth == 0 || number < nth || (number > nth && !atomic_load(&fail_from_then))) {
        return SQLITE_OK;
    }
    code = atomic_load(&fail_with);
    /* What SQLite does when a write could not be undone by itself: whoever goes on
     * after such an error writes outside of any transaction. */
    if ((code == SQLITE_FULL || code == SQLITE_IOERR_WRITE) &&
        sqlite3_txn_state(native, NULL) == SQLITE_TXN_WRITE) {
        sqlite3_exec(native, "ROLLBACK", NULL, NULL, NULL);
    }
    return code;
}
