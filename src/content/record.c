/* Items in the database: what was told of, and deadlines that moved since. */
#include <string.h>

#include "load.h"
#include "sql/content/item.h"
#include "teataja/base/json.h"
#include "teataja/base/limits.h"
#include "teataja/base/str.h"
#include "teataja/base/token.h"
#include "teataja/calendar/zone.h"

#define DIGEST 33

/* The newest revision of an item; id 0 if there is none. */
struct newest {
    int64_t id;
    int64_t revision;
    const char *digest;
    const char *data;
    int64_t seen_at;
};

static int find_newest(struct db *db, struct arena *arena, const char *kind, const char *slug,
                       struct newest *out, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc;

    *out = (struct newest){.digest = "", .data = ""};
    rc = db_query(db, SQL_ITEM_NEWEST, &stmt, err);
    if (rc == 0) {
        rc = db_bind(stmt, err, "tt", kind, slug);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 1) {
        out->id = db_int(stmt, 0);
        out->revision = db_int(stmt, 1);
        out->digest = db_dup(stmt, 2, arena);
        out->data = db_dup(stmt, 3, arena);
        out->seen_at = db_int(stmt, 4);
        rc = out->digest && out->data ? 0 : err_nomem(err);
    }
    db_stmt_free(stmt);
    return rc;
}

static int add_revision(struct db *db, const char *kind, const char *slug, const char *digest,
                        const char *data, int64_t now, struct newest *newest, struct err *err)
{
    int rc = db_exec(db, SQL_ITEM_ADD, err, "ttitit", kind, slug, newest->revision + 1, digest, now,
                     data);

    if (rc == 0) {
        newest->revision++;
        newest->id = db_last_id(db);
        newest->seen_at = now;
    }
    return rc;
}

int item_record(struct db *db, const char *kind, const char *slug, const char *digest,
                const char *data, int64_t now, int64_t *id, int64_t *revision, struct err *err)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct newest newest = {.digest = ""};
    int rc = arena ? find_newest(db, arena, kind, slug, &newest, err) : err_nomem(err);

    if (rc == 0 && strcmp(newest.digest, digest) != 0) {
        rc = add_revision(db, kind, slug, digest, data, now, &newest, err);
    }
    if (rc == 0) {
        *id = newest.id;
        *revision = newest.revision;
    }
    arena_free(arena);
    return rc;
}

static void write_node(struct json_writer *json, const struct yaml_node *node)
{
    switch (node->kind) {
    case YAML_SCALAR:
        json_write_text_n(json, node->text, node->len);
        break;
    case YAML_SEQUENCE:
        json_write_array(json);
        for (size_t i = 0; i < node->count; i++) {
            write_node(json, node->items[i]);
        }
        json_write_array_end(json);
        break;
    case YAML_MAPPING:
        json_write_object(json);
        for (size_t i = 0; i < node->count; i++) {
            json_write_key(json, node->entries[i].key);
            write_node(json, node->entries[i].value);
        }
        json_write_object_end(json);
        break;
    }
}

/* The facts as written, in the table's order: not the texts, whose correction
 * makes no new revision. */
static void write_facts(struct json_writer *json, const struct schema *schema,
                        const struct yaml_node *node)
{
    json_write_object(json);
    for (size_t i = 0; i < schema->count; i++) {
        const struct yaml_node *value = yaml_get(node, schema->fields[i].key);

        if (!(schema->fields[i].flags & SCHEMA_EDITION) && !yaml_is_null(value)) {
            json_write_key(json, schema->fields[i].key);
            write_node(json, value);
        }
    }
    json_write_object_end(json);
}

static void write_civil(struct json_writer *json, const char *key, const struct civil *civil)
{
    char text[CIVIL_TEXT];

    civil_format(civil, text);
    json_write_text_at(json, key, text);
}

static void write_rounds(struct json_writer *json, const struct call *call)
{
    json_write_key(json, "rounds");
    json_write_array(json);
    for (size_t i = 0; i < call->round_count; i++) {
        const struct call_round *round = &call->rounds[i];

        json_write_object(json);
        json_write_text_at(json, "key", round->key);
        if (round->has_deadline) {
            write_civil(json, "deadline", &round->deadline.civil);
            json_write_text_at(json, "zone", round->deadline.zone);
            json_write_int_at(json, "at", round->deadline.at);
        }
        if (round->moved) {
            write_civil(json, "moved_from", &round->moved_from);
        }
        json_write_object_end(json);
    }
    json_write_array_end(json);
}

/* One item on its way to the database. */
struct record {
    struct db *db;
    struct arena *arena;
    bool write;
    int64_t now;
    struct err *err;
};

static const struct schema *schema_of(const struct item *item)
{
    switch (item->kind) {
    case ITEM_CALL:
        return &call_schema;
    case ITEM_NEWS:
        return &news_schema;
    case ITEM_ISSUE:
        break;
    }
    return &issue_schema;
}

static bool is_single(const struct call *call)
{
    return !call->rule && call->round_count == 1 && call->rounds[0].has_deadline;
}

/* The round as it was recorded, in the round's zone. */
struct recorded {
    const char *key;
    int64_t at;
    struct civil deadline;
    bool moved;
    struct civil moved_from;
};

static bool read_recorded(const struct json *data, const struct call_round *round,
                          struct recorded *out)
{
    const struct json *rounds = json_get(data, "rounds");
    const struct json *first = rounds && rounds->count == 1 ? rounds->items : NULL;
    const char *moved_from = json_get_text(first, "moved_from", NULL);
    const char *zone = json_get_text(first, "zone", "");

