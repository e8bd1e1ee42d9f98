/* edition.c - see edition.h. */
#include "edition.h"

#include <string.h>

#include "block.h"
#include "teataja/base/limits.h"
#include "teataja/render/text.h"

static bool has_block(const struct newsletter *newsletter, int block)
{
    for (size_t i = 0; i < newsletter->block_count; i++) {
        if (newsletter->blocks[i] == block) {
            return true;
        }
    }
    return false;
}

static int read_doc(struct arena *arena, const struct letter *letter, const struct edition *edition,
                    struct letter_doc *doc, struct err *err)
{
    int rc = item_body(arena, &letter->issue->item, edition, NULL, &doc->body, err);

    if (rc < 0) {
        return rc;
    }
    doc->edition = edition;
    for (size_t i = 0; i < markdown_count(doc->body); i++) {
        const struct markdown_segment *segment = markdown_segment(doc->body, i);

        for (int block = 0; segment->block != NULL && block < ITEM_BLOCKS; block++) {
            if (strcmp(segment->block, item_blocks[block]) == 0 &&
                has_block(letter->newsletter, block)) {
                doc->blocks |= 1U << (unsigned)block;
            }
        }
    }
    doc->named =
        markdown_uses(doc->body, SLOT_NAME) ||
        (edition->title != NULL && strstr(edition->title, item_tokens[SLOT_NAME].name) != NULL) ||
        (edition->preheader != NULL &&
         strstr(edition->preheader, item_tokens[SLOT_NAME].name) != NULL);
    return 0;
}

int letter_read(struct compose *compose, struct arena *arena, const struct issue *issue,
                int64_t date, struct letter *out, struct err *err)
{
    int rc = 0;

    memset(out, 0, sizeof(*out));
    out->compose = compose;
    out->issue = issue;
    out->newsletter = issue->newsletter;
    out->date = date;
    if (issue->newsletter == NULL) {
        return err_set(err, ERR_INVALID, "%s: no newsletter '%s'", issue->item.file,
                       issue->newsletter_slug != NULL ? issue->newsletter_slug : "");
    }
    out->list = site_list_find(&compose->site.config->site, out->newsletter->list);
    if (out->list == NULL) {
        return err_set(err, ERR_INVALID, "%s: no list '%s'", out->newsletter->file,
                       out->newsletter->list);
    }
    for (size_t i = 0; rc == 0 && i < LANG_COUNT; i++) {
        const struct edition *edition = issue->item.editions[i];

        if (edition == NULL) {
            continue;
        }
        if (!issue->automatic && (edition->title == NULL || edition->title[0] == '\0')) {
            return err_set(err, ERR_INVALID, "%s: the subject is missing", edition->file);
        }
        rc = read_doc(arena, out, edition, &out->docs[i], err);
    }
    return rc;
}

const char *edition_tokens(struct arena *arena, const char *text)
{
    struct str out;
    const char *result;

    if (text == NULL) {
        return NULL;
    }
    str_init(&out, LIMIT_TEXT);
    while (*text != '\0') {
        const char *end = strncmp(text, "{{", 2) == 0 ? strstr(text, "}}") : NULL;
        const char *name = text + 2;
        size_t len;
        int token = 0;

        if (end == NULL) {
            str_add_char(&out, *text++);
            continue;
        }
        name += strspn(name, " ");
        len = strcspn(name, " }");
        while (token < ITEM_TOKENS && (strlen(item_tokens[token].name) != len ||
                                       strncmp(item_tokens[token].name, name, len) != 0)) {
            token++;
        }
        if (token < ITEM_TOKENS) {
            str_add(&out, slot_text((enum slot)token));
        } else {
            str_add_bytes(&out, text, (size_t)(end + 2 - text));
        }
        text = end + 2;
    }
    result = out.failed == 0 ? arena_strdup(arena, out.data) : NULL;
    str_release(&out);
    return result;
}

/* Appends a template over the frame's data. */
static int add_template(struct frame *frame, const char *name, const char *ending, struct str *out,
                        struct err *err)
{
    const struct template *template;
    const char *full = arena_printf(frame->arena, "mail/%s.%s", name, ending);
    int rc;

    if (full == NULL) {
        return err_nomem(err);
    }
    rc = template_find(frame->compose->templates, full, &template, err);
    return rc < 0 ? rc : template_render(template, frame->root, out, err);
}

