/* Rounds: when one can apply, by every way of saying so. */
#include "teataja/content/call.h"

#include "unit/content/content_site.h"

static const struct {
    const char *what;
    const char *head;
    const char *now; /* UTC */
    const char *rounds;
} cases[] = {
    {"a deadline in its own zone", "deadline: 2027-01-23 17:00 Europe/Brussels\n",
     "2026-12-01 00:00", "2027-01-23 17:00 Europe/Brussels  open\n"},
    {"the last second before a deadline", "deadline: 2027-01-23 17:00 Europe/Brussels\n",
     "2027-01-23 15:59:59", "2027-01-23 17:00 Europe/Brussels  open\n"},
    {"the deadline itself", "deadline: 2027-01-23 17:00 Europe/Brussels\n", "2027-01-23 16:00:00",
     "2027-01-23 17:00 Europe/Brussels  closed\n"},
    {"a day counts to its end in the site's zone", "deadline: 2027-01-23\n", "2027-01-23 21:59:59",
     "2027-01-23 Europe/Tallinn  open\n"},
    {"and not beyond", "deadline: 2027-01-23\n", "2027-01-23 22:00:00",
     "2027-01-23 Europe/Tallinn  closed\n"},
    {"a rule with time, zone and holidays",
     "rounds: { rrule: \"FREQ=YEARLY;BYMONTH=2,5,8,11;BYMONTHDAY=20\", at: \"17:00 "
     "Europe/Tallinn\", if_holiday: next_workday }\n",
     "2026-06-01 00:00",
     "2025-08-21 17:00 Europe/Tallinn  closed  2025-08-20 is Restoration of Independence\n"
     "2025-11-20 17:00 Europe/Tallinn  closed\n"
     "2026-02-20 17:00 Europe/Tallinn  closed\n"
     "2026-05-20 17:00 Europe/Tallinn  closed\n"
     "2026-08-21 17:00 Europe/Tallinn  open  2026-08-20 is Restoration of Independence\n"
     "2026-11-20 17:00 Europe/Tallinn  planned\n"
     "2027-02-22 17:00 Europe/Tallinn  planned  2027-02-20 is a Saturday\n"
     "2027-05-20 17:00 Europe/Tallinn  planned\n"
     "2027-08-23 17:00 Europe/Tallinn  planned  2027-08-20 is Restoration of Independence\n"
     "2027-11-22 17:00 Europe/Tallinn  planned  2027-11-20 is a Saturday\n"
     "2028-02-21 17:00 Europe/Tallinn  planned  2028-02-20 is a Sunday\n"
     "2028-05-22 17:00 Europe/Tallinn  planned  2028-05-20 is a Saturday\n"},
    {"a holiday of another country, backward",
     "country: PL\nrounds: { dates: [2026-11-11], at: \"16:00 Europe/Warsaw\", if_holiday: "
     "previous_workday }\n",
     "2026-11-01 00:00", "2026-11-10 16:00 Europe/Warsaw  open  2026-11-11 is Independence Day\n"},
    {"dates on both sides of a change of clocks",
     "rounds: { dates: [2027-03-31, 2027-02-28], at: \"16:30\" }\n", "2027-02-28 14:29",
     "2027-02-28 16:30 Europe/Tallinn  open\n"
     "2027-03-31 16:30 Europe/Tallinn  planned\n"},
    {"the second opens when the first closes",
     "rounds: { dates: [2027-03-31, 2027-02-28], at: \"16:30\" }\n", "2027-02-28 14:30",
     "2027-02-28 16:30 Europe/Tallinn  closed\n"
     "2027-03-31 16:30 Europe/Tallinn  open\n"},
    {"and closes an hour earlier in UTC",
     "rounds: { dates: [2027-03-31, 2027-02-28], at: \"16:30\" }\n", "2027-03-31 13:30",
     "2027-02-28 16:30 Europe/Tallinn  closed\n"
     "2027-03-31 16:30 Europe/Tallinn  closed\n"},
    {"a bare list of dates", "rounds: [2026-10-31, 2026-11-30 12:00 Europe/Brussels]\n",
     "2026-11-15 00:00",
     "2026-10-31 Europe/Tallinn  closed\n"
     "2026-11-30 12:00 Europe/Brussels  open\n"},
    {"rounds that open some days before",
     "rounds: { dates: [2027-03-01, 2027-06-01], opens_before: 30 days }\n", "2027-02-01 00:00",
     "2027-03-01 Europe/Tallinn  open\n"
     "2027-06-01 Europe/Tallinn  planned  opens 2027-05-02 Europe/Tallinn\n"},
    {"an opening day after which a rule begins",
     "opens: 2026-10-01\nrounds: { rrule: \"FREQ=MONTHLY;BYMONTHDAY=-1;UNTIL=20261231\" }\n",
     "2026-09-15 00:00",
     "2026-10-31 Europe/Tallinn  planned  opens 2026-10-01 Europe/Tallinn\n"
     "2026-11-30 Europe/Tallinn  planned\n"
     "2026-12-31 Europe/Tallinn  planned\n"},
    {"an opening day that is later than opens_before says",
     "opens: 2026-10-01\nrounds: { dates: [2026-10-31], opens_before: 60 days }\n",
     "2026-09-15 00:00", "2026-10-31 Europe/Tallinn  planned  opens 2026-10-01 Europe/Tallinn\n"},
    {"an opening day", "opens: 2026-11-01\ndeadline: 2027-01-23\n", "2026-10-31 21:59:59",
     "2027-01-23 Europe/Tallinn  planned  opens 2026-11-01 Europe/Tallinn\n"},
    {"from its start", "opens: 2026-11-01\ndeadline: 2027-01-23\n", "2026-10-31 22:00",
     "2027-01-23 Europe/Tallinn  open\n"},
    {"an opening in a quarter", "opens: 2026-Q4\ndeadline: 2027-01-23\n", "2026-11-21 00:00",
     "2027-01-23 Europe/Tallinn  planned  opens in 2026-Q4\n"},
    {"a quarter that is over", "opens: 2026-Q4\ndeadline: 2027-01-23\n", "2026-12-31 22:00",
     "2027-01-23 Europe/Tallinn  open\n"},
    {"a quarter, and somebody saw it open", "opens: 2026-Q4\ndeadline: 2027-01-23\nstatus: open\n",
     "2026-11-21 00:00", "2027-01-23 Europe/Tallinn  open\n"},
    {"planned, no deadline known", "opens: 2027-Q2\nstatus: planned\n", "2026-11-21 00:00",
     "no deadline  planned  opens in 2027-Q2\n"},
    {"moved by the funder", "deadline: 2027-01-23 17:00\nmoved_from: 2027-01-10 17:00\n",
     "2026-12-01 00:00", "2027-01-23 17:00 Europe/Tallinn  open  moved from 2027-01-10 17:00\n"},
    {"one of several rounds moved",
     "rounds: { dates: [2027-02-20, 2027-05-20], at: \"17:00\", if_holiday: next_workday }\n"
     "moved: [ { from: 2027-02-20, to: 2027-03-01 } ]\n",
     "2026-12-01 00:00",
     "2027-03-01 17:00 Europe/Tallinn  open  moved from 2027-02-22 17:00\n"
     "2027-05-20 17:00 Europe/Tallinn  planned\n"},
    {"exhausted before its deadline",
     "deadline: 2027-07-31\nuntil: budget_spent\nstatus: exhausted\n", "2026-12-01 00:00",
     "2027-07-31 Europe/Tallinn  exhausted  or until the budget is spent\n"},
    {"rolling until the budget is spent", "until: budget_spent\n", "2026-12-01 00:00",
     "no deadline  open  or until the budget is spent\n"},
    {"always open", "deadline: none\n", "2026-12-01 00:00", "no deadline  open\n"},
    {"cancelled", "deadline: 2027-01-23\nstatus: cancelled\n", "2026-12-01 00:00",
     "2027-01-23 Europe/Tallinn  cancelled\n"},
    {"two stages",
     "stages:\n"
     "  - { name: { en: Outline, et: Eeltaotlus }, deadline: 2027-01-23 17:00 Europe/Brussels }\n"
     "  - { name: Full application, deadline: 2027-06-01 17:00 Europe/Brussels }\n",
     "2027-01-23 15:00",
     "2027-01-23 17:00 Europe/Brussels  open\n"
     "2027-06-01 17:00 Europe/Brussels  stage 2, for those invited\n"},
};