    out->key = json_get_text(first, "key", NULL);
    out->at = json_get_int(first, "at", 0);
    if (!out->key || civil_parse(json_get_text(first, "deadline", ""), &out->deadline, NULL) < 0) {
        return false;
    }
    if (!out->deadline.date_only && strcmp(zone, round->deadline.zone) != 0 &&
        zone_from_utc(round->deadline.zone, out->at, &out->deadline, NULL) < 0) {
        return false;
    }
    out->moved = moved_from && civil_parse(moved_from, &out->moved_from, NULL) == 0;
    return true;
}

/* A single deadline that changed before it was past is the same round moved; after
 * that it is a new round, unless the file says `moved_from`. */
static int recall_round(const struct record *record, struct call_round *round,
                        const struct recorded *before)
{
    if (round->deadline.at == before->at) {
        round->key = before->key;
        if (!round->moved && before->moved) {
            round->moved = true;
            round->moved_from = before->moved_from;
        }
    } else if (round->moved) {
        if (civil_days(&round->moved_from) == civil_days(&before->deadline)) {
            round->key = before->key;
        }
    } else if (record->now < before->at) {
        round->key = before->key;
        round->moved = true;
        round->moved_from = before->deadline;
    }
    round->told = round_told(record->arena, round);
    return round->told ? 0 : err_nomem(record->err);
}

static int recall_call(const struct record *record, struct call *call, const char *data)
{
    const struct json *json = NULL;
    struct recorded before = {.key = NULL};
    int rc;

    if (!is_single(call) || *data == '\0') {
        return 0;
    }
    rc = json_parse(record->arena, data, strlen(data), &json, NULL);
    if (rc == ERR_NOMEM) {
        return err_nomem(record->err);
    }
    if (rc < 0) {
        return err_set(record->err, ERR_CORRUPT, "what is recorded of %s is damaged",
                       call->item.file);
    }
    return read_recorded(json, &call->rounds[0], &before)
               ? recall_round(record, &call->rounds[0], &before)
               : 0;
}

static int write_data(const struct record *record, const struct item *item, const struct str *facts,
                      struct str *out)
{
    struct json_writer json = json_writer(out);
    const struct edition *first = item->editions[item->language];

    json_write_object(&json);
    json_write_text_at(&json, "title", first->title);
    json_write_key(&json, "facts");
    json_write_raw(&json, facts->data);
    if (item->kind == ITEM_CALL) {
        write_rounds(&json, (const struct call *)item);
    }
    json_write_object_end(&json);
    return str_check(out, record->err);
}

static void set_recorded(struct item *item, const struct newest *newest)
{
    item->id = newest->id;
    item->revision = newest->revision;
    item->sequence = newest->revision - 1;
    item->seen_at = newest->seen_at;
}

static int record_item(const struct record *record, struct item *item)
{
    const char *kind = item_kind_name(item->kind);
    struct json_writer json;
    struct newest newest = {.digest = ""};
    struct str facts;
    struct str data;
    char digest[DIGEST];
    int rc;

    str_init(&facts, LIMIT_TEXT);
    str_init(&data, LIMIT_TEXT);
    json = json_writer(&facts);
    write_facts(&json, schema_of(item), item->editions[item->language]->node);
    rc = str_check(&facts, record->err);
    if (rc == 0) {
        rc = find_newest(record->db, record->arena, kind, item->slug, &newest, record->err);
    }
    if (rc == 0 && item->kind == ITEM_CALL) {
        rc = recall_call(record, (struct call *)item, newest.data);
    }
    if (rc < 0) {
        goto out;
    }
    token_digest(facts.data, facts.len, digest);
    item->sequence = newest.revision;
    if (strcmp(newest.digest, digest) == 0) {
        set_recorded(item, &newest);
    } else if (record->write) {
        rc = write_data(record, item, &facts, &data);
        if (rc == 0) {
            rc = add_revision(record->db, kind, item->slug, digest, data.data, record->now, &newest,
                              record->err);
        }
        if (rc == 0) {
            set_recorded(item, &newest);
        }
    }
out:
    str_release(&facts);
    str_release(&data);
    return rc;
}

static int record_all(const struct record *record, struct content *content)
{
    int rc = 0;

    for (size_t i = 0; i < content->call_count && rc == 0; i++) {
        rc = record_item(record, &content->calls[i].item);
    }
    for (size_t i = 0; i < content->news_count && rc == 0; i++) {
        rc = record_item(record, &content->news[i].item);
    }
    for (size_t i = 0; i < content->issue_count && rc == 0; i++) {
        rc = record_item(record, &content->issues[i].item);
    }
    return rc;
}

int content_recall(struct db *db, struct arena *arena, struct content *content, int64_t now,
                   struct err *err)
{
    const struct record record = {.db = db, .arena = arena, .now = now, .err = err};

    return record_all(&record, content);
}

int content_record(struct db *db, struct arena *arena, struct content *content, int64_t now,
                   struct err *err)
{
    const struct record record = {.db = db, .arena = arena, .write = true, .now = now, .err = err};
    bool own = !db_in_transaction(db);
    int rc = own ? db_begin(db, err) : 0;

    if (rc == 0) {
        rc = record_all(&record, content);
    }
    if (own) {
        if (rc == 0) {
            rc = db_commit(db, err);
        }
        if (rc < 0) {
            db_rollback(db);
        }
    }
    return rc;
}
