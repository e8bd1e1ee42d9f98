/* Invitations: the bytes, and what other readers make of them. */
#include "teataja/events/ical_write.h"

#include <libical/ical.h>

#include "teataja/base/clock.h"
#include "teataja/base/mem.h"
#include "teataja/base/utf8.h"
#include "teataja/calendar/zone.h"
#include "teataja/events/occurrence.h"
#include "unit/events/events_site.h"

#define STAMP (INT64_C(1795248000) * 1000000) /* 2026-11-21 08:00 UTC */

static const struct ical_party office = {"office@cluster.example", "Klastri büroo"};
static const struct ical_party member = {"mari.maasikas@narva.example", "Mari Maasikas"};

static struct ical_options options_of(const struct event *event, enum ical_method method)
{
    return (struct ical_options){.method = method,
                                 .uid = "abc123@cluster.example",
                                 .sequence = 2,
                                 .dtstamp = STAMP,
                                 .edition = &event->editions[0]};
}

static char *write_event(struct site_folder *f, const struct event *event, enum ical_method method)
{
    struct ical_options options = options_of(event, method);
    struct err err = {0};
    struct str out;
    char *text;
    int rc;

    str_init(&out, LIMIT_MESSAGE);
    rc = ical_invitation(f->arena, event, &options, &office,
                         method == ICAL_REQUEST ? &member : NULL, &out, &err);
    if (rc < 0) {
        fail_msg("%s", err.msg);
    }
    text = arena_strndup(f->arena, out.data, out.len);
    str_release(&out);
    return text;
}

static void test_an_invitation_is_written_line_by_line(void **state)
{
    struct site_folder *f = *state;
    const struct event *event =
        events_site_only(f, "events/forum.md",
                         "title: Aastafoorum; kaks päeva\nsummary: 'Räägime, arutame.'\n"
                         "start: 2027-05-20 10:00\nend: 2027-05-21 16:00\n"
                         "location: { name: Narva Kreenholm, address: 'Joala 21, Narva' }\n"
                         "online: https://meet.example/forum\nurl: https://cluster.example/forum\n"
                         "---\nTule **kohale**.\n\n* üks\n* kaks\n");

    assert_string_equal(
        write_event(f, event, ICAL_REQUEST),
        "BEGIN:VCALENDAR\r\n"
        "PRODID:-//teataja//events//EN\r\n"
        "VERSION:2.0\r\n"
        "CALSCALE:GREGORIAN\r\n"
        "METHOD:REQUEST\r\n"
        "BEGIN:VTIMEZONE\r\n"
        "TZID:Europe/Tallinn\r\n"
        "BEGIN:STANDARD\r\n"
        "DTSTART:20261025T040000\r\n"
        "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\n"
        "TZOFFSETFROM:+0300\r\n"
        "TZOFFSETTO:+0200\r\n"
        "END:STANDARD\r\n"
        "BEGIN:DAYLIGHT\r\n"
        "DTSTART:20260329T030000\r\n"
        "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\n"
        "TZOFFSETFROM:+0200\r\n"
        "TZOFFSETTO:+0300\r\n"
        "END:DAYLIGHT\r\n"
        "END:VTIMEZONE\r\n"
        "BEGIN:VEVENT\r\n"
        "UID:abc123@cluster.example\r\n"
        "DTSTAMP:20261121T080000Z\r\n"
        "SEQUENCE:2\r\n"
        "DTSTART;TZID=Europe/Tallinn:20270520T100000\r\n"
        "DTEND;TZID=Europe/Tallinn:20270521T160000\r\n"
        "ORGANIZER;CN=\"Klastri büroo\":mailto:office@cluster.example\r\n"
        "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=\r\n"
        " TRUE;CN=\"Mari Maasikas\":mailto:mari.maasikas@narva.example\r\n"
        "SUMMARY:Aastafoorum\\; kaks päeva\r\n"
        "DESCRIPTION:Räägime\\, arutame.\\n\\nTule *kohale*.\\n\\n- üks\\n- kaks\\n\\nhtt\r\n"
        " ps://meet.example/forum\r\n"
        "LOCATION:Narva Kreenholm\\, Joala 21\\, Narva\r\n"
        "URL:https://cluster.example/forum\r\n"
        "STATUS:CONFIRMED\r\n"
        "CLASS:PUBLIC\r\n"
        "TRANSP:OPAQUE\r\n"
        "END:VEVENT\r\n"
        "END:VCALENDAR\r\n");
}

