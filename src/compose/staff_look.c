/* What there is to tell: see staff_item.h. Everything is read from the database, and only
 * what is not told yet in its present state: a look that finds nothing costs a few reads. */
#include <inttypes.h>
#include <string.h>

#include "sql/compose/staff.h"
#include "staff_item.h"
#include "teataja/compose/letter.h"

struct look {
    struct compose *compose;
    struct db *db;
    struct arena *arena;
    int64_t now;
    int64_t since; /* of the first look */
    struct staff_items *out;
};

static int add(struct look *look, const struct staff_item *item, struct err *err)
{
    struct staff_items *out = look->out;
    int rc;

    if (item->key == NULL || item->state == NULL || item->subject == NULL || item->name == NULL ||
        item->said == NULL) {
        return err_nomem(err);
    }
    rc = arena_grow(look->arena, &out->items, &out->capacity, out->count, sizeof(*out->items), err);
    if (rc == 0) {
        out->items[out->count++] = *item;
    }
    return rc;
}

static const struct newsletter *newsletter_of_list(const struct config *config, const char *list)
{
    for (size_t i = 0; i < config->newsletter_count; i++) {
        if (strcmp(config->newsletters[i].list, list) == 0) {
            return &config->newsletters[i];
        }
    }
    return NULL;
}

/* "newsletters/funding", "issues/2026-12", "events/forum": whose editors look after it. */
static const struct newsletter *newsletter_of(const struct look *look, const char *target)
{
    const struct compose_site *site = &look->compose->site;
    const char *slug = strchr(target, '/');
    const struct issue *issue = NULL;
    const struct event *event = NULL;

    slug = slug != NULL ? slug + 1 : target;
    if (strncmp(target, LETTER_AUTOMATIC, strlen(LETTER_AUTOMATIC)) == 0) {
        return config_newsletter(site->config, slug);
    }
    if (strncmp(target, "issues/", 7) == 0) {
        issue = content_issue(site->content, slug);
    } else if (strncmp(target, "events/", 7) == 0) {
        event = event_find(site->events, slug);
    }
    if (issue != NULL) {
        return issue->newsletter;
    }
    return event != NULL && event->list != NULL ? newsletter_of_list(site->config, event->list)
                                                : NULL;
}

/* ---- each kind ---- */

static int take_draft(struct look *look, struct db_stmt *stmt, struct err *err)
{
    const struct config *config = look->compose->site.config;
    struct approval *draft = arena_alloc(look->arena, 1, sizeof(*draft));
    const char *key = arena_printf(look->arena, "drafts/%" PRId64, db_int(stmt, 0));
    const struct newsletter *newsletter;
    int rc;

    if (draft == NULL) {
        return err_nomem(err);
    }
    rc = approval_get(look->db, look->arena, db_int(stmt, 0), draft, err);
    if (rc < 0) {
        return rc;
    }
    newsletter = draft->newsletter[0] != '\0' ? config_newsletter(config, draft->newsletter)
                                              : newsletter_of(look, draft->target);
    return add(look,
               &(struct staff_item){.kind = strcmp(draft->state, "waiting") == 0 ? STAFF_DRAFT
                                                                                 : STAFF_REJECTED,
                                    .key = key,
                                    .state = db_dup(stmt, 1, look->arena),
                                    .since = look->now,
                                    .subject = key,
                                    .name = draft->subject,
                                    .said = draft->reason,
                                    .newsletter = newsletter,
                                    .mailing = draft->mailing,
                                    .draft = draft},
               err);
}

/* Of a mailing that is finished or held. */
static int mailing_kind(struct look *look, struct db_stmt *stmt, enum staff_kind *out,
                        struct err *err)
{
    struct mailing_counts counts = {0};
    bool sent = strcmp(db_text(stmt, 1), "sent") == 0;
    bool halted = db_text(stmt, 2)[0] != '\0';
    int rc = sent || halted ? 0 : mailing_count(look->db, db_int(stmt, 0), &counts, err);

    *out = sent                 ? STAFF_SENT
           : halted             ? STAFF_HALTED
           : counts.unknown > 0 ? STAFF_HELD
                                : STAFF_OVERDUE;
    return rc;
}

