#include "teataja/delivery/mailing_draft.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "sql/delivery/mailing_draft.h"
#include "teataja/base/arena.h"
#include "teataja/base/limits.h"
#include "teataja/base/log.h"
#include "teataja/base/mem.h"
#include "teataja/base/token.h"

enum {
    UID_BYTES = 10,
    UID_TEXT = UID_BYTES * 2,
    LOCK_PATH = 4096,
    LOG_KIB = 4096 /* a checkpoint of 16 MB can take 200 ms */
};

/* Held by whoever makes a mailing, or removes what a dead one left. */
struct lock {
    int fd; /* -1: none */
    char path[LOCK_PATH];
};

struct mailing_draft {
    struct db *db;
    int64_t id;
    char uid[UID_TEXT];
    bool ready;
    struct lock lock;
};

/* 1 when the lock is held now, 0 when somebody else holds it. A database in memory has
 * one user: there is nobody to lock out. */
static int lock_take(struct lock *lock, const struct db *db, const char *uid, struct err *err)
{
    const char *path = db_path(db);
    const char *slash = strrchr(path, '/');
    int folder = slash != NULL ? (int)(slash - path) + 1 : 0;

    lock->fd = -1;
    if (strcmp(path, ":memory:") == 0) {
        return 1;
    }
    if (snprintf(lock->path, sizeof(lock->path), "%.*smailing-%s.lock", folder, path, uid) >=
        (int)sizeof(lock->path)) {
        return err_set(err, ERR_LIMIT, "the path of the database is too long for its locks");
    }
    lock->fd = open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock->fd < 0) {
        return err_set_errno(err, errno == EACCES ? ERR_DENIED : ERR_IO, errno, "cannot open '%s'",
                             lock->path);
    }
    if (flock(lock->fd, LOCK_EX | LOCK_NB) == 0) {
        return 1;
    }
    close(lock->fd);
    lock->fd = -1;
    return 0;
}

/* The file goes before the lock does: who opened it already gets a lock on nothing, and
 * finds no draft of that uid. */
static void lock_release(struct lock *lock)
{
    if (lock->fd >= 0) {
        (void)unlink(lock->path);
        close(lock->fd);
        lock->fd = -1;
    }
}

/* ---- removing ---- */

static int forget(struct db *db, const char *uid, struct err *err)
{
    static const struct {
        const struct db_sql *sql;
        int64_t most; /* rows at once; a variant is 50 KB */
    } steps[] = {
        {SQL_MAILING_DRAFT_FORGET_QUEUED, 1000}, {SQL_MAILING_DRAFT_FORGET_OUTBOX, 1000},
        {SQL_MAILING_DRAFT_FORGET_ITEMS, 1000},  {SQL_MAILING_DRAFT_FORGET_VARIANTS, 100},
        {SQL_MAILING_DRAFT_FORGET_PARTS, 100},   {SQL_MAILING_DRAFT_RETURN, 1},
        {SQL_MAILING_DRAFT_FORGET, 1},
    };
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof(steps) / sizeof(steps[0]); i++) {
        while ((rc = db_exec(db, steps[i].sql, err, "ti", uid, steps[i].most)) == 0 &&
               db_changes(db) == steps[i].most) {
            db_pause();
        }
    }
    return rc;
}

/* While much is written that may be lost: commits without fsync, short checkpoints. */
static int hurry(struct db *db, bool on, struct err *err)
{
    db_set_log(db, on ? LOG_KIB : 0);
    return db_set_durability(db, on ? DB_SURVIVES_KILL : DB_SURVIVES_POWER_CUT, err);
}

struct listed {
    int64_t id;
    const char *uid;
};

static int list_drafts(struct db *db, struct arena *arena, struct listed **out, size_t *count,
                       struct err *err)
{
    struct db_stmt *stmt = NULL;
    size_t capacity = 0;
    int rc = db_query(db, SQL_MAILING_DRAFT_LIST, &stmt, err);

    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        rc = arena_grow(arena, out, &capacity, *count, sizeof(**out), err);
        if (rc == 0) {
            struct listed *draft = &(*out)[(*count)++];

            *draft = (struct listed){.id = db_int(stmt, 0), .uid = db_dup(stmt, 1, arena)};
            rc = draft->uid != NULL ? 0 : err_nomem(err);
        }
    }
    db_stmt_free(stmt);
    return rc;
}

/* Leaves it alone if its maker lives. */
static int remove_dead(struct db *db, const struct listed *draft, struct err *err)
{
    struct err ignored = {0};
    struct lock lock;
    int rc = lock_take(&lock, db, draft->uid, err);

    if (rc != 1) {
        return rc;
    }
    rc = hurry(db, true, err);
    if (rc == 0) {
        rc = forget(db, draft->uid, err);
    }
    (void)hurry(db, false, &ignored);
    lock_release(&lock);
    LOG(LOG_INFO, "dead_draft_removed", log_int("mailing", draft->id));
    return rc;
}

