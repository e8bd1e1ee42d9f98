/* Import: what a file makes of the register, and what it may not. */
#include "teataja/base/mem.h"
#include "teataja/members/export.h"
#include "teataja/members/import.h"
#include "teataja/members/suppression.h"
#include "unit/members/register.h"

static const struct import_options to_funding = {
    .list = "funding", .source = "meeting of May", .basis = -1};

static int import(struct register_site *r, const char *text, const struct import_options *options,
                  struct import_result *result)
{
    report_free(r->report);
    r->report = report_new();
    return import_memory(&r->members, "m.csv", text, strlen(text), options, r->report, result,
                         &r->err);
}

/* Imports what must be right. */
static struct import_result import_ok(struct register_site *r, const char *text)
{
    struct import_result result;

    if (import(r, text, &to_funding, &result) < 0) {
        report_print(r->report, stderr);
        fail_msg("%s", r->err.msg);
    }
    return result;
}

static const char *problems(struct register_site *r)
{
    const char *text = "";

    for (size_t i = 0; report_get(r->report, i) != NULL; i++) {
        const struct problem *p = report_get(r->report, i);

        text = arena_printf(r->arena, "%s%s:%d:%d: %s%s\n", text, p->file, p->line, p->column,
                            p->severity == REPORT_WARNING ? "warning: " : "", p->message);
    }
    return text;
}

static const char *state_of(struct register_site *r, const char *who, const char *list)
{
    enum subscription_state state = SUBSCRIPTION_NONE;
    struct member member;

    register_ok(r, member_find(&r->members, r->arena, who, &member, &r->err));
    register_ok(r, subscription_get(&r->members, member.id, list, &state, &r->err));
    return subscription_state_name(state);
}

static void test_a_file_becomes_members(void **state)
{
    struct register_site *r = *state;
    struct import_result result;
    struct member m;

    result = import_ok(r, "id;E-post;Nimi;Keel;Maakond;Valdkond;Liik;Sildid;Asutus;Registrikood;"
                          "Telefon;Töötajaid;Liitus\r\n"
                          "17;Mari@ÕUN.example;Mari Õun;et, ru;Ида-Виру;Muusika, design;"
                          "individual;press|Board;Õunaaed MTÜ;80001;'+372 555;12;31.1.2026\r\n"
                          "18;ivan@y.example;;;;;;;Õunaaed MTÜ;80001;;;\r\n"
                          ";;;;;;;;;;;;\r\n");
    assert_int_equal(result.rows, 2);
    assert_int_equal(result.added, 2);
    assert_int_equal(result.unconfirmed, 2);
    assert_int_equal(result.active, 0);

    register_ok(r, member_find(&r->members, r->arena, "mari@õun.example", &m, &r->err));
    assert_string_equal(m.external_id, "17");
    assert_string_equal(m.name, "Mari Õun");
    assert_int_equal(m.language_count, 2);
    assert_int_equal(m.languages[0], LANG_ET);
    assert_int_equal(m.languages[1], LANG_RU);
    assert_string_equal(m.region, "EE00A");
    assert_int_equal(m.sectors.count, 2);
    assert_string_equal(m.sectors.items[0], "design");
    assert_string_equal(m.sectors.items[1], "music");
    assert_string_equal(m.kinds.items[0], "individual");
    assert_string_equal(m.tags.items[0], "board");
    assert_string_equal(m.tags.items[1], "press");
    assert_string_equal(m.organisation_name, "Õunaaed MTÜ");
    assert_int_equal(m.attr_count, 2);
    assert_string_equal(m.attrs[0].text, "12");
    assert_string_equal(m.attrs[1].text, "+372 555");
    assert_int_equal(register_count(r, "SELECT count(*) FROM organisation"), 1);
    assert_string_equal(register_segment(r, "joined = 2026-01-31"), "Mari");
    assert_int_equal(register_count(r, "SELECT count(*) FROM consent WHERE act = 'imported' "
                                       "AND how = 'import' AND source = 'meeting of May'"),
                     2);
}

