/* Recipients: who gets a mailing, in which order, with which profile, and why others do not. */
#include "teataja/members/erasure.h"
#include "teataja/members/recipients.h"
#include "teataja/members/suppression.h"
#include "unit/members/register.h"

static int64_t add(struct register_site *r, const char *name, const char *region,
                   const char *sector)
{
    return register_add(r, arena_printf(r->arena, "email=%s@x.example", name),
                        arena_printf(r->arena, "name=%s", name),
                        arena_printf(r->arena, "region=%s", region),
                        arena_printf(r->arena, "sector=%s", sector), NULL);
}

static const char *names(struct register_site *r, const struct recipients_query *query)
{
    struct recipients *recipients = NULL;
    struct member_profile profile;
    const char *text = "";
    int rc = 0;

    register_ok(r, recipients_open(&r->members, query, &recipients, &r->err));
    while ((rc = recipients_next(recipients, r->arena, &profile, &r->err)) == 1) {
        text = arena_printf(r->arena, "%s%s%s", text, *text != '\0' ? " " : "", profile.name);
    }
    register_ok(r, rc);
    recipients_close(recipients);
    return text;
}

static struct segment *parse(struct register_site *r, const char *text)
{
    struct segment *segment = NULL;

    register_ok(r, segment_parse_plain(&r->config, text, &segment, &r->err));
    return segment;
}

static void fill(struct register_site *r)
{
    struct subscription_ground consent = {.basis = SITE_BASIS_CONSENT, .source = "import"};
    int64_t left = add(r, "left", "Narva", "music");
    int64_t hard = add(r, "hard", "Narva", "music");
    int64_t pending = add(r, "pending", "Narva", "music");
    int64_t unconfirmed = add(r, "unconfirmed", "Narva", "music");
    int64_t outside = add(r, "outside", "EE008", "music");
    int64_t bouncing = add(r, "bouncing", "Narva", "music");
    int64_t erased = add(r, "erased", "Narva", "music");
    int64_t gets = add(r, "gets", "Narva", "music");
    int64_t film = add(r, "film", "Narva", "film");
    int64_t elsewhere = add(r, "elsewhere", "Narva", "music");
    const int64_t on[] = {left, hard, outside, bouncing, erased, gets, film};

    for (size_t i = 0; i < sizeof(on) / sizeof(on[0]); i++) {
        register_subscribe(r, on[i], "funding");
    }
    register_subscribe(r, elsewhere, "events");
    register_ok(r, subscription_ask(&r->members, pending, "funding", &consent, &r->err));
    register_ok(
        r, subscription_start(&r->members, unconfirmed, "funding", &consent, NULL, NULL, &r->err));
    register_ok(r, subscription_leave(&r->members, left, "funding", NULL, NULL, NULL, &r->err));
    register_ok(r, suppression_add_member(&r->members, hard, SUPPRESSION_HARD, NULL, &r->err));
    register_ok(r, member_set_delivery(&r->members, bouncing, MEMBER_BOUNCING, "4", 1, &r->err));
    register_ok(r, member_erase(&r->members, erased, NULL, &r->err));
}

static void test_only_active_subscribers_in_the_audience_get_it(void **state)
{
    struct register_site *r = *state;
    struct segment *newsletter = parse(r, "region = Ida-Viru");
    struct segment *issue = parse(r, "not sector = film or tag = x");
    struct recipients_query query = {.list = "funding"};

    fill(r);
    assert_string_equal(names(r, &query), "outside bouncing gets film");
    query.audience[0] = newsletter;
    assert_string_equal(names(r, &query), "bouncing gets film");
    query.audience[1] = issue;
    assert_string_equal(names(r, &query), "bouncing gets");
    query.limit = 1;
    assert_string_equal(names(r, &query), "bouncing");
    query.after = 6;
    assert_string_equal(names(r, &query), "gets");
    query.after = 8;
    assert_string_equal(names(r, &query), "");
    query.list = "fundng";
    assert_int_equal(recipients_open(&r->members, &query, NULL, &r->err), ERR_NOT_FOUND);
    segment_free(newsletter);
    segment_free(issue);
}

