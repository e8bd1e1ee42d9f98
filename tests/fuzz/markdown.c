/* Markdown: the HTML is a tree of the elements that we write and of nothing else,
 * links lead where links may lead, and the text has no control in it. */
#include "fuzz.h"

#include <strings.h>

#include "teataja/base/limits.h"
#include "teataja/render/markdown.h"
#include "teataja/render/text.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct markdown_token tokens[] = {{"member.name", false}, {"web.leave", true}};
static const char *const blocks[] = {"calls", "events"};
static const struct markdown_options options = {.file = "issues/x.md",
                                                .tokens = tokens,
                                                .token_count = COUNT(tokens),
                                                .blocks = blocks,
                                                .block_count = COUNT(blocks)};

static bool is_one_of(const char *word, size_t len, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(words[i]) == len && memcmp(words[i], word, len) == 0) {
            return true;
        }
    }
    return false;
}

/* '&' begins one of the references that template_escape_html writes. */
static void check_reference(const char *at)
{
    static const char *const references[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;", "&#x27;"};
    bool known = false;

    for (size_t i = 0; i < COUNT(references); i++) {
        known = known || strncmp(at, references[i], strlen(references[i])) == 0;
    }
    FUZZ_CHECK(known);
}

static void check_link(const char *value)
{
    static const char *const schemes[] = {"http:", "https:", "mailto:", "tel:", "\xEE\x80\x81"};
    bool known = false;

    for (size_t i = 0; i < COUNT(schemes); i++) {
        known = known || strncasecmp(value, schemes[i], strlen(schemes[i])) == 0;
    }
    FUZZ_CHECK(known);
}

/* ` name="value"` ...; returns what stands behind them. */
static const char *check_attributes(const char *at)
{
    static const char *const names[] = {"style", "class", "href", "src", "alt", "start"};

    while (*at == ' ') {
        size_t name = strcspn(++at, "=<> \"'");
        size_t value;
        bool link;

        FUZZ_CHECK(is_one_of(at, name, names, COUNT(names)));
        FUZZ_CHECK(at[name] == '=' && at[name + 1] == '"');
        link = strncmp(at, "href", name) == 0 || strncmp(at, "src", name) == 0;
        if (link) {
            check_link(at + name + 2);
        }
        at += name + 2;
        value = strcspn(at, "\"<>");
        FUZZ_CHECK(at[value] == '"');
        for (const char *c = at; c < at + value; c++) {
            FUZZ_CHECK(*c != '\'' && ((unsigned char)*c > ' ' || !link));
            if (*c == '&') {
                check_reference(c);
            }
        }
        at += value + 1;
    }
    return at;
}

struct open_elements {
    const char *names[256];
    size_t lengths[256];
    size_t depth;
};

/* Returns what stands behind the tag at `at`. */
static const char *check_tag(const char *at, struct open_elements *open)
{
    static const char *const empty[] = {"br", "hr", "img"};
    static const char *const whole[] = {"h2",   "h3",  "h4", "h5", "h6",
                                        "p",    "ul",  "ol", "li", "blockquote",
                                        "code", "pre", "a",  "em", "strong"};
    bool closes = *++at == '/';
    size_t len;

    at += closes ? 1 : 0;
    len = strspn(at, "abcdefghijklmnopqrstuvwxyz123456");
    if (closes) {
        FUZZ_CHECK(open->depth > 0);
        open->depth--;
        FUZZ_CHECK(open->lengths[open->depth] == len &&
                   memcmp(open->names[open->depth], at, len) == 0);
        at += len;
    } else if (is_one_of(at, len, empty, COUNT(empty))) {
        at = check_attributes(at + len);
    } else {
        FUZZ_CHECK(is_one_of(at, len, whole, COUNT(whole)));
        FUZZ_CHECK(open->depth < COUNT(open->names));
        open->names[open->depth] = at;
        open->lengths[open->depth++] = len;
        at = check_attributes(at + len);
    }
    FUZZ_CHECK(*at == '>');
    return at + 1;
}

static void check_html(const char *html, size_t len)
{
    struct open_elements open = {.depth = 0};
    const char *at = html;

    FUZZ_CHECK(strlen(html) == len && utf8_is_valid(html, len, NULL));
    while (*at != '\0') {
        FUZZ_CHECK(*at != '>' && *at != '"' && *at != '\'');
        if (*at == '<') {
            at = check_tag(at, &open);
            continue;
        }
        if (*at == '&') {
            check_reference(at);
        }
        at++;
    }
    FUZZ_CHECK(open.depth == 0);
}

/* Private-use characters are slots of the tokens, and in text the marks. */
static void check_characters(const char *text, size_t len, bool marks)
{
    FUZZ_CHECK(utf8_is_valid(text, len, NULL));
    for (size_t at = 0; at < len;) {
        int32_t code = utf8_next(text, len, &at);

        FUZZ_CHECK(code >= ' ' || code == '\n' || code == '\t');
        if (text_is_private(code)) {
            FUZZ_CHECK((code >= MARKDOWN_SLOT && code < MARKDOWN_SLOT + (int32_t)COUNT(tokens)) ||
                       (marks && code >= TEXT_OPEN_CODE && code <= TEXT_CLOSE_CODE));
        }
    }
}

static void check_document(struct markdown *document)
{
    struct theme theme;
    struct str html;
    struct str text;

    FUZZ_CHECK(theme_init(&theme, NULL, NULL) == 0);
    str_init(&html, (size_t)LIMIT_TEXT * 8);
    str_init(&text, (size_t)LIMIT_TEXT * 8);
    for (size_t i = 0; i < markdown_count(document); i++) {
        FUZZ_CHECK(markdown_segment(document, i) != NULL);
        str_reset(&html);
        str_reset(&text);
        FUZZ_CHECK(markdown_html(document, i, &theme, 1, &html, NULL) == 0);
        FUZZ_CHECK(markdown_text(document, i, NULL, &text, NULL) == 0);
        check_html(html.data, html.len);
        check_characters(html.data, html.len, false);
        check_characters(text.data, text.len, true);
        FUZZ_CHECK(text.len == 0 || text.data[text.len - 1] == '\n');
        if (markdown_segment(document, i)->block != NULL) {
            FUZZ_CHECK(html.len == 0 && text.len == 0);
        }
    }
    str_release(&html);
    str_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct report *report = report_new();
    struct markdown *document = NULL;
    struct err err = {0};
    int rc = markdown_parse(arena, (const char *)data, size, &options, report, &document, &err);

    if (rc == 0) {
        FUZZ_CHECK(report_errors(report) == 0);
        check_document(document);
    } else {
        FUZZ_CHECK(rc == ERR_INVALID && report_errors(report) > 0);
        fuzz_check_error(rc, &err);
    }
    fuzz_check_report(report, (const char *)data, size);
    report_free(report);
    arena_free(arena);
    return 0;
}
