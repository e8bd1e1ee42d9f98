/* page_draft_view.c - what the page of a draft shows. */
#include <stdlib.h>
#include <string.h>

#include "page_draft.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/calendar/zone.h"

enum { VERSIONS_MOST = 50 }; /* of a language that are linked to */

/* The letter stands in frames, which come from us. */
static const char draft_policy[] =
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'";

bool draft_is_own(const struct call *call, const struct draft *draft,
                  const struct approval_step *step)
{
    struct address address;

    return step->address[0] != '\0' && address_parse(step->address, &address, NULL) == 0 &&
           link_person(call->key, &address) == draft->ids.person;
}

static bool is_in(const struct draft *draft, const char *state)
{
    return strcmp(draft->approval.state, state) == 0;
}

static bool is(const struct approval_step *step, const char *what)
{
    return strcmp(step->what, what) == 0;
}

bool draft_is_open(const struct draft *draft)
{
    return !draft->outdated &&
           (is_in(draft, "waiting") || is_in(draft, "approved") || is_in(draft, "rejected"));
}

bool draft_has_approved(const struct call *call, const struct draft *draft)
{
    for (size_t i = 0; i < draft->step_count; i++) {
        const struct approval_step *step = &draft->steps[i];

        if (is(step, "approved") && step->valid && draft_is_own(call, draft, step)) {
            return true;
        }
    }
    return false;
}

static const char *take(struct call *call, struct str *text, int rc)
{
    const char *out = rc == 0 ? arena_strdup(call->arena, text->data) : NULL;

    str_release(text);
    return out != NULL ? out : "";
}

/* An instant by the clocks of the letter's readers. */
static const char *moment(struct call *call, const struct draft *draft, int64_t at,
                          enum format_style style)
{
    const struct newsletter *newsletter = draft->newsletter;
    const char *zone = newsletter != NULL && newsletter->timezone != NULL
                           ? newsletter->timezone
                           : call->site->config.site.timezone;
    struct format *format;
    struct civil local;
    struct str text;
    int rc = call_format(call, call->language, &format, &call->err);

    str_init(&text, LIMIT_VALUE);
    rc = rc < 0 ? rc : zone_from_utc(zone, at, &local, &call->err);
    rc = rc < 0 ? rc : format_moment(format, &local, style, &text, &call->err);
    return take(call, &text, rc);
}

const char *draft_language(struct call *call, enum language language)
{
    struct format *format;
    struct str text;
    int rc = call_format(call, call->language, &format, &call->err);

    str_init(&text, LIMIT_VALUE);
    rc = rc < 0 ? rc : format_language_name(format, language_tag(language), &text, &call->err);
    return take(call, &text, rc);
}

const char *draft_people(struct call *call, int64_t count)
{
    return page_string(call, "review.people",
                       (const struct catalogue_arg[]){catalogue_arg_number("count", count)}, 1);
}

/* ---- How it stands ---- */

/* What the link's owner did last to this text; NULL if nothing. */
static const char *done(struct call *call, const struct draft *draft)
{
    for (size_t i = draft->step_count; i > 0; i--) {
        const struct approval_step *step = &draft->steps[i - 1];
        const char *key = is(step, "approved") && step->valid ? "review.you_approved"
                          : is(step, "rejected")              ? "review.you_rejected"
                                                              : NULL;

        if (step->revision != draft->approval.revision || !draft_is_own(call, draft, step)) {
            continue;
        }
        if (is(step, "noted")) {
            return page_word(call, "review.you_noted");
        }
        if (key != NULL) {
            const struct catalogue_arg date =
                catalogue_arg_text("date", moment(call, draft, step->at, FORMAT_LONG));

            return page_string(call, key, &date, 1);
        }
    }
    return NULL;
}

static const char *standing(struct call *call, const struct draft *draft)
{
    const struct approval *approval = &draft->approval;
    const int missing = approval->needed - approval->given;

    if (is_in(draft, "waiting") && approval->needed == 0) {
        return page_word(call, "review.waits_nobody");
    }
    if (is_in(draft, "waiting") && approval->given > 0) {
        return page_word(call, "review.waits_second");
    }
    if (is_in(draft, "waiting")) {
        return page_string(call, "review.waits",
                           (const struct catalogue_arg[]){catalogue_arg_number("count", missing)},
                           1);
    }
    if (is_in(draft, "approved")) {
        return page_word(call, approval->due_at > clock_now() ? "review.approved"
                                                              : "review.approved_soon");
    }
    return page_word(call, is_in(draft, "rejected")    ? "review.rejected"
                           : is_in(draft, "cancelled") ? "review.cancelled"
                           : is_in(draft, "sent")      ? "review.sent"
                                                       : "review.on_its_way");
}

