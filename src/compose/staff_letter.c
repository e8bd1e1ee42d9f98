/* staff_letter.c - see staff_letter.h. */
#include "staff_letter.h"

#include <string.h>

#include "teataja/base/limits.h"
#include "teataja/base/token.h"
#include "write.h"

/* ---- images ---- */

static int digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = c != '\0' ? strchr(digits, c) : NULL;

    return found != NULL ? (int)(found - digits) : -1;
}

/* What preview.c encoded: base64 without line breaks, up to the first other character. */
static char *decode(struct arena *arena, const char *text, size_t len, size_t *out_len)
{
    unsigned char *out = arena_alloc(arena, len / 4 * 3 + 4, 1);
    unsigned bits = 0;
    unsigned value = 0;

    *out_len = 0;
    for (size_t i = 0; out != NULL && i < len && digit(text[i]) >= 0; i++) {
        value = (value << 6 | (unsigned)digit(text[i])) & 0xFFFFFF;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[(*out_len)++] = (unsigned char)(value >> bits & 0xFF);
        }
    }
    return (char *)out;
}

/* The image of a data: address, `text` being what follows "data:"; the same bytes have the
 * same content id. */
static int take_picture(struct staff_letter *letter, struct frame *frame, const char *text,
                        size_t len, const char **cid, struct err *err)
{
    static const char between[] = ";base64,";
    const char *domain = address_domain(&frame->compose->site.config->site.office.address);
    struct picture *pictures = (struct picture *)letter->rendered.pictures;
    struct picture picture = {0};
    const char *data = strstr(text, between);
    size_t type = data != NULL ? (size_t)(data - text) : len;
    char digest[33];

    *cid = NULL;
    if (type >= len) {
        return 0;
    }
    data += strlen(between);
    picture.type = arena_strndup(frame->arena, text, type);
    picture.data = decode(frame->arena, data, len - (size_t)(data - text), &picture.len);
    if (picture.type == NULL || picture.data == NULL) {
        return err_nomem(err);
    }
    token_digest(picture.data, picture.len, digest);
    picture.cid = arena_printf(frame->arena, "%.16s@%s", digest, domain);
    if (picture.cid == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; i < letter->rendered.picture_count; i++) {
        if (strcmp(pictures[i].cid, picture.cid) == 0) {
            *cid = pictures[i].cid;
            return 0;
        }
    }
    if (letter->rendered.picture_count < FRAME_PICTURES) {
        pictures[letter->rendered.picture_count++] = picture;
        *cid = picture.cid;
    }
    return 0;
}

static int take_pictures(struct staff_letter *letter, struct frame *frame, const char *html,
                         struct str *out, struct err *err)
{
    static const char mark[] = "src=\"data:";
    const char *found;
    int rc = 0;

    while (rc == 0 && (found = strstr(html, mark)) != NULL) {
        const char *text = found + strlen(mark);
        size_t len = strcspn(text, "\"");
        const char *cid = NULL;

        str_add_bytes(out, html, (size_t)(found - html));
        rc = take_picture(letter, frame, text, len, &cid, err);
        if (cid != NULL) {
            str_addf(out, "src=\"cid:%s", cid);
        } else {
            str_add_bytes(out, found, strlen(mark) + len);
        }
        html = text + len;
    }
    str_add(out, html);
    return rc < 0 ? rc : str_check(out, err);
}

int staff_letter_read(struct frame *frame, const struct approval *draft,
                      const struct approval_edition *edition, struct staff_letter *out,
                      struct err *err)
{
    struct str html;
    int rc;

    *out = (struct staff_letter){
        .compose = frame->compose,
        .newsletter = draft->newsletter[0] != '\0'
                          ? config_newsletter(frame->compose->site.config, draft->newsletter)
                          : NULL,
        .date = draft->due_at != 0 ? draft->due_at : frame->date,
        .rendered = {.language = edition->language,
                     .subject = edition->subject,
                     .text = edition->text,
                     .text_len = strlen(edition->text),
                     .pictures = arena_alloc(frame->arena, FRAME_PICTURES,
                                             sizeof(*out->rendered.pictures))}};
    if (out->rendered.pictures == NULL) {
        return err_nomem(err);
    }
    str_init(&html, LIMIT_MESSAGE);
    rc = take_pictures(out, frame, edition->html, &html, err);
    if (rc == 0) {
        out->rendered.html = arena_strndup(frame->arena, html.data, html.len);
        out->rendered.html_len = html.len;
        rc = out->rendered.html != NULL ? 0 : err_nomem(err);
    }
    str_release(&html);
    return rc;
}

