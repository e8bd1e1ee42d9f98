/* page_letter.c - letters in a browser, and the archive of a newsletter. */
#include <string.h>

#include "route.h"
#include "teataja/base/limits.h"
#include "teataja/calendar/zone.h"
#include "teataja/compose/page.h"

enum { ARCHIVE_MOST = 30 };

/* A letter was made for mail programs, which need styles in its elements. They come from
 * our own templates; Markdown cannot bring any in. */
static const char letter_policy[] = "default-src 'none'; style-src 'unsafe-inline'; "
                                    "img-src 'self'; form-action 'none'; base-uri 'none'; "
                                    "frame-ancestors 'none'";

static int send_letter(struct call *call, const struct page_letter *letter,
                       enum page_audience audience)
{
    call->reply->status = 200;
    call->reply->type = "text/html; charset=utf-8";
    call->reply->body = letter->html;
    call->reply->len = letter->html_len;
    page_headers(call, letter_policy, audience);
    if (letter->language != LANG_NONE) {
        server_reply_header(call->reply, "Content-Language", language_tag(letter->language));
    }
    return 0;
}

int letter_get(struct call *call, struct err *err)
{
    struct page_letter letter = {0};
    struct token token;
    const char *self;
    int rc;

    if (token_read(call->key, TOKEN_VIEW, call->words[0], &token, NULL) < 0 || token.count != 1 ||
        token.ids[0] > INT64_MAX) {
        return page_tell(call, "link", 404, err);
    }
    self = arena_printf(call->arena, "%s/view/%s", call->site->prefix, call->words[0]);
    if (self == NULL) {
        return err_nomem(err);
    }
    rc = call_database(call, err);
    rc = rc < 0 ? rc
                : page_letter_of_row(call->seat->db, call->arena, (int64_t)token.ids[0],
                                     call->site->prefix, self, &letter, err);
    if (rc == ERR_NOT_FOUND) {
        return page_tell(call, "link", 404, err);
    }
    return rc < 0 ? rc : send_letter(call, &letter, PAGE_PERSONAL);
}

/* The newsletter of an archive. 1, or 0 once a page says that there is none to see. */
static int find_newsletter(struct call *call, const struct newsletter **out, struct err *err)
{
    const struct config *config = &call->site->config;
    const struct site_list *list;
    int rc;

    *out = config_newsletter(config, call->words[0]);
    if (*out == NULL) {
        rc = page_tell(call, "not_found", 404, err);
        return rc < 0 ? rc : 0;
    }
    list = site_list_find(&config->site, (*out)->list);
    if (list != NULL && list->public) {
        return 1;
    }
    page_begin(call, (*out)->list);
    page_text(call, call->root, "title", "web.archive_title",
              catalogue_arg_text("name", web_site_text(call->site, &(*out)->name, call->language)));
    value_set_text(call->root, "text", page_word(call, "web.archive_closed"));
    value_set_null(call->root, "write_to");
    rc = page_send(call, PAGE_MESSAGE, 403, PAGE_PERSONAL, err);
    return rc < 0 ? rc : 0;
}

static int add_entry(struct call *call, struct value *list, const char *slug,
                     const struct page_entry *entry, struct err *err)
{
    struct value *map = value_add_map(list);
    struct format *format;
    struct civil day;
    struct str text;
    int rc = call_format(call, call->language, &format, err);

    rc = rc < 0 ? rc : zone_from_utc(call->site->config.site.timezone, entry->date, &day, err);
    if (rc < 0) {
        return rc;
    }
    str_init(&text, LIMIT_VALUE);
    rc = format_date(format, &day, FORMAT_LONG, &text, err);
    value_set_text(map, "date", text.data);
    str_release(&text);
    value_set_text(map, "subject", entry->subject);
    value_set_text(map, "lang", language_tag(entry->language));
    value_set_text(
        map, "href",
        arena_printf(call->arena, "%s/archive/%s/%s", call->site->prefix, slug, entry->uid));
    return rc;
}

int archive_get(struct call *call, struct err *err)
{
    const struct newsletter *newsletter;
    struct page_entry *entries;
    struct value *letters;
    size_t count = 0;
    int rc = find_newsletter(call, &newsletter, err);

    if (rc <= 0) {
        return rc;
    }
    rc = call_database(call, err);
    rc = rc < 0 ? rc
                : page_archive(call->seat->db, call->arena, newsletter->list,
                               (const enum language[]){call->language, newsletter->fallback}, 2,
                               ARCHIVE_MOST, &entries, &count, err);
    if (rc < 0) {
        return rc;
    }
    page_begin(call, newsletter->list);
    page_text(
        call, call->root, "title", "web.archive_title",
        catalogue_arg_text("name", web_site_text(call->site, &newsletter->name, call->language)));
    letters = value_set_list(call->root, "letters");
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = add_entry(call, letters, newsletter->slug, &entries[i], err);
    }
    return rc < 0 ? rc : page_send(call, PAGE_ARCHIVE, 200, PAGE_PUBLIC, err);
}

int archive_letter_get(struct call *call, struct err *err)
{
    const struct newsletter *newsletter;
    struct page_letter letter = {0};
    const char *self;
    int rc = find_newsletter(call, &newsletter, err);

    if (rc <= 0) {
        return rc;
    }
    self = arena_printf(call->arena, "%s/archive/%s/%s", call->site->prefix, newsletter->slug,
                        call->words[1]);
    if (self == NULL) {
        return err_nomem(err);
    }
    rc = call_database(call, err);
    rc = rc < 0
             ? rc
             : page_letter_of_archive(call->seat->db, call->arena, newsletter->list, call->words[1],
                                      (const enum language[]){call->language, newsletter->fallback},
                                      2, call->site->prefix, self, &letter, err);
    if (rc == ERR_NOT_FOUND) {
        return page_tell(call, "not_found", 404, err);
    }
    return rc < 0 ? rc : send_letter(call, &letter, PAGE_PUBLIC);
}
