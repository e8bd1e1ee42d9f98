/* preview.c - one message, rendered without writing anything: letter_preview in
 * teataja/compose/letter.h, invite_preview in teataja/compose/invite.h. */
#include "preview.h"

#include <string.h>

#include "invitation_page.h"
#include "letter_lines.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/mem.h"
#include "teataja/compose/invite.h"
#include "teataja/compose/mime.h"

static const char *keep(struct arena *arena, struct str *text, size_t *len, struct err *err)
{
    const char *out = NULL;

    if (str_check(text, err) == 0) {
        out = arena_strdup(arena, text->data);
        *len = text->len;
        if (out == NULL) {
            (void)err_nomem(err);
        }
    }
    str_release(text);
    return out;
}

/* Images as data: addresses, so that a browser shows what a mail program would. */
static void inline_pictures(const struct rendered *rendered, const char *html, struct str *out)
{
    while (*html != '\0') {
        const struct picture *found = NULL;

        for (size_t i = 0; strncmp(html, "cid:", 4) == 0 && i < rendered->picture_count; i++) {
            const char *cid = rendered->pictures[i].cid;

            if (strncmp(html + 4, cid, strlen(cid)) == 0) {
                found = &rendered->pictures[i];
            }
        }
        if (found == NULL) {
            size_t run = 1 + strcspn(html + 1, "c");

            str_add_bytes(out, html, run);
            html += run;
        } else {
            struct str data;

            str_init(&data, LIMIT_TEXT);
            mime_base64(&data, found->data, found->len);
            str_addf(out, "data:%s;base64,", found->type);
            for (size_t i = 0; i < data.len; i++) {
                if (data.data[i] != '\r' && data.data[i] != '\n') {
                    str_add_char(out, data.data[i]);
                }
            }
            str_release(&data);
            html += 4 + strlen(found->cid);
        }
    }
}

static int view_html(struct arena *arena, const struct rendered *rendered,
                     const struct slot_values *values, struct letter_view *out, struct err *err)
{
    struct piece_options options = rendered->slots;
    struct str filled;
    struct str html;
    int rc;

    options.html = true;
    str_init(&filled, LIMIT_TEXT);
    str_init(&html, LIMIT_MESSAGE);
    rc = piece_fill_plain(rendered->html, rendered->html_len, &options, values, &filled, err);
    if (rc == 0) {
        inline_pictures(rendered, filled.data, &html);
        out->html = keep(arena, &html, &out->html_len, err);
        rc = out->html != NULL ? 0 : err->code;
    }
    str_release(&filled);
    str_release(&html);
    return rc;
}

static int view_text(struct arena *arena, const struct rendered *rendered,
                     const struct slot_values *values, struct letter_view *out, struct err *err)
{
    struct piece_options options = rendered->slots;
    struct str text;
    int rc;

    options.html = false;
    str_init(&text, LIMIT_TEXT);
    rc = piece_fill_plain(rendered->text, rendered->text_len, &options, values, &text, err);
    if (rc == 0) {
        out->text = keep(arena, &text, &out->text_len, err);
        rc = out->text != NULL ? 0 : err->code;
    }
    str_release(&text);
    return rc;
}

static int view_subject(struct arena *arena, const char *line, const struct slot_values *values,
                        struct letter_view *out, struct err *err)
{
    struct str subject;
    size_t len;
    int rc;

    str_init(&subject, LIMIT_TEXT);
    rc = piece_fill_line(line, values, &subject, err);
    if (rc == 0) {
        out->subject = keep(arena, &subject, &len, err);
        rc = out->subject != NULL ? 0 : err->code;
    }
    str_release(&subject);
    return rc;
}

static const struct token_key *key_of(const struct preview *preview)
{
    static const struct token_key none = {0};

    return preview->compose->site.members->key != NULL ? preview->compose->site.members->key
                                                       : &none;
}

int preview_show(const struct preview *preview, struct arena *arena, struct letter_view *out,
                 struct err *err)
{
    const struct sender *sender = preview->sender;
    const struct envelope envelope =
        edition_envelope(preview->compose, sender, sender->list != NULL ? 1 : 0);
    struct write_links *links = mem_alloc(1, sizeof(*links));
    struct slot_values values;
    int rc = links == NULL ? err_nomem(err)
                           : write_values(&envelope, 0, key_of(preview), &preview->input, links,
                                          &values, err);

    if (rc == 0) {
        rc = view_html(arena, preview->rendered, &values, out, err);
    }
    if (rc == 0) {
        rc = view_text(arena, preview->rendered, &values, out, err);
    }
    if (rc == 0) {
        rc = view_subject(arena, preview->frozen->subject, &values, out, err);
    }
    mem_free(links);
    out->language = preview->rendered->language;
    return rc;
}

int preview_view(const struct preview *preview, struct arena *arena, struct letter_view *out,
                 struct err *err)
{
    char sender[LIMIT_ADDRESS + 1];
    struct program program;
    struct str eml;
    int rc = preview_show(preview, arena, out, err);