static void test_everybody_else_has_a_reason(void **state)
{
    struct register_site *r = *state;
    struct segment *audience = parse(r, "region = Ida-Viru and sector = music");
    struct recipients_query query = {.list = "funding", .audience = {NULL, audience}};
    struct recipients_count count;

    fill(r);
    register_ok(r, recipients_explain(&r->members, &query, &count, &r->err));
    assert_int_equal(count.on_list, 8);
    assert_int_equal(count.left, 1);
    assert_int_equal(count.pending, 1);
    assert_int_equal(count.unconfirmed, 1);
    assert_int_equal(count.suppressed, 1);
    assert_int_equal(count.outside, 2);
    assert_int_equal(count.get_it, 2);
    assert_int_equal(count.bouncing, 1);
    assert_int_equal(count.not_on_list, 1);
    query.list = "board";
    register_ok(r, recipients_explain(&r->members, &query, &count, &r->err));
    assert_int_equal(count.on_list, 0);
    assert_int_equal(count.get_it, 0);
    segment_free(audience);
}

static const char *joined(struct register_site *r, const struct member_terms *terms)
{
    const char *text = "";

    for (size_t i = 0; i < terms->count; i++) {
        text = arena_printf(r->arena, "%s%s%s", text, i > 0 ? " " : "", terms->items[i]);
    }
    return text;
}

static void test_a_profile_is_what_the_segment_language_sees(void **state)
{
    struct register_site *r = *state;
    struct member_profile p;
    int64_t id = register_add(r, "email=mari@x.example", "name=Mari", "language=ru et",
                              "timezone=Europe/Vilnius", "region=Narva", "kind=individual",
                              "sector=music", "tag=press", "attr.phone=555", "organisation=Õun",
                              "organisation_kind=nonprofit", "organisation_sector=film,music",
                              "organisation_region=LT028", NULL);
    int64_t bare = register_add(r, "email=bare@x.example", "organisation=Õun", NULL);
    int64_t nothing = register_add(r, "email=nothing@x.example", NULL);

    register_ok(r, member_profile_get(&r->members, r->arena, id, &p, &r->err));
    assert_string_equal(p.email, "mari@x.example");
    assert_string_equal(p.tz, "Europe/Vilnius");
    assert_int_equal(p.languages[0], LANG_RU);
    assert_string_equal(p.region, "0511");
    assert_string_equal(joined(r, &p.regions), "0511 EE EE00A network");
    assert_string_equal(joined(r, &p.kinds), "individual nonprofit");
    assert_string_equal(joined(r, &p.sectors), "film music");
    assert_string_equal(joined(r, &p.tags), "press");
    assert_string_equal(p.organisation, "Õun");
    assert_int_equal(p.attr_count, 1);
    assert_string_equal(p.attrs[0].key, "phone");
    assert_string_equal(p.attrs[0].text, "555");
    assert_int_equal(p.epoch, 1);

    register_ok(r, member_profile_get(&r->members, r->arena, bare, &p, &r->err));
    assert_string_equal(p.name, "");
    assert_string_equal(p.tz, "Europe/Tallinn");
    assert_string_equal(joined(r, &p.regions), "LT028 network south-baltic");
    assert_string_equal(joined(r, &p.kinds), "nonprofit");
    assert_string_equal(register_segment(r, "region = south-baltic"), "bare");

    register_ok(r, member_profile_get(&r->members, r->arena, nothing, &p, &r->err));
    assert_null(p.region);
    assert_int_equal(p.regions.count + p.kinds.count + p.sectors.count + p.tags.count, 0);
    assert_string_equal(p.organisation, "");
    register_ok(r, member_erase(&r->members, nothing, NULL, &r->err));
    assert_int_equal(member_profile_get(&r->members, r->arena, nothing, &p, &r->err),
                     ERR_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, register_set_up, register_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_only_active_subscribers_in_the_audience_get_it),
        TEST(test_everybody_else_has_a_reason),
        TEST(test_a_profile_is_what_the_segment_language_sees),
    };

    return cmocka_run_group_tests_name("members/recipients", tests, NULL, NULL);
}
