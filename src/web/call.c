/* call.c - see call.h. */
#include "call.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "teataja/base/limits.h"
#include "teataja/base/str.h"

/* No scripts, no frames, nothing from elsewhere. */
static const char strict_policy[] = "default-src 'none'; style-src 'self'; img-src 'self'; "
                                    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

bool call_posts(const struct call *call)
{
    return strcmp(call->request->method, "POST") == 0;
}

/* The weight of "et;q=0.8" in thousandths. */
static int weight(const char *text, size_t len)
{
    const char *q = memmem(text, len, "q=", 2);
    int thousandths = 0;
    int unit = 1000;

    if (q == NULL) {
        return 1000;
    }
    for (q += 2; q < text + len && unit > 0 && (*q == '.' || (*q >= '0' && *q <= '9')); q++) {
        if (*q != '.') {
            thousandths += (*q - '0') * unit;
            unit /= 10;
        }
    }
    return thousandths < 1000 ? thousandths : 1000;
}

enum language call_accept(const char *header, enum language fallback)
{
    enum language best = fallback;
    int most = 0;

    while (header != NULL && *header != '\0') {
        size_t len = strcspn(header, ",");
        size_t skip = strspn(header, " \t");
        enum language language =
            skip < len ? language_find_bytes(header + skip, strcspn(header + skip, "-;, \t"))
                       : LANG_NONE;

        if (language != LANG_NONE && weight(header, len) > most) {
            most = weight(header, len);
            best = language;
        }
        header += len + (header[len] == ',' ? 1 : 0);
    }
    return best;
}

void call_member(struct call *call, const struct member *member)
{
    if (member->language_count > 0) {
        call->language = member->languages[0];
    }
}

const char *call_masked(struct call *call, const char *email)
{
    const char *at = email != NULL ? strrchr(email, '@') : NULL;
    size_t first = 1;
    char *masked;

    if (at == NULL) {
        return "";
    }
    while (((unsigned char)email[first] & 0xC0) == 0x80) {
        first++;
    }
    /* U+2060 behind the ellipsis keeps a line from ending there. */
    masked = arena_printf(call->arena, "%.*s…\xE2\x81\xA0%s", (int)first, email, at);
    return masked != NULL ? masked : "";
}

int call_form(struct call *call, struct form *out, struct err *err)
{
    const struct server_request *request = call->request;
    int rc = form_parse(call->arena, request->type, request->body, request->body_len, out, err);

    if (rc == ERR_INVALID || rc == ERR_LIMIT) {
        rc = page_tell(call, "refused", rc == ERR_LIMIT ? 413 : 400, err);
        return rc < 0 ? rc : 1;
    }
    return rc;
}

int call_format(struct call *call, enum language language, struct format **out, struct err *err)
{
    struct format **format = &call->seat->formats[language];
    int rc = *format != NULL ? 0 : format_open(language, format, err);

    *out = *format;
    return rc;
}

/* Adds each line of a text to a list as {line}. */
static void add_lines(struct value *list, const char *text)
{
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");

        if (len > 0) {
            value_set_text_len(value_add_map(list), "line", text, len);
        }
        text += len + (text[len] == '\n' ? 1 : 0);
    }
}

static void set_brand(struct call *call)
{
    const struct site *site = &call->site->config.site;
    const struct newsletter *newsletter = call->look->newsletter;
    struct value *brand = value_set_map(call->root, "brand");
    struct value *logo;

    value_set_text(brand, "name",
                   web_site_text(call->site, newsletter != NULL ? &newsletter->name : &site->name,
                                 call->language));
    value_set_text(brand, "url", site->url);
    value_set_null(brand, "logo");
    if (call->look->logo != NULL) {
        logo = value_set_map(brand, "logo");
        value_set_text(
            logo, "src",
            arena_printf(call->arena, "%s/image/%s", call->site->prefix, call->look->logo->hash));
        value_set_text(logo, "alt",
                       web_site_text(call->site, call->look->logo_alt, call->language));
    }
}

