/* teataja.yaml: defaults, everything that can be wrong, words and lists found. */
#include "teataja/config/site.h"

#include "teataja/base/clock.h"
#include "teataja/base/log.h"
#include "teataja/base/mem.h"
#include "teataja/base/suggest.h"
#include "unit/config/site_folder.h"

static int load(struct site_folder *f, const char *more, struct site *site)
{
    char *text = arena_printf(f->arena, SITE_MINIMAL "%s", more);

    site_folder_write(f, SITE_FILE, text);
    return site_load(f->arena, f->path, f->report, site, NULL);
}

static void test_a_short_file_is_enough(void **state)
{
    struct site_folder *f = *state;
    struct site site;

    assert_int_equal(load(f, "", &site), 0);
    site_folder_expect(f, "");
    assert_string_equal(site.name.text[LANG_EN], "Cluster");
    assert_int_equal(site.language_count, 3);
    assert_int_equal(site.languages[0], LANG_ET);
    assert_string_equal(site.database, "var/teataja.db");
    assert_string_equal(site.token_key, "file:var/token.key");
    assert_string_equal(site.office.address.text, "office@cluster.example");
    assert_string_equal(site.web.url, "https://letters.cluster.example");
    assert_int_equal(site.serve.role_count, SITE_ROLES);
    assert_int_equal(site.serve.roles[1], SITE_ROLE_DELIVER);
    assert_string_equal(site.serve.metrics, "127.0.0.1:9727");
    assert_int_equal(site.serve.log, LOG_INFO);
    assert_int_equal(site.list_count, 2);
    assert_string_equal(site_list_find(&site, "funding")->name.text[LANG_ET], "Rahastus");
    assert_string_equal(site.lists[0].controller.text[LANG_ET], "Cluster");
    assert_int_equal(site.lists[0].basis, SITE_BASIS_CONSENT);
    assert_true(site.lists[0].public);
    assert_null(site_list_find(&site, "nothing"));
    assert_int_equal(site.relay_count, 0);
    assert_int_equal(site.vocabularies.kinds.count, 10);
    assert_true(site_has_language(&site, LANG_RU));
    assert_false(site_has_language(&site, LANG_PL));
}

static void test_relays_are_taken_apart(void **state)
{
    struct site_folder *f = *state;
    struct site site;

    assert_int_equal(load(f,
                          "relays:\n"
                          "  - url: smtp://Mail.cluster.example\n"
                          "    name: main\n"
                          "    user: teataja\n"
                          "    password: env:RELAY_PASSWORD\n"
                          "    timeouts: { reply: 20 s }\n"
                          "    rate: 500/hour\n"
                          "  - smtps://[::1]:2465/\n"
                          "  - { url: 'smtp://localhost:25', starttls: off, pipelining: off, "
                          "connections: 8 }\n",
                          &site),
                     0);
    site_folder_expect(f, "");
    assert_int_equal(site.relay_count, 3);
    assert_int_equal(site.relays[0].port, 587);
    assert_false(site.relays[0].tls);
    assert_int_equal(site.relays[0].starttls, RELAY_STARTTLS_REQUIRED);
    assert_int_equal(site.relays[0].timeouts.reply, 20 * CLOCK_SECOND);
    assert_int_equal(site.relays[0].timeouts.final_dot, 10 * CLOCK_MINUTE);
    assert_int_equal(site.relays[0].rate.count, 500);
    assert_int_equal(site.relays[0].connections, 2);
    assert_string_equal(site.relays[1].host, "::1");
    assert_int_equal(site.relays[1].port, 2465);
    assert_true(site.relays[1].tls);
    assert_string_equal(site.relays[2].name, "localhost:25");
    assert_int_equal(site.relays[2].pipelining, RELAY_PIPELINING_OFF);
    assert_int_equal(site.relays[2].timeouts.connect, 30 * CLOCK_SECOND);
    assert_ptr_equal(site_relay_find(&site, "main"), &site.relays[0]);
}

