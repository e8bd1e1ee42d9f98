/* What an event's file in another language says: see event_file.h. */
#include <string.h>

#include "event_md.h"
#include "event_text.h"

/* Which override of the event a language edition speaks of; SIZE_MAX if none. */
static size_t find_override(const struct event *event, const struct schema_moment *original)
{
    for (size_t i = 0; i < event->override_count; i++) {
        const struct civil *have = &event->overrides[i].original;

        if (original->civil.date_only ? civil_days(have) == civil_days(&original->civil)
                                      : civil_compare(have, &original->civil) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

static int edition_overrides(struct md *md, const struct event *event,
                             const struct event_edition *first, struct event_edition *edition)
{
    const struct event_head *head = &md->head;
    struct event_override_text *texts;

    edition->overrides = first->overrides;
    if (head->override_count == 0) {
        return 0;
    }
    texts = arena_alloc(md->file->arena, event->override_count + 1, sizeof(*texts));
    if (texts == NULL) {
        return err_nomem(md->maker.err);
    }
    if (event->override_count > 0) {
        memcpy(texts, first->overrides, event->override_count * sizeof(*texts));
    }
    for (size_t i = 0; i < head->override_count; i++) {
        const struct head_override *from = &head->overrides[i];
        const struct yaml_node *node = yaml_get(head->node, "overrides");
        struct event_spot spot = {node->file, node->entries[i].line, node->entries[i].column};
        size_t at = find_override(event, &from->original);

        if (at == SIZE_MAX) {
            event_problem(&md->maker, &spot, "%s does not override the occurrence of %s",
                          event->file, node->entries[i].key);
            continue;
        }
        texts[at].title = from->title != NULL ? from->title : texts[at].title;
        texts[at].summary = from->summary != NULL ? from->summary : texts[at].summary;
        texts[at].place = from->place.name != NULL ? from->place.name : texts[at].place;
        texts[at].address = from->place.address != NULL ? from->place.address : texts[at].address;
    }
    edition->overrides = texts;
    return 0;
}

int event_edition_load(const struct event_file *file, const struct event *event,
                       const struct event_edition *first, enum language language,
                       struct event_edition *edition, bool *good, struct err *err)
{
    struct md md = {.file = file};
    struct front_matter matter;
    bool readable;
    int rc;

    *edition = *first;
    rc = event_read_head(file, &event_schema, SCHEMA_TRANSLATION, &matter, &md.head, good,
                         &readable, err);
    if (rc < 0 || !readable) {
        return rc;
    }
    md.maker = (struct event_maker){
        .arena = file->arena, .report = file->report, .err = err, .failed = !*good};
    rc = event_read_body(file, &matter, &edition->body, good, err);
    if (rc == 0) {
        rc = event_read_letters(file, &md.head, edition, good, err);
    }
    if (rc == 0) {
        rc = edition_overrides(&md, event, first, edition);
    }
    if (rc < 0) {
        return rc;
    }
    if (edition->thanks == NULL && first->thanks != NULL) {
        edition->thanks = first->thanks;
        report_add(file->report, REPORT_WARNING, file->path, 1, 1,
                   "'thanks' is missing: these readers get the text of %s", first->file);
    }
    edition->language = language;
    edition->file = file->path;
    edition->own_body = edition->body != NULL;
    edition->body = edition->own_body ? edition->body : first->body;
    edition->description = edition->own_body ? NULL : first->description;
    edition->title = md.head.title != NULL ? md.head.title : first->title;
    edition->summary = md.head.summary != NULL ? md.head.summary : first->summary;
    edition->place = md.head.place.name != NULL ? md.head.place.name : first->place;
    edition->address = md.head.place.address != NULL ? md.head.place.address : first->address;
    if (md.head.rsvp.question_count > 0) {
        edition->questions = md.head.rsvp.questions;
        if (md.head.rsvp.question_count != event->rsvp.question_count) {
            struct event_spot spot = event_md_spot(md.head.node, "rsvp.questions");

            event_problem(&md.maker, &spot, "there are %zu questions here and %zu in %s",
                          md.head.rsvp.question_count, event->rsvp.question_count, event->file);
            edition->questions = first->questions;
        }
    }
    *good = *good && !md.maker.failed;
    return 0;
}
