/* invite.c - see teataja/compose/invite.h. */
#include "teataja/compose/invite.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "invitation_page.h"
#include "letter_lines.h"
#include "plan.h"
#include "preview.h"
#include "sql/compose/invite.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/events/invitation.h"
#include "teataja/members/sync.h"

/* Invitations that differ only in what is the recipient's own. */
struct readers {
    enum language language;
    char zone[CIVIL_ZONE];
};

struct inviting {
    struct compose *compose;
    struct arena *arena; /* the caller's */
    const struct invite_options *options;
    struct invitation_page page;
    struct plan plan;
    struct arena *scratch;
    struct event_row row;
    struct readers *readers; /* of plan.variants */
    size_t readers_capacity;
    char subject[LIMIT_SLUG + 16];
    char uid[INVITATION_UID];
};

/* The newsletter that goes to the event's list lends its brand and fallback. */
static const struct newsletter *newsletter_of(const struct config *config, const char *list)
{
    for (size_t i = 0; list != NULL && i < config->newsletter_count; i++) {
        if (strcmp(config->newsletters[i].list, list) == 0) {
            return &config->newsletters[i];
        }
    }
    return NULL;
}

static int open_page(struct compose *compose, struct arena *arena, const char *slug, int64_t date,
                     struct invitation_page *page, struct err *err)
{
    const struct config *config = compose->site.config;
    const struct event *event = NULL;
    int rc = event_get(compose->site.events, slug, &event, err);

    if (rc < 0) {
        return rc;
    }
    memset(page, 0, sizeof(*page));
    page->compose = compose;
    page->event = event;
    page->date = date;
    page->list = event->list != NULL ? site_list_find(&config->site, event->list) : NULL;
    page->newsletter = newsletter_of(config, event->list);
    if (page->list == NULL) {
        return err_set(err, ERR_STATE,
                       "%s: nobody can be invited without a list; name one of teataja.yaml with "
                       "'list:'",
                       event->file);
    }
    if (event->status == EVENT_CANCELLED) {
        return err_set(err, ERR_STATE, "%s: the event is cancelled", event->file);
    }
    if (event->access == EVENT_INTERNAL && event->audience.text == NULL &&
        event->invite.text == NULL) {
        return err_set(err, ERR_STATE,
                       "%s: an internal meeting needs an 'audience:' that says who it is for",
                       event->file);
    }
    rc = event_next(event, date, date + 3660 * CLOCK_DAY, arena, &page->next, err);
    if (rc == 0) {
        return err_set(err, ERR_STATE, "%s: the event is over", event->file);
    }
    if (rc == 1 && !event_takes_answers(event, date)) {
        return err_set(err, ERR_STATE, "%s: answers were taken until rsvp.by, which is past",
                       event->file);
    }
    return rc < 0 ? rc : 0;
}

/* ---- recipients ---- */

static int readers_variant(struct inviting *inviting, const struct member_profile *profile,
                           size_t *out, struct err *err)
{
    const struct newsletter *newsletter = inviting->page.newsletter;
    enum language fallback = newsletter != NULL ? newsletter->fallback
                                                : inviting->compose->site.config->site.languages[0];
    enum language language = event_edition_for(inviting->page.event, profile->languages,
                                               profile->language_count, fallback, NULL)
                                 ->language;
    const char *zone = compose_reader_zone(inviting->compose, newsletter, profile);
    struct plan *plan = &inviting->plan;
    struct readers *readers;
    int rc;

    for (size_t i = 0; i < plan->variant_count; i++) {
        if (inviting->readers[i].language == language &&
            strcmp(inviting->readers[i].zone, zone) == 0) {
            *out = i;
            return 0;
        }
    }
    rc = arena_grow(plan->arena, &plan->variants, &plan->variant_capacity, plan->variant_count,
                    sizeof(*plan->variants), err);
    if (rc == 0) {
        rc = arena_grow(plan->arena, &inviting->readers, &inviting->readers_capacity,
                        plan->variant_count, sizeof(*inviting->readers), err);
    }
    if (rc < 0) {
        return rc;
    }
    *out = plan->variant_count;
    readers = &inviting->readers[*out];
    readers->language = language;
    (void)snprintf(readers->zone, sizeof(readers->zone), "%s", zone);
    plan->variants[plan->variant_count++] = (struct plan_variant){
        .lang = language_tag(language), .key = arena_strdup(plan->arena, zone)};
    return plan->variants[*out].key != NULL ? 0 : err_nomem(err);
}

/* The line of the summary for those who read this language. */
static struct invite_group *group_of(struct invite_summary *summary, enum language language)
{
    size_t i = 0;

