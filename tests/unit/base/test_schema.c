/* The schema table: every type, every error at once, sample and manual. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/schema.h"
#include "unit/base/printed.h"

enum colour { RED = 7, GREEN = 8 };

struct part {
    const struct yaml_node *node;
    const char *slug;
    const char *name;
    int64_t size;
};

struct thing {
    const struct yaml_node *node;
    const char *title;
    const char *text;
    const char *slug;
    const char *path;
    const char *color;
    const char *url;
    const char *secret;
    const char *zone;
    const char *country;
    int64_t number;
    bool flag;
    int choice;
    struct civil date;
    struct schema_moment moment;
    struct schema_moment time;
    int64_t duration;
    struct period period;
    int64_t size;
    int share;
    struct rate rate;
    struct address email;
    enum language language;
    struct lang_text names;
    struct schema_term *terms;
    size_t term_count;
    const char *const *tags;
    size_t tag_count;
    enum language *languages;
    size_t language_count;
    struct part part;
    struct part *maybe;
    struct part *parts;
    size_t part_count;
    struct part *keyed;
    size_t keyed_count;
    const struct yaml_node *raw;
};

#define AT(member) .offset = offsetof(struct thing, member)
#define MANY(member, counter)                                                                      \
    .offset = offsetof(struct thing, member), .count_offset = offsetof(struct thing, counter)

static const struct schema_choice colours[] = {
    {"red", RED, "as blood"}, {"green", GREEN, NULL}, {NULL, 0, NULL}};

static const struct schema_field part_fields[] = {
    {.key = "slug",
     .type = SCHEMA_SLUG,
     .flags = SCHEMA_IS_KEY,
     .offset = offsetof(struct part, slug)},
    {.key = "name",
     .type = SCHEMA_TEXT,
     .flags = SCHEMA_REQUIRED | SCHEMA_EDITION,
     .offset = offsetof(struct part, name),
     .help = "Its name."},
    {.key = "size", .type = SCHEMA_INT, .offset = offsetof(struct part, size), .fallback = "3"},
};
static const struct schema part_schema = SCHEMA_SHORT("part", struct part, part_fields, "name");

static const struct schema_field thing_fields[] = {
    {.key = "title",
     .type = SCHEMA_TEXT,
     .flags = SCHEMA_REQUIRED | SCHEMA_EDITION,
     AT(title),
     .max = 40,
     .help = "What it is called."},
    {.key = "text", .type = SCHEMA_LINES, .flags = SCHEMA_EDITION, AT(text)},
    {.key = "slug", .type = SCHEMA_SLUG, AT(slug)},
    {.key = "path", .type = SCHEMA_PATH, AT(path)},
    {.key = "color", .type = SCHEMA_COLOR, AT(color)},
    {.key = "url", .type = SCHEMA_URL, AT(url)},
    {.key = "secret", .type = SCHEMA_SECRET, AT(secret)},
    {.key = "zone", .type = SCHEMA_ZONE, AT(zone)},
    {.key = "country", .type = SCHEMA_COUNTRY, AT(country)},
    {.key = "number", .type = SCHEMA_INT, AT(number), .min = 1, .max = 100, .fallback = "42"},
    {.key = "flag", .type = SCHEMA_BOOL, AT(flag)},
    {.key = "choice",
     .type = SCHEMA_CHOICE,
     AT(choice),
     .choices = colours,
     .fallback = "green",
     .help = "Its colour:"},
    {.key = "date", .type = SCHEMA_DATE, AT(date)},
    {.key = "moment", .type = SCHEMA_MOMENT, AT(moment)},
    {.key = "time", .type = SCHEMA_TIME, AT(time)},
    {.key = "duration",
     .type = SCHEMA_DURATION,
     AT(duration),
     .min = CLOCK_SECOND,
     .max = CLOCK_DAY},
    {.key = "period", .type = SCHEMA_PERIOD, .flags = SCHEMA_BEFORE, AT(period)},
    {.key = "size", .type = SCHEMA_SIZE, AT(size)},
    {.key = "share", .type = SCHEMA_PERCENT, AT(share)},
    {.key = "rate", .type = SCHEMA_RATE, AT(rate)},
    {.key = "email", .type = SCHEMA_EMAIL, AT(email)},
    {.key = "language", .type = SCHEMA_LANGUAGE, AT(language)},
    {.key = "names", .type = SCHEMA_BY_LANGUAGE, AT(names)},
    {.key = "terms", .type = SCHEMA_TERMS, MANY(terms, term_count)},
    {.key = "tags",
     .type = SCHEMA_SLUG,
     .flags = SCHEMA_LIST | SCHEMA_OR_ONE | SCHEMA_UNIQUE,
     MANY(tags, tag_count)},
    {.key = "languages",
     .type = SCHEMA_LANGUAGE,
     .flags = SCHEMA_LIST | SCHEMA_NOT_EMPTY,
     MANY(languages, language_count),
     .fallback = "[et, ru]"},
    {.key = "part", .type = SCHEMA_MAP, .flags = SCHEMA_EDITION, AT(part), .sub = &part_schema},
    {.key = "maybe", .type = SCHEMA_MAP, .flags = SCHEMA_POINTER, AT(maybe), .sub = &part_schema},
    {.key = "parts",
     .type = SCHEMA_MAP,
     .flags = SCHEMA_LIST,
     MANY(parts, part_count),
     .sub = &part_schema},
    {.key = "keyed",
     .type = SCHEMA_MAP,
     .flags = SCHEMA_KEYED,
     MANY(keyed, keyed_count),
     .sub = &part_schema},
    {.key = "raw", .type = SCHEMA_NODE, AT(raw)},
};
static const struct schema thing_schema = SCHEMA("thing", struct thing, thing_fields);

struct fixture {
    struct arena *arena;
    struct report *report;
    struct thing thing;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->arena = arena_new(LIMIT_ARENA_WORK);
    f->report = report_new();
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    arena_free(f->arena);
    report_free(f->report);
    free(f);
    return 0;
}

static int fill(struct fixture *f, const char *text, enum schema_mode mode)
{
    const struct yaml_node *root = NULL;

    assert_int_equal(yaml_parse(f->arena, "t.yaml", 1, text, strlen(text), f->report, &root, NULL),
                     0);
    return schema_fill(f->arena, &thing_schema, root, mode, f->report, &f->thing, NULL);
}

static void test_every_type_is_filled(void **state)
{
    struct fixture *f = *state;
    struct thing *t = &f->thing;
    const char *text = "title: '  Kevad  '\n"
                       "text: |\n  first\n  second\n"
                       "slug: kevad-2027\n"
                       "path: assets/logo.png\n"
                       "color: \"#1F6F8B\"\n"
                       "url: https://www.kevad.example/a?b=c#d\n"
                       "secret: env:KEVAD_SECRET\n"
                       "zone: Europe/Tallinn\n"
                       "country: ee\n"
                       "number: 100\n"
                       "flag: yes\n"
                       "choice: red\n"
                       "date: 2028-02-29\n"
                       "moment: 2027-01-23 17:00 Europe/Brussels\n"
                       "time: 09:30 Europe/Tallinn\n"
                       "duration: 90 min\n"
                       "period: 1 week 2 days before\n"
                       "size: 2 KB\n"
                       "share: 12.5%\n"
                       "rate: 500/hour\n"
                       "email: Office@Cluster.Example\n"
                       "language: RU\n"
                       "names: { et: Tere, ru: Привет }\n"
                       "terms: { music: { et: muusika }, design: }\n"
                       "tags: press\n"
                       "languages: [pl, cs]\n"
                       "part: Tallinn\n"
                       "maybe: { name: Narva, size: 9 }\n"
                       "parts: [a, { name: b }]\n"
                       "keyed: { one: { name: eins }, two: zwei }\n"
                       "raw: [1, { a: 2 }]\n";

    assert_int_equal(fill(f, text, SCHEMA_WHOLE), 0);
    assert_int_equal(report_errors(f->report), 0);
    assert_string_equal(t->title, "Kevad");
    assert_string_equal(t->text, "first\nsecond");
    assert_string_equal(t->slug, "kevad-2027");
    assert_string_equal(t->path, "assets/logo.png");
    assert_string_equal(t->color, "#1f6f8b");
    assert_string_equal(t->url, "https://www.kevad.example/a?b=c#d");
    assert_string_equal(t->secret, "env:KEVAD_SECRET");
    assert_string_equal(t->zone, "Europe/Tallinn");
    assert_string_equal(t->country, "EE");
    assert_int_equal(t->number, 100);
    assert_true(t->flag);
    assert_int_equal(t->choice, RED);
    assert_int_equal(t->date.day, 29);
    assert_int_equal(t->moment.civil.hour, 17);
    assert_string_equal(t->moment.zone, "Europe/Brussels");
    assert_int_equal(t->time.civil.minute, 30);
    assert_string_equal(t->time.zone, "Europe/Tallinn");
    assert_int_equal(t->duration, 90 * CLOCK_MINUTE);
    assert_int_equal(t->period.days, 9);
    assert_int_equal(t->size, 2048);
    assert_int_equal(t->share, 1250);
    assert_int_equal(t->rate.count, 500);
    assert_int_equal(t->rate.micros, CLOCK_HOUR);
    assert_string_equal(address_domain(&t->email), "cluster.example");
    assert_int_equal(t->language, LANG_RU);
    assert_string_equal(t->names.text[LANG_RU], "Привет");
    assert_null(t->names.text[LANG_EN]);
    assert_false(t->names.same);
    assert_int_equal(t->term_count, 2);
    assert_string_equal(schema_term_name(&t->terms[0], LANG_ET, LANG_NONE), "muusika");
    assert_string_equal(schema_term_name(&t->terms[1], LANG_ET, LANG_NONE), "design");
    assert_int_equal(t->tag_count, 1);
    assert_string_equal(t->tags[0], "press");
    assert_int_equal(t->language_count, 2);
    assert_int_equal(t->languages[1], LANG_CS);
    assert_string_equal(t->part.name, "Tallinn");
    assert_int_equal(t->part.size, 3);
    assert_int_equal(t->maybe->size, 9);
    assert_int_equal(t->part_count, 2);
    assert_string_equal(t->parts[1].name, "b");
    assert_int_equal(t->parts[1].node->line, 31);
    assert_int_equal(t->keyed_count, 2);
    assert_string_equal(t->keyed[1].slug, "two");
    assert_string_equal(t->keyed[1].name, "zwei");
    assert_string_equal(yaml_find(t->raw, "1.a")->text, "2");
    assert_int_equal(t->node->line, 1);
    assert_true(schema_has(t->node, "raw"));
    assert_false(schema_has(t->node, "nothing"));
}

static void test_what_is_not_said_has_its_fallback(void **state)
{
    struct fixture *f = *state;
    struct thing *t = &f->thing;

    assert_int_equal(fill(f, "title: a\nnames: Sama\nslug:\n", SCHEMA_WHOLE), 0);
    assert_null(t->slug);
    assert_int_equal(t->number, 42);
    assert_int_equal(t->choice, GREEN);
    assert_int_equal(t->language, LANG_NONE);
    assert_int_equal(t->language_count, 2);
    assert_int_equal(t->languages[0], LANG_ET);
    assert_true(t->names.same);
    assert_string_equal(t->names.text[LANG_FI], "Sama");
    assert_null(t->part.node);
    assert_int_equal(t->part.size, 3);
    assert_null(t->maybe);
    assert_null(t->parts);
    assert_int_equal(t->email.text[0], 0);
    assert_int_equal(t->date.year, 0);
}

static void test_every_error_is_reported_at_once(void **state)
{
    struct fixture *f = *state;
    char *text;

    assert_int_equal(fill(f,
                          "titel: Kevad\n"
                          "number: 101\n"
                          "flag: maybe\n"
                          "date: 2027-02-30\n"
                          "part: { size: x, colour: blue }\n"
                          "tags: [a, b, a, 'C d']\n"
                          "languages: []\n"
                          "keyed: { 'Õ': a, two: }\n"
                          "slug: 'on time'\n",
                          SCHEMA_WHOLE),
                     ERR_INVALID);
    text = printed(f->report);
    assert_string_equal(
        text, "t.yaml:1:1: unknown key 'titel'; did you mean 'title'?\n"
              "t.yaml:1:1: 'title' is missing\n"
              "t.yaml:2:9: number: 101 is out of range; it must be from 1 to 100\n"
              "t.yaml:3:7: flag: 'maybe' is neither true nor false\n"
              "t.yaml:4:7: date: 2027-02-30 is not a date: February 2027 has 28 days\n"
              "t.yaml:5:7: 'name' is missing\n"
              "t.yaml:5:15: size: 'x' is not a whole number\n"
              "t.yaml:5:18: unknown key 'colour'; the keys here are name, size\n"
              "t.yaml:6:14: tags: 'a' stands twice in the list\n"
              "t.yaml:6:17: tags: 'C d' cannot be used: a slug is of a-z, 0-9 and '-'\n"
              "t.yaml:7:12: languages: the list is empty\n"
              "t.yaml:8:10: slug: 'Õ' cannot be used: a slug is of a-z, 0-9 and '-'\n"
              "t.yaml:8:18: 'name' is missing\n"
              "t.yaml:9:7: slug: 'on time' cannot be used: a slug is of a-z, 0-9 and '-'\n");
    assert_int_equal(f->thing.tag_count, 2);
    assert_int_equal(f->thing.keyed_count, 2);
    free(text);
}

/* One wrong line behind "title: a". */
static const struct {
    const char *line;
    const char *error;
} wrong[] = {
    {"title: [a]", "t.yaml:1:8: title: this must be one line of text, not a list"},
    {"title: ''", "t.yaml:1:8: title: the value is empty"},
    {"title: \"a\\nb\"", "t.yaml:1:8: title: the value must be one line without tabs"},
    {"title: \"a\\eb\"", "t.yaml:1:8: title: the text holds a control character"},
    {"title: aaaaaaaaaabbbbbbbbbbccccccccccddddddddddX",
     "t.yaml:1:8: title: the text has 41 bytes; at most 40 are allowed"},
    {"path: /etc/passwd",
     "t.yaml:1:7: path: '/etc/passwd' is absolute; files of a site are named from its folder"},
    {"path: a/../../b", "t.yaml:1:7: path: 'a/../../b' leads out of its folder"},
    {"path: ..", "t.yaml:1:7: path: '..' leads out of its folder"},
    {"color: red", "t.yaml:1:8: color: 'red' is not a colour; write \"#1f6f8b\" in quotes"},
    {"url: www.kevad.example",
     "t.yaml:1:6: url: 'www.kevad.example' is not a URL: it has no scheme such as https:"},
    {"url: javascript:alert(1)",
     "t.yaml:1:6: url: a URL with 'javascript:' cannot be used; only http, https, mailto, tel can"},
    {"url: https:/a",
     "t.yaml:1:6: url: 'https:/a' is not a URL: '//' is missing behind the scheme"},
    {"url: https://", "t.yaml:1:6: url: 'https://' is not a URL: the host is missing"},
    {"url: https://bank.example@evil.example/",
     "t.yaml:1:6: url: 'https://bank.example@evil.example/' is not a URL: a user name or a "
     "password "
     "cannot stand in it"},
    {"url: 'https://a.example/b c'",
     "t.yaml:1:6: url: 'https://a.example/b c' is not a URL: it is too long or holds a space, a "
     "quote or a bracket"},
    {"url: mailto:a@b@c", "t.yaml:1:6: url: 'mailto:a@b@c' is not a URL: the address is not valid"},
    {"secret: hunter2", "t.yaml:1:9: secret: a secret does not stand in the configuration; write "
                        "file:PATH or env:NAME "
                        "and keep it there"},
    {"secret: env:A B",
     "t.yaml:1:9: secret: behind env: stands the name of an environment variable"},
    {"zone: Europe Tallinn",
     "t.yaml:1:7: zone: 'Europe Tallinn' cannot be used: a time zone is a name such as "
     "Europe/Tallinn"},
    {"country: Estonia",
     "t.yaml:1:10: country: 'Estonia' is not a country; write two letters such as EE"},
    {"number: 15 600",
     "t.yaml:1:9: number: '15 600' is not a whole number; write the digits alone, such as 15600"},
    {"number: 99999999999999999999", "t.yaml:1:9: number: the number is too large"},
    {"choice: gren", "t.yaml:1:9: choice: 'gren' is not one of red, green; did you mean 'green'?"},
    {"date: 2027-01-23 17:00",
     "t.yaml:1:7: date: '2027-01-23 17:00' has a time; only a date can stand here"},
    {"time: half past", "t.yaml:1:7: time: 'half past' is not a time of day; write 17:00 or 17:00 "
                        "Europe/Tallinn"},
    {"duration: 2 days",
     "t.yaml:1:11: duration: 2 days is out of range; it must be from 1 s to 1 day"},
    {"period: 7 dais",
     "t.yaml:1:9: period: '7 dais' is not a length of time; write '7 days', '36 h' or 'P7D'"},
    {"period: 2 months",
     "t.yaml:1:9: period: '2 months' has months or years, which differ in length; write days"},
    {"share: 80", "t.yaml:1:8: share: '80' is not a percentage; write '80%' or '12.5%'"},
    {"share: 101%", "t.yaml:1:8: share: '101%' is more than 100 %"},
    {"rate: fast", "t.yaml:1:7: rate: 'fast' is not a rate; write '20/s', '1000/hour' or "
                   "'unlimited'"},
    {"language: ee",
     "t.yaml:1:11: language: no language 'ee'; there are et, ru, en, lv, lt, pl, cs, de, sv, fi"},
    {"names: { et: a, ee: b }",
     "t.yaml:1:17: names: no language 'ee'; there are et, ru, en, lv, lt, pl, cs, de, sv, fi"},
    {"names: { et: [a] }", "t.yaml:1:14: names: the text in 'et' must be a text"},
    {"terms: music", "t.yaml:1:8: terms: this must be a list of words, or words with names"},
    {"parts: a", "t.yaml:1:8: parts: this must be a list, such as [a, b]"},
    {"keyed: [a]", "t.yaml:1:8: keyed: this must be a mapping of names to values"},
    {"tags: [a, ]", NULL},
    {"tags: [a, ~]", "t.yaml:1:11: tags: a value of the list is empty"},
};