/* ---- inside of another ---- */

/* The body's first table up to its last: what the templates put around it belongs to a
 * document of its own. */
static void cut_body(const char *html, const char **from, const char **to)
{
    const char *body = strstr(html, "<body");
    const char *end = NULL;

    *from = body != NULL ? strstr(body, "<table") : NULL;
    for (const char *at = *from; at != NULL && (at = strstr(at, "</table>")) != NULL; at++) {
        end = at + strlen("</table>");
    }
    *to = end != NULL ? end : html;
    *from = end != NULL ? *from : html;
}

int staff_letter_body(const struct staff_letter *letter, struct arena *arena, const char **out,
                      struct err *err)
{
    static const struct {
        const char *from, *to;
    } changes[] = {{"<h1", "<h3"}, {"</h1>", "</h3>"}, {"<main", "<div"}, {"</main>", "</div>"}};
    const char *from;
    const char *to;
    struct str text;
    int rc;

    cut_body(letter->rendered.html, &from, &to);
    str_init(&text, LIMIT_MESSAGE);
    while (from < to) {
        size_t i = 0;

        while (i < sizeof(changes) / sizeof(changes[0]) &&
               strncmp(from, changes[i].from, strlen(changes[i].from)) != 0) {
            i++;
        }
        if (i < sizeof(changes) / sizeof(changes[0])) {
            str_add(&text, changes[i].to);
            from += strlen(changes[i].from);
        } else {
            const char *next = memchr(from + 1, '<', (size_t)(to - from - 1));
            const char *stop = next != NULL ? next : to;

            str_add_bytes(&text, from, (size_t)(stop - from));
            from = stop;
        }
    }
    rc = str_check(&text, err);
    *out = rc == 0 ? arena_strndup(arena, text.data, text.len) : NULL;
    str_release(&text);
    return rc < 0 ? rc : *out != NULL ? 0 : err_nomem(err);
}

/* ---- as a message ---- */

static struct sender sender_of(const struct staff_letter *letter)
{
    const struct site_office *office = &letter->compose->site.config->site.office;
    const struct newsletter *newsletter = letter->newsletter;

    return (struct sender){.newsletter = newsletter,
                           .from =
                               newsletter != NULL ? &newsletter->from.address : &office->address,
                           .from_name = newsletter != NULL ? &newsletter->from.name : &office->name,
                           .reply_to = newsletter != NULL ? &newsletter->reply_to : NULL,
                           .feedback = "draft",
                           .kind = &mail_kinds[MAIL_LETTER]};
}

int staff_letter_message(const struct staff_letter *letter, struct arena *arena, const char **out,
                         size_t *len, struct err *err)
{
    static const struct token_key no_key = {0};
    const struct sender sender = sender_of(letter);
    const struct write_input input = {.address = sender.from->text,
                                      .values = {.name = "", .organisation = "", .organizer = ""}};
    char envelope[LIMIT_ADDRESS + 1];
    struct frozen frozen = {0};
    struct program program;
    struct str message;
    int rc = edition_freeze(letter->compose, arena, &letter->rendered, &sender, &frozen, err);

    rc = rc < 0 ? rc
                : edition_program(letter->compose, arena, &letter->rendered, &sender, &frozen,
                                  letter->date, &program, err);
    str_init(&message, LIMIT_MESSAGE);
    rc = rc < 0 ? rc : write_message(&program, &no_key, &input, &message, envelope, err);
    if (rc == 0) {
        *out = arena_strndup(arena, message.data, message.len);
        *len = message.len;
        rc = *out != NULL ? 0 : err_nomem(err);
    }
    str_release(&message);
    return rc;
}
