/* Who is invited and who comes, in a real database. */
#include "teataja/events/invitation.h"

#include "teataja/base/address.h"
#include "teataja/base/token.h"
#include "teataja/events/answer.h"
#include "unit/events/events_site.h"

#define NOW (INT64_C(1795248000) * 1000000) /* 2026-11-21 08:00 UTC */

struct fixture {
    struct site_folder *site;
    struct db *db;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    void *site = NULL;
    char path[128];

    if (f == NULL || site_folder_set_up(&site) != 0 || token_init(NULL) < 0) {
        return -1;
    }
    f->site = site;
    *state = f;
    snprintf(path, sizeof(path), "%s/site.db", f->site->path);
    return db_open(path, DB_OPEN_CREATE, &f->db, NULL);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    void *site = f->site;

    db_close(f->db);
    free(f);
    return site_folder_tear_down(&site);
}

static void run(struct db *db, const char *text)
{
    struct db_stmt *stmt = NULL;
    struct err err = {0};

    if (db_query_text(db, text, &stmt, &err) < 0 || db_run(stmt, &err) < 0) {
        fail_msg("%s: %s", text, err.msg);
    }
}

static int64_t number(struct db *db, const char *text)
{
    struct db_stmt *stmt = NULL;
    int64_t value;

    assert_int_equal(db_query_text(db, text, &stmt, NULL), 0);
    assert_int_equal(db_next(stmt, NULL), 1);
    value = db_int(stmt, 0);
    db_stmt_free(stmt);
    return value;
}

static int64_t add_member(struct fixture *f, const char *email, const char *name)
{
    struct address address;

    assert_int_equal(address_parse(email, &address, NULL), 0);
    run(f->db, arena_printf(f->site->arena,
                            "INSERT INTO member (uid, email, email_key, name, joined_at, "
                            "changed_at) VALUES ('%s', '%s', '%s', '%s', 1, 1)",
                            email, address.text, address.key, name));
    return db_last_id(f->db);
}

static const struct event *load(struct fixture *f, const char *text)
{
    return events_site_only(f->site, "events/forum.md",
                            arena_printf(f->site->arena, "title: Foorum\n%s", text));
}

#define SINGLE                                                                                     \
    "start: 2027-05-20 10:00\nend: 2027-05-20 16:00\n"                                             \
    "rsvp: { by: 2027-05-10, capacity: 3, guests: 1 }\n"
#define SERIES                                                                                     \
    "start: 2027-01-05 10:00\nrrule: FREQ=WEEKLY;COUNT=4\n"                                        \
    "overrides: { 2027-01-26: { status: cancelled } }\nrsvp: { capacity: 2 }\n"

static void test_an_event_keeps_its_uid_and_raises_its_sequence(void **state)
{
    struct fixture *f = *state;
    const struct event *event = load(f, SINGLE);
    struct event_row row;
    struct event_row again;
    struct invitation invitation;
    int64_t mari = add_member(f, "mari@narva.example", "Mari");

    assert_int_equal(event_row_get(f->db, "forum", &row, NULL), ERR_NOT_FOUND);
    assert_int_equal(event_record(f->db, event, "cluster.example", &row, NULL), 0);
    assert_true(row.fresh && !row.changed);
    assert_int_equal(row.sequence, 0);
    assert_non_null(strstr(row.uid, "@cluster.example"));
    assert_int_equal(strlen(row.uid), 26 + strlen("@cluster.example"));

    /* Nobody holds an invitation: nothing to outdate. */
    event = load(f, "start: 2027-05-20 11:00\n");
    assert_int_equal(event_record(f->db, event, "other.example", &again, NULL), 0);
    assert_true(!again.fresh && !again.changed);
    assert_int_equal(again.sequence, 0);
    assert_string_equal(again.uid, row.uid);

    assert_int_equal(invitation_add(f->db, f->site->arena, row.id, mari, "mari@narva.example",
                                    "office@cluster.example", 0, NOW, &invitation, NULL),
                     0);
    assert_int_equal(event_record(f->db, event, "cluster.example", &again, NULL), 0);
    assert_false(again.changed);
    event = load(f, "start: 2027-05-20 11:00\nsummary: Muu\nrsvp: { capacity: 5 }\n");
    assert_int_equal(event_record(f->db, event, "cluster.example", &again, NULL), 0);
    assert_false(again.changed);
    assert_int_equal(number(f->db, "SELECT capacity FROM event"), 5);
    event = load(f, "start: 2027-05-20 11:30\n");
    assert_int_equal(event_record(f->db, event, "cluster.example", &again, NULL), 0);
    assert_true(again.changed);
    assert_int_equal(again.sequence, 1);
    assert_int_equal(event_row_get(f->db, "forum", &again, NULL), 0);
    assert_int_equal(again.sequence, 1);
    assert_string_equal(again.uid, row.uid);
}

