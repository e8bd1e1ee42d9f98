/* Who would get what, told by dry runs. */
#include "summary.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "output.h"
#include "teataja/base/limits.h"
#include "teataja/base/str.h"

/* ---- lines ---- */

void summary_lines(const struct letter_line *lines, size_t count, const char *indent)
{
    const char *block = "";

    for (size_t i = 0; i < count; i++) {
        if (strcmp(block, lines[i].block) != 0) {
            block = lines[i].block;
            printf("%s%s\n", indent, block);
        }
        printf("%s  %s (%s)%s%s\n", indent, lines[i].title, lines[i].slug,
               lines[i].note[0] != '\0' ? ": " : "", lines[i].note);
    }
}

void summary_lines_json(struct json_writer *json, const struct letter_line *lines, size_t count)
{
    json_write_key(json, "items");
    json_write_array(json);
    for (size_t i = 0; i < count; i++) {
        json_write_object(json);
        json_write_text_at(json, "block", lines[i].block);
        json_write_text_at(json, "slug", lines[i].slug);
        json_write_text_at(json, "note", lines[i].note);
        json_write_object_end(json);
    }
    json_write_array_end(json);
}

static void print_reasons(const struct recipients_count *reasons)
{
    const struct {
        int64_t count;
        const char *why;
    } rows[] = {{reasons->left, "left the list"},
                {reasons->pending, "have not confirmed"},
                {reasons->unconfirmed, "were imported without evidence of consent"},
                {reasons->suppressed, "have an address that gets nothing"},
                {reasons->outside, "are outside of the audience"},
                {reasons->not_on_list, "are in the audience but not on the list"}};
    bool first = true;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].count > 0) {
            puts(first ? "\nGet nothing:" : "");
            printf("  %4" PRId64 " %s", rows[i].count, rows[i].why);
            first = false;
        }
    }
    if (!first) {
        puts("");
    }
}

/* ---- counts ---- */

/* The blocks of letters, in the order of the columns. */
static const struct {
    const char *name;
    const char *heading;
} blocks[] = {{"calls", ">calls"},
              {"still_open", ">still open"},
              {"deadlines", ">deadlines"},
              {"events", ">events"},
              {"news", ">news"}};

enum { BLOCKS = sizeof(blocks) / sizeof(blocks[0]) };

static int64_t count_lines(const struct letter_group *group, const char *block)
{
    int64_t count = 0;

    for (size_t i = 0; i < group->line_count; i++) {
        count += strcmp(group->lines[i].block, block) == 0;
    }
    return count;
}

/* Of the versions in one language. */
struct language_total {
    int64_t recipients;
    int64_t versions;
};

static void add_totals(const struct letter_summary *summary,
                       struct language_total totals[LANG_COUNT])
{
    memset(totals, 0, LANG_COUNT * sizeof(*totals));
    for (size_t i = 0; i < summary->group_count; i++) {
        totals[summary->groups[i].language].recipients += summary->groups[i].recipients;
        totals[summary->groups[i].language].versions++;
    }
}

/* ---- a letter ---- */

enum { NUMBER = 24 }; /* bytes of a number */

static const char *number(char text[NUMBER], int64_t value)
{
    (void)snprintf(text, NUMBER, "%" PRId64, value);
    return text;
}

static void print_languages(const struct letter_summary *summary)
{
    static const char *const headings[] = {"language", "", ">recipients", ">versions"};
    struct output_table *table = output_table_new(4, headings);
    struct language_total totals[LANG_COUNT];

    add_totals(summary, totals);
    for (int i = 0; i < LANG_COUNT; i++) {
        enum language language = (enum language)i;
        char recipients[NUMBER];
        char versions[NUMBER];
        const char *const cells[] = {language_name(language), language_tag(language),
                                     number(recipients, totals[i].recipients),
                                     number(versions, totals[i].versions)};

        if (totals[i].versions > 0) {
            output_table_row(table, cells);
        }
    }
    output_table_print(table, false);
}

static void print_versions(const struct letter_summary *summary)
{
    const char *headings[4 + BLOCKS + 1] = {">version", "language", ">recipients"};
    struct output_table *table;

    for (size_t i = 0; i < BLOCKS; i++) {
        headings[3 + i] = blocks[i].heading;
    }
    headings[3 + BLOCKS] = ">HTML KB";
    headings[4 + BLOCKS] = "subject";
    table = output_table_new(5 + BLOCKS, headings);
    for (size_t i = 0; i < summary->group_count; i++) {
        const struct letter_group *group = &summary->groups[i];
        char numbers[3 + BLOCKS][NUMBER];
        const char *cells[5 + BLOCKS] = {number(numbers[0], (int64_t)i + 1),
                                         language_tag(group->language),
                                         number(numbers[1], group->recipients)};

        for (size_t k = 0; k < BLOCKS; k++) {
            cells[3 + k] = number(numbers[3 + k], count_lines(group, blocks[k].name));
        }
        cells[3 + BLOCKS] = number(numbers[2], (int64_t)(group->html_bytes + 1023) / 1024);
        cells[4 + BLOCKS] = group->subject;
        output_table_row(table, cells);
    }
    output_table_print(table, false);
}

