#include "event_md.h"

#include <string.h>

#include "event_text.h"
#include "teataja/calendar/zone.h"
#include "teataja/config/front_matter.h"

static struct event_spot spot_of(const struct yaml_node *node)
{
    return (struct event_spot){node->file, node->line, node->column};
}

struct event_spot event_md_spot(const struct yaml_node *node, const char *path)
{
    const struct yaml_node *value = yaml_find(node, path);

    return spot_of(value != NULL ? value : node);
}

/* Where item `index` of a list stands, which may be a single value. */
static struct event_spot spot_of_item(const struct yaml_node *node, const char *key, size_t index)
{
    const struct yaml_node *list = yaml_get(node, key);

    if (list != NULL && list->kind == YAML_SEQUENCE && index < list->count) {
        return spot_of(list->items[index]);
    }
    return spot_of(list != NULL ? list : node);
}

/* A moment in the event's zone. What is wrong with it is reported. */
static int in_zone(struct md *md, const struct schema_moment *moment, const struct event_spot *spot,
                   struct civil *out)
{
    const char *tzid = md->maker.event->tzid;
    struct err local = {0};
    int64_t instant;
    int rc;

    *out = moment->civil;
    if (moment->zone[0] == '\0' || strcmp(moment->zone, tzid) == 0 || out->year == 0 ||
        out->date_only) {
        return 0;
    }
    rc = zone_to_utc_strict(moment->zone, &moment->civil, &instant, &local);
    if (rc == 0) {
        rc = zone_from_utc(tzid, instant, out, &local);
    }
    if (rc == ERR_NOMEM) {
        return err_nomem(md->maker.err);
    }
    if (rc < 0) {
        event_problem(&md->maker, spot, "%s", local.msg);
    }
    return 0;
}

static int read_times(struct md *md)
{
    struct event *event = md->maker.event;
    struct event_head *head = &md->head;
    const char *zone =
        head->start.zone[0] != '\0' ? head->start.zone : md->file->config->site.timezone;
    int rc = 0;

    md->maker.start = event_md_spot(head->node, "start");
    md->maker.end = event_md_spot(head->node, "end");
    if (!zone_is_known(zone)) {
        struct err local = {0};

        if (zone_find(zone, event->tzid, &local) == 0) {
            event_problem(&md->maker, &md->maker.start, "write time zone '%s' as %s", zone,
                          event->tzid);
        } else {
            event_problem(&md->maker, &md->maker.start, "%s", local.msg);
        }
        zone = "UTC";
    }
    memcpy(event->tzid, zone, strlen(zone) + 1);
    event->start = head->start.civil;
    event->all_day = event->start.date_only;
    event->end = event->start;
    if (head->end.civil.year != 0) {
        rc = in_zone(md, &head->end, &md->maker.end, &event->end);
        event->has_end = true;
    }
    if (event->end.date_only != event->all_day) {
        event_problem(&md->maker, &md->maker.end,
                      "start and end must both have a time, or both have none");
        event->end = event->start;
    }
    return rc;
}

static int read_moments(struct md *md, const char *key, const struct schema_moment *moments,
                        size_t count, struct event_when **out)
{
    struct event_when *list;

    if (count == 0) {
        return 0;
    }
    list = arena_alloc(md->file->arena, count, sizeof(*list));
    if (list == NULL) {
        return err_nomem(md->maker.err);
    }
    for (size_t i = 0; i < count; i++) {
        list[i].spot = spot_of_item(md->head.node, key, i);
        if (in_zone(md, &moments[i], &list[i].spot, &list[i].civil) < 0) {
            return ERR_NOMEM;
        }
    }
    *out = list;
    return 0;
}

static int read_rules(struct md *md)
{
    struct event_head *head = &md->head;

    if (head->rule_count == 0) {
        return 0;
    }
    md->maker.rules = arena_alloc(md->file->arena, head->rule_count, sizeof(*md->maker.rules));
    if (md->maker.rules == NULL) {
        return err_nomem(md->maker.err);
    }
    for (size_t i = 0; i < head->rule_count; i++) {
        md->maker.rules[i] =
            (struct event_rule){head->rules[i], spot_of_item(head->node, "rrule", i)};
    }
    md->maker.rule_count = head->rule_count;
    return 0;
}

