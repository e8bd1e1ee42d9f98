/* The register: adding, changing, finding, suppressing and erasing members. */
#include <unistd.h>

#include "teataja/base/mem.h"
#include "teataja/members/erasure.h"
#include "teataja/members/suppression.h"
#include "unit/members/register.h"

static const struct {
    const char *field;
    const char *text;
    const char *stored; /* NULL: refused, with `error` */
    const char *error;
} values[] = {
    {"email", " Mari@Õun.example ", "Mari@xn--un-bka.example", NULL},
    {"email", "", NULL, "address"},
    {"email", "a@x.example\r\nBcc: b@x.example", NULL, "address"},
    {"name", "  Mari Õun\xc2\xa0", "Mari Õun", NULL},
    {"name", "Mari\nÕun", NULL, "the name holds a line break or a control character"},
    {"language", "ru; et, ru en-GB", "ru et en", NULL},
    {"language", "eesti, Russian", "et ru", NULL},
    {"language", "vene, Saksa; ANGIELSKI", "ru de en", NULL},
    {"language", "klingon", NULL, "no language 'klingon'"},
    {"timezone", "Europe/Vilnius", "Europe/Vilnius", NULL},
    {"timezone", "Europe/Vilnus", NULL, "Europe/Vilnius"},
    {"region", "ida-virumaa", "EE00A", NULL},
    {"region", "South Baltic", "south-baltic", NULL},
    {"region", "Ida", NULL, "no region 'Ida'"},
    {"kind", "self-employed", "self_employed", NULL},
    {"sector", "Muusika; Performing arts | музыка", "music performing-arts", NULL},
    {"sector", "musik", NULL, "no sector 'musik'; did you mean 'music'?"},
    {"tag", "Head Õpetaja, press", "head-õpetaja press", NULL},
    {"tag", "", "", NULL},
    {"joined", "2026-01-31", "2026-01-31", NULL},
    {"joined", "yesterday", NULL, "'yesterday'"},
    {"organisation_web", "www.x.example", NULL, "'www.x.example' is no address on the web"},
    {"organisation_region", "Narva", "0511", NULL},
    {"colour", "red", NULL, "no field 'colour'"},
    {"secter", "red", NULL, "no field 'secter'; did you mean 'sector'?"},
    {"attr.founded", "1999-12-31", NULL, ""},
    {"attr.found", "1999-12-31", NULL, "no attribute 'found'"},
    {"attr.employees", "1.5", NULL, "'1.5' is not a whole number"},
};

static void test_values_are_checked_and_stored_in_one_form(void **state)
{
    struct register_site *r = *state;

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct member_input input = {0};
        int rc = member_input_set_named(&r->config, r->arena, &input, values[i].field,
                                        values[i].text, &r->err);
        enum member_field field = member_field_find(values[i].field);

        if (values[i].stored != NULL) {
            register_ok(r, rc);
            assert_string_equal(input.value[field], values[i].stored);
        } else if (*values[i].error == '\0') {
            register_ok(r, rc);
            assert_string_equal(input.attrs[0].text, values[i].text);
        } else if (rc != ERR_INVALID || strstr(r->err.msg, values[i].error) == NULL) {
            fail_msg("%s '%s': %s", values[i].field, values[i].text, r->err.msg);
        }
    }
}

static void test_a_member_is_added_and_found(void **state)
{
    struct register_site *r = *state;
    int64_t id = register_add(r, "email=mari@x.example", "id=17a", "attr.vip=jah", NULL);
    const char *ways[] = {"1", "MARI@X.example", "id:17a", "17a", NULL, NULL};
    struct member_input input = {0};
    struct member m;

    register_ok(r, member_get(&r->members, r->arena, id, &m, &r->err));
    assert_int_equal(strlen(m.uid), 16);
    assert_int_equal(m.joined_at, REGISTER_NOW);
    assert_int_equal(m.epoch, 1);
    assert_string_equal(m.attrs[0].text, "true");
    ways[4] = m.uid;
    for (size_t i = 0; ways[i] != NULL; i++) {
        register_ok(r, member_find(&r->members, r->arena, ways[i], &m, &r->err));
        assert_int_equal(m.id, id);
    }
    assert_int_equal(member_find(&r->members, r->arena, "nobody@x.example", &m, &r->err),
                     ERR_NOT_FOUND);
    assert_string_equal(r->err.msg, "no member 'nobody@x.example'");
    assert_int_equal(member_find(&r->members, r->arena, "2", &m, &r->err), ERR_NOT_FOUND);
    assert_int_equal(member_add(&r->members, &input, NULL, &r->err), ERR_INVALID);
}