void draft_add_fact(struct value *facts, const char *label, const char *text)
{
    struct value *map = value_add_map(facts);

    value_set_text(map, "label", label);
    value_set_text(map, "text", text);
}

/* Recipients of all editions of a language. */
static int64_t count_readers(const struct approval *approval, enum language language)
{
    int64_t count = 0;

    for (size_t i = 0; i < approval->edition_count; i++) {
        count += approval->editions[i].language == language ? approval->editions[i].recipients : 0;
    }
    return count;
}

static const char *when_due(struct call *call, const struct draft *draft)
{
    return draft->approval.due_at > 0 ? moment(call, draft, draft->approval.due_at, FORMAT_FULL)
                                      : page_word(call, "review.at_once");
}

static void set_facts(struct call *call, const struct draft *draft)
{
    const struct approval *approval = &draft->approval;
    struct value *facts = value_set_list(call->root, "facts");

    draft_add_fact(facts, page_word(call, "review.goes_out"), when_due(call, draft));
    draft_add_fact(facts, page_word(call, "review.recipients"),
                   draft_people(call, approval->recipients));
    if (approval->audience[0] != '\0') {
        draft_add_fact(facts, page_word(call, "review.audience"), approval->audience);
    }
    if (approval->needed > 0) {
        draft_add_fact(facts, page_word(call, "review.approvals"),
                       arena_printf(call->arena, "%d / %d", approval->given, approval->needed));
    }
}

/* ---- What it says ---- */

static bool is_first_of_language(const struct approval *approval, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (approval->editions[i].language == approval->editions[at].language) {
            return false;
        }
    }
    return true;
}

static const char *letter_path(struct call *call, enum language language, size_t number,
                               const char *ending)
{
    const char *prefix = call->site->prefix;
    const char *tag = language_tag(language);

    return number == 1
               ? arena_printf(call->arena, "%s/draft/%s/%s%s", prefix, call->words[0], tag, ending)
               : arena_printf(call->arena, "%s/draft/%s/%s-%zu%s", prefix, call->words[0], tag,
                              number, ending);
}

static void add_versions(struct call *call, const struct approval *approval, enum language language,
                         struct value *list)
{
    size_t number = 0;

    for (size_t i = 0; i < approval->edition_count && number < VERSIONS_MOST; i++) {
        const struct approval_edition *edition = &approval->editions[i];

        if (edition->language == language && ++number > 1) {
            struct value *map = value_add_map(list);

            value_set_text(map, "href", letter_path(call, language, number, ""));
            value_set_text(map, "subject", edition->subject);
            value_set_text(map, "people", draft_people(call, edition->recipients));
        }
    }
}

/* The edition in the reader's own language that most get; NULL if there is none. */
static const struct approval_edition *find_own(const struct call *call,
                                               const struct approval *approval)
{
    for (size_t i = 0; i < approval->edition_count; i++) {
        if (approval->editions[i].language == call->language) {
            return &approval->editions[i];
        }
    }
    return NULL;
}

static void set_letters(struct call *call, const struct draft *draft)
{
    const struct approval *approval = &draft->approval;
    struct value *letters = value_set_list(call->root, "letters");
    const struct approval_edition *own = find_own(call, approval);

    for (size_t i = 0; i < approval->edition_count; i++) {
        const struct approval_edition *edition = &approval->editions[i];
        struct value *versions;
        struct value *map;

        if (!is_first_of_language(approval, i)) {
            continue;
        }
        map = value_add_map(letters);
        value_set_text(map, "lang", language_tag(edition->language));
        value_set_text(map, "name", draft_language(call, edition->language));
        value_set_text(map, "people",
                       draft_people(call, count_readers(approval, edition->language)));
        value_set_text(map, "subject", edition->subject);
        value_set_text(map, "href", letter_path(call, edition->language, 1, ""));
        value_set_text(map, "plain", letter_path(call, edition->language, 1, ".txt"));
        value_set_bool(map, "open", own != NULL ? edition == own : i == 0);
        versions = value_set_list(map, "versions");
        add_versions(call, approval, edition->language, versions);
        value_set_bool(map, "more", value_count(versions) > 0);
    }
}

/* ---- What was done, and what can be ---- */

/* What changed is remarked twice: where the draft was voided, and where it was made anew. */
static bool is_remarked(const struct approval_step *step)
{
    return step->remark[0] != '\0' && !is(step, "drafted");
}

/* The program's own words are English. */
static bool is_in_own_words(const struct approval_step *step)
{
    return is(step, "voided") || is(step, "released");
}

