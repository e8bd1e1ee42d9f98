/* The segment language: its grammar, its errors, and whom it finds. */
#include "unit/members/register.h"

static const char *const good[] = {
    "",
    "  ",
    "sector = music",
    "sector = music OR NOT tag Exists",
    "subscribed(funding) and (sector in (music, design) or region = \"Ida-Viru\") and not tag = x",
    "not tag = press and joined >= 2026-01-01",
    "sector in (music, design) and not tag = \"press\"",
    "subscribed(events) and region = 'Ida-Viru'",
    "name ~ \"O'Neill\" and name != 'say \\'x\\''",
    "attr.employees >= -5 and attr.founded < 2000-01-01 and attr.vip = yes",
    "attr.phone ~ 372 and attr.phone exists and not attr.phone exists",
    "invited(forum-2027) and rsvp(forum-2027) != no or received(2026-12)",
    "rsvp(forum) in (yes, maybe) and rsvp(forum) not in (no)",
    "region not in (EE008, Narva, south-baltic)",
    "timezone = Europe/Tallinn and language in (et, Russian) and status != bouncing",
    "kind = self_employed and kind in (self-employed)",
    "email = Mari@ÕUN.example and email ~ '@õun'",
    "not not not sector = music",
    "((((name exists))))",
    "organisation = \"Linnagalerii OÜ\"",
};

static const struct {
    const char *text;
    const char *error;
} bad[] = {
    {"region = ", "column 10: a value is missing after '='"},
    {"secter = music", "column 1: no field 'secter'; did you mean 'sector'?"},
    {"sector in (music", "column 17: ')' is missing"},
    {"sector in (music design)", "column 18: ',' or ')' is missing"},
    {"sector in ()", "column 12: a value is missing after '('"},
    {"sector in music", "column 11: '(' is missing after 'in'"},
    {"sector = musik", "column 10: no sector 'musik'; did you mean 'music'?"},
    {"sector", "column 7: an operator such as '=' is missing after 'sector'"},
    {"sector music", "column 8: an operator such as '=' is missing after 'sector'"},
    {"and sector = music", "column 1: a condition is missing"},
    {"sector = music and", "column 19: a condition is missing after 'and'"},
    {"sector = music or or", "column 19: a condition is missing after 'or'"},
    {"sector = music sector = film", "column 16: 'and' or 'or' is missing before 'sector'"},
    {"not", "column 4: a condition is missing after 'not'"},
    {"()", "column 2: a condition is missing after '('"},
    {"(sector = music", "column 16: ')' is missing"},
    {"(sector = music name exists)", "column 17: 'and', 'or' or ')' is missing"},
    {"sector = music)", "column 15: there is no '(' for this ')'"},
    {") or", "column 1: there is no '(' for this ')'"},
    {"sector == music", "column 8: write '=' instead of '=='"},
    {"sector <> music", "column 8: write '!=' instead of '<>'"},
    {"name ~ a && name ~ b", "column 10: write 'and' instead of '&&'"},
    {"!sector = music", "column 1: write 'not' instead of '!'"},
    {"name = \"õ", "column 8: the text that starts here is not closed"},
    {"name = 'õ\\", "column 8: the text that starts here is not closed"},
    {"name = „Õun“", "column 8: write a straight quote (\") instead of '„'"},
    {"õ = 1", "column 1: no field 'õ'"},
    {"name = a; drop", "column 9: ';' means nothing here; a value with such characters stands in "
                       "quotes"},
    {"name = \"\"", "column 8: the value is empty; write 'not name exists' for those without"},
    {"name < b", "column 6: 'name' does not know '<', only = != in ~ exists"},
    {"region ~ Ida", "column 8: 'region' does not know '~', only = != in exists"},
    {"joined in (2026-01-01)", "column 8: 'joined' does not know 'in', only = != < <= > >="},
    {"region = Ida-Vru", "column 10: no region 'Ida-Vru'; did you mean 'Ida-Viru'?"},
    {"name ~ x and region in (EE, Nrva)", "column 29: no region 'Nrva'; did you mean 'Narva'?"},
    {"language = xx",
     "column 12: no language 'xx'; letters speak et, ru, en, lv, lt, pl, cs, de, sv, fi"},
    {"status = activ", "column 10: no status 'activ'; did you mean 'active'?"},
    {"joined > 2026-02-30", "column 10: 2026-02-30 is not a date: February 2026 has 28 days"},
    {"joined > \"2026-02-03 10:00\"",
     "column 10: '2026-02-03 10:00' has a time of day; a date is meant"},
    {"attr.employes > 3", "column 1: no attribute 'employes'; did you mean 'employees'?"},
    {"employees > 3", "column 1: no field 'employees'; did you mean 'attr.employees'?"},
    {"attr.employees > many", "column 18: 'many' is not a whole number"},
    {"attr.phone > 3", "column 12: 'attr.phone' does not know '>', only = != in ~ exists"},
    {"attr.vip = perhaps", "column 12: 'perhaps' is neither yes nor no"},
    {"subscribed(fundng)", "column 12: no list 'fundng'; did you mean 'funding'?"},
    {"subscribed funding", "column 12: '(' is missing after 'subscribed'"},
    {"subscribed()", "column 12: a name is missing after '('"},
    {"subscribed(funding", "column 19: ')' is missing"},
    {"subscribd(funding)", "column 1: no field 'subscribd'; did you mean 'subscribed'?"},
    {"invited('no slug')", "column 9: 'no slug' is no event: its file's name is meant"},
    {"rsvp(forum)", "column 12: an operator such as '=' is missing after 'rsvp'"},
    {"rsvp(forum) = perhaps", "column 15: no answer 'perhaps'"},
    {"rsvp(forum) > yes", "column 13: 'rsvp' does not know '>', only = != in"},
    {"name not = x", "column 10: 'in' is missing after 'not'"},
    {"name = and", "column 8: a value is missing after '='"},
    {"name = x\ny", "column 10: 'and' or 'or' is missing before 'y'"},
    {"name = \xff", "column 8: this is not UTF-8"},
};

