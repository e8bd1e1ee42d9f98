/* page_draft.c - an editor looks at a draft, and approves it, rejects it or adds a note.
 *
 * Whoever is no editor any more, has a link that somebody made up, or one of another
 * purpose gets the same answer. An answer to a form that was taken leads back to the page (303),
 * which says from the draft's own trail what was done: it can be loaded again at will.
 */
#include "page_draft.h"

#include <string.h>

#include "page_draft_person.h"
#include "person.h"
#include "teataja/base/utf8.h"

/* The letter as it would stand in a mail program, in a frame of its own: nothing runs, nothing is
 * loaded (images are inside), it belongs to no origin; what is clicked opens elsewhere. */
static const char letter_policy[] =
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
    "style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'";

static const char text_policy[] = "sandbox; default-src 'none'; frame-ancestors 'none'";

/* One of enum person_found, or negative. */
static int find(struct call *call, struct draft *out, struct err *err)
{
    struct approval_step *steps = NULL;
    int rc;

    if (link_draft_read(call->key, call->words[0], &out->ids, NULL) < 0) {
        return PERSON_NONE;
    }
    rc = call_database(call, err);
    rc = rc < 0 ? rc
                : approval_get(call->seat->db, call->arena, out->ids.mailing, &out->approval, err);
    if (rc == ERR_NOT_FOUND || rc == ERR_STATE) {
        return PERSON_NONE;
    }
    if (rc < 0) {
        return rc;
    }
    out->newsletter = config_newsletter(&call->site->config, out->approval.newsletter);
    rc = draft_person_find(&call->site->config, call->arena, call->key, out->newsletter,
                           out->ids.person, &out->person, &call->language, err);
    if (rc <= 0) {
        return rc < 0 ? rc : PERSON_NONE;
    }
    out->outdated = link_revision(out->approval.digest) != out->ids.revision;
    rc = approval_trail(call->seat->db, call->arena, out->ids.mailing, &steps, &out->step_count,
                        err);
    out->steps = steps;
    return rc < 0 ? rc : PERSON_HERE;
}

int draft_get(struct call *call, struct err *err)
{
    static const struct draft_said nothing = {.status = 200};
    struct draft draft = {0};
    int rc = find(call, &draft, err);

    if (rc != PERSON_HERE) {
        return rc < 0 ? rc : person_missing(call, PERSON_NONE, err);
    }
    return draft_show(call, &draft, &nothing, err);
}

/* Back to the page, which tells what was done. */
static int go_back(struct call *call, struct err *err)
{
    const char *place =
        arena_printf(call->arena, "%s/draft/%s", call->site->prefix, call->words[0]);

    if (place == NULL) {
        return err_nomem(err);
    }
    call->reply->status = 303;
    call->reply->type = "text/plain; charset=utf-8";
    page_headers(call, NULL, PAGE_PERSONAL);
    server_reply_header(call->reply, "Location", place);
    return 0;
}

/* The draft is not any more what the editor saw: shown as it is now, nothing done. */
static int tell_overtaken(struct call *call, struct err *err)
{
    struct draft draft = {0};
    struct draft_said said = {.status = 409};
    int rc = find(call, &draft, err);

    if (rc != PERSON_HERE) {
        return rc < 0 ? rc : person_missing(call, PERSON_NONE, err);
    }
    said.problem = page_word(call, "review.overtaken");
    return draft_show(call, &draft, &said, err);
}

/* A form's text without the white space around it. Returns its characters. */
static size_t read_words(struct call *call, const struct form *form, const char *name,
                         const char **out)
{
    static const char space[] = " \t\n";
    const char *text = form_get(form, name);
    size_t len;

    text = text != NULL ? text + strspn(text, space) : "";
    len = strlen(text);
    while (len > 0 && strchr(space, text[len - 1]) != NULL) {
        len--;
    }
    *out = arena_strndup(call->arena, text, len);
    return *out != NULL ? utf8_length(text, len) : 0;
}

/* What is wrong with a text of so many characters; NULL if nothing is. */
static const char *words_problem(struct call *call, size_t used, const char *missing)
{
    if (used == 0) {
        return page_word(call, missing);
    }
    return used <= DRAFT_WORDS ? NULL
                               : page_string(call, "review.too_long",
                                             (const struct catalogue_arg[]){
                                                 catalogue_arg_number("used", (int64_t)used),
                                                 catalogue_arg_number("count", DRAFT_WORDS)},
                                             2);
}

static int reject(struct call *call, const struct draft *draft, const struct form *form,
                  struct draft_said *said, struct err *err)
{
    struct approval_result result;
    size_t used = read_words(call, form, "reason", &said->reason);

    said->reason_problem = words_problem(call, used, "review.why_missing");
    return said->reason_problem != NULL
               ? 0
               : approval_reject(call->seat->db, draft->ids.mailing, draft->approval.digest,
                                 &draft->person, said->reason, &result, err);
}

static int add_note(struct call *call, const struct draft *draft, const struct form *form,
                    struct draft_said *said, struct err *err)
{
    size_t used = read_words(call, form, "note", &said->note);

    said->note_problem = words_problem(call, used, "review.note_missing");
    return said->note_problem != NULL
               ? 0
               : approval_note(call->seat->db, draft->ids.mailing, &draft->person, said->note, err);
}

