/* iCalendar files: good ones, odd ones, and ones made to kill the reader. */
#include "teataja/events/ical_read.h"

#include "teataja/base/clock.h"
#include "teataja/base/str.h"
#include "unit/config/site_folder.h"

#define NS_PER_SECOND INT64_C(1000000000)

static int read_text(struct site_folder *f, const char *text, size_t len,
                     struct ical_calendar *calendar, struct err *err)
{
    return ical_read(f->arena, "x.ics", text, len, "Europe/Tallinn", f->report, calendar, err);
}

/* Reads one of the files of tests/data/ics. */
static int read_sample(struct site_folder *f, const char *name, struct ical_calendar *calendar)
{
    char *path = file_join(f->arena, TEST_SOURCE_DIR "/tests/data/ics", name);
    char *text = NULL;
    size_t len = 0;

    assert_int_equal(file_read(f->arena, path, LIMIT_ICS, &text, &len, NULL), 0);
    return ical_read(f->arena, name, text, len, "Europe/Tallinn", f->report, calendar, NULL);
}

static void test_a_rich_calendar_is_read_whole(void **state)
{
    struct site_folder *f = *state;
    struct ical_calendar calendar;
    const struct ical_event *event;

    assert_int_equal(read_sample(f, "rich.ics", &calendar), 0);
    site_folder_expect(f, "");
    assert_string_equal(calendar.method, "PUBLISH");
    assert_string_equal(calendar.name, "Klaster");
    assert_string_equal(calendar.zone, "Europe/Vilnius");
    assert_int_equal(calendar.event_count, 2);
    event = &calendar.events[0];
    assert_int_equal(event->line, 26);
    assert_string_equal(event->uid, "rich-1@cluster.example");
    assert_string_equal(event->start.tzid, "Europe/Vilnius");
    assert_int_equal(event->start.civil.hour, 10);
    assert_int_equal(event->end.civil.day, 5);
    assert_string_equal(event->summary, "Kuukoosolek; mõtted, plaanid ja pikk pealkiri, mis "
                                        "murtakse reale keset täppi õ");
    assert_string_equal(event->description, "Esimene rida\nteine, \"jutumärkides\"");
    assert_string_equal(event->location, "Rietavas, Laisvės al. 3");
    assert_string_equal(event->organizer, "office@cluster.example");
    assert_string_equal(event->organizer_name, "Klaster, büroo");
    assert_int_equal(event->sequence, 3);
    assert_int_equal(event->rule_count, 2);
    assert_int_equal(event->rule_lines[1], 34);
    assert_int_equal(event->date_count, 3);
    assert_true(event->dates[1].has_end && event->dates[2].has_end);
    assert_int_equal(event->dates[2].end.civil.hour, 9);
    assert_int_equal(event->exception_count, 2);
    assert_true(event->exceptions[1].civil.date_only);
    event = &calendar.events[1];
    assert_true(event->is_override);
    assert_int_equal(event->status, ICAL_IS_CANCELLED);
    assert_string_equal(event->recurrence_id.tzid, "UTC");
}

static const struct {
    const char *name; /* TZID */
    const char *tzid; /* NULL: not known */
    const char *problems;
} zones[] = {
    {"Europe/Prague", "Europe/Prague", ""},
    {"Central European Standard Time", "Europe/Warsaw", ""},
    {"/freeassociation.sourceforge.net/Europe/Vilnius", "Europe/Vilnius", ""},
    {"Located", "Europe/Riga", ""},
    {"\"(UTC+02:00) Narva, Kyiv\"", "Europe/Tallinn",
     "zones.ics:46:1: warning: time zone '(UTC+02:00) Narva, Kyiv' is taken for Europe/Tallinn, "
     "whose clock the file describes\n"},
    {"Mitte", "Europe/Warsaw",
     "zones.ics:46:1: warning: time zone 'Mitte' is taken for Europe/Warsaw, whose clock the file "
     "describes\n"},
    {"Nobody", NULL, "zones.ics:46:1: no time zone 'Nobody'\n"},
    {"Strange", NULL, "zones.ics:46:1: no time zone 'Strange'\n"},
};

