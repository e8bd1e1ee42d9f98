/* letter.c - planning a letter: see teataja/compose/letter.h. */
#include "teataja/compose/letter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "letter_lines.h"
#include "plan.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/suggest.h"
#include "teataja/members/sync.h"

/* One variant while the recipients are gathered. */
struct choice {
    char key[35]; /* of the selection; with '-' behind it for those without a name */
    bool nameless;
    struct selection selection; /* in the plan's arena */
    int64_t recipients;
    const char *subject;
    size_t html_bytes;
};

struct planning {
    struct compose *compose;
    struct arena *arena; /* the caller's: what goes into the summary */
    const struct letter_options *options;
    struct letter letter;
    struct selector *selector;
    struct plan plan;
    struct choice *choices; /* beside plan.variants */
    size_t choice_capacity;
    size_t *buckets; /* hash of keys: index of a choice + 1 */
    struct arena *scratch;
    int64_t not_after;
    char subject[LIMIT_SLUG + 16];
};

enum { BUCKETS = 16384 }; /* half of them is as many variants as memory holds */

int letter_find(struct compose *compose, const char *slug, const struct issue **out,
                struct err *err)
{
    const struct content *content = compose->site.content;
    const struct issue *issue = content_issue(content, slug);
    struct suggest suggest;

    if (issue == NULL) {
        suggest_start(&suggest, slug);
        for (size_t i = 0; i < content->issue_count; i++) {
            suggest_offer(&suggest, content->issues[i].item.slug);
        }
        (void)err_set(err, ERR_NOT_FOUND, "no issue '%s' in issues/%s", slug,
                      suggest_hint(&suggest));
        return ERR_NOT_FOUND;
    }
    *out = issue;
    return 0;
}

struct sender letter_sender(const struct letter *letter)
{
    const struct newsletter *newsletter = letter->newsletter;

    return (struct sender){.newsletter = newsletter,
                           .list = letter->list,
                           .from = &newsletter->from.address,
                           .from_name = &newsletter->from.name,
                           .reply_to = &newsletter->reply_to,
                           .feedback = letter->issue->item.slug,
                           .kind = &mail_kinds[MAIL_LETTER]};
}

int letter_open_selector(const struct letter *letter, struct arena *arena, struct selector **out,
                         struct err *err)
{
    struct selector_options options = {.issue = letter->issue, .date = letter->date};

    for (size_t i = 0; i < LANG_COUNT; i++) {
        options.blocks[i] = letter->docs[i].blocks;
    }
    return selector_open(letter->compose, arena, &options, out, err);
}

/* ---- gathering ---- */

static int copy_selection(struct arena *arena, const struct selection *from, struct selection *to,
                          struct err *err)
{
    struct selected_call *calls = arena_alloc(arena, from->call_count + 1, sizeof(*calls));
    struct selected_event *events = arena_alloc(arena, from->event_count + 1, sizeof(*events));
    struct selected_news *news = arena_alloc(arena, from->news_count + 1, sizeof(*news));

    if (calls == NULL || events == NULL || news == NULL) {
        return err_nomem(err);
    }
    *to = *from;
    for (size_t i = 0; i < from->call_count; i++) {
        calls[i] = from->calls[i];
        calls[i].told = arena_strdup(arena, calls[i].told);
        if (calls[i].told == NULL) {
            return err_nomem(err);
        }
    }
    for (size_t i = 0; i < from->event_count; i++) {
        events[i] = from->events[i];
    }
    for (size_t i = 0; i < from->news_count; i++) {
        news[i] = from->news[i];
    }
    to->calls = calls;
    to->events = events;
    to->news = news;
    return 0;
}

