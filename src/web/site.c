/* site.c - see site.h. */
#include "site.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "teataja/base/clock.h"
#include "teataja/base/file.h"
#include "teataja/base/limits.h"
#include "teataja/base/mem.h"
#include "teataja/base/token.h"
#include "teataja/compose/call_feed.h"
#include "teataja/render/theme.h"

static const char *const page_names[WEB_PAGES] = {
    [PAGE_MESSAGE] = "web/message.html", [PAGE_LEAVE] = "web/leave.html",
    [PAGE_LEFT] = "web/left.html",       [PAGE_PREFERENCES] = "web/preferences.html",
    [PAGE_ANSWER] = "web/answer.html",   [PAGE_ARCHIVE] = "web/archive.html",
    [PAGE_DRAFT] = "web/draft.html",
};

static const char style_name[] = "web/style.css";

/* What stat tells of a file, added to a running sum (FNV-1a); 0 for what is no file. */
static uint64_t stamp_file(uint64_t sum, int folder, const char *name)
{
    struct stat info;
    uint64_t parts[4] = {0};

    if (fstatat(folder, name, &info, 0) == 0) {
        if (!S_ISREG(info.st_mode)) {
            return 0;
        }
        parts[0] = (uint64_t)info.st_size;
        parts[1] = (uint64_t)info.st_mtim.tv_sec;
        parts[2] = (uint64_t)info.st_mtim.tv_nsec;
        parts[3] = (uint64_t)info.st_ino;
    }
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        sum = (sum ^ parts[i]) * UINT64_C(1099511628211);
    }
    return sum;
}

/* A database may stand among the site's files, and changes all the time. */
static bool is_read(const char *folder, const char *name)
{
    size_t len = strlen(name);

    return name[0] != '.' &&
           (strcmp(folder, ".") != 0 || (len > 5 && strcmp(name + len - 5, ".yaml") == 0));
}

uint64_t web_site_stamp(const char *folder)
{
    static const char *const parts[] = {".",          "calls",         "newsletters",      "events",
                                        "projects",   "templates/web", "templates/locale", "assets",
                                        "var/sources"};
    uint64_t sum = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        char path[PATH_MAX];
        const struct dirent *entry;
        uint64_t files = 0;
        DIR *stream;

        (void)snprintf(path, sizeof(path), "%s/%s", folder, parts[i]);
        stream = opendir(path);
        while (stream != NULL && (entry = readdir(stream)) != NULL) {
            if (is_read(parts[i], entry->d_name)) {
                files += stamp_file(sum, dirfd(stream), entry->d_name);
            }
        }
        if (stream != NULL) {
            (void)closedir(stream);
        }
        sum = (sum ^ files) * UINT64_C(1099511628211);
    }
    return sum != 0 ? sum : 1;
}

static int load_texts(struct web_site *site, const char *templates, struct err *err)
{
    const char *own = config_path(site->arena, &site->config, "templates");
    const char *const folders[2] = {own, templates};
    int rc;

    if (own == NULL) {
        return err_nomem(err);
    }
    rc = catalogue_load(folders, 2, NULL, &site->catalogue, err);
    if (rc < 0) {
        return rc;
    }
    site->templates = template_set_new(folders, 2, TEMPLATE_STRICT);
    if (site->templates == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; rc == 0 && i < WEB_PAGES; i++) {
        rc = template_find(site->templates, page_names[i], &site->pages[i], err);
    }
    return rc;
}

/* What its first bytes say; the configuration was checked to hold nothing else. */
static const char *image_type(const char *data, size_t len)
{
    static const struct {
        const char *start;
        size_t len;
        const char *type;
    } types[] = {{"\x89PNG\r\n\x1a\n", 8, "image/png"},
                 {"\xff\xd8\xff", 3, "image/jpeg"},
                 {"GIF8", 4, "image/gif"}};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (data != NULL && len > types[i].len && memcmp(data, types[i].start, types[i].len) == 0) {
            return types[i].type;
        }
    }
    return NULL;
}

static int load_image(struct web_site *site, const char *path, const struct web_image **out,
                      struct err *err)
{
    const char *full = config_path(site->arena, &site->config, path);
    struct web_image *image = &site->images[site->image_count];
    char *data = NULL;
    int rc = full == NULL ? err_nomem(err)
                          : file_read(site->arena, full, LIMIT_IMAGE, &data, &image->len, err);

    if (rc < 0) {
        return rc;
    }
    image->data = data;
    image->type = image_type(data, image->len);
    if (image->type == NULL) {
        return err_set(err, ERR_INVALID, "%s is no PNG, JPEG or GIF", path);
    }
    token_digest(data, image->len, image->hash);
    site->image_count++;
    *out = image;
    return 0;
}

