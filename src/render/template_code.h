/* template_code.h - what a template is compiled to; for template*.c alone. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/render/template.h"

enum code_op {
    CODE_TEXT,
    CODE_INDENT, /* a line of the template begins: the indentation of a partial goes here */
    CODE_VARIABLE,
    CODE_RAW,
    CODE_SECTION,
    CODE_INVERTED,
    CODE_END,
    CODE_PARTIAL
};

struct code {
    enum code_op op;
    int line;
    const char *text; /* the text, or the name in the tag */
    size_t len;
    size_t end;         /* of a section: the index of its CODE_END */
    const char *indent; /* of a partial that stands alone: the white space before it */
    size_t indent_len;
    bool always;              /* a partial outside every section */
    struct template *partial; /* NULL if there is none and the set is lenient */
};

enum template_check { CHECK_NONE, CHECK_UNDERWAY, CHECK_DONE };

struct template
{
    const char *name; /* mail/letter.html */
    const char *file; /* mail/letter.html.mustache: for messages */
    bool html;
    bool strict;
    struct code *code;
    size_t count;
    size_t capacity;
    enum template_check check; /* for recursion without data */
    struct template *next;
};

/* Compiles `text`, which must stay. Partials keep partial == NULL. */
int template_compile(struct arena *arena, struct template *template, const char *text, size_t len,
                     struct err *err);
