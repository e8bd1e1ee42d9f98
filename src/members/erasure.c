#include "teataja/members/erasure.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "act.h"
#include "sql/members/erasure.h"
#include "suppression_key.h"
#include "teataja/base/civil.h"
#include "teataja/base/clock.h"
#include "teataja/base/file.h"
#include "teataja/base/limits.h"
#include "teataja/db/db.h"

#define ERASURE_UID 40                         /* bytes of a uid, with NUL */
#define ERASURE_LOG ((size_t)64 * 1024 * 1024) /* ceiling of the log */
#define ERASURE_ARENA (ERASURE_LOG + (size_t)1024 * 1024)

/* A line says when, and whose uid: nothing that leads to a person. */
static int erasure_log(const char *path, const char *uid, int64_t at, struct err *err)
{
    char instant[28];
    char line[128];
    int fd = -1;
    int len = 0;
    int rc = 0;

    civil_format_instant(at, instant);
    len = snprintf(line, sizeof(line), "%s erased member=%s\n", instant, uid);
    fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return err_set_errno(err, ERR_IO, errno, "cannot open '%s'", path);
    }
    if (write(fd, line, (size_t)len) != len || fsync(fd) < 0) {
        rc = err_set_errno(err, ERR_IO, errno, "cannot write '%s'", path);
    }
    close(fd);
    return rc;
}

/* Each address that the member has or had gets nothing more, whoever imports it. */
static int erasure_suppress(const struct members *members, int64_t id, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(members->db, SQL_ERASURE_KEYS, &stmt, err);

    if (rc == 0) {
        rc = db_bind_int(stmt, 1, id, err);
    }
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        rc = suppression_add_key(members, db_text(stmt, 0), SUPPRESSION_REQUEST, "erased", err);
    }
    db_stmt_free(stmt);
    return rc;
}

static int erasure_scrub(const struct members *members, int64_t id, int64_t now, struct err *err)
{
    const struct db_sql *const drops[] = {SQL_ERASURE_DROP_ADDRESSES, SQL_ERASURE_DROP_TERMS,
                                          SQL_ERASURE_DROP_ATTRS, SQL_ERASURE_DROP_SUBSCRIPTIONS,
                                          SQL_ERASURE_SCRUB_CONSENT};
    int rc = erasure_suppress(members, id, err);

    for (size_t i = 0; rc == 0 && i < sizeof(drops) / sizeof(drops[0]); i++) {
        rc = db_exec(members->db, drops[i], err, "i", id);
    }
    return rc == 0 ? db_exec(members->db, SQL_ERASURE_SCRUB_MEMBER, err, "ii", id, now) : rc;
}

/* 1 and the uid if the member is there to be erased, 0 if erased already. */
static int erasure_find(const struct members *members, int64_t id, char uid[ERASURE_UID],
                        struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(members->db, SQL_ERASURE_MEMBER, &stmt, err);

    if (rc == 0) {
        rc = db_bind_int(stmt, 1, id, err);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
        if (rc == 0) {
            rc = err_set(err, ERR_NOT_FOUND, "no member %" PRId64, id);
        }
    }
    if (rc == 1) {
        (void)snprintf(uid, ERASURE_UID, "%s", db_text(stmt, 0));
        rc = db_is_null(stmt, 1);
    }
    db_stmt_free(stmt);
    return rc;
}

int member_erase(const struct members *members, int64_t id, const char *log_path, struct err *err)
{
    struct act act = {0};
    char uid[ERASURE_UID];
    int64_t now = clock_now();
    int rc = act_begin(&act, members->db, err);

    if (rc < 0) {
        return rc;
    }
    rc = erasure_find(members, id, uid, err);
    if (rc == 1) {
        rc = erasure_scrub(members, id, now, err);
        /* Before the commit: a line too many is harmless, one too few is not. */
        if (rc == 0 && log_path != NULL) {
            rc = erasure_log(log_path, uid, now, err);
        }
    }
    return act_end(&act, rc, err);
}

static int erasure_replay(const struct members *members, char *log,
                          int (*scrub)(void *context, int64_t member, struct err *err),
                          void *context, size_t *count, struct err *err)
{
    char *rest = NULL;
    int rc = 0;

    for (char *line = strtok_r(log, "\n", &rest); rc == 0 && line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        const char *uid = strstr(line, " member=");
        int64_t id = 0;

        if (uid == NULL) {
            continue;
        }
        rc = db_get_int(members->db, SQL_ERASURE_ID_BY_UID, &id, err, "t", uid + 8);
        if (rc != 1) {
            continue;
        }
        rc = scrub == NULL ? 0 : scrub(context, id, err);
        if (rc == 0) {
            rc = member_erase(members, id, NULL, err);
            (*count)++;
        }
    }
    return rc;
}

int member_erase_replay(const struct members *members, const char *log_path,
                        int (*scrub)(void *context, int64_t member, struct err *err), void *context,
                        size_t *count, struct err *err)
{
    struct arena *arena = arena_new(ERASURE_ARENA);
    struct act act = {0};
    char *log = NULL;
    int rc = 0;

    *count = 0;
    if (arena == NULL) {
        return err_nomem(err);
    }
    rc = file_read(arena, log_path, ERASURE_LOG, &log, NULL, err);
    if (rc == ERR_NOT_FOUND) {
        err_clear(err);
        rc = 0;
        goto out;
    }
    if (rc == 0) {
        rc = act_begin(&act, members->db, err);
    }
    if (rc == 0) {
        rc = erasure_replay(members, log, scrub, context, count, err);
        rc = act_end(&act, rc, err);
    }
out:
    arena_free(arena);
    return rc;
}
