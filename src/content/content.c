#include "teataja/content/content.h"

#include <stdlib.h>
#include <string.h>

#include "load.h"
#include "teataja/base/str.h"

#define LANGUAGE_LIST 256 /* bytes of "Estonian, Russian, ..." */

static void add_language(struct str *out, enum language language)
{
    str_addf(out, "%s%s", out->len > 0 ? ", " : "", language_name(language));
}

/* Languages that readers are promised and that an item lacks: what the fallback
 * of the newsletter covers is worth a warning, anything else an error. */
struct coverage {
    bool covered[LANG_COUNT];
    bool bare[LANG_COUNT];                           /* nothing stands in */
    const struct newsletter *newsletter[LANG_COUNT]; /* that asks for it */
};

static void ask(const struct item *item, const struct newsletter *newsletter,
                struct coverage *coverage)
{
    for (size_t i = 0; i < newsletter->language_count; i++) {
        enum language language = newsletter->languages[i];
        enum language fallback = newsletter->fallback;

        if (language == LANG_NONE || item->editions[language]) {
            continue;
        }
        if (fallback != LANG_NONE && item->editions[fallback]) {
            coverage->covered[language] = true;
        } else if (!coverage->bare[language]) {
            coverage->bare[language] = true;
            coverage->newsletter[language] = newsletter;
        }
    }
}

static void tell_coverage(struct load *load, const struct item *item,
                          const struct coverage *coverage)
{
    const struct yaml_node *node = item->editions[item->language]->node;
    struct str languages;

    str_init(&languages, LANGUAGE_LIST);
    for (int i = 0; i < LANG_COUNT; i++) {
        if (coverage->bare[i]) {
            const struct newsletter *newsletter = coverage->newsletter[i];

            bool fallback = newsletter->fallback != LANG_NONE;

            yaml_problem(load->report, node, "", "no edition in %s, which %s is sent in%s%s",
                         language_name((enum language)i), newsletter->file,
                         fallback ? ", nor in its fallback " : "",
                         fallback ? language_name(newsletter->fallback) : "");
        } else if (coverage->covered[i]) {
            add_language(&languages, (enum language)i);
        }
    }
    if (languages.len > 0) {
        yaml_warning(load->report, node, "", "no edition in %s: these readers get the fallback's",
                     languages.data);
    }
    str_release(&languages);
}

/* Calls and news may stand in every newsletter that has a block for them. */
static void check_coverage(struct load *load, const struct item *item, enum newsletter_block block)
{
    struct coverage coverage = {.covered = {false}};

    for (size_t i = 0; i < load->config->newsletter_count; i++) {
        const struct newsletter *newsletter = &load->config->newsletters[i];
        bool has = false;

        for (size_t j = 0; j < newsletter->block_count; j++) {
            has = has || newsletter->blocks[j] == (int)block;
        }
        if (has) {
            ask(item, newsletter, &coverage);
        }
    }
    tell_coverage(load, item, &coverage);
}

static void check_all_coverage(struct load *load, const struct content *content)
{
    for (size_t i = 0; i < content->call_count; i++) {
        check_coverage(load, &content->calls[i].item, BLOCK_CALLS);
    }
    for (size_t i = 0; i < content->news_count; i++) {
        check_coverage(load, &content->news[i].item, BLOCK_NEWS);
    }
    for (size_t i = 0; i < content->issue_count; i++) {
        const struct issue *issue = &content->issues[i];
        struct coverage coverage = {.covered = {false}};

        if (issue->newsletter) {
            ask(&issue->item, issue->newsletter, &coverage);
            tell_coverage(load, &issue->item, &coverage);
        }
    }
}

static int load_all(struct load *load, struct content *out)
{
    void *items;
    int rc = load_folder(load, &call_kind, &items, &out->call_count);

    out->calls = items;
    if (rc == 0) {
        rc = load_folder(load, &news_kind, &items, &out->news_count);
        out->news = items;
    }
    if (rc == 0) {
        rc = load_folder(load, &issue_kind, &items, &out->issue_count);
        out->issues = items;
    }
    return rc == 0 ? load_letters(load, out) : rc;
}

int content_load(struct arena *arena, const struct config *config, const struct holidays *holidays,
                 int64_t now, struct report *report, struct content *out, struct err *err)
{
    struct report *own = report ? NULL : report_new();
    struct load load = {.arena = arena,
                        .config = config,
                        .holidays = holidays,
                        .now = now,
                        .report = report ? report : own,
                        .err = err};
    size_t errors;
    int rc;

    memset(out, 0, sizeof(*out));
    if (!load.report) {
        return err_nomem(err);
    }
    errors = report_errors(load.report);
    rc = load_all(&load, out);
    if (rc == 0) {
        check_all_coverage(&load, out);
        err_clear(err);
        if (report_errors(load.report) > errors) {
            rc = report_check(load.report, err);
        }
    }
    report_free(own);
    return rc;
}

/* Keeps the items that are not left out, in their order; copies the others to `out` unless
 * that is NULL. Returns how many stay. */
static size_t keep_good(void *items, size_t count, size_t size, const char *folder,
                        const struct left_outs *left, void *out)
{
    char *bytes = items;
    char *rest = out;
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        const struct item *item = (const struct item *)(const void *)(bytes + i * size);

        if (left_out_find(left, folder, item->slug) == NULL) {
            memmove(bytes + kept++ * size, bytes + i * size, size);
        } else if (rest != NULL) {
            memcpy(rest, bytes + i * size, size);
            rest += size;
        }
    }
    return kept;
}

int content_leave_out(struct arena *arena, const struct config *config, struct content *content,
                      struct err *err)
{
    const struct left_outs *left = &config->left;
    size_t issues = content->issue_count;

    if (left->count == 0) {
        return 0;
    }
    content->left_issues = arena_alloc(arena, issues + 1, sizeof(*content->left_issues));
    if (content->left_issues == NULL) {
        return err_nomem(err);
    }
    content->call_count = keep_good(content->calls, content->call_count, sizeof(*content->calls),
                                    "calls", left, NULL);
    content->news_count =
        keep_good(content->news, content->news_count, sizeof(*content->news), "news", left, NULL);
    content->issue_count = keep_good(content->issues, issues, sizeof(*content->issues), "issues",
                                     left, content->left_issues);
    content->left_issue_count = issues - content->issue_count;
    content->letter_count = keep_good(content->letters, content->letter_count,
                                      sizeof(*content->letters), "newsletters", left, NULL);
    return 0;
}

static int compare_slug(const void *key, const void *item)
{
    return strcmp(key, ((const struct item *)item)->slug);
}

static void *find(const char *slug, const void *items, size_t count, size_t size)
{
    return count == 0 ? NULL : bsearch(slug, items, count, size, compare_slug);
}

struct call *content_call(const struct content *content, const char *slug)
{
    return find(slug, content->calls, content->call_count, sizeof(struct call));
}

struct issue *content_issue(const struct content *content, const char *slug)
{
    return find(slug, content->issues, content->issue_count, sizeof(struct issue));
}