static void test_a_second_invitation_keeps_the_first_organizer(void **state)
{
    struct fixture *f = *state;
    const struct event *event = load(f, SINGLE);
    struct event_row row;
    struct invitation one;
    struct invitation two;
    int64_t mari = add_member(f, "mari@narva.example", "Mari");

    assert_int_equal(event_record(f->db, event, "cluster.example", &row, NULL), 0);
    assert_int_equal(invitation_add(f->db, f->site->arena, row.id, mari, "mari@narva.example",
                                    "office@cluster.example", 0, NOW, &one, NULL),
                     0);
    assert_true(one.fresh);
    run(f->db, "UPDATE invitation SET state = 'cancelled'");
    assert_int_equal(invitation_add(f->db, f->site->arena, row.id, mari, "mari@new.example",
                                    "rsvp@cluster.example", 3, NOW + 1, &two, NULL),
                     0);
    assert_true(!two.fresh && !two.cancelled);
    assert_int_equal(two.id, one.id);
    assert_string_equal(two.organizer, "office@cluster.example");
    assert_string_equal(two.address, "mari@narva.example");
    assert_int_equal(invitation_sent(f->db, one.id, "mari@new.example", 3, NOW + 1, NULL), 0);
    assert_int_equal(invitation_find(f->db, f->site->arena, "forum", mari, &two, NULL), 0);
    assert_string_equal(two.address, "mari@new.example");
    assert_int_equal(two.sequence, 3);
    assert_int_equal(number(f->db, "SELECT count(*) FROM invitation"), 1);
    assert_int_equal(invitation_find(f->db, f->site->arena, "forum", 99, &two, NULL),
                     ERR_NOT_FOUND);
}

static void test_the_first_calendar_of_a_sequence_stays(void **state)
{
    struct fixture *f = *state;
    struct event_row row;

    assert_int_equal(event_record(f->db, load(f, SINGLE), "cluster.example", &row, NULL), 0);
    assert_int_equal(event_revision_add(f->db, row.id, 0, NOW, "one", NULL), 0);
    assert_int_equal(event_revision_add(f->db, row.id, 0, NOW, "two", NULL), 0);
    assert_int_equal(event_revision_add(f->db, row.id, 1, NOW, "three", NULL), 0);
    assert_int_equal(number(f->db, "SELECT count(*) FROM event_revision"), 2);
    assert_int_equal(number(f->db, "SELECT count(*) FROM event_revision WHERE ical = 'one'"), 1);
}

/* Invites four members of four names. */
static const struct event *invite_all(struct fixture *f, const char *text)
{
    static const char *const names[][2] = {
        {"mari@narva.example", "Mari"},
        {"anna@narva.example", "anna"},
        {"jaan@narva.example", "Jaan"},
        {"olga@narva.example", "Olga"},
    };
    const struct event *event = load(f, text);
    struct event_row row;

    assert_int_equal(event_record(f->db, event, "cluster.example", &row, NULL), 0);
    for (size_t i = 0; i < 4; i++) {
        struct invitation invitation;
        int64_t member = add_member(f, names[i][0], names[i][1]);

        assert_int_equal(invitation_add(f->db, f->site->arena, row.id, member, names[i][0],
                                        "office@cluster.example", 0, NOW, &invitation, NULL),
                         0);
    }
    return event;
}

