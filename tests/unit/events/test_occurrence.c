/* When events take place: over the changes of clocks, with exceptions and moves. */
#include "teataja/events/occurrence.h"

#include "teataja/base/clock.h"
#include "teataja/base/str.h"
#include "unit/events/events_site.h"

static int64_t utc(const char *text)
{
    struct civil civil;

    assert_int_equal(civil_parse(text, &civil, NULL), 0);
    return civil_to_utc(&civil);
}

/* An occurrence a line: its id, local start and end, UTC start, and marks. */
static char *list(struct site_folder *f, const struct event *event, const char *from,
                  const char *to)
{
    struct occurrence *items = NULL;
    struct err err = {0};
    struct str out;
    char *text;
    int n = event_occurrences(event, utc(from), utc(to), f->arena, &items, &err);

    if (n < 0) {
        return arena_printf(f->arena, "%s", err.msg);
    }
    str_init(&out, LIMIT_TEXT);
    for (int i = 0; i < n; i++) {
        char start[CIVIL_TEXT];
        char end[CIVIL_TEXT];
        char instant[28];

        civil_format(&items[i].start, start);
        civil_format(&items[i].end, end);
        civil_format_instant(items[i].start_utc, instant);
        str_addf(&out, "%s %s-%s %.16sZ%s%s\n", items[i].id, start, end, instant,
                 items[i].moved ? " moved" : "", items[i].cancelled ? " cancelled" : "");
    }
    text = arena_strdup(f->arena, out.data);
    str_release(&out);
    return text;
}

