#include <stdio.h>
#include <string.h>

#include "markdown_tree.h"
#include "teataja/render/template.h"

struct html_writer {
    struct str *out;
    const struct theme *theme;
    int heading_offset;
};

static void write_marks(struct html_writer *writer, const struct mark *first,
                        const struct mark *end, const struct mark *parent);

static void add_text(struct html_writer *writer, const char *text)
{
    template_escape_html(writer->out, text, strlen(text));
}

/* `<name` with the style and class of an element; the caller closes it. */
static void open_tag(struct html_writer *writer, const char *name, enum theme_element element)
{
    str_addf(writer->out, "<%s style=\"%s\" class=\"%s\"", name,
             theme_style(writer->theme, element), theme_class(element));
}

static void write_element(struct html_writer *writer, const char *name, enum theme_element element,
                          const struct mark *mark)
{
    open_tag(writer, name, element);
    str_add_char(writer->out, '>');
    write_marks(writer, mark->child, NULL, mark);
    str_addf(writer->out, "</%s>", name);
}

static void write_heading(struct html_writer *writer, const struct mark *mark)
{
    static const enum theme_element elements[] = {THEME_H1, THEME_H2, THEME_H3, THEME_H4};
    int level = mark->number + writer->heading_offset;
    char name[3] = "h1";

    level = level < 1 ? 1 : level > 6 ? 6 : level;
    name[1] = (char)('0' + level);
    write_element(writer, name, elements[level > 4 ? 3 : level - 1], mark);
    str_add_char(writer->out, '\n');
}

static void write_list(struct html_writer *writer, const struct mark *mark)
{
    open_tag(writer, mark->ordered ? "ol" : "ul",
             mark->ordered ? THEME_LIST_ORDERED : THEME_LIST_BULLET);
    if (mark->ordered && mark->number != 1) {
        str_addf(writer->out, " start=\"%d\"", mark->number);
    }
    str_add(writer->out, ">\n");
    write_marks(writer, mark->child, NULL, mark);
    str_add(writer->out, mark->ordered ? "</ol>\n" : "</ul>\n");
}

/* In a tight list an item's words stand in it without a paragraph. */
static void write_item(struct html_writer *writer, const struct mark *mark, const struct mark *list)
{
    bool tight = list != NULL && list->tight;

    open_tag(writer, "li", THEME_ITEM);
    str_add_char(writer->out, '>');
    for (const struct mark *child = mark->child; child != NULL; child = child->next) {
        if (child->kind == MARK_PARAGRAPH && tight) {
            write_marks(writer, child->child, NULL, child);
        } else if (child->kind == MARK_PARAGRAPH) {
            write_element(writer, "p", THEME_ITEM_PARAGRAPH, child);
        } else {
            write_marks(writer, child, child->next, mark);
        }
    }
    str_add(writer->out, "</li>\n");
}

static void write_link(struct html_writer *writer, const struct mark *mark)
{
    open_tag(writer, "a", THEME_LINK);
    str_add(writer->out, " href=\"");
    add_text(writer, mark->text);
    str_add(writer->out, "\">");
    write_marks(writer, mark->child, NULL, mark);
    str_add(writer->out, "</a>");
}

static void write_image(struct html_writer *writer, const struct mark *mark)
{
    open_tag(writer, "img", THEME_IMAGE);
    str_add(writer->out, " src=\"");
    add_text(writer, mark->text);
    str_add(writer->out, "\" alt=\"");
    add_text(writer, mark->alt);
    str_add(writer->out, "\">");
}

static void write_block(struct html_writer *writer, const struct mark *mark,
                        const struct mark *parent)
{
    switch (mark->kind) {
    case MARK_PARAGRAPH:
        write_element(writer, "p",
                      parent != NULL && parent->kind == MARK_QUOTE ? THEME_QUOTE_PARAGRAPH
                                                                   : THEME_PARAGRAPH,
                      mark);
        str_add_char(writer->out, '\n');
        break;
    case MARK_HEADING:
        write_heading(writer, mark);
        break;
    case MARK_LIST:
        write_list(writer, mark);
        break;
    case MARK_ITEM:
        write_item(writer, mark, parent);
        break;
    case MARK_QUOTE:
        write_element(writer, "blockquote", THEME_QUOTE, mark);
        str_add_char(writer->out, '\n');
        break;
    case MARK_CODE_BLOCK:
        open_tag(writer, "pre", THEME_CODE_BLOCK);
        str_add_char(writer->out, '>');
        add_text(writer, mark->text);
        str_add(writer->out, "</pre>\n");
        break;
    case MARK_RULE:
        open_tag(writer, "hr", THEME_RULE);
        str_add(writer->out, ">\n");
        break;
    default:
        break;
    }
}

static void write_inline(struct html_writer *writer, const struct mark *mark)
{
    switch (mark->kind) {
    case MARK_SOFT_BREAK:
        str_add_char(writer->out, '\n');
        break;
    case MARK_HARD_BREAK:
        str_add(writer->out, "<br>\n");
        break;
    case MARK_CODE:
        open_tag(writer, "code", THEME_CODE);
        str_add_char(writer->out, '>');
        add_text(writer, mark->text);
        str_add(writer->out, "</code>");
        break;
    case MARK_EMPHASIS:
    case MARK_STRONG:
        str_add(writer->out, mark->kind == MARK_STRONG ? "<strong>" : "<em>");
        write_marks(writer, mark->child, NULL, mark);
        str_add(writer->out, mark->kind == MARK_STRONG ? "</strong>" : "</em>");
        break;
    case MARK_LINK:
        write_link(writer, mark);
        break;
    case MARK_IMAGE:
        write_image(writer, mark);
        break;
    default:
        add_text(writer, mark->text);
        break;
    }
}

static void write_marks(struct html_writer *writer, const struct mark *first,
                        const struct mark *end, const struct mark *parent)
{
    for (const struct mark *mark = first; mark != end; mark = mark->next) {
        if (mark->kind < MARK_TEXT) {
            write_block(writer, mark, parent);
        } else {
            write_inline(writer, mark);
        }
    }
}

int markdown_html(const struct markdown *document, size_t index, const struct theme *theme,
                  int heading_offset, struct str *out, struct err *err)
{
    struct html_writer writer = {out, theme, heading_offset};

    if (index < document->count) {
        const struct markdown_part *part = &document->parts[index];
        write_marks(&writer, part->first, part->end, NULL);
    }
    return str_check(out, err);
}
