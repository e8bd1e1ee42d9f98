/* invite.c - see teataja/compose/invite.h. */
#include "teataja/compose/invite.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "approval_flow.h"
#include "invitation_page.h"
#include "invite_draft.h"
#include "letter_lines.h"
#include "plan.h"
#include "sql/compose/invite.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/events/invitation.h"

/* Invitations that differ only in what is the recipient's own. */
struct readers {
    enum language language;
    char zone[CIVIL_ZONE];
};

struct inviting {
    struct compose *compose;
    struct arena *arena; /* the caller's: what goes into the summary */
    const struct invite_options *options;
    const struct plan_way *way; /* NULL: it waits for nobody */
    struct arena *work;         /* what is needed as long as the planning lasts */
    struct arena *scratch;
    struct arena *written; /* for one row; rewound */
    struct arena_mark nothing_written;
    struct invitation_page page;
    struct sender sender;
    struct plan plan;
    struct event_row row;
    struct readers *readers; /* of plan.variants */
    size_t readers_capacity;
    char subject[LIMIT_SLUG + 16];
    char number[24]; /* of this mailing of the event */
    char uid[INVITATION_UID];
};

/* ---- the event ---- */

/* Keeps the calendar of this sequence as it went out, without an attendee. */
static int keep_revision(struct inviting *inviting, struct err *err)
{
    const struct ical_options options = {.method = ICAL_PUBLISH,
                                         .uid = inviting->row.uid,
                                         .sequence = inviting->row.sequence,
                                         .dtstamp = inviting->page.stamp,
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
                                inviting->row.sequence, inviting->page.stamp, calendar.data, err);
    }
    str_release(&calendar);
    return rc;
}

static int record(struct inviting *inviting, const char *domain, struct err *err)
{
    struct db *db = inviting->compose->site.members->db;
    int rc;

    plan_end_reading(&inviting->plan);
    rc = db_begin(db, err);
    if (rc == 0) {
        rc = event_record(db, inviting->page.event, domain, &inviting->row, err);
    }
    if (rc == 0) {
        rc = keep_revision(inviting, err);
    }
    if (rc == 0) {
        rc = db_commit(db, err);
    }
    db_rollback(db);
    inviting->page.uid = inviting->row.uid;
    return rc;
}

/* Sets the UID and SEQUENCE that clients will know the event by, once somebody is to be
 * invited; both stay recorded if the mailing fails, for they are no more than what the
 * file says. A test has a UID of its own: trying must not put the event into a calendar
 * twice. */
static int identify(struct inviting *inviting, struct err *err)
{
    const char *domain = address_domain(&inviting->compose->site.config->site.office.address);
    char nonce[32];
    int rc = 0;

    if (inviting->page.uid != NULL) {
        return 0;
    }
    if (inviting->options->test == NULL && !inviting->options->dry_run &&
        (inviting->way == NULL || inviting->way->into != 0)) {
        rc = record(inviting, domain, err);
    } else {
        token_random(10, nonce);
        (void)snprintf(inviting->uid, sizeof(inviting->uid), "%s@%s", nonce, domain);
        inviting->page.uid = inviting->uid;
    }
    inviting->page.sequence = inviting->row.sequence;
    return rc;
}

/* ---- variants ---- */

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

static int render(struct inviting *inviting, size_t variant, struct invite_summary *out,
                  struct err *err)
{
    struct arena_mark mark = arena_mark(inviting->scratch);
    const struct readers *readers = &inviting->readers[variant];
    struct invite_group *group = group_of(out, readers->language);
    struct rendered rendered;
    struct frozen frozen;
    int rc = invitation_render(&inviting->page, inviting->scratch, readers->language, readers->zone,
                               &rendered, &frozen, err);

    if (rc == 0) {
        rc = plan_add_pictures(&inviting->plan, &rendered, err);
    }
    if (rc == 0) {
        rc = plan_set_pieces(&inviting->plan, variant, &frozen, err);
    }
    if (rc == 0 && group->subject == NULL) {
        group->subject = arena_strdup(inviting->arena, frozen.subject);
        rc = group->subject != NULL ? 0 : err_nomem(err);
    }
    if (rc == 0 && inviting->way != NULL) {
        const struct preview preview = {.compose = inviting->compose,
                                        .rendered = &rendered,
                                        .sender = &inviting->sender,
                                        .frozen = &frozen,
                                        .date = inviting->page.date};

        rc = invite_snapshot(&inviting->page, inviting->scratch, readers->zone, &preview,
                             inviting->way->snapshot, err);
    }
    arena_rewind(inviting->scratch, mark);
    return rc;
}