/* What one more line in an otherwise right file leads to. */
static const struct {
    const char *line;
    const char *error;
} wrong[] = {
    {"relay: smtp://a.example\n",
     "teataja.yaml:9:1: unknown key 'relay'; did you mean 'relays'?\n"},
    {"relays: [https://a.example]\n",
     "teataja.yaml:9:10: url: a URL with 'https:' cannot be used; only smtp, smtps can\n"},
    {"relays: [smtp://a.example:99999]\n",
     "teataja.yaml:9:10: url: ':99999' is not a port from 1 to 65535\n"},
    {"relays: [smtp://user:pass@a.example]\n",
     "teataja.yaml:9:10: url: 'smtp://user:pass@a.example' is not a URL: a user name or a password "
     "cannot stand in it\n"},
    {"relays: [{ url: smtp://a.example, user: u, password: hunter2 }]\n",
     "teataja.yaml:9:54: password: a secret does not stand in the configuration; write file:PATH "
     "or env:NAME and keep it there\n"},
    {"relays: [{ url: smtp://a.example, user: u }]\n",
     "teataja.yaml:9:41: a login needs both 'user' and 'password'\n"},
    {"relays: [{ url: smtp://a.example, user: u, password: env:P, starttls: optional }]\n",
     "teataja.yaml:9:71: starttls: the password would go out in the clear; write 'required'\n"},
    {"relays: [{ url: smtp://127.a.example, user: u, password: env:P, starttls: off }]\n",
     "teataja.yaml:9:75: starttls: the password would go out in the clear; write 'required'\n"},
    {"relays: [{ url: smtps://a.example, starttls: off }]\n",
     "teataja.yaml:9:46: starttls: an smtps:// relay has TLS from the first byte; leave the key "
     "out\n"},
    {"relays: [{ url: smtp://a.example, pipelining: fulll }]\n",
     "teataja.yaml:9:47: pipelining: 'fulll' is not one of full, envelope, off; did you mean "
     "'full'?\n"},
    {"relays: [{ url: smtp://a.example, timeouts: { connect: 2 hours } }]\n",
     "teataja.yaml:9:56: connect: 2 hours is out of range; it must be from 1 s to 1 h\n"},
    {"relays: [smtp://a.example, smtp://a.example]\n",
     "teataja.yaml:9:28: there are two relays 'a.example:587'\n"},
    {"token_key: 0123456789abcdef\n",
     "teataja.yaml:9:12: token_key: a secret does not stand in the configuration; write file:PATH "
     "or env:NAME and keep it there\n"},
    {"vocabularies: { sectors: { music: { et: muusika }, musik: { et: Muusika } } }\n",
     "teataja.yaml:9:59: 'Muusika' is a name of the sector 'music' already\n"},
    {"attributes: { employees: number }\n",
     "teataja.yaml:9:26: type: 'number' is not one of text, int, date, bool\n"},
    {"dkim: { domain: a.example, selector: s_1, key_file: k.pem }\n",
     "teataja.yaml:9:38: selector: 's_1' is not a selector: it is letters, digits and hyphens, "
     "such as 's2026'\n"},
    {"dkim: [{ domain: a.example, selector: s, key_file: k.pem }, "
     "{ domain: A.example, selector: S, key_file: l.pem }]\n",
     "teataja.yaml:9:92: a.example has a key with the selector 's' already\n"},
    {"dkim: { domain: 'no domain', selector: s }\n",
     "teataja.yaml:9:7: 'key_file' is missing\n"
     "teataja.yaml:9:17: domain: 'no domain' is not a domain\n"},
    {"dkim: { domain: a.example, selector: a..b, key_file: k.pem }\n",
     "teataja.yaml:9:38: selector: 'a..b' is not a selector: it is letters, digits and hyphens, "
     "such as 's2026'\n"},
    {"country: Estonia\n",
     "teataja.yaml:9:10: country: 'Estonia' is not a country; write two letters such as EE\n"},
    {"name: Again\n", "teataja.yaml:9:1: the key 'name' stands twice; it is on line 1 already\n"},
};

static void test_each_mistake_is_explained(void **state)
{
    struct site_folder *f = *state;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct site site;

        assert_int_equal(load(f, wrong[i].line, &site), ERR_INVALID);
        site_folder_expect(f, wrong[i].error);
    }
}

