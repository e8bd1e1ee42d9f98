/* The words of a mail to the staff: the data of templates/mail/staff (templates/mail/README.md). */
#include <inttypes.h>
#include <string.h>

#include "staff_item.h"
#include "teataja/base/limits.h"
#include "teataja/calendar/zone.h"
#include "teataja/compose/letter.h"
#include "teataja/compose/page.h"

/* Which words a kind has, who hears of it, and what can be done. %s is its name, % PRId64 the
 * mailing's number: each command has one of them or none. */
static const struct words {
    const char *title; /* keys of the catalogue */
    const char *text;
    const char *since;       /* label of when it began; NULL: that is not shown */
    const char *commands[3]; /* for an admin */
    bool editors, admins;
} words[STAFF_KINDS] = {
    [STAFF_DRAFT] = {"staff.draft", NULL, NULL, {NULL}, true, false},
    [STAFF_REJECTED] = {"staff.rejected", "review.rejected", NULL, {NULL}, true, false},
    [STAFF_SENT] = {"staff.sent", "staff.sent_text", "staff.finished", {"report #"}, true, false},
    [STAFF_HALTED] = {"staff.halted",
                      "staff.halted_text",
                      NULL,
                      {"mailing show # --state failed", "mailing resume #", "mailing cancel #"},
                      true,
                      true},
    [STAFF_HELD] = {"staff.held",
                    "staff.held_text",
                    NULL,
                    {"mailing show # --state unknown", "mailing resend # --unknown",
                     "mailing cancel #"},
                    true,
                    true},
    [STAFF_OVERDUE] = {"staff.held",
                       "staff.overdue_text",
                       NULL,
                       {"mailing show #", "mailing cancel #"},
                       true,
                       true},
    [STAFF_RELAY_DOWN] =
        {"staff.relay_down", "staff.relay_down_text", "staff.since", {"doctor"}, false, true},
    [STAFF_RELAY_BACK] =
        {"staff.relay_back", "staff.relay_back_text", "staff.was_since", {NULL}, false, true},
    [STAFF_SOURCE_DOWN] = {"staff.source_down",
                           "staff.source_down_text",
                           NULL,
                           {"source list", "source pull @ --dry-run"},
                           false,
                           true},
    [STAFF_SOURCE_BACK] =
        {"staff.source_back", "staff.source_back_text", "staff.was_since", {NULL}, false, true},
    [STAFF_SCHEDULE] = {"staff.schedule",
                        "staff.schedule_text",
                        "staff.since",
                        {"schedule", "schedule release"},
                        false,
                        true},
    [STAFF_RUN_FAILED] = {"staff.failed",
                          "staff.failed_text",
                          "staff.planned",
                          {"schedule log", "schedule run @ --now"},
                          true,
                          true},
    [STAFF_RUN_LATE] = {"staff.late",
                        "staff.late_text",
                        "staff.planned",
                        {"schedule log", "schedule run @ --now"},
                        true,
                        true},
    [STAFF_RUN_EMPTY] = {"staff.empty", "staff.empty_text", "staff.planned", {NULL}, true, false},
    [STAFF_LEFT] = {"staff.left", "staff.left_text", "staff.since", {"check"}, true, false},
    [STAFF_TEST] = {"staff.test", "staff.test_text", NULL, {NULL}, true, true},
};

bool staff_concerns(enum staff_kind kind, enum site_staff_role role)
{
    return role == SITE_STAFF_ADMIN ? words[kind].admins : words[kind].editors;
}

struct sender staff_sender(const struct compose *compose)
{
    const struct site *site = &compose->site.config->site;

    return (struct sender){.from = &site->office.address,
                           .from_name = &site->office.name,
                           .feedback = "staff",
                           .kind = &mail_kinds[MAIL_NOTICE]};
}

/* ---- what it is called ---- */

/* The subject that its readers saw, in this language if they did. */
static const char *mailing_name(struct frame *frame, int64_t mailing, const char *fallback)
{
    struct page_letter *letters = NULL;
    struct err ignored = {0};
    size_t count = 0;
    const char *name = NULL;

    if (page_letters_of_mailing(frame->compose->site.members->db, frame->arena, mailing, "", "",
                                &letters, &count, &ignored) < 0) {
        return fallback;
    }
    for (size_t i = 0; i < count; i++) {
        if (name == NULL || letters[i].language == frame->language) {
            name = letters[i].subject;
        }
    }
    return name != NULL ? name : fallback;
}