#define SERIES                                                                                     \
    "title: Kuu\nstart: 2027-01-05 10:00\nend: 2027-01-05 11:00\n"                                 \
    "rrule: FREQ=MONTHLY;BYDAY=1TU;UNTIL=20271231\n"                                               \
    "exdate: 2027-02-02\nrdate: [2027-06-24 12:00]\n"                                              \
    "overrides:\n"                                                                                 \
    "  2027-03-02: { status: cancelled }\n"                                                        \
    "  2027-04-06: { start: 2027-04-07 12:00, title: Eri, location: Jõhvi }\n"

static void test_a_series_carries_its_exceptions_and_changes(void **state)
{
    struct site_folder *f = *state;
    const struct event *event = events_site_only(f, "events/x.md", SERIES);
    char *text = write_event(f, event, ICAL_REQUEST);
    char *second = strstr(strstr(text, "BEGIN:VEVENT") + 1, "BEGIN:VEVENT");

    assert_non_null(strstr(text, "\r\nRRULE:FREQ=MONTHLY;BYDAY=1TU;UNTIL=20271231T215959Z\r\n"));
    assert_non_null(strstr(text, "\r\nRDATE;TZID=Europe/Tallinn:20270624T120000\r\n"
                                 "EXDATE;TZID=Europe/Tallinn:20270202T100000\r\n"
                                 "EXDATE;TZID=Europe/Tallinn:20270302T100000\r\n"));
    assert_non_null(second);
    assert_null(strstr(second + 1, "BEGIN:VEVENT"));
    assert_string_equal(second, "BEGIN:VEVENT\r\n"
                                "UID:abc123@cluster.example\r\n"
                                "DTSTAMP:20261121T080000Z\r\n"
                                "SEQUENCE:2\r\n"
                                "RECURRENCE-ID;TZID=Europe/Tallinn:20270406T100000\r\n"
                                "DTSTART;TZID=Europe/Tallinn:20270407T120000\r\n"
                                "DTEND;TZID=Europe/Tallinn:20270407T130000\r\n"
                                "ORGANIZER;CN=\"Klastri büroo\":mailto:office@cluster.example\r\n"
                                "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-"
                                "ACTION;RSVP=\r\n"
                                " TRUE;CN=\"Mari Maasikas\":mailto:mari.maasikas@narva.example\r\n"
                                "SUMMARY:Eri\r\n"
                                "LOCATION:Jõhvi\r\n"
                                "STATUS:CONFIRMED\r\n"
                                "CLASS:PUBLIC\r\n"
                                "TRANSP:OPAQUE\r\n"
                                "END:VEVENT\r\n"
                                "END:VCALENDAR\r\n");
}

static void test_a_published_event_has_no_attendee(void **state)
{
    struct site_folder *f = *state;
    const struct event *event =
        events_site_only(f, "events/x.md", "title: T\nstart: 2027-06-07\nend: 2027-06-10\n");
    char *text = write_event(f, event, ICAL_PUBLISH);

    assert_non_null(strstr(text, "METHOD:PUBLISH\r\n"));
    assert_null(strstr(text, "ATTENDEE"));
    assert_null(strstr(text, "VTIMEZONE"));
    assert_non_null(strstr(text, "DTSTART;VALUE=DATE:20270607\r\nDTEND;VALUE=DATE:20270611\r\n"));
}

/* Written, read back as a file of events/, and listed: the same occurrences. */
static const char *const round_trips[] = {
    SERIES,
    "title: T\nstart: 2027-05-20 10:00\nend: 2027-05-21 16:00\n",
    "title: T\nstart: 2027-05-20 10:00\n",
    "title: T\nstart: 2027-06-07\nend: 2027-06-10\nrrule: FREQ=YEARLY;UNTIL=20290607\n",
    "title: T\nstart: 2027-03-21 10:00 America/New_York\nend: 2027-03-21 12:00\n"
    "rrule: [FREQ=WEEKLY;COUNT=9, FREQ=DAILY;UNTIL=20270324]\n",
    "title: T\nstart: 2027-03-21 10:00 UTC\nend: 2027-03-21 12:00\nrrule: FREQ=WEEKLY;COUNT=3\n",
    "title: T\nstart: 2027-03-21 23:30 Atlantic/Azores\nend: 2027-03-22 02:00\n"
    "rrule: FREQ=WEEKLY;COUNT=30;BYDAY=SU,WE\nexdate: [2027-03-24, 2027-03-31 23:30]\n",
};