static void test_all_mistakes_are_reported_at_once(void **state)
{
    struct site_folder *f = *state;
    struct site site;
    struct err err = {0};

    site_folder_write(f, SITE_FILE,
                      "nmae: Cluster\n"
                      "languages: [et, ee]\n"
                      "timezone: [Europe/Tallinn]\n"
                      "office: someone@gmail.com\n"
                      "lists: {}\n"
                      "addresses: { mode: catchall, mailbox: a@cluster.example }\n"
                      "web: ftp://cluster.example\n");
    assert_int_equal(site_load(f->arena, f->path, f->report, &site, &err), ERR_INVALID);
    assert_string_equal(err.msg, "teataja.yaml:1:1: unknown key 'nmae'; did you mean 'name'?");
    site_folder_expect(
        f, "teataja.yaml:1:1: unknown key 'nmae'; did you mean 'name'?\n"
           "teataja.yaml:1:1: 'name' is missing\n"
           "teataja.yaml:1:1: 'postal_address' is missing\n"
           "teataja.yaml:2:17: languages: no language 'ee'; there are et, ru, en, lv, lt, pl, cs, "
           "de, sv, fi\n"
           "teataja.yaml:3:11: timezone: this must be a time zone, not a list\n"
           "teataja.yaml:4:9: address: letters cannot come from gmail.com, where anybody can have "
           "a mailbox; use an address of your own domain\n"
           "teataja.yaml:5:8: lists: there must be one at least\n"
           "teataja.yaml:6:12: mode 'catchall' needs 'domain'\n"
           "teataja.yaml:6:39: 'mailbox' goes with the modes 'plus' and 'single' only\n"
           "teataja.yaml:7:6: url: a URL with 'ftp:' cannot be used; only http, https can\n");
}

static void test_addresses_fit_their_mode(void **state)
{
    struct site_folder *f = *state;
    static const struct {
        const char *line;
        const char *domain;
    } cases[] = {
        {"{ mode: catchall, domain: Bounce.Täpne.example }", "bounce.xn--tpne-loa.example"},
        {"{ mode: plus, mailbox: bounce@cluster.example }", NULL},
        {"{ mode: plus }", ""},
        {"{ mode: single, domain: a.example, mailbox: b@a.example }", ""},
        {"{ mode: plus, mailbox: a+b@cluster.example }", ""},
        {"{ mode: catchall, domain: 'no domain' }", ""},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *text = arena_printf(f->arena, "%s", SITE_MINIMAL);
        char *line = strstr(text, "addresses: ");
        struct site site;

        *line = '\0';
        text = arena_printf(f->arena, "%saddresses: %s\nweb: https://a.example\n", text,
                            cases[i].line);
        site_folder_write(f, SITE_FILE, text);
        if (cases[i].domain && !*cases[i].domain) {
            assert_int_equal(site_load(f->arena, f->path, f->report, &site, NULL), ERR_INVALID);
            continue;
        }
        assert_int_equal(site_load(f->arena, f->path, f->report, &site, NULL), 0);
        if (cases[i].domain) {
            assert_string_equal(site.addresses.domain, cases[i].domain);
        } else {
            assert_null(site.addresses.domain);
        }
    }
}

static void test_keys_have_one_form_of_their_names(void **state)
{
    struct site_folder *f = *state;
    struct site site;

    assert_int_equal(load(f, "dkim: { domain: Täpne.Example, selector: S1.Old, key_file: k.pem }\n",
                          &site),
                     0);
    site_folder_expect(f, "");
    assert_int_equal(site.dkim_count, 1);
    assert_string_equal(site.dkim[0].domain, "xn--tpne-loa.example");
    assert_string_equal(site.dkim[0].selector, "s1.old");
    assert_string_equal(site.dkim[0].key_file, "k.pem");
}

/* 63 characters. */
#define LABEL "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0"

static void test_selectors_fit_into_a_name_of_the_dns(void **state)
{
    static const struct {
        const char *selector;
        int rc;
    } cases[] = {
        {LABEL, 0},
        {LABEL "x", ERR_INVALID},
        {LABEL ".s", 0},
        {"s2026", 0},
        {"a-1.b", 0},
        {"-a", ERR_INVALID},
        {"a-", ERR_INVALID},
        {"a.", ERR_INVALID},
        {".a", ERR_INVALID},
        {"", ERR_INVALID},
        {"a_b", ERR_INVALID},
        {"õ", ERR_INVALID},
    };
    static const char longest[] = LABEL "." LABEL "." LABEL ".abcdefghijklmnopqrstuvwxyz012345678";
    struct err err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(site_selector_check(cases[i].selector, "a.example", NULL), cases[i].rc);
    }
    /* 227 characters, "._domainkey." and 14 more are 253. */
    assert_int_equal(site_selector_check(longest, "abcdef.example", NULL), 0);
    assert_int_equal(site_selector_check(longest, "abcdefg.example", &err), ERR_INVALID);
    assert_string_equal(err.msg,
                        "with the domain the name in the DNS is longer than its 253 characters");
}