static int read_change(struct md *md, const struct head_override *from, struct event_change *to)
{
    int rc = in_zone(md, &from->original, &to->spot, &to->override.original);

    if (rc == 0) {
        rc = in_zone(md, &from->start, &to->spot, &to->override.start);
    }
    if (rc == 0) {
        rc = in_zone(md, &from->end, &to->spot, &to->override.end);
    }
    if (from->end.civil.year != 0 && from->end.civil.date_only != md->maker.event->all_day) {
        event_problem(&md->maker, &to->spot,
                      "the end must be a date %s a time, as that of the event",
                      md->maker.event->all_day ? "without" : "with");
    }
    if (from->status == EVENT_TENTATIVE) {
        event_problem(&md->maker, &to->spot, "an occurrence is confirmed or cancelled");
    }
    to->override.cancelled = from->status == EVENT_CANCELLED;
    to->override.online = from->online;
    to->override.place_url = from->place.url;
    to->text = (struct event_override_text){from->title, from->summary, from->place.name,
                                            from->place.address};
    return rc;
}

static int read_changes(struct md *md)
{
    struct event_head *head = &md->head;
    const struct yaml_node *node = yaml_get(head->node, "overrides");

    if (head->override_count == 0) {
        return 0;
    }
    md->maker.changes =
        arena_alloc(md->file->arena, head->override_count, sizeof(*md->maker.changes));
    if (md->maker.changes == NULL) {
        return err_nomem(md->maker.err);
    }
    for (size_t i = 0; i < head->override_count; i++) {
        struct event_change *change = &md->maker.changes[i];

        change->spot =
            (struct event_spot){node->file, node->entries[i].line, node->entries[i].column};
        if (head->overrides[i].original.civil.year == 0) {
            return 0; /* not a date: was reported; the others would only be noise */
        }
        if (read_change(md, &head->overrides[i], change) < 0) {
            return ERR_NOMEM;
        }
    }
    md->maker.change_count = head->override_count;
    return 0;
}

static int read_rsvp(struct md *md)
{
    struct event *event = md->maker.event;
    const struct head_rsvp *from = &md->head.rsvp;
    struct event_rsvp *rsvp = &event->rsvp;
    struct event_spot spot;
    struct err local = {0};
    int rc;

    rsvp->capacity = from->capacity;
    rsvp->waiting_list = from->waiting_list;
    rsvp->guests = from->guests;
    rsvp->open = from->open;
    rsvp->question_count = from->question_count;
    if (from->by.civil.year == 0) {
        return 0;
    }
    spot = event_md_spot(from->node, "by");
    rsvp->has_by = true;
    rc = in_zone(md, &from->by, &spot, &rsvp->by);
    if (rc < 0) {
        return rc;
    }
    if (rsvp->by.date_only) {
        struct civil next = rsvp->by;

        civil_add_days(&next, 1);
        rc = zone_to_utc(event->tzid, &next, &rsvp->by_utc, NULL, &local);
    } else {
        rc = zone_to_utc_strict(event->tzid, &rsvp->by, &rsvp->by_utc, &local);
    }
    if (rc == ERR_NOMEM) {
        return err_nomem(md->maker.err);
    }
    if (rc < 0) {
        event_problem(&md->maker, &spot, "%s", local.msg);
    } else if (!event_is_series(event) && civil_days(&rsvp->by) > civil_days(&event->start)) {
        event_problem(&md->maker, &spot, "answers are taken until after the event has begun");
    }
    return 0;
}