static void test_the_grammar_is_read(void **state)
{
    struct register_site *r = *state;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct segment *segment = NULL;
        int64_t count = 0;

        if (segment_parse_plain(&r->config, good[i], &segment, &r->err) < 0 ||
            segment_count(r->members.db, segment, &count, &r->err) < 0) {
            fail_msg("%s: %s", good[i], r->err.msg);
        }
        segment_free(segment);
    }
}

static void test_mistakes_point_at_their_column(void **state)
{
    struct register_site *r = *state;
    int wrong = 0;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct segment *segment = NULL;

        if (segment_parse_plain(&r->config, bad[i].text, &segment, &r->err) != ERR_INVALID) {
            fail_msg("taken: %s", bad[i].text);
        }
        if (strcmp(r->err.msg, bad[i].error) != 0) {
            print_error("%s: %s\n", bad[i].text, r->err.msg);
            wrong++;
        }
        assert_true(segment_error_column(&r->err) > 0);
    }
    assert_int_equal(wrong, 0);
}

static void test_names_are_checked_where_they_are_known(void **state)
{
    struct register_site *r = *state;
    const char *const events[] = {"forum-2027", "seminar"};
    struct segment_scope scope = {
        .config = &r->config, .events = events, .event_count = 2, .issues = events};
    struct segment *segment = NULL;

    register_ok(r, segment_parse(&scope, "invited(seminar)", &segment, &r->err));
    segment_free(segment);
    assert_int_equal(segment_parse(&scope, "invited(forum-2026)", &segment, &r->err), ERR_INVALID);
    assert_string_equal(r->err.msg, "column 9: no event 'forum-2026'; did you mean 'forum-2027'?");
    assert_int_equal(segment_parse(&scope, "received(2026-12)", &segment, &r->err), ERR_INVALID);
    assert_string_equal(r->err.msg, "column 10: no issue '2026-12'");
}

static void test_letters_are_issues_or_those_of_a_newsletter(void **state)
{
    struct register_site *r = *state;
    const char *const issues[] = {"2026-12"};
    struct newsletter newsletters[] = {{.slug = "funding"}};
    struct config config = r->config;
    struct segment_scope scope = {.config = &config, .issues = issues, .issue_count = 1};
    static const struct {
        const char *text;
        const char *error; /* NULL: it is right */
    } cases[] = {
        {"received(2026-12)", NULL},
        {"received(issues/2026-12)", NULL},
        {"received(newsletters/funding)", NULL},
        {"received(newsletters/gone)", NULL},
        {"received(newsletters/fundin)",
         "column 10: no newsletter 'fundin'; did you mean 'funding'?"},
        {"received(newsletters/)", "column 10: no newsletter ''"},
        {"received(funding)", "column 10: no issue 'funding'; did you mean 'newsletters/funding'?"},
    };

    config.newsletters = newsletters;
    config.newsletter_count = 1;
    register_ok(r, left_out_add(r->arena, &config.left, "newsletters", "gone", "wrong", &r->err));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct segment *segment = NULL;
        int rc = segment_parse(&scope, cases[i].text, &segment, &r->err);

        if (cases[i].error == NULL) {
            register_ok(r, rc);
        } else {
            assert_int_equal(rc, ERR_INVALID);
            assert_string_equal(r->err.msg, cases[i].error);
        }
        segment_free(segment);
    }
}