static void test_each_wrong_value_is_explained(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char text[300];
        bool titled = strncmp(wrong[i].line, "title", 5) == 0;
        const struct problem *problem;
        char *shown;

        report_free(f->report);
        f->report = report_new();
        snprintf(text, sizeof(text), "%s\n%s", wrong[i].line, titled ? "" : "title: a\n");
        assert_int_equal(fill(f, text, SCHEMA_WHOLE), wrong[i].error ? ERR_INVALID : 0);
        problem = report_get(f->report, 0);
        assert_int_equal(problem != NULL, wrong[i].error != NULL);
        if (problem) {
            shown = printed(f->report);
            shown[strlen(shown) - 1] = '\0';
            assert_string_equal(shown, wrong[i].error);
            free(shown);
        }
    }
}

static void test_an_address_is_parsed_as_one(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fill(f, "title: a\nemail: a@b@c.example\n", SCHEMA_WHOLE), ERR_INVALID);
    assert_int_equal(report_errors(f->report), 1);
    assert_int_equal(report_get(f->report, 0)->line, 2);
    assert_int_equal(report_get(f->report, 0)->column, 8);
}

static void test_an_edition_holds_only_texts(void **state)
{
    struct fixture *f = *state;
    char *text;

    assert_int_equal(fill(f, "title: Kevad\npart: { name: Narva }\n", SCHEMA_TRANSLATION), 0);
    assert_string_equal(f->thing.part.name, "Narva");
    assert_int_equal(f->thing.number, 0);
    assert_int_equal(f->thing.part.size, 0);
    assert_int_equal(
        fill(f, "date: 2027-01-01\npart: { name: b, size: 4 }\nfoo: 1\n", SCHEMA_TRANSLATION),
        ERR_INVALID);
    text = printed(f->report);
    assert_string_equal(
        text,
        "t.yaml:1:1: 'date' stands once, in the file of the first language; a language edition "
        "holds only title, text, part\n"
        "t.yaml:1:1: 'title' is missing\n"
        "t.yaml:2:18: 'size' stands once, in the file of the first language; a language edition "
        "holds only name\n"
        "t.yaml:3:1: unknown key 'foo'\n");
    assert_int_equal(f->thing.date.year, 0);
    free(text);
}

