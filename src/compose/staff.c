/* staff.c - see teataja/compose/staff.h. */
#include "teataja/compose/staff.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sql/compose/staff.h"
#include "staff_queue.h"
#include "teataja/base/limits.h"
#include "teataja/base/log.h"

struct telling {
    struct compose *compose;
    struct db *db;
    struct arena *arena; /* the caller's */
    const struct staff_options *options;
    struct staff_items items;
    const struct staff_item **chosen; /* those of the subject at hand */
    size_t chosen_count;
    struct staff_notice *notices;
    size_t notice_count, notice_capacity;
};

/* ---- when ---- */

/* How many mails there were about a subject; -1 in *n while the next one has to wait. A last
 * one far in the future was dated by a clock that has been put back; one a little ahead, by
 * another scheduler that read the clock after us. */
static int next_number(struct telling *telling, const char *subject, int64_t *n, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(telling->db, SQL_STAFF_SUBJECT, &stmt, err);

    *n = 0;
    rc = rc < 0 ? rc : db_bind(stmt, err, "t", subject);
    rc = rc < 0 ? rc : db_next(stmt, err);
    if (rc == 1) {
        int64_t age = telling->options->now - db_int(stmt, 1);

        *n = age > -STAFF_PAUSE && age < STAFF_PAUSE ? -1 : db_int(stmt, 0);
        rc = 0;
    }
    db_stmt_free(stmt);
    return rc;
}

/* ---- whom ---- */

static int add_people(struct telling *telling, const struct staff_item *item,
                      struct staff_person **people, size_t *capacity, size_t *count,
                      struct err *err)
{
    static const enum site_staff_role roles[] = {SITE_STAFF_EDITOR, SITE_STAFF_ADMIN};
    int rc = 0;

    for (size_t r = 0; rc == 0 && r < sizeof(roles) / sizeof(roles[0]); r++) {
        struct staff_person *found = NULL;
        size_t found_count = 0;

        if (!staff_concerns(item->kind, roles[r])) {
            continue;
        }
        rc = staff_people(telling->compose->site.config, telling->arena, roles[r], item->newsletter,
                          &found, &found_count, err);
        for (size_t i = 0; rc == 0 && i < found_count; i++) {
            size_t j = 0;

            while (j < *count && strcmp((*people)[j].address.key, found[i].address.key) != 0) {
                j++;
            }
            if (j == *count) {
                rc = arena_grow(telling->arena, people, capacity, *count, sizeof(**people), err);
            }
            if (rc == 0 && j == *count) {
                (*people)[(*count)++] = found[i];
            }
        }
    }
    return rc;
}

/* What concerns no newsletter alone is for the editors of all. */
static int add_everybody(struct telling *telling, enum staff_kind kind,
                         struct staff_person **people, size_t *capacity, size_t *count,
                         struct err *err)
{
    const struct config *config = telling->compose->site.config;
    const struct staff_item item = {.kind = kind};
    int rc = add_people(telling, &item, people, capacity, count, err);

    for (size_t i = 0; rc == 0 && i < config->newsletter_count; i++) {
        const struct staff_item own = {.kind = kind, .newsletter = &config->newsletters[i]};

        rc = add_people(telling, &own, people, capacity, count, err);
    }
    return rc;
}

static int choose_people(struct telling *telling, struct staff_mail *mail, struct err *err)
{
    struct staff_person *people = NULL;
    size_t capacity = 0;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < mail->item_count; i++) {
        const struct staff_item *item = mail->items[i];

        rc = item->kind == STAFF_LEFT || item->kind == STAFF_TEST
                 ? add_everybody(telling, item->kind, &people, &capacity, &mail->person_count, err)
                 : add_people(telling, item, &people, &capacity, &mail->person_count, err);
    }
    mail->people = people;
    return rc;
}

/* ---- telling ---- */

static int add_notice(struct telling *telling, const struct staff_mail *mail, const char *title,
                      int64_t mailing, struct err *err)
{
    const char **addresses = arena_alloc(telling->arena, mail->person_count, sizeof(*addresses));
    struct staff_notice *notice;

    if (addresses == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; i < mail->person_count; i++) {
        addresses[i] = mail->people[i].address.text;
    }
    if (arena_grow(telling->arena, &telling->notices, &telling->notice_capacity,
                   telling->notice_count, sizeof(*telling->notices), err) < 0 ||
        telling->notices == NULL) {
        return ERR_NOMEM;
    }
    notice = &telling->notices[telling->notice_count++];
    *notice = (struct staff_notice){.subject = mail->subject,
                                    .title = title,
                                    .addresses = addresses,
                                    .address_count = mail->person_count,
                                    .mailing = mailing};
    return 0;
}

/* ERR_EXISTS: somebody else tells it just now. */
static int tell_subject(struct telling *telling, const char *subject, struct err *err)
{
    struct staff_mail mail = {.subject = subject,
                              .now = telling->options->now,
                              .items = telling->chosen,
                              .item_count = telling->chosen_count};
    const char *title = "";
    int64_t mailing = 0;
    int64_t n = 0;
    int rc = next_number(telling, subject, &n, err);

    if (rc < 0 || n < 0) {
        return rc;
    }
    rc = choose_people(telling, &mail, err);
    mail.dedupe = arena_printf(telling->arena, "notice:%s:%" PRId64, subject, n + 1);
    if (rc == 0 && mail.dedupe == NULL) {
        rc = err_nomem(err);
    }
    if (rc == 0 && telling->options->dry_run) {
        rc = staff_rehearse(telling->compose, telling->arena, &mail, &title, err);
    } else if (rc == 0) {
        rc = staff_queue(telling->compose, telling->arena, &mail, &title, &mailing, err);
    }
    if (rc == ERR_EXISTS) {
        return 0;
    }
    return rc < 0 ? rc : add_notice(telling, &mail, title, mailing, err);
}

