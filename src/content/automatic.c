/* Newsletters with `compose: auto`: what their letters are made of. */
#include <string.h>

#include "load.h"
#include "teataja/base/file.h"
#include "teataja/base/limits.h"
#include "teataja/config/front_matter.h"

/* The head of newsletters/<slug>.intro.md. */
struct intro {
    const struct yaml_node *node;
    const char *subject;
    const char *preheader;
};

static const struct schema_field intro_fields[] = {
    {.key = "subject",
     .type = SCHEMA_TEXT,
     SCHEMA_AT(intro, subject),
     .max = LIMIT_SUBJECT,
     .help = "The subject of the mails; made of what is new if not given.",
     .example = "What is open this month"},
    {.key = "preheader",
     .type = SCHEMA_TEXT,
     SCHEMA_AT(intro, preheader),
     .max = LIMIT_SUBJECT,
     .help = "What mail programs show behind the subject; what is new if not given.",
     .example = "Calls, dates and news for you"},
};
static const struct schema intro_schema =
    SCHEMA("newsletters/<slug>.intro.md", struct intro, intro_fields);

static const char intro_end[] = ".intro";
static const char empty_head[] = "---\n---\n"; /* of a file that is all text */

/* What the name of an introduction says. ERR_INVALID. */
static int parse_name(const char *name, struct content_name *out, struct err *err)
{
    size_t len = strlen(name) - strlen(".md");
    size_t slug = strcspn(name, ".");
    size_t end = slug + strlen(intro_end);

    *out = (struct content_name){.language = LANG_NONE};
    if (!schema_is_slug(name, slug) || len < end ||
        strncmp(name + slug, intro_end, strlen(intro_end)) != 0 ||
        (len > end && name[end] != '.')) {
        return err_set(err, ERR_INVALID,
                       "this is not <newsletter>.intro.md or <newsletter>.intro.<language>.md");
    }
    if (len > end) {
        out->language = language_find_bytes(name + end + 1, len - end - 1);
        if (out->language == LANG_NONE) {
            return err_set(err, ERR_INVALID, "'%.*s' is none of %s",
                           (int)(len - end - 1 < 20 ? len - end - 1 : 20), name + end + 1,
                           language_all());
        }
    }
    memcpy(out->slug, name, slug);
    return 0;
}

static bool has_head(const char *text)
{
    return strncmp(text, "---", 3) == 0 || strstr(text, "\n---") != NULL;
}

/* A text without a head is an introduction too. */
static int read_matter(struct load *load, const char *path, struct front_matter *out)
{
    char *text = NULL;
    size_t len = 0;
    struct str whole;
    int rc = file_read_site(load->arena, load->config->folder, path, LIMIT_FILE, load->report,
                            &text, &len, load->err);

    if (rc < 0) {
        return rc;
    }
    if (has_head(text)) {
        return front_matter_parse(load->arena, path, text, len, load->report, out, load->err);
    }
    str_init(&whole, LIMIT_FILE + sizeof(empty_head));
    str_add(&whole, empty_head);
    str_add_bytes(&whole, text, len);
    rc = str_check(&whole, load->err);
    if (rc == 0) {
        rc = front_matter_parse(load->arena, path, whole.data, whole.len, load->report, out,
                                load->err);
        out->body_line -= 2;
    }
    str_release(&whole);
    return rc;
}

static int read_edition(struct load *load, const char *path, struct edition *edition)
{
    struct front_matter matter;
    struct intro intro = {.node = NULL};
    int rc = read_matter(load, path, &matter);

    if (rc == 0) {
        rc = schema_fill(load->arena, &intro_schema, matter.head, SCHEMA_WHOLE, load->report,
                         &intro, load->err);
    }
    if (rc == 0) {
        edition->node = matter.head;
        edition->file = matter.file;
        edition->title = intro.subject;
        edition->preheader = intro.preheader;
        edition->body = matter.body;
        edition->body_len = matter.body_len;
        edition->body_line = matter.body_line;
    }
    return rc == ERR_NOMEM ? rc : 0;
}

