/* snapshot.c - see snapshot.h. */
#include "snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "room.h"
#include "sql/compose/snapshot.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/content/item.h"

int snapshot_open(struct snapshot *snapshot, struct err *err)
{
    *snapshot = (struct snapshot){
        .arena = arena_new(LIMIT_ARENA_SITE), .rule = "", .audience = "", .warnings = ""};
    return snapshot->arena != NULL ? 0 : err_nomem(err);
}

void snapshot_close(struct snapshot *snapshot)
{
    arena_free(snapshot->arena);
    snapshot->arena = NULL;
}

/* ---- making ---- */

/* Of all lines but those that tell one sending of the same calendar from another. */
static void add_calendar(struct str *out, const struct ical_draft *calendar)
{
    static const char *const passing[] = {"DTSTAMP:", "UID:", "SEQUENCE:"};

    for (size_t i = 0; i < calendar->count; i++) {
        bool kept = true;

        for (const char *line = calendar->pieces[i]; *line != '\0';) {
            size_t len = strcspn(line, "\n");

            /* A folded line is kept as its beginning is (RFC 5545 section 3.1). */
            kept = kept || *line != ' ';
            for (size_t j = 0; j < sizeof(passing) / sizeof(passing[0]); j++) {
                kept = kept && strncmp(line, passing[j], strlen(passing[j])) != 0;
            }
            if (kept) {
                str_add_bytes(out, line, len);
            }
            str_add_char(out, '\n');
            line += len + (line[len] == '\n');
        }
    }
}

static const char *digest_of(struct arena *arena, const struct str *text)
{
    char digest[APPROVAL_DIGEST + 1];

    token_digest(text->data, text->len, digest);
    return arena_strdup(arena, digest);
}

static int set_digests(struct snapshot *snapshot, const struct preview *preview,
                       struct approval_edition *out, struct err *err)
{
    struct frozen frozen = *preview->frozen;
    struct str text;
    int rc;

    str_init(&text, LIMIT_MESSAGE);
    frozen.calendar.count = 0;
    rc = frozen_write(&frozen, &text, err);
    add_calendar(&text, &preview->frozen->calendar);
    if (rc == 0) {
        rc = str_check(&text, err);
    }
    if (rc == 0) {
        out->digest = digest_of(snapshot->arena, &text);
        str_reset(&text);
        str_addf(&text, "%s\n", frozen.subject);
        str_add_bytes(&text, preview->rendered->text, preview->rendered->text_len);
        rc = str_check(&text, err);
    }
    if (rc == 0) {
        out->words = digest_of(snapshot->arena, &text);
        rc = out->digest != NULL && out->words != NULL ? 0 : err_nomem(err);
    }
    str_release(&text);
    return rc;
}

/* As people see it. The first of each language has its body in any case. */
static int set_body(struct snapshot *snapshot, const struct preview *preview,
                    struct approval_edition *out, struct err *err)
{
    struct arena_mark mark = arena_mark(snapshot->arena);
    struct letter_view view = {0};
    size_t more;
    int rc = preview_show(preview, snapshot->arena, &view, err);

    if (rc < 0) {
        return rc;
    }
    more = view.html_len + view.text_len;
    if (!snapshot->is_bare &&
        (snapshot->body_bytes + more <= APPROVAL_BODIES || !snapshot->has_body[out->language])) {
        out->subject = view.subject;
        out->html = view.html;
        out->text = view.text;
        snapshot->body_bytes += more;
        snapshot->has_body[out->language] = true;
        return 0;
    }
    {
        char subject[LIMIT_VALUE + 1];

        (void)snprintf(subject, sizeof(subject), "%s", view.subject);
        arena_rewind(snapshot->arena, mark);
        out->subject = arena_strdup(snapshot->arena, subject);
    }
    return out->subject != NULL ? 0 : err_nomem(err);
}

static int copy_items(struct snapshot *snapshot, const struct approval_item *items, size_t count,
                      struct approval_edition *out, struct err *err)
{
    struct approval_item *copy = arena_alloc(snapshot->arena, count + 1, sizeof(*copy));
    int rc = copy != NULL ? 0 : err_nomem(err);

    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = approval_keep_item(snapshot->arena, &snapshot->known, &items[i], &copy[i], err);
    }
    out->items = copy;
    out->item_count = count;
    return rc;
}