static void test_all_mistakes_are_named_and_nothing_is_changed(void **state)
{
    struct register_site *r = *state;
    struct import_result result;

    (void)register_add(r, "email=taken@x.example", "id=9", NULL);
    assert_int_equal(import(r,
                            "id,email,name,region,sector,kind,language,attr.employees,joined\n"
                            ",good@x.example,Good,Narva,music,,,,\n"
                            ",\"bad@@x.example\",Õnne,Nrva,musik,nobody,xx,many,31.2.2026\n"
                            ",,No Address,,,,,,\n"
                            "8,taken@x.example,,,,,,,\n"
                            ",GOOD@x.example,Twice,,,,,,\n"
                            "1,2\n",
                            &to_funding, &result),
                     ERR_INVALID);
    assert_string_equal(
        problems(r),
        "m.csv:3:2: address 'bad@@x.example' has two '@'\n"
        "m.csv:3:24: no region 'Nrva'; did you mean 'Narva'?\n"
        "m.csv:3:29: no sector 'musik'; did you mean 'music'?\n"
        "m.csv:3:35: no kind 'nobody'; it is one of individual, self_employed, company_sme, "
        "company_large, nonprofit, foundation, municipality, state_body, education, "
        "informal_group\n"
        "m.csv:3:42: no language 'xx'; letters speak et, ru, en, lv, lt, pl, cs, de, sv, fi\n"
        "m.csv:3:45: 'many' is not a whole number\n"
        "m.csv:3:50: 2026-02-31 is not a date: February 2026 has 28 days\n"
        "m.csv:4:3: the row has no address\n"
        "m.csv:5:3: 'taken@x.example' is the address of the member with id '9'\n"
        "m.csv:6:2: the row is about the same member as line 2\n"
        "m.csv:7:1: the row has 2 fields, the first row 9\n");
    assert_string_equal(r->err.msg, "m.csv:3:2: address 'bad@@x.example' has two '@'");
    assert_int_equal(register_count(r, "SELECT count(*) FROM member"), 1);
    assert_int_equal(register_count(r, "SELECT count(*) FROM subscription"), 0);
    assert_false(db_in_transaction(r->members.db));
}

static const struct {
    const char *text;
    const char *problems;
} heads[] = {
    {"", "m.csv:1:1: the file is empty\n"},
    {"name,region\nx,y\n", "m.csv:1:1: no column holds addresses: the first row must name the "
                           "columns, one of them 'email'\n"},
    {"e-post,email\na@b.example,c@d.example\n",
     "m.csv:1:8: columns 'e-post' and 'email' mean the same; give one of them another field, or "
     "'-' to leave it out\n"},
    {"email,\"x\ny@z.example\n", "m.csv:1:7: the quote that opens here is never closed\n"},
    {"email\n\xd5@x.example\n",
     "m.csv:2:1: this is not UTF-8; if the file is in another charset, name it, such as --charset "
     "windows-1257\n"},
};

static void test_a_file_that_cannot_be_read_is_refused(void **state)
{
    struct register_site *r = *state;

    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        struct import_result result;

        assert_int_equal(import(r, heads[i].text, &to_funding, &result), ERR_INVALID);
        assert_string_equal(problems(r), heads[i].problems);
    }
}

static void test_columns_that_mean_nothing_are_warned_of(void **state)
{
    struct register_site *r = *state;

    (void)import_ok(r, "email,Kingasuurus,secter,uid\na@b.example,42,music,u\n");
    assert_string_equal(problems(r),
                        "m.csv:1:7: warning: column 'Kingasuurus' is left out: no field has that "
                        "name\n"
                        "m.csv:1:19: warning: column 'secter' is left out: no field has that name; "
                        "did you mean 'sector'?\n");
}