static int add_readers(struct inviting *inviting, enum language language, const char *zone,
                       struct invite_summary *out, struct err *err)
{
    size_t index = inviting->plan.variant_count;
    char *key = arena_strdup(inviting->work, zone);
    int rc = key == NULL
                 ? err_nomem(err)
                 : arena_grow(inviting->work, &inviting->readers, &inviting->readers_capacity,
                              index, sizeof(*inviting->readers), err);

    if (rc == 0) {
        inviting->readers[index].language = language;
        (void)snprintf(inviting->readers[index].zone, sizeof(inviting->readers[index].zone), "%s",
                       zone);
        rc = plan_add_variant(&inviting->plan, language_tag(language), key, err);
    }
    return rc == 0 ? render(inviting, index, out, err) : rc;
}

/* The variant of those who read as this member does, rendered if there is none yet. */
static int find_readers(struct inviting *inviting, const struct member_profile *profile,
                        struct invite_summary *summary, size_t *out, struct err *err)
{
    const struct newsletter *newsletter = inviting->page.newsletter;
    enum language fallback = newsletter != NULL ? newsletter->fallback
                                                : inviting->compose->site.config->site.languages[0];
    enum language language = event_edition_for(inviting->page.event, profile->languages,
                                               profile->language_count, fallback, NULL)
                                 ->language;
    const char *zone = compose_reader_zone(inviting->compose, newsletter, profile);
    size_t count = inviting->plan.variant_count;

    for (*out = 0; *out < count; ++*out) {
        if (inviting->readers[*out].language == language &&
            strcmp(inviting->readers[*out].zone, zone) == 0) {
            return 0;
        }
    }
    return add_readers(inviting, language, zone, summary, err);
}

/* ---- recipients ---- */

/* The row of an invitation, beside that of its message, and what the message needs of
 * it. */
static int write_invitation(void *ctx, struct plan_recipient *recipient, struct err *err)
{
    struct inviting *inviting = ctx;
    struct db *db = inviting->compose->site.members->db;
    const char *organizer = inviting->compose->site.config->site.office.address.text;
    struct invitation invitation;
    int rc;

    arena_rewind(inviting->written, inviting->nothing_written);
    rc = invitation_add(db, inviting->written, inviting->row.id, recipient->member,
                        recipient->address, organizer, inviting->row.sequence, inviting->page.stamp,
                        &invitation, err);

    if (rc == 0 && !invitation.fresh) {
        rc = invitation_sent(db, invitation.id, recipient->address, inviting->row.sequence,
                             inviting->page.stamp, err);
    }
    if (rc == 0) {
        recipient->values.invitation = invitation.id;
        recipient->values.organizer = invitation.organizer;
    }
    return rc;
}

static int add_recipient(struct inviting *inviting, const struct member_profile *profile,
                         const struct plan_recipient *recipient, struct invite_summary *out,
                         struct err *err)
{
    struct plan_recipient added = *recipient;
    int rc = identify(inviting, err);

    if (rc == 0) {
        rc = find_readers(inviting, profile, out, &added.variant, err);
    }
    if (rc < 0) {
        return rc;
    }
    group_of(out, inviting->readers[added.variant].language)->recipients++;
    return plan_add_recipient(&inviting->plan, &added, err);
}

static int add_member(struct inviting *inviting, const struct member_profile *profile,
                      struct invite_summary *out, struct err *err)
{
    char dedupe[32];
    const struct plan_recipient recipient = {.member = profile->id,
                                             .dedupe = dedupe,
                                             .address = profile->email,
                                             .values = {.name = profile->name,
                                                        .organisation = profile->organisation,
                                                        .epoch = profile->epoch,
                                                        .organizer = ""}};
    int64_t had = 0;
    int rc = inviting->options->again
                 ? 0
                 : db_get_int(inviting->compose->site.members->db, SQL_INVITE_HAD, &had, err, "it",
                              profile->id, inviting->subject);