static int take_mailing(struct look *look, struct db_stmt *stmt, struct err *err)
{
    enum staff_kind kind;
    int rc = mailing_kind(look, stmt, &kind, err);
    bool sent = kind == STAFF_SENT;
    int64_t id = db_int(stmt, 0);
    const char *key = arena_printf(look->arena, "mailings/%" PRId64, id);
    const struct newsletter *newsletter = newsletter_of(look, db_text(stmt, 5));

    if (rc < 0) {
        return rc;
    }
    return add(look,
               &(struct staff_item){
                   .kind = kind,
                   .key = key,
                   .state = sent ? "sent" : "held",
                   .since = sent ? db_int(stmt, 4) : look->now,
                   .subject = key,
                   .name = db_dup(stmt, 5, look->arena),
                   .said = db_dup(stmt, 2, look->arena),
                   .newsletter = newsletter != NULL ? newsletter
                                                    : newsletter_of_list(look->compose->site.config,
                                                                         db_text(stmt, 6)),
                   .mailing = id,
                   .begun = db_int(stmt, 3)},
               err);
}

static int take_went_on(struct look *look, struct db_stmt *stmt, struct err *err)
{
    const char *key = db_dup(stmt, 0, look->arena);

    return add(look,
               &(struct staff_item){.kind = STAFF_MUTE,
                                    .key = key,
                                    .state = "",
                                    .since = look->now,
                                    .subject = "",
                                    .name = "",
                                    .said = ""},
               err);
}

static int take_relay(struct look *look, struct db_stmt *stmt, enum staff_kind kind,
                      const char *state, struct err *err)
{
    const char *key;

    if (site_relay_find(&look->compose->site.config->site, db_text(stmt, 0)) == NULL) {
        return 0; /* it stands in teataja.yaml no more */
    }
    key = arena_printf(look->arena, "relays/%s", db_text(stmt, 0));
    return add(look,
               &(struct staff_item){.kind = kind,
                                    .key = key,
                                    .state = state,
                                    .since = db_int(stmt, 2),
                                    .subject = key,
                                    .name = db_dup(stmt, 0, look->arena),
                                    .said = db_dup(stmt, 1, look->arena),
                                    .next = db_int(stmt, 3)},
               err);
}

static int take_relay_down(struct look *look, struct db_stmt *stmt, struct err *err)
{
    return take_relay(look, stmt, STAFF_RELAY_DOWN, "down", err);
}

static int take_relay_mute(struct look *look, struct db_stmt *stmt, struct err *err)
{
    return take_relay(look, stmt, STAFF_MUTE, "mute", err);
}

static int take_relay_back(struct look *look, struct db_stmt *stmt, struct err *err)
{
    const char *key = arena_printf(look->arena, "relays/%s", db_text(stmt, 0));

    return add(look,
               &(struct staff_item){.kind = STAFF_RELAY_BACK,
                                    .key = key,
                                    .state = "up",
                                    .since = db_int(stmt, 1),
                                    .subject = key,
                                    .name = db_dup(stmt, 0, look->arena),
                                    .said = ""},
               err);
}

static int take_source(struct look *look, struct db_stmt *stmt, enum staff_kind kind,
                       struct err *err)
{
    bool down = kind == STAFF_SOURCE_DOWN;

    if (site_source_find(&look->compose->site.config->site, db_text(stmt, 0)) == NULL) {
        return 0;
    }
    return add(
        look,
        &(struct staff_item){.kind = kind,
                             .key = arena_printf(look->arena, "sources/%s", db_text(stmt, 0)),
                             .state = down ? "down" : "up",
                             .since = !down                  ? db_int(stmt, 1)
                                      : db_int(stmt, 2) != 0 ? db_int(stmt, 2)
                                                             : db_int(stmt, 3),
                             .subject = "sources",
                             .name = db_dup(stmt, 0, look->arena),
                             .said = down ? db_dup(stmt, 1, look->arena) : "",
                             .begun = down ? db_int(stmt, 2) : 0,
                             .next = down ? db_int(stmt, 4) : 0},
        err);
}

static int take_source_down(struct look *look, struct db_stmt *stmt, struct err *err)
{
    return take_source(look, stmt, STAFF_SOURCE_DOWN, err);
}

static int take_source_back(struct look *look, struct db_stmt *stmt, struct err *err)
{
    return take_source(look, stmt, STAFF_SOURCE_BACK, err);
}

static int take_hold(struct look *look, struct db_stmt *stmt, struct err *err)
{
    return add(look,
               &(struct staff_item){.kind = STAFF_SCHEDULE,
                                    .key = "schedule",
                                    .state = "held",
                                    .since = db_int(stmt, 0),
                                    .subject = "schedule",
                                    .name = "",
                                    .said = db_dup(stmt, 1, look->arena)},
               err);
}

