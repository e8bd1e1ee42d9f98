/* template_render.c - the code of a template, run over data. */
#include <string.h>

#include "teataja/base/limits.h"
#include "teataja/base/suggest.h"
#include "template_code.h"

/* The white space before a partial, and before those around it. */
struct indent {
    const char *text;
    size_t len;
    const struct indent *outer;
};

struct renderer {
    struct str *out;
    struct err *err;
    const struct value *stack[LIMIT_TEMPLATE_DEPTH + 1]; /* contexts, innermost last */
    size_t depth;
    int nesting; /* sections and partials we are in */
};

void template_escape_html(struct str *out, const char *text, size_t len)
{
    size_t from = 0;

    for (size_t i = 0; i < len; i++) {
        const char *reference;

        switch (text[i]) {
        case '&':
            reference = "&amp;";
            break;
        case '<':
            reference = "&lt;";
            break;
        case '>':
            reference = "&gt;";
            break;
        case '"':
            reference = "&quot;";
            break;
        case '\'':
            reference = "&#39;";
            break;
        default:
            continue;
        }
        str_add_bytes(out, text + from, i - from);
        str_add(out, reference);
        from = i + 1;
    }
    str_add_bytes(out, text + from, len - from);
}

static void add_indent(struct str *out, const struct indent *indent)
{
    if (indent != NULL) {
        add_indent(out, indent->outer);
        str_add_bytes(out, indent->text, indent->len);
    }
}

static void offer_keys(struct suggest *suggest, const struct value *map)
{
    if (value_kind(map) != VALUE_MAP) {
        return;
    }
    for (size_t i = 0; i < value_count(map); i++) {
        suggest_offer(suggest, value_key_at(map, i));
    }
}

/* `part` of the name is not known, in `map` or, if that is NULL, anywhere. */
static int unknown(const struct renderer *renderer, const struct template *template,
                   const struct code *code, const char *part, size_t part_len,
                   const struct value *map)
{
    struct suggest suggest;
    char name[LIMIT_NAME + 1];

    memcpy(name, part, part_len);
    name[part_len] = '\0';
    suggest_start(&suggest, name);
    if (map != NULL) {
        offer_keys(&suggest, map);
    } else {
        for (size_t i = 0; i < renderer->depth; i++) {
            offer_keys(&suggest, renderer->stack[i]);
        }
    }
    return err_set(renderer->err, ERR_INVALID, "%s:%d: no value '%.*s'%s", template->file,
                   code->line, (int)code->len, code->text, suggest_hint(&suggest));
}

/* What a tag's name means here: the first part is looked for from the innermost
 * context outwards, the others only in what was found. */
static int look_up(const struct renderer *renderer, const struct template *template,
                   const struct code *code, const struct value **out)
{
    const char *part = code->text;
    size_t left = code->len;
    const struct value *value = NULL;
    const struct value *map = NULL;

    *out = NULL;
    if (left == 1 && *part == '.') {
        *out = renderer->stack[renderer->depth - 1];
        return 0;
    }
    for (;;) {
        const char *dot = memchr(part, '.', left);
        size_t len = dot != NULL ? (size_t)(dot - part) : left;

        if (map != NULL) {
            value = value_find(map, part, len);
        } else {
            for (size_t i = renderer->depth; i > 0 && value == NULL; i--) {
                value = value_find(renderer->stack[i - 1], part, len);
            }
        }
        if (value == NULL) {
            return template->strict ? unknown(renderer, template, code, part, len, map) : 0;
        }
        if (dot == NULL) {
            *out = value;
            return 0;
        }
        part = dot + 1;
        left -= len + 1;
        map = value;
    }
}

static int put_variable(struct renderer *renderer, const struct template *template,
                        const struct code *code)
{
    const struct value *value;
    const char *text;
    size_t len;
    int rc = look_up(renderer, template, code, &value);

    if (rc < 0) {
        return rc;
    }
    if (template->strict && (value_kind(value) == VALUE_LIST || value_kind(value) == VALUE_MAP)) {
        return err_set(renderer->err, ERR_INVALID, "%s:%d: '%.*s' is a %s, not a text",
                       template->file, code->line, (int)code->len, code->text,
                       value_kind(value) == VALUE_LIST ? "list" : "map");
    }
    text = value_as_text(value, &len);
    if (code->op == CODE_VARIABLE && template->html) {
        template_escape_html(renderer->out, text, len);
        return 0;
    }
    if (code->op == CODE_RAW && template->html && template->strict &&
        value_kind(value) == VALUE_TEXT) {
        return err_set(renderer->err, ERR_INVALID,
                       "%s:%d: '%.*s' is not markup: it needs two braces, not three",
                       template->file, code->line, (int)code->len, code->text);
    }
    str_add_bytes(renderer->out, text, len);
    return 0;
}

