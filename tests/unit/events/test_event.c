/* Events from both kinds of file, and everything that can be wrong in them. */
#include "teataja/events/event.h"

#include "unit/events/events_site.h"

#define FORUM                                                                                      \
    "---\n"                                                                                        \
    "title: Aastafoorum\n"                                                                         \
    "summary: Kaks päeva.\n"                                                                      \
    "start: 2027-05-20 10:00 Europe/Tallinn\n"                                                     \
    "end: 2027-05-21 16:00\n"                                                                      \
    "location: { name: Kreenholm, address: 'Joala 21, Narva', url: https://map.example }\n"        \
    "online: https://meet.example/forum\n"                                                         \
    "access: closed\n"                                                                             \
    "audience: 'subscribed(events) and region = \"Ida-Viru\"'\n"                                   \
    "invite: tag = board\n"                                                                        \
    "rsvp: { by: 2027-05-10, capacity: 60, waiting_list: true, guests: 1, questions: [Öömaja?] " \
    "}\n"                                                                                          \
    "reminders: [7 days before, P1D]\n"                                                            \
    "funded_by: [south-baltic]\n"                                                                  \
    "list: events\n"                                                                               \
    "---\n"                                                                                        \
    "Tule *kohale*.\n"

static void test_an_event_says_everything_once(void **state)
{
    const struct event *event = events_site_only(*state, "events/forum-2027.md", FORUM);
    const struct event_edition *edition = &event->editions[0];

    site_folder_expect(*state, "");
    assert_string_equal(event->slug, "forum-2027");
    assert_string_equal(event->file, "events/forum-2027.md");
    assert_string_equal(event->tzid, "Europe/Tallinn");
    assert_int_equal(event->start_utc, INT64_C(1810796400) * 1000000);
    assert_int_equal(event->end_utc, INT64_C(1810904400) * 1000000);
    assert_true(event->has_end && !event->all_day && !event_is_series(event));
    assert_string_equal(event->place_url, "https://map.example");
    assert_string_equal(event->online, "https://meet.example/forum");
    assert_int_equal(event->access, EVENT_CLOSED);
    assert_int_equal(event->status, EVENT_CONFIRMED);
    assert_string_equal(event->list, "events");
    assert_string_equal(event->audience.text, "subscribed(events) and region = \"Ida-Viru\"");
    assert_int_equal(event->audience.node->line, 9);
    assert_int_equal(event->audience.node->column, 11);
    assert_string_equal(event->invite.text, "tag = board");
    assert_false(event->has_approval);
    assert_true(event->rsvp.has_by && event->rsvp.waiting_list && !event->rsvp.open);
    assert_int_equal(event->rsvp.by_utc, INT64_C(1809982800) * 1000000);
    assert_int_equal(event->rsvp.capacity, 60);
    assert_int_equal(event->rsvp.guests, 1);
    assert_int_equal(event->reminder_count, 2);
    assert_int_equal(event->reminders[0].days, 7);
    assert_int_equal(event->reminders[1].days, 1);
    assert_string_equal(event->funded_by[0], "south-baltic");
    assert_int_equal(event->edition_count, 1);
    assert_int_equal(edition->language, LANG_ET);
    assert_string_equal(edition->title, "Aastafoorum");
    assert_string_equal(edition->place, "Kreenholm");
    assert_string_equal(edition->address, "Joala 21, Narva");
    assert_string_equal(edition->questions[0], "Öömaja?");
    assert_non_null(edition->body);
}

static void test_answers_are_taken_through_the_last_day(void **state)
{
    const struct event *event = events_site_only(*state, "events/forum-2027.md", FORUM);
    struct event cancelled = *event;

    assert_true(event_takes_answers(event, event->rsvp.by_utc - 1));
    assert_false(event_takes_answers(event, event->rsvp.by_utc));
    cancelled.status = EVENT_CANCELLED;
    assert_false(event_takes_answers(&cancelled, 0));
}

