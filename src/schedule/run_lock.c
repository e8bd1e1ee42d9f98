/* run_lock.c - a file beside the database, which the system unlocks when we die. */
#include "run_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file that was unlinked while we waited for its lock guards nothing. */
static int is_still_there(const struct run_lock *lock)
{
    struct stat open_file;
    struct stat named;

    return fstat(lock->fd, &open_file) == 0 && stat(lock->path, &named) == 0 &&
           open_file.st_ino == named.st_ino && open_file.st_dev == named.st_dev;
}

int run_lock_take(struct run_lock *lock, const struct db *db, int64_t run, struct err *err)
{
    const char *path = db_path(db);
    const char *slash = strrchr(path, '/');
    int folder = slash != NULL ? (int)(slash - path) + 1 : 0;

    lock->fd = -1;
    if (strcmp(path, ":memory:") == 0) {
        return 1;
    }
    if (snprintf(lock->path, sizeof(lock->path), "%.*sschedule-%" PRId64 ".lock", folder, path,
                 run) >= (int)sizeof(lock->path)) {
        return err_set(err, ERR_LIMIT, "the path of the database is too long for its locks");
    }
    lock->fd = open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock->fd < 0) {
        return err_set_errno(err, errno == EACCES ? ERR_DENIED : ERR_IO, errno, "cannot open '%s'",
                             lock->path);
    }
    if (flock(lock->fd, LOCK_EX | LOCK_NB) == 0 && is_still_there(lock)) {
        return 1;
    }
    close(lock->fd);
    lock->fd = -1;
    return 0;
}

void run_lock_release(struct run_lock *lock)
{
    if (lock->fd >= 0) {
        (void)unlink(lock->path);
        close(lock->fd);
        lock->fd = -1;
    }
}
