/* deadline.c - a deadline becomes a call by the table that files are read with. */
#include "teataja/content/deadline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"
#include "teataja/base/json.h"
#include "teataja/base/limits.h"

/* "2027-01-23T17:00:00 Europe/Brussels" */
static void add_moment(struct json_writer *json, const struct civil *civil, const char *zone)
{
    char text[CIVIL_TEXT + CIVIL_ZONE + 1];
    char moment[CIVIL_TEXT];

    civil_print(civil, moment);
    (void)snprintf(text, sizeof(text), "%s %s", moment, zone);
    json_write_text(json, text);
}

/* The head of the file that it could have: JSON is YAML. */
static void write_head(const struct content_deadline *deadline, struct str *out)
{
    struct json_writer json = json_writer(out);

    json_write_object(&json);
    json_write_text_at(&json, "title", deadline->title);
    if (deadline->funder != NULL) {
        json_write_text_at(&json, "funder", deadline->funder);
    }
    if (deadline->summary != NULL) {
        json_write_text_at(&json, "summary", deadline->summary);
    }
    if (deadline->url != NULL) {
        json_write_text_at(&json, "url", deadline->url);
    }
    if (deadline->closed || deadline->cancelled) {
        json_write_text_at(&json, "status", deadline->cancelled ? "cancelled" : "closed");
    }
    if (deadline->time_count == 1) {
        json_write_key(&json, "deadline");
        add_moment(&json, &deadline->times[0], deadline->zone);
    } else {
        json_write_key(&json, "rounds");
        json_write_array(&json);
        for (size_t i = 0; i < deadline->time_count; i++) {
            add_moment(&json, &deadline->times[i], deadline->zone);
        }
        json_write_array_end(&json);
    }
    json_write_object_end(&json);
}

/* Returns 1; 0 if it can be no call, with the reason in the report; ERR_NOMEM. */
static int make_call(struct load *load, const struct content_deadline *deadline, struct call *out)
{
    struct edition *edition = arena_alloc(load->arena, 1, sizeof(*edition));
    const struct yaml_node *head = NULL;
    size_t before = report_errors(load->report);
    struct str text;
    int rc;

    if (edition == NULL) {
        return err_nomem(load->err);
    }
    str_init(&text, LIMIT_TEXT);
    write_head(deadline, &text);
    rc = str_check(&text, load->err);
    if (rc == 0) {
        rc = yaml_parse(load->arena, deadline->origin, 1, text.data, text.len, load->report, &head,
                        load->err);
    }
    if (rc == 0) {
        rc = schema_fill(load->arena, &call_schema, head, SCHEMA_WHOLE, load->report, out,
                         load->err);
    }
    str_release(&text);
    if (rc < 0) {
        return rc == ERR_NOMEM ? rc : 0;
    }
    edition->node = head;
    edition->file = deadline->origin;
    edition->language = deadline->language;
    edition->body = "";
    call_kind.texts(out, edition);
    out->item.kind = ITEM_CALL;
    out->item.slug = deadline->slug;
    out->item.file = deadline->origin;
    out->item.language = deadline->language;
    out->item.editions[deadline->language] = edition;
    rc = call_kind.finish(load, out);
    return rc < 0 ? rc : report_errors(load->report) == before;
}

/* As make_call, with a warning of what is left out. Each has a report of its own: one may have
 * several problems, and the first of them is told. */
static int add_call(const struct load *load, const struct content_deadline *deadline,
                    struct call *out, struct report *report)
{
    struct load own = *load;
    int rc;

    own.report = report_new();
    if (own.report == NULL) {
        return err_nomem(load->err);
    }
    rc = make_call(&own, deadline, out);
    if (rc == 0) {
        const struct problem *problem = report_get(own.report, 0);

        report_add(report, REPORT_WARNING, deadline->origin, 0, 0, "'%s' is left out: %s",
                   deadline->title, problem != NULL ? problem->message : "it can be no call");
    }
    report_free(own.report);
    return rc;
}

static int by_slug(const void *a, const void *b)
{
    return strcmp(((const struct call *)a)->item.slug, ((const struct call *)b)->item.slug);
}

int content_add_deadlines(struct arena *arena, const struct config *config,
                          const struct holidays *holidays, int64_t now,
                          const struct content_deadline *deadlines, size_t count,
                          struct report *report, struct content *content, struct err *err)
{
    const struct load load = {
        .arena = arena, .config = config, .holidays = holidays, .now = now, .err = err};
    struct call *calls = arena_alloc(arena, content->call_count + count + 1, sizeof(*calls));
    size_t used = content->call_count;
    bool failed = false;
    int rc = 0;

    if (calls == NULL) {
        return err_nomem(err);
    }
    if (used > 0) {
        memcpy(calls, content->calls, used * sizeof(*calls));
    }
    for (size_t i = 0; rc >= 0 && i < count; i++) {
        if (content_call(content, deadlines[i].slug) != NULL) {
            report_add(report, REPORT_WARNING, deadlines[i].origin, 0, 0,
                       "calls/%s.md is there already; the file counts", deadlines[i].slug);
            continue;
        }
        rc = add_call(&load, &deadlines[i], &calls[used], report);
        used += rc == 1;
        failed = failed || rc == 0;
    }
    if (rc < 0) {
        return rc;
    }
    qsort(calls, used, sizeof(*calls), by_slug);
    content->calls = calls;
    content->call_count = used;
    return failed ? ERR_INVALID : 0;
}