static void set_history(struct call *call, const struct draft *draft)
{
    struct value *history = value_set_list(call->root, "history");

    for (size_t i = 0; i < draft->step_count; i++) {
        const struct approval_step *step = &draft->steps[i];
        const char *key = arena_printf(call->arena, "review.step_%s", step->what);
        struct value *map = value_add_map(history);

        value_set_text(map, "what", key != NULL ? page_word(call, key) : NULL);
        value_set_text(map, "who",
                       step->who[0] != '\0' ? step->who : page_word(call, "review.program"));
        value_set_text(map, "when", moment(call, draft, step->at, FORMAT_LONG));
        value_set_text(map, "remark", is_remarked(step) ? step->remark : NULL);
        value_set_text(map, "remark_lang", is_in_own_words(step) ? language_tag(LANG_EN) : NULL);
        value_set_bool(map, "void", is(step, "approved") && !step->valid);
    }
}

static void set_decision(struct call *call, const struct draft *draft,
                         const struct draft_said *said)
{
    const struct approval *approval = &draft->approval;
    struct value *decide;

    value_set_null(call->root, "decide");
    if (!draft_is_open(draft)) {
        return;
    }
    decide = value_set_map(call->root, "decide");
    page_text(call, decide, "name", "review.name",
              catalogue_arg_text("name", draft->person.name != NULL ? draft->person.name
                                                                    : draft->person.address));
    value_set_bool(decide, "approve",
                   is_in(draft, "waiting") && approval->needed > 0 &&
                       !draft_has_approved(call, draft));
    value_set_bool(decide, "reject", !is_in(draft, "rejected"));
    value_set_number(decide, "most", DRAFT_WORDS);
    page_text(call, decide, "read_by", "review.read_by",
              catalogue_arg_number("count", DRAFT_WORDS));
    value_set_text(decide, "reason", said->reason);
    value_set_text(decide, "reason_problem", said->reason_problem);
    value_set_text(decide, "note", said->note);
    value_set_text(decide, "note_problem", said->note_problem);
}

/* Why it was rejected, in the words of who did; or why it waits again, where the page shows
 * nothing of what changed: then in the program's own, which are English. */
static void set_reason(struct call *call, const struct draft *draft, bool changed)
{
    const bool is_waiting = is_in(draft, "waiting");
    const bool is_said = draft->approval.reason[0] != '\0' && !(is_waiting && changed);

    value_set_text(call->root, "reason", is_said ? draft->approval.reason : NULL);
    value_set_text(call->root, "reason_lang", is_waiting ? language_tag(LANG_EN) : NULL);
    value_set_text(call->root, "reason_label",
                   page_word(call, is_waiting ? "review.why_anew" : "review.reason"));
}

/* In the program's own words, a line each. */
static void set_warnings(struct call *call, const struct approval *approval)
{
    const char *text = approval->warnings;

    value_set_text(call->root, "warnings", text[0] != '\0' ? text : NULL);
    value_set_text(call->root, "warnings_lang", language_tag(LANG_EN));
}

/* What is wrong stands on top too, and leads to its field. */
static void set_problem(struct call *call, const struct draft *draft, const struct draft_said *said)
{
    const char *at = said->reason_problem != NULL ? "reason"
                     : said->note_problem != NULL ? "note"
                                                  : NULL;
    const char *problem = said->problem;

    if (at != NULL) {
        problem = said->reason_problem != NULL ? said->reason_problem : said->note_problem;
    } else if (problem == NULL && draft->outdated) {
        problem = page_word(call, "review.outdated");
    }
    value_set_text(call->root, "problem", problem);
    value_set_text(call->root, "problem_at", at);
}

int draft_show(struct call *call, const struct draft *draft, const struct draft_said *said,
               struct err *err)
{
    const struct approval *approval = &draft->approval;
    const bool is_letter = strcmp(approval->purpose, "invitation") != 0;
    const struct approval_edition *shown = find_own(call, approval);
    const enum language language = shown != NULL ? shown->language : approval->language;
    bool changed = false;
    int rc;

    page_begin(call, draft->newsletter != NULL ? draft->newsletter->list : NULL);
    call->policy = draft_policy;
    value_set_text(call->root, "title", shown != NULL ? shown->subject : approval->subject);
    value_set_text(call->root, "edition",
                   language != call->language && language != LANG_NONE ? language_tag(language)
                                                                       : NULL);
    value_set_text(call->root, "kind",
                   page_word(call, is_letter ? "review.draft" : "review.invitation"));
    value_set_text(call->root, "done", done(call, draft));
    set_problem(call, draft, said);
    value_set_text(call->root, "text", standing(call, draft));
    set_facts(call, draft);
    rc = draft_set_changes(call, draft, &changed, err);
    if (rc < 0) {
        return rc;
    }
    value_set_bool(call->root, "has_changes", changed);
    set_reason(call, draft, changed);
    set_warnings(call, approval);
    set_letters(call, draft);
    set_history(call, draft);
    set_decision(call, draft, said);
    return page_send(call, PAGE_DRAFT, said->status, PAGE_PERSONAL, err);
}