/* "newsletters/funding", "issues/2026-12", "events/forum" as the site calls it. */
static const char *target_name(struct frame *frame, const char *target)
{
    const struct compose_site *site = &frame->compose->site;
    enum language first = site->config->site.languages[0];
    const char *slug = strchr(target, '/');
    const struct newsletter *newsletter = NULL;
    const struct issue *issue = NULL;
    const struct event *event = NULL;
    const char *name = NULL;

    slug = slug != NULL ? slug + 1 : target;
    if (strncmp(target, LETTER_AUTOMATIC, strlen(LETTER_AUTOMATIC)) == 0) {
        newsletter = config_newsletter(site->config, slug);
    } else if (strncmp(target, "issues/", 7) == 0) {
        issue = content_issue(site->content, slug);
        newsletter = issue != NULL ? issue->newsletter : NULL;
    } else if (strncmp(target, "events/", 7) == 0) {
        event = event_find(site->events, slug);
    }
    if (event != NULL) {
        name = event_edition_for(event, &frame->language, 1, first, NULL)->title;
    } else if (newsletter != NULL) {
        name = lang_text_get(&newsletter->name, frame->language, first);
    }
    if (name != NULL && issue != NULL) {
        name = frame_printf(frame, "%s, %s", name, slug);
    }
    return name != NULL ? name : target;
}

static const char *name_of(struct frame *frame, const struct staff_item *item)
{
    switch (item->kind) {
    case STAFF_SENT:
    case STAFF_HALTED:
    case STAFF_HELD:
    case STAFF_OVERDUE:
        return mailing_name(frame, item->mailing, item->name);
    case STAFF_RUN_FAILED:
    case STAFF_RUN_LATE:
    case STAFF_RUN_EMPTY:
        return target_name(frame, item->name);
    case STAFF_TEST:
        return compose_site_name(frame->compose, frame->language);
    default:
        return item->name;
    }
}

/* Titles of what there is only one of have no name in them. */
static const char *title_of(struct frame *frame, const struct staff_item *item)
{
    const char *key = words[item->kind].title;
    const char *word = catalogue_word(frame->compose->catalogue, frame->language, key);

    return word != NULL ? word : frame_text_with(frame, key, "name", name_of(frame, item));
}

/* ---- facts ---- */

const char *staff_moment(struct frame *frame, int64_t instant)
{
    struct civil moment;

    if (frame->err.code != 0 || zone_from_utc(frame->zone, instant, &moment, &frame->err) < 0) {
        return NULL;
    }
    moment.second = 0;
    return frame_moment(frame, &moment, frame->zone, FORMAT_LONG);
}

void staff_fact(struct frame *frame, struct value *facts, const char *label, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        struct value *fact = value_add_map(facts);

        value_set_text(fact, "label", frame_word(frame, label));
        value_set_text(fact, "text", text);
    }
}

static const char *number(struct frame *frame, int64_t value)
{
    struct str text;

    str_init(&text, LIMIT_VALUE);
    (void)format_number(frame->format, value, &text, &frame->err);
    return frame_take(frame, &text);
}

/* Those that are zero say nothing, but for what was delivered. */
static int add_figures(struct frame *frame, struct value *facts, const struct staff_item *item,
                       struct err *err)
{
    struct mailing_counts counts;
    int rc = mailing_count(frame->compose->site.members->db, item->mailing, &counts, err);
    const struct {
        const char *label;
        int64_t count;
    } figures[] = {
        {"staff.delivered", counts.sent},
        {"staff.refused", counts.failed},
        {"staff.unknown", counts.unknown},
        {"staff.left_out", counts.suppressed},
        {"staff.waiting", counts.queued + counts.claimed + counts.committing + counts.deferred},
    };

    if (rc < 0) {
        return rc;
    }
    staff_fact(frame, facts, "review.recipients", number(frame, counts.total));
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        if (i == 0 || figures[i].count > 0) {
            staff_fact(frame, facts, figures[i].label, number(frame, figures[i].count));
        }
    }
    staff_fact(frame, facts, "staff.begun", staff_moment(frame, item->begun));
    return 0;
}

/* "#" is the number of the mailing, "@" what the item is named in the files. */
static const char *command_of(struct frame *frame, const struct staff_item *item,
                              const char *pattern)
{
    size_t at = strcspn(pattern, "#@");

    if (pattern[at] == '#') {
        return frame_printf(frame, "teataja %.*s%" PRId64 "%s", (int)at, pattern, item->mailing,
                            pattern + at + 1);
    }
    if (pattern[at] == '@') {
        return frame_printf(frame, "teataja %.*s%s%s", (int)at, pattern, item->name,
                            pattern + at + 1);
    }
    return frame_printf(frame, "teataja %s", pattern);
}

static void set_commands(struct frame *frame, struct value *map, const struct staff_item *item)
{
    const struct words *kind = &words[item->kind];
    struct value *commands = value_set_list(map, "commands");

    for (size_t i = 0; i < 3 && kind->commands[i] != NULL; i++) {
        value_set_text(value_add_map(commands), "line", command_of(frame, item, kind->commands[i]));
    }
    value_set_bool(map, "has_commands", kind->commands[0] != NULL);
}