    while (i < summary->group_count && summary->groups[i].language != language) {
        i++;
    }
    if (i == summary->group_count) {
        summary->groups[summary->group_count++] = (struct invite_group){.language = language};
    }
    return &summary->groups[i];
}

/* The row of an invitation, and what its message needs of it. */
static int invite_member(struct inviting *inviting, const struct member_profile *profile,
                         struct row_values *values, struct err *err)
{
    struct db *db = inviting->compose->site.members->db;
    const char *organizer = inviting->compose->site.config->site.office.address.text;
    struct invitation invitation;
    int rc =
        invitation_add(db, inviting->scratch, inviting->row.id, profile->id, profile->email,
                       organizer, inviting->row.sequence, inviting->page.date, &invitation, err);

    if (rc == 0 && !invitation.fresh) {
        rc = invitation_sent(db, invitation.id, profile->email, inviting->row.sequence,
                             inviting->page.date, err);
    }
    if (rc == 0) {
        values->invitation = invitation.id;
        values->organizer = invitation.organizer;
    }
    return rc;
}

static int add_recipient(struct inviting *inviting, const struct member_profile *profile,
                         struct invite_summary *out, struct err *err)
{
    struct row_values values = {.name = profile->name,
                                .organisation = profile->organisation,
                                .epoch = profile->epoch,
                                .organizer = ""};
    char dedupe[32];
    int64_t had = 0;
    size_t variant = 0;
    int rc = inviting->options->again
                 ? 0
                 : db_get_int(inviting->compose->site.members->db, SQL_INVITE_HAD, &had, err, "it",
                              profile->id, inviting->subject);

    if (rc == 1) {
        out->invited_before++;
        return 0;
    }
    if (rc == 0) {
        rc = readers_variant(inviting, profile, &variant, err);
    }
    if (rc == 0 && !inviting->options->dry_run) {
        rc = invite_member(inviting, profile, &values, err);
    }
    if (rc < 0) {
        return rc;
    }
    group_of(out, inviting->readers[variant].language)->recipients++;
    (void)snprintf(dedupe, sizeof(dedupe), "m%" PRId64, profile->id);
    return plan_add_recipient(&inviting->plan, variant, profile->id, dedupe, profile->email,
                              &values, err);
}

static int walk(struct inviting *inviting, const struct recipients_query *query,
                struct invite_summary *out, struct err *err)
{
    struct arena_mark mark = arena_mark(inviting->scratch);
    struct recipients *recipients = NULL;
    struct member_profile profile;
    int rc = recipients_explain(inviting->compose->site.members, query, &out->reasons, err);

    if (rc == 0) {
        rc = recipients_open(inviting->compose->site.members, query, &recipients, err);
    }
    while (rc == 0 && (rc = recipients_next(recipients, inviting->scratch, &profile, err)) == 1) {
        rc = add_recipient(inviting, &profile, out, err);
        arena_rewind(inviting->scratch, mark);
    }
    recipients_close(recipients);
    return rc;
}

static int gather(struct inviting *inviting, struct invite_summary *out, struct err *err)
{
    const struct event *event = inviting->page.event;
    struct recipients_query query = {.list = event->list};
    struct segment *segments[2] = {NULL, NULL};
    char what[LIMIT_SLUG + 64];
    int rc;

    (void)snprintf(what, sizeof(what), "%s: audience", event->file);
    rc = compose_segment(inviting->compose, what, event->audience.text, &segments[0], err);
    if (rc == 0) {
        (void)snprintf(what, sizeof(what), "%s: invite", event->file);
        rc = compose_segment(inviting->compose, what, event->invite.text, &segments[1], err);
    }
    query.audience[0] = segments[0];
    query.audience[1] = segments[1];
    if (rc == 0) {
        rc = walk(inviting, &query, out, err);
    }
    segment_free(segments[0]);
    segment_free(segments[1]);
    if (rc == 0 && out->reasons.on_list == 0) {
        rc = err_set(err, ERR_STATE, "nobody can be invited to %s: nobody is on the list '%s'",
                     inviting->subject, query.list);
    } else if (rc == 0 && inviting->plan.recipient_count == 0) {
        rc = err_set(err, ERR_STATE,
                     "nobody is left to invite to %s: of %" PRId64 " on the list '%s' %" PRId64
                     " have an invitation, %" PRId64 " are outside the audience",
                     inviting->subject, out->reasons.on_list, query.list, out->invited_before,
                     out->reasons.outside);
    }
    return rc;
}