struct step {
    const char *address;
    enum answer_state state;
    const char *occurrence;
    int guests;
    bool force;
    int code;
    const char *message; /* or what the answer was before and how many seats are taken */
};

static void take_steps(struct fixture *f, const struct event *event, const struct step *steps,
                       size_t count, int64_t now)
{
    for (size_t i = 0; i < count; i++) {
        struct answer_entry entry = {.address = steps[i].address,
                                     .state = steps[i].state,
                                     .occurrence = steps[i].occurrence,
                                     .guests = steps[i].guests,
                                     .comment = "Tere",
                                     .via = "staff",
                                     .by = "editor",
                                     .force = steps[i].force,
                                     .now = now};
        struct answer_result result;
        struct err err = {0};
        int64_t logged = number(f->db, "SELECT count(*) FROM answer_log");
        int rc = answer_enter(f->db, event, &entry, &result, &err);
        const char *said = err.msg;

        if (rc == 0) {
            said = arena_printf(f->site->arena, "%s %lld", answer_state_name(result.before),
                                (long long)result.seats);
        }
        if (rc != steps[i].code || strcmp(said, steps[i].message) != 0) {
            fail_msg("step %zu: %d %s", i, rc, said);
        }
        assert_int_equal(number(f->db, "SELECT count(*) FROM answer_log"),
                         logged + (rc == 0 ? 1 : 0));
    }
}

static void test_a_full_event_takes_nobody_more(void **state)
{
    static const struct step steps[] = {
        {"Mari@Narva.example", ANSWER_YES, NULL, 1, false, 0, "none 2"},
        {"mari@narva.example", ANSWER_YES, NULL, 1, false, 0, "yes 2"},
        {"anna@narva.example", ANSWER_YES, NULL, 1, false, ERR_STATE,
         "'forum' is full: 2 of 3 seats are taken and 2 more are wanted; --force enters it all the "
         "same"},
        {"anna@narva.example", ANSWER_YES, NULL, 0, false, 0, "none 3"},
        {"jaan@narva.example", ANSWER_YES, NULL, 0, false, ERR_STATE,
         "'forum' is full: 3 of 3 seats are taken and 1 more are wanted; --force enters it all the "
         "same"},
        {"jaan@narva.example", ANSWER_MAYBE, NULL, 0, false, 0, "none 3"},
        {"mari@narva.example", ANSWER_NO, NULL, 0, false, 0, "yes 1"},
        {"jaan@narva.example", ANSWER_YES, NULL, 0, false, 0, "maybe 2"},
        {"olga@narva.example", ANSWER_YES, NULL, 5, false, ERR_LIMIT,
         "'forum' allows 1 guest a member, not 5; --force enters it all the same"},
        {"olga@narva.example", ANSWER_YES, NULL, 5, true, 0, "none 8"},
        {"olga@narva.example", ANSWER_NO, NULL, 1, false, ERR_INVALID,
         "who does not come brings no guests"},
        {"nobody@narva.example", ANSWER_YES, NULL, 0, false, ERR_NOT_FOUND,
         "no member has the address 'nobody@narva.example'"},
        {"late@narva.example", ANSWER_YES, NULL, 0, false, ERR_NOT_FOUND,
         "'late@narva.example' is not invited to 'forum'"},
        {"mari@narva.example", ANSWER_YES, "2027-05-20", 0, false, ERR_NOT_FOUND,
         "'forum' is a single event and has no occurrences"},
    };
    struct fixture *f = *state;
    const struct event *event = invite_all(f, SINGLE);

    add_member(f, "late@narva.example", "Late");
    take_steps(f, event, steps, sizeof(steps) / sizeof(steps[0]), NOW);
}

static void test_answers_end_with_the_last_day(void **state)
{
    static const struct step late[] = {
        {"mari@narva.example", ANSWER_YES, NULL, 0, false, ERR_STATE,
         "answers to 'forum' were taken until 2027-05-10; --force enters it all the same"},
        {"mari@narva.example", ANSWER_YES, NULL, 0, true, 0, "none 1"},
    };
    struct fixture *f = *state;
    const struct event *event = invite_all(f, SINGLE);

    take_steps(f, event, late, 2, event->rsvp.by_utc);
}