int snapshot_add(struct snapshot *snapshot, const struct preview *preview, const char *key,
                 const struct approval_item *items, size_t item_count, struct err *err)
{
    struct approval_edition *edition;
    int rc = arena_grow(snapshot->arena, &snapshot->editions, &snapshot->capacity, snapshot->count,
                        sizeof(*snapshot->editions), err);

    if (rc < 0) {
        return rc;
    }
    edition = &snapshot->editions[snapshot->count++];
    *edition = (struct approval_edition){.language = preview->rendered->language,
                                         .key = arena_strdup(snapshot->arena, key)};
    rc = edition->key != NULL ? copy_items(snapshot, items, item_count, edition, err)
                              : err_nomem(err);
    if (rc == 0) {
        rc = set_digests(snapshot, preview, edition, err);
    }
    return rc == 0 ? set_body(snapshot, preview, edition, err) : rc;
}

static void add_text(struct str *out, const char *text)
{
    str_add(out, text != NULL ? text : "");
    str_add_char(out, '\n');
}

static const char *finish_revision(struct arena *arena, struct str *text)
{
    struct err ignored = {0};
    const char *out = str_check(text, &ignored) == 0 ? digest_of(arena, text) : NULL;

    str_release(text);
    return out;
}

const char *snapshot_item_revision(struct arena *arena, const struct item *item, int64_t row)
{
    struct str text;

    str_init(&text, (size_t)LANG_COUNT * LIMIT_FILE);
    str_addf(&text, "%" PRId64 "\n", row);
    for (size_t i = 0; i < LANG_COUNT; i++) {
        const struct edition *edition = item->editions[i];

        if (edition != NULL) {
            add_text(&text, language_tag(edition->language));
            add_text(&text, edition->title);
            add_text(&text, edition->summary);
            add_text(&text, edition->funder);
            add_text(&text, edition->url);
            add_text(&text, edition->image_alt);
            str_add_bytes(&text, edition->body, edition->body_len);
        }
    }
    return finish_revision(arena, &text);
}

const char *snapshot_event_revision(struct arena *arena, const struct event *event,
                                    const char *told)
{
    struct str text;

    str_init(&text, (size_t)LANG_COUNT * LIMIT_FILE);
    add_text(&text, told);
    add_text(&text, event_status_name(event->status));
    add_text(&text, event->online);
    add_text(&text, event->url);
    for (size_t i = 0; i < event->edition_count; i++) {
        const struct event_edition *edition = &event->editions[i];

        add_text(&text, language_tag(edition->language));
        add_text(&text, edition->title);
        add_text(&text, edition->summary);
        add_text(&text, edition->place);
        add_text(&text, edition->address);
        add_text(&text, edition->description);
    }
    return finish_revision(arena, &text);
}

/* ---- keeping ---- */

static int write_edition(struct db *db, int64_t mailing, int64_t revision,
                         const struct approval_edition *edition, struct err *err)
{
    int64_t id = 0;
    int rc =
        db_exec(db, SQL_SNAPSHOT_ADD_EDITION, err, "iittittttt", mailing, revision,
                language_tag(edition->language), edition->key, edition->recipients, edition->digest,
                edition->words, edition->subject, edition->html, edition->text);

    if (rc == 0) {
        id = db_last_id(db);
    }
    for (size_t i = 0; rc == 0 && i < edition->item_count; i++) {
        const struct approval_item *item = &edition->items[i];

        rc = db_exec(db, SQL_SNAPSHOT_ADD_ITEM, err, "iittttt", id, (int64_t)i, item->block,
                     item->slug, item->title, item->note, item->revision);
    }
    return rc;
}

static int compare_editions(const void *a, const void *b)
{
    const struct approval_edition *one = a;
    const struct approval_edition *other = b;

    if (one->recipients != other->recipients) {
        return one->recipients < other->recipients ? 1 : -1;
    }
    if (one->language != other->language) {
        return one->language < other->language ? -1 : 1;
    }
    return strcmp(one->key, other->key);
}

