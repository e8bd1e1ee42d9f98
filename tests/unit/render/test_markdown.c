#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "teataja/base/limits.h"
#include "teataja/render/markdown.h"
#include "teataja/render/text.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

#define NAME "\uE000"  /* slot of member.name */
#define LEAVE "\uE001" /* slot of web.leave */

/* A paragraph with a slot, as it waits to be wrapped. */
#define MARKED(first, next, words) TEXT_OPEN first TEXT_NEXT next TEXT_BODY words TEXT_CLOSE "\n"

static const struct markdown_token tokens[] = {{"member.name", false}, {"web.leave", true}};
static const char *const blocks[] = {"calls", "events", "still_open"};

static const struct markdown_options options = {.file = "issues/x.md",
                                                .first_line = 5,
                                                .tokens = tokens,
                                                .token_count = COUNT(tokens),
                                                .blocks = blocks,
                                                .block_count = COUNT(blocks)};

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new(LIMIT_ARENA_WORK);
    return arena == NULL;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct markdown *parse(const char *text)
{
    struct markdown *document = NULL;
    struct err err = {0};

    if (markdown_parse(arena, text, strlen(text), &options, NULL, &document, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return document;
}

static void assert_text(const char *markdown, const char *expected)
{
    struct markdown *document = parse(markdown);
    struct str out;

    str_init(&out, LIMIT_TEXT);
    for (size_t i = 0; i < markdown_count(document); i++) {
        assert_int_equal(markdown_text(document, i, NULL, &out, NULL), 0);
    }
    assert_string_equal(out.data, expected);
    str_release(&out);
}

/* Removes ` style="..." class="..."`, so that a test shows structure. */
static void strip_styles(struct str *html)
{
    char *at;

    while ((at = strstr(html->data, " style=\"")) != NULL) {
        char *end = strstr(at, "class=\"");
        assert_non_null(end);
        end = strchr(end + 7, '"') + 1;
        str_splice(html, (size_t)(at - html->data), (size_t)(end - at), "", 0);
    }
}

static void assert_html(const char *markdown, const char *expected)
{
    struct markdown *document = parse(markdown);
    struct theme theme;
    struct str out;

    assert_int_equal(theme_init(&theme, NULL, NULL), 0);
    str_init(&out, LIMIT_TEXT);
    for (size_t i = 0; i < markdown_count(document); i++) {
        assert_int_equal(markdown_html(document, i, &theme, 1, &out, NULL), 0);
    }
    strip_styles(&out);
    assert_string_equal(out.data, expected);
    str_release(&out);
}

static void test_html_has_the_structure_of_the_markdown(void **state)
{
    static const struct {
        const char *markdown, *html;
    } cases[] = {
        {"", ""},
        {"Hello", "<p>Hello</p>\n"},
        {"# One\n\n## Two\n\n###### Six", "<h2>One</h2>\n<h3>Two</h3>\n<h4>Six</h4>\n"},
        {"## a\n\n#### b\n\n## c\n\n# d\n\n> # e",
         "<h2>a</h2>\n<h3>b</h3>\n<h2>c</h2>\n<h2>d</h2>\n"
         "<blockquote><h2>e</h2>\n</blockquote>\n"},
        {"# 1\n\n## 2\n\n### 3\n\n#### 4\n\n##### 5\n\n###### 6",
         "<h2>1</h2>\n<h3>2</h3>\n<h4>3</h4>\n<h5>4</h5>\n<h6>5</h6>\n<h6>6</h6>\n"},
        {"a *b* **c** `d<e>`", "<p>a <em>b</em> <strong>c</strong> <code>d&lt;e&gt;</code></p>\n"},
        {"a  \nb\nc", "<p>a<br>\nb\nc</p>\n"},
        {"- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"},
        {"- a\n\n- b", "<ul>\n<li><p>a</p></li>\n<li><p>b</p></li>\n</ul>\n"},
        {"3. a\n4. b", "<ol start=\"3\">\n<li>a</li>\n<li>b</li>\n</ol>\n"},
        {"1. a\n   - b", "<ol>\n<li>a<ul>\n<li>b</li>\n</ul>\n</li>\n</ol>\n"},
        {"> a\n>\n> b", "<blockquote><p>a</p>\n<p>b</p>\n</blockquote>\n"},
        {"```\nx <y>\n```", "<pre>x &lt;y&gt;\n</pre>\n"},
        {"a\n\n---\n\nb", "<p>a</p>\n<hr>\n<p>b</p>\n"},
        {"[a](https://a.example/?b=1&c=\"2\")",
         "<p><a href=\"https://a.example/?b=1&amp;c=%222%22\">a</a></p>\n"},
        {"[a](https://a.example/b&Tab;c&NewLine;d)",
         "<p><a href=\"https://a.example/b%09c%0Ad\">a</a></p>\n"},
        {"<https://a.example/>", "<p><a href=\"https://a.example/\">https://a.example/</a></p>\n"},
        {"<info@a.example>", "<p><a href=\"mailto:info@a.example\">info@a.example</a></p>\n"},
        {"[call](tel:+372-555-0100)", "<p><a href=\"tel:+372-555-0100\">call</a></p>\n"},
        {"[tee](https://a.example/õ)", "<p><a href=\"https://a.example/õ\">tee</a></p>\n"},
        {"![A *big* \"map\"](https://a.example/m.png)",
         "<p><img src=\"https://a.example/m.png\" alt=\"A big &quot;map&quot;\"></p>\n"},
        {"AT&T &amp; \"quotes\" -- 'so'",
         "<p>AT&amp;T &amp; &quot;quotes&quot; -- &#39;so&#39;</p>\n"},
        {"[x][1]\n\n{{> calls}}\n\n[1]: https://a.example/",
         "<p><a href=\"https://a.example/\">x</a></p>\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_html(cases[i].markdown, cases[i].html);
    }
}

static void test_every_html_element_has_its_style(void **state)
{
    struct markdown *document =
        parse("# a\n\nb *c* `d` [e](https://e.example)\n\n- f\n\n1. g\n\n> h\n\n---\n\n    i\n");
    static const struct {
        const char *tag;
        enum theme_element element;
    } cases[] = {
        {"h2", THEME_H2},          {"p", THEME_PARAGRAPH},      {"code", THEME_CODE},
        {"a", THEME_LINK},         {"ul", THEME_LIST_BULLET},   {"ol", THEME_LIST_ORDERED},
        {"li", THEME_ITEM},        {"blockquote", THEME_QUOTE}, {"hr", THEME_RULE},
        {"pre", THEME_CODE_BLOCK},
    };
    struct theme theme;
    struct str out;

    (void)state;
    assert_int_equal(theme_init(&theme, "#8a1c4a", NULL), 0);
    str_init(&out, LIMIT_TEXT);
    assert_int_equal(markdown_html(document, 0, &theme, 1, &out, NULL), 0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *tag =
            arena_printf(arena, "<%s style=\"%s\" class=\"%s\"", cases[i].tag,
                         theme_style(&theme, cases[i].element), theme_class(cases[i].element));
        assert_non_null(strstr(out.data, tag));
    }
    str_release(&out);
}

static void test_text_reads_well_without_markup(void **state)
{
    static const struct {
        const char *markdown, *text;
    } cases[] = {
        {"", ""},
        {"Hello\nthere", "Hello there\n"},
        {"a  \nb", "a\nb\n"},
        {"# Õun\n\ntext\n\n## Two\n\n### Three", "Õun\n===\n\ntext\n\nTwo\n---\n\nThree\n"},
        {"a *b* **c** `d`", "a _b_ *c* d\n"},
        {"- a\n- b\n  - c\n\nd", "- a\n- b\n  - c\n\nd\n"},
        {"- a\n\n  more\n\n- b", "- a\n\n  more\n\n- b\n"},
        {"9. a\n10. b", " 9. a\n10. b\n"},
        {"- - a", "- - a\n"},
        {"- > a\n  > b", "- > a b\n"},
        {"-\n- b", "-\n- b\n"},
        {"> a\n>\n> - b\n> - c", "> a\n>\n> - b\n> - c\n"},
        {"```\nx = 1\n\ny\n```", "    x = 1\n\n    y\n"},
        {"a\n\n***\n\nb", "a\n\n------------------------\n\nb\n"},
        {"[a](https://a.example/) and [b](https://b.example/), [c](https://a.example/).",
         "a [1] and b [2], c [1].\n\n[1] https://a.example/\n[2] https://b.example/\n"},
        {"<https://a.example/>", "https://a.example/\n"},
        {"[info@a.example](mailto:info@a.example)", "info@a.example\n"},
        {"[write](mailto:info@a.example)", "write [1]\n\n[1] info@a.example\n"},
        {"![Map](https://a.example/m.png)", "[Map]\n"},
        {"10\u00A0000\u00A0€", "10\u00A0000\u00A0€\n"},
        {"[a](https://a.example/)\n\n{{> calls}}\n\n[b](https://b.example/)",
         "a [1]\n\n[1] https://a.example/\nb [1]\n\n[1] https://b.example/\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_text(cases[i].markdown, cases[i].text);
    }
}

static void test_text_is_wrapped_with_its_prefixes(void **state)
{
    (void)state;
    assert_text(
        "> - Kultuurkapitali taotlusvoor avatakse veebruaris ja taotlusi oodatakse kuni "
        "kahekümnenda kuupäevani https://kulka.example/taotlemine/ida-virumaa/tingimused/2027",
        "> - Kultuurkapitali taotlusvoor avatakse veebruaris ja taotlusi\n"
        ">   oodatakse kuni kahekümnenda kuupäevani\n"
        ">   https://kulka.example/taotlemine/ida-virumaa/tingimused/2027\n");
}

static void test_text_options_indent_and_count_on(void **state)
{
    struct markdown *document = parse("[a](https://a.example/)\n\nb c");
    int footnote = 7;
    const struct markdown_text_options how = {"  ", 5, &footnote};
    struct str out;

    (void)state;
    str_init(&out, LIMIT_TEXT);
    assert_int_equal(markdown_text(document, 0, &how, &out, NULL), 0);
    assert_string_equal(out.data, "  a\n  [8]\n\n  b c\n\n  [8] https://a.example/\n");
    assert_int_equal(footnote, 8);
    str_release(&out);
}

static void test_tokens_become_slots_in_both_outputs(void **state)
{
    static const struct {
        const char *markdown, *html, *text;
    } cases[] = {
        {"Dear {{member.name}},", "<p>Dear " NAME ",</p>\n", MARKED("", "", "Dear " NAME ",")},
        {"*{{ member.name }}*", "<p><em>" NAME "</em></p>\n", MARKED("", "", "_" NAME "_")},
        {"- a_{{member.name}}_b", "<ul>\n<li>a_" NAME "_b</li>\n</ul>\n",
         MARKED("- ", "  ", "a_" NAME "_b")},
        {"> {{member.name}}", "<blockquote><p>" NAME "</p>\n</blockquote>\n",
         MARKED("> ", "> ", NAME)},
        {"# Dear {{member.name}}", "<h2>Dear " NAME "</h2>\n", MARKED("", "", "Dear " NAME)},
        {"[leave]({{web.leave}})", "<p><a href=\"" LEAVE "\">leave</a></p>\n",
         "leave [1]\n\n[1] " LEAVE "\n"},
        {"[x][l]\n\n[l]: {{web.leave}}", "<p><a href=\"" LEAVE "\">x</a></p>\n",
         "x [1]\n\n[1] " LEAVE "\n"},
        {"[{{web.leave}}]({{web.leave}})", "<p><a href=\"" LEAVE "\">" LEAVE "</a></p>\n",
         MARKED("", "", LEAVE)},
        {"\\{{member.name}}", "<p>{{member.name}}</p>\n", "{{member.name}}\n"},
        {"`{{member.name}}`", "<p><code>" NAME "</code></p>\n", MARKED("", "", NAME)},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_html(cases[i].markdown, cases[i].html);
        assert_text(cases[i].markdown, cases[i].text);
    }
}

static void test_used_tokens_are_known(void **state)
{
    struct markdown *document = parse("[x]({{web.leave}})");

    (void)state;
    assert_true(markdown_uses(document, 1));
    assert_false(markdown_uses(document, 0));
    assert_false(markdown_uses(document, 100000));
}

/* Segments as "text:LINE name:LINE ...". */
static void assert_segments(const char *markdown, const char *expected)
{
    struct markdown *document = parse(markdown);
    char *list = arena_strdup(arena, "");

    for (size_t i = 0; i < markdown_count(document); i++) {
        const struct markdown_segment *segment = markdown_segment(document, i);
        list = arena_printf(arena, "%s%s%s:%d", list, i > 0 ? " " : "",
                            segment->block != NULL ? segment->block : "text", segment->line);
    }
    assert_string_equal(list, expected);
    assert_null(markdown_segment(document, markdown_count(document)));
}

static void test_a_line_with_only_a_block_is_a_block(void **state)
{
    (void)state;
    assert_segments("", "");
    assert_segments("{{> calls}}", "calls:5");
    assert_segments("a\n{{> calls}}\nb", "text:5 calls:6 text:7");
    assert_segments("a\n\n  {{>calls}}  \n{{> events }}\n\nb\n\nc",
                    "text:5 calls:7 events:8 text:10");
    assert_segments("- a\n{{> still_open}}\n- b", "text:5 still_open:6 text:7");
    assert_segments("> a\n{{> calls}}\r\nb\r\n", "text:5 calls:6 text:7");
    assert_segments("a {{member.name}}\n{{> calls}}\n\n# {{member.name}}\n",
                    "text:5 calls:6 text:8");
}

static void test_errors_name_place_and_remedy(void **state)
{
    static const struct {
        const char *markdown, *error;
    } cases[] = {
        {"a <b>c</b>", "issues/x.md:5:3: HTML is not allowed here: '<b>'"},
        {"a\n\n<div>\n</div>", "issues/x.md:7:1: HTML is not allowed here: '<div>'"},
        {"a\n\n<!-- c -->", "issues/x.md:7:1: HTML is not allowed here: '<!-- c -->'"},
        {"[a](javascript:alert)",
         "issues/x.md:5:5: link 'javascript:alert' is not http, https, mailto or tel"},
        {"õõ [a](feed:javascript:alert)",
         "issues/x.md:5:8: link 'feed:javascript:alert' is not http, https, mailto or tel"},
        {"[a](DATA:text/html,x)",
         "issues/x.md:5:5: link 'DATA:text/html,x' is not http, https, mailto or tel"},
        {"a\n[a](page.html)",
         "issues/x.md:6:5: link 'page.html' is relative; write the whole address, https://..."},
        {"[a](//a.example/)", "issues/x.md:5:5: link '//a.example/' is relative; write the whole "
                              "address, https://..."},
        {"[a]()", "issues/x.md:5:1: the link has no address"},
        {"[a](https:///x)", "issues/x.md:5:5: link 'https:///x' is not a whole address"},
        {"[a](mailto:nobody)", "issues/x.md:5:5: link 'mailto:nobody' is not a whole address"},
        {"[a](tel:x)", "issues/x.md:5:5: link 'tel:x' is not a whole address"},
        {"![](https://a.example/m.png)",
         "issues/x.md:5:5: image 'https://a.example/m.png' has no alternative text; say what it "
         "shows: ![...](...)"},
        {"![a](m.png)", "issues/x.md:5:6: image 'm.png' is not a whole http or https address"},
        {"a {{member.nme}}", "issues/x.md:5:3: no token 'member.nme'; did you mean 'member.name'?"},
        {"a\n{{> call}}", "issues/x.md:6:1: no block 'call'; did you mean 'calls'?"},
        {"a {{> calls}}", "issues/x.md:5:3: block 'calls' must stand on a line of its own"},
        {"a {{member.name", "issues/x.md:5:3: '{{' is not closed by '}}' on this line; write \\{{ "
                            "for the braces themselves"},
        {"a {{}}", "issues/x.md:5:3: between '{{' and '}}' stands no name; write \\{{ for the "
                   "braces themselves"},
        {"{{#member.name}}", "issues/x.md:5:1: '{{#' belongs to templates; content has tokens such "
                             "as {{member.name}} and blocks such as {{> calls}}"},
        {"[a]({{member.name}})",
         "issues/x.md:5:7: token 'member.name' is no address, so it cannot be that of a link"},
        {"[a](https://a.example/{{web.leave}})",
         "issues/x.md:5:23: a token must be the whole address of a link"},
        {"```\n{{> calls}}\n```", "issues/x.md:5:1: a block cannot stand inside code"},
        {"a \uE000", "issues/x.md:5:3: character U+E000 is for private use: each reader would see "
                     "another"},
        {"a &#xE000;", "issues/x.md:5:3: this character reference is for private use"},
        {"a &#57344;", "issues/x.md:5:3: this character reference is for private use"},
        {"a \x1b[2J", "issues/x.md:5:3: a control character (U+001B) is not allowed"},
        {"a\xC2\x85", "issues/x.md:5:2: a control character (U+0085) is not allowed"},
        {"a &#x1b;", "issues/x.md:5:3: this character reference stands for a control character"},
        {"a\xFF", "issues/x.md:5:2: this is not UTF-8"},
        {"{{member.name}} <i>", "issues/x.md:5:17: HTML is not allowed here: '<i>'"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct markdown *document = NULL;
        struct err err = {0};
        int rc = markdown_parse(arena, cases[i].markdown, strlen(cases[i].markdown), &options, NULL,
                                &document, &err);
        assert_int_equal(rc, ERR_INVALID);
        assert_string_equal(err.msg, cases[i].error);
        assert_null(document);
    }
}

static void test_all_errors_are_reported_at_once(void **state)
{
    static const char text[] =
        "<b>\n\n{{nobody}}\n\n[a](x)\n{{> nothing}}\n\n![](https://a.example/)\n";
    struct report *report = report_new();
    struct markdown *document = NULL;
    struct err err = {0};

    (void)state;
    assert_int_equal(markdown_parse(arena, text, strlen(text), &options, report, &document, &err),
                     ERR_INVALID);
    assert_int_equal(report_errors(report), 5);
    assert_int_equal(report_get(report, 0)->line, 5);
    assert_int_equal(report_get(report, 1)->line, 7);
    assert_int_equal(report_get(report, 2)->line, 9);
    assert_int_equal(report_get(report, 3)->line, 10);
    assert_int_equal(report_get(report, 4)->line, 12);
    report_free(report);
}

static void test_output_over_its_ceiling_is_an_error(void **state)
{
    struct markdown *document = parse("one two three four five six seven eight nine ten");
    struct theme theme;
    struct str out;

    (void)state;
    assert_int_equal(theme_init(&theme, NULL, NULL), 0);
    str_init(&out, 20);
    assert_int_equal(markdown_html(document, 0, &theme, 1, &out, NULL), ERR_LIMIT);
    str_reset(&out);
    assert_int_equal(markdown_text(document, 0, NULL, &out, NULL), ERR_LIMIT);
    str_release(&out);
}

static void add(struct str *text, const char *piece, size_t times)
{
    for (size_t i = 0; i < times; i++) {
        str_add(text, piece);
    }
}

/* Inputs of up to LIMIT_TEXT that are known to be slow, or to end the program,
 * in one parser of CommonMark or another. Refused or read, but quickly. */
static const struct {
    const char *head, *piece;
    size_t times;
    const char *middle, *piece2;
    size_t times2;
} killers[] = {
/* Five thousand of them and a line end: long lines that are wrong everywhere. */
#define FIVE(text) text text text text text
#define TEN(text) FIVE(text) FIVE(text)
#define MANY(text) FIVE(TEN(TEN(TEN(text)))) "\n"
    {"", "- ", 30000, "x", "\n", 30000},
    {"", ">", 60000, "\n", "a*", 100000},
    {"", ">", 40, "a*", "a*", 30000},
    {"", "> ", 40, "a\n", "a **a\n", 150000},
    {"", "*a **a ", 9000, "", "", 0},
    {"", "*a_ ", 15000, "", "\n*a_", 150000},
    {"", "[", 60000, "", "a](", 0},
    {"", "[a](", 15000, "", "", 0},
    {"", "![[]()", 10000, "", "\n![[]()", 140000},
    {"", "[a](<b", 10000, "", "\n[a](<b", 140000},
    {"", "a](", 20000, "\n", "![a](\n", 160000},
    {"", "<>", 30000, "\n", "<?\n", 300000},
    {"", "<!A ", 15000, "\n", "a <!A\n", 150000},
    {"a ", "<![CDATA[ ", 6000, "\n", "a <![CDATA[\n", 80000},
    {"", "`", 30000, "\n", "a ``b\n", 160000},
    {"", "`a``b```c````", 4900, "\n", "`a``b```c````\n", 70000},
    {"", "&#123", 12000, "\n", "&a\n", 300000},
    {"[a]: b\n", "[a]", 20000, "\n", "[a]\n", 200000},
    {"", "[a]: <b> 'c'\n", 70000, "", "", 0},
    {"", "a\n=\n", 200000, "", "", 0},
    {"", "* a\n\n", 200000, "", "", 0},
    {"", "- a\n  - b\n    - c\n", 50000, "", "\n", 100000},
    {"", "1. \n", 200000, "", "\n", 100000},
    {"", "*", 60000, "\n", "* * *\n", 150000},
    {"", "_", 60000, "\n", "_a __b\n", 140000},
    {"", "\n", 1000000, "", "", 0},
    {"```\n", "a\n", 500000, "", "", 0},
    {"", "{{member.name}}", 4000, "\n", "{{member.name}}\n", 60000},
    {"", "{{> calls}}\n", 80000, "", "", 0},
    {"", MANY("{{> calls}} "), 17, "", "", 0},
    {"", "{{", 30000, "\n", "", 0},
    {"<div>\n", "a *b*\n", 100000, "", "", 0},
    {"", "a  \n", 200000, "", "", 0},
};

/* Parses and renders; the processor's time that it took, in seconds. */
static double time_of(const struct str *text)
{
    struct arena *own = arena_new(LIMIT_ARENA_SITE);
    struct markdown *document = NULL;
    struct theme theme;
    struct str out;
    clock_t start;

    assert_int_equal(str_check(text, NULL), 0);
    assert_int_equal(theme_init(&theme, NULL, NULL), 0);
    str_init(&out, (size_t)64 * LIMIT_TEXT);
    start = clock();
    if (markdown_parse(own, text->data, text->len, &options, NULL, &document, NULL) == 0) {
        for (size_t i = 0; i < markdown_count(document); i++) {
            (void)markdown_html(document, i, &theme, 1, &out, NULL);
            str_reset(&out);
            (void)markdown_text(document, i, NULL, &out, NULL);
            str_reset(&out);
        }
    }
    start = clock() - start;
    str_release(&out);
    arena_free(own);
    return (double)start / CLOCKS_PER_SEC;
}

#define SLOW 5.0 /* the sanitizers take five times as long as the second that is allowed */

static void test_no_input_takes_long(void **state)
{
    struct str text;

    (void)state;
    str_init(&text, LIMIT_TEXT);
    for (size_t i = 0; i < COUNT(killers); i++) {
        str_reset(&text);
        str_add(&text, killers[i].head);
        add(&text, killers[i].piece, killers[i].times);
        str_add(&text, killers[i].middle);
        add(&text, killers[i].piece2, killers[i].times2);
        assert_true(time_of(&text) < SLOW);
    }
    str_release(&text);
}

/* The same in paragraphs so small that they are not refused; a quarter of the
 * size, as time grows by the number of paragraphs only. */
static void test_no_input_in_small_paragraphs_takes_long(void **state)
{
    struct str text;

    (void)state;
    str_init(&text, LIMIT_TEXT);
    for (size_t i = 0; i < COUNT(killers); i++) {
        str_reset(&text);
        while (text.len < LIMIT_TEXT / 4) {
            size_t start = text.len;
            while (text.len - start < 600) {
                str_add(&text, killers[i].piece);
            }
            str_add(&text, "\n\n");
        }
        assert_true(time_of(&text) < SLOW);
    }
    str_release(&text);
}

static void test_deep_nesting_by_indentation_is_refused(void **state)
{
    struct markdown *document = NULL;
    struct err err = {0};
    struct str text;

    (void)state;
    str_init(&text, LIMIT_TEXT);
    for (size_t depth = 0; depth < 60; depth++) {
        str_add_repeat(&text, ' ', depth * 2);
        str_add(&text, "- a\n");
    }
    assert_int_equal(markdown_parse(arena, text.data, text.len, &options, NULL, &document, &err),
                     ERR_INVALID);
    assert_string_equal(err.msg, "issues/x.md:45:81: marks are nested more than 40 deep");
    str_release(&text);
}

static void test_bounds_are_named(void **state)
{
    struct markdown *document = NULL;
    struct err err = {0};
    struct str text;

    (void)state;
    str_init(&text, (size_t)LIMIT_TEXT * 2);
    str_add(&text, "a\n");
    str_add_repeat(&text, 'b', LIMIT_LINE + 1);
    assert_int_equal(markdown_parse(arena, text.data, text.len, &options, NULL, &document, &err),
                     ERR_INVALID);
    assert_string_equal(err.msg, "issues/x.md:6:1: the line is longer than 65536 bytes");
    str_reset(&text);
    add(&text, "ab\n", LIMIT_TEXT / 3 + 1);
    assert_int_equal(markdown_parse(arena, text.data, text.len, &options, NULL, &document, &err),
                     ERR_INVALID);
    assert_string_equal(err.msg, "issues/x.md:5:1: the text is longer than 1048576 bytes");
    str_reset(&text);
    add(&text, "> ", LIMIT_MARKDOWN_NESTING + 1);
    str_add(&text, "x");
    assert_int_equal(markdown_parse(arena, text.data, text.len, &options, NULL, &document, &err),
                     ERR_INVALID);
    assert_string_equal(err.msg, "issues/x.md:5:1: lists and quotes are nested more than 40 deep");
    str_reset(&text);
    add(&text, "*a *a *a *a *a *a *a *a\n", 10000);
    assert_int_equal(markdown_parse(arena, text.data, text.len, &options, NULL, &document, &err),
                     ERR_INVALID);
    assert_string_equal(err.msg, "issues/x.md:5:1: too many marks (such as * _ [ <) in one "
                                 "paragraph; split it");
    str_release(&text);
}

static void test_long_prose_is_within_the_bounds(void **state)
{
    struct markdown *document = NULL;
    struct str text;

    (void)state;
    str_init(&text, LIMIT_TEXT);
    while (text.len < LIMIT_TEXT - 2000) {
        add(&text, "Words and *more* words, a [link](https://a.example/), `code`.\n", 20);
        str_add(&text, "\n- one\n  - two\n    - three\n\n* * *\n\n");
    }
    assert_int_equal(markdown_parse(arena, text.data, text.len, &options, NULL, &document, NULL),
                     0);
    str_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_html_has_the_structure_of_the_markdown),
        cmocka_unit_test(test_every_html_element_has_its_style),
        cmocka_unit_test(test_text_reads_well_without_markup),
        cmocka_unit_test(test_text_is_wrapped_with_its_prefixes),
        cmocka_unit_test(test_text_options_indent_and_count_on),
        cmocka_unit_test(test_tokens_become_slots_in_both_outputs),
        cmocka_unit_test(test_used_tokens_are_known),
        cmocka_unit_test(test_a_line_with_only_a_block_is_a_block),
        cmocka_unit_test(test_errors_name_place_and_remedy),
        cmocka_unit_test(test_all_errors_are_reported_at_once),
        cmocka_unit_test(test_output_over_its_ceiling_is_an_error),
        cmocka_unit_test(test_no_input_takes_long),
        cmocka_unit_test(test_no_input_in_small_paragraphs_takes_long),
        cmocka_unit_test(test_deep_nesting_by_indentation_is_refused),
        cmocka_unit_test(test_bounds_are_named),
        cmocka_unit_test(test_long_prose_is_within_the_bounds),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
