/* source_copy.c - events of others as JSON, written and read back. */
#include "source_copy.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "teataja/base/file.h"
#include "teataja/base/json.h"
#include "teataja/base/limits.h"
#include "teataja/base/token.h"
#include "teataja/calendar/recurrence.h"
#include "teataja/calendar/zone.h"

#define FOLDER "var/sources"
#define VERSION 1
#define MOST_RULES 16
#define SLUG_DIGITS 10 /* of the UID's digest */

static void write_time(struct json_writer *json, const struct ical_time *time)
{
    char civil[CIVIL_TEXT];
    char text[CIVIL_TEXT + CIVIL_ZONE];

    civil_format(&time->civil, civil);
    snprintf(text, sizeof(text), "%s %s", civil, time->tzid);
    json_write_text(json, text);
}

static void write_time_at(struct json_writer *json, const char *key, const struct ical_time *time)
{
    json_write_key(json, key);
    write_time(json, time);
}

static void write_text_at(struct json_writer *json, const char *key, const char *text)
{
    if (text != NULL) {
        json_write_text_at(json, key, text);
    }
}

static void write_repeats(struct json_writer *json, const struct ical_event *event)
{
    json_write_key(json, "rules");
    json_write_array(json);
    for (size_t i = 0; i < event->rule_count; i++) {
        json_write_text(json, event->rules[i]);
    }
    json_write_array_end(json);
    json_write_key(json, "dates");
    json_write_array(json);
    for (size_t i = 0; i < event->date_count; i++) {
        json_write_object(json);
        write_time_at(json, "start", &event->dates[i].start);
        if (event->dates[i].has_end) {
            write_time_at(json, "end", &event->dates[i].end);
        }
        json_write_object_end(json);
    }
    json_write_array_end(json);
    json_write_key(json, "except");
    json_write_array(json);
    for (size_t i = 0; i < event->exception_count; i++) {
        write_time(json, &event->exceptions[i]);
    }
    json_write_array_end(json);
}

static void write_component(struct json_writer *json, const struct ical_event *event)
{
    json_write_object(json);
    write_time_at(json, "start", &event->start);
    if (event->has_end) {
        write_time_at(json, "end", &event->end);
    }
    if (event->is_override) {
        write_time_at(json, "replaces", &event->recurrence_id);
    }
    write_repeats(json, event);
    json_write_int_at(json, "status", event->status);
    json_write_int_at(json, "access", event->access);
    json_write_bool_at(json, "todo", event->is_todo);
    json_write_bool_at(json, "done", event->is_done);
    write_text_at(json, "title", event->summary);
    write_text_at(json, "text", event->description);
    write_text_at(json, "place", event->location);
    write_text_at(json, "url", event->url);
    json_write_object_end(json);
}

static void write_components(struct json_writer *json, const struct source_part *part)
{
    json_write_array(json);
    for (size_t i = 0; i < part->component_count; i++) {
        write_component(json, &part->components[i]);
    }
    json_write_array_end(json);
}

void source_copy_write(const struct source_copy *copy, struct str *out)
{
    struct json_writer json = json_writer(out);

    json_write_object(&json);
    json_write_int_at(&json, "version", VERSION);
    json_write_text_at(&json, "etag", copy->etag);
    json_write_text_at(&json, "last_modified", copy->last_modified);
    json_write_text_at(&json, "zone", copy->zone);
    json_write_key(&json, "problems");
    json_write_array(&json);
    for (size_t i = 0; i < copy->problem_count; i++) {
        json_write_text(&json, copy->problems[i]);
    }
    json_write_array_end(&json);
    json_write_key(&json, "items");
    json_write_array(&json);
    for (size_t i = 0; i < copy->count; i++) {
        const struct source_part *part = &copy->parts[i];

        json_write_object(&json);
        json_write_text_at(&json, "uid", part->uid);
        json_write_bool_at(&json, "deadline", part->is_deadline);
        json_write_bool_at(&json, "broken", part->broken);
        json_write_int_at(&json, "gone_at", part->gone_at);
        json_write_key(&json, "components");
        write_components(&json, part);
        json_write_object_end(&json);
    }
    json_write_array_end(&json);
    json_write_object_end(&json);
}