static void test_what_is_written_reads_back_the_same(void **state)
{
    struct site_folder *f = *state;

    for (size_t i = 0; i < sizeof(round_trips) / sizeof(round_trips[0]); i++) {
        struct config config;
        struct events events;
        struct occurrence *one = NULL;
        struct occurrence *two = NULL;
        const struct event *event = events_site_only(f, "events/x.md", round_trips[i]);
        int n = event_occurrences(event, 0, INT64_MAX, f->arena, &one, NULL);
        int m;

        site_folder_write(f, "events/y.ics", write_event(f, event, ICAL_REQUEST));
        assert_int_equal(events_site_load(f, &config, &events, NULL), 0);
        assert_int_equal(events.count, 2);
        m = event_occurrences(&events.items[1], 0, INT64_MAX, f->arena, &two, NULL);
        remove(file_join(f->arena, f->path, "events/y.ics"));
        if (strstr(round_trips[i], "cancelled") != NULL) {
            /* A cancelled occurrence is an EXDATE: not there for who never knew of it. */
            for (int k = 0; k < n; k++) {
                if (one[k].cancelled) {
                    memmove(&one[k], &one[k + 1], (size_t)(n - k - 1) * sizeof(*one));
                    n--;
                }
            }
        }
        assert_true(n > 0);
        assert_int_equal(n, m);
        for (int k = 0; k < n; k++) {
            assert_int_equal(one[k].start_utc, two[k].start_utc);
            assert_int_equal(one[k].end_utc, two[k].end_utc);
            assert_string_equal(one[k].id, two[k].id);
        }
    }
}

/* What libical, reading the VTIMEZONE, says of every sixth hour around changes. */
static const struct {
    const char *tzid;
    int rules; /* RRULEs in the VTIMEZONE */
} zones[] = {
    {"Europe/Tallinn", 2},   {"Europe/Warsaw", 2},     {"Europe/Dublin", 2},
    {"America/New_York", 2}, {"Australia/Sydney", 2},  {"Asia/Kolkata", 0},
    {"Asia/Kathmandu", 0},   {"Africa/Casablanca", 0}, {"America/Santiago", 0},
};

static int count(const char *text, const char *what)
{
    int n = 0;

    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what)) {
        n++;
    }
    return n;
}

static void test_the_vtimezone_says_what_the_system_says(void **state)
{
    struct site_folder *f = *state;

    for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
        char text[200];
        const struct event *event;
        char *ical;
        icalcomponent *calendar;
        icaltimezone *zone = icaltimezone_new();
        struct civil from = {.year = 2027, .month = 1, .day = 1};
        struct civil to = {.year = 2029, .month = 1, .day = 1};

        snprintf(text, sizeof(text),
                 "title: T\nstart: 2027-02-02 10:00 %s\nrrule: FREQ=MONTHLY;COUNT=20\n",
                 zones[i].tzid);
        event = events_site_only(f, "events/x.md", text);
        ical = write_event(f, event, ICAL_REQUEST);
        assert_int_equal(count(ical, "\r\nRRULE:FREQ=YEARLY"), zones[i].rules);
        calendar = icalparser_parse_string(ical);
        assert_non_null(calendar);
        assert_true(icaltimezone_set_component(
            zone, icalcomponent_new_clone(
                      icalcomponent_get_first_component(calendar, ICAL_VTIMEZONE_COMPONENT))));
        for (int64_t at = civil_to_utc(&from); at < civil_to_utc(&to); at += 6 * CLOCK_HOUR) {
            struct civil civil;
            struct icaltimetype time;
            int summer;
            int real;

            civil_from_utc(at, &civil);
            time = icaltime_from_string("20270101T000000Z");
            time.year = civil.year;
            time.month = civil.month;
            time.day = civil.day;
            time.hour = civil.hour;
            assert_int_equal(zone_offset(zones[i].tzid, at, &real, NULL), 0);
            if (icaltimezone_get_utc_offset_of_utc_time(zone, &time, &summer) != real) {
                fail_msg("%s at %04d-%02d-%02d", zones[i].tzid, civil.year, civil.month, civil.day);
            }
        }
        icaltimezone_free(zone, 1);
        icalcomponent_free(calendar);
    }
}

/* Names and titles that try to add a line, a parameter or a property. */
static const char *const nasty[] = {
    "Mari\r\nATTENDEE:mailto:eve@evil.example",
    "Mari\nSTATUS:CANCELLED",
    "\"Mari\";CN=\"Eve\":mailto:eve@evil.example",
    "a,b;c:d\\e",
    "\xE2\x80\xAE"
    "Mari\xE2\x80\xA8Maasikas\xC2\x85",
    "   ",
    "\xFF\xFE broken",
    "Õ\x01\x02\x7F",
    "^n^'^^",
    "Õõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõ"
    "õõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõõ",
};