static void test_a_zone_is_found_by_its_name_or_by_its_clock(void **state)
{
    struct site_folder *f = *state;
    char *text = NULL;

    assert_int_equal(file_read(f->arena, TEST_SOURCE_DIR "/tests/data/ics/zones.ics", LIMIT_ICS,
                               &text, NULL, NULL),
                     0);
    for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
        struct ical_calendar calendar;
        char *one = arena_printf(f->arena,
                                 "%sBEGIN:VEVENT\r\nDTSTART;TZID=%s:20270520T100000\r\n"
                                 "END:VEVENT\r\nEND:VCALENDAR\r\n",
                                 text, zones[i].name);
        int rc = ical_read(f->arena, "zones.ics", one, strlen(one), "Europe/Tallinn", f->report,
                           &calendar, NULL);

        site_folder_expect(f, zones[i].problems);
        assert_int_equal(rc, zones[i].tzid != NULL ? 0 : ERR_INVALID);
        if (zones[i].tzid != NULL) {
            assert_string_equal(calendar.events[0].start.tzid, zones[i].tzid);
        }
    }
}

#define EVENT(body) "BEGIN:VCALENDAR\nBEGIN:VEVENT\n" body "END:VEVENT\nEND:VCALENDAR\n"
#define START "DTSTART:20270520T100000Z\n"

/* What is wrong, and where. */
static const struct {
    const char *text;
    const char *problems;
} wrong[] = {
    {"", "x.ics:1:1: the file is not a calendar: there is no BEGIN:VCALENDAR\n"},
    {"hello\n", "x.ics:1:1: warning: 'hello' stands outside of the calendar; it is passed over\n"
                "x.ics:1:1: the file is not a calendar: there is no BEGIN:VCALENDAR\n"},
    {"BEGIN:VEVENT\nEND:VEVENT\n", "x.ics:1:1: BEGIN:VEVENT stands outside of a VCALENDAR\n"},
    {"BEGIN:VCALENDAR\n", "x.ics:1:1: BEGIN:VCALENDAR has no END:VCALENDAR\n"},
    {"END:VCALENDAR\n", "x.ics:1:1: END:VCALENDAR without a BEGIN:VCALENDAR\n"},
    {"BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VTODO\n",
     "x.ics:3:1: END:VTODO stands where BEGIN:VEVENT of line 2 must end\n"},
    {"BEGIN:VCALENDAR\nEND:VCALENDAR\nBEGIN:VCALENDAR\nEND:VCALENDAR\n",
     "x.ics:3:1: a second calendar begins; one file holds one\n"},
    {"BEGIN:VCALENDAR\nX-A:a\x01\nEND:VCALENDAR\n",
     "x.ics:2:1: a control character (0x01) in 'X-A:a'\n"},
    {"BEGIN:VCALENDAR\nX-A:a\rB:b\nEND:VCALENDAR\n",
     "x.ics:2:1: a control character (0x0D) in 'X-A:a'\n"},
    {"BEGIN:VCALENDAR\nX-A:\xC3\nEND:VCALENDAR\n", "x.ics:2:1: broken UTF-8 behind 'X-A:'\n"},
    {EVENT(""), "x.ics:2:1: the event has no DTSTART\n"},
    {EVENT("DTSTART:2027\n"), "x.ics:3:1: DTSTART '2027' is not a date or a time\n"},
    {EVENT("DTSTART:20270230T100000Z\n"),
     "x.ics:3:1: DTSTART '20270230T100000Z' is not a date or a time\n"},
    {EVENT("DTSTART:17000101T100000Z\n"),
     "x.ics:3:1: the year 1700 is not between 1900 and 2200\n"},
    {EVENT(START START), "x.ics:4:1: a second DTSTART in one event\n"},
    {EVENT(START "DTEND;VALUE=DATE:20270521\n"),
     "x.ics:4:1: DTSTART and DTEND must both be dates or both be times\n"},
    {EVENT(START "DTEND:20270520T110000Z\nDURATION:PT1H\n"),
     "x.ics:5:1: an event has DTEND or DURATION, not both\n"},
    {EVENT(START "DURATION:-PT1H\n"), "x.ics:4:1: DURATION '-PT1H' is negative\n"},
    {EVENT(START "DURATION:P99999999999W\n"),
     "x.ics:4:1: DURATION: 'P99999999999W' is longer than 36500 days\n"},
    {EVENT("DTSTART;VALUE=DATE:20270520\nDURATION:PT1H\n"),
     "x.ics:4:1: an event of whole days must last whole days\n"},
    {EVENT(START "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30\n"),
     "x.ics:4:1: FREQ=SECONDLY: write YEARLY, MONTHLY, WEEKLY or DAILY; nothing here recurs "
     "faster\n"},
    {EVENT(START "EXDATE:20270521T100000Z,oops\n"),
     "x.ics:4:1: EXDATE 'oops' is not a date or a time\n"},
    {EVENT(START "RDATE;VALUE=PERIOD:20270521T100000Z/P999999999999D\n"),
     "x.ics:4:1: RDATE '20270521T100000Z/P999999999999D' is not a date or a time\n"},
    {EVENT(START "STATUS:MAYBE\n"),
     "x.ics:4:1: STATUS 'MAYBE' is not CONFIRMED, TENTATIVE or CANCELLED\n"},
    {EVENT(START "SEQUENCE:one\n"), "x.ics:4:1: SEQUENCE 'one' is not a number\n"},
    {EVENT(START "SUMMARY=Koosolek\n"),
     "x.ics:4:1: 'SUMMARY=Koosolek' is not a property: there is no ':'\n"},
    {EVENT(START "RECURRENCE-ID;RANGE=THISANDFUTURE:20270520T100000Z\n"),
     "x.ics:4:1: RECURRENCE-ID with RANGE=THISANDFUTURE is not supported: end the series with "
     "UNTIL and begin a new one in another file\n"},
};