static int note_mute(struct telling *telling, struct err *err)
{
    int rc =
        telling->options->dry_run || telling->chosen_count == 0 ? 0 : db_begin(telling->db, err);

    if (telling->options->dry_run || telling->chosen_count == 0) {
        return 0;
    }
    rc = rc < 0 ? rc
                : staff_note(telling->db, telling->chosen, telling->chosen_count,
                             telling->options->now, err);
    rc = rc < 0 ? rc : db_commit(telling->db, err);
    db_rollback(telling->db);
    return rc;
}

/* Chooses the items about a subject; those of NULL are mute. */
static void choose_items(struct telling *telling, const char *subject)
{
    telling->chosen_count = 0;
    for (size_t i = 0; i < telling->items.count; i++) {
        const struct staff_item *item = &telling->items.items[i];
        bool mute = item->kind == STAFF_MUTE;

        if (subject == NULL ? mute : !mute && strcmp(item->subject, subject) == 0) {
            telling->chosen[telling->chosen_count++] = item;
        }
    }
}

static bool comes_first(const struct telling *telling, size_t index)
{
    const struct staff_item *items = telling->items.items;

    for (size_t i = 0; i < index; i++) {
        if (items[i].kind != STAFF_MUTE && strcmp(items[i].subject, items[index].subject) == 0) {
            return false;
        }
    }
    return items[index].kind != STAFF_MUTE;
}

static int tell_all(struct telling *telling, struct err *err)
{
    int rc;

    telling->chosen = arena_alloc(telling->arena, telling->items.count, sizeof(void *));
    if (telling->chosen == NULL) {
        return err_nomem(err);
    }
    choose_items(telling, NULL);
    rc = note_mute(telling, err);
    for (size_t i = 0; rc == 0 && i < telling->items.count; i++) {
        struct err own = {0};

        if (!comes_first(telling, i)) {
            continue;
        }
        choose_items(telling, telling->items.items[i].subject);
        rc = tell_subject(telling, telling->items.items[i].subject, &own);
        if (rc < 0 && rc != ERR_NOMEM) {
            LOG(LOG_ERROR, "staff_not_told", log_text("subject", telling->items.items[i].subject),
                log_text("error", own.msg));
            rc = 0;
        } else if (rc < 0) {
            *err = own;
        }
    }
    return rc;
}

int staff_tell(struct compose *compose, struct arena *arena, const struct staff_options *options,
               struct staff_notice **out, size_t *count, struct err *err)
{
    struct telling telling = {
        .compose = compose, .db = compose->site.members->db, .arena = arena, .options = options};
    int64_t since = 0;
    int rc = staff_gather(compose, arena, options->now, &telling.items, err);

    if (rc == 0 && !options->dry_run) {
        rc = db_get_int(telling.db, SQL_STAFF_SINCE, &since, err, "");
        rc = rc == 0 ? db_exec(telling.db, SQL_STAFF_BEGIN, err, "i", options->now) : rc;
    }
    if (rc >= 0 && telling.items.count > 0) {
        rc = tell_all(&telling, err);
    }
    *out = telling.notices;
    *count = telling.notice_count;
    return rc < 0 ? rc : 0;
}

int staff_test(struct compose *compose, struct arena *arena, int64_t now, struct staff_notice *out,
               struct err *err)
{
    const struct staff_item item = {.kind = STAFF_TEST, .subject = "test", .name = "", .said = ""};
    const struct staff_item *const items[] = {&item};
    struct telling telling = {.compose = compose,
                              .db = compose->site.members->db,
                              .arena = arena,
                              .options = &(struct staff_options){.now = now}};
    struct staff_mail mail = {.subject = "staff", .now = now, .items = items, .item_count = 1};
    const char *title = "";
    int64_t mailing = 0;
    char nonce[32];
    int rc = choose_people(&telling, &mail, err);

    token_random(8, nonce);
    mail.dedupe = arena_printf(arena, "notice:staff:%s", nonce);
    rc = rc < 0 ? rc : mail.dedupe == NULL ? err_nomem(err) : 0;
    rc = rc < 0 ? rc : staff_queue(compose, arena, &mail, &title, &mailing, err);
    rc = rc < 0 ? rc : add_notice(&telling, &mail, title, mailing, err);
    if (rc == 0 && telling.notices != NULL) {
        *out = telling.notices[0];
    }
    return rc;
}

/* ---- what a person sees ---- */

static void mailing_key(int64_t mailing, char key[48])
{
    (void)snprintf(key, 48, "mailings/%" PRId64, mailing);
}

int staff_seen(struct db *db, int64_t mailing, int64_t now, struct err *err)
{
    char key[48];

    mailing_key(mailing, key);
    return db_exec(db, SQL_STAFF_TELL, err, "ttii", key, "sent", now, now);
}

int staff_unseen(struct db *db, int64_t mailing, struct err *err)
{
    char key[48];

    mailing_key(mailing, key);
    return db_exec(db, SQL_STAFF_UNSEEN, err, "t", key);
}
