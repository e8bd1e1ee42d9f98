/* message.c - see teataja/compose/message.h. */
#include "teataja/compose/message.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "sql/compose/message.h"
#include "teataja/base/limits.h"
#include "teataja/base/mem.h"
#include "teataja/compose/page.h"
#include "teataja/db/db.h"
#include "write.h"

enum {
    BUCKETS = 1024,
    JOB_ARENA = 1048576 /* bytes that one row's values may take */
};

/* A variant that was read. */
struct loaded {
    struct loaded *next;
    int64_t variant;
    struct arena *arena;
    struct program program;
};

struct composer {
    pthread_mutex_t lock; /* over db and buckets; a loaded variant needs none */
    struct db *db;
    struct token_key key;
    const struct dkim *dkim; /* NULL: messages are not signed */
    struct loaded *buckets[BUCKETS];
};

int composer_open(const char *database, const struct token_key *key, struct composer **out,
                  struct err *err)
{
    struct composer *composer = mem_alloc(1, sizeof(*composer));
    int rc;

    if (composer == NULL) {
        return err_nomem(err);
    }
    composer->key = *key;
    (void)pthread_mutex_init(&composer->lock, NULL);
    rc = db_open(database, DB_OPEN_READ, &composer->db, err);
    if (rc < 0) {
        composer_close(composer);
        return rc;
    }
    *out = composer;
    return 0;
}

void composer_sign(struct composer *composer, const struct dkim *dkim)
{
    composer->dkim = dkim;
}

void composer_close(struct composer *composer)
{
    if (composer == NULL) {
        return;
    }
    for (size_t i = 0; i < BUCKETS; i++) {
        while (composer->buckets[i] != NULL) {
            struct loaded *loaded = composer->buckets[i];

            composer->buckets[i] = loaded->next;
            arena_free(loaded->arena);
            mem_free(loaded);
        }
    }
    db_close(composer->db);
    (void)pthread_mutex_destroy(&composer->lock);
    mem_free(composer);
}

static int load_picture(struct db *db, struct arena *arena, int64_t mailing, const char *cid,
                        struct layout_picture *out, struct err *err)
{
    struct page_picture picture;
    int rc = page_picture_find(db, arena, mailing, cid, &picture, err);

    if (rc == ERR_NOT_FOUND) {
        return err_set(err, ERR_CORRUPT, "mailing %" PRId64 " has lost its image %s", mailing, cid);
    }
    if (rc == 0) {
        *out = (struct layout_picture){
            .cid = cid, .type = picture.type, .data = picture.data, .len = picture.len};
    }
    return rc;
}

static int lay_out(struct db *db, struct loaded *loaded, const char *lang, struct err *err)
{
    struct program *program = &loaded->program;
    struct layout_picture pictures[FROZEN_PICTURES];
    const struct layout_input input = {.uid = program->uid,
                                       .lang = lang,
                                       .pictures = pictures,
                                       .picture_count = program->frozen.cid_count};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < program->frozen.cid_count; i++) {
        rc = load_picture(db, loaded->arena, program->mailing, program->frozen.cids[i],
                          &pictures[i], err);
    }
    return rc == 0 ? program->envelope.kind->lay_out(loaded->arena, &input, &program->layout, err)
                   : rc;
}

static int read_row(struct loaded *loaded, struct db_stmt *stmt, struct err *err)
{
    struct program *program = &loaded->program;
    size_t len;
    const void *pieces = db_bytes(stmt, 4, &len);
    char *config = db_dup(stmt, 2, loaded->arena);
    int rc;

    program->uid = db_dup(stmt, 0, loaded->arena);
    program->date = db_int(stmt, 3);
    if (program->uid == NULL || config == NULL) {
        return err_nomem(err);
    }
    rc = envelope_read(loaded->arena, config, &program->envelope, err);
    if (rc == 0) {
        rc = frozen_read(loaded->arena, pieces, len, &program->frozen, err);
    }
    return rc == 0 ? write_prepare(program, loaded->arena, err) : rc;
}

