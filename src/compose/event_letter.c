/* event_letter.c - see teataja/compose/event_letter.h. */
#include "teataja/compose/event_letter.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "event_letter_page.h"
#include "letter_lines.h"
#include "plan.h"
#include "preview.h"
#include "sql/compose/event_letter.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/calendar/zone.h"
#include "teataja/events/reminder.h"

/* Letters that differ only in what is the recipient's own. */
struct readers {
    enum language language;
    char zone[CIVIL_ZONE];
    enum answer_state answer;
};

/* An invitation, and what was answered to it. */
struct invited {
    int64_t invitation;
    int64_t at;
    enum answer_state answer; /* to the occurrence */
    bool yes;                 /* to any */
};

struct writing {
    struct compose *compose;
    struct arena *arena; /* the caller's: what goes into the summary */
    const struct event_letter_options *options;
    struct arena *work; /* what is needed as long as the planning lasts */
    struct arena *scratch;
    struct event_letter_page page;
    struct sender sender;
    struct plan plan;
    struct readers *readers; /* of plan.variants */
    size_t readers_capacity;
    char subject[LIMIT_SLUG + 16];
    char number[OCCURRENCE_ID + 32]; /* which of the event's letters */
};

static struct db *database(const struct writing *writing)
{
    return writing->compose->site.members->db;
}

/* ---- variants ---- */

static struct event_letter_group *group_of(struct event_letter_summary *summary,
                                           enum language language)
{
    size_t i = 0;

    while (i < summary->group_count && summary->groups[i].language != language) {
        i++;
    }
    if (i == summary->group_count) {
        summary->groups[summary->group_count++] = (struct event_letter_group){.language = language};
    }
    return &summary->groups[i];
}

static int render(struct writing *writing, size_t variant, struct event_letter_summary *out,
                  struct err *err)
{
    struct arena_mark mark = arena_mark(writing->scratch);
    const struct readers *readers = &writing->readers[variant];
    struct event_letter_group *group = group_of(out, readers->language);
    struct rendered rendered;
    struct frozen frozen;
    int rc = event_letter_render(&writing->page, writing->scratch, readers->language, readers->zone,
                                 readers->answer, &rendered, &frozen, err);

    if (rc == 0) {
        rc = plan_add_pictures(&writing->plan, &rendered, err);
    }
    if (rc == 0) {
        rc = plan_set_pieces(&writing->plan, variant, &frozen, err);
    }
    if (rc == 0 && group->subject == NULL) {
        group->subject = arena_strdup(writing->arena, frozen.subject);
        rc = group->subject != NULL ? 0 : err_nomem(err);
    }
    arena_rewind(writing->scratch, mark);
    return rc;
}

static int add_readers(struct writing *writing, const struct readers *readers,
                       struct event_letter_summary *out, struct err *err)
{
    size_t index = writing->plan.variant_count;
    char *key =
        arena_printf(writing->work, "%s %s", readers->zone, answer_state_name(readers->answer));
    int rc = key == NULL ? err_nomem(err)
                         : arena_grow(writing->work, &writing->readers, &writing->readers_capacity,
                                      index, sizeof(*writing->readers), err);

    if (rc == 0) {
        writing->readers[index] = *readers;
        rc = plan_add_variant(&writing->plan, language_tag(readers->language), key, err);
    }
    return rc == 0 ? render(writing, index, out, err) : rc;
}

/* The variant of those who read as this member does, rendered if there is none yet. */
static int find_readers(struct writing *writing, const struct member_profile *profile,
                        enum answer_state answer, struct event_letter_summary *summary, size_t *out,
                        struct err *err)
{
    struct readers readers = {.language = event_letter_edition(&writing->page, profile->languages,
                                                               profile->language_count)
                                              ->language,
                              /* Thanks are the same whatever was answered to which occurrence. */
                              .answer = writing->page.kind == EVENT_REMINDER ? answer : ANSWER_YES};
    size_t count = writing->plan.variant_count;

    (void)snprintf(readers.zone, sizeof(readers.zone), "%s",
                   compose_reader_zone(writing->compose, writing->page.event.newsletter, profile));
    for (*out = 0; *out < count; ++*out) {
        const struct readers *known = &writing->readers[*out];

        if (known->language == readers.language && known->answer == readers.answer &&
            strcmp(known->zone, readers.zone) == 0) {
            return 0;
        }
    }
    return add_readers(writing, &readers, summary, err);
}