static int take_run(struct look *look, struct db_stmt *stmt, struct err *err)
{
    const char *target = db_text(stmt, 2)[0] != '\0' ? db_text(stmt, 2) : db_text(stmt, 1);
    bool failed = strcmp(db_text(stmt, 3), "failed") == 0;

    return add(
        look,
        &(struct staff_item){.kind = failed                                  ? STAFF_RUN_FAILED
                                     : strcmp(db_text(stmt, 4), "late") == 0 ? STAFF_RUN_LATE
                                                                             : STAFF_RUN_EMPTY,
                             .key = arena_printf(look->arena, "runs/%" PRId64, db_int(stmt, 0)),
                             .state = "told",
                             .since = db_int(stmt, 6),
                             .subject = arena_printf(look->arena, "runs/%s", db_text(stmt, 1)),
                             .name = arena_strdup(look->arena, target),
                             .said = db_dup(stmt, 5, look->arena),
                             .newsletter = newsletter_of(look, target)},
        err);
}

static int look_at_left(struct look *look, struct err *err)
{
    struct staff_item item;
    int rc = staff_left(look->compose, look->arena, look->now, &item, err);

    return rc == 1 ? add(look, &item, err) : rc;
}

/* ---- all of them ---- */

typedef int take_row(struct look *look, struct db_stmt *stmt, struct err *err);

static int each(struct look *look, const struct db_sql *sql, take_row *take, struct err *err,
                const char *format, int64_t number, const char *text)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(look->db, sql, &stmt, err);

    if (rc == 0 && strcmp(format, "it") == 0) {
        rc = db_bind(stmt, err, "it", number, text);
    } else if (rc == 0 && strcmp(format, "i") == 0) {
        rc = db_bind(stmt, err, "i", number);
    }
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        rc = take(look, stmt, err);
    }
    db_stmt_free(stmt);
    return rc;
}

/* How many relays of teataja.yaml would take mail now. */
static int count_working(struct look *look, size_t *out, struct err *err)
{
    const struct site *site = &look->compose->site.config->site;
    struct db_stmt *stmt = NULL;
    int rc = db_query(look->db, SQL_STAFF_RELAYS_PARKED, &stmt, err);

    *out = site->relay_count;
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        *out -= site_relay_find(site, db_text(stmt, 0)) != NULL;
        rc = 0;
    }
    db_stmt_free(stmt);
    return rc;
}

/* While none works nobody can be told: it is noted, and told once one does. */
static int look_at_relays(struct look *look, struct err *err)
{
    size_t working = 0;
    int rc = count_working(look, &working, err);

    if (rc == 0) {
        rc = each(look, SQL_STAFF_RELAYS, working > 0 ? take_relay_down : take_relay_mute, err,
                  "it", look->now - STAFF_PATIENCE, working > 0 ? "down" : "mute");
    }
    return rc < 0 ? rc : each(look, SQL_STAFF_RELAYS_BACK, take_relay_back, err, "", 0, NULL);
}

int staff_gather(struct compose *compose, struct arena *arena, int64_t now, struct staff_items *out,
                 struct err *err)
{
    struct look look = {.compose = compose,
                        .db = compose->site.members->db,
                        .arena = arena,
                        .now = now,
                        .out = out};
    int rc = db_get_int(look.db, SQL_STAFF_SINCE, &look.since, err, "");

    *out = (struct staff_items){0};
    look.since = rc == 1 ? look.since : now;
    rc = rc < 0 ? rc : each(&look, SQL_STAFF_DRAFTS, take_draft, err, "", 0, NULL);
    rc = rc < 0 ? rc : each(&look, SQL_STAFF_MAILINGS, take_mailing, err, "i", look.since, NULL);
    rc = rc < 0 ? rc : each(&look, SQL_STAFF_WENT_ON, take_went_on, err, "", 0, NULL);
    rc = rc < 0 ? rc : look_at_relays(&look, err);
    rc =
        rc < 0 ? rc : each(&look, SQL_STAFF_SOURCES, take_source_down, err, "i", STAFF_POLLS, NULL);
    rc = rc < 0 ? rc : each(&look, SQL_STAFF_SOURCES_BACK, take_source_back, err, "", 0, NULL);
    rc = rc < 0 ? rc : each(&look, SQL_STAFF_HOLD, take_hold, err, "", 0, NULL);
    rc = rc < 0 ? rc : look_at_left(&look, err);
    return rc < 0 ? rc : each(&look, SQL_STAFF_RUNS, take_run, err, "i", look.since, NULL);
}