int edition_templates(struct frame *frame, const char *name, struct rendered *out, struct err *err)
{
    struct str html;
    struct str text;
    int rc;

    str_init(&html, LIMIT_TEXT);
    str_init(&text, LIMIT_TEXT);
    rc = add_template(frame, name, "html", &html, err);
    if (rc == 0) {
        rc = add_template(frame, name, "txt", &text, err);
    }
    if (rc == 0) {
        str_trim_end(&html);
        str_trim_end(&text);
        str_add_char(&html, '\n');
        str_add_char(&text, '\n');
        rc = str_check(&text, err);
    }
    if (rc == 0) {
        out->html = arena_strdup(frame->arena, html.data);
        out->html_len = html.len;
        out->text = arena_strdup(frame->arena, text.data);
        out->text_len = text.len;
        rc = out->html != NULL && out->text != NULL ? 0 : err_nomem(err);
    }
    str_release(&html);
    str_release(&text);
    return rc;
}

/* One empty line between the parts of a plain text. */
static void separate(struct str *text)
{
    str_trim_end(text);
    if (text->len > 0) {
        str_add(text, "\n\n");
    }
}

static int add_segment(struct frame *frame, const struct letter_doc *doc, size_t index,
                       int *footnote, struct str *html, struct str *text, struct err *err)
{
    const struct markdown_text_options options = {.footnote = footnote};
    const char *block = markdown_segment(doc->body, index)->block;
    int rc;

    separate(text);
    if (block != NULL) {
        rc = add_template(frame, block, "html", html, err);
        return rc < 0 ? rc : add_template(frame, block, "txt", text, err);
    }
    rc = markdown_html(doc->body, index, &frame->theme, 1, html, err);
    return rc < 0 ? rc : markdown_text(doc->body, index, &options, text, err);
}

/* Fills body_html and body_text: Markdown and blocks in the author's order; that there is
 * nothing new stands above the first block. */
static int set_body(struct frame *frame, const struct letter_doc *doc, bool nothing,
                    struct err *err)
{
    struct str html;
    struct str text;
    int footnote = 0;
    int rc = 0;

    str_init(&html, LIMIT_TEXT);
    str_init(&text, LIMIT_TEXT);
    for (size_t i = 0; rc == 0 && i < markdown_count(doc->body); i++) {
        if (nothing && markdown_segment(doc->body, i)->block != NULL) {
            separate(&text);
            rc = add_template(frame, "nothing", "html", &html, err);
            rc = rc < 0 ? rc : add_template(frame, "nothing", "txt", &text, err);
            nothing = false;
        }
        rc = rc < 0 ? rc : add_segment(frame, doc, i, &footnote, &html, &text, err);
    }
    if (rc == 0) {
        str_trim_end(&text);
        value_set_markup(frame->root, "body_html", html.data);
        value_set_text(frame->root, "body_text", text.data);
        rc = value_check(frame->root, err);
    }
    str_release(&html);
    str_release(&text);
    return rc;
}

/* "3 open calls · 1 event": what is new. NULL if nothing is. */
static const char *fresh_counts(struct frame *frame, const struct selection *selection)
{
    struct {
        const char *key;
        size_t count;
    } counts[] = {{"count.calls", 0},
                  {"count.closing", 0},
                  {"count.events", selection->event_count},
                  {"count.news", selection->news_count}};
    const char *line = NULL;

    for (size_t i = 0; i < selection->call_count; i++) {
        enum selection_reason reason = selection->calls[i].reason;

        counts[0].count += reason == SELECT_NEW || reason == SELECT_MOVED;
        counts[1].count += reason == SELECT_CLOSING;
    }
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        const char *words = counts[i].count > 0 ? frame_text_count(frame, counts[i].key, "count",
                                                                   (int64_t)counts[i].count)
                                                : NULL;

        if (words != NULL) {
            line = line != NULL ? frame_printf(frame, "%s · %s", line, words) : words;
        }
    }
    return line;
}

/* The titles of what is new, as many as a mail program shows. */
static const char *fresh_titles(struct frame *frame, const struct selection *selection)
{
    enum { TITLES = 4 };
    const char *titles[TITLES] = {NULL};
    const char *line = NULL;
    size_t count = 0;

    for (size_t i = 0; i < selection->call_count && count < TITLES; i++) {
        const struct selected_call *call = &selection->calls[i];

        if (call->reason != SELECT_STILL && call->reason != SELECT_CLOSED) {
            titles[count++] = call->call->item.editions[call->language]->title;
        }
    }
    for (size_t i = 0; i < selection->event_count && count < TITLES; i++) {
        const struct selected_event *event = &selection->events[i];

        titles[count++] = event_edition(event->event, event->language)->title;
    }
    for (size_t i = 0; i < selection->news_count && count < TITLES; i++) {
        const struct selected_news *news = &selection->news[i];

        titles[count++] = news->news->item.editions[news->language]->title;
    }
    for (size_t i = 0; i < count; i++) {
        line = line != NULL ? frame_printf(frame, "%s · %s", line, titles[i]) : titles[i];
    }
    return line;
}

