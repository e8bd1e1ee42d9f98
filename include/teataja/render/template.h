/* teataja/render/template.h - Mustache templates, compiled once, rendered often.
 *
 * The language is that of the Mustache specification (its required modules:
 * comments, delimiters, interpolation, inverted, partials, sections; no lambdas,
 * no inheritance). What it leaves open is decided here:
 *
 * Names. A set of templates is one or more folders, searched in order, so that
 * the site's own templates/ comes before the installed one. The template
 * "mail/letter.html" is the file mail/letter.html.mustache of the first folder
 * that has it. A partial takes the folder and the ending of the template that
 * names it: {{> calls}} in mail/letter.html is mail/calls.html; with a slash,
 * {{> web/head}}, it is taken from the top: web/head.html. Names are made of
 * a-z A-Z 0-9 _ - . and /, without "..".
 *
 * Escaping goes by the output. In templates whose name ends in ".html", {{x}}
 * writes & < > " ' as character references; in all others (".txt", ".subject")
 * nothing is escaped.
 *
 * Raw. {{{x}}} and {{&x}} write as it is. Raw is for markup that our own code
 * made (value_set_markup, and numbers and truths): in a strict set, a raw
 * tag of an HTML template that meets a plain text is an error.
 *
 * Strict. In a strict set a name that the data does not know is an error, in
 * variables, sections and inverted sections alike, and so is a partial that is
 * not there; what may be absent is set to null by whoever builds the data. In a
 * set of TEMPLATE_LENIENT both are empty, as the specification says.
 *
 * Sections. Null, false, 0, an empty text and an empty list are false.
 *
 * Errors name file and line: "mail/letter.html.mustache:12: section 'calls' is
 * not closed". Sections and partials nest LIMIT_TEMPLATE_DEPTH deep; a partial
 * that reaches itself with no section on the way is refused when loaded, a
 * recursion over data when it is too deep.
 */
#pragma once

#include <stddef.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/str.h"
#include "teataja/render/value.h"

struct template_set;
struct template;

enum template_mode { TEMPLATE_STRICT, TEMPLATE_LENIENT };

/* A set over `count` folders (which may be 0, and need not exist); the names
 * are copied. NULL when out of memory. */
struct template_set *template_set_new(const char *const *folders, size_t count,
                                      enum template_mode mode);

/* Frees the set and all its templates. */
void template_set_free(struct template_set *set);

/* Adds a template by its text, in place of any file of that name; before any
 * template that uses it is found. */
int template_set_add(struct template_set *set, const char *name, const char *text,
                     struct err *err);

/* Finds, compiles and keeps a template with all the partials it names; it
 * belongs to the set. ERR_NOT_FOUND if no folder has it, ERR_INVALID with file
 * and line if it or a partial is wrong. Not thread-safe, unlike rendering. */
int template_find(struct template_set *set, const char *name, const struct template **out,
                  struct err *err);

/* Appends the template over `data` to `out`, whose ceiling bounds the output.
 * Any number of threads may render one template at a time. Errors: ERR_INVALID
 * (a name that the data does not know, with file and line), ERR_LIMIT (depth,
 * output), ERR_NOMEM; `out` then holds a part. */
int template_render(const struct template *template, const struct value *data, struct str *out,
                    struct err *err);

/* Appends `text` with & < > " ' escaped, for code that writes HTML itself. */
void template_escape_html(struct str *out, const char *text, size_t len);