static void test_limits_hold(void **state)
{
    struct register_site *r = *state;
    struct segment *segment = NULL;
    struct str text;
    int64_t count = 0;

    str_init(&text, LIMIT_SEGMENT * 2);
    str_add_repeat(&text, '(', LIMIT_SEGMENT_DEPTH);
    str_add(&text, "name exists");
    str_add_repeat(&text, ')', LIMIT_SEGMENT_DEPTH);
    register_ok(r, segment_parse_plain(&r->config, text.data, &segment, &r->err));
    register_ok(r, segment_count(r->members.db, segment, &count, &r->err));
    segment_free(segment);
    str_splice(&text, 0, 0, "not ", 4);
    assert_int_equal(segment_parse_plain(&r->config, text.data, &segment, &r->err), ERR_LIMIT);
    assert_string_equal(r->err.msg, "column 54: more than 50 levels of '(' and 'not'");

    str_reset(&text);
    str_add(&text, "tag in (a");
    for (int i = 1; i < LIMIT_SEGMENT_LIST; i++) {
        str_addf(&text, ",%d", i);
    }
    str_add(&text, ")");
    register_ok(r, segment_parse_plain(&r->config, text.data, &segment, &r->err));
    assert_int_equal(segment_values(segment), LIMIT_SEGMENT_LIST + 1);
    register_ok(r, segment_count(r->members.db, segment, &count, &r->err));
    segment_free(segment);
    str_cut(&text, text.len - 1);
    str_add(&text, ",b)");
    assert_int_equal(segment_parse_plain(&r->config, text.data, &segment, &r->err), ERR_LIMIT);
    assert_non_null(strstr(r->err.msg, "the list has more than 1000 values"));

    /* As long as it may be: a chain that is deeper than SQLite's own limit as it stands. */
    str_reset(&text);
    while (text.len + 14 < LIMIT_SEGMENT) {
        str_add(&text, text.len == 0 ? "tag=a" : " or tag=a");
    }
    register_ok(r, segment_parse_plain(&r->config, text.data, &segment, &r->err));
    register_ok(r, segment_count(r->members.db, segment, &count, &r->err));
    segment_free(segment);
    str_add_repeat(&text, ' ', LIMIT_SEGMENT + 1 - text.len);
    assert_int_equal(segment_parse_plain(&r->config, text.data, &segment, &r->err), ERR_LIMIT);
    str_release(&text);
}

static void fill(struct register_site *r)
{
    int64_t mari = register_add(
        r, "email=mari@x.example", "name=Mari ÕUN", "language=et, ru", "region=Narva",
        "kind=individual", "sector=music", "tag=Press, Board", "joined=2026-01-01",
        "attr.employees=3", "attr.founded=1999-12-31", "attr.vip=yes", "attr.phone=+372 555",
        "organisation=Õunaaed MTÜ", "organisation_code=80001", "organisation_kind=nonprofit",
        "organisation_sector=film", "organisation_region=EE008", NULL);
    int64_t ivan =
        register_add(r, "email=ivan@y.example", "name=Иван", "language=ru", "region=EE008",
                     "kind=self_employed", "sector=design", "timezone=Europe/Vilnius",
                     "joined=2026-03-29", "attr.employees=12", "attr.vip=no", NULL);
    int64_t petra = register_add(r, "email=petra@z.example", "language=cs", "tag=press",
                                 "organisation=Õunaaed MTÜ", "joined=2025-12-31", NULL);
    int64_t jonas = register_add(r, "email=jonas@z.example", "name=Jonas o'Brien", "region=LT028",
                                 "joined=2026-11-20", NULL);

    (void)register_add(r, "email=empty@z.example", NULL);
    register_subscribe(r, mari, "funding");
    register_subscribe(r, ivan, "funding");
    register_subscribe(r, petra, "events");
    register_ok(r, subscription_leave(&r->members, ivan, "funding", "link", NULL, NULL, &r->err));
    register_ok(r, member_set_delivery(&r->members, jonas, MEMBER_BOUNCING, "4.2.2", 2, &r->err));
}

