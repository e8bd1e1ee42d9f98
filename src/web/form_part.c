/* form_part.c - multipart/form-data (RFC 7578, RFC 2046 section 5.1). */
#include "form_part.h"

#include <string.h>
#include <strings.h>

enum { BOUNDARY_MOST = 70, PART_FIELDS = 16 };

struct boundary {
    char text[BOUNDARY_MOST + 5]; /* CR LF "--" boundary */
    size_t len;
};

static int broken(struct err *err)
{
    return err_set(err, ERR_INVALID, "the form's parts do not make sense");
}

/* The value of a parameter such as name="x" in `text`. Copies it unquoted into `out`;
 * 1, 0 if it is not there, or -1. */
static int find_parameter(const char *text, size_t len, const char *name, char *out, size_t most)
{
    size_t at = 0;
    size_t size = strlen(name);

    while (at < len) {
        const char *semicolon = memchr(text + at, ';', len - at);
        size_t out_len = 0;
        bool quoted;

        if (semicolon == NULL) {
            return 0;
        }
        at = (size_t)(semicolon - text) + 1;
        while (at < len && (text[at] == ' ' || text[at] == '\t')) {
            at++;
        }
        if (len - at <= size || strncasecmp(text + at, name, size) != 0 || text[at + size] != '=') {
            /* A quoted value may hold a semicolon: step over it. */
            size_t stop = at;

            while (stop < len && text[stop] != ';' && text[stop] != '"') {
                stop++;
            }
            if (stop < len && text[stop] == '"') {
                const char *quote = memchr(text + stop + 1, '"', len - stop - 1);

                if (quote == NULL) {
                    return -1;
                }
                stop = (size_t)(quote - text) + 1;
            }
            at = stop;
            continue;
        }
        at += size + 1;
        quoted = at < len && text[at] == '"';
        at += quoted ? 1 : 0;
        while (at < len && (quoted ? text[at] != '"' : strchr("; \t", text[at]) == NULL)) {
            if (out_len == most) {
                return -1;
            }
            out[out_len++] = text[at++];
        }
        out[out_len] = '\0';
        return quoted && at == len ? -1 : 1;
    }
    return 0;
}

static int find_boundary(const char *type, struct boundary *out, struct err *err)
{
    char text[BOUNDARY_MOST + 1];

    if (find_parameter(type, strlen(type), "boundary", text, BOUNDARY_MOST) != 1 ||
        text[0] == '\0' || strpbrk(text, "\r\n") != NULL) {
        return broken(err);
    }
    out->len = strlen(text) + 4;
    memcpy(out->text, "\r\n--", 4);
    memcpy(out->text + 4, text, out->len - 4);
    return 0;
}

/* The fields at the head of a part: its name, and whether it is a file. Returns the bytes of
 * the head with the empty line, or negative. */
static long read_part_head(const char *data, size_t len, char name[FORM_NAME + 1], bool *file,
                           struct err *err)
{
    static const char wanted[] = "Content-Disposition:";
    char filename[FORM_VALUE + 1];
    size_t at = 0;

    name[0] = '\0';
    for (int i = 0; i <= PART_FIELDS; i++) {
        const char *end = memmem(data + at, len - at, "\r\n", 2);
        size_t size = end != NULL ? (size_t)(end - data) - at : 0;

        if (end == NULL) {
            return broken(err);
        }
        if (size == 0) {
            return name[0] != '\0' ? (long)at + 2 : broken(err);
        }
        if (size > strlen(wanted) && strncasecmp(data + at, wanted, strlen(wanted)) == 0) {
            int found = find_parameter(data + at, size, "name", name, FORM_NAME);
            int named = find_parameter(data + at, size, "filename", filename, FORM_VALUE);

            if (found != 1 || named < 0) {
                return broken(err);
            }
            *file = named == 1;
        }
        at += size + 2;
    }
    return broken(err);
}

static int read_part(struct form_reader *reader, const char *data, size_t len, struct err *err)
{
    char name[FORM_NAME + 1];
    bool file = false;
    long head = read_part_head(data, len, name, &file, err);
    char *value;

    if (head < 0 || file) {
        return head < 0 ? (int)head : 0;
    }
    value = arena_strndup(reader->arena, data + head, len - (size_t)head);
    if (value == NULL) {
        return err_nomem(err);
    }
    if (memchr(data + head, '\0', len - (size_t)head) != NULL) {
        return broken(err);
    }
    return form_add(reader, name, strlen(name), value, len - (size_t)head, err);
}

int form_read_parts(struct form_reader *reader, const char *type, const char *body, size_t len,
                    struct err *err)
{
    struct boundary boundary = {0};
    const char *mark;
    size_t at;
    int rc = find_boundary(type, &boundary, err);

    if (rc < 0) {
        return rc;
    }
    /* The first boundary stands at the start, or behind a preamble and a line end. */
    if (len >= boundary.len - 2 && memcmp(body, boundary.text + 2, boundary.len - 2) == 0) {
        at = boundary.len - 2;
    } else {
        mark = memmem(body, len, boundary.text, boundary.len);
        if (mark == NULL) {
            return broken(err);
        }
        at = (size_t)(mark - body) + boundary.len;
    }
    for (;;) {
        if (len - at >= 2 && memcmp(body + at, "--", 2) == 0) {
            return 0;
        }
        if (len - at < 2 || memcmp(body + at, "\r\n", 2) != 0) {
            return broken(err);
        }
        at += 2;
        mark = memmem(body + at, len - at, boundary.text, boundary.len);
        if (mark == NULL) {
            return broken(err);
        }
        rc = read_part(reader, body + at, (size_t)(mark - body) - at, err);
        if (rc < 0) {
            return rc;
        }
        at = (size_t)(mark - body) + boundary.len;
    }
}
