/* history.c - see history.h. */
#include "history.h"

#include <string.h>

#include "sql/compose/selection.h"

enum { TOLD_MOST = 160 }; /* bytes of a round as the ledger keeps it */

int history_read(struct db *db, struct arena *arena, int64_t member, struct history *out,
                 struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc;

    memset(out, 0, sizeof(*out));
    if (member == 0) {
        return 0;
    }
    rc = db_query(db, SQL_SELECTION_HAD, &stmt, err);
    if (rc == 0) {
        rc = db_bind_int(stmt, 1, member, err);
    }
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        rc = arena_grow(arena, &out->items, &out->capacity, out->count, sizeof(*out->items), err);
        if (rc == 0) {
            struct had *had = &out->items[out->count++];

            *had = (struct had){.kind = db_dup(stmt, 0, arena),
                                .slug = db_dup(stmt, 1, arena),
                                .round = db_dup(stmt, 2, arena)};
            rc = had->kind != NULL && had->slug != NULL && had->round != NULL ? 0 : err_nomem(err);
        }
    }
    db_stmt_free(stmt);
    return rc;
}

size_t history_key(const char *told)
{
    return strcspn(told, ">!~");
}

static const char *last(const struct history *history, const char *kind, const char *slug,
                        const char *key, size_t len)
{
    for (size_t i = history->count; i > 0; i--) {
        const struct had *had = &history->items[i - 1];

        if (strcmp(had->kind, kind) == 0 && strcmp(had->slug, slug) == 0 &&
            (key == NULL ||
             (len == history_key(had->round) && strncmp(had->round, key, len) == 0))) {
            return had->round;
        }
    }
    return NULL;
}

const char *history_call(const struct history *history, const char *slug, const char *key)
{
    return last(history, "call", slug, key, key != NULL ? strlen(key) : 0);
}

const char *history_event(const struct history *history, const char *slug, const char *told)
{
    return last(history, "event", slug, told, history_key(told));
}

bool history_news(const struct history *history, const char *slug)
{
    return last(history, "news", slug, NULL, 0) != NULL;
}

bool history_same(const char *told, const char *round)
{
    size_t len = strcspn(told, "!~");

    return len == strlen(round) && strncmp(told, round, len) == 0;
}

bool history_reminded(const struct history *history, const char *slug, const char *round)
{
    for (size_t i = 0; i < history->count; i++) {
        const struct had *had = &history->items[i];

        if (strcmp(had->kind, "call") == 0 && strcmp(had->slug, slug) == 0 &&
            strchr(had->round, '~') != NULL && history_same(had->round, round)) {
            return true;
        }
    }
    return false;
}

void history_deadline(const char *told, struct civil *out)
{
    const char *deadline = strchr(told, '>');
    char text[TOLD_MOST];
    struct err ignored = {0};
    size_t len;

    deadline = deadline != NULL ? deadline + 1 : told;
    len = strcspn(deadline, "!~");
    memset(out, 0, sizeof(*out));
    if (len < sizeof(text)) {
        memcpy(text, deadline, len);
        text[len] = '\0';
        if (civil_parse(text, out, &ignored) < 0) {
            memset(out, 0, sizeof(*out));
        }
    }
}