static int load_look(struct web_site *site, const struct template *style,
                     const struct newsletter_brand *brand, struct web_look *out, struct err *err)
{
    struct value *data = value_new(site->arena);
    struct theme theme;
    struct str css;
    int rc = theme_init(&theme, brand != NULL ? brand->color : NULL, err);

    if (rc == 0 && brand != NULL && brand->logo != NULL) {
        rc = load_image(site, brand->logo, &out->logo, err);
        out->logo_alt = &brand->logo_alt;
    }
    if (rc < 0) {
        return rc;
    }
    theme_value(&theme, data);
    str_init(&css, LIMIT_TEXT);
    rc = template_render(style, data, &css, err);
    if (rc == 0) {
        out->css = arena_strdup(site->arena, css.data);
        out->css_len = css.len;
        token_digest(css.data, css.len, out->style);
        rc = out->css != NULL ? 0 : err_nomem(err);
    }
    str_release(&css);
    return rc;
}

static int load_looks(struct web_site *site, struct err *err)
{
    const struct config *config = &site->config;
    const struct template *style;
    int rc = template_find(site->templates, style_name, &style, err);

    site->looks = arena_alloc(site->arena, config->newsletter_count + 1, sizeof(*site->looks));
    site->images = arena_alloc(site->arena, config->newsletter_count + 1, sizeof(*site->images));
    if (site->looks == NULL || site->images == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; rc == 0 && i <= config->newsletter_count; i++) {
        size_t brand = i > 0 ? i - 1 : 0;

        site->looks[i].newsletter = i > 0 ? &config->newsletters[i - 1] : NULL;
        rc = load_look(site, style,
                       config->newsletter_count > 0 ? &config->newsletters[brand].brand : NULL,
                       &site->looks[i], err);
        site->look_count++;
    }
    return rc;
}

/* The path of "https://host/path". */
static const char *url_path(const char *url)
{
    const char *host = strstr(url, "://");

    host = host != NULL ? host + 3 : url;
    return host + strcspn(host, "/");
}

/* A newsletter or a project that is wrong has no pages; the others keep theirs. */
static int load_config(struct web_site *site, const char *folder, struct report *report,
                       struct err *err)
{
    int rc = config_load(site->arena, folder, report, &site->config, err);

    if (rc == 0 || rc == ERR_INVALID) {
        err_clear(err);
        rc = config_leave_out(site->arena, &site->config, report, err);
    }
    return rc;
}

static int load(struct web_site *site, const char *folder, const char *templates, struct err *err)
{
    struct report *report = report_new();
    const char *own = arena_strdup(site->arena, folder);
    int rc = report == NULL || own == NULL ? err_nomem(err) : 0;

    if (rc == 0) {
        rc = load_config(site, own, report, err);
    }
    if (rc == 0) {
        rc = events_load(site->arena, &site->config, report, &site->events, err);
        /* An event that is wrong has no page; the others keep theirs. */
        rc = rc == ERR_INVALID ? 0 : rc;
    }
    report_free(report);
    if (rc < 0) {
        return rc;
    }
    site->database = config_path(site->arena, &site->config, site->config.site.database);
    site->prefix = url_path(site->config.site.web.url);
    rc = site->database == NULL ? err_nomem(err) : load_texts(site, templates, err);
    if (rc == 0) {
        rc = call_feed_read(site->arena, &site->config, templates, site->database, clock_now(),
                            &site->content, err);
    }
    return rc < 0 ? rc : load_looks(site, err);
}

int web_site_load(const char *folder, const char *templates, struct web_site **out, struct err *err)
{
    struct web_site *site = mem_alloc(1, sizeof(*site));
    int rc;

    if (site == NULL) {
        return err_nomem(err);
    }
    site->arena = arena_new(LIMIT_ARENA_SITE);
    rc = site->arena == NULL ? err_nomem(err) : load(site, folder, templates, err);
    if (rc < 0) {
        web_site_free(site);
        return rc;
    }
    *out = site;
    return 0;
}

void web_site_free(struct web_site *site)
{
    if (site != NULL) {
        template_set_free(site->templates);
        catalogue_free(site->catalogue);
        arena_free(site->arena);
        mem_free(site);
    }
}

const struct web_look *web_site_look(const struct web_site *site, const char *list)
{
    for (size_t i = 1; list != NULL && i < site->look_count; i++) {
        if (strcmp(site->looks[i].newsletter->list, list) == 0) {
            return &site->looks[i];
        }
    }
    return &site->looks[0];
}

const struct web_look *web_site_style(const struct web_site *site, const char *hash)
{
    for (size_t i = 0; i < site->look_count; i++) {
        if (strcmp(site->looks[i].style, hash) == 0) {
            return &site->looks[i];
        }
    }
    return NULL;
}

const struct web_image *web_site_image(const struct web_site *site, const char *hash)
{
    for (size_t i = 0; i < site->image_count; i++) {
        if (strcmp(site->images[i].hash, hash) == 0) {
            return &site->images[i];
        }
    }
    return NULL;
}

const char *web_site_text(const struct web_site *site, const struct lang_text *text,
                          enum language language)
{
    const char *found = lang_text_get(text, language, site->config.site.languages[0]);

    return found != NULL ? found : "";
}
