/* freeze.c - from a rendered message to what the database keeps: see edition.h. */
#include "edition.h"

#include <stdio.h>
#include <string.h>

#include "teataja/base/limits.h"
#include "teataja/compose/header.h"

/* RFC 2919 and 2369: what the list is, where it is read, whom one asks. */
static void add_list(const struct compose *compose, const struct rendered *rendered,
                     const struct sender *sender, struct str *out)
{
    const struct site *site = &compose->site.config->site;
    const char *domain = address_domain(sender->from);
    char id[LIMIT_SLUG + LIMIT_DOMAIN + 2];
    struct str value;

    if (sender->list == NULL) {
        return;
    }
    (void)snprintf(id, sizeof(id), "%s.%s", sender->list->slug, domain);
    header_phrase(out, "List-Id",
                  lang_text_get(&sender->list->name, rendered->language, site->languages[0]), id);
    str_init(&value, LIMIT_VALUE);
    str_addf(&value, "<mailto:%s?subject=help>", site->office.address.text);
    header_plain(out, "List-Help", value.data);
    str_add(out, "List-Post: NO\r\n");
    if (sender->newsletter != NULL) {
        str_reset(&value);
        str_addf(&value, "<%s/archive/%s>", site->web.url, sender->newsletter->slug);
        header_plain(out, "List-Archive", value.data);
    }
    str_release(&value);
}

static void add_fields(const struct compose *compose, const struct rendered *rendered,
                       const struct sender *sender, struct str *out)
{
    struct str value;

    if (sender->reply_to != NULL && sender->reply_to->text[0] != '\0') {
        header_mailbox(out, "Reply-To", NULL, sender->reply_to);
    }
    add_list(compose, rendered, sender, out);
    str_add(out, "Auto-Submitted: auto-generated\r\n");
    str_add(out, "X-Auto-Response-Suppress: OOF, AutoReply\r\n");
    str_init(&value, LIMIT_VALUE);
    str_addf(&value, "%s:%s:%s:%s", sender->feedback,
             sender->list != NULL ? sender->list->slug : "none", sender->kind->name,
             address_domain(sender->from));
    header_plain(out, "Feedback-ID", value.data);
    str_release(&value);
    header_plain(out, "Content-Language", language_tag(rendered->language));
    str_add(out, "MIME-Version: 1.0\r\n");
}

static const char *kept(struct arena *arena, struct str *text, struct err *err)
{
    const char *out = NULL;

    if (str_check(text, err) == 0) {
        out = arena_strdup(arena, text->data);
        if (out == NULL) {
            (void)err_nomem(err);
        }
    }
    str_release(text);
    return out;
}

static int freeze_subject(struct arena *arena, const struct rendered *rendered, struct frozen *out,
                          struct err *err)
{
    struct piece_options options = rendered->slots;
    struct str text;
    int rc;

    options.html = false;
    str_init(&text, LIMIT_TEXT);
    rc = piece_fill_fixed(rendered->subject, strlen(rendered->subject), &options, &text, err);
    if (rc == 0) {
        out->subject = kept(arena, &text, err);
        return out->subject != NULL ? 0 : err->code;
    }
    str_release(&text);
    return rc;
}

int edition_freeze(struct compose *compose, struct arena *arena, const struct rendered *rendered,
                   const struct sender *sender, struct frozen *out, struct err *err)
{
    const struct site *site = &compose->site.config->site;
    struct piece_options options = rendered->slots;
    const char *name = lang_text_get(sender->from_name, rendered->language, site->languages[0]);
    struct str text;
    int rc = freeze_subject(arena, rendered, out, err);

    if (rc < 0) {
        return rc;
    }
    str_init(&text, LIMIT_TEXT);
    header_mailbox(&text, "From",
                   name != NULL ? name : compose_site_name(compose, rendered->language),
                   sender->from);
    out->from = kept(arena, &text, err);
    if (out->from == NULL) {
        return err->code;
    }
    str_init(&text, LIMIT_TEXT);
    add_fields(compose, rendered, sender, &text);
    out->headers = kept(arena, &text, err);
    if (out->headers == NULL) {
        return err->code;
    }
    options.html = false;
    rc = piece_cut(arena, rendered->text, rendered->text_len, &options, &out->text, err);
    if (rc == 0) {
        options.html = true;
        rc = piece_cut(arena, rendered->html, rendered->html_len, &options, &out->html, err);
    }
    for (size_t i = 0; i < rendered->picture_count; i++) {
        out->cids[out->cid_count++] = rendered->pictures[i].cid;
    }
    return rc;
}

struct envelope edition_envelope(const struct compose *compose, const struct sender *sender,
                                 int64_t list)
{
    return (struct envelope){.kind = sender->kind,
                             .domain = address_domain(sender->from),
                             .list = list,
                             .occurrence = sender->occurrence != NULL ? sender->occurrence : "",
                             .base = link_base_of(&compose->site.config->site)};
}

int edition_program(struct compose *compose, struct arena *arena, const struct rendered *rendered,
                    const struct sender *sender, const struct frozen *frozen, int64_t date,
                    struct program *out, struct err *err)
{
    struct layout_picture pictures[FRAME_PICTURES];
    const struct layout_input input = {.uid = "preview",
                                       .lang = language_tag(rendered->language),
                                       .pictures = pictures,
                                       .picture_count = rendered->picture_count};
    int rc;

    for (size_t i = 0; i < rendered->picture_count; i++) {
        pictures[i] = (struct layout_picture){.cid = rendered->pictures[i].cid,
                                              .type = rendered->pictures[i].type,
                                              .data = rendered->pictures[i].data,
                                              .len = rendered->pictures[i].len};
    }
    *out = (struct program){.uid = "preview",
                            .date = date,
                            .envelope =
                                edition_envelope(compose, sender, sender->list != NULL ? 1 : 0),
                            .frozen = *frozen};
    rc = write_prepare(out, arena, err);
    return rc == 0 ? sender->kind->lay_out(arena, &input, &out->layout, err) : rc;
}