static int gather_test(struct inviting *inviting, struct invite_summary *out, struct err *err)
{
    const struct site_office *office = &inviting->compose->site.config->site.office;
    enum language language = inviting->options->language != LANG_NONE
                                 ? inviting->options->language
                                 : inviting->compose->site.config->site.languages[0];
    const struct row_values values = {
        .name = "", .organisation = "", .organizer = office->address.text};
    struct member_profile profile;
    struct address address;
    size_t variant = 0;
    int rc = address_parse(inviting->options->test, &address, err);

    if (rc == 0) {
        rc = letter_profile(inviting->compose, inviting->scratch, NULL, language, &profile, err);
    }
    if (rc == 0) {
        rc = readers_variant(inviting, &profile, &variant, err);
    }
    if (rc < 0) {
        return rc;
    }
    group_of(out, inviting->readers[variant].language)->recipients++;
    return plan_add_recipient(&inviting->plan, variant, 0, "test", address.text, &values, err);
}

/* ---- rendering and writing ---- */

static int render_all(struct inviting *inviting, struct invite_summary *out, struct err *err)
{
    struct arena_mark mark = arena_mark(inviting->scratch);
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < inviting->plan.variant_count; i++) {
        struct rendered rendered;
        struct frozen frozen;

        rc = invitation_render(&inviting->page, inviting->scratch, inviting->readers[i].language,
                               inviting->readers[i].zone, &rendered, &frozen, err);
        if (rc == 0) {
            rc = plan_add_pictures(&inviting->plan, &rendered, err);
        }
        if (rc == 0) {
            rc = plan_set_pieces(&inviting->plan, i, &frozen, err);
        }
        if (rc == 0) {
            struct invite_group *group = group_of(out, inviting->readers[i].language);

            group->subject = arena_strdup(inviting->arena, frozen.subject);
            rc = group->subject != NULL ? 0 : err_nomem(err);
        }
        arena_rewind(inviting->scratch, mark);
    }
    return rc;
}

/* Sets the UID and SEQUENCE that clients will know the event by. A test has a UID
 * of its own: trying must not put the event into a calendar twice. */
static int identify(struct inviting *inviting, struct err *err)
{
    const struct event *event = inviting->page.event;
    const char *domain = address_domain(&inviting->compose->site.config->site.office.address);
    struct db *db = inviting->compose->site.members->db;
    char nonce[32];
    int rc = 0;

    if (inviting->options->test == NULL && !inviting->options->dry_run) {
        rc = event_record(db, event, domain, &inviting->row, err);
        inviting->page.uid = inviting->row.uid;
    } else {
        token_random(10, nonce);
        (void)snprintf(inviting->uid, sizeof(inviting->uid), "%s@%s", nonce, domain);
        inviting->page.uid = inviting->uid;
    }
    inviting->page.sequence = inviting->row.sequence;
    return rc;
}

/* Keeps the calendar of this sequence as it went out, without an attendee. */
static int keep_revision(struct inviting *inviting, struct err *err)
{
    const struct ical_options options = {.method = ICAL_PUBLISH,
                                         .uid = inviting->row.uid,
                                         .sequence = inviting->row.sequence,
                                         .dtstamp = inviting->page.date,
                                         .edition = &inviting->page.event->editions[0]};
    struct str calendar;
    int rc;

    str_init(&calendar, LIMIT_ICS);
    rc = ical_invitation(inviting->scratch, inviting->page.event, &options, NULL, NULL, &calendar,
                         err);
    if (rc == 0) {
        rc = str_check(&calendar, err);
    }
    if (rc == 0) {
        rc = event_revision_add(inviting->compose->site.members->db, inviting->row.id,
                                inviting->row.sequence, inviting->page.date, calendar.data, err);
    }
    str_release(&calendar);
    return rc;
}

static int store(struct inviting *inviting, int64_t *id, struct err *err)
{
    struct db *db = inviting->compose->site.members->db;
    const struct sender sender = invitation_sender(&inviting->page);
    bool test = inviting->options->test != NULL;
    const struct event *event = inviting->page.event;
    struct envelope envelope;
    struct mailing mailing;
    struct str config;
    char nonce[32];
    char dedupe[LIMIT_SLUG + 64];
    int64_t list = 0;
    int64_t count = 0;
    int rc = list_find(inviting->compose->site.members, event->list, &list, err);

    if (rc == 0) {
        rc = db_get_int(db, SQL_INVITE_COUNT, &count, err, "t", inviting->subject);
    }
    if (rc < 0) {
        return rc;
    }
    token_random(8, nonce);
    (void)snprintf(dedupe, sizeof(dedupe), "%s:%s:%" PRId64 "%s", test ? "test" : "invitation",
                   inviting->subject, count, test ? nonce : "");
    envelope = edition_envelope(inviting->compose, &sender, list);
    str_init(&config, LIMIT_TEXT);
    rc = envelope_write(&envelope, &config, err);
    mailing = (struct mailing){.purpose = test ? "test" : sender.kind->name,
                               .subject = inviting->subject,
                               .list = list,
                               .dedupe = dedupe,
                               .on_unknown = "resend",
                               .priority = sender.kind->priority,
                               .config = config.data,
                               .audience = event->audience.text != NULL ? event->audience.text : "",
                               .message_date = inviting->page.date,
                               .not_after = event->rsvp.has_by ? event->rsvp.by_utc
                                                               : inviting->page.next.end_utc};
    if (rc == 0) {
        rc = plan_write(&inviting->plan, db, &mailing, id, err);
    }
    str_release(&config);
    return rc;
}

