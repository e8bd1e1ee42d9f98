/* page_told.c - pages that only tell, and what every page is made with. */
#include <inttypes.h>
#include <string.h>

#include "route.h"
#include "teataja/compose/page.h"

/* Named by a digest of their content: a new content has a new name. */
static int send_fixed(struct call *call, const char *type, const void *data, size_t len)
{
    struct server_reply *reply = call->reply;

    reply->status = 200;
    reply->type = type;
    reply->body = data;
    reply->len = len;
    server_reply_header(reply, "Content-Security-Policy", "default-src 'none'");
    server_reply_header(reply, "X-Content-Type-Options", "nosniff");
    server_reply_header(reply, "Cross-Origin-Resource-Policy", "same-site");
    server_reply_header(reply, "Cache-Control", "public, max-age=31536000, immutable");
    return 0;
}

int home_get(struct call *call, struct err *err)
{
    const char *name = web_site_text(call->site, &call->site->config.site.name, call->language);

    page_begin(call, NULL);
    value_set_text(call->root, "title", name);
    page_text(call, call->root, "text", "web.home", catalogue_arg_text("site", name));
    page_text(call, call->root, "write_to", "web.write_to",
              catalogue_arg_text("address", call->site->config.site.office.address.text));
    return page_send(call, PAGE_MESSAGE, 200, PAGE_PUBLIC, err);
}

/* Where the links of a public letter lead in place of the reader's own. */
int own_link_get(struct call *call, struct err *err)
{
    return page_tell(call, "own_link", 200, err);
}

int style_get(struct call *call, struct err *err)
{
    const struct web_look *look = NULL;
    const char *word = call->words[0];
    char hash[WEB_HASH] = "";

    if (strlen(word) == WEB_HASH - 1 + strlen(".css") && strcmp(word + WEB_HASH - 1, ".css") == 0) {
        memcpy(hash, word, WEB_HASH - 1);
        look = web_site_style(call->site, hash);
    }
    return look != NULL ? send_fixed(call, "text/css; charset=utf-8", look->css, look->css_len)
                        : page_tell(call, "not_found", 404, err);
}

int image_get(struct call *call, struct err *err)
{
    const struct web_image *image = web_site_image(call->site, call->words[0]);

    return image != NULL ? send_fixed(call, image->type, image->data, image->len)
                         : page_tell(call, "not_found", 404, err);
}

/* Browsers ask for it where a page has no icon of its own. */
int icon_get(struct call *call, struct err *err)
{
    (void)err;
    (void)send_fixed(call, "image/png", NULL, 0);
    call->reply->status = 204;
    return 0;
}

static bool read_number(const char *text, int64_t *out)
{
    size_t len = strspn(text, "0123456789");

    *out = 0;
    for (size_t i = 0; i < len && len <= 18; i++) {
        *out = *out * 10 + (text[i] - '0');
    }
    return len > 0 && len <= 18 && text[len] == '\0';
}

int picture_get(struct call *call, struct err *err)
{
    static const char *const types[] = {"image/png", "image/jpeg", "image/gif"};
    struct page_picture picture;
    int64_t mailing;
    int rc = ERR_NOT_FOUND;

    if (read_number(call->words[0], &mailing)) {
        rc = call_database(call, err);
        rc = rc < 0 ? rc
                    : page_picture_find(call->seat->db, call->arena, mailing, call->words[1],
                                        &picture, err);
    }
    for (size_t i = 0; rc == 0 && i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(picture.type, types[i]) == 0) {
            return send_fixed(call, types[i], picture.data, picture.len);
        }
    }
    return rc == 0 || rc == ERR_NOT_FOUND ? page_tell(call, "not_found", 404, err) : rc;
}