/* What a variant's recipients are told: calls and news of blocks that are shown. */
static int set_items(struct planning *planning, struct plan_variant *variant,
                     const struct selection *selection, struct err *err)
{
    unsigned blocks = planning->letter.docs[selection->language].blocks;
    struct mailing_item *items = arena_alloc(
        planning->plan.arena, selection->call_count + selection->news_count + 1, sizeof(*items));

    if (items == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; (blocks & 1U << BLOCK_CALLS) != 0 && i < selection->call_count; i++) {
        const struct selected_call *call = &selection->calls[i];

        if (call->call->item.id != 0) {
            items[variant->item_count++] =
                (struct mailing_item){.item = call->call->item.id, .round = call->told};
        }
    }
    for (size_t i = 0; i < selection->news_count; i++) {
        if (selection->news[i].news->item.id != 0) {
            items[variant->item_count++] =
                (struct mailing_item){.item = selection->news[i].news->item.id, .round = ""};
        }
    }
    variant->items = items;
    return 0;
}

static int add_choice(struct planning *planning, const struct selection *selection, const char *key,
                      bool nameless, struct err *err)
{
    struct plan *plan = &planning->plan;
    struct choice *choice;
    int rc = arena_grow(plan->arena, &plan->variants, &plan->variant_capacity, plan->variant_count,
                        sizeof(*plan->variants), err);

    if (rc == 0) {
        rc = arena_grow(plan->arena, &planning->choices, &planning->choice_capacity,
                        plan->variant_count, sizeof(*planning->choices), err);
    }
    if (rc < 0) {
        return rc;
    }
    choice = &planning->choices[plan->variant_count];
    memset(choice, 0, sizeof(*choice));
    (void)snprintf(choice->key, sizeof(choice->key), "%s", key);
    choice->nameless = nameless;
    rc = copy_selection(plan->arena, selection, &choice->selection, err);
    if (rc == 0) {
        struct plan_variant *variant = &plan->variants[plan->variant_count];

        memset(variant, 0, sizeof(*variant));
        variant->lang = language_tag(selection->language);
        variant->key = arena_strdup(plan->arena, key);
        rc = variant->key != NULL ? set_items(planning, variant, &choice->selection, err)
                                  : err_nomem(err);
    }
    plan->variant_count += rc == 0;
    return rc;
}

/* The variant of a selection, made if there is none yet. */
static int find_choice(struct planning *planning, const struct selection *selection, bool nameless,
                       size_t *out, struct err *err)
{
    char key[sizeof(planning->choices->key)];
    size_t at;
    int rc;

    (void)snprintf(key, sizeof(key), "%s%s", selection->key, nameless ? "-" : "");
    at = strtoul((const char[]){key[0], key[1], key[2], key[3], '\0'}, NULL, 16) % BUCKETS;
    while (planning->buckets[at] != 0) {
        if (strcmp(planning->choices[planning->buckets[at] - 1].key, key) == 0) {
            *out = planning->buckets[at] - 1;
            return 0;
        }
        at = (at + 1) % BUCKETS;
    }
    if (planning->plan.variant_count >= BUCKETS / 2) {
        return err_set(err, ERR_LIMIT,
                       "the letter would have more than %d variants: its members have had too "
                       "different things",
                       BUCKETS / 2);
    }
    rc = add_choice(planning, selection, key, nameless, err);
    if (rc == 0) {
        *out = planning->plan.variant_count - 1;
        planning->buckets[at] = planning->plan.variant_count;
    }
    return rc;
}

static int add_member(struct planning *planning, const struct member_profile *profile,
                      const char *address, bool test, struct err *err)
{
    const struct row_values values = {.name = profile->name,
                                      .organisation = profile->organisation,
                                      .epoch = profile->epoch,
                                      .organizer = ""};
    struct selection selection;
    char dedupe[32];
    bool nameless;
    size_t variant = 0;
    int rc = selector_pick(planning->selector, planning->scratch, profile, &selection, err);

    if (rc < 0) {
        return rc;
    }
    nameless = profile->name[0] == '\0' && planning->letter.docs[selection.language].named;
    rc = find_choice(planning, &selection, nameless, &variant, err);
    if (rc < 0) {
        return rc;
    }
    planning->choices[variant].recipients++;
    (void)snprintf(dedupe, sizeof(dedupe), "m%" PRId64, profile->id);
    return plan_add_recipient(&planning->plan, variant, test ? 0 : profile->id,
                              test ? "test" : dedupe, address, &values, err);
}