static const struct {
    const char *text; /* front matter behind the title */
    const char *from, *to;
    const char *expected;
} cases[] = {
    /* A single event has no id; the range is half open. */
    {"start: 2027-05-20 10:00\nend: 2027-05-21 16:00\n", "2027-05-21 13:00", "2027-06-01", ""},
    {"start: 2027-05-20 10:00\nend: 2027-05-21 16:00\n", "2027-05-21 12:59", "2027-06-01",
     " 2027-05-20T10:00:00-2027-05-21T16:00:00 2027-05-20T07:00Z\n"},
    {"start: 2027-05-20 10:00\nend: 2027-05-21 16:00\n", "2027-05-01", "2027-05-20 07:00", ""},
    {"start: 2027-05-20 10:00\n", "2027-05-20 07:00", "2027-05-20 07:01",
     " 2027-05-20T10:00:00-2027-05-20T10:00:00 2027-05-20T07:00Z\n"},
    /* Whole days begin at the zone's own midnight. */
    {"start: 2027-06-07\nend: 2027-06-10\n", "2027-06-10 20:59", "2027-06-11",
     " 2027-06-07-2027-06-10 2027-06-06T21:00Z\n"},
    {"start: 2027-06-07\nend: 2027-06-10\n", "2027-06-10 21:00", "2027-06-11", ""},
    {"start: 2027-03-26 Europe/Tallinn\nrrule: FREQ=DAILY;COUNT=4\n", "2027-03-01", "2027-04-30",
     "20270326 2027-03-26-2027-03-26 2027-03-25T22:00Z\n"
     "20270327 2027-03-27-2027-03-27 2027-03-26T22:00Z\n"
     "20270328 2027-03-28-2027-03-28 2027-03-27T22:00Z\n"
     "20270329 2027-03-29-2027-03-29 2027-03-28T21:00Z\n"},
    /* Local time stays when the clocks change. */
    {"start: 2027-03-21 10:00\nend: 2027-03-21 12:00\nrrule: FREQ=WEEKLY;COUNT=3\n", "2027-01-01",
     "2028-01-01",
     "20270321T100000 2027-03-21T10:00:00-2027-03-21T12:00:00 2027-03-21T08:00Z\n"
     "20270328T100000 2027-03-28T10:00:00-2027-03-28T12:00:00 2027-03-28T07:00Z\n"
     "20270404T100000 2027-04-04T10:00:00-2027-04-04T12:00:00 2027-04-04T07:00Z\n"},
    /* An hour that the clocks skip is moved on; its id stays. */
    {"start: 2027-03-27 03:30\nend: 2027-03-27 04:30\nrrule: FREQ=DAILY;COUNT=3\n", "2027-01-01",
     "2028-01-01",
     "20270327T033000 2027-03-27T03:30:00-2027-03-27T04:30:00 2027-03-27T01:30Z\n"
     "20270328T033000 2027-03-28T04:30:00-2027-03-28T04:30:00 2027-03-28T01:30Z\n"
     "20270329T033000 2027-03-29T03:30:00-2027-03-29T04:30:00 2027-03-29T00:30Z\n"},
    /* An hour that comes twice is the first of the two. */
    {"start: 2027-10-30 03:30\nend: 2027-10-30 05:00\nrrule: FREQ=DAILY;COUNT=2\n", "2027-01-01",
     "2028-01-01",
     "20271030T033000 2027-10-30T03:30:00-2027-10-30T05:00:00 2027-10-30T00:30Z\n"
     "20271031T033000 2027-10-31T03:30:00-2027-10-31T05:00:00 2027-10-31T00:30Z\n"},
    /* UNTIL as a date, in local time, and in UTC. */
    {"start: 2027-01-05 10:00\nrrule: FREQ=WEEKLY;UNTIL=20270112\n", "2027-01-06", "2028-01-01",
     "20270112T100000 2027-01-12T10:00:00-2027-01-12T10:00:00 2027-01-12T08:00Z\n"},
    {"start: 2027-01-05 10:00\nrrule: freq=weekly;until=20270112T080000Z\n", "2027-01-06",
     "2028-01-01", "20270112T100000 2027-01-12T10:00:00-2027-01-12T10:00:00 2027-01-12T08:00Z\n"},
    {"start: 2027-01-05 10:00\nrrule: FREQ=WEEKLY;UNTIL=20270112T075959Z\n", "2027-01-06",
     "2028-01-01", ""},
    /* Two rules and further dates, none twice. */
    {"start: 2027-01-05 10:00\nrrule: [FREQ=DAILY;COUNT=2, FREQ=WEEKLY;COUNT=2]\n"
     "rdate: [2027-01-20, 2027-01-06 10:00]\n",
     "2027-01-01", "2028-01-01",
     "20270105T100000 2027-01-05T10:00:00-2027-01-05T10:00:00 2027-01-05T08:00Z\n"
     "20270106T100000 2027-01-06T10:00:00-2027-01-06T10:00:00 2027-01-06T08:00Z\n"
     "20270112T100000 2027-01-12T10:00:00-2027-01-12T10:00:00 2027-01-12T08:00Z\n"
     "20270120T100000 2027-01-20T10:00:00-2027-01-20T10:00:00 2027-01-20T08:00Z\n"},
    /* Taken out, cancelled, moved before its neighbour, and moved out of the year. */
    {"start: 2027-01-05 10:00\nend: 2027-01-05 11:00\nrrule: FREQ=MONTHLY;BYDAY=1TU;COUNT=6\n"
     "exdate: [2027-02-02]\n"
     "overrides:\n"
     "  2027-03-02: { status: cancelled }\n"
     "  2027-05-04: { start: 2027-04-05 09:00, end: 2027-04-05 12:30 }\n"
     "  2027-06-01: { start: 2028-01-11 10:00 }\n"
     "  2027-04-06: { title: Eri }\n",
     "2027-01-01", "2028-01-01",
     "20270105T100000 2027-01-05T10:00:00-2027-01-05T11:00:00 2027-01-05T08:00Z\n"
     "20270302T100000 2027-03-02T10:00:00-2027-03-02T11:00:00 2027-03-02T08:00Z cancelled\n"
     "20270504T100000 2027-04-05T09:00:00-2027-04-05T12:30:00 2027-04-05T06:00Z moved\n"
     "20270406T100000 2027-04-06T10:00:00-2027-04-06T11:00:00 2027-04-06T07:00Z\n"},
    {"start: 2027-01-05 10:00\nrrule: FREQ=MONTHLY;BYDAY=1TU;COUNT=6\n"
     "overrides: { 2027-06-01: { start: 2028-01-11 10:00 } }\n",
     "2028-01-01", "2028-02-01",
     "20270601T100000 2028-01-11T10:00:00-2028-01-11T10:00:00 2028-01-11T08:00Z moved\n"},
    /* The whole event is off. */
    {"start: 2027-05-20 10:00\nstatus: cancelled\n", "2027-01-01", "2028-01-01",
     " 2027-05-20T10:00:00-2027-05-20T10:00:00 2027-05-20T07:00Z cancelled\n"},
    /* A series that began long before reaches into the range by its length. */
    {"start: 2020-01-06\nend: 2020-01-10\nrrule: FREQ=WEEKLY\n", "2027-05-21 20:00",
     "2027-05-21 20:30", "20270517 2027-05-17-2027-05-21 2027-05-16T21:00Z\n"},
    {"start: 2020-01-06 10:00\nrrule: FREQ=DAILY\n", "2020-01-01", "2040-01-01",
     "'x' has more than 2000 occurrences in this time"},
    {"start: 2020-02-29\nrrule: FREQ=YEARLY\n", "2021-01-01", "2025-01-01",
     "20240229 2024-02-29-2024-02-29 2024-02-28T22:00Z\n"},
};

static void test_occurrences_are_those_of_the_range(void **state)
{
    struct site_folder *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct event *event;
        char text[600];

        snprintf(text, sizeof(text), "title: T\n%s", cases[i].text);
        event = events_site_only(f, "events/x.md", text);
        site_folder_expect(f, "");
        assert_string_equal(list(f, event, cases[i].from, cases[i].to), cases[i].expected);
    }
}

