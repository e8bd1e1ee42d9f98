/* Mustache: up to three templates, divided by lines "==". In a strict set no text
 * of the data reaches HTML unescaped, whatever the templates say. */
#include "fuzz.h"

#include "teataja/base/limits.h"
#include "teataja/render/template.h"

/* \x02 and \x03 stand in no template: "\x02<" can only be the text as it is. */
#define HOSTILE "\x02<'\"&>\x03"
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char *const names[] = {"mail/a.html", "mail/b.html", "mail/c.html"};
static const char *const text_names[] = {"mail/a.txt", "mail/b.txt", "mail/c.txt"};

static struct value *make_data(struct arena *arena)
{
    struct value *data = value_new(arena);
    struct value *map = value_set_map(data, "map");
    struct value *list = value_set_list(data, "list");

    value_set_text(data, "text", HOSTILE);
    value_set_markup(data, "markup", "<b>bold</b>");
    value_set_text(data, "empty", "");
    value_set_null(data, "nothing");
    value_set_bool(data, "yes", true);
    value_set_bool(data, "no", false);
    value_set_number(data, "number", -7);
    value_set_text(map, "text", HOSTILE);
    value_set_map(map, "map");
    for (int i = 0; i < 3; i++) {
        struct value *item = value_add_map(list);

        value_set_number(item, "number", i);
        value_set_text(item, "text", i == 1 ? NULL : HOSTILE);
    }
    value_add_text(value_set_list(data, "texts"), HOSTILE);
    value_set_list(data, "none");
    FUZZ_CHECK(value_check(data, NULL) == 0);
    return data;
}

/* Renders twice: a finished template does not change. */
static void render(const struct template *template, const struct value *data, struct str *out)
{
    struct err err = {0};
    struct str again;
    int rc = template_render(template, data, out, &err);

    if (rc < 0) {
        FUZZ_CHECK(rc == ERR_INVALID || rc == ERR_LIMIT);
        fuzz_check_error(rc, &err);
    }
    str_init(&again, out->ceiling);
    FUZZ_CHECK(template_render(template, data, &again, NULL) == rc);
    FUZZ_CHECK(again.len == out->len && memcmp(again.data, out->data, out->len) == 0);
    str_release(&again);
}

static void run(char *const *texts, size_t count, enum template_mode mode, bool html)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct template_set *set = template_set_new(NULL, 0, mode);
    const struct template *template = NULL;
    const struct value *data = make_data(arena);
    const char *const *used = html ? names : text_names;
    struct err err = {0};
    struct str out;
    int rc;

    str_init(&out, 65536);
    for (size_t i = 0; i < count; i++) {
        FUZZ_CHECK(template_set_add(set, used[i], texts[i], &err) == 0);
    }
    rc = template_find(set, used[0], &template, &err);
    if (rc == 0) {
        render(template, data, &out);
        if (html && mode == TEMPLATE_STRICT) {
            FUZZ_CHECK(strstr(out.data, "\x02<") == NULL && strstr(out.data, ">\x03") == NULL);
        }
        if (strstr(texts[0], "{{") == NULL) {
            FUZZ_CHECK(strcmp(out.data, texts[0]) == 0 || out.failed != 0);
        }
    } else {
        FUZZ_CHECK(rc == ERR_INVALID || rc == ERR_LIMIT || rc == ERR_NOT_FOUND);
        fuzz_check_error(rc, &err);
    }
    str_release(&out);
    template_set_free(set);
    arena_free(arena);
}

/* Cuts the text at lines "=="; returns how many parts there are. */
static size_t cut(char *text, char *parts[COUNT(names)])
{
    size_t count = 1;
    char *at = text;

    parts[0] = text;
    while (count < COUNT(names) && (at = strstr(at, "\n==\n")) != NULL) {
        *at = '\0';
        at += 4;
        parts[count++] = at;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    char *parts[COUNT(names)];
    size_t count;

    if (strpbrk(text, "\x02\x03") == NULL) {
        count = cut(text, parts);
        run(parts, count, TEMPLATE_STRICT, true);
        run(parts, count, TEMPLATE_LENIENT, true);
        run(parts, count, TEMPLATE_LENIENT, false);
    }
    free(text);
    return 0;
}