/* ---- recipients ---- */

static enum answer_state state_of(const char *text)
{
    enum answer_state state = ANSWER_NONE;

    while (state <= ANSWER_WAITING && strcmp(answer_state_name(state), text) != 0) {
        state++;
    }
    return state <= ANSWER_WAITING ? state : ANSWER_NONE;
}

/* 1, or 0 for who is not invited. */
static int find_invited(struct writing *writing, int64_t member, struct invited *out,
                        struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(database(writing), SQL_EVENT_LETTER_ANSWER, &stmt, err);

    if (rc == 0) {
        rc = db_bind(stmt, err, "itt", member, writing->page.event.event->slug,
                     writing->page.event.next.id);
    }
    if (rc == 0) {
        rc = db_next(stmt, err);
    }
    if (rc == 1) {
        *out = (struct invited){.invitation = db_int(stmt, 0),
                                .at = db_int(stmt, 1),
                                .answer = state_of(db_text(stmt, 2)),
                                .yes = db_int(stmt, 3) != 0};
    }
    db_stmt_free(stmt);
    return rc;
}

/* Whether the letter is for who answered so; the others are counted. */
static bool is_for(const struct writing *writing, const struct invited *invited,
                   struct event_letter_summary *out)
{
    int64_t *reason = NULL;

    if (writing->page.kind == EVENT_THANKS && invited->yes) {
        return true;
    }
    if (invited->answer == ANSWER_NO) {
        reason = &out->said_no;
    } else if (invited->answer == ANSWER_WAITING) {
        reason = &out->waiting;
    } else if (writing->page.kind == EVENT_THANKS ||
               (invited->answer == ANSWER_NONE && !writing->page.asks)) {
        reason = &out->no_answer;
    } else if (writing->options->invited_by != 0 && invited->at > writing->options->invited_by) {
        reason = &out->invited_later;
    }
    if (reason != NULL) {
        ++*reason;
    }
    return reason == NULL;
}

static int add_recipient(struct writing *writing, const struct member_profile *profile,
                         const struct plan_recipient *recipient, enum answer_state answer,
                         struct event_letter_summary *out, struct err *err)
{
    struct plan_recipient added = *recipient;
    int rc = find_readers(writing, profile, answer, out, &added.variant, err);

    if (rc < 0) {
        return rc;
    }
    group_of(out, writing->readers[added.variant].language)->recipients++;
    return plan_add_recipient(&writing->plan, &added, err);
}

static int add_member(struct writing *writing, const struct member_profile *profile,
                      struct event_letter_summary *out, struct err *err)
{
    char dedupe[32];
    struct plan_recipient recipient = {.member = profile->id,
                                       .dedupe = dedupe,
                                       .address = profile->email,
                                       .values = {.name = profile->name,
                                                  .organisation = profile->organisation,
                                                  .epoch = profile->epoch,
                                                  .organizer = ""}};
    struct invited invited = {0};
    int rc = find_invited(writing, profile->id, &invited, err);

    if (rc != 1) {
        return rc;
    }
    out->invited++;
    if (!is_for(writing, &invited, out)) {
        return 0;
    }
    recipient.values.invitation = invited.invitation;
    (void)snprintf(dedupe, sizeof(dedupe), "m%" PRId64, profile->id);
    return add_recipient(writing, profile, &recipient, invited.answer, out, err);
}

static int walk(struct writing *writing, const struct recipients_query *query,
                struct event_letter_summary *out, struct err *err)
{
    struct arena_mark mark = arena_mark(writing->scratch);
    struct recipients *recipients = NULL;
    struct member_profile profile;
    int rc = recipients_open(writing->compose->site.members, query, &recipients, err);

    while (rc == 0 && (rc = plan_begin_reading(&writing->plan, err)) == 0 &&
           (rc = recipients_next(recipients, writing->scratch, &profile, err)) == 1) {
        rc = add_member(writing, &profile, out, err);
        arena_rewind(writing->scratch, mark);
    }
    recipients_close(recipients);
    return rc;
}