static void test_an_edition_falls_back_text_by_text(void **state)
{
    const enum language wanted[] = {LANG_PL, LANG_RU};
    const struct event_edition *edition;
    const struct event *event;
    bool own = true;

    site_folder_write(*state, "events/forum-2027.ru.md",
                      "title: Форум\nlocation: { name: Кренгольм }\n"
                      "rsvp: { questions: [Ночлег?] }\n");
    site_folder_write(*state, "events/forum-2027.en.md", "title: Forum\n---\nCome.\n");
    event = events_site_only(*state, "events/forum-2027.md", FORUM);
    site_folder_expect(*state, "");
    assert_int_equal(event->edition_count, 3);
    edition = event_edition_for(event, wanted, 2, LANG_EN, &own);
    assert_true(own);
    assert_string_equal(edition->title, "Форум");
    assert_string_equal(edition->summary, "Kaks päeva.");
    assert_string_equal(edition->place, "Кренгольм");
    assert_string_equal(edition->address, "Joala 21, Narva");
    assert_string_equal(edition->questions[0], "Ночлег?");
    assert_false(edition->own_body);
    assert_non_null(edition->body);
    assert_true(event_edition(event, LANG_EN)->own_body);
    edition = event_edition_for(event, wanted, 1, LANG_EN, &own);
    assert_false(own);
    assert_string_equal(edition->title, "Forum");
    assert_null(event_edition(event, LANG_PL));
}

static void test_overrides_have_texts_in_every_language(void **state)
{
    const struct event *event;

    site_folder_write(*state, "events/monthly.en.md",
                      "title: Monthly\n"
                      "overrides: { 2027-03-02: { title: Spring, location: Library } }\n");
    event = events_site_only(*state, "events/monthly.md",
                             "title: Kuu\n"
                             "start: 2027-01-05 10:00\n"
                             "end: 2027-01-05 12:00\n"
                             "rrule: FREQ=MONTHLY;BYDAY=1TU;COUNT=6\n"
                             "exdate: 2027-06-01\n"
                             "overrides:\n"
                             "  2027-04-06: { status: cancelled }\n"
                             "  2027-03-02 10:00: { start: 2027-03-03 11:00, title: Kevad }\n");
    site_folder_expect(*state, "");
    assert_int_equal(event->override_count, 2);
    assert_int_equal(event->overrides[0].original.month, 3);
    assert_true(event->overrides[0].moved);
    assert_int_equal(event->overrides[0].end.hour, 13);
    assert_true(event->overrides[1].cancelled && !event->overrides[1].moved);
    assert_string_equal(event->editions[0].overrides[0].title, "Kevad");
    assert_string_equal(event->editions[1].overrides[0].title, "Spring");
    assert_string_equal(event->editions[1].overrides[0].place, "Library");
    assert_null(event->editions[1].overrides[1].title);
    assert_int_equal(event->exceptions[0].hour, 10);
}