/* ---- the letters ---- */

static int add_letter(struct load *load, const struct newsletter *newsletter, struct issue *out)
{
    const struct site *site = &load->config->site;

    out->item.kind = ITEM_ISSUE;
    out->item.slug = newsletter->slug;
    out->item.file = newsletter->file;
    out->item.language = newsletter->fallback;
    out->node = newsletter->node;
    out->newsletter_slug = newsletter->slug;
    out->newsletter = newsletter;
    out->automatic = true;
    out->zone = newsletter->timezone != NULL ? newsletter->timezone : site->timezone;
    for (size_t i = 0; i < newsletter->language_count; i++) {
        struct edition *edition = arena_alloc(load->arena, 1, sizeof(*edition));

        if (edition == NULL) {
            return err_nomem(load->err);
        }
        *edition = (struct edition){.node = newsletter->node,
                                    .file = newsletter->file,
                                    .language = newsletter->languages[i],
                                    .body = "",
                                    .body_line = 1};
        if (edition->language != LANG_NONE) {
            out->item.editions[edition->language] = edition;
        }
    }
    return 0;
}

static int read_intro(struct load *load, struct content *content, const char *name)
{
    const char *path = arena_printf(load->arena, "newsletters/%s", name);
    const struct site *site = &load->config->site;
    struct content_name parsed;
    struct err err = {0};
    struct issue *letter;
    struct edition *edition;

    if (path == NULL) {
        return err_nomem(load->err);
    }
    if (parse_name(name, &parsed, &err) < 0) {
        report_add(load->report, REPORT_ERROR, path, 0, 0, "%s", err.msg);
        return 0;
    }
    letter = content_letter(content, parsed.slug);
    if (letter == NULL) {
        report_add(load->report, REPORT_ERROR, path, 0, 0,
                   "there is no newsletters/%s.yaml with 'compose: auto', whose letters this "
                   "text could begin",
                   parsed.slug);
        return 0;
    }
    if (parsed.language == LANG_NONE) {
        parsed.language = site->language_count > 0 ? site->languages[0] : LANG_EN;
    }
    edition = (struct edition *)letter->item.editions[parsed.language];
    if (edition == NULL) {
        report_add(load->report, REPORT_ERROR, path, 0, 0, "%s is not sent in %s",
                   letter->item.file, language_name(parsed.language));
        return 0;
    }
    if (edition->body_len > 0) {
        report_add(load->report, REPORT_ERROR, path, 0, 0,
                   "%s is this text already: %s is the site's first language", edition->file,
                   language_name(parsed.language));
        return 0;
    }
    return read_edition(load, path, edition);
}

/* Some of its letters begin with a text, and others could not. */
static void check_coverage(struct load *load, const struct issue *letter)
{
    size_t with = 0;
    struct str lacking;

    str_init(&lacking, LIMIT_VALUE);
    for (int i = 0; i < LANG_COUNT; i++) {
        const struct edition *edition = letter->item.editions[i];

        if (edition != NULL && edition->body_len > 0) {
            with++;
        } else if (edition != NULL) {
            str_addf(&lacking, "%s%s", lacking.len > 0 ? ", " : "",
                     language_name((enum language)i));
        }
    }
    if (with > 0 && lacking.len > 0) {
        yaml_warning(load->report, letter->node, "",
                     "no %s.intro.md in %s: these letters begin without it", letter->item.slug,
                     lacking.data);
    }
    str_release(&lacking);
}

/* ---- blocks ---- */

static bool places(const struct markdown *document, const char *block)
{
    for (size_t i = 0; i < markdown_count(document); i++) {
        const char *name = markdown_segment(document, i)->block;

        if (name != NULL && strcmp(name, block) == 0) {
            return true;
        }
    }
    return false;
}

