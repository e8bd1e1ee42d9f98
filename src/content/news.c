#include "teataja/content/news.h"

#include <stddef.h>
#include <string.h>

#include "load.h"
#include "teataja/base/file.h"
#include "teataja/base/limits.h"
#include "teataja/calendar/zone.h"

#define FIELD(type, member) .offset = offsetof(struct type, member)
#define ARRAY(type, member, counter)                                                               \
    .offset = offsetof(struct type, member), .count_offset = offsetof(struct type, counter)
#define SOME (SCHEMA_LIST | SCHEMA_OR_ONE | SCHEMA_UNIQUE)

static const struct schema_choice types[] = {
    {"news", NEWS_NEWS, "something to know"},
    {"offer", NEWS_OFFER, "something to have: a room, a job, a tool"},
    {"partner_search", NEWS_PARTNER_SEARCH, "somebody looks for partners"},
    {"job", NEWS_JOB, "a vacancy"},
    {"survey", NEWS_SURVEY, "questions to answer"},
    {"publication", NEWS_PUBLICATION, "something to read"},
    {NULL, 0, NULL},
};

static const struct schema_field image_fields[] = {
    {.key = "file", .type = SCHEMA_PATH, .flags = SCHEMA_REQUIRED, FIELD(news_image, file),
     .help = "PNG, JPEG or GIF.", .example = "assets/studio.jpg"},
    {.key = "alt", .type = SCHEMA_TEXT, .flags = SCHEMA_REQUIRED, FIELD(news_image, alt),
     .max = LIMIT_NAME, .help = "What it shows, for those who do not see it.",
     .example = "A bright room with two easels"},
};
static const struct schema image_schema = SCHEMA("image", struct news_image, image_fields);

static const struct schema_field news_fields[] = {
    {.key = "title", .type = SCHEMA_TEXT, .flags = SCHEMA_REQUIRED | SCHEMA_EDITION,
     FIELD(news, title), .max = LIMIT_SUBJECT, .help = "The headline.",
     .example = "Studio in Narva to let"},
    {.key = "summary", .type = SCHEMA_LINES, .flags = SCHEMA_EDITION, FIELD(news, summary),
     .max = LIMIT_VALUE, .help = "One or two sentences; the text's first paragraph if not given.",
     .example = "Forty square metres with north light."},
    {.key = "url", .type = SCHEMA_URL, .flags = SCHEMA_EDITION, FIELD(news, url),
     .help = "Where to read more.", .example = "https://cluster.example/studio"},
    {.key = "type", .type = SCHEMA_CHOICE, FIELD(news, type), .choices = types, .fallback = "news",
     .help = "What it is."},
    {.key = "date", .type = SCHEMA_DATE, FIELD(news, date),
     .help = "Published on; not shown before. Old news is left out, see news_max_age.",
     .example = "2026-11-20"},
    {.key = "until", .type = SCHEMA_DATE, FIELD(news, until), .help = "Last day that it is shown.",
     .example = "2027-01-31"},
    {.key = "kinds", .type = SCHEMA_TEXT, .flags = SOME, ARRAY(news, kinds, kind_count),
     .help = "Kinds of members it is for; all if not given.", .example = "[individual]"},
    {.key = "sectors", .type = SCHEMA_TEXT, .flags = SOME, ARRAY(news, sectors, sector_count),
     .help = "Sectors it is for; all if not given.", .example = "[art, design]"},
    {.key = "regions", .type = SCHEMA_TEXT, .flags = SOME,
     ARRAY(news, region_names, region_name_count),
     .help = "Codes or names of regions or groups it is for; all if not given.",
     .example = "[EE00A]"},
    {.key = "image", .type = SCHEMA_MAP, .flags = SCHEMA_POINTER, FIELD(news, image),
     .sub = &image_schema, .help = "A picture beside it."},
    {.key = "image_alt", .type = SCHEMA_TEXT, .flags = SCHEMA_EDITION, FIELD(news, image_alt),
     .max = LIMIT_NAME, .help = "In a language edition: what the image shows.",
     .example = "Ein heller Raum mit zwei Staffeleien"},
};

const struct schema news_schema = SCHEMA("news/*.md", struct news, news_fields);

const char *news_type_name(enum news_type type)
{
    return types[type].name;
}

bool news_is_current(const struct news *news, int64_t at, int64_t max_age)
{
    if (at < news->date_at || at >= news->until_at) {
        return false;
    }
    return max_age <= 0 || news->date_at == INT64_MIN || at - news->date_at <= max_age;
}

static void news_texts(const void *facts, struct edition *edition)
{
    const struct news *news = facts;

    edition->title = news->title;
    edition->summary = news->summary;
    edition->url = news->url;
    edition->image_alt = news->image ? news->image->alt : news->image_alt;
}

static int check_image(struct load *load, const struct news *news)
{
    struct arena_mark mark = arena_mark(load->arena);
    char *path = config_path(load->arena, load->config, news->image->file);
    struct err err = {0};
    char *data;
    size_t len;

    if (!path) {
        return err_nomem(load->err);
    }
    if (file_read(load->arena, path, LIMIT_IMAGE, &data, &len, &err) < 0) {
        yaml_problem(load->report, news->image->node, "file",
                     err.code == ERR_NOT_FOUND ? "there is no file '%s'" : "'%s' cannot be used",
                     news->image->file);
    } else if (!project_image_type(data, len)) {
        yaml_problem(load->report, news->image->node, "file",
                     "'%s' is none of PNG, JPEG and GIF", news->image->file);
    }
    arena_rewind(load->arena, mark);
    for (int i = 0; i < LANG_COUNT; i++) {
        const struct edition *edition = news->item.editions[i];

        if (edition && !edition->image_alt) {
            yaml_problem(load->report, edition->node, "",
                         "'image_alt' is missing in this edition: what the image shows");
        }
    }
    return 0;
}

static void read_dates(struct load *load, struct news *news)
{
    const char *zone = load->config->site.timezone;
    struct call_moment date = {.civil = news->date};
    struct call_moment until = {.civil = news->until};

    date.zone = until.zone = zone && zone_is_known(zone) ? zone : "UTC";
    news->date_at = INT64_MIN;
    news->until_at = INT64_MAX;
    if (news->date.year != 0 && load_instant(load, news->node, "date", false, &date)) {
        news->date_at = date.at;
    }
    if (news->until.year != 0 && load_instant(load, news->node, "until", true, &until)) {
        news->until_at = until.at;
    }
    if (news->until_at <= news->date_at) {
        yaml_problem(load->report, news->node, "until", "'until' lies before 'date'");
    }
}

static int news_finish(struct load *load, void *facts)
{
    struct news *news = facts;
    const struct site_vocabularies *words = &load->config->site.vocabularies;
    int rc = load_terms(load, &words->kinds, "kind", news->node, "kinds", &news->kinds,
                        news->kind_count);

    read_dates(load, news);
    if (rc == 0) {
        rc = load_terms(load, &words->sectors, "sector", news->node, "sectors", &news->sectors,
                        news->sector_count);
    }
    if (rc == 0) {
        rc = load_regions(load, news->node, "regions", news->region_names,
                          news->region_name_count, &news->regions, &news->region_count);
    }
    if (rc == 0 && news->image && news->image->file) {
        rc = check_image(load, news);
    }
    return rc;
}

const struct load_kind news_kind = {
    .kind = ITEM_NEWS,
    .size = sizeof(struct news),
    .schema = &news_schema,
    .texts = news_texts,
    .finish = news_finish,
};
