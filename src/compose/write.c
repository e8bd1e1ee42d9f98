/* write.c - see write.h. */
#include "write.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "teataja/base/limits.h"
#include "teataja/compose/header.h"
#include "teataja/compose/mime.h"

static struct token leave_token(const struct envelope *envelope, int64_t mailing,
                                const struct write_input *input)
{
    return (struct token){.purpose = TOKEN_LEAVE,
                          .count = 4,
                          .ids = {(uint64_t)input->member, (uint64_t)envelope->list,
                                  (uint64_t)input->values.epoch, (uint64_t)mailing}};
}

static int answer_links(const struct envelope *envelope, const struct token_key *key,
                        const struct write_input *input, struct write_links *links, struct err *err)
{
    const struct token token = {
        .purpose = TOKEN_RSVP,
        .count = 2,
        .ids = {(uint64_t)input->values.invitation, (uint64_t)input->values.epoch}};
    const struct {
        const char *answer;
        char *link;
    } answers[] = {{"yes", links->yes}, {"maybe", links->maybe}, {"no", links->no}};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof(answers) / sizeof(answers[0]); i++) {
        rc = link_page(&envelope->base, "answer", key, &token, answers[i].answer, answers[i].link,
                       err);
    }
    return rc;
}

int write_values(const struct envelope *envelope, int64_t mailing, const struct token_key *key,
                 const struct write_input *input, struct write_links *links,
                 struct slot_values *out, struct err *err)
{
    const struct token leave = leave_token(envelope, mailing, input);
    const struct token preferences = {
        .purpose = TOKEN_PREFS,
        .count = 2,
        .ids = {(uint64_t)input->member, (uint64_t)input->values.epoch}};
    const struct token view = {.purpose = TOKEN_VIEW, .count = 1, .ids = {(uint64_t)input->row}};
    int rc = link_page(&envelope->base, "leave", key, &leave, NULL, links->leave, err);

    if (rc == 0) {
        rc = link_page(&envelope->base, "preferences", key, &preferences, NULL, links->preferences,
                       err);
    }
    if (rc == 0) {
        rc = link_page(&envelope->base, "view", key, &view, NULL, links->view, err);
    }
    links->yes[0] = links->maybe[0] = links->no[0] = '\0';
    if (rc == 0 && envelope->kind->answers) {
        rc = answer_links(envelope, key, input, links, err);
    }
    memset(out, 0, sizeof(*out));
    out->value[SLOT_NAME] = input->values.name;
    out->value[SLOT_EMAIL] = input->address;
    out->value[SLOT_ORGANISATION] = input->values.organisation;
    out->value[SLOT_LEAVE] = links->leave;
    out->value[SLOT_PREFERENCES] = links->preferences;
    out->value[SLOT_VIEW] = links->view;
    out->value[SLOT_YES] = links->yes;
    out->value[SLOT_MAYBE] = links->maybe;
    out->value[SLOT_NO] = links->no;
    return rc;
}

int write_prepare(struct program *program, struct arena *arena, struct err *err)
{
    struct str field;
    int rc;

    if (piece_has_slot(program->frozen.subject)) {
        return 0;
    }
    str_init(&field, LIMIT_TEXT);
    header_text(&field, "Subject", program->frozen.subject);
    rc = str_check(&field, err);
    if (rc == 0) {
        program->subject = arena_strdup(arena, field.data);
        rc = program->subject != NULL ? 0 : err_nomem(err);
    }
    str_release(&field);
    return rc;
}

static int add_subject(const struct program *program, const struct slot_values *values,
                       struct str *out, struct err *err)
{
    struct str subject;
    int rc;

    if (program->subject != NULL) {
        str_add(out, program->subject);
        return 0;
    }
    str_init(&subject, LIMIT_TEXT);
    rc = piece_fill_line(program->frozen.subject, values, &subject, err);
    if (rc == 0) {
        header_text(out, "Subject", subject.data);
    }
    str_release(&subject);
    return rc;
}

