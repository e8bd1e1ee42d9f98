/* Matching: whom a call or news concerns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "teataja/content/matching.h"

/* Lists end at the first NULL. */
struct lists {
    const char *kinds[3];
    const char *sectors[3];
    const char *regions[3];
};

static size_t length(const char *const list[3])
{
    size_t count = 0;

    while (count < 3 && list[count]) {
        count++;
    }
    return count;
}

static const struct {
    const char *what;
    const char *applicants[3];
    const char *tell[3];
    const char *sectors[3];
    const char *region;
    struct lists reader;
    enum match match;
} cases[] = {
    {"a call for all, a reader of whom nothing is known",
     {0},
     {0},
     {0},
     NULL,
     {{0}, {0}, {0}},
     MATCH_APPLY},
    {"a reader of whom nothing is known",
     {"nonprofit"},
     {"individual"},
     {"music"},
     "EE00A",
     {{0}, {0}, {0}},
     MATCH_APPLY},
    {"one of the kinds",
     {"nonprofit", "foundation"},
     {0},
     {0},
     NULL,
     {.kinds = {"individual", "foundation"}},
     MATCH_APPLY},
    {"no kind that may", {"nonprofit"}, {0}, {0}, NULL, {.kinds = {"individual"}}, MATCH_NONE},
    {"a kind to tell",
     {"nonprofit"},
     {"individual"},
     {0},
     NULL,
     {.kinds = {"individual"}},
     MATCH_TELL},
    {"both kinds",
     {"nonprofit"},
     {"individual"},
     {0},
     NULL,
     {.kinds = {"individual", "nonprofit"}},
     MATCH_APPLY},
    {"told, but of another sector",
     {"nonprofit"},
     {"individual"},
     {"music"},
     NULL,
     {.kinds = {"individual"}, .sectors = {"film"}},
     MATCH_NONE},
    {"only a kind to tell is named",
     {0},
     {"individual"},
     {0},
     NULL,
     {.kinds = {"individual"}},
     MATCH_APPLY},
    {"one of the sectors", {0}, {0}, {"music", "film"}, NULL, {.sectors = {"film"}}, MATCH_APPLY},
    {"another sector", {0}, {0}, {"music"}, NULL, {.sectors = {"film"}}, MATCH_NONE},
    {"a region within", {0}, {0}, {0}, "EE", {.regions = {"0511", "EE00A", "EE"}}, MATCH_APPLY},
    {"a region around is not within", {0}, {0}, {0}, "EE00A", {.regions = {"EE"}}, MATCH_NONE},
    {"another region", {0}, {0}, {0}, "PL621", {.regions = {"EE00A", "EE"}}, MATCH_NONE},
};

static void a_call_concerns_those_who_fit_in_every_respect(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct region region = {.code = cases[i].region};
        const struct region *regions[] = {&region};
        const struct lists *reader = &cases[i].reader;
        const struct call call = {
            .applicants = cases[i].applicants,
            .applicant_count = length(cases[i].applicants),
            .tell = cases[i].tell,
            .tell_count = length(cases[i].tell),
            .sectors = cases[i].sectors,
            .sector_count = length(cases[i].sectors),
            .regions = regions,
            .region_count = cases[i].region != NULL,
        };
        const struct news news = {
            .kinds = cases[i].applicants,
            .kind_count = length(cases[i].applicants),
            .sectors = cases[i].sectors,
            .sector_count = length(cases[i].sectors),
            .regions = regions,
            .region_count = cases[i].region != NULL,
        };
        const struct audience_profile profile = {
            .kinds = reader->kinds,
            .kind_count = length(reader->kinds),
            .sectors = reader->sectors,
            .sector_count = length(reader->sectors),
            .regions = reader->regions,
            .region_count = length(reader->regions),
        };

        if (call_matches(&call, &profile) != cases[i].match) {
            fail_msg("%s: %d", cases[i].what, (int)call_matches(&call, &profile));
        }
        /* News has no kinds to tell beside those it is for. */
        if (news_matches(&news, &profile) != (cases[i].match == MATCH_APPLY)) {
            fail_msg("%s: as news", cases[i].what);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_concerns_those_who_fit_in_every_respect),
    };

    return cmocka_run_group_tests_name("content/matching", tests, NULL, NULL);
}
