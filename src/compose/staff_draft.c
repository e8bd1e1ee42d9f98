/* A draft in a mail to its editors: what it would be, in each language, as its readers would
 * see it. What fits into a mail that no mail program cuts off stands in the mail; all of it is
 * attached, as messages, and behind the link. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "staff_item.h"
#include "staff_letter.h"
#include "teataja/base/limits.h"
#include "teataja/compose/link.h"

enum {
    ITEMS_MOST = 20,                    /* of an edition that are listed */
    ITEM_BYTES = 300,                   /* of one in the HTML part, with its title */
    GROUP_BYTES = 1500,                 /* of what stands around the items */
    SHOWN_MOST = LIMIT_HTML - 6 * 1024, /* bytes of the editions in the HTML part */
    ATTACHED_MOST = 1024 * 1024         /* bytes of the letters attached */
};

/* The versions of one language. */
struct edition_group {
    enum language language;
    int64_t recipients;
    size_t versions;
    const struct approval_edition *most; /* that with most recipients; with html if any has */
};

struct showing {
    struct frame *frame;
    const struct approval *draft;
    struct edition_group groups[LANG_COUNT];
    size_t group_count;
    size_t shown, attached; /* bytes so far */
};

/* ---- facts ---- */

static const char *people(struct frame *frame, int64_t count)
{
    return frame_text_count(frame, "review.people", "count", count);
}

static const char *how_it_stands(struct frame *frame, const struct approval *draft)
{
    if (strcmp(draft->state, "rejected") == 0) {
        return frame_word(frame, "review.rejected");
    }
    if (draft->needed == 0) {
        return frame_word(frame, "review.waits_nobody");
    }
    return draft->given > 0 ? frame_word(frame, "review.waits_second")
                            : frame_text_count(frame, "review.waits", "count", draft->needed);
}

/* Who did it, and when: "Kati Kask, 1 December 2026 at 10:00". */
static const char *by_whom(struct frame *frame, const struct approval_step *step)
{
    const char *who = step->who[0] != '\0' ? step->who : frame_word(frame, "review.program");
    const char *when = staff_moment(frame, step->at);

    return who != NULL && when != NULL ? frame_printf(frame, "%s, %s", who, when) : NULL;
}

/* The approvals that count, and whoever rejected it last. */
static int add_steps(struct frame *frame, struct value *facts, const struct approval *draft,
                     struct err *err)
{
    bool rejected = strcmp(draft->state, "rejected") == 0;
    const struct approval_step *last = NULL;
    struct approval_step *steps = NULL;
    size_t count = 0;
    int rc = approval_trail(frame->compose->site.members->db, frame->arena, draft->mailing, &steps,
                            &count, err);

    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (strcmp(steps[i].what, "approved") == 0 && steps[i].valid) {
            staff_fact(frame, facts, "review.step_approved", by_whom(frame, &steps[i]));
        } else if (strcmp(steps[i].what, "rejected") == 0) {
            last = &steps[i];
        }
    }
    if (rejected && last != NULL) {
        staff_fact(frame, facts, "review.step_rejected", by_whom(frame, last));
    }
    return rc;
}

static int add_facts(struct frame *frame, struct value *facts, const struct approval *draft,
                     struct err *err)
{
    bool rejected = strcmp(draft->state, "rejected") == 0;

    staff_fact(frame, facts, rejected ? "review.reason" : "review.why_anew", draft->reason);
    if (!rejected) {
        staff_fact(frame, facts, "review.goes_out",
                   draft->due_at != 0 ? staff_moment(frame, draft->due_at)
                                      : frame_word(frame, "review.at_once"));
    }
    staff_fact(frame, facts, "review.recipients", people(frame, draft->recipients));
    staff_fact(frame, facts, "review.audience", draft->audience);
    staff_fact(frame, facts, "review.warnings", draft->warnings);
    return add_steps(frame, facts, draft, err);
}

/* ---- editions ---- */