static const struct {
    const char *text;
    const char *found;
} matches[] = {
    {"", "mari ivan petra jonas empty"},
    {"name = 'mari õun'", "mari"},
    {"name ~ õU", "mari"},
    {"name ~ o", "jonas"},
    {"name = \"JONAS O'Brien\"", "jonas"},
    {"name != 'Mari Õun'", "ivan petra jonas empty"},
    {"not name exists", "petra empty"},
    {"email = MARI@X.EXAMPLE", "mari"},
    {"email ~ @z.", "petra jonas empty"},
    {"email in (ivan@y.example, nobody@z.example)", "ivan"},
    {"language = ru", "mari ivan"},
    {"language in (ru, cs, Czech)", "mari ivan petra"},
    {"language != ru", "petra jonas empty"},
    {"language exists", "mari ivan petra"},
    {"timezone = Europe/Tallinn", "mari petra jonas empty"},
    {"timezone exists", "ivan"},
    {"region = \"Ida-Viru\"", "mari"},
    {"region = EE007", "mari"},
    {"region = Eesti", "mari ivan petra"},
    {"region = Tartu", "ivan petra"},
    {"region = south-baltic", "jonas"},
    {"region = network", "mari jonas"},
    {"region != network", "ivan petra empty"},
    {"region in (Narva, LT028)", "mari jonas"},
    {"region not in (Narva, LT028)", "ivan petra empty"},
    {"region exists", "mari ivan petra jonas"},
    {"organisation = 'õunaaed mtü'", "mari petra"},
    {"organisation = 80001", "mari petra"},
    {"organisation ~ AED", "mari petra"},
    {"organisation != 80001", "ivan jonas empty"},
    {"kind = individual", "mari"},
    {"kind = nonprofit", "mari petra"},
    {"not kind exists", "jonas empty"},
    {"sector = muusika", "mari"},
    {"sector = film", "mari petra"},
    {"sector in (music, design)", "mari ivan"},
    {"sector != film", "ivan jonas empty"},
    {"tag = PRESS", "mari petra"},
    {"tag != press", "ivan jonas empty"},
    {"tag = board and not tag = press", ""},
    {"joined >= 2026-01-01", "mari ivan jonas empty"},
    {"joined < 2026-01-01", "petra"},
    {"joined = 2026-03-29", "ivan"},
    {"joined != 2026-03-29", "mari petra jonas empty"},
    {"joined > 2026-03-29", "jonas empty"},
    {"joined <= 2026-03-29", "mari ivan petra"},
    {"status = bouncing", "jonas"},
    {"status in (active)", "mari ivan petra empty"},
    {"attr.employees > 2", "mari ivan"},
    {"attr.employees <= 3", "mari"},
    {"attr.employees in (12, 13)", "ivan"},
    {"attr.employees != 12", "mari petra jonas empty"},
    {"attr.founded < 2000-01-01", "mari"},
    {"attr.founded = 1999-12-31", "mari"},
    {"attr.vip = jah", "mari"},
    {"attr.vip != yes", "ivan petra jonas empty"},
    {"attr.phone ~ +372", "mari"},
    {"attr.phone exists", "mari"},
    {"subscribed(funding)", "mari"},
    {"not subscribed(funding)", "ivan petra jonas empty"},
    {"sector = music and region = LT028 or tag = press", "mari petra"},
    {"sector = music and (region = LT028 or tag = press)", "mari"},
    {"not (sector = music or sector = design)", "petra jonas empty"},
    {"not not sector = music", "mari"},
    {"received(2026-12)", ""},
    {"not received(2026-12) and sector = music", "mari"},
};

static void test_members_are_found(void **state)
{
    struct register_site *r = *state;

    fill(r);
    for (size_t i = 0; i < sizeof(matches) / sizeof(matches[0]); i++) {
        const char *found = register_segment(r, matches[i].text);

        if (strcmp(found, matches[i].found) != 0) {
            fail_msg("%s: '%s'", matches[i].text, found);
        }
    }
}

/* What is absent compares false, and `not` turns that round: nobody is in both
 * halves, and nobody in neither. */
