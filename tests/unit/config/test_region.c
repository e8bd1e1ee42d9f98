/* regions.yaml: found by any name, the tree kept a tree. */
#include "teataja/config/region.h"

#include "unit/config/site_folder.h"

static const char baltic[] = "regions:\n"
                             "  EE: { name: { et: Eesti, ru: Эстония, en: Estonia } }\n"
                             "  EE00A:\n"
                             "    parent: EE\n"
                             "    name: { et: Ida-Viru, ru: Ида-Виру }\n"
                             "    aliases: [EE007, '0045', Ida-Virumaa, Ида-Вирумаа]\n"
                             "  '0511': { parent: EE00A, name: { et: Narva, ru: Нарва } }\n"
                             "  EE008: { parent: EE, name: Tartu }\n"
                             "  '0793': { parent: EE008, name: Tartu }\n"
                             "  PL621: Elbląg\n"
                             "groups:\n"
                             "  south-baltic: { name: { en: South Baltic, pl: Południowy Bałtyk }, "
                             "members: [PL621, EE00A] }\n";

static void test_a_region_is_found_by_any_name(void **state)
{
    struct site_folder *f = *state;
    static const struct {
        const char *text;
        const char *code;
    } cases[] = {
        {"EE00A", "EE00A"},
        {"ee00a", "EE00A"},
        {"EE007", "EE00A"},
        {"0045", "EE00A"},
        {"Ida-Viru", "EE00A"},
        {"ида-вирумаа", "EE00A"},
        {" НАРВА ", "0511"},
        {"ELBLĄG", "PL621"},
        {"południowy bałtyk", "south-baltic"},
        {"south-baltic", "south-baltic"},
        {"Tartu", "EE008"},
        {"0793", "0793"},
        {"Elblag", NULL},
        {"", NULL},
    };
    struct regions regions;

    site_folder_write(f, REGIONS_FILE, baltic);
    assert_int_equal(regions_load(f->arena, f->path, f->report, &regions, NULL), 0);
    site_folder_expect(f, "");
    assert_int_equal(regions.count, 7);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct region *region = region_find(&regions, cases[i].text, NULL);

        assert_int_equal(region != NULL, cases[i].code != NULL);
        if (region) {
            assert_string_equal(region->code, cases[i].code);
        }
    }
}

static void test_a_region_is_within_those_above_it_and_their_groups(void **state)
{
    struct site_folder *f = *state;
    static const struct {
        const char *inner, *outer;
        bool within;
    } cases[] = {
        {"Narva", "EE", true},
        {"Narva", "EE00A", true},
        {"Narva", "Narva", true},
        {"EE", "Narva", false},
        {"Narva", "EE008", false},
        {"Narva", "south-baltic", true},
        {"EE00A", "south-baltic", true},
        {"EE", "south-baltic", false},
        {"PL621", "south-baltic", true},
        {"south-baltic", "PL621", false},
        {"south-baltic", "south-baltic", true},
        {"Nowhere", "EE", false},
        {"Narva", "Nowhere", false},
    };
    struct regions regions;
    struct suggest suggest;

    site_folder_write(f, REGIONS_FILE, baltic);
    assert_int_equal(regions_load(f->arena, f->path, f->report, &regions, NULL), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(region_is_within(region_find(&regions, cases[i].inner, NULL),
                                          region_find(&regions, cases[i].outer, NULL)),
                         cases[i].within);
    }
    suggest_start(&suggest, "Elblag");
    region_suggest(&regions, &suggest);
    assert_string_equal(suggest_hint(&suggest), "; did you mean 'Elbląg'?");
}

static void test_a_site_may_have_no_regions(void **state)
{
    struct site_folder *f = *state;
    struct regions regions;

    assert_int_equal(regions_load(f->arena, f->path, f->report, &regions, NULL), 0);
    assert_int_equal(regions.count, 0);
    assert_null(region_find(&regions, "EE", NULL));
}

static void test_all_mistakes_are_reported_at_once(void **state)
{
    struct site_folder *f = *state;
    struct regions regions;

    site_folder_write(f, REGIONS_FILE,
                      "regions:\n"
                      "  A: { parent: B, name: Aa }\n"
                      "  B: { parent: C, name: Bb }\n"
                      "  C: { parent: A, name: Cc }\n"
                      "  D: { parent: EE1, name: Dd }\n"
                      "  EE: { name: Narva }\n"
                      "  F: { name: narva }\n"
                      "  G: { parent: g1 }\n"
                      "groups:\n"
                      "  g1: { name: Group, members: [A, Z, g2] }\n"
                      "  g2: { name: Other, members: [] }\n");
    assert_int_equal(regions_load(f->arena, f->path, f->report, &regions, NULL), ERR_INVALID);
    site_folder_expect(f, "regions.yaml:2:16: parent: region 'A' is inside itself\n"
                          "regions.yaml:5:16: no region 'EE1'; did you mean 'EE'?\n"
                          "regions.yaml:7:6: 'narva' is a name of region 'EE' and of 'F'; one of "
                          "them needs another\n"
                          "regions.yaml:8:6: 'name' is missing\n"
                          "regions.yaml:8:16: 'g1' is a group; a parent is a region\n"
                          "regions.yaml:10:35: no region 'Z'\n"
                          "regions.yaml:10:38: 'g2' is a group; a group holds regions\n"
                          "regions.yaml:11:31: members: the list is empty\n");
    assert_true(
        region_is_within(region_find(&regions, "B", NULL), region_find(&regions, "A", NULL)));
    assert_false(
        region_is_within(region_find(&regions, "A", NULL), region_find(&regions, "B", NULL)));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, site_folder_set_up, site_folder_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_region_is_found_by_any_name),
        TEST(test_a_region_is_within_those_above_it_and_their_groups),
        TEST(test_a_site_may_have_no_regions),
        TEST(test_all_mistakes_are_reported_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
