/* erase.c - see erase.h. */
#include "erase.h"

#include "teataja/base/file.h"
#include "teataja/delivery/mailing.h"
#include "teataja/events/invitation.h"
#include "teataja/members/erasure.h"

static int find_log(struct workspace *workspace, char **out, struct err *err)
{
    char *var = NULL;
    int rc = workspace_var(workspace, &var, err);

    if (rc < 0) {
        return rc;
    }
    *out = file_join(workspace->arena, var, "erasure.log");
    return *out != NULL ? 0 : err_nomem(err);
}

/* The rooms besides members. */
static int scrub(void *context, int64_t member, struct err *err)
{
    struct db *db = context;
    int rc = mailing_scrub_member(db, member, err);

    return rc < 0 ? rc : invitation_scrub_member(db, member, err);
}

int erase_member(struct workspace *workspace, int64_t id, struct err *err)
{
    char *log = NULL;
    int rc = find_log(workspace, &log, err);

    rc = rc < 0 ? rc : db_begin(workspace->db, err);
    if (rc == 0) {
        rc = scrub(workspace->db, id, err);
    }
    if (rc == 0) {
        rc = member_erase(&workspace->members, id, log, err);
    }
    if (rc == 0) {
        rc = db_commit(workspace->db, err);
    }
    db_rollback(workspace->db);
    return rc;
}

int erase_again(struct workspace *workspace, struct db *db, size_t *count, struct err *err)
{
    const struct members members = {.db = db, .config = &workspace->config, .key = &workspace->key};
    char *log = NULL;
    int rc = find_log(workspace, &log, err);

    *count = 0;
    return rc < 0 ? rc : member_erase_replay(&members, log, scrub, db, count, err);
}