/* Every line ends with CRLF, has at most 75 octets, and holds whole characters. */
static void check_lines(const char *text)
{
    const char *at = text;

    while (*at != '\0') {
        const char *stop = strstr(at, "\r\n");

        assert_non_null(stop);
        assert_true(stop - at <= 75);
        assert_true(utf8_is_valid(at, (size_t)(stop - at), NULL));
        for (const char *c = at; c < stop; c++) {
            assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
        }
        at = stop + 2;
    }
}

static void test_no_name_and_no_title_adds_a_line(void **state)
{
    struct site_folder *f = *state;
    const struct event *event =
        events_site_only(f, "events/x.md", "title: T\nstart: 2027-05-20 10:00\n");

    for (size_t i = 0; i < sizeof(nasty) / sizeof(nasty[0]); i++) {
        struct event_edition edition = event->editions[0];
        struct ical_options options = options_of(event, ICAL_REQUEST);
        const struct ical_party organizer = {"office@cluster.example", nasty[i]};
        const struct ical_party attendee = {"mari@narva.example", nasty[i]};
        icalcomponent *calendar;
        icalcomponent *vevent;
        struct str out;

        edition.title = nasty[i];
        edition.place = nasty[i];
        edition.summary = nasty[i];
        options.edition = &edition;
        options.url = nasty[i];
        str_init(&out, LIMIT_MESSAGE);
        assert_int_equal(
            ical_invitation(f->arena, event, &options, &organizer, &attendee, &out, NULL), 0);
        check_lines(out.data);
        calendar = icalparser_parse_string(out.data);
        vevent = icalcomponent_get_first_component(calendar, ICAL_VEVENT_COMPONENT);
        assert_int_equal(icalcomponent_count_properties(vevent, ICAL_ATTENDEE_PROPERTY), 1);
        assert_int_equal(icalcomponent_count_properties(vevent, ICAL_ORGANIZER_PROPERTY), 1);
        assert_int_equal(icalcomponent_count_properties(vevent, ICAL_STATUS_PROPERTY), 1);
        assert_string_equal(icalproperty_get_attendee(
                                icalcomponent_get_first_property(vevent, ICAL_ATTENDEE_PROPERTY)),
                            "mailto:mari@narva.example");
        assert_int_equal(icalcomponent_get_status(vevent), ICAL_STATUS_CONFIRMED);
        icalcomponent_free(calendar);
        str_release(&out);
    }
}

static const struct {
    const char *text;
    const char *escaped;
} texts[] = {
    {"", ""},
    {"a,b;c\\d:e\"f", "a\\,b\\;c\\\\d:e\"f"},
    {"one\ntwo\r\nthree", "one\\ntwo\\nthree"},
    {"tab\there", "tab here"},
    {"\x01\x7F\xC2\x9F"
     "x\xFF",
     "x"},
    {"\xE2\x80\xA8", "\\n"},
    {"õ Ж 🎭", "õ Ж 🎭"},
};

static void test_texts_are_escaped(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct str out;

        str_init(&out, LIMIT_TEXT);
        ical_text(&out, texts[i].text);
        assert_string_equal(out.data, texts[i].escaped);
        str_release(&out);
    }
}

static void test_a_fold_never_splits_a_character(void **state)
{
    (void)state;
    for (size_t pad = 0; pad < 80; pad++) {
        struct str line;
        struct str out;
        struct str back;

        str_init(&line, LIMIT_TEXT);
        str_init(&out, LIMIT_TEXT);
        str_init(&back, LIMIT_TEXT);
        str_add(&line, "X:");
        str_add_repeat(&line, 'a', pad);
        for (int i = 0; i < 40; i++) {
            str_add(&line, i % 3 == 0 ? "🎭" : i % 3 == 1 ? "õ" : "Ж");
        }
        ical_line(&out, line.data, line.len);
        check_lines(out.data);
        for (size_t i = 0; i < out.len; i++) {
            if (out.data[i] == '\r') {
                i += i + 2 < out.len ? 2 : 1;
            } else {
                str_add_char(&back, out.data[i]);
            }
        }
        assert_string_equal(back.data, line.data);
        str_release(&line);
        str_release(&out);
        str_release(&back);
    }
}