/* Front matter behind "title: T" and what `check` says of it. */
static const struct {
    const char *text;
    const char *problems;
} wrong[] = {
    {"", "events/x.md:1:1: 'start' is missing\n"},
    {"start: 2027-02-30 10:00\n",
     "events/x.md:2:8: start: 2027-02-30 is not a date: February 2027 has 28 days\n"},
    {"start: 2027-03-28 03:30\n",
     "events/x.md:2:8: 2027-03-28 03:30 does not exist in Europe/Tallinn: clocks go from 03:00 to "
     "04:00\n"},
    {"start: 2027-10-31 03:30\n",
     "events/x.md:2:8: 2027-10-31 03:30 comes twice in Europe/Tallinn: "
     "clocks go back from 04:00 to 03:00\n"},
    {"start: 2027-05-20 10:00\nend: 2027-05-20 09:00\n",
     "events/x.md:3:6: the event ends before it begins, on 2027-05-20 10:00\n"},
    {"start: 2027-05-20 10:00\nend: 2027-05-20 10:00\n",
     "events/x.md:3:6: the event ends at the moment when it begins\n"},
    {"start: 2027-05-20\nend: 2027-05-19\n",
     "events/x.md:3:6: the event ends before it begins, on 2027-05-20\n"},
    {"start: 2027-05-20\nend: 2027-05-21 10:00\n",
     "events/x.md:3:6: start and end must both have a time, or both have none\n"},
    {"start: 2027-05-20 10:00 Europe/Talinn\n",
     "events/x.md:2:8: no time zone 'Europe/Talinn'; did you mean 'Europe/Tallinn'?\n"},
    {"start: 2027-05-20 10:00\nlist: event\n",
     "events/x.md:3:7: no list 'event'; did you mean 'events'?\n"},
    {"start: 2027-05-20 10:00\nfunded_by: south-baltik\n",
     "events/x.md:3:12: no project 'south-baltik'; did you mean 'south-baltic'?\n"},
    {"start: 2027-05-20 10:00\nrsvp: { by: 2027-05-21 }\n",
     "events/x.md:3:13: answers are taken until after the event has begun\n"},
    {"start: 2027-05-20 10:00\nrrule: FREQ=SECONDLY\n",
     "events/x.md:3:8: FREQ=SECONDLY: write YEARLY, MONTHLY, WEEKLY or DAILY; nothing here recurs "
     "faster\n"},
    {"start: 2027-05-20 10:00\nrrule: FREQ=MONTHLY;BYDAY=1TU\n",
     "events/x.md:3:8: the rule does not yield the start 2027-05-20 10:00; its first date is "
     "2027-06-01 10:00\n"},
    {"start: 2027-05-20 10:00\nexdate: 2027-05-20\n",
     "events/x.md:3:9: a single event has no occurrences to take out or change\n"},
    {"start: 2027-05-20 10:00\nrrule: FREQ=DAILY;COUNT=3\nexdate: [2027-05-21, 2027-05-24]\n",
     "events/x.md:4:22: the series has no occurrence on 2027-05-24 10:00; one near it is "
     "2027-05-22 10:00\n"},
    {"start: 2027-05-20 10:00\nrrule: FREQ=DAILY;COUNT=3\n"
     "overrides: { 2027-05-21 11:00: { title: A } }\n",
     "events/x.md:4:14: the series has no occurrence on 2027-05-21 11:00; one near it is "
     "2027-05-22 10:00\n"},
    {"start: 2027-05-20 10:00\nrrule: FREQ=DAILY;COUNT=3\n"
     "overrides: { 2027-05-21: { title: A }, 2027-05-21 10:00: { title: B } }\n",
     "events/x.md:4:40: the same occurrence is changed twice\n"},
    {"start: 2027-05-20 10:00\nrrule: FREQ=DAILY;COUNT=3\n"
     "overrides: { 2027-05-21: { start: 2027-05-22 } }\n",
     "events/x.md:4:14: the start must be a date with a time, as that of the event\n"},
    {"start: 2027-05-20 10:00\nacces: public\n",
     "events/x.md:3:1: unknown key 'acces'; did you mean 'access'?\n"},
    {"start: 2027-05-20 10:00\naccess: privat\n",
     "events/x.md:3:9: access: 'privat' is not one of public, closed, internal\n"},
    {"start: 2027-05-20 10:00\nreminders: [next week]\n",
     "events/x.md:3:13: reminders: 'next week' is not a length of time; write '7 days', '36 h' or "
     "'P7D'\n"},
    {"start: 2027-05-20 10:00\n---\nA [link](javascript:x) here\n",
     "events/x.md:4:10: link 'javascript:x' is not http, https, mailto or tel\n"},
};

static void test_what_is_wrong_is_said_where_it_stands(void **state)
{
    struct site_folder *f = *state;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct config config;
        struct events events;
        struct err err = {0};
        char text[400];

        snprintf(text, sizeof(text), "title: T\n%s", wrong[i].text);
        site_folder_write(f, "events/x.md", text);
        assert_int_equal(events_site_load(f, &config, &events, &err), ERR_INVALID);
        assert_int_equal(events.count, 0);
        if (strncmp(err.msg, "events/x.md:", 12) != 0) {
            fail_msg("'%s' does not begin with the file", err.msg);
        }
        site_folder_expect(f, wrong[i].problems);
    }
}