int draft_post(struct call *call, struct err *err)
{
    struct draft draft = {0};
    struct draft_said said = {.status = 422};
    struct approval_result result;
    struct err own = {0};
    struct form form;
    int rc = call_form(call, &form, err);

    if (rc != 0) {
        return rc < 0 ? rc : 0;
    }
    rc = find(call, &draft, err);
    if (rc != PERSON_HERE) {
        return rc < 0 ? rc : person_missing(call, PERSON_NONE, err);
    }
    if (form_has(&form, "do", "approve") && !draft.outdated && draft_has_approved(call, &draft)) {
        return go_back(call, err); /* pressed twice */
    }
    if (!draft_is_open(&draft)) {
        return tell_overtaken(call, err);
    }
    if (form_has(&form, "do", "approve")) {
        rc = approval_approve(call->seat->db, draft.ids.mailing, draft.approval.digest,
                              &draft.person, &result, &own);
    } else if (form_has(&form, "do", "reject")) {
        rc = reject(call, &draft, &form, &said, &own);
    } else if (form_has(&form, "do", "note")) {
        rc = add_note(call, &draft, &form, &said, &own);
    } else {
        return page_tell(call, "refused", 400, err);
    }
    if (rc == ERR_STATE) {
        return tell_overtaken(call, err);
    }
    if (rc < 0) {
        *err = own;
        return rc;
    }
    return said.reason_problem != NULL || said.note_problem != NULL
               ? draft_show(call, &draft, &said, err)
               : go_back(call, err);
}

/* "et", "et.txt", "et-2", "et-2.txt": which edition of a language, from 1. False if it is none of
 * these. */
static bool read_name(const char *word, enum language *language, size_t *number, bool *is_text)
{
    size_t len = strcspn(word, "-.");

    *language = language_find_bytes(word, len);
    *number = 1;
    word += len;
    if (word[0] == '-') {
        size_t digits = strspn(++word, "0123456789");

        *number = 0;
        for (size_t i = 0; i < digits && digits <= 6; i++) {
            *number = *number * 10 + (size_t)(word[i] - '0');
        }
        word += digits;
    }
    *is_text = strcmp(word, ".txt") == 0;
    return *language != LANG_NONE && *number > 0 && (*is_text || word[0] == '\0');
}

/* Links open in a window of their own: the frame holds nothing but the letter. */
static const char *with_base(struct call *call, const char *html, size_t *len)
{
    static const char head[] = "<head>";
    const char *found = strstr(html, head);
    const char *out = html;

    if (found != NULL) {
        out = arena_printf(call->arena, "%.*s<base target=\"_blank\">%s",
                           (int)(found + strlen(head) - html), html, found + strlen(head));
    }
    *len = out != NULL ? strlen(out) : 0;
    return out;
}

static int send_edition(struct call *call, const struct approval_edition *edition, bool is_text,
                        struct err *err)
{
    struct server_reply *reply = call->reply;

    reply->status = 200;
    reply->type = is_text ? "text/plain; charset=utf-8" : "text/html; charset=utf-8";
    reply->body = is_text ? edition->text : with_base(call, edition->html, &reply->len);
    if (is_text) {
        reply->len = strlen(edition->text);
    }
    if (reply->body == NULL) {
        return err_nomem(err);
    }
    page_headers(call, is_text ? text_policy : letter_policy, PAGE_PERSONAL);
    server_reply_header(reply, "Content-Language", language_tag(edition->language));
    return 0;
}

static int tell_not_kept(struct call *call, const struct approval_edition *edition, struct err *err)
{
    page_begin(call, NULL);
    value_set_text(call->root, "title", edition->subject);
    value_set_text(call->root, "text", page_word(call, "review.not_kept"));
    value_set_null(call->root, "write_to");
    return page_send(call, PAGE_MESSAGE, 404, PAGE_PERSONAL, err);
}

/* The edition of a language, the number-th of it; NULL if there is none. */
static const struct approval_edition *find_edition(const struct approval *approval,
                                                   enum language language, size_t number)
{
    for (size_t i = 0; i < approval->edition_count; i++) {
        if (approval->editions[i].language == language && --number == 0) {
            return &approval->editions[i];
        }
    }
    return NULL;
}

int draft_letter_get(struct call *call, struct err *err)
{
    struct draft draft = {0};
    struct approval_edition edition;
    const struct approval_edition *found = NULL;
    enum language language;
    size_t number;
    bool is_text;
    int rc = find(call, &draft, err);

    if (rc != PERSON_HERE) {
        return rc < 0 ? rc : person_missing(call, PERSON_NONE, err);
    }
    if (read_name(call->words[1], &language, &number, &is_text)) {
        found = find_edition(&draft.approval, language, number);
    }
    if (found == NULL) {
        return page_tell(call, "not_found", 404, err);
    }
    edition = *found;
    rc = approval_body(call->seat->db, call->arena, &draft.approval, &edition, err);
    if (rc == ERR_NOT_FOUND) {
        return page_tell(call, "not_found", 404, err); /* two newer drafts were made meanwhile */
    }
    if (rc < 0) {
        return rc;
    }
    return edition.html != NULL && edition.text != NULL ? send_edition(call, &edition, is_text, err)
                                                        : tell_not_kept(call, &edition, err);
}