void summary_print(const struct letter_summary *summary)
{
    printf("%s to the list '%s': %" PRId64 " recipient%s, %zu version%s\n\n", summary->subject,
           summary->newsletter->list, summary->total, summary->total == 1 ? "" : "s",
           summary->group_count, summary->group_count == 1 ? "" : "s");
    print_languages(summary);
    puts("");
    print_versions(summary);
    for (size_t i = 0; i < summary->group_count; i++) {
        const struct letter_group *group = &summary->groups[i];

        printf("\n%s%zu: %" PRId64 "  %s  %s%s  (HTML %zu KB)\n",
               output_colour(stdout, OUTPUT_STRONG), i + 1, group->recipients,
               language_tag(group->language), group->subject, output_colour(stdout, OUTPUT_PLAIN),
               (group->html_bytes + 1023) / 1024);
        summary_lines(group->lines, group->line_count, "      ");
    }
    if (summary->nothing_new > 0) {
        printf("Nothing new for %" PRId64 ": they get no letter.\n", summary->nothing_new);
    }
    print_reasons(&summary->reasons);
    for (size_t i = 0; i < summary->warning_count; i++) {
        printf("warning: %s\n", summary->warnings[i]);
    }
}

static void write_reasons(struct json_writer *json, const struct recipients_count *reasons)
{
    json_write_key(json, "others");
    json_write_object(json);
    json_write_int_at(json, "left", reasons->left);
    json_write_int_at(json, "pending", reasons->pending);
    json_write_int_at(json, "unconfirmed", reasons->unconfirmed);
    json_write_int_at(json, "suppressed", reasons->suppressed);
    json_write_int_at(json, "outside", reasons->outside);
    json_write_int_at(json, "not_on_list", reasons->not_on_list);
    json_write_object_end(json);
}

static void write_languages(struct json_writer *json, const struct letter_summary *summary)
{
    struct language_total totals[LANG_COUNT];

    add_totals(summary, totals);
    json_write_key(json, "languages");
    json_write_array(json);
    for (int i = 0; i < LANG_COUNT; i++) {
        if (totals[i].versions > 0) {
            json_write_object(json);
            json_write_text_at(json, "language", language_tag((enum language)i));
            json_write_int_at(json, "recipients", totals[i].recipients);
            json_write_int_at(json, "versions", totals[i].versions);
            json_write_object_end(json);
        }
    }
    json_write_array_end(json);
}

static void write_version(struct json_writer *json, const struct letter_group *group)
{
    json_write_object(json);
    json_write_text_at(json, "language", language_tag(group->language));
    json_write_text_at(json, "subject", group->subject);
    json_write_int_at(json, "recipients", group->recipients);
    json_write_int_at(json, "html_bytes", (int64_t)group->html_bytes);
    json_write_key(json, "counts");
    json_write_object(json);
    for (size_t i = 0; i < BLOCKS; i++) {
        json_write_int_at(json, blocks[i].name, count_lines(group, blocks[i].name));
    }
    json_write_object_end(json);
    summary_lines_json(json, group->lines, group->line_count);
    json_write_object_end(json);
}

void summary_json(const struct workspace *workspace, const struct letter_summary *summary,
                  const struct forecast *forecast)
{
    struct str out;
    struct json_writer json = json_writer(&out);

    str_init(&out, LIMIT_ARENA_WORK);
    json_write_object(&json);
    json_write_text_at(&json, "subject", summary->subject);
    json_write_int_at(&json, "mailing", summary->mailing);
    json_write_int_at(&json, "recipients", summary->total);
    json_write_int_at(&json, "nothing_new", summary->nothing_new);
    write_languages(&json, summary);
    json_write_key(&json, "versions");
    json_write_array(&json);
    for (size_t i = 0; i < summary->group_count; i++) {
        write_version(&json, &summary->groups[i]);
    }
    json_write_array_end(&json);
    write_reasons(&json, &summary->reasons);
    json_write_key(&json, "warnings");
    json_write_array(&json);
    for (size_t i = 0; i < summary->warning_count; i++) {
        json_write_text(&json, summary->warnings[i]);
    }
    json_write_array_end(&json);
    workspace_left_json(workspace, &json);
    forecast_json(forecast, &json);
    json_write_object_end(&json);
    puts(out.data);
    str_release(&out);
}

/* ---- invitations ---- */

void summary_invite_print(const struct invite_summary *summary)
{
    static const char *const headings[] = {"language", "", ">recipients", "subject"};
    struct output_table *table = output_table_new(4, headings);

    printf("%s: %" PRId64 " invitation%s", summary->subject, summary->total,
           summary->total == 1 ? "" : "s");
    printf(summary->invited_before > 0 ? " (%" PRId64 " are invited already)\n\n" : "\n\n",
           summary->invited_before);
    for (size_t i = 0; i < summary->group_count; i++) {
        const struct invite_group *group = &summary->groups[i];
        char recipients[NUMBER];
        const char *const cells[] = {language_name(group->language), language_tag(group->language),
                                     number(recipients, group->recipients), group->subject};

        output_table_row(table, cells);
    }
    output_table_print(table, false);
    print_reasons(&summary->reasons);
}

void summary_invite_json(const struct workspace *workspace, const struct invite_summary *summary,
                         const struct forecast *forecast)
{
    struct str out;
    struct json_writer json = json_writer(&out);

    str_init(&out, LIMIT_TEXT);
    json_write_object(&json);
    json_write_text_at(&json, "subject", summary->subject);
    json_write_int_at(&json, "recipients", summary->total);
    json_write_int_at(&json, "invited_before", summary->invited_before);
    json_write_key(&json, "languages");
    json_write_array(&json);
    for (size_t i = 0; i < summary->group_count; i++) {
        json_write_object(&json);
        json_write_text_at(&json, "language", language_tag(summary->groups[i].language));
        json_write_int_at(&json, "recipients", summary->groups[i].recipients);
        json_write_text_at(&json, "subject", summary->groups[i].subject);
        json_write_object_end(&json);
    }
    json_write_array_end(&json);
    write_reasons(&json, &summary->reasons);
    workspace_left_json(workspace, &json);
    forecast_json(forecast, &json);
    json_write_object_end(&json);
    puts(out.data);
    str_release(&out);
}