void snapshot_sort(struct snapshot *snapshot)
{
    if (snapshot->count > 0) {
        qsort(snapshot->editions, snapshot->count, sizeof(*snapshot->editions), compare_editions);
    }
}

/* Nothing makes the same digest twice: two revisions of one text are told apart by when they
 * were made. */
static int make_digest(const struct snapshot *snapshot, int64_t mailing, int64_t revision,
                       int64_t now, char out[APPROVAL_DIGEST + 1], struct err *err)
{
    struct str text;
    int rc;

    str_init(&text, LIMIT_ARENA_WORK);
    str_addf(&text, "%" PRId64 " %" PRId64 " %" PRId64 "\n%s\n%s\n", mailing, revision, now,
             snapshot->rule, snapshot->audience);
    for (size_t i = 0; i < snapshot->count; i++) {
        const struct approval_edition *edition = &snapshot->editions[i];

        str_addf(&text, "%s %s %s\n", language_tag(edition->language), edition->key,
                 edition->digest);
        for (size_t j = 0; j < edition->item_count; j++) {
            str_addf(&text, "%s %s\n", edition->items[j].slug, edition->items[j].revision);
        }
    }
    rc = str_check(&text, err);
    if (rc == 0) {
        token_digest(text.data, text.len, out);
    }
    str_release(&text);
    return rc;
}

int snapshot_write(struct snapshot *snapshot, struct db *db, int64_t mailing, int64_t revision,
                   struct err *err)
{
    char digest[APPROVAL_DIGEST + 1];
    int64_t now = clock_now();
    int rc = make_digest(snapshot, mailing, revision, now, digest, err);

    snapshot_sort(snapshot);
    if (rc == 0) {
        rc = db_exec(db, SQL_SNAPSHOT_FORGET_ITEMS, err, "ii", mailing, revision - 1);
    }
    if (rc == 0) {
        rc = db_exec(db, SQL_SNAPSHOT_FORGET_EDITIONS, err, "ii", mailing, revision - 1);
    }
    if (rc == 0) {
        rc = db_exec(db, SQL_SNAPSHOT_FORGET, err, "ii", mailing, revision - 1);
    }
    if (rc == 0) {
        rc = db_exec(db, SQL_SNAPSHOT_ADD, err, "iiii?tittt", mailing, revision, now,
                     snapshot->date, snapshot->not_after != 0, snapshot->not_after, digest,
                     snapshot->recipients, snapshot->audience, snapshot->rule, snapshot->warnings);
    }
    for (size_t i = 0; rc == 0 && i < snapshot->count; i++) {
        rc = write_edition(db, mailing, revision, &snapshot->editions[i], err);
    }
    snapshot->revision = revision;
    return rc;
}

static int read_head(struct snapshot *snapshot, struct db *db, int64_t mailing, int64_t revision,
                     struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, SQL_SNAPSHOT_GET, &stmt, err);

    if (rc == 0) {
        rc = db_bind(stmt, err, "ii", mailing, revision);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 1) {
        snapshot->date = db_int(stmt, 0);
        snapshot->not_after = db_int(stmt, 1);
        snapshot->recipients = db_int(stmt, 2);
        snapshot->audience = db_dup(stmt, 3, snapshot->arena);
        snapshot->rule = db_dup(stmt, 4, snapshot->arena);
        rc = snapshot->audience != NULL && snapshot->rule != NULL ? 1 : err_nomem(err);
    }
    db_stmt_free(stmt);
    return rc == 0
               ? err_set(err, ERR_NOT_FOUND, "mailing %" PRId64 ": no snapshot %" PRId64 " is kept",
                         mailing, revision)
               : rc;
}

int snapshot_read(struct snapshot *snapshot, struct db *db, int64_t mailing, int64_t revision,
                  bool bodies, struct err *err)
{
    int rc = snapshot_open(snapshot, err);

    if (rc == 0) {
        rc = read_head(snapshot, db, mailing, revision, err);
    }
    snapshot->revision = revision;
    return rc < 0 ? rc
                  : approval_read_editions(db, snapshot->arena, mailing, revision, bodies,
                                           &snapshot->editions, &snapshot->count, err);
}