struct reading {
    struct arena *arena;
    size_t repeated; /* dates and exceptions of all parts */
    struct err *err;
};

static int wrong(const struct reading *reading, const char *what)
{
    return err_set(reading->err, ERR_INVALID, "the copy is damaged: %s", what);
}

static int read_time(const struct reading *reading, const struct json *json, struct ical_time *out)
{
    memset(out, 0, sizeof(*out));
    if (json == NULL || json->kind != JSON_TEXT || strlen(json->text) != json->len ||
        civil_parse_zoned(json->text, &out->civil, out->tzid, NULL) < 0 ||
        !zone_is_known(out->tzid)) {
        return wrong(reading, "a time is none");
    }
    out->line = 1;
    return 0;
}

/* A text without NUL, at most `most` bytes; NULL if it is not given. */
static int read_text(const struct reading *reading, const struct json *json, const char *key,
                     size_t most, const char **out)
{
    const struct json *value = json_get(json, key);

    *out = NULL;
    if (value == NULL || value->kind != JSON_TEXT) {
        return 0;
    }
    if (value->len > most || strlen(value->text) != value->len) {
        return wrong(reading, "a text is too long");
    }
    *out = value->text;
    return 0;
}

static int read_rules(const struct reading *reading, const struct json *json,
                      struct ical_event *out)
{
    if (json == NULL || json->kind != JSON_ARRAY || json->count == 0) {
        return 0;
    }
    if (json->count > MOST_RULES) {
        return wrong(reading, "too many rules");
    }
    out->rules = arena_alloc(reading->arena, json->count, sizeof(*out->rules));
    out->rule_lines = arena_alloc(reading->arena, json->count, sizeof(*out->rule_lines));
    if (out->rules == NULL || out->rule_lines == NULL) {
        return err_nomem(reading->err);
    }
    for (size_t i = 0; i < json->count; i++) {
        if (json->items[i].kind != JSON_TEXT || recurrence_check(json->items[i].text, NULL) < 0) {
            return wrong(reading, "a rule is none");
        }
        out->rules[i] = json->items[i].text;
        out->rule_lines[i] = 1;
    }
    out->rule_count = json->count;
    return 0;
}

/* 1 if it is a list of dates, which count towards the limit of them all; 0 if there are none. */
static int count_repeats(struct reading *reading, const struct json *json)
{
    if (json == NULL || json->kind != JSON_ARRAY || json->count == 0) {
        return 0;
    }
    reading->repeated += json->count;
    return reading->repeated > LIMIT_OCCURRENCES ? wrong(reading, "too many dates") : 1;
}

static int read_dates(struct reading *reading, const struct json *json, struct ical_event *out)
{
    int rc = count_repeats(reading, json);

    if (rc <= 0) {
        return rc;
    }
    rc = 0;
    out->dates = arena_alloc(reading->arena, json->count, sizeof(*out->dates));
    if (out->dates == NULL) {
        return err_nomem(reading->err);
    }
    for (size_t i = 0; rc == 0 && i < json->count; i++) {
        struct ical_date *date = &out->dates[out->date_count++];
        const struct json *end = json_get(&json->items[i], "end");

        rc = read_time(reading, json_get(&json->items[i], "start"), &date->start);
        date->has_end = end != NULL;
        if (rc == 0 && end != NULL) {
            rc = read_time(reading, end, &date->end);
        }
    }
    return rc;
}

static int read_exceptions(struct reading *reading, const struct json *json, struct ical_event *out)
{
    int rc = count_repeats(reading, json);

    if (rc <= 0) {
        return rc;
    }
    rc = 0;
    out->exceptions = arena_alloc(reading->arena, json->count, sizeof(*out->exceptions));
    if (out->exceptions == NULL) {
        return err_nomem(reading->err);
    }
    for (size_t i = 0; rc == 0 && i < json->count; i++) {
        rc = read_time(reading, &json->items[i], &out->exceptions[out->exception_count++]);
    }
    return rc;
}

/* Only what a link may be: it goes into letters. */
static bool is_web_url(const char *url)
{
    if (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0) {
        return false;
    }
    for (; *url != '\0'; url++) {
        if ((unsigned char)*url <= ' ' || *url == 0x7f || strchr("\"<>\\`", *url) != NULL) {
            return false;
        }
    }
    return true;
}