static void test_a_value_that_may_be_several_things(void **state)
{
    struct fixture *f = *state;
    static const struct schema_field moment = {.key = "deadline", .type = SCHEMA_MOMENT};
    struct schema_moment out;
    struct err err = {0};

    assert_int_equal(fill(f, "title: a\nraw: [2027-01-01, 2027-13-01]\n", SCHEMA_WHOLE), 0);
    assert_int_equal(
        schema_value(f->arena, &moment, yaml_find(f->thing.raw, "0"), f->report, &out, &err), 0);
    assert_int_equal(out.civil.year, 2027);
    assert_int_equal(
        schema_value(f->arena, &moment, yaml_find(f->thing.raw, "1"), f->report, &out, &err),
        ERR_INVALID);
    assert_memory_equal(err.msg, "t.yaml:2:19: deadline: ", 23);
}

static void test_the_sample_is_a_valid_file(void **state)
{
    struct fixture *f = *state;

    for (int all = 0; all < 2; all++) {
        struct str sample;

        str_init(&sample, LIMIT_TEXT);
        schema_sample(&thing_schema, all, &sample);
        assert_int_equal(str_check(&sample, NULL), 0);
        if (fill(f, sample.data, SCHEMA_WHOLE) != 0) {
            report_print(f->report, stderr);
            fail_msg("the sample is wrong:\n%s", sample.data);
        }
        assert_string_equal(f->thing.title, "Text");
        assert_int_equal(f->thing.keyed_count, all ? 1 : 0);
        str_release(&sample);
    }
}