void page_begin(struct call *call, const char *list)
{
    const struct site *site = &call->site->config.site;
    const struct site_list *site_list = list != NULL ? site_list_find(site, list) : NULL;
    struct value *root = value_new(call->arena);
    struct value *contact = value_set_map(root, "contact");
    struct value *postal = value_set_list(root, "postal");

    call->root = root;
    call->policy = NULL;
    call->look = web_site_look(call->site, list);
    value_set_text(root, "lang", language_tag(call->language));
    value_set_text(root, "dir", "ltr");
    value_set_text(
        root, "style",
        arena_printf(call->arena, "%s/style/%s.css", call->site->prefix, call->look->style));
    set_brand(call);
    catalogue_words(call->site->catalogue, call->language, value_set_map(root, "t"));
    value_set_text(value_add_map(postal), "line",
                   web_site_text(call->site, &site->name, call->language));
    add_lines(postal, web_site_text(call->site, &site->postal_address, call->language));
    value_set_text(contact, "email", site->office.address.text);
    value_set_text(contact, "phone", site->office.phone);
    value_set_text(root, "privacy", site_list != NULL ? site_list->privacy_url : NULL);
}

const char *page_string(struct call *call, const char *key, const struct catalogue_arg *args,
                        size_t count)
{
    const char *out = NULL;
    struct str text;

    if (call->err.code != 0) {
        return "";
    }
    str_init(&text, LIMIT_TEXT);
    if (catalogue_text(call->site->catalogue, call->language, key, args, count, &text,
                       &call->err) == 0 &&
        str_check(&text, &call->err) == 0) {
        out = arena_strdup(call->arena, text.data);
        if (out == NULL) {
            (void)err_nomem(&call->err);
        }
    }
    str_release(&text);
    return out != NULL ? out : "";
}

void page_set_text(struct call *call, struct value *map, const char *name, const char *key,
                   const struct catalogue_arg *args, size_t count)
{
    value_set_text(map, name, page_string(call, key, args, count));
}

const char *page_word(const struct call *call, const char *key)
{
    const char *word = catalogue_word(call->site->catalogue, call->language, key);

    return word != NULL ? word : "";
}

void page_headers(struct call *call, const char *policy, enum page_audience audience)
{
    struct server_reply *reply = call->reply;
    const bool in_frames = policy != NULL && strstr(policy, "frame-ancestors 'self'") != NULL;

    server_reply_header(reply, "Content-Security-Policy", policy != NULL ? policy : strict_policy);
    server_reply_header(reply, "X-Content-Type-Options", "nosniff");
    server_reply_header(reply, "Referrer-Policy", "no-referrer");
    server_reply_header(reply, "X-Frame-Options", in_frames ? "SAMEORIGIN" : "DENY");
    server_reply_header(reply, "Cache-Control",
                        audience == PAGE_PERSONAL ? "no-store" : "max-age=300");
    if (audience == PAGE_PERSONAL) {
        server_reply_header(reply, "X-Robots-Tag", "noindex, nofollow");
    } else {
        server_reply_header(reply, "Vary", "Accept-Language");
    }
}

int page_send(struct call *call, enum web_page page, int status, enum page_audience audience,
              struct err *err)
{
    struct str html;
    int rc = call->err.code;

    if (rc < 0) {
        *err = call->err;
        return rc;
    }
    str_init(&html, LIMIT_TEXT);
    rc = template_render(call->site->pages[page], call->root, &html, err);
    if (rc == 0) {
        call->reply->body = arena_strndup(call->arena, html.data, html.len);
        call->reply->len = html.len;
        rc = call->reply->body != NULL ? 0 : err_nomem(err);
    }
    str_release(&html);
    if (rc < 0) {
        return rc;
    }
    call->reply->status = status;
    call->reply->type = "text/html; charset=utf-8";
    page_headers(call, call->policy, audience);
    server_reply_header(call->reply, "Content-Language", language_tag(call->language));
    return 0;
}

int page_tell(struct call *call, const char *key, int status, struct err *err)
{
    const char *title = arena_printf(call->arena, "web.%s_title", key);
    const char *text = arena_printf(call->arena, "web.%s_text", key);

    if (title == NULL || text == NULL) {
        return err_nomem(err);
    }
    page_begin(call, NULL);
    value_set_text(call->root, "title", page_word(call, title));
    value_set_text(call->root, "text", page_word(call, text));
    page_text(call, call->root, "write_to", "web.write_to",
              catalogue_arg_text("address", call->site->config.site.office.address.text));
    return page_send(call, PAGE_MESSAGE, status, PAGE_PERSONAL, err);
}