static void test_a_cancelled_event_takes_no_answers(void **state)
{
    static const struct step off[] = {
        {"mari@narva.example", ANSWER_YES, NULL, 0, true, ERR_STATE, "'forum' is cancelled"},
    };
    struct fixture *f = *state;

    take_steps(f, invite_all(f, "start: 2027-05-20\nstatus: cancelled\n"), off, 1, NOW);
}

static void test_an_answer_to_one_occurrence_goes_before_the_whole(void **state)
{
    static const struct step steps[] = {
        {"mari@narva.example", ANSWER_YES, NULL, 0, false, 0, "none 1"},
        {"anna@narva.example", ANSWER_YES, "2027-01-12", 0, false, 0, "none 2"},
        {"jaan@narva.example", ANSWER_YES, "2027-01-12", 0, false, ERR_STATE,
         "'forum' is full: 2 of 2 seats are taken and 1 more are wanted; --force enters it all the "
         "same"},
        {"jaan@narva.example", ANSWER_YES, "2027-01-05", 0, false, 0, "none 2"},
        {"olga@narva.example", ANSWER_YES, NULL, 0, false, ERR_STATE,
         "'forum' is full: 2 of 2 seats are taken and 1 more are wanted; --force enters it all the "
         "same"},
        {"mari@narva.example", ANSWER_NO, "2027-01-12", 0, false, 0, "none 1"},
        {"olga@narva.example", ANSWER_YES, "2027-01-12", 0, false, 0, "none 2"},
        {"olga@narva.example", ANSWER_YES, "2027-01-26", 0, true, ERR_STATE,
         "'forum' of 20270126T100000 is cancelled"},
        {"olga@narva.example", ANSWER_YES, "2027-01-06", 0, false, ERR_NOT_FOUND,
         "'forum' has no occurrence on 2027-01-06; the next is 2027-01-12 10:00"},
    };
    struct fixture *f = *state;
    const struct event *event = invite_all(f, SERIES);
    struct attendee *list = NULL;

    take_steps(f, event, steps, sizeof(steps) / sizeof(steps[0]), NOW);
    assert_int_equal(attendee_list(f->db, event, "2027-01-12", f->site->arena, &list, NULL), 4);
    assert_string_equal(list[0].name, "anna");
    assert_int_equal(list[1].state, ANSWER_YES);
    assert_string_equal(list[1].name, "Olga");
    assert_int_equal(list[2].state, ANSWER_NO);
    assert_int_equal(list[3].state, ANSWER_NONE);
    assert_int_equal(attendee_list(f->db, event, NULL, f->site->arena, &list, NULL), 4);
    assert_int_equal(list[0].state, ANSWER_YES);
    assert_string_equal(list[0].name, "Mari");
    assert_int_equal(list[1].state, ANSWER_NONE);
}

static void test_attendees_are_listed_and_counted(void **state)
{
    static const struct step steps[] = {
        {"olga@narva.example", ANSWER_YES, NULL, 1, false, 0, "none 2"},
        {"mari@narva.example", ANSWER_YES, NULL, 0, false, 0, "none 3"},
        {"jaan@narva.example", ANSWER_NO, NULL, 0, false, 0, "none 3"},
    };
    struct fixture *f = *state;
    const struct event *event = invite_all(f, SINGLE);
    struct attendee *list = NULL;
    struct attendee_counts counts;

    take_steps(f, event, steps, 3, NOW);
    assert_int_equal(attendee_list(f->db, event, NULL, f->site->arena, &list, NULL), 4);
    assert_string_equal(list[0].name, "Mari");
    assert_string_equal(list[1].name, "Olga");
    assert_int_equal(list[1].guests, 1);
    assert_string_equal(list[1].comment, "Tere");
    assert_int_equal(list[1].at, NOW);
    assert_int_equal(list[2].state, ANSWER_NO);
    assert_string_equal(list[3].address, "anna@narva.example");
    assert_null(list[3].via);
    attendee_count(list, 4, &counts);
    assert_int_equal(counts.invited, 4);
    assert_int_equal(counts.by_state[ANSWER_YES], 2);
    assert_int_equal(counts.by_state[ANSWER_NONE], 1);
    assert_int_equal(counts.guests, 1);
    assert_int_equal(counts.seats, 3);
}