static void test_the_sample_tells_what_a_key_is(void **state)
{
    struct str sample;

    (void)state;
    str_init(&sample, LIMIT_TEXT);
    schema_sample(&thing_schema, false, &sample);
    assert_non_null(strstr(sample.data, "# What it is called.\ntitle: Text\n"));
    assert_non_null(strstr(sample.data, "#number: 42\n"));
    assert_non_null(
        strstr(sample.data, "# Its colour:\n# - red: as blood\n# - green\n#choice: green\n"));
    assert_non_null(strstr(sample.data, "#part:\n#  # Its name.\n#  name: Text\n#  size: 3\n"));
    assert_non_null(
        strstr(sample.data, "#parts:\n#    # Its name.\n#  - name: Text\n#    size: 3\n"));
    str_release(&sample);
}

static void test_the_manual_lists_every_key(void **state)
{
    struct str plain, roff;

    (void)state;
    str_init(&plain, LIMIT_TEXT);
    str_init(&roff, LIMIT_TEXT);
    schema_manual(&thing_schema, SCHEMA_PLAIN, &plain);
    schema_manual(&thing_schema, SCHEMA_ROFF, &roff);
    assert_non_null(strstr(plain.data, "title\n    one line of text; required; also in language "
                                       "editions\n    What it is called.\n"));
    assert_non_null(strstr(plain.data, "number\n    a whole number, from 1 to 100; default: 42\n"));
    assert_non_null(strstr(plain.data, "keyed.NAME.size\n"));
    assert_non_null(strstr(plain.data, "parts[].name\n"));
    assert_non_null(
        strstr(roff.data, ".TP\n\\fBchoice\\fR\nred | green; default: green\n.br\nIts colour:\n"));
    str_release(&plain);
    str_release(&roff);
}