static void test_all_files_are_checked_in_one_run(void **state)
{
    struct site_folder *f = *state;
    struct config config;
    struct events events;
    struct err err = {0};

    site_folder_write(f, "events/good.md", "title: T\nstart: 2027-05-20\n");
    site_folder_write(f, "events/twice.md", "title: T\nstart: 2027-05-20\n");
    site_folder_write(f, "events/twice.ics",
                      "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20270520\nSUMMARY:T\n"
                      "END:VEVENT\nEND:VCALENDAR\n");
    site_folder_write(f, "events/alone.en.md", "title: T\n");
    site_folder_write(f, "events/fine.md", "title: T\nstart: 2027-05-20\n");
    site_folder_write(f, "events/good.en.md", "title: T\nstart: 2027-05-20\n");
    site_folder_write(f, "events/good.et.md", "title: T\n");
    site_folder_write(f, "events/good.pl.md", "title: T\n");
    site_folder_write(f, "events/Bad Name.md", "title: T\n");
    site_folder_write(f, "events/notes.txt", "x\n");
    assert_int_equal(events_site_load(f, &config, &events, &err), ERR_INVALID);
    assert_int_equal(events.count, 1);
    assert_non_null(event_find(&events, "fine"));
    site_folder_expect(
        f,
        "events/Bad Name.md:1:1: 'Bad Name.md' is not <slug>.md: a slug is of a-z, 0-9 and "
        "'-', at most 64 of them\n"
        "events/alone.en.md:1:1: a language edition without its event: there is no "
        "events/alone.md or .ics\n"
        "events/good.en.md:2:1: 'start' stands once, in the file of the first language; a "
        "language edition holds only title, summary, overrides, location, rsvp, reminder, thanks\n"
        "events/good.et.md:1:1: 'et' is the site's first language: its file is "
        "events/good.md\n"
        "events/good.pl.md:1:1: 'pl' is not one of the site's languages\n"
        "events/notes.txt:1:1: warning: the file is neither .md nor .ics; it is passed over\n"
        "events/twice.md:1:1: unknown key 'title'; the keys here are access, list, approval, "
        "audience, invite, rsvp, reminders, reminder, thanks, thanks_after, funded_by\n"
        "events/twice.md:2:1: unknown key 'start'; the keys here are access, list, approval, "
        "audience, invite, rsvp, reminders, reminder, thanks, thanks_after, funded_by\n");
}

static void test_a_site_without_events_is_fine(void **state)
{
    struct site_folder *f = *state;
    struct config config;
    struct events events;
    const struct event *event;
    struct err err = {0};

    assert_int_equal(events_site_load(f, &config, &events, &err), 0);
    assert_int_equal(events.count, 0);
    assert_int_equal(event_get(&events, "forum", &event, &err), ERR_NOT_FOUND);
    assert_string_equal(err.msg, "no event 'forum'");
}

static void test_a_misspelt_event_gets_a_suggestion(void **state)
{
    const struct event *event = events_site_only(*state, "events/forum-2027.md", FORUM);
    const struct events events = {.items = event, .count = 1};
    struct err err = {0};

    assert_int_equal(event_get(&events, "forum-2072", &event, &err), ERR_NOT_FOUND);
    assert_string_equal(err.msg, "no event 'forum-2072'; did you mean 'forum-2027'?");
}

static const struct {
    const char *text; /* instead of the forum's end */
    bool same;
} digests[] = {
    {"end: 2027-05-21 16:00\n", true},
    {"end: 2027-05-21 16:00 Europe/Tallinn\nsummary: Muu\nreminders: 1 day\n", true},
    {"end: 2027-05-21 17:00\n", false},
    {"end: 2027-05-21 16:00\nlocation: Narva\n", false},
    {"end: 2027-05-21 16:00\nonline: https://meet.example\n", false},
    {"end: 2027-05-21 16:00\nstatus: cancelled\n", false},
    {"end: 2027-05-21 16:00\nrrule: FREQ=YEARLY;COUNT=2\n", false},
};

static void test_the_digest_is_of_time_recurrence_status_and_place(void **state)
{
    char first[33] = "";

    for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++) {
        const struct event *event;
        char text[300];
        char digest[33];

        snprintf(text, sizeof(text), "title: T%zu\nstart: 2027-05-20 10:00\n%s", i,
                 digests[i].text);
        event = events_site_only(*state, "events/x.md", text);
        assert_int_equal(event_digest(event, digest, NULL), 0);
        if (i == 0) {
            memcpy(first, digest, sizeof(first));
        }
        assert_int_equal(strcmp(digest, first) == 0, digests[i].same);
    }
}

#define ICS(body)                                                                                  \
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//t//EN\r\n" body "END:VCALENDAR\r\n"
#define VEVENT(body) "BEGIN:VEVENT\r\nUID:u@h.example\r\nSUMMARY:Avamine\r\n" body "END:VEVENT\r\n"