static void test_segments_see_the_best_answer(void **state)
{
    static const struct step steps[] = {
        {"mari@narva.example", ANSWER_NO, "2027-01-05", 0, false, 0, "none 0"},
        {"mari@narva.example", ANSWER_YES, "2027-01-12", 0, false, 0, "none 1"},
        {"anna@narva.example", ANSWER_NO, NULL, 0, false, 0, "none 1"},
        {"anna@narva.example", ANSWER_YES, "2027-01-12", 0, false, 0, "none 2"},
    };
    struct fixture *f = *state;

    take_steps(f, invite_all(f, SERIES), steps, 4, NOW);
    assert_int_equal(number(f->db, "SELECT count(*) FROM v_invitation WHERE answer = 'yes'"), 1);
    assert_int_equal(number(f->db, "SELECT count(*) FROM v_invitation WHERE answer = 'no'"), 1);
    assert_int_equal(number(f->db, "SELECT count(*) FROM v_invitation WHERE answer = 'none'"), 2);
}

static void test_an_erased_member_leaves_only_counts(void **state)
{
    static const struct step yes[] = {
        {"mari@narva.example", ANSWER_YES, NULL, 1, false, 0, "none 2"},
    };
    struct fixture *f = *state;
    const struct event *event = invite_all(f, SINGLE);
    struct attendee *list = NULL;

    take_steps(f, event, yes, 1, NOW);
    assert_int_equal(invitation_scrub_member(f->db, 1, NULL), 0);
    run(f->db, "UPDATE member SET email = NULL, email_key = NULL, name = NULL, erased_at = 1 "
               "WHERE id = 1");
    assert_int_equal(attendee_list(f->db, event, NULL, f->site->arena, &list, NULL), 4);
    assert_int_equal(list[0].guests, 1);
    assert_string_equal(list[0].address, "");
    assert_null(list[0].name);
    assert_null(list[0].comment);
    assert_int_equal(number(f->db, "SELECT count(*) FROM answer_log WHERE comment IS NOT NULL"), 0);
}

static void test_a_write_belongs_to_the_callers_transaction(void **state)
{
    struct fixture *f = *state;
    const struct event *event = load(f, SINGLE);
    struct event_row row;

    assert_int_equal(db_begin(f->db, NULL), 0);
    assert_int_equal(event_record(f->db, event, "cluster.example", &row, NULL), 0);
    assert_true(db_in_transaction(f->db));
    db_rollback(f->db);
    assert_int_equal(event_row_get(f->db, "forum", &row, NULL), ERR_NOT_FOUND);
}

static const struct {
    const char *text;
    int state; /* -1: refused */
} states[] = {
    {"yes", ANSWER_YES}, {"no", ANSWER_NO}, {"maybe", ANSWER_MAYBE}, {"waiting", -1}, {"yess", -1},
};

static void test_an_answer_is_one_of_three_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        enum answer_state found = ANSWER_NONE;
        struct err err = {0};

        if (states[i].state >= 0) {
            assert_int_equal(answer_state_find(states[i].text, &found, &err), 0);
            assert_int_equal(found, states[i].state);
        } else {
            assert_int_equal(answer_state_find(states[i].text, &found, &err), ERR_INVALID);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_event_keeps_its_uid_and_raises_its_sequence),
        TEST(test_a_second_invitation_keeps_the_first_organizer),
        TEST(test_the_first_calendar_of_a_sequence_stays),
        TEST(test_a_full_event_takes_nobody_more),
        TEST(test_answers_end_with_the_last_day),
        TEST(test_a_cancelled_event_takes_no_answers),
        TEST(test_an_answer_to_one_occurrence_goes_before_the_whole),
        TEST(test_attendees_are_listed_and_counted),
        TEST(test_segments_see_the_best_answer),
        TEST(test_an_erased_member_leaves_only_counts),
        TEST(test_a_write_belongs_to_the_callers_transaction),
        cmocka_unit_test(test_an_answer_is_one_of_three_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
