#include "teataja/render/markdown.h"

#include <cmark.h>
#include <string.h>
#include <strings.h>

#include "markdown_tree.h"
#include "teataja/base/limits.h"
#include "teataja/base/utf8.h"

#define SHOWN 60 /* most bytes of the author's text in a message */

struct copier {
    struct arena *arena; /* of the document */
    struct source *source;
    struct err *err;
    bool failed; /* out of memory */
};

/* Reports a problem at a node of cmark's; `needle` refines the column. */
#define PROBLEM(copier, node, needle, ...)                                                         \
    source_problem((copier)->source,                                                               \
                   source_offset((copier)->source, cmark_node_get_start_line(node),                \
                                 cmark_node_get_start_column(node), (needle)),                     \
                   __VA_ARGS__)

static const char *keep(struct copier *copier, const char *text)
{
    const char *copy = arena_strdup(copier->arena, text == NULL ? "" : text);

    if (copy == NULL) {
        copier->failed = true;
        return "";
    }
    return copy;
}

/* How much of an author's text is shown in a message. */
static int shown(const char *text)
{
    return (int)utf8_prefix(text, strlen(text), SHOWN);
}

static bool has_scheme(const char *url, const char *scheme)
{
    return strncasecmp(url, scheme, strlen(scheme)) == 0;
}

/* "http://host..." or "https://host...". */
static bool is_web(const char *url)
{
    size_t skip = has_scheme(url, "https://") ? 8 : has_scheme(url, "http://") ? 7 : 0;

    return skip > 0 && url[skip] != '\0' && strchr("/?#:@", url[skip]) == NULL;
}

static bool is_mailto(const char *url)
{
    const char *at = strchr(url, '@');

    return has_scheme(url, "mailto:") && at != NULL && at > url + 7 && at[1] != '\0' &&
           at[1] != '?';
}

static bool is_tel(const char *url)
{
    return has_scheme(url, "tel:") && url[4] != '\0' &&
           url[4 + strspn(url + 4, "+0123456789-.()")] == '\0';
}