static void test_columns_can_be_given_their_meaning(void **state)
{
    struct register_site *r = *state;
    struct import_mapping mappings[] = {
        {"Kontakt 1", "email"}, {"nimi", "-"}, {"Kontakt 2", "attr.phone"}};
    struct import_options options = {
        .basis = -1, .mappings = mappings, .mapping_count = sizeof(mappings) / sizeof(mappings[0])};
    struct import_result result;
    struct member m;

    register_ok(r,
                import(r, "Kontakt 1,Kontakt 2,Nimi\na@b.example,555,Mari\n", &options, &result));
    register_ok(r, member_find(&r->members, r->arena, "a@b.example", &m, &r->err));
    assert_null(m.name);
    assert_string_equal(m.attrs[0].text, "555");
    assert_int_equal(register_count(r, "SELECT count(*) FROM subscription"), 0);

    mappings[2].field = "attr.phon";
    assert_int_equal(import(r, "Kontakt 1,Kontakt 2\na@b.example,555\n", &options, &result),
                     ERR_INVALID);
    assert_string_equal(problems(r),
                        "m.csv:1:1: a field is given to column 'nimi', but there is no such "
                        "column\n"
                        "m.csv:1:11: column 'Kontakt 2' is to be 'attr.phon', but there is no such "
                        "field\n");
}

