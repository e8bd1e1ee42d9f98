#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event_file.h"
#include "source_load.h"
#include "teataja/base/file.h"
#include "teataja/base/limits.h"
#include "teataja/config/front_matter.h"

struct entry {
    const char *path; /* "events/forum-2027.pl.md" */
    struct content_name name;
    bool ics;
};

struct loader {
    struct arena *arena;
    const struct config *config;
    struct report *report;
    struct err *err;
    bool failed;
    struct entry *entries;
    size_t entry_count, entry_capacity;
    struct event *events;
    size_t event_count, event_capacity;
};

__attribute__((format(printf, 3, 4))) static void problem(struct loader *loader, const char *path,
                                                          const char *format, ...)
{
    char message[1024]; /* the report cuts at a character */
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    report_add(loader->report, REPORT_ERROR, path, 1, 1, "%s", message);
    if (!loader->failed) {
        loader->failed = true;
        err_set(loader->err, ERR_INVALID, "%s:1:1: %s", path, message);
    }
}

/* By slug, the file that holds the facts before its language editions. */
static int by_name(const void *a, const void *b)
{
    const struct entry *one = a;
    const struct entry *other = b;
    int order = strcmp(one->name.slug, other->name.slug);

    if (order != 0) {
        return order;
    }
    if (one->name.language != other->name.language) {
        return one->name.language < other->name.language ? -1 : 1;
    }
    return strcmp(one->path, other->path);
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text);
    size_t end_len = strlen(end);

    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static int add_entry(struct loader *loader, const char *name)
{
    struct entry entry = {.ics = ends_with(name, ".ics")};
    struct err local = {0};
    int rc;

    entry.path = file_join(loader->arena, "events", name);
    if (entry.path == NULL) {
        return err_nomem(loader->err);
    }
    if (!entry.ics && !ends_with(name, ".md")) {
        report_add(loader->report, REPORT_WARNING, entry.path, 1, 1,
                   "the file is neither .md nor .ics; it is passed over");
        return 0;
    }
    if (content_name_parse(entry.path, entry.ics ? ".ics" : ".md", &entry.name, &local) < 0) {
        problem(loader, entry.path, "%s", local.msg);
        return 0;
    }
    rc = arena_grow(loader->arena, &loader->entries, &loader->entry_capacity, loader->entry_count,
                    sizeof(entry), loader->err);
    if (rc == 0) {
        loader->entries[loader->entry_count++] = entry;
    }
    return rc;
}

static int find_files(struct loader *loader)
{
    char *folder = file_join(loader->arena, loader->config->folder, "events");
    char **names = NULL;
    size_t count = 0;
    int rc;

    if (folder == NULL) {
        return err_nomem(loader->err);
    }
    rc = file_list(loader->arena, folder, &names, &count, loader->err);
    if (rc == ERR_NOT_FOUND) {
        err_clear(loader->err);
        return 0;
    }
    if (rc == 0 && count > LIMIT_SITE_FILES) {
        return err_set(loader->err, ERR_LIMIT, "events/ holds more than %d files",
                       LIMIT_SITE_FILES);
    }
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = add_entry(loader, names[i]);
    }
    if (loader->entry_count > 0) {
        qsort(loader->entries, loader->entry_count, sizeof(*loader->entries), by_name);
    }
    return rc;
}

static struct event_file file_of(const struct loader *loader, const struct entry *entry)
{
    return (struct event_file){.arena = loader->arena,
                               .config = loader->config,
                               .report = loader->report,
                               .path = entry->path,
                               .slug = entry->name.slug};
}

/* Notes a file's failure, whose problems are in the report. */
static void note(struct loader *loader, bool good, const struct err *local)
{
    if (good || loader->failed) {
        return;
    }
    loader->failed = true;
    err_set(loader->err, ERR_INVALID, "%s", local->msg);
}

static bool edition_is_fine(struct loader *loader, const struct entry *entry)
{
    const struct site *site = &loader->config->site;
    enum language language = entry->name.language;

    if (language == site->languages[0]) {
        problem(loader, entry->path, "'%s' is the site's first language: its file is events/%s.md",
                language_tag(language), entry->name.slug);
        return false;
    }
    if (!site_has_language(site, language)) {
        problem(loader, entry->path, "'%s' is not one of the site's languages",
                language_tag(language));
        return false;
    }
    return true;
}

static int load_editions(struct loader *loader, const struct entry *entries, size_t count,
                         struct event *event, const struct event_edition *first, bool *good)
{
    struct event_edition *editions = arena_alloc(loader->arena, count, sizeof(*editions));