static void test_every_condition_and_its_opposite_are_everybody(void **state)
{
    struct register_site *r = *state;

    fill(r);
    for (size_t i = 0; i < sizeof(matches) / sizeof(matches[0]); i++) {
        struct segment *segment = NULL;
        struct segment *opposite = NULL;
        int64_t with = 0;
        int64_t without = 0;

        if (*matches[i].text == '\0') {
            continue;
        }
        register_ok(r, segment_parse_plain(&r->config, matches[i].text, &segment, &r->err));
        register_ok(r, segment_parse_plain(&r->config,
                                           arena_printf(r->arena, "not (%s)", matches[i].text),
                                           &opposite, &r->err));
        register_ok(r, segment_count(r->members.db, segment, &with, &r->err));
        register_ok(r, segment_count(r->members.db, opposite, &without, &r->err));
        if (with + without != 5) {
            fail_msg("%s: %d and %d", matches[i].text, (int)with, (int)without);
        }
        segment_free(segment);
        segment_free(opposite);
    }
}

static void run_sql(struct register_site *r, const char *text)
{
    struct db_stmt *stmt = NULL;

    register_ok(r, db_query_text(r->members.db, text, &stmt, &r->err));
    register_ok(r, db_run(stmt, &r->err));
}

static void test_answers_and_letters_of_other_rooms_are_seen(void **state)
{
    struct register_site *r = *state;

    fill(r);
    run_sql(r, "INSERT INTO event (id, slug, uid, digest) VALUES (1, 'forum-2027', 'u', 'd')");
    run_sql(r, "INSERT INTO invitation (id, event, member, address, organizer, sequence, dtstamp) "
               "VALUES (1, 1, 1, 'a', 'o', 0, 0), (2, 1, 2, 'a', 'o', 0, 0)");
    run_sql(r, "INSERT INTO answer (invitation, state, via, at) VALUES (1, 'yes', 'staff', 0)");
    assert_string_equal(register_segment(r, "invited(forum-2027)"), "mari ivan");
    assert_string_equal(register_segment(r, "rsvp(forum-2027) = yes"), "mari");
    assert_string_equal(register_segment(r, "rsvp(forum-2027) = none"), "ivan");
    assert_string_equal(register_segment(r, "rsvp(forum-2027) != yes"), "ivan petra jonas empty");
    assert_string_equal(register_segment(r, "rsvp(forum-2027) in (yes, none)"), "mari ivan");
}

static void test_dates_are_days_in_the_zone_of_the_site(void **state)
{
    struct register_site *r = *state;
    /* 23:30 UTC of the last day of the year is half past one of the next in Tallinn. */
    struct civil night = {.year = 2025, .month = 12, .day = 31, .hour = 23, .minute = 30};

    clock_fix(civil_to_utc(&night), 0);
    (void)register_add(r, "email=night@x.example", NULL);
    assert_string_equal(register_segment(r, "joined = 2026-01-01"), "night");
    assert_string_equal(register_segment(r, "joined < 2026-01-01"), "");
}

static void test_a_segment_explains_itself(void **state)
{
    struct register_site *r = *state;
    struct segment *segment = NULL;
    struct segment_plan plan;

    fill(r);
    register_ok(r, segment_parse_plain(&r->config, "sector = music and name ~ \"x'; drop\"",
                                       &segment, &r->err));
    register_ok(r, segment_explain(r->members.db, segment, r->arena, &plan, &r->err));
    assert_null(strstr(plan.sql, "drop"));
    assert_non_null(strstr(plan.sql, "$4"));
    assert_int_equal(plan.value_count, 4);
    assert_string_equal(plan.values[0], "sector");
    assert_string_equal(plan.values[1], "music");
    assert_string_equal(plan.values[3], "x'; drop");
    assert_int_equal(plan.count, 0);
    assert_true(strlen(plan.plan) > 0);
    segment_free(segment);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, register_set_up, register_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_grammar_is_read),
        TEST(test_mistakes_point_at_their_column),
        TEST(test_names_are_checked_where_they_are_known),
        TEST(test_letters_are_issues_or_those_of_a_newsletter),
        TEST(test_limits_hold),
        TEST(test_members_are_found),
        TEST(test_every_condition_and_its_opposite_are_everybody),
        TEST(test_answers_and_letters_of_other_rooms_are_seen),
        TEST(test_dates_are_days_in_the_zone_of_the_site),
        TEST(test_a_segment_explains_itself),
    };

    return cmocka_run_group_tests_name("members/segment", tests, NULL, NULL);
}