    if (rc != 0) {
        out->invited_before += rc == 1;
        return rc == 1 ? 0 : rc;
    }
    (void)snprintf(dedupe, sizeof(dedupe), "m%" PRId64, profile->id);
    return add_recipient(inviting, profile, &recipient, out, err);
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
    while (rc == 0 && (rc = plan_begin_reading(&inviting->plan, err)) == 0 &&
           (rc = recipients_next(recipients, inviting->scratch, &profile, err)) == 1) {
        rc = add_member(inviting, &profile, out, err);
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
    } else if (rc == 0 && inviting->plan.total == 0) {
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
    struct plan_recipient recipient = {
        .dedupe = "test",
        .values = {.name = "", .organisation = "", .organizer = office->address.text}};
    struct member_profile profile = {.name = ""};
    struct address address;
    int rc = address_parse(inviting->options->test, &address, err);

    if (rc == 0) {
        rc = letter_profile(inviting->compose, inviting->scratch, NULL, language, &profile, err);
    }
    if (rc < 0) {
        return rc;
    }
    recipient.address = address.text;
    return add_recipient(inviting, &profile, &recipient, out, err);
}

/* ---- the whole ---- */

static int open_plan(struct inviting *inviting, struct err *err)
{
    const struct event *event = inviting->page.event;
    const struct invite_options *options = inviting->options;
    const struct plan_head head = {.compose = inviting->compose,
                                   .sender = &inviting->sender,
                                   .subject = inviting->subject,
                                   .list = event->list,
                                   .number = inviting->number,
                                   .audience =
                                       event->audience.text != NULL ? event->audience.text : "",
                                   .on_unknown = "resend",
                                   .date = inviting->page.stamp,
                                   .test = options->test != NULL,
                                   .dry_run = options->dry_run,
                                   .way = inviting->way,
                                   .write = options->test != NULL ? NULL : write_invitation,
                                   .ctx = inviting};
    int64_t count = 0;
    int rc = db_get_int(inviting->compose->site.members->db, SQL_INVITE_COUNT, &count, err, "t",
                        inviting->subject);

    if (rc < 0) {
        return rc;
    }
    (void)snprintf(inviting->number, sizeof(inviting->number), "%" PRId64, count);
    return plan_open(&inviting->plan, inviting->work, &head, err);
}

static int open_inviting(struct inviting *inviting, const char *slug, struct err *err)
{
    int64_t now = inviting->options->date != 0 ? inviting->options->date : clock_now();
    int64_t date = inviting->way != NULL && inviting->way->date != 0 ? inviting->way->date : now;
    int rc = invitation_open(inviting->compose, inviting->arena, slug, date, &inviting->page, err);

    if (rc < 0) {
        return rc;
    }
    inviting->page.stamp = now;
    inviting->page.test = inviting->options->test != NULL;
    inviting->sender = invitation_sender(&inviting->page);
    (void)snprintf(inviting->subject, sizeof(inviting->subject), "%s/%s",
                   mail_kinds[MAIL_INVITATION].folder, inviting->page.event->slug);
    inviting->work = arena_new(LIMIT_ARENA_SITE);
    inviting->scratch = arena_new(LIMIT_ARENA_WORK);
    inviting->written = arena_new(LIMIT_ARENA_WORK);
    if (inviting->work == NULL || inviting->scratch == NULL || inviting->written == NULL) {
        return err_nomem(err);
    }
    inviting->nothing_written = arena_mark(inviting->written);
    return open_plan(inviting, err);
}

int invite_make(struct compose *compose, struct arena *arena, const char *slug,
                const struct invite_options *options, const struct plan_way *way,
                struct invite_summary *out, struct err *err)
{
    struct inviting inviting = {.compose = compose, .arena = arena, .options = options, .way = way};
    const struct event *event;
    int rc;

    memset(out, 0, sizeof(*out));
    rc = open_inviting(&inviting, slug, err);
    event = inviting.page.event;
    if (rc == 0 && way != NULL) {
        rc = invite_describe(&inviting.page, options->again, way->snapshot, err);
    }
    if (rc == 0) {
        rc = options->test != NULL ? gather_test(&inviting, out, err) : gather(&inviting, out, err);
    }
    if (rc == 0) {
        out->total = inviting.plan.total;
        out->subject = arena_strdup(arena, inviting.subject);
        rc = out->subject != NULL ? 0 : err_nomem(err);
    }
    if (rc == 0 && !options->dry_run) {
        rc = plan_ready(&inviting.plan,
                        event->rsvp.has_by ? event->rsvp.by_utc : inviting.page.next.end_utc,
                        &out->mailing, err);
    }
    plan_close(&inviting.plan);
    arena_free(inviting.written);
    arena_free(inviting.scratch);
    arena_free(inviting.work);
    return rc;
}
