/* teataja/db/backup.h - one file that brings a site's data back.
 *
 * A backup is a database of its own: all tables as they stood at one instant, compact,
 * and in table `backup` what else is needed. It is made while others read and write.
 */
#pragma once

#include "teataja/base/arena.h"
#include "teataja/db/db.h"

/* What a backup says of itself. Texts may be NULL where there is none. */
struct db_backup {
    int64_t made_at;       /* 0: a database, but no backup */
    const char *program;   /* version of teataja */
    const char *site;      /* name of the site */
    const char *token_key; /* what signs links, hexadecimal: a secret */
};

/* Writes a backup, readable by its owner only, complete or not at all: it is synced
 * under another name first. ERR_EXISTS if `path` is there already; ERR_FULL, ERR_IO. */
int db_backup_write(struct db *db, const char *path, const struct db_backup *note, struct err *err);

/* Copies a backup to `path`, opens the copy, brings it up to date and takes what it says
 * of itself out of it. The copy is checked: ERR_CORRUPT, ERR_NEWER. After an error
 * nothing is at `path`. The texts live in the arena. */
int db_backup_unpack(const char *backup, const char *path, struct arena *arena, struct db **out,
                     struct db_backup *note, struct err *err);
