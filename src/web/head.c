/* head.c - see teataja/web/head.h. */
#include "teataja/web/head.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

enum {
    METHOD_MOST = 16,
    LENGTH_DIGITS = 10 /* of a Content-Length that is looked at */
};

/* What the fields seen so far have said. */
struct seen {
    int hosts;
    int lengths;
    int codings;
    long length;
};

/* A letter of a token (RFC 9110 section 5.6.2). */
static bool is_token(unsigned char c)
{
    return isalnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* The end of the line that begins at `at`: its CR. HEAD_FINE with *end set, HEAD_MORE if the
 * line goes on behind `len`, or 400. */
static int find_line(const char *data, size_t len, size_t at, size_t *end)
{
    for (size_t i = at; i < len; i++) {
        unsigned char c = (unsigned char)data[i];

        if (c == '\r') {
            if (i + 1 == len) {
                return HEAD_MORE;
            }
            *end = i;
            return data[i + 1] == '\n' ? HEAD_FINE : 400;
        }
        if ((c < ' ' && c != '\t') || c == 0x7F) {
            return 400;
        }
    }
    return HEAD_MORE;
}

/* A path of printable ASCII whose escapes are whole, without one for NUL. */
static int check_target(const char *target, size_t len)
{
    if (len == 0 || target[0] != '/') {
        return 400;
    }
    if (len > HEAD_TARGET_MOST) {
        return 414;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)target[i];

        if (c <= ' ' || c >= 0x7F || strchr("\"#<>\\^`{|}", c) != NULL) {
            return 400;
        }
        if (c == '%' &&
            (i + 2 >= len || !isxdigit((unsigned char)target[i + 1]) ||
             !isxdigit((unsigned char)target[i + 2]) || memcmp(target + i + 1, "00", 2) == 0)) {
            return 400;
        }
    }
    return HEAD_FINE;
}

/* "GET /path HTTP/1.1" */
static int check_request_line(const char *line, size_t len, bool *old)
{
    size_t method = 0;
    const char *target;
    const char *space;
    int status;

    while (method < len && is_token((unsigned char)line[method])) {
        method++;
    }
    if (method == 0 || method > METHOD_MOST || method == len || line[method] != ' ') {
        return 400;
    }
    target = line + method + 1;
    space = memchr(target, ' ', len - method - 1);
    if (space == NULL) {
        return len - method - 1 > HEAD_TARGET_MOST ? 414 : 400;
    }
    status = check_target(target, (size_t)(space - target));
    if (status != HEAD_FINE) {
        return status;
    }
    len -= (size_t)(space + 1 - line);
    if (len != 8 || memcmp(space + 1, "HTTP/", 5) != 0 || !isdigit((unsigned char)space[6]) ||
        space[7] != '.' || !isdigit((unsigned char)space[8])) {
        return 400;
    }
    *old = memcmp(space + 6, "1.0", 3) == 0;
    return *old || memcmp(space + 6, "1.1", 3) == 0 ? HEAD_FINE : 505;
}

static bool is_named(const char *name, size_t len, const char *what)
{
    return len == strlen(what) && strncasecmp(name, what, len) == 0;
}

/* Digits only: neither a sign nor a list of lengths that are the same. */
static int read_length(const char *value, size_t len, long *out)
{
    long length = 0;

    if (len == 0 || len > LENGTH_DIGITS) {
        return len == 0 ? 400 : 413;
    }
    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)value[i])) {
            return 400;
        }
        length = length * 10 + (value[i] - '0');
    }
    *out = length;
    return HEAD_FINE;
}

static int check_host(const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)value[i]) && strchr("-._~%[]:!$&'()*+;=", value[i]) == NULL) {
            return 400;
        }
    }
    return len > 0 ? HEAD_FINE : 400;
}

static int check_field(const char *line, size_t len, struct seen *seen)
{
    size_t name = 0;
    size_t at;

    while (name < len && is_token((unsigned char)line[name])) {
        name++;
    }
    if (name == 0 || name == len || line[name] != ':') {
        return 400; /* also a folded line, and white space before the colon */
    }
    at = name + 1;
    while (at < len && (line[at] == ' ' || line[at] == '\t')) {
        at++;
    }
    while (len > at && (line[len - 1] == ' ' || line[len - 1] == '\t')) {
        len--;
    }
    if (is_named(line, name, "Host")) {
        seen->hosts++;
        return check_host(line + at, len - at);
    }
    if (is_named(line, name, "Content-Length")) {
        seen->lengths++;
        return read_length(line + at, len - at, &seen->length);
    }
    seen->codings += is_named(line, name, "Transfer-Encoding") ? 1 : 0;
    return HEAD_FINE;
}

/* What the fields say together. */
static int judge(const struct seen *seen, bool old)
{
    if (seen->hosts > 1 || (seen->hosts == 0 && !old) || seen->lengths > 1 ||
        (seen->codings > 0 && (seen->lengths > 0 || old))) {
        return 400;
    }
    if (seen->codings > 0) {
        return 411;
    }
    return seen->length > HEAD_BODY_MOST ? 413 : HEAD_FINE;
}

/* The end of what was sent so far is not the end of the head. */
static int wait_more(size_t len, size_t line)
{
    if (line == 0 && len > HEAD_TARGET_MOST + METHOD_MOST + 1) {
        return 414;
    }
    return len >= HEAD_MOST ? 431 : HEAD_MORE;
}

int head_check(const char *data, size_t len)
{
    struct seen seen = {0};
    bool old = false;
    size_t at = 0;

    for (size_t line = 0;; line++) {
        size_t end = 0;
        int status = find_line(data, len, at, &end);

        if (status == HEAD_MORE) {
            return wait_more(len, line);
        }
        if (status != HEAD_FINE) {
            return status;
        }
        if (end + 2 > HEAD_MOST) {
            return 431;
        }
        if (line > 0 && end == at) {
            return judge(&seen, old);
        }
        if (line > HEAD_FIELDS_MOST) {
            return 431;
        }
        status = line == 0 ? check_request_line(data + at, end - at, &old)
                           : check_field(data + at, end - at, &seen);
        if (status != HEAD_FINE) {
            return status;
        }
        at = end + 2;
    }
}