static void test_what_is_wrong_is_said_with_its_line(void **state)
{
    struct site_folder *f = *state;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct ical_calendar calendar;
        struct err err = {0};

        assert_true(read_text(f, wrong[i].text, strlen(wrong[i].text), &calendar, &err) < 0);
        assert_memory_equal(err.msg, "x.ics:", 6);
        site_folder_expect(f, wrong[i].problems);
    }
}

static void test_what_is_odd_is_read_with_a_warning(void **state)
{
    static const char text[] = "\xEF\xBB\xBF"
                               "BEGIN:VCALENDAR\n"
                               "BEGIN:VEVENT\n"
                               "DTSTART:20270520T100000\n"
                               "\n"
                               "SUMMARY;LANGUAGE=et:Pikk\r\n"
                               " \t rida\n"
                               "DESCRIPTION:\n"
                               "URL:javascript:alert(1)\n"
                               "BEGIN:VALARM\nDTSTART:oops\nEND:VALARM\n"
                               "END:VEVENT\n"
                               "X\n"
                               "END:VCALENDAR\n"
                               "X-BEHIND:1";
    struct site_folder *f = *state;
    struct ical_calendar calendar;

    assert_int_equal(read_text(f, text, sizeof(text) - 1, &calendar, NULL), 0);
    site_folder_expect(f, "x.ics:3:1: warning: the time has no zone; it is taken as "
                          "Europe/Tallinn\n"
                          "x.ics:13:1: warning: 'X' is not a property; it is passed over\n"
                          "x.ics:15:1: warning: 'X-BEHIND:1' stands outside of the calendar; it is "
                          "passed over\n");
    assert_string_equal(calendar.events[0].summary, "Pikk rida");
    assert_null(calendar.events[0].description);
    assert_null(calendar.events[0].url);
    assert_true(calendar.events[0].start.floating);
}