static void test_an_odd_address_is_encoded_and_a_bad_one_refused(void **state)
{
    struct site_folder *f = *state;
    const struct event *event = events_site_only(f, "events/x.md", "title: T\nstart: 2027-05-20\n");
    struct ical_options options = options_of(event, ICAL_REQUEST);
    struct ical_party odd = {"mari+a%b?c@narva.example", ""};
    struct ical_draft draft;
    struct str out;

    str_init(&out, LIMIT_MESSAGE);
    assert_int_equal(ical_prepare(f->arena, event, &options, &draft, NULL), 0);
    assert_int_equal(ical_write(&draft, &office, &odd, &out, NULL), 0);
    assert_non_null(strstr(out.data, "TRUE;CN=\"mari+a%b?c@narva.example\":mailto:"
                                     "mari+a%25b%3Fc@narva.example\r\n"));
    odd.address = "mari@narva.example\r\nX:1";
    assert_int_equal(ical_write(&draft, &office, &odd, &out, NULL), ERR_INVALID);
    assert_int_equal(ical_write(&draft, &office, NULL, &out, NULL), ERR_INVALID);
    assert_int_equal(ical_write(&draft, NULL, &member, &out, NULL), ERR_INVALID);
    str_release(&out);
    options.uid = "";
    assert_int_equal(ical_prepare(f->arena, event, &options, &draft, NULL), ERR_INVALID);
    options.uid = "a\r\nb";
    assert_int_equal(ical_prepare(f->arena, event, &options, &draft, NULL), ERR_INVALID);
}

static void test_nobody_is_invited_to_a_cancelled_event(void **state)
{
    struct site_folder *f = *state;
    const struct event *event =
        events_site_only(f, "events/x.md", "title: T\nstart: 2027-05-20\nstatus: cancelled\n");
    struct ical_options options = options_of(event, ICAL_REQUEST);
    struct ical_draft draft;

    assert_int_equal(ical_prepare(f->arena, event, &options, &draft, NULL), ERR_STATE);
    options.method = ICAL_PUBLISH;
    assert_int_equal(ical_prepare(f->arena, event, &options, &draft, NULL), 0);
    assert_non_null(strstr(draft.pieces[1], "STATUS:CANCELLED\r\n"));
}

/* Loads, expands and writes with the nth allocation failing. */
static int work(struct site_folder *f, const struct config *config)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct occurrence *list = NULL;
    struct ical_options options;
    struct events events = {0};
    struct str out;
    int rc = arena == NULL ? ERR_NOMEM : events_load(arena, config, f->report, &events, NULL);

    str_init(&out, LIMIT_MESSAGE);
    for (size_t i = 0; rc == 0 && i < events.count; i++) {
        options = options_of(&events.items[i], ICAL_REQUEST);
        rc = event_occurrences(&events.items[i], 0, INT64_MAX, arena, &list, NULL);
        if (rc >= 0) {
            rc = ical_invitation(arena, &events.items[i], &options, &office, &member, &out, NULL);
        }
    }
    str_release(&out);
    arena_free(arena);
    return rc;
}

static void test_every_failed_allocation_is_told(void **state)
{
    struct site_folder *f = *state;
    struct config config;
    struct events events;
    unsigned long nth = 0;
    int rc;

    site_folder_write(f, "events/x.md", SERIES);
    site_folder_write(f, "events/x.en.md", "title: Monthly\n---\nText.\n");
    site_folder_write(f, "events/y.ics",
                      "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Y\nDESCRIPTION:a\\nb\n"
                      "DTSTART;TZID=Europe/Riga:20270520T100000\nRRULE:FREQ=DAILY;COUNT=9\n"
                      "EXDATE:20270521T070000Z\nEND:VEVENT\nEND:VCALENDAR\n");
    assert_int_equal(events_site_load(f, &config, &events, NULL), 0);
    do {
        mem_fail_at(++nth, 0);
        rc = work(f, &config);
        if (rc != 0 && rc != ERR_NOMEM) {
            fail_msg("allocation %lu: %d", nth, rc);
        }
    } while (mem_count() >= nth && nth < 10000);
    mem_fail_at(0, 0);
    assert_true(nth > 20);
    assert_int_equal(rc, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, site_folder_set_up, site_folder_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_invitation_is_written_line_by_line),
        TEST(test_a_series_carries_its_exceptions_and_changes),
        TEST(test_a_published_event_has_no_attendee),
        TEST(test_what_is_written_reads_back_the_same),
        TEST(test_the_vtimezone_says_what_the_system_says),
        TEST(test_no_name_and_no_title_adds_a_line),
        cmocka_unit_test(test_texts_are_escaped),
        cmocka_unit_test(test_a_fold_never_splits_a_character),
        TEST(test_an_odd_address_is_encoded_and_a_bad_one_refused),
        TEST(test_nobody_is_invited_to_a_cancelled_event),
        TEST(test_every_failed_allocation_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