static void test_a_calendar_file_is_an_event_with_editions(void **state)
{
    const struct event *event;
    const struct event_edition *edition;

    site_folder_write(*state, "events/opening.ru.md", "title: Открытие\n---\nТекст.\n");
    event = events_site_only(*state, "events/opening.ics",
                             ICS(VEVENT("DTSTART;TZID=FLE Standard Time:20270304T100000\r\n"
                                        "DURATION:PT1H30M\r\n"
                                        "LOCATION:Narva\\, Kreenholm\r\n"
                                        "DESCRIPTION:Üks\\nkaks \xEE\x80\x80\r\n"
                                        "URL:https://cluster.example/open\r\n"
                                        "STATUS:TENTATIVE\r\nCLASS:PRIVATE\r\n")));
    site_folder_expect(*state, "");
    assert_string_equal(event->tzid, "Europe/Kiev");
    assert_int_equal(event->start_utc, INT64_C(1804147200) * 1000000);
    assert_int_equal(event->end.hour, 11);
    assert_int_equal(event->end.minute, 30);
    assert_int_equal(event->status, EVENT_TENTATIVE);
    assert_int_equal(event->access, EVENT_CLOSED);
    assert_string_equal(event->url, "https://cluster.example/open");
    assert_string_equal(event->list, "events");
    edition = event_edition(event, LANG_ET);
    assert_string_equal(edition->place, "Narva, Kreenholm");
    assert_string_equal(edition->description, "Üks\nkaks");
    edition = event_edition(event, LANG_RU);
    assert_string_equal(edition->title, "Открытие");
    assert_null(edition->description);
    assert_non_null(edition->body);
}

static void test_a_file_beside_a_calendar_says_what_calendars_do_not(void **state)
{
    const struct event *event;
    const struct event_edition *edition;

    site_folder_write(*state, "events/opening.md",
                      "approval: two\ninvite: 21 days before\nreminders: 2 days before\n"
                      "audience: region = EE00A\nrsvp: { by: 2027-03-01, capacity: 7 }\n"
                      "thanks: Aitäh!\nthanks_after: 3 days\n---\nMeie oma tekst.\n");
    site_folder_write(*state, "events/opening.ru.md", "title: Открытие\nthanks: Спасибо!\n");
    event = events_site_only(*state, "events/opening.ics",
                             ICS(VEVENT("DTSTART;TZID=Europe/Tallinn:20270304T100000\r\n"
                                        "CLASS:PRIVATE\r\nDESCRIPTION:Üks\r\n")));
    site_folder_expect(*state, "");
    assert_string_equal(event->file, "events/opening.ics");
    assert_true(event->has_invite_before && event->has_thanks_after);
    assert_true(event->has_approval && event->approval == APPROVAL_TWO);
    assert_int_equal(event->invite_before.days, 21);
    assert_int_equal(event->reminder_count, 1);
    assert_int_equal(event->rsvp.capacity, 7);
    assert_true(event->rsvp.has_by);
    assert_string_equal(event->audience.text, "region = EE00A");
    assert_string_equal(event->list, "events");
    assert_int_equal(event->access, EVENT_CLOSED);
    assert_null(event->editions[0].description);
    assert_non_null(event->editions[0].body);
    edition = event_edition(event, LANG_RU);
    assert_non_null(edition->thanks);
    assert_ptr_not_equal(edition->thanks, event->editions[0].thanks);
    assert_ptr_equal(edition->body, event->editions[0].body);
}

static void test_a_calendar_of_whole_days_ends_on_its_last_day(void **state)
{
    const struct event *event =
        events_site_only(*state, "events/trip.ics",
                         ICS(VEVENT("DTSTART;VALUE=DATE:20270607\r\nDTEND;VALUE=DATE:20270611\r\n"
                                    "LOCATION:https://meet.example/trip\r\n")));

    assert_true(event->all_day && event->has_end);
    assert_int_equal(event->end.day, 10);
    assert_int_equal(event->end_utc - event->start_utc, INT64_C(4) * 86400 * 1000000);
    assert_string_equal(event->online, "https://meet.example/trip");
    assert_null(event->editions[0].place);
}

static void test_a_calendar_in_utc_is_shown_in_the_sites_zone(void **state)
{
    const struct event *event =
        events_site_only(*state, "events/call.ics",
                         ICS(VEVENT("DTSTART:20270701T070000Z\r\nDTEND:20270701T080000Z\r\n")));

    assert_string_equal(event->tzid, "Europe/Tallinn");
    assert_int_equal(event->start.hour, 10);
    assert_int_equal(event->end.hour, 11);
}

