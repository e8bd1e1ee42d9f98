/* Head and body of a content file. */
#include "teataja/config/front_matter.h"

#include <stdbool.h>
#include <string.h>

#include "teataja/base/file.h"
#include "teataja/base/limits.h"
#include "teataja/base/schema.h"

/* True if a line is '---' and nothing but spaces. */
static bool is_rule(const char *line, size_t len)
{
    if (len < 3 || memcmp(line, "---", 3) != 0) {
        return false;
    }
    for (size_t i = 3; i < len; i++) {
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r') {
            return false;
        }
    }
    return true;
}

static size_t line_length(const char *text, size_t len)
{
    const char *feed = memchr(text, '\n', len);

    return feed ? (size_t)(feed - text) : len;
}

static int problem(struct report *report, struct err *err, int code, const char *file, int line,
                   const char *message)
{
    report_add(report, REPORT_ERROR, file, line, 1, "%s", message);
    return err_set(err, code, "%s:%d:1: %s", file, line, message);
}

/* The body with LF at the end of its lines. */
static char *copy_body(struct arena *arena, const char *text, size_t len, size_t *out_len)
{
    char *body = arena_alloc(arena, 1, len + 1);
    size_t used = 0;

    for (size_t i = 0; body && i < len; i++) {
        if (text[i] != '\r' || i + 1 == len || text[i + 1] != '\n') {
            body[used++] = text[i];
        }
    }
    *out_len = used;
    return body;
}

int front_matter_parse(struct arena *arena, const char *file, const char *text, size_t len,
                       struct report *report, struct front_matter *out, struct err *err)
{
    size_t at = 0, head, head_end, body = len;
    int line = 1, head_line, rc;
    bool opened, closed = false;

    *out = (struct front_matter){.body = ""};
    rc = yaml_check_text(file, 1, text, len, report, err);
    if (rc < 0) {
        return rc;
    }
    opened = is_rule(text, line_length(text, len));
    if (opened) {
        at = line_length(text, len) + 1;
        line++;
    }
    head = at < len ? at : len;
    head_end = len;
    head_line = line;
    while (at < len && !closed) {
        size_t row = line_length(text + at, len - at);

        closed = is_rule(text + at, row);
        head_end = closed ? at : head_end;
        at += row + 1;
        line++;
    }
    if (opened && !closed) {
        return problem(report, err, ERR_INVALID, file, 1,
                       "the head that begins here has no line '---' at its end");
    }
    if (head_end - head > LIMIT_FRONT_MATTER) {
        return problem(report, err, ERR_LIMIT, file, head_line,
                       "the head of the file is too long; a line '---' ends it");
    }
    if (closed) {
        body = at < len ? at : len;
    }
    rc = yaml_parse(arena, file, head_line, text + head, head_end - head, report, &out->head, err);
    if (rc < 0) {
        return rc;
    }
    if (out->head->kind != YAML_MAPPING) {
        return problem(report, err, ERR_INVALID, file, out->head->line,
                       "a content file begins with keys such as 'title: ...'; a line '---' ends "
                       "them and the text follows");
    }
    out->file = arena_strdup(arena, file);
    out->body = copy_body(arena, text + body, len - body, &out->body_len);
    out->body_line = line;
    return out->file && out->body ? 0 : err_nomem(err);
}

int front_matter_read(struct arena *arena, const char *folder, const char *path,
                      struct report *report, struct front_matter *out, struct err *err)
{
    char *text;
    size_t len;
    int rc;

    *out = (struct front_matter){.body = ""};
    rc = file_read_site(arena, folder, path, LIMIT_FILE, report, &text, &len, err);
    return rc < 0 ? rc : front_matter_parse(arena, path, text, len, report, out, err);
}

int content_name_parse(const char *path, const char *extension, struct content_name *out,
                       struct err *err)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t len = strlen(name), tail = strlen(extension), slug;
    const char *dot;

    *out = (struct content_name){.language = LANG_NONE};
    if (len <= tail || strcmp(name + len - tail, extension) != 0) {
        return err_set(err, ERR_INVALID, "'%.100s' is not <slug>%s", name, extension);
    }
    len -= tail;
    dot = memchr(name, '.', len);
    slug = dot ? (size_t)(dot - name) : len;
    if (dot && strcmp(extension, ".md") == 0) {
        out->language = language_find_bytes(dot + 1, len - slug - 1);
        if (out->language == LANG_NONE) {
            return err_set(err, ERR_INVALID,
                           "'%.100s' is not <slug>.<language>%s: '%.*s' is none of %s", name,
                           extension, (int)(len - slug - 1 < 20 ? len - slug - 1 : 20), dot + 1,
                           language_all());
        }
    } else if (dot) {
        slug = len;
    }
    if (!schema_is_slug(name, slug)) {
        return err_set(
            err, ERR_INVALID,
            "'%.100s' is not <slug>%s: a slug is of a-z, 0-9 and '-', at most %d of them", name,
            extension, LIMIT_SLUG);
    }
    memcpy(out->slug, name, slug);
    out->slug[slug] = '\0';
    return 0;
}