/* Who has not answered is asked as long as there is a seat to be had. */
static int find_seats(struct writing *writing, struct err *err)
{
    const struct event *event = writing->page.event.event;
    int64_t taken = 0;
    int rc = 0;

    writing->page.asks = event_takes_answers(event, writing->page.event.date);
    if (writing->page.asks && event->rsvp.capacity > 0 && !event->rsvp.waiting_list) {
        rc = answer_seats(database(writing), event, writing->page.event.next.id, &taken, err);
        writing->page.asks = taken < event->rsvp.capacity;
    }
    /* Nobody was invited: that is told by who counts them. */
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int gather(struct writing *writing, struct event_letter_summary *out, struct err *err)
{
    const struct event *event = writing->page.event.event;
    struct recipients_query query = {.list = event->list};
    struct segment *segment = NULL;
    char audience[LIMIT_SLUG + 16];
    struct err own = {0};
    int rc = find_seats(writing, &own);

    (void)snprintf(audience, sizeof(audience), "invited(%s)", event->slug);
    if (rc < 0) {
        return err_set(err, rc, "%s", own.msg);
    }
    rc = compose_segment(writing->compose, event->file, audience, &segment, err);
    query.audience[0] = segment;
    if (rc == 0) {
        rc = walk(writing, &query, out, err);
    }
    segment_free(segment);
    if (rc == 0 && out->invited == 0) {
        rc = err_set(err, ERR_STATE,
                     "nobody would get it: nobody on the list '%s' was invited to %s", event->list,
                     writing->subject);
    } else if (rc == 0 && writing->plan.total == 0) {
        rc = err_set(err, ERR_STATE,
                     "nobody would get it: of %" PRId64 " who were invited to %s %" PRId64
                     " said no, %" PRId64 " wait for a seat, %" PRId64
                     " have not said yes, %" PRId64 " were invited later",
                     out->invited, writing->subject, out->said_no, out->waiting, out->no_answer,
                     out->invited_later);
    }
    return rc;
}

static int gather_test(struct writing *writing, struct event_letter_summary *out, struct err *err)
{
    enum language language = writing->options->language != LANG_NONE
                                 ? writing->options->language
                                 : writing->compose->site.config->site.languages[0];
    struct plan_recipient recipient = {.dedupe = "test",
                                       .values = {.name = "", .organisation = "", .organizer = ""}};
    struct member_profile profile = {.name = ""};
    struct address address;
    int rc = address_parse(writing->options->test, &address, err);

    if (rc == 0) {
        rc = letter_profile(writing->compose, writing->scratch, NULL, language, &profile, err);
    }
    if (rc < 0) {
        return rc;
    }
    recipient.address = address.text;
    return add_recipient(writing, &profile, &recipient, ANSWER_NONE, out, err);
}

/* ---- the whole ---- */

/* Which of the event's letters it is: a mailing of this purpose, subject and number is
 * made once. An event that moves is reminded of anew. */
static int set_number(struct writing *writing, struct err *err)
{
    const struct occurrence *next = &writing->page.event.next;
    char start[OCCURRENCE_ID];
    char day[CIVIL_TEXT];
    struct civil today;
    int rc;

    if (writing->page.kind == EVENT_THANKS) {
        return 0;
    }
    occurrence_id(&next->start, start);
    if (writing->options->name != NULL) {
        (void)snprintf(writing->number, sizeof(writing->number), "%s-%.15s", start,
                       writing->options->name);
        return 0;
    }
    rc = zone_from_utc(next->event->tzid, writing->page.event.date, &today, err);
    today.date_only = true;
    civil_format(&today, day);
    (void)snprintf(writing->number, sizeof(writing->number), "%s-%s", start, day);
    return rc;
}

static int open_plan(struct writing *writing, struct err *err)
{
    const struct event *event = writing->page.event.event;
    const struct event_letter_options *options = writing->options;
    const struct plan_head head = {.compose = writing->compose,
                                   .sender = &writing->sender,
                                   .subject = writing->subject,
                                   .list = event->list,
                                   .number = writing->number,
                                   .audience =
                                       arena_printf(writing->work, "invited(%s)", event->slug),
                                   .on_unknown = "resend",
                                   .date = writing->page.event.date,
                                   .test = options->test != NULL,
                                   .dry_run = options->dry_run};

    return head.audience == NULL ? err_nomem(err)
                                 : plan_open(&writing->plan, writing->work, &head, err);
}

static int open_writing(struct writing *writing, const char *slug, struct err *err)
{
    const struct event_letter_options *options = writing->options;
    int64_t date = options->date != 0 ? options->date : clock_now();
    int rc =
        event_letter_open(writing->compose, writing->arena, slug, options->kind,
                          options->occurrence, date, options->test != NULL, &writing->page, err);

    if (rc < 0) {
        return rc;
    }
    writing->page.event.test = options->test != NULL;
    writing->sender = event_letter_sender(&writing->page);
    (void)snprintf(writing->subject, sizeof(writing->subject), "%s/%s",
                   writing->sender.kind->folder, writing->page.event.event->slug);
    writing->work = arena_new(LIMIT_ARENA_SITE);
    writing->scratch = arena_new(LIMIT_ARENA_WORK);
    if (writing->work == NULL || writing->scratch == NULL) {
        return err_nomem(err);
    }
    rc = set_number(writing, err);
    return rc == 0 ? open_plan(writing, err) : rc;
}

static int summarize(const struct writing *writing, struct event_letter_summary *out,
                     struct err *err)
{
    char when[CIVIL_TEXT];

    civil_print(&writing->page.event.next.start, when);
    out->total = writing->plan.total;
    out->subject = arena_strdup(writing->arena, writing->subject);
    out->when = arena_strdup(writing->arena, when);
    return out->subject != NULL && out->when != NULL ? 0 : err_nomem(err);
}

int event_letter_plan(struct compose *compose, struct arena *arena, const char *slug,
                      const struct event_letter_options *options, struct event_letter_summary *out,
                      struct err *err)
{
    struct writing writing = {.compose = compose, .arena = arena, .options = options};
    int rc;

    memset(out, 0, sizeof(*out));
    rc = open_writing(&writing, slug, err);
    if (rc == 0) {
        rc = options->test != NULL ? gather_test(&writing, out, err) : gather(&writing, out, err);
    }
    if (rc == 0) {
        rc = summarize(&writing, out, err);
    }
    if (rc == 0 && !options->dry_run) {
        rc = plan_ready(&writing.plan,
                        options->kind == EVENT_REMINDER ? writing.page.event.next.start_utc : 0,
                        &out->mailing, err);
    }
    plan_close(&writing.plan);
    arena_free(writing.scratch);
    arena_free(writing.work);
    return rc;
}

/* What this member answered; nothing for who is not invited, or said no. */
static int find_answer(struct compose *compose, const struct event_letter_page *page,
                       const struct member_profile *profile, struct invited *out, struct err *err)
{
    struct writing writing = {.compose = compose, .page = *page};
    int rc = profile->id != 0 ? find_invited(&writing, profile->id, out, err) : 0;

    if (out->answer == ANSWER_NO || out->answer == ANSWER_WAITING) {
        out->answer = ANSWER_NONE;
    }
    return rc < 0 ? rc : 0;
}

int event_letter_preview(struct compose *compose, struct arena *arena, const char *slug,
                         enum event_letter_kind kind, const struct letter_preview *options,
                         struct letter_view *out, struct err *err)
{
    int64_t date = options->date != 0 ? options->date : clock_now();
    const struct site *site = &compose->site.config->site;
    struct event_letter_page page;
    struct member_profile profile = {0};
    struct invited invited = {0};
    struct rendered rendered = {0};
    struct frozen frozen = {0};
    struct sender sender;
    enum language language =
        options->language != LANG_NONE ? options->language : site->languages[0];
    int rc;

    memset(out, 0, sizeof(*out));
    rc = event_letter_open(compose, arena, slug, kind, NULL, date, true, &page, err);
    if (rc == 0) {
        rc = letter_profile(compose, arena, options->member, language, &profile, err);
    }
    if (rc == 0) {
        rc = find_answer(compose, &page, &profile, &invited, err);
    }
    if (rc < 0) {
        return rc;
    }
    page.asks = true;
    sender = event_letter_sender(&page);
    rc = event_letter_render(
        &page, arena,
        event_letter_edition(&page, profile.languages, profile.language_count)->language,
        compose_reader_zone(compose, page.event.newsletter, &profile), invited.answer, &rendered,
        &frozen, err);
    if (rc == 0) {
        const struct preview preview = {
            .compose = compose,
            .rendered = &rendered,
            .sender = &sender,
            .frozen = &frozen,
            .date = date,
            .input = {.member = profile.id,
                      .address = profile.id != 0 ? profile.email : site->office.address.text,
                      .values = {.name = profile.name,
                                 .organisation = profile.organisation,
                                 .epoch = profile.epoch,
                                 .invitation = invited.invitation,
                                 .organizer = ""}}};

        rc = preview_view(&preview, arena, out, err);
    }
    return rc;
}