static void set_none_of_a_draft(struct value *map)
{
    value_set_null(map, "look_url");
    (void)value_set_list(map, "editions");
}

static int set_item(struct frame *frame, struct value *map, const struct staff_item *item,
                    struct err *err)
{
    const struct words *kind = &words[item->kind];
    struct value *facts = value_set_list(map, "facts");
    int rc = 0;

    value_set_text(map, "title", title_of(frame, item));
    value_set_text(map, "text", kind->text != NULL ? frame_word(frame, kind->text) : NULL);
    value_set_text(map, "said", item->said[0] != '\0' ? item->said : NULL);
    set_none_of_a_draft(map);
    set_commands(frame, map, item);
    if (item->draft != NULL) {
        rc = staff_set_draft(frame, map, facts, item->draft, err);
    } else if (item->mailing != 0) {
        rc = add_figures(frame, facts, item, err);
    }
    if (item->kind == STAFF_SOURCE_DOWN && item->begun != 0) {
        staff_fact(frame, facts, "staff.last_good", staff_moment(frame, item->begun));
    }
    if (kind->since != NULL) {
        staff_fact(frame, facts, kind->since, staff_moment(frame, item->since));
    }
    if (item->next > frame->date) {
        staff_fact(frame, facts, "staff.next", staff_moment(frame, item->next));
    }
    value_set_bool(map, "has_facts", value_count(facts) > 0);
    return rc;
}

/* ---- the whole ---- */

/* A mail of one matter has its title; one of several, the first's and how many more. */
static void set_title(struct frame *frame, const struct staff_item *const *items, size_t count,
                      struct rendered *rendered)
{
    const char *first = title_of(frame, items[0]);

    rendered->subject =
        count > 1 && first != NULL ? frame_printf(frame, "%s (+%zu)", first, count - 1) : first;
    value_set_text(frame->root, "title", rendered->subject);
    value_set_null(frame->root, "preheader");
    value_set_null(frame->root, "counts");
    value_set_bool(frame->root, "several", count > 1);
}

/* No list to leave, no preferences: who gets it stands in the site's files. */
static void set_footer(struct frame *frame)
{
    struct value *web = value_set_map(frame->root, "web");

    value_set_null(web, "leave");
    value_set_null(web, "preferences");
    value_set_null(web, "view");
    value_set_null(web, "privacy");
    value_set_text(frame->root, "reason",
                   frame_text_with(frame, "staff.why", "site",
                                   compose_site_name(frame->compose, frame->language)));
}

static int set_data(struct frame *frame, const struct staff_person *person,
                    const struct staff_item *const *items, size_t count, struct rendered *rendered,
                    struct err *err)
{
    struct value *list;
    int rc = 0;

    set_title(frame, items, count, rendered);
    set_footer(frame);
    value_set_text(frame->root, "greeting",
                   person->name != NULL
                       ? frame_text_with(frame, "greeting.named", "name", person->name)
                       : frame_word(frame, "greeting.plain"));
    list = value_set_list(frame->root, "items");
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct value *map = value_add_map(list);

        rc = set_item(frame, map, items[i], err);
        if (rc == 0 && items[i]->draft != NULL) {
            rc = staff_set_link(frame, map, items[i]->draft, person, err);
        }
    }
    rc = rc < 0 ? rc : frame_check(frame, err);
    return rc < 0 ? rc : value_check(frame->root, err);
}

int staff_render(struct compose *compose, struct arena *arena, const struct staff_person *person,
                 const struct staff_item *const *items, size_t count, int64_t now,
                 struct rendered *rendered, struct frozen *frozen, struct err *err)
{
    const struct frame_options options = {
        .language = person->language, .zone = compose_zone(compose, NULL), .date = now};
    const struct sender sender = staff_sender(compose);
    struct frame *frame = arena_alloc(arena, 1, sizeof(*frame));
    int rc;

    memset(rendered, 0, sizeof(*rendered));
    memset(frozen, 0, sizeof(*frozen));
    if (frame == NULL) {
        return err_nomem(err);
    }
    rendered->language = person->language;
    rc = frame_start(compose, arena, &options, frame, err);
    rc = rc < 0 ? rc : set_data(frame, person, items, count, rendered, err);
    rc = rc < 0 ? rc : edition_templates(frame, "staff", rendered, err);
    rendered->pictures = frame->pictures;
    rendered->picture_count = frame->picture_count;
    return rc < 0 ? rc : edition_freeze(compose, arena, rendered, &sender, frozen, err);
}