static void test_headers_are_known_in_ten_languages(void **state)
{
    static const struct {
        const char *header;
        const char *field;
    } cases[] = {
        {"E-mail", "email"},
        {"E-POST", "email"},
        {"el. paštas", "email"},
        {"el pastas", "email"},
        {"Электронная почта", "email"},
        {"Sähköposti", "email"},
        {"adres e-mail", "email"},
        {"E-mailová adresa", "email"},
        {"e-pasts", "email"},
        {"Nimi", "name"},
        {"Имя", "name"},
        {"Jméno", "name"},
        {"Imię", "name"},
        {"Имя и фамилия", "name"},
        {"Vardas, pavardė", "name"},
        {"Vorname", "first_name"},
        {"Sukunimi", "last_name"},
        {"Keel", "language"},
        {"Sprache", "language"},
        {"Região", NULL},
        {"Регион", "region"},
        {"apskritis", "region"},
        {"län", "region"},
        {"Odvětví", "sector"},
        {"Branża", "sector"},
        {"consent at", "consent_at"},
        {"Data zgody", "consent_at"},
        {"uid", ""},
        {"", NULL},
        {"Nr", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *found = import_column_find(cases[i].header);

        if ((found == NULL) != (cases[i].field == NULL) ||
            (found != NULL && strcmp(found, cases[i].field) != 0)) {
            fail_msg("%s: %s", cases[i].header, found != NULL ? found : "nothing");
        }
    }
}

static void test_names_in_parts_are_joined(void **state)
{
    struct register_site *r = *state;

    (void)import_ok(r, "email,Vorname,Nachname\na@b.example,Anna,Berg\n");
    (void)import_ok(r, "email,Name,Vorname\nb@b.example,Berg,Bert\n");
    (void)import_ok(r, "email,Имя,Фамилия\nc@b.example,Вера,Иванова\nd@b.example,Глеб,\n");
    assert_string_equal(register_segment(r, "name = 'Anna Berg'"), "a");
    assert_string_equal(register_segment(r, "name = 'Bert Berg'"), "b");
    assert_string_equal(register_segment(r, "name = 'Вера Иванова'"), "c");
    assert_string_equal(register_segment(r, "name = Глеб"), "d");
}

static void test_a_second_import_updates(void **state)
{
    struct register_site *r = *state;
    struct import_result result;
    struct member m;

    (void)import_ok(r, "id,email,name,region,sector,tag\n"
                       "1,a@x.example,Anna,Narva,music,press\n"
                       "2,b@x.example,Bert,Narva,music,press\n"
                       ",c@x.example,Cecilia,,,\n");
    result = import_ok(r, "id,email,name,region,sector,tag\n"
                          "1,a@x.example,Anna,Narva,music,press\n"
                          "2,new@x.example,,EE008,-,\n"
                          "3,C@x.example,Cecilia,,,\n"
                          ",d@x.example,Dora,,,\n");
    assert_int_equal(result.added, 1);
    assert_int_equal(result.updated, 2);
    assert_int_equal(result.unchanged, 1);
    assert_int_equal(result.unconfirmed, 4);
    register_ok(r, member_find(&r->members, r->arena, "id:2", &m, &r->err));
    assert_string_equal(m.email, "new@x.example");
    assert_string_equal(m.name, "Bert");
    assert_string_equal(m.region, "EE008");
    assert_int_equal(m.sectors.count, 0);
    assert_int_equal(m.tags.count, 1);
    /* An answer from the earlier address is still Bert's. */
    register_ok(r, member_find(&r->members, r->arena, "b@x.example", &m, &r->err));
    assert_string_equal(m.name, "Bert");
    register_ok(r, member_find(&r->members, r->arena, "c@x.example", &m, &r->err));
    assert_string_equal(m.external_id, "3");
    assert_int_equal(register_count(r, "SELECT count(*) FROM member"), 4);
    assert_int_equal(register_count(r, "SELECT count(*) FROM consent"), 4);
}

static void test_an_id_and_an_address_of_two_members_is_refused(void **state)
{
    struct register_site *r = *state;
    struct import_result result;

    (void)import_ok(r, "id,email\n1,a@x.example\n2,b@x.example\n");
    assert_int_equal(import(r, "id,email\n1,b@x.example\n", &to_funding, &result), ERR_INVALID);
    assert_string_equal(problems(r), "m.csv:2:3: id '1' is member 1, but 'b@x.example' is the "
                                     "address of member 2\n");
}

static void test_only_evidence_or_another_basis_makes_active(void **state)
{
    struct register_site *r = *state;
    struct import_result result =
        import_ok(r, "email,basis,consent_at,consent_source,consent_how,consent_wording\n"
                     "none@x.example,,,,,\n"
                     "consent@x.example,consent,,web form,,\n"
                     "given@x.example,consent,2026-05-03,forum 2026,paper,I agree\n"
                     "source@x.example,,3.5.2026,,,\n"
                     "member@x.example,Membership,,,,\n"
                     "task@x.example,public task,,,,\n"
                     "interest@x.example,legitimate_interest,,,,\n");

    assert_int_equal(result.active, 5);
    assert_int_equal(result.unconfirmed, 2);
    assert_string_equal(state_of(r, "none@x.example", "funding"), "unconfirmed");
    assert_string_equal(state_of(r, "consent@x.example", "funding"), "unconfirmed");
    assert_string_equal(state_of(r, "given@x.example", "funding"), "active");
    assert_string_equal(state_of(r, "source@x.example", "funding"), "active");
    assert_string_equal(state_of(r, "member@x.example", "funding"), "active");
    assert_int_equal(
        register_count(r, "SELECT count(*) FROM consent JOIN wording ON wording.id = wording "
                          "WHERE act = 'given' AND source = 'forum 2026' AND how = 'paper' AND "
                          "text = 'I agree'"),
        1);
    assert_int_equal(register_count(r, "SELECT at FROM consent WHERE source = 'forum 2026'"),
                     INT64_C(1777755600) * CLOCK_SECOND);

    /* Evidence that comes later counts; none at all changes nothing. */
    result = import_ok(r, "email,consent_at\nnone@x.example,2026-06-01\ngiven@x.example,\n");
    assert_int_equal(result.updated, 1);
    assert_int_equal(result.unchanged, 1);
    assert_int_equal(result.active, 2);
    assert_int_equal(
        import(r, "email,basis,consent_at\na@x.example,wish,2026-12-24\n", &to_funding, &result),
        ERR_INVALID);
    assert_string_equal(problems(r),
                        "m.csv:2:13: no legal basis 'wish'\n"
                        "m.csv:2:18: the consent of '2026-12-24' lies in the future\n");
}

static void test_a_list_has_its_own_basis_unless_one_is_given(void **state)
{
    struct register_site *r = *state;
    struct import_options options = {.list = "board", .source = "register", .basis = -1};
    struct import_result result;

    register_ok(r, import(r, "email\na@x.example\n", &options, &result));
    assert_int_equal(result.active, 1);
    options.basis = SITE_BASIS_CONSENT;
    register_ok(r, import(r, "email\nb@x.example\n", &options, &result));
    assert_int_equal(result.unconfirmed, 1);
    options.source = "";
    assert_int_equal(import(r, "email\nb@x.example\n", &options, &result), ERR_INVALID);
    options.source = "register";
    options.list = "bord";
    assert_int_equal(import(r, "email\nb@x.example\n", &options, &result), ERR_NOT_FOUND);
    assert_string_equal(r->err.msg, "no list 'bord'; did you mean 'board'?");
}

static void test_who_left_stays_left_and_who_is_suppressed_stays_so(void **state)
{
    struct register_site *r = *state;
    struct import_result result;
    struct member m;

    (void)import_ok(r, "email,basis\nleft@x.example,membership\nhard@x.example,membership\n");
    register_ok(r, subscription_leave(&r->members, 1, "funding", "link", NULL, NULL, &r->err));
    register_ok(r,
                suppression_add(&r->members, "hard@x.example", SUPPRESSION_HARD, "5.1.1", &r->err));
    register_ok(
        r, suppression_add(&r->members, "never@x.example", SUPPRESSION_COMPLAINT, NULL, &r->err));
    result = import_ok(r, "email,basis,consent_at\n"
                          "left@x.example,membership,2026-05-05\n"
                          "hard@x.example,membership,\n"
                          "NEVER@x.example,membership,\n");
    assert_int_equal(result.left, 1);
    assert_int_equal(result.suppressed, 2);
    assert_int_equal(result.added, 1);
    assert_int_equal(result.unchanged, 2);
    assert_string_equal(state_of(r, "left@x.example", "funding"), "left");
    register_ok(r, member_find(&r->members, r->arena, "never@x.example", &m, &r->err));
    assert_int_equal(m.delivery, MEMBER_SUPPRESSED);
    assert_string_equal(m.delivery_reason, "complaint");
    assert_int_equal(register_count(r, "SELECT count(*) FROM v_list_recipient"), 0);
}

static void test_an_export_carries_over_who_may_not_be_written_to(void **state)
{
    struct register_site *r = *state;
    struct import_result result =
        import_ok(r, "email,status,subscription,basis,since\n"
                     "left@x.example,active,left,membership,2026-01-01\n"
                     "doubt@x.example,active,unconfirmed,membership,2026-01-01\n"
                     "hard@x.example,suppressed,active,membership,2026-01-01\n"
                     "fine@x.example,active,active,membership,2026-01-01\n");

    assert_int_equal(result.left, 1);
    assert_int_equal(result.unconfirmed, 1);
    assert_int_equal(result.active, 2);
    assert_int_equal(result.suppressed, 1);
    assert_int_equal(register_count(r, "SELECT count(*) FROM v_list_recipient"), 1);
    /* Who came back since is not thrown out by an old file. */
    result = import_ok(r, "email,subscription,basis\nfine@x.example,left,membership\n");
    assert_int_equal(result.active, 1);
}

/* Lets the first, the second, ... allocation fail, until all succeed. */
static void test_lack_of_memory_is_an_error_that_changes_nothing(void **state)
{
    struct register_site *r = *state;
    static const char text[] = "id,email,name,sector,tag,organisation,attr.phone\n"
                               "1,a@õun.example,Anna,\"Музыка, film\",press,Õun,555\n";
    struct import_result result;
    unsigned long nth = 0;
    int rc = ERR_NOMEM;

    while (rc != 0) {
        report_free(r->report);
        r->report = report_new();
        mem_fail_at(++nth, 0);
        rc = import_memory(&r->members, "m.csv", text, sizeof(text) - 1, &to_funding, r->report,
                           &result, &r->err);
        mem_fail_at(0, 0);
        if (rc != 0) {
            assert_int_equal(rc, ERR_NOMEM);
            assert_int_equal(register_count(r, "SELECT count(*) FROM member"), 0);
            assert_false(db_in_transaction(r->members.db));
        }
    }
    assert_true(nth > 10);
    assert_int_equal(result.added, 1);
}

static void test_a_dry_run_tells_and_changes_nothing(void **state)
{
    struct register_site *r = *state;
    struct import_options options = to_funding;
    struct import_result result;

    options.dry_run = true;
    register_ok(r, import(r, "email\na@x.example\nb@x.example\n", &options, &result));
    assert_int_equal(result.added, 2);
    assert_int_equal(result.unconfirmed, 2);
    assert_int_equal(register_count(r, "SELECT count(*) FROM member"), 0);
    assert_false(db_in_transaction(r->members.db));
}

static void test_who_asked_to_be_forgotten_is_kept_out(void **state)
{
    struct register_site *r = *state;
    struct import_result result;

    register_ok(
        r, suppression_add(&r->members, "gone@x.example", SUPPRESSION_REQUEST, "erased", &r->err));
    result = import_ok(r, "email,basis\ngone@x.example,membership\n");
    assert_int_equal(result.kept_out, 1);
    assert_int_equal(result.added, 0);
    assert_int_equal(register_count(r, "SELECT count(*) FROM member"), 0);
    register_ok(r, suppression_lift(&r->members, "gone@x.example", &r->err));
    result = import_ok(r, "email,basis\ngone@x.example,membership\n");
    assert_int_equal(result.added, 1);
}

static const char *export_text(struct register_site *r, const struct export_options *options,
                               size_t *count)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    const char *copy = NULL;

    register_ok(r, export_members(&r->members, options, out, count, &r->err));
    (void)fclose(out);
    copy = arena_strdup(r->arena, text);
    free(text);
    return copy;
}