static int run(struct renderer *renderer, const struct template *template, size_t from, size_t to,
               const struct indent *indent);

static int enter(struct renderer *renderer, const struct template *template,
                 const struct code *code)
{
    if (renderer->nesting == LIMIT_TEMPLATE_DEPTH) {
        return err_set(renderer->err, ERR_LIMIT, "%s:%d: sections and partials nest deeper than %d",
                       template->file, code->line, LIMIT_TEMPLATE_DEPTH);
    }
    renderer->nesting++;
    return 0;
}

/* The body of a section, with `context` pushed unless it is NULL. */
static int run_body(struct renderer *renderer, const struct template *template,
                    const struct code *code, const struct value *context,
                    const struct indent *indent)
{
    size_t index = (size_t)(code - template->code);
    int rc;

    if (context != NULL) {
        renderer->stack[renderer->depth++] = context;
    }
    rc = run(renderer, template, index + 1, code->end, indent);
    if (context != NULL) {
        renderer->depth--;
    }
    return rc;
}

static int run_section(struct renderer *renderer, const struct template *template,
                       const struct code *code, const struct indent *indent)
{
    const struct value *value;
    int rc = look_up(renderer, template, code, &value);

    if (rc < 0 || value_is_true(value) != (code->op == CODE_SECTION)) {
        return rc;
    }
    rc = enter(renderer, template, code);
    if (rc < 0) {
        return rc;
    }
    if (code->op == CODE_INVERTED) {
        rc = run_body(renderer, template, code, NULL, indent);
    } else if (value_kind(value) != VALUE_LIST) {
        rc = run_body(renderer, template, code, value, indent);
    } else {
        for (size_t i = 0; rc == 0 && i < value_count(value); i++) {
            rc = run_body(renderer, template, code, value_at(value, i), indent);
        }
    }
    renderer->nesting--;
    return rc;
}

static int run_partial(struct renderer *renderer, const struct template *template,
                       const struct code *code, const struct indent *indent)
{
    struct indent inner = {code->indent, code->indent_len, indent};
    int rc;

    if (code->partial == NULL) {
        return 0;
    }
    rc = enter(renderer, template, code);
    if (rc < 0) {
        return rc;
    }
    rc =
        run(renderer, code->partial, 0, code->partial->count, code->indent != NULL ? &inner : NULL);
    renderer->nesting--;
    return rc;
}

static int run(struct renderer *renderer, const struct template *template, size_t from, size_t to,
               const struct indent *indent)
{
    int rc = 0;

    for (size_t i = from; rc == 0 && i < to; i++) {
        const struct code *code = &template->code[i];

        switch (code->op) {
        case CODE_TEXT:
            str_add_bytes(renderer->out, code->text, code->len);
            break;
        case CODE_INDENT:
            add_indent(renderer->out, indent);
            break;
        case CODE_VARIABLE:
        case CODE_RAW:
            rc = put_variable(renderer, template, code);
            break;
        case CODE_SECTION:
        case CODE_INVERTED:
            rc = run_section(renderer, template, code, indent);
            i = code->end;
            break;
        case CODE_PARTIAL:
            rc = run_partial(renderer, template, code, indent);
            break;
        case CODE_END:
            break;
        }
        if (rc == 0 && renderer->out->failed != 0) {
            rc = str_check(renderer->out, renderer->err);
            err_prefix(renderer->err, "%s", template->file);
        }
    }
    return rc;
}

int template_render(const struct template *template, const struct value *data, struct str *out,
                    struct err *err)
{
    struct renderer renderer = {.out = out, .err = err};
    int rc = value_check(data, err);

    if (rc < 0) {
        return rc;
    }
    renderer.stack[renderer.depth++] = data;
    return run(&renderer, template, 0, template->count, NULL);
}