static int load(struct composer *composer, const struct delivery_job *job, struct loaded *loaded,
                struct err *err)
{
    struct db_stmt *stmt = NULL;
    char *lang = NULL;
    int rc = db_query(composer->db, SQL_MESSAGE_MAILING, &stmt, err);

    loaded->variant = job->variant;
    loaded->program.mailing = job->mailing;
    if (rc == 0) {
        rc = db_bind(stmt, err, "ii", job->variant, job->mailing);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 0) {
        rc = err_set(err, ERR_CORRUPT, "mailing %" PRId64 " has no variant %" PRId64, job->mailing,
                     job->variant);
    } else if (rc == 1) {
        lang = db_dup(stmt, 1, loaded->arena);
        rc = lang != NULL ? read_row(loaded, stmt, err) : err_nomem(err);
    }
    db_stmt_free(stmt);
    return rc == 0 ? lay_out(composer->db, loaded, lang, err) : rc;
}

/* Under the lock. */
static int find(struct composer *composer, const struct delivery_job *job,
                const struct loaded **out, struct err *err)
{
    struct loaded **bucket = &composer->buckets[(uint64_t)job->variant % BUCKETS];
    struct loaded *loaded;
    int rc;

    for (loaded = *bucket; loaded != NULL; loaded = loaded->next) {
        if (loaded->variant == job->variant && loaded->program.mailing == job->mailing) {
            *out = loaded;
            return 0;
        }
    }
    loaded = mem_alloc(1, sizeof(*loaded));
    if (loaded == NULL) {
        return err_nomem(err);
    }
    loaded->arena = arena_new(LIMIT_ARENA_WORK);
    rc = loaded->arena == NULL ? err_nomem(err) : load(composer, job, loaded, err);
    if (rc < 0) {
        arena_free(loaded->arena);
        mem_free(loaded);
        return rc;
    }
    loaded->next = *bucket;
    *bucket = loaded;
    *out = loaded;
    return 0;
}

/* What became of an invitation since its letter was queued. Under the lock. */
static int look_at_answer(struct composer *composer, const struct program *program,
                          int64_t invitation, struct err *err)
{
    struct db_stmt *stmt = NULL;
    const char *why = NULL;
    int rc = db_query(composer->db, SQL_MESSAGE_ANSWER, &stmt, err);

    if (rc == 0) {
        rc = db_bind(stmt, err, "it", invitation, program->envelope.occurrence);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 1) {
        why = db_int(stmt, 0) != 0                  ? "the event was cancelled"
              : strcmp(db_text(stmt, 1), "no") == 0 ? "said no to the invitation"
                                                    : NULL;
    } else if (rc == 0) {
        why = "the invitation does not hold any more";
    }
    db_stmt_free(stmt);
    if (why != NULL) {
        return err_set(err, ERR_STATE, "%s, since it was queued", why);
    }
    return rc < 0 ? rc : 0;
}

int composer_message(void *ctx, const struct delivery_job *job, struct str *message,
                     char sender[LIMIT_ADDRESS + 1], struct err *err)
{
    struct composer *composer = ctx;
    const struct loaded *loaded = NULL;
    struct write_input input = {.row = job->row, .member = job->member, .address = job->address};
    struct arena *arena;
    size_t start = message->len;
    int rc;

    (void)pthread_mutex_lock(&composer->lock);
    rc = find(composer, job, &loaded, err);
    (void)pthread_mutex_unlock(&composer->lock);
    if (loaded == NULL) {
        return rc;
    }
    arena = arena_new(JOB_ARENA);
    if (arena == NULL) {
        return err_nomem(err);
    }
    rc = row_values_read(arena, job->slots, &input.values, err);
    if (rc == 0 && loaded->program.envelope.kind->watches && input.values.invitation != 0) {
        (void)pthread_mutex_lock(&composer->lock);
        rc = look_at_answer(composer, &loaded->program, input.values.invitation, err);
        (void)pthread_mutex_unlock(&composer->lock);
    }
    if (rc == 0) {
        rc = write_message(&loaded->program, &composer->key, &input, message, sender, err);
    }
    if (rc == 0 && composer->dkim != NULL) {
        rc = dkim_sign(composer->dkim, loaded->program.date, start, message, err);
    }
    arena_free(arena);
    return rc;
}