static void rounds_are_what_the_file_says(void **state)
{
    struct site_folder *folder = *state;
    struct content_site site;

    content_site_start(&site, folder, "[et]");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct str text;
        char *file = arena_printf(folder->arena, "title: A\n%s---\nText.\n", cases[i].head);

        str_init(&text, LIMIT_TEXT);
        site_folder_write(folder, "calls/a.md", file);
        if (content_site_load(&site, cases[i].now) < 0) {
            fail_msg("%s: %s", cases[i].what, printed(folder->report));
        }
        assert_int_equal(site.content.call_count, 1);
        call_print_rounds(&site.content.calls[0], content_instant(cases[i].now), &text);
        if (strcmp(text.data, cases[i].rounds) != 0) {
            print_error("%s:\n", cases[i].what);
        }
        assert_string_equal(text.data, cases[i].rounds);
        str_release(&text);
        site_folder_expect(folder, "");
    }
}

static struct call *load_call(struct content_site *site, const char *head, const char *now)
{
    site_folder_write(site->folder, "calls/a.md",
                      arena_printf(site->folder->arena, "title: A\n%s", head));
    if (content_site_load(site, now) < 0) {
        fail_msg("%s", printed(site->folder->report));
    }
    return content_call(&site->content, "a");
}

static const struct {
    const char *head;
    const char *key;
    const char *told;
} keys[] = {
    {"deadline: 2027-01-23 17:00\n", "2027-01-23", "2027-01-23"},
    {"deadline: 2027-01-23 17:00\nmoved_from: 2027-01-10\n", "2027-01-10",
     "2027-01-10>2027-01-23T17:00:00"},
    {"rounds: { dates: [2027-02-20], if_holiday: next_workday }\n", "2027-02-20", "2027-02-20"},
    {"rounds: { dates: [2027-02-20], if_holiday: next_workday }\n"
     "moved: [ { from: 2027-02-22, to: 2027-03-01 } ]\n",
     "2027-02-20", "2027-02-20>2027-03-01"},
    {"until: budget_spent\n", "rolling", "rolling"},
    {"opens: 2027-Q2\nstatus: planned\n", "2027-Q2", "2027-Q2"},
    {"status: planned\n", "unknown", "unknown"},
};