static void test_an_export_is_read_back_as_it_was(void **state)
{
    struct register_site *r = *state;
    struct export_options options = {.list = "funding", .separator = ';', .bom = true};
    struct import_result result;
    const char *text = NULL;
    size_t count = 0;

    (void)import_ok(r, "id;email;name;language;region;kind;sector;tag;organisation;"
                       "organisation_code;joined;attr.phone;attr.vip;basis\n"
                       "1;a@x.example;\"=cmd|' /C calc'!A0\";ru et;Narva;individual;music,film;"
                       "press;\"Õun; MTÜ\";80001;2026-01-31;+372 5;yes;membership\n"
                       "2;b@x.example;;;;;;;;;;;;\n");
    (void)register_add(r, "email=outside@x.example", NULL);
    text = export_text(r, &options, &count);
    assert_int_equal(count, 2);
    assert_non_null(strstr(
        text, "\xef\xbb\xbfid;uid;email;name;language;timezone;region;kind;sector;tag;organisation;"
              "organisation_code;joined;status;subscription;basis;since;attr.employees;"
              "attr.founded;attr.vip;attr.phone\r\n1;"));
    assert_non_null(strstr(text, ";a@x.example;'=cmd|' /C calc'!A0;ru, et;;0511;individual;film, "
                                 "music;press;\"Õun; MTÜ\";80001;2026-01-31;active;active;"
                                 "membership;2026-11-21;;;true;'+372 5\r\n2;"));
    result = import_ok(r, text);
    assert_string_equal(problems(r), "");
    assert_int_equal(result.unchanged, 2);
    assert_int_equal(result.updated + result.added, 0);
    options.list = NULL;
    (void)export_text(r, &options, &count);
    assert_int_equal(count, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, register_set_up, register_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_file_becomes_members),
        TEST(test_all_mistakes_are_named_and_nothing_is_changed),
        TEST(test_a_file_that_cannot_be_read_is_refused),
        TEST(test_columns_that_mean_nothing_are_warned_of),
        TEST(test_columns_can_be_given_their_meaning),
        cmocka_unit_test(test_headers_are_known_in_ten_languages),
        TEST(test_names_in_parts_are_joined),
        TEST(test_a_second_import_updates),
        TEST(test_an_id_and_an_address_of_two_members_is_refused),
        TEST(test_only_evidence_or_another_basis_makes_active),
        TEST(test_a_list_has_its_own_basis_unless_one_is_given),
        TEST(test_who_left_stays_left_and_who_is_suppressed_stays_so),
        TEST(test_an_export_carries_over_who_may_not_be_written_to),
        TEST(test_lack_of_memory_is_an_error_that_changes_nothing),
        TEST(test_a_dry_run_tells_and_changes_nothing),
        TEST(test_who_asked_to_be_forgotten_is_kept_out),
        TEST(test_an_export_is_read_back_as_it_was),
    };

    return cmocka_run_group_tests_name("members/import", tests, NULL, NULL);
}