static int parse_audience(struct planning *planning, struct segment *segments[2], struct err *err)
{
    const struct issue *issue = planning->letter.issue;
    const struct newsletter *newsletter = planning->letter.newsletter;
    char what[LIMIT_SLUG + 64];
    int rc;

    (void)snprintf(what, sizeof(what), "%s: audience", newsletter->file);
    rc = compose_segment(planning->compose, what, newsletter->audience, &segments[0], err);
    if (rc == 0) {
        (void)snprintf(what, sizeof(what), "%s: audience", issue->item.file);
        rc = compose_segment(planning->compose, what, issue->audience, &segments[1], err);
    }
    return rc;
}

static int gather_all(struct planning *planning, const struct recipients_query *query,
                      struct err *err)
{
    const struct members *members = planning->compose->site.members;
    struct recipients *recipients = NULL;
    struct arena_mark mark = arena_mark(planning->scratch);
    struct member_profile profile;
    int rc = recipients_open(members, query, &recipients, err);

    while (rc == 0 && (rc = recipients_next(recipients, planning->scratch, &profile, err)) == 1) {
        rc = add_member(planning, &profile, profile.email, false, err);
        arena_rewind(planning->scratch, mark);
    }
    recipients_close(recipients);
    return rc;
}

/* A reader without a profile, or the member whose letter is tried. */
static int test_profile(struct planning *planning, struct member_profile *out, struct err *err)
{
    enum language language = planning->options->language != LANG_NONE
                                 ? planning->options->language
                                 : planning->letter.newsletter->fallback;

    return letter_profile(planning->compose, planning->arena, planning->options->as, language, out,
                          err);
}

int letter_profile(struct compose *compose, struct arena *arena, const char *who,
                   enum language language, struct member_profile *out, struct err *err)
{
    struct member member;
    int rc;

    memset(out, 0, sizeof(*out));
    if (who == NULL) {
        out->name = out->organisation = "";
        out->email = "";
        out->languages[out->language_count++] = language;
        return 0;
    }
    rc = member_find(compose->site.members, arena, who, &member, err);
    return rc < 0 ? rc : member_profile_get(compose->site.members, arena, member.id, out, err);
}

static int gather(struct planning *planning, struct letter_summary *out, struct err *err)
{
    struct recipients_query query = {.list = planning->letter.newsletter->list};
    struct segment *segments[2] = {NULL, NULL};
    struct member_profile profile = {.name = ""};
    struct address test;
    int rc;

    if (planning->options->test != NULL) {
        rc = address_parse(planning->options->test, &test, err);
        if (rc == 0) {
            rc = test_profile(planning, &profile, err);
        }
        return rc < 0 ? rc : add_member(planning, &profile, test.text, true, err);
    }
    rc = parse_audience(planning, segments, err);
    query.audience[0] = segments[0];
    query.audience[1] = segments[1];
    if (rc == 0) {
        rc = recipients_explain(planning->compose->site.members, &query, &out->reasons, err);
    }
    if (rc == 0) {
        rc = gather_all(planning, &query, err);
    }
    segment_free(segments[0]);
    segment_free(segments[1]);
    if (rc == 0 && out->reasons.on_list == 0) {
        rc = err_set(err, ERR_STATE, "nobody would get %s: nobody is on the list '%s'",
                     planning->subject, query.list);
    } else if (rc == 0 && planning->plan.recipient_count == 0) {
        rc = err_set(err, ERR_STATE,
                     "nobody would get %s: of %" PRId64 " on the list '%s' %" PRId64
                     " left, %" PRId64 " are not confirmed, %" PRId64 " are suppressed, %" PRId64
                     " are outside the audience",
                     planning->subject, out->reasons.on_list, query.list, out->reasons.left,
                     out->reasons.pending + out->reasons.unconfirmed, out->reasons.suppressed,
                     out->reasons.outside);
    }
    return rc;
}

/* ---- rendering ---- */