/* NULL if the author says nothing. */
static const char *author_text(struct frame *frame, const char *text)
{
    return text != NULL ? frame_keep(frame, edition_tokens(frame->arena, text)) : NULL;
}

static void set_subject(struct frame *frame, const struct letter *letter,
                        const struct selection *selection, struct rendered *out)
{
    const struct edition *edition = letter->docs[selection->language].edition;
    const char *title = author_text(frame, edition->title);
    const char *preheader = author_text(frame, edition->preheader);
    const char *subject = title;

    if (title == NULL) {
        const char *counts = fresh_counts(frame, selection);
        const char *name =
            lang_text_get(&letter->newsletter->name, frame->language, letter->newsletter->fallback);

        title = name;
        subject = counts != NULL ? frame_printf(frame, "%s: %s", name, counts) : name;
        value_set_text(frame->root, "counts", counts);
    }
    if (preheader == NULL && letter->issue->automatic) {
        preheader = fresh_titles(frame, selection);
    }
    value_set_text(frame->root, "title", title);
    value_set_text(frame->root, "preheader", preheader);
    out->subject =
        letter->test ? frame_text_with(frame, "letter.test", "subject", subject) : subject;
}

static void set_slots(const struct frame *frame, bool nameless, struct rendered *out)
{
    const struct newsletter *newsletter = frame->newsletter;

    out->slots.nameless = nameless;
    out->slots.fixed.value[SLOT_SITE] = compose_site_name(frame->compose, frame->language);
    out->slots.fixed.value[SLOT_NEWSLETTER] =
        newsletter != NULL ? lang_text_get(&newsletter->name, frame->language,
                                           frame->compose->site.config->site.languages[0])
                           : out->slots.fixed.value[SLOT_SITE];
}

static int too_large(const struct letter *letter, const struct rendered *rendered,
                     const struct selection *selection, struct err *err)
{
    return err_set(err, ERR_LIMIT,
                   "the letter %s in %s with %zu calls, %zu events and %zu news is %zu KB, over "
                   "%d KB: give calls a summary, shorten texts, or lower events_within and "
                   "news_max_age of the newsletter",
                   letter->issue->item.slug, language_name(rendered->language),
                   selection->call_count, selection->event_count, selection->news_count,
                   rendered->html_len / 1024, LIMIT_HTML / 1024);
}

static int render(const struct letter *letter, struct arena *arena,
                  const struct selection *selection, bool nameless, int brief, struct rendered *out,
                  struct err *err)
{
    const struct letter_doc *doc = &letter->docs[selection->language];
    const struct frame_options options = {
        .language = selection->language,
        .zone = selection->zone,
        .newsletter = letter->newsletter,
        .list = letter->list,
        .date = letter->date,
        .automatic = letter->issue->automatic,
        .site_brand = doc->edition->title == NULL,
        .funded_by = {letter->newsletter->funded_by, letter->issue->funded_by},
        .funded_by_count = {letter->newsletter->funded_by_count, letter->issue->funded_by_count}};
    struct frame *frame = arena_alloc(arena, 1, sizeof(*frame));
    int rc;

    memset(out, 0, sizeof(*out));
    if (frame == NULL) {
        return err_nomem(err);
    }
    rc = frame_start(letter->compose, arena, &options, frame, err);
    frame->brief = brief;
    if (rc == 0) {
        rc = block_set(frame, selection, err);
    }
    if (rc < 0) {
        return rc;
    }
    out->language = selection->language;
    set_subject(frame, letter, selection, out);
    rc = set_body(frame, doc, letter->issue->automatic && selection->fresh == 0, err);
    if (rc == 0) {
        rc = edition_templates(frame, "letter", out, err);
    }
    if (rc == 0) {
        rc = frame_check(frame, err);
    }
    out->pictures = frame->pictures;
    out->picture_count = frame->picture_count;
    set_slots(frame, nameless, out);
    return rc;
}

int edition_render(const struct letter *letter, struct arena *arena,
                   const struct selection *selection, bool nameless, struct rendered *out,
                   struct err *err)
{
    int rc = 0;

    for (int brief = BRIEF_NOT; rc == 0 && brief < BRIEF_STEPS; brief++) {
        rc = render(letter, arena, selection, nameless, brief, out, err);
        if (rc == 0 && out->html_len <= LIMIT_HTML) {
            return 0;
        }
    }
    return rc == 0 ? too_large(letter, out, selection, err) : rc;
}