static void test_lack_of_memory_is_an_error(void **state)
{
    struct fixture *f = *state;
    const struct yaml_node *root = NULL;
    const char *text = "title: ' a '\ntags: [a, b]\nparts: [a, b]\nkeyed: { a: b }\nterms: [a]\n";
    size_t passed = 0;

    assert_int_equal(yaml_parse(f->arena, "t.yaml", 1, text, strlen(text), NULL, &root, NULL), 0);
    for (size_t ceiling = 0; ceiling < 8000; ceiling += 64) {
        struct arena *small = arena_new(ceiling);
        int rc = schema_fill(small, &thing_schema, root, SCHEMA_WHOLE, NULL, &f->thing, NULL);

        assert_true(rc == 0 || rc == ERR_NOMEM);
        passed += rc == 0;
        arena_free(small);
    }
    assert_true(passed > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_every_type_is_filled),
        TEST(test_what_is_not_said_has_its_fallback),
        TEST(test_every_error_is_reported_at_once),
        TEST(test_each_wrong_value_is_explained),
        TEST(test_an_address_is_parsed_as_one),
        TEST(test_an_edition_holds_only_texts),
        TEST(test_a_value_that_may_be_several_things),
        TEST(test_the_sample_is_a_valid_file),
        TEST(test_the_sample_tells_what_a_key_is),
        TEST(test_the_manual_lists_every_key),
        TEST(test_lack_of_memory_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