int mailing_draft_clear(struct db *db, struct err *err)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct listed *drafts = NULL;
    size_t count = 0;
    int rc = arena == NULL ? err_nomem(err) : list_drafts(db, arena, &drafts, &count, err);

    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = remove_dead(db, &drafts[i], err);
    }
    arena_free(arena);
    return rc;
}

/* ---- making ---- */

/* Takes the lock of draft->uid. */
static int start(struct mailing_draft *draft, struct err *err)
{
    int rc = lock_take(&draft->lock, draft->db, draft->uid, err);

    if (rc == 0) {
        rc = err_set(err, ERR_BUSY, "'%s' is held by another program", draft->lock.path);
    }
    return rc < 0 ? rc : 0;
}

/* With the mailing there: nothing that follows needs to survive a power cut. */
static int hand_out(struct mailing_draft *draft, int rc, struct mailing_draft **out,
                    struct err *err)
{
    if (rc == 0) {
        rc = hurry(draft->db, true, err);
    }
    if (rc < 0) {
        mailing_draft_close(draft);
        return rc;
    }
    *out = draft;
    return 0;
}

int mailing_draft_open(struct db *db, const struct mailing *plan, struct mailing_draft **out,
                       struct err *err)
{
    struct mailing_draft *draft = mem_alloc(1, sizeof(*draft));
    struct mailing named = *plan;
    int rc;

    if (draft == NULL) {
        return err_nomem(err);
    }
    draft->db = db;
    token_random(UID_BYTES, draft->uid);
    named.uid = draft->uid;
    rc = start(draft, err);
    if (rc == 0) {
        rc = mailing_create(db, &named, &draft->id, err);
    }
    return hand_out(draft, rc, out, err);
}

/* Its uid names the lock: whoever finds it expanding looks for its maker there. */
static int read_uid(struct mailing_draft *draft, int64_t id, struct err *err)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct mailing mailing = {0};
    int rc = arena == NULL ? err_nomem(err) : mailing_get(draft->db, arena, id, &mailing, err);

    if (rc == 0) {
        (void)snprintf(draft->uid, sizeof(draft->uid), "%s", mailing.uid);
    }
    arena_free(arena);
    return rc;
}

int mailing_draft_reopen(struct db *db, int64_t id, const struct mailing *plan,
                         struct mailing_draft **out, struct err *err)
{
    struct mailing_draft *draft = mem_alloc(1, sizeof(*draft));
    int rc;

    if (draft == NULL) {
        return err_nomem(err);
    }
    draft->db = db;
    draft->lock.fd = -1;
    rc = read_uid(draft, id, err);
    if (rc == 0) {
        rc = start(draft, err);
        if (rc == ERR_BUSY) {
            rc = err_set(err, ERR_EXISTS, "mailing %lld is being released by another send",
                         (long long)id);
        }
    }
    if (rc == 0) {
        rc = db_exec(db, SQL_MAILING_DRAFT_REOPEN, err, "i?itti", id, plan->list != 0, plan->list,
                     plan->priority, plan->config, plan->audience, plan->message_date);
    }
    if (rc == 0 && db_changes(db) != 1) {
        rc = err_set(err, ERR_EXISTS, "mailing %lld is being released, or was decided otherwise",
                     (long long)id);
    }
    if (rc == 0) {
        draft->id = id;
    }
    return hand_out(draft, rc, out, err);
}

int64_t mailing_draft_id(const struct mailing_draft *draft)
{
    return draft->id;
}

int mailing_draft_settle(struct mailing_draft *draft, struct err *err)
{
    return hurry(draft->db, false, err);
}

int mailing_draft_ready(struct mailing_draft *draft, const char *hash, int64_t not_after,
                        struct err *err)
{
    int rc = db_in_transaction(draft->db) ? 0 : mailing_draft_settle(draft, err);

    if (rc == 0) {
        rc = db_exec(draft->db, SQL_MAILING_DRAFT_READY, err, "it?", draft->id, hash,
                     not_after != 0, not_after);
    }
    if (rc == 0 && db_changes(draft->db) != 1) {
        rc = err_set(err, ERR_STATE, "mailing %lld was removed while it was made",
                     (long long)draft->id);
    }
    draft->ready = rc == 0;
    return rc;
}

void mailing_draft_close(struct mailing_draft *draft)
{
    struct err ignored = {0};

    if (draft == NULL) {
        return;
    }
    /* What cannot be removed now, the next draft finds without a maker. */
    if (draft->id != 0 && !draft->ready) {
        (void)forget(draft->db, draft->uid, &ignored);
    }
    if (draft->id != 0) {
        (void)hurry(draft->db, false, &ignored);
    }
    lock_release(&draft->lock);
    mem_free(draft);
}