static void note_deadlines(struct planning *planning, const struct selection *selection)
{
    for (size_t i = 0; i < selection->call_count; i++) {
        const struct selected_call *call = &selection->calls[i];

        if (call->reason != SELECT_CLOSED && call->round->has_deadline &&
            (planning->not_after == 0 || call->round->deadline.at < planning->not_after)) {
            planning->not_after = call->round->deadline.at;
        }
    }
}

static int render_choice(struct planning *planning, size_t index, struct err *err)
{
    struct choice *choice = &planning->choices[index];
    const struct sender sender = letter_sender(&planning->letter);
    struct rendered rendered;
    struct frozen frozen;
    int rc = edition_render(&planning->letter, planning->scratch, &choice->selection,
                            choice->nameless, &rendered, err);

    memset(&frozen, 0, sizeof(frozen));
    if (rc == 0) {
        rc = edition_freeze(planning->compose, planning->scratch, &rendered, &sender, &frozen, err);
    }
    if (rc == 0) {
        rc = plan_add_pictures(&planning->plan, &rendered, err);
    }
    if (rc == 0) {
        rc = plan_set_pieces(&planning->plan, index, &frozen, err);
    }
    if (rc == 0) {
        choice->subject = letter_plain_subject(planning->arena, frozen.subject);
        choice->html_bytes = rendered.html_len;
        note_deadlines(planning, &choice->selection);
        rc = choice->subject != NULL ? 0 : err_nomem(err);
    }
    return rc;
}

static int render_all(struct planning *planning, struct err *err)
{
    struct arena_mark mark = arena_mark(planning->scratch);
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < planning->plan.variant_count; i++) {
        rc = render_choice(planning, i, err);
        arena_rewind(planning->scratch, mark);
    }
    return rc;
}

/* ---- writing ---- */

/* Newsletter's and issue's expression as one. */
static const char *audience_text(struct planning *planning)
{
    const char *wide = planning->letter.newsletter->audience;
    const char *narrow = planning->letter.issue->audience;

    if (wide != NULL && narrow != NULL) {
        return arena_printf(planning->arena, "(%s) and (%s)", wide, narrow);
    }
    return wide != NULL ? wide : narrow != NULL ? narrow : "";
}

static int store(struct planning *planning, int64_t *id, struct err *err)
{
    const struct letter_options *options = planning->options;
    const struct sender sender = letter_sender(&planning->letter);
    const char *audience = audience_text(planning);
    struct envelope envelope;
    struct mailing mailing;
    struct str config;
    char nonce[32];
    char dedupe[LIMIT_SLUG + 64];
    int64_t list = 0;
    int rc = audience == NULL ? err_nomem(err)
                              : list_find(planning->compose->site.members,
                                          planning->letter.newsletter->list, &list, err);

    if (rc < 0) {
        return rc;
    }
    token_random(8, nonce);
    (void)snprintf(dedupe, sizeof(dedupe), "%s:%s%s%s", options->test != NULL ? "test" : "letter",
                   planning->subject, options->test != NULL ? ":" : "",
                   options->test != NULL ? nonce : "");
    envelope = edition_envelope(planning->compose, &sender, list);
    str_init(&config, LIMIT_TEXT);
    rc = envelope_write(&envelope, &config, err);
    mailing =
        (struct mailing){.purpose = options->test != NULL ? "test" : sender.kind->name,
                         .subject = planning->subject,
                         .list = list,
                         .dedupe = dedupe,
                         .on_unknown = options->on_unknown != NULL ? options->on_unknown : "resend",
                         .priority = sender.kind->priority,
                         .config = config.data,
                         .audience = audience,
                         .message_date = planning->letter.date,
                         .not_after = planning->not_after};
    if (rc == 0) {
        rc = plan_write(&planning->plan, planning->compose->site.members->db, &mailing, id, err);
    }
    str_release(&config);
    return rc;
}

