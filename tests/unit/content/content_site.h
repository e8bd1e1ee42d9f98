/* content_site.h - a site with regions, sectors and a newsletter, for content files. */
#pragma once

#include "teataja/content/content.h"
#include "unit/config/site_folder.h"

#define CONTENT_SITE                                                                               \
    SITE_MINIMAL "country: EE\n"                                                                   \
                 "vocabularies: { sectors: [music, design, film] }\n"

#define CONTENT_NEWSLETTER                                                                         \
    "name: Funding letter\n"                                                                       \
    "list: funding\n"                                                                              \
    "from: { name: Cluster, address: letters@cluster.example }\n"

#define CONTENT_REGIONS                                                                            \
    "regions:\n"                                                                                   \
    "  EE00A: { name: Ida-Viru, aliases: [EE007, Ida-Virumaa] }\n"                                 \
    "  PL621: { name: Elbląski }\n"                                                               \
    "groups: { south-baltic: { name: South Baltic, members: [PL621] } }\n"

struct content_site {
    struct site_folder *folder;
    struct config config;
    struct holidays *holidays;
    struct content content;
};

static inline int64_t content_instant(const char *text)
{
    struct civil civil;

    assert_int_equal(civil_parse(text, &civil, NULL), 0);
    return civil_to_utc(&civil);
}

/* A site whose newsletter is in `languages`, such as "[et]". */
static inline void content_site_start(struct content_site *site, struct site_folder *folder,
                                      const char *languages)
{
    struct err err = {0};
    char newsletter[300];

    memset(site, 0, sizeof(*site));
    site->folder = folder;
    snprintf(newsletter, sizeof(newsletter), "%slanguages: %s\nfallback: en\n", CONTENT_NEWSLETTER,
             languages);
    if (!strstr(languages, "en")) {
        *strstr(newsletter, "fallback") = '\0';
    }
    site_folder_write(folder, "teataja.yaml", CONTENT_SITE);
    site_folder_write(folder, "regions.yaml", CONTENT_REGIONS);
    site_folder_write(folder, "newsletters/funding.yaml", newsletter);
    if (config_load(folder->arena, folder->path, folder->report, &site->config, &err) < 0 ||
        holidays_load(folder->arena, TEST_SOURCE_DIR "/templates/holidays.yaml", folder->report,
                      &site->holidays, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    site_folder_expect(folder, "");
}

static inline int content_site_load(struct content_site *site, const char *now)
{
    return content_load(site->folder->arena, &site->config, site->holidays, content_instant(now),
                        site->folder->report, &site->content, NULL);
}
