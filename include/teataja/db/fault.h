/* teataja/db/fault.h - a hook for tests: a statement step that fails.
 *
 * A step is one call that lets the database work: a row of a query, a statement
 * that is run, BEGIN, COMMIT, a pragma, a migration. A rollback always works.
 */
#pragma once

#include <stdbool.h>

/* What the step answers, and what becomes of the transaction, as SQLite has it. */
enum db_fault {
    DB_FAULT_BUSY,   /* ERR_BUSY: somebody else writes */
    DB_FAULT_FULL,   /* ERR_FULL; a transaction that has written is rolled back */
    DB_FAULT_IO,     /* ERR_IO; a transaction that has written is rolled back */
    DB_FAULT_CORRUPT /* ERR_CORRUPT */
};

/* The step number `nth` from now (1 is the next), of any connection, fails, and with
 * `for_good` every later one too; 0 lets none fail and counts them only. Without a
 * call of this function the hook costs nothing. */
void db_fail_at(unsigned long nth, bool for_good, enum db_fault fault);

/* Steps since the last db_fail_at. */
unsigned long db_steps(void);
