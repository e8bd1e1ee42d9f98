#include "report_print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "output.h"
#include "teataja/base/file.h"
#include "teataja/base/json.h"
#include "teataja/base/limits.h"
#include "teataja/render/template.h"

enum { TOTALS = 13, NUMBER = 24, HEADING = 200 };

struct total {
    const char *key;
    const char *name;
    int64_t count;
};

/* A text of the catalogue's group "report": "section" and "mailing" are report.section_mailing. */
static const char *word(const struct report_head *head, const char *kind, const char *name)
{
    char key[64];
    const char *found;

    (void)snprintf(key, sizeof(key), "report.%s%s%s", kind, kind[0] != '\0' ? "_" : "", name);
    found = catalogue_word(head->catalogue, head->language, key);
    return found != NULL ? found : name;
}

static void list_totals(const struct report_head *head, const struct tally *tally,
                        struct total totals[TOTALS])
{
    const struct total all[TOTALS] = {
        {"mailings", NULL, tally->mailings},
        {"recipients", NULL, tally->recipients},
        {"delivered", NULL, tally->delivered},
        {"deferred", NULL, tally->deferred},
        {"bounced_hard", NULL, tally->hard},
        {"bounced_soft", NULL, tally->soft},
        {"bounced_policy", NULL, tally->policy},
        {"suppressed", NULL, tally->suppressed},
        {"unknown", NULL, tally->unknown},
        {"left", NULL, tally->left},
        {"members", NULL, tally->members},
        {"organisations", NULL, tally->organisations},
        {NULL, NULL, 0},
    };

    memcpy(totals, all, sizeof(all));
    for (struct total *total = totals; total->key != NULL; total++) {
        total->name = word(head, "", total->key);
    }
}

/* Kinds and sectors that the site gives no names have ours. */
static const char *line_name(const struct report_head *head, enum tally_section section,
                             const struct tally_line *line)
{
    char key[LIMIT_SLUG + 8];
    const char *found = NULL;

    if ((section == TALLY_KIND || section == TALLY_SECTOR) && strcmp(line->name, line->key) == 0) {
        (void)snprintf(key, sizeof(key), "%s.%s", tally_section_name(section), line->key);
        found = catalogue_word(head->catalogue, head->language, key);
    }
    return found != NULL ? found : line->name;
}

static const char *number(int64_t value, char text[NUMBER])
{
    snprintf(text, NUMBER, "%" PRId64, value);
    return text;
}

/* A heading of numbers, which stand right. */
static const char *right(char text[HEADING], const char *heading)
{
    (void)snprintf(text, HEADING, ">%s", heading);
    return text;
}

static void print_section(const struct report_head *head, const struct tally *tally,
                          enum tally_section section)
{
    char texts[3][HEADING];
    const char *headings[4] = {word(head, "one", tally_section_name(section)),
                               right(texts[0], word(head, "", "recipients")),
                               right(texts[1], word(head, "", "delivered")),
                               right(texts[2], word(head, "", "people"))};
    struct output_table *table = output_table_new(4, headings);

    for (size_t i = 0; i < tally->sections[section].count; i++) {
        const struct tally_line *line = &tally->sections[section].lines[i];
        char numbers[3][NUMBER];
        const char *const cells[] = {
            line_name(head, section, line), number(line->recipients, numbers[0]),
            number(line->delivered, numbers[1]), number(line->members, numbers[2])};

        output_table_row(table, cells);
    }
    putchar('\n');
    output_table_print(table, false);
}

static void print_totals(const struct report_head *head, const struct tally *tally)
{
    char count[HEADING];
    struct output_table *table =
        output_table_new(2, (const char *const[]){word(head, "", "in_all"), right(count, "")});
    struct total totals[TOTALS];

    list_totals(head, tally, totals);
    for (const struct total *total = totals; total->key != NULL; total++) {
        char text[NUMBER];
        const char *const cells[] = {total->name, number(total->count, text)};

        output_table_row(table, cells);
    }
    output_table_print(table, false);
}

void report_print_text(const struct report_head *head, const struct tally *tally)
{
    printf("%s%s%s\n%s. %s\n\n", output_colour(stdout, OUTPUT_STRONG), head->title,
           output_colour(stdout, OUTPUT_PLAIN), head->site, head->made);
    print_totals(head, tally);
    for (enum tally_section section = 0; section < TALLY_SECTIONS; section++) {
        if (tally->sections[section].count > 0) {
            print_section(head, tally, section);
        }
    }
}

/* Quoted if it must be (RFC 4180); what a spreadsheet would run is made text. */
static void add_cell(struct str *out, const char *text)
{
    bool quote = text[strcspn(text, ",\"\r\n")] != '\0' || strchr("=+-@\t", text[0]) != NULL;

    if (!quote || text[0] == '\0') {
        str_add(out, text);
        return;
    }
    str_add(out, strchr("=+-@\t", text[0]) != NULL ? "\"'" : "\"");
    for (const char *at = text; *at != '\0'; at++) {
        str_add(out, *at == '"' ? "\"\"" : (const char[]){*at, '\0'});
    }
    str_add_char(out, '"');
}

