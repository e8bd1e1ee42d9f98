/* src/db/driver.h - what the files of room db share. */
#pragma once

#include "teataja/db/db.h"

/* Runs a script of several statements (a migration). */
int driver_script(struct db *db, const char *name, const char *script, struct err *err);

/* Whether the database is one of ours or has no tables yet; only reads. ERR_CORRUPT: it is
 * of another program. */
int migrate_recognise(struct db *db, struct err *err);

/* Brings the schema up to date, or says why it cannot. */
int migrate_up(struct db *db, bool may_write, struct err *err);