static int read_texts(const struct reading *reading, const struct json *json,
                      struct ical_event *out)
{
    int rc = read_text(reading, json, "title", LIMIT_ICS_LINE, &out->summary);

    if (rc == 0) {
        rc = read_text(reading, json, "text", LIMIT_ICS_LINE, &out->description);
    }
    if (rc == 0) {
        rc = read_text(reading, json, "place", LIMIT_ICS_LINE, &out->location);
    }
    if (rc == 0) {
        rc = read_text(reading, json, "url", LIMIT_VALUE, &out->url);
    }
    if (out->url != NULL && !is_web_url(out->url)) {
        out->url = NULL;
    }
    return rc;
}

static int read_component(struct reading *reading, const struct json *json, const char *uid,
                          struct ical_event *out)
{
    int64_t status = json_get_int(json, "status", ICAL_IS_CONFIRMED);
    int64_t access = json_get_int(json, "access", ICAL_IS_PUBLIC);
    const struct json *end = json_get(json, "end");
    const struct json *replaces = json_get(json, "replaces");
    int rc = read_time(reading, json_get(json, "start"), &out->start);

    if (status < ICAL_IS_CONFIRMED || status > ICAL_IS_CANCELLED || access < ICAL_IS_PUBLIC ||
        access > ICAL_IS_CONFIDENTIAL) {
        return wrong(reading, "a status is none");
    }
    out->line = 1;
    out->uid = uid;
    out->status = (enum ical_status)status;
    out->access = (enum ical_class)access;
    out->is_todo = json_get_bool(json, "todo", false);
    out->is_done = json_get_bool(json, "done", false);
    out->has_end = end != NULL;
    out->is_override = replaces != NULL;
    if (rc == 0 && end != NULL) {
        rc = read_time(reading, end, &out->end);
    }
    if (rc == 0 && replaces != NULL) {
        rc = read_time(reading, replaces, &out->recurrence_id);
    }
    if (rc == 0 && end != NULL && out->end.civil.date_only != out->start.civil.date_only) {
        rc = wrong(reading, "an end is of another kind than its start");
    }
    if (rc == 0) {
        rc = read_rules(reading, json_get(json, "rules"), out);
    }
    if (rc == 0) {
        rc = read_dates(reading, json_get(json, "dates"), out);
    }
    if (rc == 0) {
        rc = read_exceptions(reading, json_get(json, "except"), out);
    }
    return rc == 0 ? read_texts(reading, json, out) : rc;
}

static int read_part(struct reading *reading, const struct json *json, struct source_part *out)
{
    const struct json *components = json_get(json, "components");
    int rc = read_text(reading, json, "uid", SOURCE_UID, &out->uid);

    if (rc < 0) {
        return rc;
    }
    if (out->uid == NULL || out->uid[0] == '\0' || components == NULL ||
        components->kind != JSON_ARRAY || components->count > LIMIT_OCCURRENCES) {
        return wrong(reading, "an item has no UID or no components");
    }
    out->slug = "";
    out->is_deadline = json_get_bool(json, "deadline", false);
    out->broken = json_get_bool(json, "broken", false);
    out->gone_at = json_get_int(json, "gone_at", 0);
    if (components->count == 0 && !out->broken) {
        return wrong(reading, "an item is empty");
    }
    out->components = arena_alloc(reading->arena, components->count + 1, sizeof(*out->components));
    if (out->components == NULL) {
        return err_nomem(reading->err);
    }
    for (size_t i = 0; rc == 0 && i < components->count; i++) {
        rc = read_component(reading, &components->items[i], out->uid,
                            &out->components[out->component_count++]);
    }
    return rc;
}

static int read_problems(const struct reading *reading, const struct json *json,
                         struct source_copy *out)
{
    if (json == NULL || json->kind != JSON_ARRAY || json->count == 0) {
        return 0;
    }
    out->problems = arena_alloc(reading->arena, json->count, sizeof(*out->problems));
    if (out->problems == NULL) {
        return err_nomem(reading->err);
    }
    for (size_t i = 0; i < json->count; i++) {
        out->problems[i] = json->items[i].text;
    }
    out->problem_count = json->count;
    return 0;
}