/* RFC 2369, RFC 8058: a link that needs one POST, and an address. */
static int add_leave(const struct program *program, const struct token_key *key,
                     const struct write_input *input, const struct write_links *links,
                     struct str *out, struct err *err)
{
    const struct token token = leave_token(&program->envelope, program->mailing, input);
    char mail[LINK_TEXT];
    char value[2 * LINK_TEXT + 8];
    int rc = link_leave_mail(&program->envelope.base, key, &token, mail, err);

    if (rc < 0) {
        return rc;
    }
    (void)snprintf(value, sizeof(value), "<%s>, <%s>", links->leave, mail);
    header_plain(out, "List-Unsubscribe", value);
    if (strncmp(links->leave, "https:", 6) == 0) {
        str_add(out, "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n");
    }
    return 0;
}

static int add_headers(const struct program *program, const struct token_key *key,
                       const struct write_input *input, const struct write_links *links,
                       const struct slot_values *values, struct str *out, struct err *err)
{
    struct address to;
    int rc = address_parse(input->address, &to, err);

    if (rc < 0) {
        return rc;
    }
    str_add(out, program->frozen.from);
    header_mailbox(out, "To", input->values.name, &to);
    rc = add_subject(program, values, out, err);
    if (rc < 0) {
        return rc;
    }
    header_date(out, "Date", program->date);
    str_addf(out, "Message-ID: <%s.%" PRId64 "@%s>\r\n", program->uid, input->row,
             program->envelope.domain);
    if (program->envelope.list != 0) {
        rc = add_leave(program, key, input, links, out, err);
    }
    str_add(out, program->frozen.headers);
    return rc;
}

/* The recipient's own calendar: one attendee, so that nobody learns of others. */
static int add_calendar(const struct program *program, const struct write_input *input,
                        struct str *calendar, struct str *out, struct err *err)
{
    const struct ical_party organizer = {.address = input->values.organizer,
                                         .name = program->frozen.organizer};
    const struct ical_party attendee = {.address = input->address, .name = input->values.name};
    int rc = 0;

    if (calendar->len == 0) {
        rc = ical_write(&program->frozen.calendar, &organizer, &attendee, calendar, err);
    }
    if (rc == 0) {
        rc = str_check(calendar, err);
    }
    if (rc == 0) {
        mime_base64(out, calendar->data, calendar->len);
    }
    return rc;
}

static int add_steps(const struct program *program, const struct write_input *input,
                     const struct slot_values *values, struct str *out, struct err *err)
{
    struct str calendar;
    int rc = 0;

    str_init(&calendar, LIMIT_TEXT);
    for (size_t i = 0; rc == 0 && i < program->layout.count; i++) {
        const struct step *step = &program->layout.steps[i];

        switch (step->kind) {
        case STEP_BYTES:
            str_add_bytes(out, step->data, step->len);
            break;
        case STEP_TEXT:
            rc = piece_fill(&program->frozen.text, values, out, err);
            break;
        case STEP_HTML:
            rc = piece_fill(&program->frozen.html, values, out, err);
            break;
        case STEP_CALENDAR:
            rc = add_calendar(program, input, &calendar, out, err);
            break;
        }
    }
    str_release(&calendar);
    return rc;
}

int write_message(const struct program *program, const struct token_key *key,
                  const struct write_input *input, struct str *out, char sender[LIMIT_ADDRESS + 1],
                  struct err *err)
{
    struct write_links links;
    struct slot_values values;
    int rc = write_values(&program->envelope, program->mailing, key, input, &links, &values, err);

    if (rc == 0) {
        rc = link_envelope(&program->envelope.base, key, input->row, sender, err);
    }
    if (rc == 0) {
        rc = add_headers(program, key, input, &links, &values, out, err);
    }
    if (rc == 0) {
        rc = add_steps(program, input, &values, out, err);
    }
    return rc == 0 ? str_check(out, err) : rc;
}
