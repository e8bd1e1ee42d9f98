/* kind.c - see kind.h. */
#include "kind.h"
#include "teataja/compose/message.h"

#include <stdio.h>
#include <string.h>

#include "teataja/base/limits.h"
#include "teataja/compose/mime.h"

/* A layout that is being made: bytes gather until a step is due. */
struct builder {
    struct arena *arena;
    struct layout *out;
    struct str bytes;
    int rc;
    struct err *err;
};

static void push(struct builder *builder, const struct step *step)
{
    if (builder->rc == 0 && builder->out->count == LAYOUT_STEPS) {
        builder->rc =
            err_set(builder->err, ERR_LIMIT, "a message of more than %d steps", LAYOUT_STEPS);
    }
    if (builder->rc == 0) {
        builder->out->steps[builder->out->count++] = *step;
    }
}

static void end_bytes(struct builder *builder)
{
    if (builder->rc == 0) {
        builder->rc = str_check(&builder->bytes, builder->err);
    }
    if (builder->rc == 0) {
        char *data = arena_strndup(builder->arena, builder->bytes.data, builder->bytes.len);

        if (data == NULL) {
            builder->rc = err_nomem(builder->err);
        } else {
            const struct step step = {.kind = STEP_BYTES, .data = data, .len = builder->bytes.len};

            push(builder, &step);
        }
    }
    str_reset(&builder->bytes);
}

static void add_step(struct builder *builder, enum step_kind kind)
{
    const struct step step = {.kind = kind};

    end_bytes(builder);
    push(builder, &step);
}

static void add_text_part(struct builder *builder, const char *boundary)
{
    static const struct mime_part part = {.type = "text/plain; charset=utf-8",
                                          .encoding = "quoted-printable"};

    mime_open(&builder->bytes, boundary);
    mime_part(&builder->bytes, &part);
    add_step(builder, STEP_TEXT);
}

static void add_html_body(struct builder *builder)
{
    static const struct mime_part part = {.type = "text/html; charset=utf-8",
                                          .encoding = "quoted-printable"};

    mime_part(&builder->bytes, &part);
    add_step(builder, STEP_HTML);
}

static void add_picture(struct builder *builder, const char *boundary,
                        const struct layout_picture *picture)
{
    const struct mime_part part = {.type = picture->type,
                                   .encoding = "base64",
                                   .content_id = picture->cid,
                                   .disposition = "inline"};

    mime_open(&builder->bytes, boundary);
    mime_part(&builder->bytes, &part);
    mime_base64(&builder->bytes, picture->data, picture->len);
}

static bool is_message(const struct layout_picture *picture)
{
    return strcmp(picture->type, LAYOUT_MESSAGE) == 0;
}

static size_t count_messages(const struct layout_input *input)
{
    size_t count = 0;

    for (size_t i = 0; i < input->picture_count; i++) {
        count += is_message(&input->pictures[i]);
    }
    return count;
}

/* text/html, inside multipart/related when it shows images (RFC 2387). */
static void add_html_part(struct builder *builder, const char *boundary,
                          const struct layout_input *input)
{
    char related[MIME_BOUNDARY];

    mime_open(&builder->bytes, boundary);
    if (input->picture_count == count_messages(input)) {
        add_html_body(builder);
        return;
    }
    mime_boundary(input->uid, MIME_RELATED, related);
    mime_multipart(&builder->bytes, "related", related, "type=\"text/html\"");
    str_add(&builder->bytes, "\r\n");
    mime_open(&builder->bytes, related);
    add_html_body(builder);
    for (size_t i = 0; i < input->picture_count; i++) {
        if (!is_message(&input->pictures[i])) {
            add_picture(builder, related, &input->pictures[i]);
        }
    }
    mime_close(&builder->bytes, related);
}

/* alternative[ plain, related[ html, images ] ] */
static int lay_out_letter(struct arena *arena, const struct layout_input *input, struct layout *out,
                          struct err *err)
{
    struct builder builder = {.arena = arena, .out = out, .err = err};
    char alternative[MIME_BOUNDARY];

    str_init(&builder.bytes, LIMIT_MESSAGE);
    mime_boundary(input->uid, MIME_ALTERNATIVE, alternative);
    mime_multipart(&builder.bytes, "alternative", alternative, NULL);
    str_add(&builder.bytes, "\r\n");
    add_text_part(&builder, alternative);
    add_html_part(&builder, alternative, input);
    mime_close(&builder.bytes, alternative);
    end_bytes(&builder);
    str_release(&builder.bytes);
    return builder.rc;
}

static void add_calendar_part(struct builder *builder, const char *boundary,
                              const struct mime_part *part)
{
    mime_open(&builder->bytes, boundary);
    mime_part(&builder->bytes, part);
    add_step(builder, STEP_CALENDAR);
}

