#include "ical_scan.h"

#include <ctype.h>
#include <string.h>

#include "teataja/base/limits.h"
#include "teataja/base/utf8.h"

_Static_assert(LIMIT_ICS_NESTING <= 16, "struct ical_scan has room for 16 open components");

void ical_scan_init(struct ical_scan *scan, const char *text, size_t len)
{
    memset(scan, 0, sizeof(*scan));
    scan->text = text;
    scan->len = len;
    scan->line = 1;
    str_init(&scan->unfolded, LIMIT_ICS_LINE);
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        scan->at = 3;
    }
}

void ical_scan_release(struct ical_scan *scan)
{
    str_release(&scan->unfolded);
}

/* Appends the physical line at scan->at to the unfolded one and moves behind it. */
static void take_line(struct ical_scan *scan)
{
    const char *start = scan->text + scan->at;
    size_t left = scan->len - scan->at;
    const char *end = memchr(start, '\n', left);
    size_t len = end != NULL ? (size_t)(end - start) : left;

    scan->at += len + (end != NULL ? 1 : 0);
    scan->line++;
    if (len > 0 && start[len - 1] == '\r') {
        len--;
    }
    str_add_bytes(&scan->unfolded, start, len);
}

static int check_bytes(const struct str *text, int line, struct err *err)
{
    size_t bad = 0;

    if (!utf8_is_valid(text->data, text->len, &bad)) {
        return err_set(err, ERR_INVALID, "%d: broken UTF-8 behind '%.*s'", line,
                       (int)utf8_prefix(text->data, bad < 30 ? bad : 30, 30), text->data);
    }
    for (size_t i = 0; i < text->len; i++) {
        unsigned char c = (unsigned char)text->data[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return err_set(err, ERR_INVALID, "%d: a control character (0x%02X) in '%.*s'", line, c,
                           (int)utf8_prefix(text->data, i, 30), text->data);
        }
    }
    return 0;
}

/* Copies [start, end) in upper case without white space around it; false if it
 * is no name. */
static bool copy_name(const char *start, const char *end, char out[ICAL_NAME])
{
    size_t len;

    while (start < end && (*start == ' ' || *start == '\t')) {
        start++;
    }
    while (end > start && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    len = (size_t)(end - start);
    if (len == 0 || len >= ICAL_NAME) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)start[i];

        if (!isalnum(c) && c != '-' && c != '_') {
            return false;
        }
        out[i] = (char)toupper(c);
    }
    out[len] = '\0';
    return true;
}

/* The ':' before the value: the first outside of quotes. */
static const char *find_colon(const char *text)
{
    bool quoted = false;

    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '"') {
            quoted = !quoted;
        } else if (*at == ':' && !quoted) {
            return at;
        }
    }
    return NULL;
}

static void split(struct ical_content *content)
{
    const char *colon = find_colon(content->text);
    const char *name_end = content->text + strcspn(content->text, ";:");

    content->kind = ICAL_CONTENT_BROKEN;
    content->name[0] = '\0';
    content->value = content->text + strlen(content->text);
    if (colon == NULL || !copy_name(content->text, name_end, content->name)) {
        return;
    }
    content->kind = ICAL_CONTENT_PROPERTY;
    content->value = colon + 1;
    content->prefix_len = (size_t)(colon + 1 - content->text);
}

static int open_component(struct ical_scan *scan, struct ical_content *content, struct err *err)
{
    char name[ICAL_NAME];

    if (!copy_name(content->value, content->value + strlen(content->value), name)) {
        return err_set(err, ERR_INVALID, "%d: BEGIN is not followed by a component's name",
                       content->line);
    }
    if (scan->depth >= LIMIT_ICS_NESTING) {
        return err_set(err, ERR_LIMIT, "%d: components are nested more than %d deep", content->line,
                       LIMIT_ICS_NESTING);
    }
    if (++scan->components > LIMIT_ICS_COMPONENTS) {
        return err_set(err, ERR_LIMIT, "%d: there are more than %d components", content->line,
                       LIMIT_ICS_COMPONENTS);
    }
    memcpy(scan->open[scan->depth], name, sizeof(name));
    scan->open_line[scan->depth] = content->line;
    scan->depth++;
    content->kind = ICAL_CONTENT_BEGIN;
    content->depth = scan->depth;
    memcpy(content->name, name, sizeof(name));
    return 0;
}

static int close_component(struct ical_scan *scan, struct ical_content *content, struct err *err)
{
    char name[ICAL_NAME];

    if (!copy_name(content->value, content->value + strlen(content->value), name)) {
        return err_set(err, ERR_INVALID, "%d: END is not followed by a component's name",
                       content->line);
    }
    if (scan->depth == 0) {
        return err_set(err, ERR_INVALID, "%d: END:%s without a BEGIN:%s", content->line, name,
                       name);
    }
    if (strcmp(scan->open[scan->depth - 1], name) != 0) {
        return err_set(err, ERR_INVALID, "%d: END:%s stands where BEGIN:%s of line %d must end",
                       content->line, name, scan->open[scan->depth - 1],
                       scan->open_line[scan->depth - 1]);
    }
    content->kind = ICAL_CONTENT_END;
    content->depth = scan->depth;
    memcpy(content->name, name, sizeof(name));
    scan->depth--;
    return 0;
}

static int read_line(struct ical_scan *scan, struct ical_content *content, struct err *err)
{
    int rc;

    str_reset(&scan->unfolded);
    content->line = scan->line;
    take_line(scan);
    while (scan->at < scan->len && (scan->text[scan->at] == ' ' || scan->text[scan->at] == '\t')) {
        scan->at++;
        take_line(scan);
    }
    if (scan->unfolded.failed == ERR_LIMIT) {
        return err_set(err, ERR_LIMIT, "%d: the line is longer than %d bytes", content->line,
                       LIMIT_ICS_LINE);
    }
    rc = str_check(&scan->unfolded, err);
    return rc < 0 ? rc : check_bytes(&scan->unfolded, content->line, err);
}

int ical_scan_next(struct ical_scan *scan, struct ical_content *out, struct err *err)
{
    int rc;

    memset(out, 0, sizeof(*out));
    do {
        if (scan->at >= scan->len) {
            if (scan->depth > 0) {
                return err_set(err, ERR_INVALID, "%d: BEGIN:%s has no END:%s",
                               scan->open_line[scan->depth - 1], scan->open[scan->depth - 1],
                               scan->open[scan->depth - 1]);
            }
            return 0;
        }
        rc = read_line(scan, out, err);
        if (rc < 0) {
            return rc;
        }
        str_trim_end(&scan->unfolded);
    } while (scan->unfolded.len == 0);

    out->text = scan->unfolded.data;
    out->depth = scan->depth;
    split(out);
    if (out->kind == ICAL_CONTENT_PROPERTY && strcmp(out->name, "BEGIN") == 0) {
        rc = open_component(scan, out, err);
    } else if (out->kind == ICAL_CONTENT_PROPERTY && strcmp(out->name, "END") == 0) {
        rc = close_component(scan, out, err);
    }
    return rc < 0 ? rc : 1;
}