/* Event and invitations in one transaction; the mailing makes its own. */
static int record(struct inviting *inviting, struct invite_summary *out, struct err *err)
{
    struct db *db = inviting->compose->site.members->db;
    bool writes = inviting->options->test == NULL && !inviting->options->dry_run;
    int rc = writes ? db_begin(db, err) : 0;

    if (rc == 0) {
        rc = identify(inviting, err);
    }
    if (rc == 0) {
        rc = inviting->options->test != NULL ? gather_test(inviting, out, err)
                                             : gather(inviting, out, err);
    }
    if (rc == 0) {
        rc = render_all(inviting, out, err);
    }
    if (rc == 0 && writes) {
        rc = keep_revision(inviting, err);
    }
    if (rc == 0 && writes) {
        rc = db_commit(db, err);
    }
    if (writes) {
        db_rollback(db);
    }
    return rc;
}

int invite_plan(struct compose *compose, struct arena *arena, const char *slug,
                const struct invite_options *options, struct invite_summary *out, struct err *err)
{
    struct inviting inviting = {.compose = compose, .arena = arena, .options = options};
    int64_t date = options->date != 0 ? options->date : clock_now();
    int rc = open_page(compose, arena, slug, date, &inviting.page, err);

    memset(out, 0, sizeof(*out));
    if (rc < 0) {
        return rc;
    }
    inviting.page.test = options->test != NULL;
    (void)snprintf(inviting.subject, sizeof(inviting.subject), "%s/%s",
                   mail_kinds[MAIL_INVITATION].folder, inviting.page.event->slug);
    rc = plan_open(&inviting.plan, err);
    if (rc == 0) {
        inviting.scratch = arena_new(LIMIT_ARENA_WORK);
        rc = inviting.scratch != NULL ? record(&inviting, out, err) : err_nomem(err);
    }
    if (rc == 0) {
        out->total = (int64_t)inviting.plan.recipient_count;
        out->subject = arena_strdup(arena, inviting.subject);
        rc = out->subject != NULL ? 0 : err_nomem(err);
    }
    if (rc == 0 && !options->dry_run) {
        rc = store(&inviting, &out->mailing, err);
    }
    arena_free(inviting.scratch);
    plan_close(&inviting.plan);
    return rc;
}

int invite_preview(struct compose *compose, struct arena *arena, const char *slug,
                   const struct letter_preview *options, struct letter_view *out, struct err *err)
{
    int64_t date = options->date != 0 ? options->date : clock_now();
    enum language language = options->language != LANG_NONE
                                 ? options->language
                                 : compose->site.config->site.languages[0];
    const struct site_office *office = &compose->site.config->site.office;
    struct invitation_page page = {0};
    struct member_profile profile = {0};
    struct rendered rendered;
    struct frozen frozen;
    struct sender sender;
    int rc = open_page(compose, arena, slug, date, &page, err);

    memset(out, 0, sizeof(*out));
    if (rc == 0) {
        rc = letter_profile(compose, arena, options->member, language, &profile, err);
    }
    if (rc < 0) {
        return rc;
    }
    page.uid = "preview";
    language =
        event_edition_for(page.event, profile.languages, profile.language_count,
                          page.newsletter != NULL ? page.newsletter->fallback : LANG_NONE, NULL)
            ->language;
    sender = invitation_sender(&page);
    rc = invitation_render(&page, arena, language,
                           compose_reader_zone(compose, page.newsletter, &profile), &rendered,
                           &frozen, err);
    if (rc == 0) {
        const struct preview preview = {
            .compose = compose,
            .rendered = &rendered,
            .sender = &sender,
            .frozen = &frozen,
            .date = date,
            .input = {.member = profile.id,
                      .address = profile.id != 0 ? profile.email : office->address.text,
                      .values = {.name = profile.name,
                                 .organisation = profile.organisation,
                                 .epoch = profile.epoch,
                                 .organizer = office->address.text}}};

        rc = preview_view(&preview, arena, out, err);
    }
    return rc;
}
