/* Lists and regions of the files are brought into the database when they change. */
#include "unit/members/register.h"

static void reload(struct register_site *r, const char *site, const char *regions)
{
    register_write(r, "teataja.yaml", site);
    register_write(r, "regions.yaml", regions);
    register_load(r);
}

static void test_regions_stand_in_their_tables(void **state)
{
    struct register_site *r = *state;

    assert_int_equal(register_count(r, "SELECT count(*) FROM region"), 7);
    assert_int_equal(register_count(r, "SELECT count(*) FROM v_region_within WHERE code = '0511'"),
                     4);
    assert_int_equal(
        register_count(r, "SELECT count(*) FROM v_region_within WHERE within = 'network'"), 4);
    assert_int_equal(register_count(r, "SELECT count(*) FROM region_name WHERE fold = "
                                       "'ида-виру' AND lang = 'ru' AND code = 'EE00A'"),
                     1);
    assert_int_equal(register_count(r, "SELECT count(*) FROM list"), 3);
}

static void test_what_did_not_change_is_not_written(void **state)
{
    struct register_site *r = *state;
    int64_t before = register_count(r, "SELECT total_changes()");

    register_ok(r, members_sync(&r->members, &r->err));
    assert_int_equal(register_count(r, "SELECT total_changes()"), before);
}

static void test_a_code_that_became_an_alias_hands_its_members_over(void **state)
{
    struct register_site *r = *state;
    struct member m;
    int64_t id = register_add(r, "email=a@x.example", "region=EE008", "organisation=Õun",
                              "organisation_region=EE008", NULL);

    reload(r, REGISTER_SITE,
           "regions: { EE: Eesti, EE00B: { parent: EE, name: Tartu, aliases: [EE008] } }\n");
    register_ok(r, members_sync(&r->members, &r->err));
    register_ok(r, member_get(&r->members, r->arena, id, &m, &r->err));
    assert_string_equal(m.region, "EE00B");
    assert_int_equal(register_count(r, "SELECT count(*) FROM organisation WHERE region = 'EE00B'"),
                     1);
    assert_int_equal(register_count(r, "SELECT count(*) FROM region"), 2);
    assert_string_equal(register_segment(r, "region = EE008"), "a");
}

static void test_a_region_in_use_cannot_vanish(void **state)
{
    struct register_site *r = *state;

    (void)register_add(r, "email=a@x.example", "region=EE008", NULL);
    reload(r, REGISTER_SITE, "regions: { EE: Eesti }\n");
    assert_int_equal(members_sync(&r->members, &r->err), ERR_STATE);
    assert_string_equal(r->err.msg, "regions.yaml has no 'EE008' any more, but 1 members and "
                                    "organisations are there; make it an alias of the region in "
                                    "its place");
    assert_int_equal(register_count(r, "SELECT count(*) FROM region"), 7);
    assert_false(db_in_transaction(r->members.db));
}

static void test_a_list_in_use_cannot_vanish(void **state)
{
    struct register_site *r = *state;
    int64_t id = register_add(r, "email=a@x.example", NULL);
    const char *without =
        "name: Cluster\npostal_address: Narva\nlanguages: [et]\ntimezone: Europe/Tallinn\n"
        "office: office@cluster.example\nlists: { funding: Funding, news: News }\n"
        "addresses: { mode: single, mailbox: bounce@cluster.example }\n"
        "web: https://letters.cluster.example/\n";

    register_subscribe(r, id, "events");
    reload(r, without, REGISTER_REGIONS);
    assert_int_equal(members_sync(&r->members, &r->err), ERR_STATE);
    assert_string_equal(r->err.msg,
                        "teataja.yaml has no list 'events' any more, but 1 members are on it");
    reload(r, REGISTER_SITE, REGISTER_REGIONS);
    register_ok(r, members_sync(&r->members, &r->err));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, register_set_up, register_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_regions_stand_in_their_tables),
        TEST(test_what_did_not_change_is_not_written),
        TEST(test_a_code_that_became_an_alias_hands_its_members_over),
        TEST(test_a_region_in_use_cannot_vanish),
        TEST(test_a_list_in_use_cannot_vanish),
    };

    return cmocka_run_group_tests_name("members/sync", tests, NULL, NULL);
}