static void test_a_calendar_series_keeps_its_changes(void **state)
{
    const struct event *event =
        events_site_only(*state, "events/series.ics",
                         ICS(VEVENT("DTSTART;TZID=Europe/Vilnius:20270105T100000\r\n"
                                    "DTEND;TZID=Europe/Vilnius:20270105T120000\r\n"
                                    "RRULE:FREQ=MONTHLY;BYDAY=1TU;UNTIL=20270601T070000Z\r\n"
                                    "EXDATE:20270202T080000Z,20270504T070000Z\r\n"
                                    "RDATE;VALUE=PERIOD:20270624T070000Z/PT1H\r\n")
                                 VEVENT("RECURRENCE-ID:20270302T080000Z\r\n"
                                        "DTSTART;TZID=Europe/Warsaw:20270303T100000\r\n"
                                        "DTEND;TZID=Europe/Warsaw:20270303T110000\r\n")));

    site_folder_expect(*state, "");
    assert_string_equal(event->rules[0], "FREQ=MONTHLY;BYDAY=1TU;UNTIL=20270601T100000");
    assert_int_equal(event->exception_count, 2);
    assert_int_equal(event->exceptions[1].hour, 10);
    assert_int_equal(event->date_count, 1);
    assert_int_equal(event->override_count, 2);
    assert_int_equal(event->overrides[0].original.day, 2);
    assert_int_equal(event->overrides[0].start.day, 3);
    assert_int_equal(event->overrides[0].start.hour, 11);
    assert_int_equal(event->overrides[0].end.hour, 12);
    assert_int_equal(event->overrides[1].end.hour, 11);
    assert_null(event->editions[0].overrides[0].title);
}

static const struct {
    const char *text;
    const char *problems;
} wrong_calendars[] = {
    {ICS(""), "events/x.ics:1:1: the calendar holds no event\n"},
    {ICS(VEVENT("DTSTART:20270105T100000Z\r\n") "BEGIN:VEVENT\r\nUID:other\r\nSUMMARY:Teine\r\n"
                                                "DTSTART:20270105T100000Z\r\nEND:VEVENT\r\n"),
     "events/x.ics:9:1: a second event, 'Teine', begins; one file holds one event or one series: "
     "put each into a file of its own\n"},
    {ICS(VEVENT("RECURRENCE-ID:20270302T080000Z\r\nDTSTART:20270303T080000Z\r\n")),
     "events/x.ics:4:1: the file holds changed occurrences (RECURRENCE-ID) without their "
     "series\n"},
    {ICS(VEVENT("DTSTART:20270105T100000Z\r\nDTEND:20270105T090000Z\r\n")),
     "events/x.ics:8:1: the event ends before it begins, on 2027-01-05 12:00\n"},
    {ICS("METHOD:REPLY\r\n" VEVENT("DTSTART:20270105T100000Z\r\n")),
     "events/x.ics:1:1: METHOD:REPLY is an answer to somebody, not an event\n"},
    {ICS("BEGIN:VEVENT\r\nDTSTART:20270105T100000Z\r\nEND:VEVENT\r\n"),
     "events/x.ics:4:1: the event has no SUMMARY\n"},
    {ICS(VEVENT("DTSTART;TZID=Mars/Base:20270105T100000\r\n")),
     "events/x.ics:7:1: no time zone 'Mars/Base'\n"},
};

static void test_a_calendar_that_is_no_event_says_why(void **state)
{
    struct site_folder *f = *state;

    for (size_t i = 0; i < sizeof(wrong_calendars) / sizeof(wrong_calendars[0]); i++) {
        struct config config;
        struct events events;
        struct err err = {0};

        site_folder_write(f, "events/x.ics", wrong_calendars[i].text);
        assert_int_equal(events_site_load(f, &config, &events, &err), ERR_INVALID);
        assert_int_equal(events.count, 0);
        assert_memory_equal(err.msg, "events/x.ics:", 13);
        site_folder_expect(f, wrong_calendars[i].problems);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, site_folder_set_up, site_folder_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_event_says_everything_once),
        TEST(test_answers_are_taken_through_the_last_day),
        TEST(test_an_edition_falls_back_text_by_text),
        TEST(test_overrides_have_texts_in_every_language),
        TEST(test_what_is_wrong_is_said_where_it_stands),
        TEST(test_all_files_are_checked_in_one_run),
        TEST(test_a_site_without_events_is_fine),
        TEST(test_a_misspelt_event_gets_a_suggestion),
        TEST(test_the_digest_is_of_time_recurrence_status_and_place),
        TEST(test_a_calendar_file_is_an_event_with_editions),
        TEST(test_a_file_beside_a_calendar_says_what_calendars_do_not),
        TEST(test_a_calendar_of_whole_days_ends_on_its_last_day),
        TEST(test_a_calendar_in_utc_is_shown_in_the_sites_zone),
        TEST(test_a_calendar_series_keeps_its_changes),
        TEST(test_a_calendar_that_is_no_event_says_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
