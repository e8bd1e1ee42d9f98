#include "teataja/db/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sql/db/backup.h"
#include "teataja/base/limits.h"
#include "teataja/base/mem.h"

enum { COPY_BLOCK = 1 << 16, PATH_ROOM = 1024 };

/* Files that SQLite may leave beside a database. */
static const char *const companions[] = {"", "-wal", "-shm", "-journal"};

static int beside(const char *path, const char *suffix, char out[PATH_ROOM], struct err *err)
{
    int len = snprintf(out, PATH_ROOM, "%s%s", path, suffix);

    return len > 0 && len < PATH_ROOM ? 0
                                      : err_set(err, ERR_LIMIT, "the path '%s' is too long", path);
}

static void discard(const char *path)
{
    char name[PATH_ROOM];

    for (size_t i = 0; i < sizeof(companions) / sizeof(companions[0]); i++) {
        if (beside(path, companions[i], name, NULL) == 0) {
            unlink(name);
        }
    }
}

static int sync_path(const char *path, int flags, struct err *err)
{
    int fd = open(path, flags | O_CLOEXEC);
    int rc = 0;

    if (fd < 0 || fsync(fd) != 0) {
        rc = err_set_errno(err, errno == ENOSPC ? ERR_FULL : ERR_IO, errno,
                           "cannot write '%s' to the disk", path);
    }
    if (fd >= 0) {
        close(fd);
    }
    return rc;
}

static int sync_folder_of(const char *path, struct err *err)
{
    char copy[PATH_ROOM];
    int rc = beside(path, "", copy, err);

    return rc < 0 ? rc : sync_path(dirname(copy), O_RDONLY | O_DIRECTORY, err);
}

/* An empty file of ours alone, which VACUUM INTO fills. */
static int reserve(const char *path, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0) {
        return err_set_errno(err, errno == EEXIST ? ERR_EXISTS : ERR_IO, errno, "cannot make '%s'",
                             path);
    }
    close(fd);
    return 0;
}

static int put_note(const char *path, const struct db_backup *note, struct err *err)
{
    struct db *copy = NULL;
    int rc = db_open(path, DB_OPEN_EXISTING, &copy, err);

    if (rc == 0) {
        rc = db_exec(copy, SQL_BACKUP_FORGET, err, "");
    }
    if (rc == 0) {
        rc = db_exec(copy, SQL_BACKUP_NOTE, err, "ittt", note->made_at, note->program, note->site,
                     note->token_key);
    }
    db_close(copy); /* its log goes into the file */
    return rc;
}

int db_backup_write(struct db *db, const char *path, const struct db_backup *note, struct err *err)
{
    char part[PATH_ROOM];
    int rc = beside(path, ".part", part, err);

    if (rc < 0) {
        return rc;
    }
    if (access(path, F_OK) == 0) {
        return err_set(err, ERR_EXISTS, "'%s' is there already", path);
    }
    discard(part); /* of a backup that was killed */
    rc = reserve(part, err);
    if (rc < 0) {
        return rc;
    }
    rc = db_exec(db, SQL_BACKUP_COPY, err, "t", part);
    if (rc == 0) {
        rc = put_note(part, note, err);
    }
    if (rc == 0) {
        rc = sync_path(part, O_RDONLY, err);
    }
    /* A link, unlike a rename, replaces nothing. */
    if (rc == 0 && link(part, path) != 0) {
        rc = err_set_errno(err, errno == EEXIST ? ERR_EXISTS : ERR_IO, errno, "cannot make '%s'",
                           path);
    }
    discard(part);
    return rc == 0 ? sync_folder_of(path, err) : rc;
}

static int copy_bytes(int from, int to, const char *from_name, const char *to_name, struct err *err)
{
    char *block = mem_alloc(COPY_BLOCK, 1);
    ssize_t got = -1;
    int rc = 0;

    if (block == NULL) {
        return err_nomem(err);
    }
    while (rc == 0 && (got = read(from, block, COPY_BLOCK)) > 0) {
        for (ssize_t at = 0; rc == 0 && at < got;) {
            ssize_t put = write(to, block + at, (size_t)(got - at));

            if (put < 0 && errno != EINTR) {
                rc = err_set_errno(err, errno == ENOSPC ? ERR_FULL : ERR_IO, errno,
                                   "cannot write '%s'", to_name);
            }
            at += put > 0 ? put : 0;
        }
    }
    if (rc == 0 && got < 0) {
        rc = err_set_errno(err, ERR_IO, errno, "cannot read '%s'", from_name);
    }
    mem_free(block);
    return rc;
}

static int copy_file(const char *from_name, const char *to_name, struct err *err)
{
    int from = open(from_name, O_RDONLY | O_CLOEXEC);
    int to = -1;
    int rc = 0;

    if (from < 0) {
        return err_set_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno,
                             "cannot read '%s'", from_name);
    }
    to = open(to_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (to < 0) {
        rc = err_set_errno(err, ERR_IO, errno, "cannot make '%s'", to_name);
    } else {
        rc = copy_bytes(from, to, from_name, to_name, err);
        close(to);
    }
    close(from);
    return rc;
}

/* What is no database at all is told before SQLite names the copy. */
static int check_head(const char *path, struct err *err)
{
    static const char head[16] = "SQLite format 3";
    char found[sizeof(head)] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool same = fd >= 0 && read(fd, found, sizeof(found)) == (ssize_t)sizeof(found) &&
                memcmp(found, head, sizeof(head)) == 0;

    if (fd >= 0) {
        close(fd);
    }
    return same ? 0 : err_set(err, ERR_CORRUPT, "it is not a database that 'teataja backup' made");
}

static int read_note(struct db *db, struct arena *arena, struct db_backup *note, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, SQL_BACKUP_READ, &stmt, err);

    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 1) {
        note->made_at = db_int(stmt, 0);
        note->program = db_dup(stmt, 1, arena);
        note->site = db_dup(stmt, 2, arena);
        note->token_key = db_dup(stmt, 3, arena);
        rc = (note->program == NULL && !db_is_null(stmt, 1)) ||
                     (note->site == NULL && !db_is_null(stmt, 2)) ||
                     (note->token_key == NULL && !db_is_null(stmt, 3))
                 ? err_nomem(err)
                 : 0;
    }
    db_stmt_free(stmt);
    return rc == 0 ? db_exec(db, SQL_BACKUP_FORGET, err, "") : rc;
}

int db_backup_unpack(const char *backup, const char *path, struct arena *arena, struct db **out,
                     struct db_backup *note, struct err *err)
{
    char *found = NULL;
    int rc;

    *out = NULL;
    memset(note, 0, sizeof(*note));
    discard(path);
    rc = copy_file(backup, path, err);
    if (rc == 0) {
        rc = check_head(path, err);
    }
    if (rc == 0) {
        rc = db_open(path, DB_OPEN_EXISTING, out, err);
    }
    if (rc == 0) {
        rc = db_check(*out, arena, &found, err);
    }
    if (rc == 0 && strcmp(found, "ok") != 0) {
        rc = err_set(err, ERR_CORRUPT, "'%s' is damaged: %s", backup, found);
    }
    if (rc == 0) {
        rc = read_note(*out, arena, note, err);
    }
    if (rc < 0) {
        db_close(*out);
        *out = NULL;
        discard(path);
        return err_prefix(err, "'%s' cannot be restored", backup);
    }
    return 0;
}