static void test_a_member_is_not_missing_because_memory_is(void **state)
{
    struct register_site *r = *state;
    unsigned long nth = 0;
    int rc = ERR_NOMEM;
    struct member m;

    (void)register_add(r, "email=mari@õun.example", NULL);
    while (rc != 0) {
        mem_fail_at(++nth, 0);
        rc = member_find(&r->members, r->arena, "Mari@Õun.example", &m, &r->err);
        mem_fail_at(0, 0);
        if (rc != 0) {
            assert_int_equal(rc, ERR_NOMEM);
        }
    }
    assert_true(nth > 1);
}

static void test_two_members_never_share_an_address_or_an_id(void **state)
{
    struct register_site *r = *state;
    struct member_input input = {0};
    int64_t second = 0;

    (void)register_add(r, "email=a@x.example", "id=1", NULL);
    second = register_add(r, "email=b@x.example", NULL);
    register_ok(
        r, member_input_set(&r->config, r->arena, &input, MEMBER_EMAIL, "A@x.example", &r->err));
    assert_int_equal(member_add(&r->members, &input, NULL, &r->err), ERR_EXISTS);
    assert_string_equal(r->err.msg, "the address 'A@x.example' is member 1's already");
    assert_int_equal(member_change_address(&r->members, second, "a@x.example", &r->err),
                     ERR_EXISTS);
    register_ok(
        r, member_input_set(&r->config, r->arena, &input, MEMBER_EMAIL, "c@x.example", &r->err));
    register_ok(r, member_input_set(&r->config, r->arena, &input, MEMBER_ID, "1", &r->err));
    assert_int_equal(member_add(&r->members, &input, NULL, &r->err), ERR_EXISTS);
    assert_string_equal(r->err.msg, "the id '1' is member 1's already");
    assert_int_equal(register_count(r, "SELECT count(*) FROM member"), 2);
}

static void test_fields_change_one_by_one(void **state)
{
    struct register_site *r = *state;
    int64_t id = register_add(r, "email=a@x.example", "name=Anna", "sector=music,film",
                              "region=Narva", "attr.phone=1", NULL);
    struct member m;

    assert_false(register_change(r, id, "name=Anna", "sector=film, music", "attr.phone=1",
                                 "email=a@x.example", NULL));
    assert_true(register_change(r, id, "sector=design", "region=", "attr.phone=", NULL));
    assert_true(register_change(r, id, "language=et", NULL));
    register_ok(r, member_get(&r->members, r->arena, id, &m, &r->err));
    assert_string_equal(m.name, "Anna");
    assert_int_equal(m.sectors.count, 1);
    assert_string_equal(m.sectors.items[0], "design");
    assert_null(m.region);
    assert_int_equal(m.attr_count, 0);
    assert_int_equal(m.languages[0], LANG_ET);
}

static void test_an_earlier_address_still_leads_to_its_member(void **state)
{
    struct register_site *r = *state;
    int64_t id = register_add(r, "email=old@x.example", NULL);
    int64_t found = 0;
    struct member m;

    register_ok(r, member_set_delivery(&r->members, id, MEMBER_BOUNCING, "4.2.2", 3, &r->err));
    register_ok(r, member_change_address(&r->members, id, "new@x.example", &r->err));
    register_ok(r, member_get(&r->members, r->arena, id, &m, &r->err));
    assert_string_equal(m.email, "new@x.example");
    assert_int_equal(m.delivery, MEMBER_ACTIVE);
    assert_int_equal(m.epoch, 1); /* letters that are queued can still be left */
    register_ok(r, member_raise_epoch(&r->members, id, &r->err));
    register_ok(r, member_get(&r->members, r->arena, id, &m, &r->err));
    assert_int_equal(m.epoch, 2);
    assert_int_equal(member_by_address(&r->members, "old@x.example", false, &found, &r->err), 0);
    assert_int_equal(member_by_address(&r->members, "old@x.example", true, &found, &r->err), 1);
    assert_int_equal(found, id);
    /* Another member takes it over: now it is theirs. */
    found = register_add(r, "email=old@x.example", NULL);
    register_ok(r, member_find(&r->members, r->arena, "old@x.example", &m, &r->err));
    assert_int_equal(m.id, found);
    /* And back again. */
    register_ok(r, member_change_address(&r->members, found, "third@x.example", &r->err));
    register_ok(r, member_change_address(&r->members, id, "old@x.example", &r->err));
    register_ok(r, member_find(&r->members, r->arena, "old@x.example", &m, &r->err));
    assert_int_equal(m.id, id);
}