void report_print_csv(const struct report_head *head, const struct tally *tally, struct str *out)
{
    struct total totals[TOTALS];

    list_totals(head, tally, totals);
    str_add(out, "section,key,name,recipients,delivered,people\r\n");
    for (const struct total *total = totals; total->key != NULL; total++) {
        str_addf(out, "total,%s,", total->key);
        add_cell(out, total->name);
        str_addf(out, ",%" PRId64 ",,\r\n", total->count);
    }
    for (enum tally_section section = 0; section < TALLY_SECTIONS; section++) {
        for (size_t i = 0; i < tally->sections[section].count; i++) {
            const struct tally_line *line = &tally->sections[section].lines[i];

            str_addf(out, "%s,", tally_section_name(section));
            add_cell(out, line->key);
            str_add_char(out, ',');
            add_cell(out, line_name(head, section, line));
            str_addf(out, ",%" PRId64 ",%" PRId64 ",%" PRId64 "\r\n", line->recipients,
                     line->delivered, line->members);
        }
    }
}

void report_print_json(const struct report_head *head, const struct tally *tally, struct str *out)
{
    struct json_writer json = json_writer(out);
    struct total totals[TOTALS];

    list_totals(head, tally, totals);
    json_write_object(&json);
    json_write_text_at(&json, "title", head->title);
    json_write_text_at(&json, "site", head->site);
    json_write_text_at(&json, "made", head->made);
    for (const struct total *total = totals; total->key != NULL; total++) {
        json_write_int_at(&json, total->key, total->count);
    }
    for (enum tally_section section = 0; section < TALLY_SECTIONS; section++) {
        json_write_key(&json, tally_section_name(section));
        json_write_array(&json);
        for (size_t i = 0; i < tally->sections[section].count; i++) {
            const struct tally_line *line = &tally->sections[section].lines[i];

            json_write_object(&json);
            json_write_text_at(&json, "key", line->key);
            json_write_text_at(&json, "name", line_name(head, section, line));
            json_write_int_at(&json, "recipients", line->recipients);
            json_write_int_at(&json, "delivered", line->delivered);
            json_write_int_at(&json, "people", line->members);
            json_write_object_end(&json);
        }
        json_write_array_end(&json);
    }
    json_write_object_end(&json);
    str_add_char(out, '\n');
}

static void add_sections(struct value *data, const struct report_head *head,
                         const struct tally *tally)
{
    struct value *sections = value_set_list(data, "sections");

    for (enum tally_section section = 0; section < TALLY_SECTIONS; section++) {
        struct value *map;
        struct value *lines;

        if (tally->sections[section].count == 0) {
            continue;
        }
        map = value_add_map(sections);
        value_set_text(map, "name", word(head, "section", tally_section_name(section)));
        value_set_text(map, "heading", word(head, "one", tally_section_name(section)));
        lines = value_set_list(map, "lines");
        for (size_t i = 0; i < tally->sections[section].count; i++) {
            const struct tally_line *line = &tally->sections[section].lines[i];
            struct value *row = value_add_map(lines);

            value_set_text(row, "name", line_name(head, section, line));
            value_set_number(row, "recipients", line->recipients);
            value_set_number(row, "delivered", line->delivered);
            value_set_number(row, "members", line->members);
        }
    }
}

int report_print_html(const struct workspace *workspace, const struct report_head *head,
                      const struct tally *tally, struct str *out, struct err *err)
{
    const char *const folders[] = {
        file_join(workspace->arena, workspace->config.folder, "templates"), workspace->templates};
    struct template_set *set = NULL;
    const struct template *template = NULL;
    struct value *data = value_new(workspace->arena);
    struct value *list;
    struct total totals[TOTALS];
    int rc;

    if (folders[0] == NULL || folders[1] == NULL || data == NULL ||
        (set = template_set_new(folders, 2, TEMPLATE_STRICT)) == NULL) {
        return folders[0] != NULL && folders[1] == NULL
                   ? err_set(err, ERR_NOT_FOUND, "the installed templates are not there")
                   : err_nomem(err);
    }
    list_totals(head, tally, totals);
    value_set_text(data, "lang", language_tag(head->language));
    catalogue_words(head->catalogue, head->language, value_set_map(data, "t"));
    value_set_text(data, "title", head->title);
    value_set_text(data, "site", head->site);
    value_set_text(data, "made", head->made);
    list = value_set_list(data, "totals");
    for (const struct total *total = totals; total->key != NULL; total++) {
        struct value *row = value_add_map(list);

        value_set_text(row, "name", total->name);
        value_set_number(row, "count", total->count);
    }
    add_sections(data, head, tally);
    rc = template_find(set, "report/report.html", &template, err);
    if (rc == 0) {
        rc = template_render(template, data, out, err);
    }
    template_set_free(set);
    return rc;
}
