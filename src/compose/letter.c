/* letter.c - planning a letter: see teataja/compose/letter.h. */
#include "teataja/compose/letter.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "letter_draft.h"
#include "letter_lines.h"
#include "letter_variant.h"
#include "sql/compose/letter.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/suggest.h"
#include "teataja/calendar/zone.h"
#include "teataja/delivery/overdue.h"

struct planning {
    struct compose *compose;
    struct arena *arena; /* the caller's: what goes into the summary */
    const struct letter_options *options;
    const struct plan_way *way; /* NULL: it waits for nobody */
    struct arena *work;         /* what is needed as long as the planning lasts */
    struct arena *scratch;
    struct letter letter;
    struct sender sender;
    struct selector *selector;
    struct plan plan;
    struct letter_variants variants;
    int64_t nothing_new; /* who would get an empty letter */
    int64_t date;        /* Date of the messages */
    char subject[LIMIT_SLUG + 16];
    char number[LETTER_OCCURRENCE + 1]; /* of an automatic letter: its occurrence */
};

/* The automatic letter of a newsletter. */
static int find_automatic(const struct compose *compose, const char *slug, const struct issue **out,
                          struct err *err)
{
    const struct config *config = compose->site.config;
    const struct newsletter *newsletter = config_newsletter(config, slug);
    struct suggest suggest;

    *out = content_letter(compose->site.content, slug);
    if (*out != NULL) {
        return 0;
    }
    if (left_out_check(&config->left, "newsletters", slug, err) < 0) {
        return ERR_INVALID;
    }
    if (newsletter != NULL) {
        return err_set(err, ERR_STATE,
                       "%s is composed by hand: send one of its issues, or let it say 'compose: "
                       "auto'",
                       newsletter->file);
    }
    suggest_start(&suggest, slug);
    for (size_t i = 0; i < config->newsletter_count; i++) {
        suggest_offer(&suggest, config->newsletters[i].slug);
    }
    return err_set(err, ERR_NOT_FOUND, "no newsletter '%s' in newsletters/%s", slug,
                   suggest_hint(&suggest));
}

int letter_find(struct compose *compose, const char *slug, const struct issue **out,
                struct err *err)
{
    const struct content *content = compose->site.content;
    const struct issue *issue = NULL;
    struct suggest suggest;

