/* letter_anew.c - what became too old while it waited: letter_anew in teataja/compose/letter.h. */
#include <string.h>

#include "letter_draft.h"
#include "room.h"
#include "teataja/base/limits.h"
#include "teataja/base/log.h"
#include "teataja/compose/letter.h"
#include "teataja/delivery/overdue.h"

/* What a person wrote or approved waits for a person. */
bool letter_is_renewed(const struct newsletter *newsletter, const char *subject)
{
    return newsletter != NULL &&
           strncmp(subject, LETTER_AUTOMATIC, strlen(LETTER_AUTOMATIC)) == 0 &&
           newsletter->compose == COMPOSE_AUTO && newsletter->approval == APPROVAL_NONE &&
           newsletter->draft_before == 0;
}

static void tell(const struct overdue *overdue, const struct letter_summary *summary,
                 const char *why)
{
    for (size_t i = 0; i < summary->warning_count; i++) {
        LOG(LOG_WARN, "letter_warning", log_text("letter", overdue->subject),
            log_text("warning", summary->warnings[i]));
    }
    LOG(LOG_WARN, "letter_anew", log_text("letter", overdue->subject),
        log_int("instead_of", overdue->mailing), log_int("mailing", summary->mailing),
        log_int("recipients", summary->total), log_text("why_not", why));
}

/* 1 if a mailing was made. */
static int compose_one(struct compose *compose, struct arena *arena, const struct overdue *overdue,
                       int64_t now, struct err *err)
{
    struct db *db = compose->site.members->db;
    const struct letter_options options = {.instead = overdue->mailing, .date = now};
    struct letter_summary summary = {0};
    struct err why = {0};
    int64_t replaced = 0;
    int made;
    int rc = overdue_replace(db, overdue->mailing, now, &replaced, err);

    if (rc < 0) {
        return rc;
    }
    made = letter_make(compose, arena, overdue->subject, &options, NULL, &summary, &why);
    tell(overdue, &summary, made < 0 ? why.msg : "");
    /* It was made before; or there is nothing for them without that call. */
    if (made == 0 || made == ERR_EXISTS || made == ERR_STATE) {
        rc = overdue_settle(db, overdue->mailing, err);
    }
    return rc < 0 ? rc : made == 0;
}

int letter_anew(struct compose *compose, int64_t now, int64_t *made, struct err *err)
{
    struct arena *arena = arena_new(LIMIT_ARENA_SITE);
    struct overdue *list = NULL;
    int count = arena == NULL ? err_nomem(err)
                              : overdue_list(compose->site.members->db, arena, now, &list, err);
    int rc = count < 0 ? count : 0;

    *made = 0;
    for (int i = 0; rc == 0 && list != NULL && i < count; i++) {
        const struct newsletter *newsletter =
            config_newsletter(compose->site.config, list[i].subject + strlen(LETTER_AUTOMATIC));

        if (letter_is_renewed(newsletter, list[i].subject)) {
            rc = compose_one(compose, arena, &list[i], now, err);
            *made += rc == 1;
            rc = rc == 1 ? 0 : rc;
        }
    }
    arena_free(arena);
    return rc;
}
