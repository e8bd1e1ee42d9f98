/* See teataja/delivery/dkim_relaxed.h. */
#include "teataja/delivery/dkim_relaxed.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

void dkim_body_start(struct dkim_body *body, dkim_write *write, void *ctx)
{
    *body = (struct dkim_body){.write = write, .ctx = ctx};
}

/* Writes text of a line, and what was held back before it. */
static void put(struct dkim_body *body, const char *text, size_t len)
{
    for (; body->lines > 0; body->lines--) {
        body->write(body->ctx, "\r\n", 2);
    }
    if (body->space) {
        body->write(body->ctx, " ", 1);
        body->space = false;
    }
    body->write(body->ctx, text, len);
    body->any = true;
}

/* From `at`, which holds text, as far as the canonical form is what stands there: over single
 * spaces inside a line and over line ends between lines of text. */
static size_t run_end(const char *bytes, size_t at, size_t len)
{
    while (at < len) {
        unsigned char c = (unsigned char)bytes[at];

        if (c != ' ' && c != '\t' && c != '\r') {
            at++;
        } else if (c == ' ' && at + 1 < len && (unsigned char)bytes[at + 1] > ' ') {
            at += 2;
        } else if (c == '\r' && at + 2 < len && bytes[at + 1] == '\n' &&
                   (unsigned char)bytes[at + 2] > ' ') {
            at += 3;
        } else {
            break;
        }
    }
    return at;
}

void dkim_body_add(struct dkim_body *body, const char *bytes, size_t len)
{
    size_t at = 0;

    if (body->cr && len > 0) {
        body->cr = false;
        if (bytes[0] == '\n') {
            body->lines++;
            body->space = false;
            at = 1;
        } else {
            put(body, "\r", 1);
        }
    }
    while (at < len) {
        if (is_space(bytes[at])) {
            body->space = true;
            at++;
        } else if (bytes[at] != '\r') {
            size_t end = run_end(bytes, at, len);

            put(body, bytes + at, end - at);
            at = end;
        } else if (at + 1 == len) {
            body->cr = true;
            at++;
        } else if (bytes[at + 1] == '\n') {
            body->lines++;
            body->space = false;
            at += 2;
        } else {
            put(body, "\r", 1);
            at++;
        }
    }
}

void dkim_body_end(struct dkim_body *body)
{
    if (body->cr) {
        put(body, "\r", 1);
    }
    if (body->any) {
        body->write(body->ctx, "\r\n", 2);
    }
}

static bool is_line_end(const char *text, size_t at, size_t len)
{
    return text[at] == '\r' && at + 1 < len && text[at + 1] == '\n';
}

void dkim_field(const char *field, size_t len, struct str *out)
{
    const char *colon = memchr(field, ':', len);
    size_t name = colon != NULL ? (size_t)(colon - field) : len;
    size_t at = name + 1;
    size_t start;
    bool space = false;

    while (name > 0 && is_space(field[name - 1])) {
        name--;
    }
    str_reserve(out, len + 2);
    for (size_t i = 0; i < name; i++) {
        str_add_char(out, (char)tolower((unsigned char)field[i]));
    }
    str_add_char(out, ':');
    start = out->len;
    while (at < len) {
        size_t run = at;

        while (run < len && !is_space(field[run]) && !is_line_end(field, run, len)) {
            run++;
        }
        if (run > at) {
            if (space && out->len > start) {
                str_add_char(out, ' ');
            }
            str_add_bytes(out, field + at, run - at);
            space = false;
            at = run;
        } else if (is_space(field[at])) {
            space = true;
            at++;
        } else {
            at += 2;
        }
    }
    str_add(out, "\r\n");
}

/* The end of the field that begins at `at`: behind the CRLF that no white space follows. */
static size_t field_end(const char *message, size_t at, size_t len)
{
    const char *found;

    while ((found = memchr(message + at, '\n', len - at)) != NULL) {
        at = (size_t)(found - message) + 1;
        if (at >= 2 && message[at - 2] == '\r' && (at == len || !is_space(message[at]))) {
            return at;
        }
    }
    return len;
}

/* RFC 5322 section 2.2: how many characters of a field are its name; 0 if it is no field. */
static size_t name_length(const char *field, size_t len)
{
    const char *colon = memchr(field, ':', len);
    size_t name = colon != NULL ? (size_t)(colon - field) : 0;

    while (name > 0 && is_space(field[name - 1])) {
        name--;
    }
    for (size_t i = 0; i < name; i++) {
        if (field[i] <= ' ' || field[i] > '~') {
            return 0;
        }
    }
    return name;
}

int dkim_head_split(const char *message, size_t len, struct dkim_head *out, struct err *err)
{
    size_t at = 0;

    out->count = 0;
    while (at < len && strncmp(message + at, "\r\n", len - at < 2 ? len - at : 2) != 0) {
        size_t end = field_end(message, at, len);
        size_t name = name_length(message + at, end - at);

        if (name == 0) {
            return err_set(err, ERR_INVALID, "part %zu of a message's header is no field",
                           out->count + 1);
        }
        if (out->count == DKIM_FIELDS) {
            return err_set(err, ERR_LIMIT, "a message of more than %d header fields", DKIM_FIELDS);
        }
        out->fields[out->count].text = message + at;
        out->fields[out->count].len = end - at;
        out->fields[out->count].name_len = name;
        out->count++;
        at = end;
    }
    out->len = at + 2 <= len ? at + 2 : len;
    return 0;
}

static bool is_named(const struct dkim_head *head, size_t index, const char *name, size_t len)
{
    return head->fields[index].name_len == len &&
           strncasecmp(head->fields[index].text, name, len) == 0;
}

size_t dkim_head_count(const struct dkim_head *head, const char *name)
{
    size_t len = strlen(name);
    size_t count = 0;

    for (size_t i = 0; i < head->count; i++) {
        count += is_named(head, i, name, len);
    }
    return count;
}

void dkim_head_select(const struct dkim_head *head, const char *names, struct str *out)
{
    bool used[DKIM_FIELDS] = {false};

    while (*names != '\0') {
        size_t len;

        names += strspn(names, " \t\r\n:");
        len = strcspn(names, " \t\r\n:");
        for (size_t i = head->count; len > 0 && i-- > 0;) {
            if (!used[i] && is_named(head, i, names, len)) {
                used[i] = true;
                dkim_field(head->fields[i].text, head->fields[i].len, out);
                break;
            }
        }
        names += len;
    }
}
