/* Recording: revisions of items, and deadlines that moved since they were told. */
#include "unit/content/content_site.h"

static struct db *open_db(void)
{
    struct db *db = NULL;
    struct err err = {0};

    if (db_open(":memory:", DB_OPEN_CREATE, &db, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return db;
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

static void record(struct content_site *site, struct db *db, const char *now)
{
    struct err err = {0};

    if (content_record(db, site->folder->arena, &site->content, content_instant(now), &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

static void a_revision_is_made_of_changed_facts_not_of_texts(void **state)
{
    struct content_site site;
    struct db *db = open_db();
    struct call *call;
    struct news *news;
    int64_t first;

    content_site_start(&site, *state, "[et]");
    site_folder_write(*state, "news/a.md", "title: A\n---\nText.\n");
    call = load_call(&site, "deadline: 2027-01-23\n", "2026-12-01");
    assert_int_equal(content_recall(db, site.folder->arena, &site.content, 0, NULL), 0);
    assert_int_equal(call->item.id, 0);
    record(&site, db, "2026-12-01");
    first = call->item.id;
    assert_true(first > 0);
    assert_int_equal(call->item.revision, 1);
    news = &site.content.news[0];
    assert_true(news->item.id > 0 && news->item.id != first);

    call = load_call(&site, "summary: Better words.\ndeadline: 2027-01-23\n", "2026-12-01");
    assert_int_equal(content_recall(db, site.folder->arena, &site.content, 0, NULL), 0);
    assert_int_equal(call->item.id, first);

    call = load_call(&site, "deadline: 2027-01-23\nsectors: [music]\n", "2026-12-01");
    record(&site, db, "2026-12-01");
    assert_int_not_equal(call->item.id, first);
    assert_int_equal(call->item.revision, 2);
    db_close(db);
}

/* Revisions of one file, one after another, each recorded at its time. */
static const struct {
    const char *what;
    struct {
        const char *now;
        const char *head;
        const char *told;       /* of the only round */
        const char *moved_from; /* NULL: not moved */
    } step[4];
} moves[] = {
    {"an extension that the file does not mention",
     {{"2026-12-01", "deadline: 2027-01-10 17:00\n", "2027-01-10", NULL},
      {"2027-01-05", "deadline: 2027-01-23 17:00\n", "2027-01-10>2027-01-23T17:00:00",
       "2027-01-10T17:00:00"},
      {"2027-01-20", "deadline: 2027-01-23 17:00\n", "2027-01-10>2027-01-23T17:00:00",
       "2027-01-10T17:00:00"},
      {"2027-01-21", "deadline: 2027-01-30 17:00\n", "2027-01-10>2027-01-30T17:00:00",
       "2027-01-23T17:00:00"}}},
    {"next year's round in the same file",
     {{"2026-12-01", "deadline: 2027-01-10\n", "2027-01-10", NULL},
      {"2027-12-01", "deadline: 2028-01-10\n", "2028-01-10", NULL}}},
    {"an extension after the deadline that the file mentions",
     {{"2026-12-01", "deadline: 2027-01-10\n", "2027-01-10", NULL},
      {"2027-01-11", "deadline: 2027-01-20\nmoved_from: 2027-01-10\n", "2027-01-10>2027-01-20",
       "2027-01-10"}}},
    {"a second extension that the file mentions",
     {{"2026-12-01", "deadline: 2027-01-20\nmoved_from: 2027-01-10\n", "2027-01-10>2027-01-20",
       "2027-01-10"},
      {"2027-01-15", "deadline: 2027-01-30\nmoved_from: 2027-01-20\n", "2027-01-10>2027-01-30",
       "2027-01-20"}}},
    {"another zone, the same instant",
     {{"2026-12-01", "deadline: 2027-01-10 17:00 Europe/Tallinn\n", "2027-01-10", NULL},
      {"2026-12-02", "deadline: 2027-01-10 16:00 Europe/Brussels\n", "2027-01-10", NULL}}},
    {"another zone, another instant",
     {{"2026-12-01", "deadline: 2027-01-10 17:00 Europe/Tallinn\n", "2027-01-10", NULL},
      {"2026-12-02", "deadline: 2027-01-11 16:00 Europe/Brussels\n",
       "2027-01-10>2027-01-11T16:00:00", "2027-01-10T16:00:00"}}},
    {"stages, of which the first moved",
     {{"2026-12-01", "stages: [2027-01-10, 2027-06-01]\n", "2027-01-10", NULL},
      {"2026-12-02", "stages: [2027-01-12, 2027-06-01]\n", "2027-01-10>2027-01-12", "2027-01-10"}}},
};

static void a_deadline_that_changes_before_it_is_past_has_moved(void **state)
{
    struct content_site site;

    content_site_start(&site, *state, "[et]");
    for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
        struct db *db = open_db();

        for (size_t j = 0; j < 4 && moves[i].step[j].now; j++) {
            struct call *call = load_call(&site, moves[i].step[j].head, moves[i].step[j].now);
            char text[CIVIL_TEXT];

            record(&site, db, moves[i].step[j].now);
            if (strcmp(call->rounds[0].told, moves[i].step[j].told) != 0) {
                fail_msg("%s, step %zu: %s", moves[i].what, j, call->rounds[0].told);
            }
            assert_int_equal(call->rounds[0].moved, moves[i].step[j].moved_from != NULL);
            if (moves[i].step[j].moved_from) {
                civil_format(&call->rounds[0].moved_from, text);
                assert_string_equal(text, moves[i].step[j].moved_from);
            }
        }
        db_close(db);
    }
}

static void an_item_of_another_room_is_recorded_by_its_digest(void **state)
{
    struct db *db = open_db();
    int64_t id[3];
    int64_t revision;

    (void)state;
    assert_int_equal(item_record(db, "event", "forum", "one", "{}", 1, &id[0], &revision, NULL), 0);
    assert_int_equal(item_record(db, "event", "forum", "one", "{}", 2, &id[1], &revision, NULL), 0);
    assert_int_equal(revision, 1);
    assert_int_equal(id[0], id[1]);
    assert_int_equal(item_record(db, "event", "forum", "two", "{}", 3, &id[2], &revision, NULL), 0);
    assert_int_equal(revision, 2);
    assert_int_not_equal(id[0], id[2]);
    db_close(db);
}

static void a_damaged_record_is_told(void **state)
{
    struct content_site site;
    struct db *db = open_db();
    struct err err = {0};
    int64_t id;
    int64_t revision;

    content_site_start(&site, *state, "[et]");
    assert_int_equal(item_record(db, "call", "a", "one", "{", 1, &id, &revision, NULL), 0);
    (void)load_call(&site, "deadline: 2027-01-23\n", "2026-12-01");
    assert_int_equal(content_recall(db, site.folder->arena, &site.content, 0, &err), ERR_CORRUPT);
    assert_string_equal(err.msg, "what is recorded of calls/a.md is damaged");
    db_close(db);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_revision_is_made_of_changed_facts_not_of_texts,
                                        site_folder_set_up, site_folder_tear_down),
        cmocka_unit_test_setup_teardown(a_deadline_that_changes_before_it_is_past_has_moved,
                                        site_folder_set_up, site_folder_tear_down),
        cmocka_unit_test(an_item_of_another_room_is_recorded_by_its_digest),
        cmocka_unit_test_setup_teardown(a_damaged_record_is_told, site_folder_set_up,
                                        site_folder_tear_down),
    };

    return cmocka_run_group_tests_name("content/record", tests, NULL, NULL);
}