    if (editions == NULL) {
        return err_nomem(loader->err);
    }
    editions[0] = *first;
    event->edition_count = 1;
    for (size_t i = 1; i < count; i++) {
        struct event_file file = file_of(loader, &entries[i]);
        struct err local = {0};
        bool fine = false;
        int rc;

        if (entries[i].name.language == LANG_NONE || !edition_is_fine(loader, &entries[i])) {
            *good = false;
            continue;
        }
        rc = event_edition_load(&file, event, first, entries[i].name.language,
                                &editions[event->edition_count], &fine, &local);
        if (rc < 0) {
            return err_nomem(loader->err);
        }
        note(loader, fine, &local);
        if (fine) {
            event->edition_count++;
        } else {
            *good = false;
        }
    }
    event->editions = editions;
    return 0;
}

/* <slug>.md beside <slug>.ics. */
static int load_beside(struct loader *loader, const struct entry *entry, struct event *event,
                       struct event_edition *first, bool *good)
{
    struct event_file file = file_of(loader, entry);
    struct err local = {0};
    bool fine = false;
    int rc = event_beside_load(&file, event, first, &fine, &local);

    if (rc < 0) {
        return err_nomem(loader->err);
    }
    note(loader, fine, &local);
    *good = *good && fine;
    return 0;
}

/* All files of one slug. */
static int load_event(struct loader *loader, const struct entry *entries, size_t count)
{
    bool beside =
        entries[0].ics && count > 1 && entries[1].name.language == LANG_NONE && !entries[1].ics;
    struct event_file file = file_of(loader, &entries[0]);
    struct event_edition first;
    struct event event;
    struct err local = {0};
    bool good = false;
    int rc;

    if (entries[0].name.language != LANG_NONE) {
        for (size_t i = 0; i < count; i++) {
            problem(loader, entries[i].path,
                    "a language edition without its event: there is no events/%s.md or .ics",
                    entries[i].name.slug);
        }
        return 0;
    }
    for (size_t i = 1 + (size_t)beside; i < count && entries[i].name.language == LANG_NONE; i++) {
        problem(loader, entries[i].path, "the event is in %s already: a slug names one event",
                entries[0].path);
    }
    rc = entries[0].ics ? event_ics_load(&file, &event, &first, &good, &local)
                        : event_md_load(&file, &event, &first, &good, &local);
    if (rc < 0) {
        return err_nomem(loader->err);
    }
    note(loader, good, &local);
    if (first.title == NULL) {
        return 0;
    }
    if (beside) {
        rc = load_beside(loader, &entries[1], &event, &first, &good);
    }
    if (rc == 0) {
        rc = load_editions(loader, entries + beside, count - beside, &event, &first, &good);
    }
    if (rc == 0 && good) {
        rc = arena_grow(loader->arena, &loader->events, &loader->event_capacity,
                        loader->event_count, sizeof(event), loader->err);
        if (rc == 0) {
            loader->events[loader->event_count++] = event;
        }
    }
    return rc;
}

const char *event_default_list(const struct config *config)
{
    const struct site_list *events = site_list_find(&config->site, "events");

    if (events != NULL) {
        return events->slug;
    }
    return config->site.list_count == 1 ? config->site.lists[0].slug : NULL;
}

static int load_all(struct loader *loader)
{
    int rc = find_files(loader);

    for (size_t i = 0; rc == 0 && i < loader->entry_count;) {
        size_t next = i + 1;

        while (next < loader->entry_count &&
               strcmp(loader->entries[next].name.slug, loader->entries[i].name.slug) == 0) {
            next++;
        }
        rc = load_event(loader, &loader->entries[i], next - i);
        i = next;
    }
    return rc == 0 && loader->failed ? ERR_INVALID : rc;
}

int events_load(struct arena *arena, const struct config *config, struct report *report,
                struct events *out, struct err *err)
{
    struct report *own = report == NULL ? report_new() : NULL;
    struct loader loader = {.arena = arena, .config = config, .err = err};
    int rc;

    *out = (struct events){.left = &config->left};
    loader.report = own != NULL ? own : report;
    if (loader.report == NULL) {
        return err_nomem(err);
    }
    if (config->site.language_count == 0 || config->site.timezone == NULL) {
        rc = 0; /* the configuration is wrong, which its own errors say */
    } else {
        rc = load_all(&loader);
    }
    out->items = loader.events;
    out->count = loader.event_count;
    if (rc == 0 || rc == ERR_INVALID) {
        int added = source_events_add(arena, config, loader.report, out, err);

        rc = added < 0 ? added : rc;
    }
    report_free(own);
    return rc;
}