static void a_round_keeps_its_key_while_its_deadline_moves(void **state)
{
    struct content_site site;

    content_site_start(&site, *state, "[et]");
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct call *call = load_call(&site, keys[i].head, "2026-12-01");

        assert_int_equal(call->round_count, 1);
        assert_string_equal(call->rounds[0].key, keys[i].key);
        assert_string_equal(call->rounds[0].told, keys[i].told);
    }
}

static void the_current_round_is_the_one_to_speak_of(void **state)
{
    static const struct {
        const char *now;
        const char *status;
        const char *key;
        enum call_state state;
    } at[] = {
        {"2026-12-01", "", "2027-01-10", CALL_OPEN},
        {"2027-01-15", "", "2027-02-10", CALL_PLANNED}, /* opens ten days before */
        {"2027-02-05", "", "2027-02-10", CALL_OPEN},
        {"2027-03-01", "", "2027-02-10", CALL_CLOSED},
        {"2027-01-15", "status: exhausted\n", "2027-02-10", CALL_EXHAUSTED},
        {"2026-12-01", "status: cancelled\n", "2027-01-10", CALL_CANCELLED},
    };
    struct content_site site;

    content_site_start(&site, *state, "[et]");
    for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
        char head[300];
        struct call *call;

        snprintf(head, sizeof(head),
                 "%srounds: { dates: [2027-01-10, 2027-02-10], opens_before: %s }\n", at[i].status,
                 i == 0 ? "60 days" : "10 days");
        call = load_call(&site, head, at[i].now);
        assert_string_equal(call_current_round(call, content_instant(at[i].now))->key, at[i].key);
        assert_int_equal(call_state_at(call, content_instant(at[i].now)), at[i].state);
    }
}

static void rounds_of_one_state_are_counted_and_given(void **state)
{
    struct content_site site;
    const struct call_round *found[2];
    struct call *call;

    content_site_start(&site, *state, "[et]");
    call = load_call(&site, "rounds: [2027-01-10, 2027-02-10, 2027-03-10, 2027-04-10]\n",
                     "2027-01-01");
    assert_int_equal(call_rounds(call, CALL_PLANNED, content_instant("2027-01-01"), found, 2), 3);
    assert_string_equal(found[0]->key, "2027-02-10");
    assert_string_equal(found[1]->key, "2027-03-10");
    assert_int_equal(call_rounds(call, CALL_CLOSED, content_instant("2027-01-01"), found, 2), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rounds_are_what_the_file_says, site_folder_set_up,
                                        site_folder_tear_down),
        cmocka_unit_test_setup_teardown(a_round_keeps_its_key_while_its_deadline_moves,
                                        site_folder_set_up, site_folder_tear_down),
        cmocka_unit_test_setup_teardown(the_current_round_is_the_one_to_speak_of,
                                        site_folder_set_up, site_folder_tear_down),
        cmocka_unit_test_setup_teardown(rounds_of_one_state_are_counted_and_given,
                                        site_folder_set_up, site_folder_tear_down),
    };

    return cmocka_run_group_tests_name("content/round", tests, NULL, NULL);
}
