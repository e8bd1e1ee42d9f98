/* staff_left.c - what of the site is left out, as one matter: see staff_item.h. */
#include <string.h>

#include "sql/compose/staff.h"
#include "staff_item.h"
#include "teataja/base/limits.h"
#include "teataja/base/token.h"
#include "teataja/config/left_out.h"

#define KEY "left"
#define SEEN '~' /* before the digest of what was seen, and is not told yet */

enum { SAID_MOST = 5 }; /* problems in a mail */

static int digest_all(const struct left_outs *left, char out[33], struct err *err)
{
    struct str text;
    int rc;

    str_init(&text, LIMIT_ARENA_WORK);
    for (size_t i = 0; i < left->count; i++) {
        str_addf(&text, "%s/%s %s\n", left->items[i].folder, left->items[i].slug,
                 left->items[i].problem);
    }
    rc = str_check(&text, err);
    if (rc == 0) {
        token_digest(text.data, text.len, out);
    }
    str_release(&text);
    return rc;
}

/* What is known to the staff: "" if nothing. */
static int read_told(struct db *db, struct arena *arena, const char **state, int64_t *since,
                     struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, SQL_STAFF_TOLD, &stmt, err);

    *state = "";
    *since = 0;
    rc = rc < 0 ? rc : db_bind(stmt, err, "t", KEY);
    rc = rc < 0 ? rc : db_next(stmt, err);
    if (rc == 1) {
        *state = db_dup(stmt, 0, arena);
        *since = db_int(stmt, 1);
        rc = *state != NULL ? 0 : err_nomem(err);
    }
    db_stmt_free(stmt);
    return rc;
}

static const char *name_of(const struct left_outs *left, struct arena *arena)
{
    const struct left_out *first = &left->items[0];

    return left->count == 1
               ? arena_printf(arena, "%s/%s", first->folder, first->slug)
               : arena_printf(arena, "%s/%s (+%zu)", first->folder, first->slug, left->count - 1);
}

static const char *problems_of(const struct left_outs *left, struct arena *arena)
{
    const char *out = left->items[0].problem;

    for (size_t i = 1; out != NULL && i < left->count && i < SAID_MOST; i++) {
        out = arena_printf(arena, "%s; %s", out, left->items[i].problem);
    }
    return out != NULL && left->count > SAID_MOST ? arena_printf(arena, "%s; …", out) : out;
}

/* A file that is half saved is right at the next look: nothing is told of the first. */
int staff_left(struct compose *compose, struct arena *arena, int64_t now, struct staff_item *out,
               struct err *err)
{
    const struct left_outs *left = &compose->site.config->left;
    const char *told = "";
    int64_t since = 0;
    char digest[33] = "";
    int rc = left->count > 0 ? digest_all(left, digest, err) : 0;
    bool ripe;

    rc = rc < 0 ? rc : read_told(compose->site.members->db, arena, &told, &since, err);
    if (rc < 0 || strcmp(told, digest) == 0) {
        return rc;
    }
    *out = (struct staff_item){
        .kind = STAFF_MUTE, .key = KEY, .since = now, .subject = KEY, .name = "", .said = ""};
    if (left->count == 0) {
        out->state = "";
        return 1;
    }
    ripe = told[0] == SEEN && strcmp(told + 1, digest) == 0;
    if (!ripe) {
        out->state = arena_printf(arena, "%c%s", SEEN, digest);
        return 1;
    }
    /* Another scheduler may have read the clock after us. */
    if (now - since > -STAFF_PATIENCE && now - since < STAFF_PATIENCE) {
        return 0;
    }
    out->kind = STAFF_LEFT;
    out->state = arena_strdup(arena, digest);
    out->since = since;
    out->name = name_of(left, arena);
    out->said = problems_of(left, arena);
    return 1;
}