    if (strncmp(slug, LETTER_AUTOMATIC, strlen(LETTER_AUTOMATIC)) == 0) {
        return find_automatic(compose, slug + strlen(LETTER_AUTOMATIC), out, err);
    }
    issue = content_issue(content, slug);
    if (issue == NULL && left_out_check(&compose->site.config->left, "issues", slug, err) < 0) {
        return ERR_INVALID;
    }
    if (issue == NULL) {
        suggest_start(&suggest, slug);
        for (size_t i = 0; i < content->issue_count; i++) {
            suggest_offer(&suggest, content->issues[i].item.slug);
        }
        err_set(err, ERR_NOT_FOUND, "no issue '%s' in issues/%s", slug, suggest_hint(&suggest));
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

/* ---- recipients ---- */

/* 1, or 0 for who got the letter that this one goes instead of. */
static int is_wanted(const struct planning *planning, const struct member_profile *profile,
                     struct err *err)
{
    int64_t one;

    return planning->options->instead == 0
               ? 1
               : db_get_int(planning->compose->site.members->db, SQL_LETTER_REPLACED, &one, err,
                            "ii", planning->options->instead, profile->id);
}

static int add_member(struct planning *planning, const struct member_profile *profile,
                      const char *address, bool test, struct err *err)
{
    char dedupe[32];
    struct plan_recipient recipient = {.member = test ? 0 : profile->id,
                                       .dedupe = test ? "test" : dedupe,
                                       .address = address,
                                       .values = {.name = profile->name,
                                                  .organisation = profile->organisation,
                                                  .epoch = profile->epoch,
                                                  .organizer = ""}};
    struct selection selection;
    bool nameless;
    int rc = is_wanted(planning, profile, err);

    if (rc != 1) {
        return rc;
    }
    rc = selector_pick(planning->selector, planning->scratch, profile, &selection, err);
    if (rc < 0) {
        return rc;
    }
    if (!test && !selector_sends(planning->selector, &selection)) {
        planning->nothing_new++;
        return 0;
    }
    nameless = profile->name[0] == '\0' && planning->letter.docs[selection.language].named;
    rc = letter_variants_find(&planning->variants, &selection, nameless, &recipient.variant, err);
    if (rc < 0) {
        return rc;
    }
    planning->variants.items[recipient.variant].recipients++;
    (void)snprintf(dedupe, sizeof(dedupe), "m%" PRId64, profile->id);
    return plan_add_recipient(&planning->plan, &recipient, err);
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

    while (rc == 0 && (rc = plan_begin_reading(&planning->plan, err)) == 0 &&
           (rc = recipients_next(recipients, planning->scratch, &profile, err)) == 1) {
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
    } else if (rc == 0 && planning->plan.total == 0 && planning->nothing_new > 0) {
        rc = err_set(err, ERR_STATE,
                     "nobody would get %s: there is nothing new for any of %" PRId64
                     " on the list '%s'",
                     planning->subject, planning->nothing_new, query.list);
    } else if (rc == 0 && planning->plan.total == 0) {
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

/* ---- the whole ---- */

/* Newsletter's and issue's expression as one. */
static const char *audience_text(struct planning *planning)
{
    const char *wide = planning->letter.newsletter->audience;
    const char *narrow = planning->letter.issue->audience;

    if (wide != NULL && narrow != NULL) {
        return arena_printf(planning->work, "(%s) and (%s)", wide, narrow);
    }
    return wide != NULL ? wide : narrow != NULL ? narrow : "";
}

static int open_plan(struct planning *planning, struct err *err)
{
    const struct letter_options *options = planning->options;
    const struct plan_head head = {.compose = planning->compose,
                                   .sender = &planning->sender,
                                   .subject = planning->subject,
                                   .list = planning->letter.newsletter->list,
                                   .number = planning->number,
                                   .audience = audience_text(planning),
                                   .on_unknown =
                                       options->on_unknown != NULL ? options->on_unknown : "resend",
                                   .date = planning->date,
                                   .test = options->test != NULL,
                                   .dry_run = options->dry_run,
                                   .way = planning->way};
    int rc = head.audience == NULL ? err_nomem(err)
                                   : plan_open(&planning->plan, planning->work, &head, err);

    return rc == 0 ? letter_variants_open(&planning->variants, &planning->letter, &planning->plan,
                                          planning->scratch, err)
                   : rc;
}

/* What it is about, and which of several about the same it is. */
static int set_subject(struct planning *planning, const struct issue *issue, int64_t date,
                       struct err *err)
{
    const char *occurrence = planning->options->occurrence;
    struct civil day;
    int rc = 0;

    (void)snprintf(planning->subject, sizeof(planning->subject), "%s/%s",
                   issue->automatic ? "newsletters" : mail_kinds[MAIL_LETTER].folder,
                   issue->item.slug);
    if (planning->options->instead != 0) {
        (void)snprintf(planning->number, sizeof(planning->number), OVERDUE_NUMBER,
                       planning->options->instead);
    } else if (issue->automatic && occurrence != NULL) {
        if (snprintf(planning->number, sizeof(planning->number), "%s", occurrence) >
            LETTER_OCCURRENCE) {
            rc = err_set(err, ERR_LIMIT, "the occurrence '%.60s' is too long", occurrence);
        }
    } else if (issue->automatic) {
        rc = zone_from_utc(issue->zone, date, &day, err);
        day.date_only = true;
        if (rc == 0) {
            civil_format(&day, planning->number);
        }
    }
    return rc;
}

static int open_planning(struct planning *planning, const char *slug, struct err *err)
{
    struct compose *compose = planning->compose;
    int64_t date = planning->date;
    const struct issue *issue = NULL;
    int rc = letter_find(compose, slug, &issue, err);

    if (rc < 0) {
        return rc;
    }
    rc = set_subject(planning, issue, date, err);
    if (rc < 0) {
        return rc;
    }
    if (planning->way != NULL && planning->way->date != 0) {
        date = planning->way->date;
    }
    /* What is recorded stays if the mailing fails: it is no more than what the files say. */
    rc = planning->options->dry_run ? content_recall(compose->site.members->db, compose->arena,
                                                     compose->site.content, date, err)
                                    : content_record(compose->site.members->db, compose->arena,
                                                     compose->site.content, date, err);
    if (rc == 0) {
        planning->work = arena_new(LIMIT_ARENA_SITE);
        planning->scratch = arena_new(LIMIT_ARENA_WORK);
        rc = planning->work != NULL && planning->scratch != NULL ? 0 : err_nomem(err);
    }
    if (rc == 0) {
        rc = letter_read(compose, planning->work, issue, date, &planning->letter, err);
    }
    if (rc < 0) {
        return rc;
    }
    planning->letter.test = planning->options->test != NULL;
    planning->sender = letter_sender(&planning->letter);
    rc = open_plan(planning, err);
    if (rc == 0) {
        rc = letter_open_selector(&planning->letter, planning->work, &planning->selector, err);
    }
    return rc == 0 && !planning->options->dry_run ? selector_record(planning->selector, err) : rc;
}

static int summarize(struct planning *planning, struct letter_summary *out, struct err *err)
{
    const struct letter_options *options = planning->options;
    int rc = letter_warn(&planning->letter, planning->selector, planning->arena,
                         options->test == NULL && options->dry_run, out, err);

    if (rc == 0) {
        rc = letter_variants_group(&planning->variants, planning->arena, out, err);
    }
    out->newsletter = planning->letter.newsletter;
    out->date = planning->letter.date;
    out->not_after = planning->variants.not_after;
    out->total = planning->plan.total;
    out->nothing_new = planning->nothing_new;
    out->subject = arena_strdup(planning->arena, planning->subject);
    return rc == 0 && out->subject == NULL ? err_nomem(err) : rc;
}

/* What whoever approves it sees of it besides its editions. */
static int describe(struct planning *planning, struct err *err)
{
    struct snapshot *snapshot = planning->way->snapshot;
    const char *audience = audience_text(planning);

    snapshot->date = planning->letter.date;
    snapshot->audience = audience != NULL ? arena_strdup(snapshot->arena, audience) : NULL;
    snapshot->rule = letter_rule(&planning->letter, snapshot->arena);
    return snapshot->audience != NULL && snapshot->rule != NULL ? 0 : err_nomem(err);
}

/* What may be wrong with it, a line each. */
static int describe_warnings(const struct planning *planning, const struct letter_summary *summary,
                             struct err *err)
{
    struct snapshot *snapshot = planning->way->snapshot;
    struct str text;
    int rc;

    str_init(&text, LIMIT_TEXT);
    for (size_t i = 0; i < summary->warning_count; i++) {
        str_addf(&text, "%s%s", i > 0 ? "\n" : "", summary->warnings[i]);
    }
    rc = str_check(&text, err);
    if (rc == 0 && text.len > 0) {
        snapshot->warnings = arena_strdup(snapshot->arena, text.data);
        rc = snapshot->warnings != NULL ? 0 : err_nomem(err);
    }
    str_release(&text);
    return rc;
}

int letter_make(struct compose *compose, struct arena *arena, const char *slug,
                const struct letter_options *options, const struct plan_way *way,
                struct letter_summary *out, struct err *err)
{
    struct planning planning = {.compose = compose,
                                .arena = arena,
                                .options = options,
                                .way = way,
                                .date = options->date != 0 ? options->date : clock_now()};
    int rc;

    memset(out, 0, sizeof(*out));
    rc = open_planning(&planning, slug, err);
    if (rc == 0 && way != NULL) {
        rc = describe(&planning, err);
    }
    if (rc == 0) {
        rc = gather(&planning, out, err);
    }
    if (rc == 0) {
        rc = summarize(&planning, out, err);
    }
    if (rc == 0 && way != NULL) {
        rc = describe_warnings(&planning, out, err);
    }
    if (rc == 0 && !options->dry_run) {
        rc = plan_ready(&planning.plan, out->not_after, &out->mailing, err);
    }
    plan_close(&planning.plan);
    arena_free(planning.scratch);
    arena_free(planning.work);
    return rc;
}