int source_copy_parse(struct arena *arena, const char *text, size_t len, struct source_copy *out,
                      struct err *err)
{
    struct reading reading = {.arena = arena, .err = err};
    const struct json *root = NULL;
    const struct json *items;
    int rc = json_parse(arena, text, len, &root, err);

    memset(out, 0, sizeof(*out));
    if (rc < 0) {
        return rc;
    }
    items = json_get(root, "items");
    if (json_get_int(root, "version", 0) != VERSION || items == NULL || items->kind != JSON_ARRAY ||
        items->count > LIMIT_OCCURRENCES) {
        return wrong(&reading, "it is not of this version");
    }
    out->etag = json_get_text(root, "etag", "");
    out->last_modified = json_get_text(root, "last_modified", "");
    out->zone = json_get_text(root, "zone", "");
    if (out->zone[0] != '\0' && (strlen(out->zone) >= CIVIL_ZONE || !zone_is_known(out->zone))) {
        return wrong(&reading, "a zone is none");
    }
    rc = read_problems(&reading, json_get(root, "problems"), out);
    out->parts = arena_alloc(arena, items->count + 1, sizeof(*out->parts));
    if (out->parts == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; rc == 0 && i < items->count; i++) {
        rc = read_part(&reading, &items->items[i], &out->parts[out->count++]);
    }
    return rc;
}

int source_copy_settle(struct arena *arena, const char *name, struct source_copy *copy,
                       struct err *err)
{
    struct str text;
    int rc = 0;

    str_init(&text, SOURCE_COPY_MAX);
    for (size_t i = 0; rc == 0 && i < copy->count; i++) {
        struct source_part *part = &copy->parts[i];
        struct json_writer json = json_writer(&text);
        char digest[33];

        token_digest(part->uid, strlen(part->uid), digest);
        part->slug = arena_printf(arena, "%s-%s%.*s", name, part->is_deadline ? "d" : "",
                                  SLUG_DIGITS, digest);
        str_reset(&text);
        write_components(&json, part);
        rc = part->slug == NULL ? err_nomem(err) : str_check(&text, err);
        token_digest(text.data, text.len, part->digest);
    }
    str_release(&text);
    return rc;
}

static char *copy_path(struct arena *arena, const struct config *config, const char *name)
{
    return arena_printf(arena, "%s/" FOLDER "/%s.json", config->folder, name);
}

int source_copy_load(struct arena *arena, const struct config *config, const char *name,
                     struct source_copy *out, struct err *err)
{
    char *path = copy_path(arena, config, name);
    char *text = NULL;
    size_t len = 0;
    int rc =
        path == NULL ? err_nomem(err) : file_read(arena, path, SOURCE_COPY_MAX, &text, &len, err);

    memset(out, 0, sizeof(*out));
    if (rc == 0) {
        rc = source_copy_parse(arena, text, len, out, err);
    }
    return rc == 0 ? source_copy_settle(arena, name, out, err) : rc;
}

int source_copy_save(const struct config *config, const char *name, const struct source_copy *copy,
                     struct err *err)
{
    struct arena *arena = arena_new(LIMIT_TEXT);
    char *folder = arena != NULL ? arena_printf(arena, "%s/" FOLDER, config->folder) : NULL;
    char *path = arena != NULL ? copy_path(arena, config, name) : NULL;
    struct str text;
    int rc = 0;

    str_init(&text, SOURCE_COPY_MAX);
    if (folder == NULL || path == NULL) {
        rc = err_nomem(err);
        goto out;
    }
    source_copy_write(copy, &text);
    rc = str_check(&text, err);
    if (rc == 0) {
        rc = file_make_folder(folder, err);
    }
    if (rc == 0) {
        rc = file_write(path, text.data, text.len, 0644, err);
    }
out:
    str_release(&text);
    arena_free(arena);
    return rc;
}

void source_part_calendar(const struct source_copy *copy, const struct source_part *part,
                          struct ical_calendar *out)
{
    *out = (struct ical_calendar){.events = part->components, .event_count = part->component_count};
    snprintf(out->zone, sizeof(out->zone), "%s", copy->zone);
}