static bool has_scheme_of_any_kind(const char *url)
{
    size_t letters =
        strspn(url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");

    return letters > 0 && url[letters] == ':';
}

/* A slot in a destination is the whole of it, and stands for an address. */
static void check_slot_link(struct copier *copier, cmark_node *node, const char *url)
{
    const struct markdown_options *options = copier->source->options;
    int token = slot_token(url);

    if (token < 0 || strlen(url) != 3) {
        PROBLEM(copier, node, "{{", "a token must be the whole address of a link");
        return;
    }
    if (!options->tokens[token].is_url) {
        PROBLEM(copier, node, options->tokens[token].name,
                "token '%s' is no address, so it cannot be that of a link",
                options->tokens[token].name);
    }
}

static void check_link(struct copier *copier, cmark_node *node, const char *url)
{
    if (slot_is_in(url, strlen(url))) {
        check_slot_link(copier, node, url);
    } else if (url[0] == '\0') {
        PROBLEM(copier, node, NULL, "the link has no address");
    } else if (!has_scheme_of_any_kind(url)) {
        PROBLEM(copier, node, url, "link '%.*s' is relative; write the whole address, https://...",
                shown(url), url);
    } else if (!has_scheme(url, "http:") && !has_scheme(url, "https:") &&
               !has_scheme(url, "mailto:") && !has_scheme(url, "tel:")) {
        PROBLEM(copier, node, url, "link '%.*s' is not http, https, mailto or tel", shown(url),
                url);
    } else if ((!is_web(url) && !is_mailto(url) && !is_tel(url)) ||
               utf8_has_control(url, strlen(url))) {
        PROBLEM(copier, node, url, "link '%.*s' is not a whole address", shown(url), url);
    }
}

/* An address as an HTML attribute may hold it (WHATWG URL): what is not a URL
 * character is percent-encoded, letters of all languages stay. */
static const char *keep_url(struct copier *copier, const char *url)
{
    struct str out;
    const char *kept = "";

    str_init(&out, LIMIT_TEXT);
    for (const char *at = url; *at != '\0'; at++) {
        if (strchr(" \t\n\"<>\\^`{|}", *at) != NULL) {
            str_addf(&out, "%%%02X", (unsigned)(unsigned char)*at);
        } else {
            str_add_char(&out, *at);
        }
    }
    if (str_check(&out, copier->err) < 0) {
        copier->failed = true;
    } else {
        kept = keep(copier, out.data);
    }
    str_release(&out);
    return kept;
}

/* The words of an image's label, without its marks. */
static void flatten(cmark_node *node, struct str *out)
{
    cmark_iter *iter = cmark_iter_new(node);
    cmark_event_type event;

    while ((event = cmark_iter_next(iter)) != CMARK_EVENT_DONE) {
        cmark_node *inner = cmark_iter_get_node(iter);
        cmark_node_type type = cmark_node_get_type(inner);
        if (event != CMARK_EVENT_ENTER) {
            continue;
        }
        if (type == CMARK_NODE_TEXT || type == CMARK_NODE_CODE) {
            str_add(out, cmark_node_get_literal(inner));
        } else if (type == CMARK_NODE_SOFTBREAK || type == CMARK_NODE_LINEBREAK) {
            str_add_char(out, ' ');
        }
    }
    cmark_iter_free(iter);
}

static void copy_image(struct copier *copier, cmark_node *node, struct mark *mark)
{
    const char *url = cmark_node_get_url(node);
    struct str alt;

    if (!is_web(url) || slot_is_in(url, strlen(url)) || utf8_has_control(url, strlen(url))) {
        PROBLEM(copier, node, url, "image '%.*s' is not a whole http or https address", shown(url),
                url);
    }
    str_init(&alt, LIMIT_TEXT);
    flatten(node, &alt);
    if (str_check(&alt, copier->err) < 0) {
        copier->failed = true;
    }
    if (strspn(alt.data, " ") == alt.len) {
        PROBLEM(copier, node, url,
                "image '%.*s' has no alternative text; say what it shows: ![...](...)", shown(url),
                url);
    }
    mark->kind = MARK_IMAGE;
    mark->text = keep_url(copier, url);
    mark->alt = keep(copier, alt.data);
    str_release(&alt);
}

static void copy_list(cmark_node *node, struct mark *mark)
{
    mark->kind = MARK_LIST;
    mark->ordered = cmark_node_get_list_type(node) == CMARK_ORDERED_LIST;
    mark->tight = cmark_node_get_list_tight(node) != 0;
    mark->number = mark->ordered ? cmark_node_get_list_start(node) : 0;
}

static void copy_code(struct copier *copier, cmark_node *node, struct mark *mark,
                      enum mark_kind kind)
{
    mark->kind = kind;
    mark->text = keep(copier, cmark_node_get_literal(node));
    for (const char *at = mark->text; *at != '\0'; at++) {
        if (slot_block(at) >= 0) {
            PROBLEM(copier, node, NULL, "a block cannot stand inside code");
            return;
        }
    }
}

/* The first line of raw HTML, for the message. */
static void refuse_html(struct copier *copier, cmark_node *node)
{
    const char *literal = cmark_node_get_literal(node);
    const char *html = literal != NULL ? literal : "";
    char first[SHOWN + 1] = "";
    size_t len = utf8_prefix(html, strcspn(html, "\n"), SHOWN);

    memcpy(first, html, len);
    first[len] = '\0';
    PROBLEM(copier, node, first, "HTML is not allowed here: '%s'", first);
}

/* A paragraph that is nothing but a block's slot. */
static bool copy_block(struct copier *copier, cmark_node *node, struct mark *mark)
{
    cmark_node *text = cmark_node_first_child(node);
    int block;

    if (text == NULL || cmark_node_next(text) != NULL ||
        cmark_node_get_type(text) != CMARK_NODE_TEXT) {
        return false;
    }
    block = slot_block(cmark_node_get_literal(text));
    if (block < 0) {
        return false;
    }
    mark->kind = MARK_BLOCK;
    mark->text = copier->source->options->blocks[block];
    return true;
}

/* Fills a mark but for its children. False if the node is left out, or has no
 * children worth a look. */
static bool copy_node(struct copier *copier, cmark_node *node, struct mark *mark)
{
    switch (cmark_node_get_type(node)) {
    case CMARK_NODE_PARAGRAPH:
        mark->kind = MARK_PARAGRAPH;
        return !copy_block(copier, node, mark);
    case CMARK_NODE_HEADING:
        mark->kind = MARK_HEADING;
        mark->number = cmark_node_get_heading_level(node);
        return true;
    case CMARK_NODE_LIST:
        copy_list(node, mark);
        return true;
    case CMARK_NODE_ITEM:
        mark->kind = MARK_ITEM;
        return true;
    case CMARK_NODE_BLOCK_QUOTE:
        mark->kind = MARK_QUOTE;
        return true;
    case CMARK_NODE_CODE_BLOCK:
        copy_code(copier, node, mark, MARK_CODE_BLOCK);
        return false;
    case CMARK_NODE_THEMATIC_BREAK:
        mark->kind = MARK_RULE;
        return false;
    case CMARK_NODE_SOFTBREAK:
        mark->kind = MARK_SOFT_BREAK;
        return false;
    case CMARK_NODE_LINEBREAK:
        mark->kind = MARK_HARD_BREAK;
        return false;
    case CMARK_NODE_CODE:
        copy_code(copier, node, mark, MARK_CODE);
        return false;
    case CMARK_NODE_EMPH:
        mark->kind = MARK_EMPHASIS;
        return true;
    case CMARK_NODE_STRONG:
        mark->kind = MARK_STRONG;
        return true;
    case CMARK_NODE_LINK:
        check_link(copier, node, cmark_node_get_url(node));
        mark->kind = MARK_LINK;
        mark->text = keep_url(copier, cmark_node_get_url(node));
        return true;
    case CMARK_NODE_IMAGE:
        copy_image(copier, node, mark);
        return false;
    case CMARK_NODE_HTML_BLOCK:
    case CMARK_NODE_HTML_INLINE:
        refuse_html(copier, node);
        mark->kind = MARK_TEXT;
        mark->text = "";
        return false;
    default:
        mark->kind = MARK_TEXT;
        mark->text = keep(copier, cmark_node_get_literal(node));
        return false;
    }
}

/* Lists do not count beside their items. */
static bool is_a_level(enum mark_kind kind)
{
    return kind == MARK_ITEM || kind == MARK_QUOTE || kind == MARK_EMPHASIS ||
           kind == MARK_STRONG || kind == MARK_LINK;
}

static struct mark *copy_children(struct copier *copier, cmark_node *parent, int depth)
{
    struct mark *first = NULL;
    struct mark **end = &first;

    for (cmark_node *node = cmark_node_first_child(parent); node != NULL && !copier->failed;
         node = cmark_node_next(node)) {
        struct mark *mark = arena_alloc(copier->arena, 1, sizeof(*mark));
        if (mark == NULL) {
            copier->failed = true;
            break;
        }
        if (copy_node(copier, node, mark)) {
            int below = depth + (is_a_level(mark->kind) ? 1 : 0);
            if (below > LIMIT_MARKDOWN_NESTING) {
                PROBLEM(copier, node, NULL, "marks are nested more than %d deep",
                        LIMIT_MARKDOWN_NESTING);
                break;
            }
            mark->child = copy_children(copier, node, below);
        }
        *end = mark;
        end = &mark->next;
    }
    return first;
}

#define HEADING_LEVELS 6

/* Gives each heading its depth in the outline in place of its number of '#', so
 * that no level is skipped, whatever level an author begins with. `open` holds
 * the levels, as written, of the headings that the next one may stand below. */
static void number_headings(struct mark *marks, int open[HEADING_LEVELS], int *depth)
{
    for (struct mark *mark = marks; mark != NULL; mark = mark->next) {
        if (mark->kind == MARK_HEADING) {
            while (*depth > 0 && open[*depth - 1] >= mark->number) {
                (*depth)--;
            }
            open[(*depth)++] = mark->number;
            mark->number = *depth;
        }
        number_headings(mark->child, open, depth);
    }
}

static int add_part(struct markdown *document, struct arena *arena, size_t *capacity,
                    const struct markdown_part *part, struct err *err)
{
    if (arena_grow(arena, &document->parts, capacity, document->count, sizeof(*part), err) < 0) {
        return ERR_NOMEM;
    }
    document->parts[document->count++] = *part;
    return 0;
}

/* Cuts the top level into text and blocks. `root` gives the lines. */
static int split(struct copier *copier, cmark_node *root, const struct mark *marks,
                 struct markdown *document)
{
    cmark_node *node = cmark_node_first_child(root);
    struct markdown_part part = {0};
    size_t capacity = 0;

    for (const struct mark *mark = marks; mark != NULL;
         mark = mark->next, node = cmark_node_next(node)) {
        size_t offset = source_offset(copier->source, cmark_node_get_start_line(node),
                                      cmark_node_get_start_column(node), NULL);
        int line = source_line(copier->source, offset);
        if (mark->kind != MARK_BLOCK && part.first == NULL) {
            part.first = mark;
            part.segment.line = line;
        }
        if (part.first != NULL && (mark->kind == MARK_BLOCK || mark->next == NULL)) {
            part.end = mark->kind == MARK_BLOCK ? mark : NULL;
            if (add_part(document, copier->arena, &capacity, &part, copier->err) < 0) {
                return ERR_NOMEM;
            }
            part = (struct markdown_part){0};
        }
        if (mark->kind == MARK_BLOCK) {
            const struct markdown_part block = {.segment = {mark->text, line}};
            if (add_part(document, copier->arena, &capacity, &block, copier->err) < 0) {
                return ERR_NOMEM;
            }
        }
    }
    return 0;
}

static int read_tree(struct source *source, struct arena *arena, struct markdown *document,
                     struct err *err)
{
    struct copier copier = {.arena = arena, .source = source, .err = err};
    cmark_node *root =
        cmark_parse_document(source->prepared.data, source->prepared.len, CMARK_OPT_DEFAULT);
    struct mark *marks = NULL;
    int open[HEADING_LEVELS] = {0}, depth = 0;
    int rc = 0;

    if (root == NULL) {
        return err_nomem(err);
    }
    marks = copy_children(&copier, root, 0);
    if (copier.failed) {
        rc = err_nomem(err);
    } else if (source->problems == 0) {
        number_headings(marks, open, &depth);
        rc = split(&copier, root, marks, document);
    }
    cmark_node_free(root);
    return rc;
}

int markdown_parse(struct arena *arena, const char *text, size_t len,
                   const struct markdown_options *options, struct report *report,
                   struct markdown **out, struct err *err)
{
    struct source source = {.options = options, .report = report, .len = len};
    struct markdown *document = NULL;
    char *copy = NULL;
    int rc = 0;

    if (options->token_count > MARKDOWN_TOKENS || options->block_count > BLOCK_NAMES) {
        return err_set(err, ERR_LIMIT, "more than %d tokens or %d blocks", MARKDOWN_TOKENS,
                       BLOCK_NAMES);
    }
    source.scratch = arena_new(LIMIT_ARENA_WORK);
    document = arena_alloc(arena, 1, sizeof(*document));
    copy = source.scratch ? arena_alloc(source.scratch, 1, len + 1) : NULL;
    if (source.scratch == NULL || document == NULL || copy == NULL) {
        rc = err_nomem(err);
        goto out;
    }
    memcpy(copy, text, len); /* with any NUL that it holds: the guard reports it */
    source.text = copy;
    rc = source_init(&source, err);
    if (rc == 0 && source_guard(&source) == 0) {
        rc = source_prepare(&source, err);
        rc = rc < 0 ? rc : read_tree(&source, arena, document, err);
    }
    if (rc == 0 && source.problems > 0) {
        rc = err_set(err, ERR_INVALID, "%s", source.first.msg);
    }
    if (rc == 0) {
        memcpy(document->used, source.used, sizeof(document->used));
        *out = document;
    }
out:
    source_release(&source);
    arena_free(source.scratch);
    return rc;
}

size_t markdown_count(const struct markdown *document)
{
    return document->count;
}

const struct markdown_segment *markdown_segment(const struct markdown *document, size_t index)
{
    return index < document->count ? &document->parts[index].segment : NULL;
}

bool markdown_uses(const struct markdown *document, size_t token)
{
    return token < MARKDOWN_TOKENS && document->used[token];
}