static void add_block(struct str *body, const struct markdown *document, int block)
{
    if (!places(document, item_blocks[block])) {
        str_addf(body, "\n\n{{> %s}}", item_blocks[block]);
    }
}

static bool has_block(const struct newsletter *newsletter, int block)
{
    for (size_t i = 0; i < newsletter->block_count; i++) {
        if (newsletter->blocks[i] == block) {
            return true;
        }
    }
    return false;
}

/* Appends what the text does not place itself: what closes soon first, then the blocks
 * in the newsletter's order. */
static int add_blocks(struct load *load, const struct issue *letter, struct edition *edition)
{
    const struct newsletter *newsletter = letter->newsletter;
    struct markdown *document = NULL;
    struct str body;
    int rc = item_body(load->arena, &letter->item, edition, load->report, &document, load->err);

    if (rc < 0) {
        return rc == ERR_NOMEM ? rc : 0;
    }
    str_init(&body, LIMIT_TEXT);
    str_add_bytes(&body, edition->body, edition->body_len);
    if (has_block(newsletter, BLOCK_DEADLINES)) {
        add_block(&body, document, BLOCK_DEADLINES);
    }
    for (size_t i = 0; i < newsletter->block_count; i++) {
        if (newsletter->blocks[i] != BLOCK_DEADLINES) {
            add_block(&body, document, newsletter->blocks[i]);
        }
    }
    str_add_char(&body, '\n');
    rc = str_check(&body, load->err);
    if (rc == 0) {
        edition->body = arena_strndup(load->arena, body.data, body.len);
        edition->body_len = body.len;
        rc = edition->body != NULL ? 0 : err_nomem(load->err);
    }
    str_release(&body);
    return rc;
}

static int finish_letter(struct load *load, struct issue *letter)
{
    int rc = 0;

    check_coverage(load, letter);
    for (int i = 0; rc == 0 && i < LANG_COUNT; i++) {
        if (letter->item.editions[i] != NULL) {
            rc = add_blocks(load, letter, (struct edition *)letter->item.editions[i]);
        }
    }
    return rc;
}

static int read_intros(struct load *load, struct content *content)
{
    const char *path = arena_printf(load->arena, "%s/newsletters", load->config->folder);
    char **names = NULL;
    size_t count = 0;
    struct err own = {0};
    int rc = 0;

    if (path == NULL) {
        return err_nomem(load->err);
    }
    if (file_list(load->arena, path, &names, &count, &own) < 0) {
        return own.code == ERR_NOMEM ? err_nomem(load->err) : 0; /* config has said so */
    }
    for (size_t i = 0; rc == 0 && i < count && i < LIMIT_SITE_FILES; i++) {
        const char *ending = strrchr(names[i], '.');

        if (ending != NULL && strcmp(ending, ".md") == 0) {
            rc = read_intro(load, content, names[i]);
        }
    }
    return rc;
}

int load_letters(struct load *load, struct content *out)
{
    const struct config *config = load->config;
    int rc = 0;

    out->letters = arena_alloc(load->arena, config->newsletter_count + 1, sizeof(*out->letters));
    if (out->letters == NULL) {
        return err_nomem(load->err);
    }
    for (size_t i = 0; rc == 0 && i < config->newsletter_count; i++) {
        const struct newsletter *newsletter = &config->newsletters[i];

        if (newsletter->compose == COMPOSE_AUTO && newsletter->fallback != LANG_NONE) {
            rc = add_letter(load, newsletter, &out->letters[out->letter_count++]);
        }
    }
    if (rc == 0) {
        rc = read_intros(load, out);
    }
    for (size_t i = 0; rc == 0 && i < out->letter_count; i++) {
        rc = finish_letter(load, &out->letters[i]);
    }
    return rc;
}

struct issue *content_letter(const struct content *content, const char *newsletter)
{
    for (size_t i = 0; i < content->letter_count; i++) {
        if (strcmp(content->letters[i].item.slug, newsletter) == 0) {
            return &content->letters[i];
        }
    }
    return NULL;
}