    if (rc == 0) {
        rc = edition_program(preview->compose, arena, preview->rendered, preview->sender,
                             preview->frozen, preview->date, &program, err);
    }
    if (rc < 0) {
        return rc;
    }
    str_init(&eml, LIMIT_MESSAGE);
    rc = write_message(&program, key_of(preview), &preview->input, &eml, sender, err);
    if (rc == 0) {
        out->eml = keep(arena, &eml, &out->eml_len, err);
        rc = out->eml != NULL ? 0 : err->code;
    }
    str_release(&eml);
    return rc;
}

/* Who a letter without a member goes to. */
static const char *example_address(const struct compose *compose)
{
    return compose->site.config->site.office.address.text;
}

/* A letter that is looked at: whose it is, and what it tells. */
struct viewing {
    struct letter letter;
    struct member_profile profile;
    struct selection selection;
    bool held_back;
};

static int choose(struct compose *compose, struct arena *arena, const char *slug,
                  const struct letter_preview *options, int64_t date, struct viewing *out,
                  struct err *err)
{
    const struct issue *issue = NULL;
    struct selector *selector = NULL;
    int rc = letter_find(compose, slug, &issue, err);

    if (rc == 0) {
        rc = content_recall(compose->site.members->db, compose->arena, compose->site.content, date,
                            err);
    }
    if (rc == 0) {
        rc = letter_read(compose, arena, issue, date, &out->letter, err);
    }
    if (rc == 0) {
        rc = letter_profile(compose, arena, options->member,
                            options->language != LANG_NONE ? options->language
                                                           : out->letter.newsletter->fallback,
                            &out->profile, err);
    }
    if (rc == 0) {
        rc = letter_open_selector(&out->letter, arena, &selector, err);
    }
    if (rc == 0) {
        rc = selector_pick(selector, arena, &out->profile, &out->selection, err);
        out->held_back = !selector_sends(selector, &out->selection);
    }
    return rc;
}

int letter_preview(struct compose *compose, struct arena *arena, const char *slug,
                   const struct letter_preview *options, struct letter_view *out, struct err *err)
{
    int64_t date = options->date != 0 ? options->date : clock_now();
    struct viewing *viewing = arena_alloc(arena, 1, sizeof(*viewing));
    const struct member_profile *profile;
    struct rendered rendered;
    struct frozen frozen = {0};
    struct sender sender;
    bool nameless;
    int rc;

    memset(out, 0, sizeof(*out));
    if (viewing == NULL) {
        return err_nomem(err);
    }
    rc = choose(compose, arena, slug, options, date, viewing, err);
    if (rc != 0) {
        return rc;
    }
    profile = &viewing->profile;
    sender = letter_sender(&viewing->letter);
    nameless = profile->name[0] == '\0' && viewing->letter.docs[viewing->selection.language].named;
    rc = edition_render(&viewing->letter, arena, &viewing->selection, nameless, &rendered, err);
    if (rc == 0) {
        rc = edition_freeze(compose, arena, &rendered, &sender, &frozen, err);
    }
    if (rc == 0) {
        out->held_back = viewing->held_back;
        rc = letter_list_lines(&viewing->letter, arena, &viewing->selection, &out->lines,
                               &out->line_count, err);
    }
    if (rc == 0) {
        const struct preview preview = {
            .compose = compose,
            .rendered = &rendered,
            .sender = &sender,
            .frozen = &frozen,
            .date = date,
            .input = {.member = profile->id,
                      .address = profile->id != 0 ? profile->email : example_address(compose),
                      .values = {.name = profile->name,
                                 .organisation = profile->organisation,
                                 .epoch = profile->epoch,
                                 .organizer = ""}}};

        rc = preview_view(&preview, arena, out, err);
    }
    return rc;
}

int invite_preview(struct compose *compose, struct arena *arena, const char *slug,
                   const struct letter_preview *options, struct letter_view *out, struct err *err)
{
    int64_t date = options->date != 0 ? options->date : clock_now();
    enum language language = options->language != LANG_NONE
                                 ? options->language
                                 : compose->site.config->site.languages[0];
    const struct site_office *office = &compose->site.config->site.office;
    struct invitation_page page = {0};
    struct member_profile profile = {0};
    struct rendered rendered;
    struct frozen frozen;
    struct sender sender;
    int rc = invitation_open(compose, arena, slug, date, &page, err);

    memset(out, 0, sizeof(*out));
    if (rc == 0) {
        rc = letter_profile(compose, arena, options->member, language, &profile, err);
    }
    if (rc < 0) {
        return rc;
    }
    page.uid = "preview";
    language =
        event_edition_for(page.event, profile.languages, profile.language_count,
                          page.newsletter != NULL ? page.newsletter->fallback : LANG_NONE, NULL)
            ->language;
    sender = invitation_sender(&page);
    rc = invitation_render(&page, arena, language,
                           compose_reader_zone(compose, page.newsletter, &profile), &rendered,
                           &frozen, err);
    if (rc == 0) {
        const struct preview preview = {
            .compose = compose,
            .rendered = &rendered,
            .sender = &sender,
            .frozen = &frozen,
            .date = date,
            .input = {.member = profile.id,
                      .address = profile.id != 0 ? profile.email : office->address.text,
                      .values = {.name = profile.name,
                                 .organisation = profile.organisation,
                                 .epoch = profile.epoch,
                                 .organizer = office->address.text}}};

        rc = preview_view(&preview, arena, out, err);
    }
    return rc;
}