static void test_members_share_an_organisation(void **state)
{
    struct register_site *r = *state;
    int64_t a = register_add(r, "email=a@x.example", "organisation=Õun MTÜ", NULL);
    struct member_input input = {0};
    struct member m;

    (void)register_add(r, "email=b@x.example", "organisation=õun  mtü", "organisation_code=800",
                       "organisation_sector=film,music", "organisation_kind=nonprofit", NULL);
    (void)register_add(r, "email=c@x.example", "organisation=Õun MTÜ", "organisation_code=900",
                       NULL);
    assert_int_equal(register_count(r, "SELECT count(*) FROM organisation"), 2);
    assert_int_equal(register_count(r, "SELECT count(*) FROM member m JOIN organisation o"
                                       " ON o.id = m.organisation WHERE o.registry_code = '800'"
                                       " AND o.kind = 'nonprofit'"),
                     2);
    assert_int_equal(register_count(r, "SELECT count(*) FROM organisation_sector"), 2);
    assert_true(register_change(r, a, "organisation_kind=foundation", NULL));
    assert_int_equal(register_count(r, "SELECT count(*) FROM organisation"
                                       " WHERE registry_code = '800' AND kind = 'foundation'"),
                     1);
    assert_true(register_change(r, a, "organisation=", NULL));
    register_ok(r, member_get(&r->members, r->arena, a, &m, &r->err));
    assert_int_equal(m.organisation, 0);
    register_ok(r, member_input_set_named(&r->config, r->arena, &input, "organisation_kind",
                                          "foundation", &r->err));
    assert_int_equal(member_set(&r->members, a, &input, NULL, &r->err), ERR_INVALID);
}

static void test_a_suppressed_address_stays_so_wherever_it_turns_up(void **state)
{
    struct register_site *r = *state;
    int64_t id = register_add(r, "email=a@x.example", NULL);
    struct member m;

    register_ok(r, suppression_add_member(&r->members, id, SUPPRESSION_HARD, "5.1.1", &r->err));
    register_ok(r, suppression_add(&r->members, "A@X.EXAMPLE", SUPPRESSION_MANUAL, NULL, &r->err));
    register_ok(r, member_get(&r->members, r->arena, id, &m, &r->err));
    assert_int_equal(m.delivery, MEMBER_SUPPRESSED);
    assert_string_equal(m.delivery_reason, "hard");
    assert_int_equal(suppression_has(&r->members, "a@x.example", &r->err), 1);
    assert_int_equal(register_count(r, "SELECT count(*) FROM suppression WHERE email_hash LIKE "
                                       "'%example%'"),
                     0);
    register_ok(r, member_change_address(&r->members, id, "b@x.example", &r->err));
    register_ok(r, member_get(&r->members, r->arena, id, &m, &r->err));
    assert_int_equal(m.delivery, MEMBER_ACTIVE);
    register_ok(r, member_change_address(&r->members, id, "a@x.example", &r->err));
    register_ok(r, member_get(&r->members, r->arena, id, &m, &r->err));
    assert_int_equal(m.delivery, MEMBER_SUPPRESSED);
    register_ok(r, suppression_lift(&r->members, "a@x.example", &r->err));
    register_ok(r, member_get(&r->members, r->arena, id, &m, &r->err));
    assert_int_equal(m.delivery, MEMBER_ACTIVE);
    assert_int_equal(suppression_lift(&r->members, "a@x.example", &r->err), ERR_NOT_FOUND);
}

static int64_t add_to_be_erased(struct register_site *r)
{
    int64_t id = register_add(r, "email=gone@x.example", "name=Mari Gone", "id=17", "tag=press",
                              "attr.phone=555", "region=Narva", "organisation=Õun", NULL);

    register_subscribe(r, id, "funding");
    register_ok(r, member_change_address(&r->members, id, "gone2@x.example", &r->err));
    return id;
}

/* Every text of every table of this room. */
static void assert_no_trace(struct register_site *r)
{
    static const char *const queries[] = {
        "SELECT count(*) FROM member WHERE email IS NOT NULL OR email_key IS NOT NULL OR name IS "
        "NOT NULL OR name_fold IS NOT NULL OR external_id IS NOT NULL OR region IS NOT NULL OR "
        "organisation IS NOT NULL OR languages <> '' OR tz IS NOT NULL",
        "SELECT count(*) FROM member_address",
        "SELECT count(*) FROM member_term",
        "SELECT count(*) FROM member_attr",
        "SELECT count(*) FROM subscription",
        "SELECT count(*) FROM consent WHERE source IS NOT NULL",
    };

    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        if (register_count(r, queries[i]) != 0) {
            fail_msg("%s", queries[i]);
        }
    }
}

