/* src/cli/output.h - what a verb prints: tables, JSON, colour. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"

enum output_tone { OUTPUT_PLAIN, OUTPUT_GOOD, OUTPUT_BAD, OUTPUT_WARN, OUTPUT_DIM, OUTPUT_STRONG };

/* The escape sequence of a tone, or "" where `out` is no terminal or NO_COLOR
 * (no-color.org) is set. */
const char *output_colour(FILE *out, enum output_tone tone);

/* An instant as "2026-12-01 09:00" in UTC, in the arena; "" for 0. */
const char *output_when(struct arena *arena, int64_t instant);

/* A table whose columns are as wide as their widest cell. Cells are copied.
 * Life: output_table_new, rows, output_table_print (which frees it). */
struct output_table;
struct output_table *output_table_new(size_t columns, const char *const *headings);

/* Adds a row; `cells` has one text a column (NULL prints as nothing). A cell
 * that is a number in a column whose heading starts with '>' stands right. */
void output_table_row(struct output_table *table, const char *const *cells);

/* Prints the table ("none" on a terminal if it has no rows), or as a JSON array of objects with the
 * headings (lower case, spaces as '_', no parentheses) as keys. */
void output_table_print(struct output_table *table, bool json);

/* Prints {"key": "text"}. */
void output_text_json(const char *key, const char *text);
