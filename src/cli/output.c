#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output.h"
#include "teataja/base/arena.h"
#include "teataja/base/civil.h"
#include "teataja/base/json.h"
#include "teataja/base/limits.h"
#include "teataja/base/str.h"
#include "teataja/render/text.h"

static const char *const escapes[] = {
    [OUTPUT_PLAIN] = "\033[0m", [OUTPUT_GOOD] = "\033[32m", [OUTPUT_BAD] = "\033[31m",
    [OUTPUT_WARN] = "\033[33m", [OUTPUT_DIM] = "\033[2m",   [OUTPUT_STRONG] = "\033[1m",
};

const char *output_colour(FILE *out, enum output_tone tone)
{
    const char *no_color = getenv("NO_COLOR");

    return isatty(fileno(out)) && (no_color == NULL || *no_color == '\0') ? escapes[tone] : "";
}

const char *output_when(struct arena *arena, int64_t instant)
{
    struct civil civil;
    char text[CIVIL_TEXT];

    if (instant == 0) {
        return "";
    }
    civil_from_utc(instant, &civil);
    civil.second = 0;
    civil_print(&civil, text);
    return arena_strdup(arena, text);
}

struct output_table {
    struct arena *arena;
    size_t columns;
    const char **headings;
    const char ***rows;
    size_t count;
    size_t capacity;
    bool failed;
};

struct output_table *output_table_new(size_t columns, const char *const *headings)
{
    struct arena *arena = arena_new(LIMIT_ARENA_SITE);
    struct output_table *table = arena != NULL ? arena_alloc(arena, 1, sizeof(*table)) : NULL;

    if (table == NULL) {
        arena_free(arena);
        return NULL;
    }
    table->arena = arena;
    table->columns = columns;
    table->headings = arena_alloc(arena, columns, sizeof(*table->headings));
    for (size_t i = 0; table->headings != NULL && i < columns; i++) {
        table->headings[i] = headings[i];
    }
    table->failed = table->headings == NULL;
    return table;
}

void output_table_row(struct output_table *table, const char *const *cells)
{
    const char **row;

    if (table == NULL || table->failed) {
        return;
    }
    row = arena_alloc(table->arena, table->columns, sizeof(*row));
    if (row == NULL || arena_grow(table->arena, &table->rows, &table->capacity, table->count,
                                  sizeof(*table->rows), NULL) < 0) {
        table->failed = true;
        return;
    }
    for (size_t i = 0; i < table->columns; i++) {
        row[i] = arena_strdup(table->arena, cells[i] != NULL ? cells[i] : "");
        table->failed |= row[i] == NULL;
    }
    table->rows[table->count++] = row;
}

static bool is_right(const struct output_table *table, size_t column)
{
    return table->headings[column][0] == '>';
}

static const char *heading(const struct output_table *table, size_t column)
{
    return table->headings[column] + (is_right(table, column) ? 1 : 0);
}

static void print_cell(const char *text, size_t width, bool right, bool last)
{
    size_t have = text_width(text, strlen(text));
    int pad = have < width ? (int)(width - have) : 0;

    if (right) {
        printf("%*s%s", pad, "", text);
    } else if (last) {
        fputs(text, stdout);
    } else {
        printf("%s%*s", text, pad, "");
    }
    fputs(last ? "\n" : "  ", stdout);
}

static void print_text(const struct output_table *table)
{
    size_t *widths = arena_alloc(table->arena, table->columns, sizeof(*widths));

    for (size_t column = 0; widths != NULL && column < table->columns; column++) {
        widths[column] = text_width(heading(table, column), strlen(heading(table, column)));
        for (size_t i = 0; i < table->count; i++) {
            size_t width = text_width(table->rows[i][column], strlen(table->rows[i][column]));

            widths[column] = width > widths[column] ? width : widths[column];
        }
    }
    if (widths == NULL) {
        return;
    }
    fputs(output_colour(stdout, OUTPUT_STRONG), stdout);
    for (size_t column = 0; column < table->columns; column++) {
        print_cell(heading(table, column), widths[column], is_right(table, column),
                   column + 1 == table->columns);
    }
    fputs(output_colour(stdout, OUTPUT_PLAIN), stdout);
    for (size_t i = 0; i < table->count; i++) {
        for (size_t column = 0; column < table->columns; column++) {
            print_cell(table->rows[i][column], widths[column], is_right(table, column),
                       column + 1 == table->columns);
        }
    }
}

static bool is_number(const char *text)
{
    size_t digits = strspn(text, "0123456789");

    return digits > 0 && digits < 18 && text[digits] == '\0';
}

static void print_json(const struct output_table *table)
{
    struct str out;
    struct json_writer json = json_writer(&out);

    str_init(&out, LIMIT_ARENA_SITE);
    json_write_array(&json);
    for (size_t i = 0; i < table->count; i++) {
        json_write_object(&json);
        for (size_t column = 0; column < table->columns; column++) {
            const char *cell = table->rows[i][column];
            char key[64];
            size_t len = 0;

            for (const char *c = heading(table, column); *c != '\0' && len + 1 < sizeof(key); c++) {
                if (*c != '(' && *c != ')') {
                    key[len++] = *c == ' ' ? '_' : (char)tolower((unsigned char)*c);
                }
            }
            key[len] = '\0';
            json_write_key(&json, key);
            if (is_right(table, column) && is_number(cell)) {
                json_write_int(&json, strtoll(cell, NULL, 10));
            } else {
                json_write_text(&json, cell);
            }
        }
        json_write_object_end(&json);
    }
    json_write_array_end(&json);
    puts(out.data);
    str_release(&out);
}

void output_table_print(struct output_table *table, bool json)
{
    if (table == NULL || table->failed) {
        fputs("teataja: out of memory\n", stderr);
    } else if (json) {
        print_json(table);
    } else if (table->count > 0) {
        print_text(table);
    } else if (isatty(STDOUT_FILENO)) {
        puts("none"); /* a person would wonder; a script counts lines */
    }
    if (table != NULL) {
        arena_free(table->arena);
    }
}

void output_text_json(const char *key, const char *text)
{
    struct str out;
    struct json_writer json = json_writer(&out);

    str_init(&out, LIMIT_TEXT);
    json_write_object(&json);
    json_write_text_at(&json, key, text);
    json_write_object_end(&json);
    puts(out.data);
    str_release(&out);
}