static void test_an_erased_member_leaves_no_trace(void **state)
{
    struct register_site *r = *state;
    int64_t id = add_to_be_erased(r);
    char *log = file_join(r->arena, r->path, "erased.log");
    char *text = NULL;
    struct member_input input = {0};
    struct member m;

    register_ok(r, member_erase(&r->members, id, log, &r->err));
    assert_no_trace(r);
    assert_int_equal(register_count(r, "SELECT count(*) FROM consent"), 1);
    assert_int_equal(suppression_has(&r->members, "gone@x.example", &r->err), 1);
    assert_int_equal(suppression_has(&r->members, "gone2@x.example", &r->err), 1);
    assert_string_equal(register_segment(r, ""), "");
    assert_string_equal(register_segment(r, "not name exists"), "");
    assert_int_equal(register_count(r, "SELECT count(*) FROM v_member"), 0);
    assert_int_equal(member_find(&r->members, r->arena, "gone2@x.example", &m, &r->err),
                     ERR_NOT_FOUND);
    register_ok(r, member_get(&r->members, r->arena, id, &m, &r->err));
    assert_int_equal(m.delivery, MEMBER_ERASED);
    assert_int_equal(m.erased_at, REGISTER_NOW);
    assert_int_equal(m.epoch, 2);
    assert_int_equal(member_set(&r->members, id, &input, NULL, &r->err), ERR_STATE);

    register_ok(r, file_read(r->arena, log, 4096, &text, NULL, &r->err));
    assert_string_equal(text, arena_printf(r->arena,
                                           "2026-11-21T12:00:00.000000Z erased "
                                           "member=%s\n",
                                           m.uid));
    /* Twice is once. */
    register_ok(r, member_erase(&r->members, id, log, &r->err));
    assert_int_equal(member_erase(&r->members, 99, log, &r->err), ERR_NOT_FOUND);
}

static int scrub(void *context, int64_t member, struct err *err)
{
    (void)err;
    *(int64_t *)context = member;
    return 0;
}

static void test_an_erasure_is_done_again_after_a_restore(void **state)
{
    struct register_site *r = *state;
    int64_t id = add_to_be_erased(r);
    char *log = file_join(r->arena, r->path, "erased.log");
    int64_t scrubbed = 0;
    size_t count = 0;

    register_ok(r, member_erase_replay(&r->members, log, scrub, &scrubbed, &count, &r->err));
    assert_int_equal(count, 0);
    /* As a backup from before would have it: the log is there, the erasure is not. */
    assert_int_equal(db_begin(r->members.db, &r->err), 0);
    register_ok(r, member_erase(&r->members, id, log, &r->err));
    db_rollback(r->members.db);
    assert_int_equal(register_count(r, "SELECT count(*) FROM v_member"), 1);
    register_ok(r, member_erase_replay(&r->members, log, scrub, &scrubbed, &count, &r->err));
    assert_int_equal(count, 1);
    assert_int_equal(scrubbed, id);
    assert_no_trace(r);
    register_ok(r, member_erase_replay(&r->members, log, scrub, &scrubbed, &count, &r->err));
    assert_int_equal(count, 0);
}

static void test_an_erasure_whose_log_cannot_be_written_does_not_happen(void **state)
{
    struct register_site *r = *state;
    int64_t id = add_to_be_erased(r);

    assert_int_equal(
        member_erase(&r->members, id, file_join(r->arena, r->path, "no/such/folder.log"), &r->err),
        ERR_IO);
    assert_int_equal(register_count(r, "SELECT count(*) FROM v_member"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, register_set_up, register_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_values_are_checked_and_stored_in_one_form),
        TEST(test_a_member_is_added_and_found),
        TEST(test_a_member_is_not_missing_because_memory_is),
        TEST(test_two_members_never_share_an_address_or_an_id),
        TEST(test_fields_change_one_by_one),
        TEST(test_an_earlier_address_still_leads_to_its_member),
        TEST(test_members_share_an_organisation),
        TEST(test_a_suppressed_address_stays_so_wherever_it_turns_up),
        TEST(test_an_erased_member_leaves_no_trace),
        TEST(test_an_erasure_is_done_again_after_a_restore),
        TEST(test_an_erasure_whose_log_cannot_be_written_does_not_happen),
    };

    return cmocka_run_group_tests_name("members/member", tests, NULL, NULL);
}