static void group(struct showing *showing, const struct approval_edition *editions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct edition_group *found = NULL;

        for (size_t g = 0; g < showing->group_count; g++) {
            if (showing->groups[g].language == editions[i].language) {
                found = &showing->groups[g];
            }
        }
        if (found == NULL) {
            found = &showing->groups[showing->group_count++];
            *found = (struct edition_group){.language = editions[i].language, .most = &editions[i]};
        }
        found->recipients += editions[i].recipients;
        found->versions++;
        if (found->most->html == NULL && editions[i].html != NULL) {
            found->most = &editions[i];
        }
    }
}

/* The reader's own language comes first: its letter is the one that certainly has room. */
static void put_first(struct showing *showing, enum language language)
{
    for (size_t i = 1; i < showing->group_count; i++) {
        struct edition_group own = showing->groups[i];

        if (own.language == language) {
            memmove(&showing->groups[1], &showing->groups[0], i * sizeof(own));
            showing->groups[0] = own;
        }
    }
}

/* What all editions take before any letter is shown. */
static size_t listed_bytes(const struct showing *showing)
{
    size_t bytes = 0;

    for (size_t i = 0; i < showing->group_count; i++) {
        size_t items = showing->groups[i].most->item_count;

        bytes += GROUP_BYTES + ITEM_BYTES * (items < ITEMS_MOST ? items : ITEMS_MOST);
    }
    return bytes;
}

/* What letter_lines.c says of an item, in words of the reader's; as it is if it is new to us. */
static const char *note_word(struct frame *frame, const char *note, size_t len)
{
    static const struct {
        const char *note, *key;
    } known[] = {{"new", "letter.new"},
                 {"moved", "call.deadline_moved"},
                 {"closed", "status.closed"},
                 {"closing soon", "letter.closing_soon"}};
    char key[16];

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (len == strlen(known[i].note) && strncmp(note, known[i].note, len) == 0) {
            return frame_word(frame, known[i].key);
        }
    }
    if (len == 5 && strncmp(note, "in ", 3) == 0 && language_find_bytes(note + 3, 2) != LANG_NONE) {
        (void)snprintf(key, sizeof(key), "language.in_%.2s", note + 3);
        return frame_word(frame, key);
    }
    return frame_printf(frame, "%.*s", (int)len, note);
}

/* "new, in et" word by word; NULL for "". */
static const char *note_words(struct frame *frame, const char *note)
{
    const char *out = NULL;

    while (note[0] != '\0') {
        size_t len = strcspn(note, ",");
        const char *word = note_word(frame, note, len);

        out = out != NULL ? frame_printf(frame, "%s, %s", out, word) : word;
        note += len + strspn(note + len, ", ");
    }
    return out;
}

static void set_items(struct frame *frame, struct value *map,
                      const struct approval_edition *edition)
{
    struct value *items = value_set_list(map, "items");

    for (size_t i = 0; i < edition->item_count && i < ITEMS_MOST; i++) {
        struct value *item = value_add_map(items);

        value_set_text(item, "title", edition->items[i].title);
        value_set_text(item, "note", note_words(frame, edition->items[i].note));
    }
    value_set_bool(map, "has_items", edition->item_count > 0);
    value_set_bool(map, "more_items", edition->item_count > ITEMS_MOST);
}

static bool has_picture(const struct frame *frame, const char *cid)
{
    for (size_t i = 0; i < frame->picture_count; i++) {
        if (strcmp(frame->pictures[i].cid, cid) == 0) {
            return true;
        }
    }
    return false;
}

/* True if there was room for all of them. */
static bool add_pictures(struct frame *frame, const struct picture *pictures, size_t count)
{
    size_t missing = 0;

    for (size_t i = 0; i < count; i++) {
        missing += !has_picture(frame, pictures[i].cid);
    }
    if (frame->picture_count + missing > FRAME_PICTURES) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!has_picture(frame, pictures[i].cid)) {
            frame->pictures[frame->picture_count++] = pictures[i];
        }
    }
    return true;
}

/* In the mail itself, as long as no mail program cuts it off. */
static int show(struct showing *showing, struct value *map, const struct staff_letter *letter,
                struct err *err)
{
    const char *body = NULL;
    int rc = staff_letter_body(letter, showing->frame->arena, &body, err);