static void test_words_are_found_by_any_of_their_names(void **state)
{
    struct site_folder *f = *state;
    static const struct {
        const char *text;
        const char *slug;
    } cases[] = {
        {"performing-arts", "performing-arts"},
        {"performing_arts", "performing-arts"},
        {"Performing Arts", "performing-arts"},
        {"ETENDUSKUNSTID", "performing-arts"},
        {"музыка", "music"},
        {"МУЗЫКА", "music"},
        {"design", "design"},
        {"dance", NULL},
        {"", NULL},
    };
    static const char *const used[] = {"music", "desing", "dance"};
    struct site site;
    const struct yaml_node *node;

    assert_int_equal(load(f,
                          "vocabularies:\n"
                          "  sectors:\n"
                          "    performing-arts: { et: Etenduskunstid, en: Performing arts }\n"
                          "    music: { ru: Музыка }\n"
                          "    design:\n",
                          &site),
                     0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct schema_term *term =
            site_term_find(&site.vocabularies.sectors, cases[i].text, NULL);

        assert_int_equal(term != NULL, cases[i].slug != NULL);
        if (term) {
            assert_string_equal(term->slug, cases[i].slug);
        }
    }
    for (unsigned long nth = 1; nth <= 2; nth++) {
        struct err err = {0};

        mem_fail_at(nth, 0);
        assert_null(site_term_find(&site.vocabularies.sectors, "музыка", &err));
        mem_fail_at(0, 0);
        assert_int_equal(err.code, ERR_NOMEM);
    }
    assert_non_null(site_term_find(&site.vocabularies.kinds, "self-employed", NULL));
    assert_null(site_term_find(&site.vocabularies.tags, "press", NULL));
    assert_int_equal(yaml_parse(f->arena, "calls/a.md", 1, "sectors: [music, desing, dance]\n", 32,
                                f->report, &node, NULL),
                     0);
    assert_int_equal(site_check_terms(&site.vocabularies.sectors, "sector", used, 3, node,
                                      "sectors", f->report, NULL),
                     0);
    assert_int_equal(report_errors(f->report), 2);
    site_folder_expect(f, "calls/a.md:1:18: no sector 'desing'; did you mean 'design'?\n"
                          "calls/a.md:1:26: no sector 'dance'; it is one of "
                          "performing-arts, music, design\n");
}

static void test_import_columns_and_attributes_are_typed(void **state)
{
    struct site_folder *f = *state;
    struct site site;

    assert_int_equal(load(f,
                          "attributes: { employees: int, since: { type: date, name: Alates } }\n"
                          "import: { columns: { email: E-post, name: [Nimi, Name] } }\n",
                          &site),
                     0);
    assert_int_equal(site_attribute_find(&site, "employees")->type, SITE_ATTRIBUTE_INT);
    assert_string_equal(site_attribute_find(&site, "since")->name.text[LANG_ET], "Alates");
    assert_null(site_attribute_find(&site, "other"));
    assert_int_equal(site.import.column_count, 2);
    assert_string_equal(site.import.columns[0].headers[0], "E-post");
    assert_int_equal(site.import.columns[1].header_count, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, site_folder_set_up, site_folder_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_short_file_is_enough),
        TEST(test_relays_are_taken_apart),
        TEST(test_each_mistake_is_explained),
        TEST(test_all_mistakes_are_reported_at_once),
        TEST(test_addresses_fit_their_mode),
        TEST(test_keys_have_one_form_of_their_names),
        TEST(test_selectors_fit_into_a_name_of_the_dns),
        TEST(test_words_are_found_by_any_of_their_names),
        TEST(test_import_columns_and_attributes_are_typed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