/* mixed[ alternative[ plain, html, calendar ], invite.ics ]: RFC 6047 section 2.4,
 * and what Gmail, Outlook and Apple Mail have in common. */
static int lay_out_invitation(struct arena *arena, const struct layout_input *input,
                              struct layout *out, struct err *err)
{
    static const struct mime_part calendar = {
        .type = "text/calendar; charset=UTF-8; method=REQUEST", .encoding = "base64"};
    static const struct mime_part attachment = {.type = "application/ics; name=\"invite.ics\"",
                                                .encoding = "base64",
                                                .disposition =
                                                    "attachment; filename=\"invite.ics\""};
    struct builder builder = {.arena = arena, .out = out, .err = err};
    char alternative[MIME_BOUNDARY];
    char mixed[MIME_BOUNDARY];

    str_init(&builder.bytes, LIMIT_MESSAGE);
    mime_boundary(input->uid, MIME_ALTERNATIVE, alternative);
    mime_boundary(input->uid, MIME_MIXED, mixed);
    mime_multipart(&builder.bytes, "mixed", mixed, NULL);
    str_add(&builder.bytes, "\r\n");
    mime_open(&builder.bytes, mixed);
    mime_multipart(&builder.bytes, "alternative", alternative, NULL);
    str_add(&builder.bytes, "\r\n");
    add_text_part(&builder, alternative);
    add_html_part(&builder, alternative, input);
    add_calendar_part(&builder, alternative, &calendar);
    mime_close(&builder.bytes, alternative);
    add_calendar_part(&builder, mixed, &attachment);
    mime_close(&builder.bytes, mixed);
    end_bytes(&builder);
    str_release(&builder.bytes);
    return builder.rc;
}

/* A letter as an attachment that mail programs open: 7-bit as it is (RFC 2046 section 5.2.1),
 * with boundaries of its own mailing. */
static void add_message(struct builder *builder, const char *boundary,
                        const struct layout_picture *message)
{
    char disposition[LIMIT_SLUG + 40];
    const struct mime_part part = {.type = LAYOUT_MESSAGE, .disposition = disposition};

    (void)snprintf(disposition, sizeof(disposition), "attachment; filename=\"%s\"", message->cid);
    mime_open(&builder->bytes, boundary);
    mime_part(&builder->bytes, &part);
    str_add_bytes(&builder->bytes, message->data, message->len);
    str_add(&builder->bytes, "\r\n");
}

/* A letter; or mixed[ letter, messages ] where it carries messages. */
static int lay_out_notice(struct arena *arena, const struct layout_input *input, struct layout *out,
                          struct err *err)
{
    struct builder builder = {.arena = arena, .out = out, .err = err};
    char alternative[MIME_BOUNDARY];
    char mixed[MIME_BOUNDARY];

    if (count_messages(input) == 0) {
        return lay_out_letter(arena, input, out, err);
    }
    str_init(&builder.bytes, LIMIT_MESSAGE);
    mime_boundary(input->uid, MIME_ALTERNATIVE, alternative);
    mime_boundary(input->uid, MIME_MIXED, mixed);
    mime_multipart(&builder.bytes, "mixed", mixed, NULL);
    str_add(&builder.bytes, "\r\n");
    mime_open(&builder.bytes, mixed);
    mime_multipart(&builder.bytes, "alternative", alternative, NULL);
    str_add(&builder.bytes, "\r\n");
    add_text_part(&builder, alternative);
    add_html_part(&builder, alternative, input);
    mime_close(&builder.bytes, alternative);
    for (size_t i = 0; i < input->picture_count; i++) {
        if (is_message(&input->pictures[i])) {
            add_message(&builder, mixed, &input->pictures[i]);
        }
    }
    mime_close(&builder.bytes, mixed);
    end_bytes(&builder);
    str_release(&builder.bytes);
    return builder.rc;
}

const struct mail_kind mail_kinds[MAIL_KINDS] = {
    [MAIL_LETTER] = {"letter", MAILING_LETTER, "issues", lay_out_letter, false, false},
    [MAIL_INVITATION] = {"invitation", MAILING_ANSWER, "events", lay_out_invitation, true, false},
    [MAIL_REMINDER] = {"reminder", MAILING_REMINDER, "events", lay_out_letter, true, true},
    [MAIL_THANKS] = {"thanks", MAILING_LETTER, "events", lay_out_letter, false, false},
    [MAIL_NOTICE] = {"notice", MAILING_ANSWER, "staff", lay_out_notice, false, false},
};

const struct mail_kind *mail_kind_find(const char *name)
{
    for (size_t i = 0; i < MAIL_KINDS; i++) {
        if (strcmp(mail_kinds[i].name, name) == 0) {
            return &mail_kinds[i];
        }
    }
    return NULL;
}

int composer_priority(const char *purpose)
{
    const struct mail_kind *kind = mail_kind_find(purpose);

    return kind != NULL ? (int)kind->priority : (int)MAILING_LETTER;
}