static int open_planning(struct planning *planning, const char *slug, struct err *err)
{
    struct compose *compose = planning->compose;
    int64_t date = planning->options->date != 0 ? planning->options->date : clock_now();
    const struct issue *issue = NULL;
    int rc = letter_find(compose, slug, &issue, err);

    if (rc < 0) {
        return rc;
    }
    (void)snprintf(planning->subject, sizeof(planning->subject), "%s/%s",
                   mail_kinds[MAIL_LETTER].folder, issue->item.slug);
    /* What is recorded stays if the mailing fails: it is no more than what the files say. */
    rc = planning->options->dry_run ? content_recall(compose->site.members->db, compose->arena,
                                                     compose->site.content, date, err)
                                    : content_record(compose->site.members->db, compose->arena,
                                                     compose->site.content, date, err);
    if (rc == 0) {
        rc = plan_open(&planning->plan, err);
    }
    if (rc == 0) {
        planning->scratch = arena_new(LIMIT_ARENA_WORK);
        planning->buckets = arena_alloc(planning->plan.arena, BUCKETS, sizeof(size_t));
        rc = planning->scratch != NULL && planning->buckets != NULL ? 0 : err_nomem(err);
    }
    if (rc == 0) {
        rc = letter_read(compose, planning->plan.arena, issue, date, &planning->letter, err);
    }
    planning->letter.test = planning->options->test != NULL;
    return rc == 0 ? letter_open_selector(&planning->letter, planning->plan.arena,
                                          &planning->selector, err)
                   : rc;
}

/* ---- the summary ---- */

static int compare_groups(const void *a, const void *b)
{
    const struct letter_group *one = a;
    const struct letter_group *other = b;

    if (one->recipients != other->recipients) {
        return one->recipients < other->recipients ? 1 : -1;
    }
    return strcmp(one->key, other->key);
}

/* Variants that differ by the name only are one group. */
static int summarize(struct planning *planning, struct letter_summary *out, struct err *err)
{
    struct letter_group *groups =
        arena_alloc(planning->arena, planning->plan.variant_count + 1, sizeof(*groups));
    int rc = 0;

    if (groups == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; rc == 0 && i < planning->plan.variant_count; i++) {
        const struct choice *choice = &planning->choices[i];
        size_t at = 0;

        while (at < out->group_count && strcmp(groups[at].key, choice->selection.key) != 0) {
            at++;
        }
        groups[at].recipients += choice->recipients;
        if (at < out->group_count) {
            continue;
        }
        groups[at].language = choice->selection.language;
        groups[at].key = arena_strdup(planning->arena, choice->selection.key);
        groups[at].subject = choice->subject;
        groups[at].html_bytes = choice->html_bytes;
        rc = groups[at].key == NULL
                 ? err_nomem(err)
                 : letter_list_lines(&planning->letter, planning->arena, &choice->selection,
                                     &groups[at].lines, &groups[at].line_count, err);
        out->group_count++;
    }
    qsort(groups, out->group_count, sizeof(*groups), compare_groups);
    out->groups = groups;
    out->newsletter = planning->letter.newsletter;
    out->date = planning->letter.date;
    out->not_after = planning->not_after;
    out->total = (int64_t)planning->plan.recipient_count;
    out->subject = arena_strdup(planning->arena, planning->subject);
    return rc == 0 && out->subject == NULL ? err_nomem(err) : rc;
}

int letter_plan(struct compose *compose, struct arena *arena, const char *slug,
                const struct letter_options *options, struct letter_summary *out, struct err *err)
{
    struct planning planning = {.compose = compose, .arena = arena, .options = options};
    int rc;

    memset(out, 0, sizeof(*out));
    rc = open_planning(&planning, slug, err);
    if (rc == 0) {
        rc = gather(&planning, out, err);
    }
    if (rc == 0) {
        rc = render_all(&planning, err);
    }
    if (rc == 0) {
        rc = letter_warn(&planning.letter, arena, options->test == NULL && options->dry_run, out,
                         err);
    }
    if (rc == 0) {
        rc = summarize(&planning, out, err);
    }
    if (rc == 0 && !options->dry_run) {
        rc = store(&planning, &out->mailing, err);
    }
    arena_free(planning.scratch);
    plan_close(&planning.plan);
    return rc;
}