/* `invite` says whom, or when: "21 days before". No expression begins with a digit. */
static void read_invite(struct md *md)
{
    const char *text = md->head.invite;
    struct event *event = md->maker.event;
    struct err local = {0};

    if (text == NULL) {
        return;
    }
    if (*text != 'P' && (*text < '0' || *text > '9')) {
        event->invite = (struct event_expression){text, yaml_get(md->head.node, "invite")};
        return;
    }
    event->has_invite_before =
        quantity_parse_period(text, true, &event->invite_before, &local) == 0;
    if (!event->has_invite_before || event->invite_before.days < 0 ||
        event->invite_before.micros < 0) {
        struct event_spot spot = event_md_spot(md->head.node, "invite");

        event_problem(&md->maker, &spot, "'invite': %s",
                      event->has_invite_before ? "it is a time before the start" : local.msg);
        event->has_invite_before = false;
    }
}

static void read_list(struct md *md)
{
    const struct event_head *head = &md->head;
    const struct config *config = md->file->config;
    struct suggest suggest;
    struct event_spot spot;

    if (head->list == NULL || site_list_find(&config->site, head->list) != NULL) {
        return;
    }
    spot = event_md_spot(head->node, "list");
    suggest_start(&suggest, head->list);
    for (size_t i = 0; i < config->site.list_count; i++) {
        suggest_offer(&suggest, config->site.lists[i].slug);
    }
    event_problem(&md->maker, &spot, "no list '%s'%s", head->list, suggest_hint(&suggest));
}

/* What no calendar says: whom it is for, and what they are told when. */
static void read_own_facts(struct md *md)
{
    const struct event_head *head = &md->head;
    struct event *event = md->maker.event;
    const struct config *config = md->file->config;

    event->node = head->node;
    event->has_approval = schema_has(head->node, "approval");
    event->approval = head->approval;
    event->reminders = head->reminders;
    event->reminder_count = head->reminder_count;
    event->has_thanks_after = schema_has(head->node, "thanks_after");
    event->thanks_after = head->thanks_after;
    event->funded_by = head->funded_by;
    event->funded_by_count = head->funded_by_count;
    if (head->audience != NULL) {
        event->audience =
            (struct event_expression){head->audience, yaml_get(head->node, "audience")};
    }
    read_invite(md);
    if (config_check_projects(config, head->funded_by, head->funded_by_count, head->node,
                              "funded_by", md->file->report) > 0 &&
        !md->maker.failed) {
        struct event_spot spot = event_md_spot(head->node, "funded_by");

        md->maker.failed = true;
        err_set(md->maker.err, ERR_INVALID, "%s:%d:%d: a project of 'funded_by' does not exist",
                spot.file, spot.line, spot.column);
    }
    if (head->list != NULL) {
        event->list = head->list;
    }
    read_list(md);
}

static void read_facts(struct md *md)
{
    const struct event_head *head = &md->head;
    struct event *event = md->maker.event;

    event->online = head->online;
    event->url = head->url;
    event->place_url = head->place.url;
    event->status = (enum event_status)head->status;
    event->access = (enum event_access)head->access;
    event->list = event_default_list(md->file->config);
    read_own_facts(md);
    if (event->list == NULL) {
        struct event_spot spot = spot_of(head->node);

        event_problem(&md->maker, &spot, "'list' is missing: the site has several lists");
    }
}

static int read_series(struct md *md)
{
    int rc = read_times(md);

    if (rc == 0) {
        rc = read_rules(md);
    }
    if (rc == 0) {
        rc = read_moments(md, "rdate", md->head.dates, md->head.date_count, &md->maker.dates);
        md->maker.date_count = md->head.date_count;
    }
    if (rc == 0) {
        rc = read_moments(md, "exdate", md->head.exceptions, md->head.exception_count,
                          &md->maker.exceptions);
        md->maker.exception_count = md->head.exception_count;
    }
    if (rc == 0) {
        rc = read_changes(md);
    }
    if (rc == 0) {
        rc = event_series_make(&md->maker);
    }
    return rc == 0 ? read_rsvp(md) : rc;
}

static int set_texts(struct md *md, const struct front_matter *matter,
                     struct event_edition *edition)
{
    struct event_override_text *texts = NULL;