#define MONTHLY                                                                                    \
    "title: Kuu\nsummary: Iga kuu\nstart: 2027-01-05 10:00\nend: 2027-01-05 11:00\n"               \
    "location: { name: Narva, address: Joala 21 }\n"                                               \
    "rrule: FREQ=MONTHLY;BYDAY=1TU;COUNT=6\n"                                                      \
    "exdate: 2027-02-02\n"                                                                         \
    "overrides:\n"                                                                                 \
    "  2027-01-05: { status: cancelled }\n"                                                        \
    "  2027-04-06: { start: 2027-04-07 12:00, title: Eri, location: Jõhvi }\n"

static void test_the_next_one_is_neither_past_nor_cancelled(void **state)
{
    struct site_folder *f = *state;
    const struct event *event = events_site_only(f, "events/x.md", MONTHLY);
    struct occurrence next;

    assert_int_equal(event_next(event, 0, INT64_MAX, f->arena, &next, NULL), 1);
    assert_string_equal(next.id, "20270302T100000");
    assert_int_equal(event_next(event, utc("2027-03-02 08:59"), INT64_MAX, f->arena, &next, NULL),
                     1);
    assert_string_equal(next.id, "20270302T100000");
    assert_int_equal(event_next(event, utc("2027-03-02 09:00"), INT64_MAX, f->arena, &next, NULL),
                     1);
    assert_string_equal(next.id, "20270406T100000");
    assert_int_equal(next.start.day, 7);
    assert_int_equal(
        event_next(event, utc("2027-03-02 09:00"), utc("2027-04-07"), f->arena, &next, NULL), 0);
    assert_int_equal(event_next(event, utc("2027-06-02"), INT64_MAX, f->arena, &next, NULL), 0);
}

static void test_a_rare_date_is_found_years_ahead(void **state)
{
    struct site_folder *f = *state;
    const struct event *event =
        events_site_only(f, "events/x.md", "title: T\nstart: 2024-02-29\nrrule: FREQ=YEARLY\n");
    struct occurrence next;

    assert_int_equal(event_next(event, utc("2027-01-01"), INT64_MAX, f->arena, &next, NULL), 1);
    assert_string_equal(next.id, "20280229");
}

static const struct {
    const char *text;
    const char *id; /* NULL: the message */
    const char *message;
} found[] = {
    {"2027-03-02", "20270302T100000", NULL},
    {"2027-03-02 10:00", "20270302T100000", NULL},
    {"20270302T100000", "20270302T100000", NULL},
    {"20270302", "20270302T100000", NULL},
    {"2027-04-06", "20270406T100000", NULL},
    {"2027-04-07", "20270406T100000", NULL},
    {"2027-04-07 12:00", "20270406T100000", NULL},
    {"2027-03-02 11:00", NULL,
     "'x' has no occurrence on 2027-03-02 11:00; the next is 2027-04-07 12:00"},
    {"2027-02-02", NULL, "'x' has no occurrence on 2027-02-02; the next is 2027-03-02 10:00"},
    {"2027-07-06", NULL, "'x' has no occurrence on 2027-07-06; the first is 2027-01-05 10:00"},
};

static void test_staff_find_an_occurrence_by_its_date(void **state)
{
    struct site_folder *f = *state;
    const struct event *event = events_site_only(f, "events/x.md", MONTHLY);
    struct occurrence occurrence;
    struct err err = {0};

    for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++) {
        int rc = event_occurrence_find(event, found[i].text, f->arena, &occurrence, &err);

        if (found[i].id != NULL) {
            assert_int_equal(rc, 0);
            assert_string_equal(occurrence.id, found[i].id);
        } else {
            assert_int_equal(rc, ERR_NOT_FOUND);
            assert_string_equal(err.msg, found[i].message);
        }
    }
    assert_int_equal(event_occurrence_find(event, "soon", f->arena, &occurrence, &err),
                     ERR_INVALID);
}

static void test_an_occurrence_has_texts_of_its_own(void **state)
{
    struct site_folder *f = *state;
    const struct event *event = events_site_only(f, "events/x.md", MONTHLY);
    struct occurrence occurrence;
    struct occurrence_text text;

    assert_int_equal(event_occurrence_find(event, "2027-04-07", f->arena, &occurrence, NULL), 0);
    occurrence_text(&occurrence, &event->editions[0], &text);
    assert_string_equal(text.title, "Eri");
    assert_string_equal(text.summary, "Iga kuu");
    assert_string_equal(text.place, "Jõhvi");
    assert_null(text.address);
    assert_int_equal(event_occurrence_find(event, "2027-05-04", f->arena, &occurrence, NULL), 0);
    occurrence_text(&occurrence, &event->editions[0], &text);
    assert_string_equal(text.title, "Kuu");
    assert_string_equal(text.address, "Joala 21");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, site_folder_set_up, site_folder_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_occurrences_are_those_of_the_range),
        TEST(test_the_next_one_is_neither_past_nor_cancelled),
        TEST(test_a_rare_date_is_found_years_ahead),
        TEST(test_staff_find_an_occurrence_by_its_date),
        TEST(test_an_occurrence_has_texts_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