    if (rc == 0 && showing->shown + strlen(body) <= SHOWN_MOST &&
        add_pictures(showing->frame, letter->rendered.pictures, letter->rendered.picture_count)) {
        showing->shown += strlen(body);
        value_set_markup(map, "letter_html", body);
    }
    return rc;
}

static int attach(struct showing *showing, struct value *map, const struct staff_letter *letter,
                  struct err *err)
{
    struct frame *frame = showing->frame;
    struct picture message = {.type = LAYOUT_MESSAGE};
    int rc = staff_letter_message(letter, frame->arena, &message.data, &message.len, err);

    if (rc < 0) {
        return rc;
    }
    message.cid = frame_printf(frame, "%s-%" PRId64 ".eml", language_tag(letter->rendered.language),
                               showing->draft->mailing);
    if (message.cid == NULL || showing->attached + message.len > ATTACHED_MOST ||
        !add_pictures(frame, &message, 1)) {
        return 0;
    }
    showing->attached += message.len;
    value_set_bool(map, "attached", true);
    return 0;
}

/* The letter itself; one that is too large for a mail stands behind the link alone. */
static int set_letter(struct showing *showing, struct value *map,
                      const struct approval_edition *edition, struct err *err)
{
    struct staff_letter letter;
    struct err own = {0};
    int rc;

    value_set_null(map, "letter_html");
    value_set_text(map, "letter_text", edition->text);
    value_set_bool(map, "attached", false);
    if (edition->html == NULL || edition->text == NULL) {
        return 0;
    }
    rc = staff_letter_read(showing->frame, showing->draft, edition, &letter, &own);
    rc = rc < 0 ? rc : show(showing, map, &letter, &own);
    rc = rc < 0 ? rc : attach(showing, map, &letter, &own);
    if (rc < 0 && rc != ERR_LIMIT) {
        *err = own;
        return rc;
    }
    return 0;
}

static int set_edition(struct showing *showing, struct value *map,
                       const struct edition_group *group, struct err *err)
{
    struct frame *frame = showing->frame;
    char key[16];
    const char *language;

    (void)snprintf(key, sizeof(key), "language.in_%s", language_tag(group->language));
    language = frame_word(frame, key);
    value_set_text(map, "heading",
                   frame_printf(frame, "%s (%s)", frame_word(frame, "review.letter"), language));
    value_set_text(map, "lang", language_tag(group->language));
    value_set_text(map, "subject", group->most->subject);
    value_set_text(map, "people", people(frame, group->recipients));
    value_set_text(map, "versions",
                   group->versions > 1 ? frame_text_count(frame, "staff.versions", "count",
                                                          (int64_t)group->versions)
                                       : NULL);
    set_items(frame, map, group->most);
    return set_letter(showing, map, group->most, err);
}

int staff_set_draft(struct frame *frame, struct value *map, struct value *facts,
                    const struct approval *draft, struct err *err)
{
    struct showing showing = {.frame = frame, .draft = draft};
    struct approval_edition *editions = NULL;
    struct value *list = value_set_list(map, "editions");
    size_t count = 0;
    int rc = add_facts(frame, facts, draft, err);

    value_set_text(map, "text", how_it_stands(frame, draft));
    value_set_null(map, "said");
    if (rc == 0 && strcmp(draft->state, "waiting") == 0) {
        rc = approval_editions(frame->compose->site.members->db, frame->arena, draft->mailing,
                               &editions, &count, err);
    }
    group(&showing, editions, count);
    put_first(&showing, frame->language);
    showing.shown = listed_bytes(&showing);
    for (size_t i = 0; rc == 0 && i < showing.group_count; i++) {
        rc = set_edition(&showing, value_add_map(list), &showing.groups[i], err);
    }
    return rc;
}

int staff_set_link(struct frame *frame, struct value *map, const struct approval *draft,
                   const struct staff_person *person, struct err *err)
{
    const struct compose_site *site = &frame->compose->site;
    const struct link_base base = link_base_of(&site->config->site);
    char link[LINK_TEXT];
    int rc;

    if (site->members->key == NULL) {
        return 0;
    }
    rc = link_draft(&base, site->members->key, draft->mailing, &person->address, draft->digest,
                    link, err);
    if (rc == 0) {
        value_set_text(map, "look_url", link);
    }
    return rc;
}