    if (md->maker.change_count > 0) {
        texts = arena_alloc(md->file->arena, md->maker.change_count, sizeof(*texts));
        if (texts == NULL) {
            return err_nomem(md->maker.err);
        }
        for (size_t i = 0; i < md->maker.change_count; i++) {
            texts[i] = md->maker.changes[i].text;
        }
    }
    edition->language = md->file->config->site.languages[0];
    edition->file = matter->file;
    edition->title = md->head.title != NULL ? md->head.title : md->file->slug;
    edition->summary = md->head.summary;
    edition->place = md->head.place.name;
    edition->address = md->head.place.address;
    edition->questions = md->head.rsvp.questions;
    edition->overrides = texts;
    edition->own_body = true;
    return 0;
}

int event_md_load(const struct event_file *file, struct event *event, struct event_edition *edition,
                  bool *good, struct err *err)
{
    struct md md = {.file = file};
    struct front_matter matter;
    bool readable;
    int rc;

    memset(event, 0, sizeof(*event));
    memset(edition, 0, sizeof(*edition));
    event->slug = file->slug;
    event->file = file->path;
    rc =
        event_read_head(file, &event_schema, SCHEMA_WHOLE, &matter, &md.head, good, &readable, err);
    if (rc < 0 || !readable) {
        return rc;
    }
    md.maker = (struct event_maker){.arena = file->arena,
                                    .report = file->report,
                                    .event = event,
                                    .strict = true,
                                    .err = err,
                                    .failed = !*good};
    rc = event_read_body(file, &matter, &edition->body, good, err);
    if (rc == 0) {
        rc = event_read_letters(file, &md.head, edition, good, err);
    }
    if (rc == 0 && md.head.start.civil.year != 0) {
        rc = read_series(&md);
    }
    if (rc < 0) {
        return rc;
    }
    read_facts(&md);
    *good = *good && !md.maker.failed;
    return set_texts(&md, &matter, edition);
}

/* Keys that a calendar says itself. */
static bool is_of_calendar(const char *key)
{
    static const char *const keys[] = {"title",    "summary", "start",  "end",
                                       "rrule",    "rdate",   "exdate", "overrides",
                                       "location", "online",  "url",    "status"};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strcmp(keys[i], key) == 0) {
            return true;
        }
    }
    return false;
}

/* The table of an event's keys without those. */
static int beside_schema(struct arena *arena, struct schema *out, struct err *err)
{
    struct schema_field *fields = arena_alloc(arena, event_schema.count, sizeof(*fields));

    if (fields == NULL) {
        return err_nomem(err);
    }
    *out = event_schema;
    out->fields = fields;
    out->count = 0;
    for (size_t i = 0; i < event_schema.count; i++) {
        if (!is_of_calendar(event_schema.fields[i].key)) {
            fields[out->count++] = event_schema.fields[i];
        }
    }
    return 0;
}

int event_beside_load(const struct event_file *file, struct event *event,
                      struct event_edition *edition, bool *good, struct err *err)
{
    struct md md = {.file = file};
    const struct markdown *body = NULL;
    struct front_matter matter;
    struct schema schema;
    bool readable = false;
    int rc = beside_schema(file->arena, &schema, err);

    if (rc == 0) {
        rc = event_read_head(file, &schema, SCHEMA_WHOLE, &matter, &md.head, good, &readable, err);
    }
    if (rc < 0 || !readable) {
        return rc;
    }
    md.maker = (struct event_maker){.arena = file->arena,
                                    .report = file->report,
                                    .event = event,
                                    .strict = true,
                                    .err = err,
                                    .failed = !*good};
    rc = event_read_body(file, &matter, &body, good, err);
    if (rc == 0) {
        rc = event_read_letters(file, &md.head, edition, good, err);
    }
    if (rc == 0) {
        rc = read_rsvp(&md);
    }
    if (rc < 0) {
        return rc;
    }
    if (schema_has(md.head.node, "access")) {
        event->access = (enum event_access)md.head.access;
    }
    read_own_facts(&md);
    edition->questions = md.head.rsvp.questions;
    if (body != NULL) {
        edition->body = body;
        edition->description = NULL;
    }
    *good = *good && !md.maker.failed;
    return 0;
}