/* Files that grow: so many times `unit` between `head` and `tail`. */
static const struct {
    const char *head, *unit, *tail;
    size_t times;
    int code;
    const char *problem; /* part of it */
} hostile[] = {
    {"", "BEGIN:VCALENDAR\n", "", 100000, ERR_LIMIT, "x.ics:9:1: components are nested"},
    {"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:", "x", "\nEND:VEVENT\nEND:VCALENDAR\n", 2000000,
     ERR_LIMIT, "x.ics:3:1: the line is longer than 65536 bytes"},
    {"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:", "x\n ", "\nEND:VEVENT\nEND:VCALENDAR\n", 1000000,
     ERR_LIMIT, "x.ics:3:1: the line is longer than 65536 bytes"},
    {"", "x", "", 10000000, ERR_LIMIT, "at most 4194304 are read"},
    {"BEGIN:VCALENDAR\nBEGIN:VEVENT\n", "DTSTART:oops\n", "END:VEVENT\nEND:VCALENDAR\n", 80000,
     ERR_LIMIT, "a second DTSTART"},
    {"BEGIN:VCALENDAR\n", "BEGIN:VEVENT\nDTSTART:20270520\nEND:VEVENT\n", "END:VCALENDAR\n", 19000,
     ERR_LIMIT, "more than 2000 events"},
    {"BEGIN:VCALENDAR\n", "BEGIN:VEVENT\nDTSTART:oops\nEND:VEVENT\n", "END:VCALENDAR\n", 19000,
     ERR_LIMIT, "DTSTART 'oops'"},
    {"BEGIN:VCALENDAR\n", "BEGIN:VTODO\nEND:VTODO\n", "END:VCALENDAR\n", 30000, ERR_LIMIT,
     "more than 20000 components"},
    {"BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20270520T100000Z\n", "EXDATE:20270520T100000Z\n",
     "END:VEVENT\nEND:VCALENDAR\n", 80000, ERR_LIMIT, "more than 2000 dates and exceptions"},
    {"BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20270520T100000Z\nRDATE:20270520T100000Z",
     ",\n 20270520T100000Z", "\nEND:VEVENT\nEND:VCALENDAR\n", 3000, ERR_LIMIT,
     "more than 2000 dates and exceptions"},
    {"BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20270520T100000Z\n", "RRULE:FREQ=DAILY\n",
     "END:VEVENT\nEND:VCALENDAR\n", 80000, ERR_LIMIT, "more than 16 rules"},
    {"BEGIN:VCALENDAR\n",
     "BEGIN:VTIMEZONE\nTZID:Z\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\n"
     "TZOFFSETTO:+0200\nRRULE:FREQ=DAILY\nEND:STANDARD\nEND:VTIMEZONE\n",
     "BEGIN:VEVENT\nDTSTART;TZID=Z:20270520T100000\nEND:VEVENT\nEND:VCALENDAR\n", 4000, ERR_INVALID,
     "no time zone 'Z'"},
    {"BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20270520T100000Z\nX-A;", "B=\"\";",
     ":c\nEND:VEVENT\nEND:VCALENDAR\n", 13000, 0, NULL},
    {"BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20270520T100000Z\nSUMMARY:", "\\\\n\\,",
     "\nEND:VEVENT\nEND:VCALENDAR\n", 13000, 0, NULL},
};

static void test_a_hostile_file_ends_within_a_second(void **state)
{
    struct site_folder *f = *state;

    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        struct ical_calendar calendar;
        struct err err = {0};
        struct str text;
        int64_t began;
        int64_t took;

        str_init(&text, 16 * 1024 * 1024);
        str_add(&text, hostile[i].head);
        for (size_t k = 0; k < hostile[i].times; k++) {
            str_add(&text, hostile[i].unit);
        }
        str_add(&text, hostile[i].tail);
        assert_int_equal(str_check(&text, NULL), 0);
        began = clock_thread_ticks();
        assert_int_equal(read_text(f, text.data, text.len, &calendar, &err), hostile[i].code);
        took = clock_thread_ticks() - began;
        str_release(&text);
        if (took > NS_PER_SECOND) {
            fail_msg("case %zu took %lld ms", i, (long long)(took / 1000000));
        }
        if (hostile[i].problem != NULL) {
            char *found = printed(f->report);

            if (strstr(found, hostile[i].problem) == NULL) {
                fail_msg("case %zu says %.300s", i, found);
            }
            free(found);
        }
        report_free(f->report);
        f->report = report_new();
    }
}

/* Calendars of other projects, if they are there: a calendar or an error with a
 * line. */
static void test_every_calendar_of_others_gives_events_or_an_error(void **state)
{
    struct site_folder *f = *state;
    char **names = NULL;
    size_t count = 0;

    if (file_list(f->arena, TEST_SHARED_DATA "/ics", &names, &count, NULL) < 0) {
        skip();
    }
    for (size_t i = 0; i < count; i++) {
        struct ical_calendar calendar;
        struct err err = {0};
        char *path = file_join(f->arena, TEST_SHARED_DATA "/ics", names[i]);
        char *text = NULL;
        size_t len = 0;
        int line = 0;
        int rc;

        assert_int_equal(file_read(f->arena, path, LIMIT_ICS, &text, &len, NULL), 0);
        rc = read_text(f, text, len, &calendar, &err);
        if (rc < 0 && sscanf(err.msg, "x.ics:%d:1: ", &line) != 1) {
            fail_msg("%s: %s", names[i], err.msg);
        }
        assert_true(rc == 0 || (line > 0 && report_errors(f->report) > 0));
        report_free(f->report);
        f->report = report_new();
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, site_folder_set_up, site_folder_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_rich_calendar_is_read_whole),
        TEST(test_a_zone_is_found_by_its_name_or_by_its_clock),
        TEST(test_what_is_wrong_is_said_with_its_line),
        TEST(test_what_is_odd_is_read_with_a_warning),
        TEST(test_a_hostile_file_ends_within_a_second),
        TEST(test_every_calendar_of_others_gives_events_or_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
