/* A whole site: newsletters, projects, what they say of each other, secrets, samples. */
#include "teataja/config/config.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "teataja/base/clock.h"
#include "unit/config/site_folder.h"

#define NEWSLETTER                                                                                 \
    "name: { et: Rahastuskiri, en: Funding letter }\n"                                             \
    "list: funding\n"                                                                              \
    "from: { name: Cluster, address: letters@cluster.example }\n"
#define PROJECT                                                                                    \
    "name: South Baltic Creative\n"                                                                \
    "from: 2026-01-01\n"                                                                           \
    "to: 2027-12-31\n"                                                                             \
    "notice: { et: Kaasrahastatud, ru: Софинансируется, en: Co-funded }\n"

static int load(struct site_folder *f, struct config *config)
{
    return config_load(f->arena, f->path, f->report, config, NULL);
}

static void test_a_site_is_loaded_whole(void **state)
{
    struct site_folder *f = *state;
    struct config config;
    const struct newsletter *newsletter;
    const struct project *project;
    struct civil day = {.year = 2028, .month = 6, .day = 30};

    site_folder_write(f, "teataja.yaml", SITE_MINIMAL);
    site_folder_write(f, "newsletters/funding.yaml",
                      NEWSLETTER
                      "funded_by: south-baltic\n"
                      "brand: { color: '#AA0000', logo: assets/logo.png, logo_alt: Logo }\n"
                      "blocks: [deadlines, calls]\n");
    site_folder_write(f, "newsletters/news.yaml",
                      NEWSLETTER "languages: [ru, en]\nfallback: en\nreply_to: a@b.example\n");
    site_folder_write(f, "projects/south-baltic.yaml",
                      PROJECT "extended_to: 2028-06-30\n"
                              "logos: [{ file: assets/eu.png, alt: Co-funded }]\n");
    site_folder_write(f, "regions.yaml", "regions: { EE00A: Ida-Viru }\n");
    site_folder_write_png(f, "assets/logo.png");
    site_folder_write_png(f, "assets/eu.png");
    assert_int_equal(load(f, &config), 0);
    site_folder_expect(f, "");

    assert_int_equal(config.newsletter_count, 2);
    newsletter = config_newsletter(&config, "funding");
    assert_string_equal(newsletter->file, "newsletters/funding.yaml");
    assert_int_equal(newsletter->language_count, 3);
    assert_int_equal(newsletter->fallback, LANG_ET);
    assert_string_equal(newsletter->brand.color, "#aa0000");
    assert_int_equal(newsletter->block_count, 2);
    assert_int_equal(newsletter->blocks[0], BLOCK_DEADLINES);
    assert_int_equal(newsletter->news_max_age, 60 * CLOCK_DAY);
    assert_int_equal(newsletter->reply_to.text[0], 0);
    newsletter = config_newsletter(&config, "news");
    assert_int_equal(newsletter->fallback, LANG_EN);
    assert_true(newsletter_has_language(newsletter, LANG_RU));
    assert_false(newsletter_has_language(newsletter, LANG_ET));
    assert_int_equal(newsletter->block_count, 4);
    assert_string_equal(newsletter->brand.color, "#1f5f8b");
    assert_null(config_newsletter(&config, "other"));

    project = config_project(&config, "south-baltic");
    assert_string_equal(project->logos[0].type, "image/png");
    assert_true(project_covers(project, &day));
    civil_add_days(&day, 1);
    assert_false(project_covers(project, &day));
    assert_non_null(region_find(&config.regions, "ida-viru", NULL));
}

static void test_who_approves_and_sees_drafts_is_read(void **state)
{
    struct site_folder *f = *state;
    const struct newsletter *newsletter;
    struct config config;

    site_folder_write(f, "teataja.yaml", SITE_MINIMAL);
    site_folder_write(f, "newsletters/news.yaml", NEWSLETTER);
    site_folder_write(f, "newsletters/funding.yaml",
                      NEWSLETTER "approval: two\n"
                                 "approval_tolerance: 2.5%\n"
                                 "draft_before: 3d before\n"
                                 "editors: [a@x.example, { address: b@x.example, name: Bea,"
                                 " language: en }]\n");
    assert_int_equal(load(f, &config), 0);
    newsletter = config_newsletter(&config, "funding");
    assert_string_equal(newsletter_approval_name(newsletter->approval), "two");
    assert_int_equal(newsletter->approval_tolerance, 250);
    assert_int_equal(newsletter->draft_before, 3 * CLOCK_DAY);
    assert_int_equal(newsletter->editor_count, 2);
    assert_string_equal(newsletter->editors[0].address.text, "a@x.example");
    assert_int_equal(newsletter->editors[0].language, LANG_NONE);
    assert_string_equal(newsletter->editors[1].name, "Bea");
    assert_int_equal(newsletter->editors[1].language, LANG_EN);
    newsletter = config_newsletter(&config, "news");
    assert_int_equal(newsletter->approval, APPROVAL_NONE);
    assert_int_equal(newsletter->approval_tolerance, 500);
    assert_int_equal(newsletter->draft_before, 0);
    assert_int_equal(newsletter->editor_count, 0);
}

static void test_wrong_approvals_and_editors_are_told(void **state)
{
    struct site_folder *f = *state;
    struct config config;

    site_folder_write(f, "teataja.yaml", SITE_MINIMAL);
    site_folder_write(f, "newsletters/funding.yaml",
                      NEWSLETTER "approval: three\n"
                                 "editors: [a@x.example, nobody, A@x.example]\n");
    assert_int_equal(load(f, &config), ERR_INVALID);
    site_folder_expect(
        f, "newsletters/funding.yaml:4:11: approval: 'three' is not one of none, one, two\n"
           "newsletters/funding.yaml:5:24: address: address 'nobody' has no '@'\n"
           "newsletters/funding.yaml:5:32: editors: 'A@x.example' is named twice\n");
}

static void test_files_are_checked_against_each_other(void **state)
{
    struct site_folder *f = *state;
    struct config config;
    struct err err = {0};

    site_folder_write(f, "teataja.yaml", SITE_MINIMAL);
    site_folder_write(f, "newsletters/funding.yaml",
                      "name: Letter\n"
                      "list: fundign\n"
                      "from: { name: Cluster, address: cluster@gmail.com }\n"
                      "languages: [et, pl]\n"
                      "fallback: ru\n"
                      "funded_by: [south-baltik, other]\n"
                      "brand: { logo: assets/none.png }\n"
                      "secter: music\n");
    site_folder_write(f, "newsletters/Funding 2.yaml", NEWSLETTER);
    site_folder_write(f, "newsletters/old.yml", NEWSLETTER);
    site_folder_write(f, "projects/south-baltic.yaml",
                      "name: South Baltic\n"
                      "from: 2027-01-01\n"
                      "to: 2026-12-31\n"
                      "extended_to: 2026-02-30\n"
                      "logos:\n"
                      "  - { file: assets/missing.png, alt: EU }\n"
                      "  - { file: assets/large.png, alt: EU }\n"
                      "  - { file: assets/text.png }\n");
    {
        char large[LIMIT_LOGO + 1] = "\x89PNG\r\n\x1a\n";

        site_folder_write_bytes(f, "assets/large.png", large, sizeof(large));
        site_folder_write(f, "assets/text.png", "not an image");
    }
    assert_int_equal(config_load(f->arena, f->path, f->report, &config, &err), ERR_INVALID);
    assert_true(err.msg[0] != '\0');
    site_folder_expect(
        f,
        "newsletters/Funding 2.yaml: 'Funding 2.yaml' is not <slug>.yaml: a slug is of a-z, 0-9 "
        "and '-', at most 64 of them\n"
        "newsletters/funding.yaml:2:7: list: teataja.yaml has no list 'fundign'; did you mean "
        "'funding'?\n"
        "newsletters/funding.yaml:3:33: address: letters cannot come from gmail.com, where anybody "
        "can have a mailbox; use an address of your own domain\n"
        "newsletters/funding.yaml:4:17: languages: Polish (pl) is not a language of the site\n"
        "newsletters/funding.yaml:5:11: fallback: the letter is not sent in Russian (ru)\n"
        "newsletters/funding.yaml:6:13: no project 'south-baltik'; did you mean 'south-baltic'?\n"
        "newsletters/funding.yaml:6:27: no project 'other'\n"
        "newsletters/funding.yaml:7:16: logo: the image needs 'logo_alt', its text for those who "
        "do "
        "not see it\n"
        "newsletters/funding.yaml:7:16: logo: there is no file 'assets/none.png' in the site\n"
        "newsletters/funding.yaml:8:1: unknown key 'secter'\n"
        "newsletters/old.yml: 'old.yml' is not <slug>.yaml\n"
        "projects/south-baltic.yaml:1:1: 'notice' is missing\n"
        "projects/south-baltic.yaml:3:5: to: the project ends before it begins\n"
        "projects/south-baltic.yaml:4:14: extended_to: 2026-02-30 is not a date: February 2026 has "
        "28 days\n"
        "projects/south-baltic.yaml:6:13: file: there is no file 'assets/missing.png' in the site\n"
        "projects/south-baltic.yaml:7:13: file: 'assets/large.png' is larger than 30 KB, the most "
        "that a letter carries\n"
        "projects/south-baltic.yaml:8:5: 'alt' is missing\n"
        "projects/south-baltic.yaml:8:13: file: 'assets/text.png' is no PNG, JPEG or GIF image\n");
}

static void test_a_notice_that_a_letter_lacks_is_a_warning(void **state)
{
    struct site_folder *f = *state;
    struct config config;

    site_folder_write(f, "teataja.yaml", SITE_MINIMAL);
    site_folder_write(f, "newsletters/funding.yaml", NEWSLETTER "funded_by: [p]\n");
    site_folder_write(f, "projects/p.yaml",
                      "name: P\nfrom: 2026-01-01\nto: 2026-12-31\nnotice: { et: a, en: b }\n");
    assert_int_equal(load(f, &config), 0);
    site_folder_expect(f, "projects/p.yaml:4:9: warning: notice: no text in Russian (ru), in which "
                          "newsletter 'funding' is sent\n");
}

static void test_a_broken_file_does_not_hide_the_others(void **state)
{
    struct site_folder *f = *state;
    struct config config;

    site_folder_write(f, "teataja.yaml", "name: [\n");
    site_folder_write(f, "newsletters/a.yaml", "name: \xff\n");
    site_folder_write(f, "newsletters/b.yaml", "bombs: [*a, *a]\n" NEWSLETTER);
    site_folder_write(f, "regions.yaml", "regions: 5\n");
    assert_int_equal(load(f, &config), ERR_INVALID);
    site_folder_expect(
        f, "newsletters/a.yaml:1:7: broken UTF-8; save the file as UTF-8\n"
           "newsletters/b.yaml:1:1: unknown key 'bombs'\n"
           "newsletters/b.yaml:1:9: aliases are not allowed ('*a'); a value that starts with '*' "
           "needs quotes\n"
           "newsletters/b.yaml:1:13: aliases are not allowed ('*a'); a value that starts with '*' "
           "needs quotes\n"
           "regions.yaml:1:10: regions: this must be a mapping of names to values\n"
           "teataja.yaml:2:1: not YAML: did not find expected node content\n");
}

static void test_a_folder_without_a_site_is_named(void **state)
{
    struct site_folder *f = *state;
    struct config config;
    struct err err = {0};

    assert_int_equal(config_load(f->arena, f->path, NULL, &config, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, "is not a site: it has no teataja.yaml"));
    site_folder_write(f, "teataja.yaml", "name: a\n");
    assert_int_equal(config_load(f->arena, f->path, NULL, &config, &err), ERR_INVALID);
    assert_string_equal(err.msg, "teataja.yaml:1:1: 'postal_address' is missing");
}

static void test_a_secret_is_read_from_where_it_is(void **state)
{
    struct site_folder *f = *state;
    struct config config = {.folder = f->path};
    struct err err = {0};
    char *secret, *path = file_join(f->arena, f->path, "var/key");

    site_folder_write(f, "var/key", "hunter2\r\n");
    assert_int_equal(config_secret(f->arena, &config, "file:var/key", &secret, &err), ERR_DENIED);
    assert_null(strstr(err.msg, "hunter2"));
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(config_secret(f->arena, &config, "file:var/key", &secret, &err), 0);
    assert_string_equal(secret, "hunter2");
    path = arena_printf(f->arena, "file:%s", path);
    assert_int_equal(config_secret(f->arena, &config, path, &secret, &err), 0);
    assert_int_equal(config_secret(f->arena, &config, "file:var/none", &secret, &err),
                     ERR_NOT_FOUND);
    assert_int_equal(config_secret(f->arena, &config, "hunter2", &secret, &err), ERR_INVALID);
    assert_int_equal(setenv("TEATAJA_TEST_SECRET", " hush ", 1), 0);
    assert_int_equal(config_secret(f->arena, &config, "env:TEATAJA_TEST_SECRET", &secret, &err), 0);
    assert_string_equal(secret, " hush");
    assert_int_equal(setenv("TEATAJA_TEST_SECRET", "", 1), 0);
    assert_int_equal(config_secret(f->arena, &config, "env:TEATAJA_TEST_SECRET", &secret, &err),
                     ERR_NOT_FOUND);
    assert_int_equal(unsetenv("TEATAJA_TEST_SECRET"), 0);
    assert_int_equal(config_secret(f->arena, &config, "env:TEATAJA_TEST_SECRET", &secret, &err),
                     ERR_NOT_FOUND);
}

static void test_the_samples_are_a_site(void **state)
{
    struct site_folder *f = *state;

    for (int all = 0; all < 2; all++) {
        static const struct {
            const char *which;
            const char *file;
        } files[] = {
            {"teataja.yaml", "teataja.yaml"},
            {"newsletters", "newsletters/funding.yaml"},
            {"projects", "projects/south-baltic-creative.yaml"},
            {"regions.yaml", "regions.yaml"},
        };
        struct config config;
        char *problems;

        for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
            struct str text;

            str_init(&text, LIMIT_TEXT);
            assert_int_equal(config_sample(files[i].which, all, &text, NULL), 0);
            site_folder_write_bytes(f, files[i].file, text.data, text.len);
            str_release(&text);
        }
        site_folder_write_png(f, "assets/logo.png");
        site_folder_write_png(f, "assets/header.png");
        site_folder_write_png(f, "assets/co-funded.png");
        (void)load(f, &config);
        problems = printed(f->report);
        if (all) { /* some keys exclude each other, and a region's parent is not there */
            assert_int_equal(report_errors(f->report), 4);
            assert_non_null(strstr(problems, ": schedule: either 'every' or 'rrule', not both\n"));
            assert_non_null(strstr(problems, ": a source has 'every' or 'rrule', not both\n"));
            assert_non_null(strstr(problems, ": 'domain' goes with mode 'catchall' only\n"));
            assert_non_null(strstr(problems, ": no region 'EE'\n"));
        } else {
            assert_string_equal(problems, "");
        }
        free(problems);
    }
    assert_int_equal(config_sample("other.yaml", false, NULL, NULL), ERR_NOT_FOUND);
}

static void test_the_manual_names_every_file(void **state)
{
    struct str text;

    (void)state;
    str_init(&text, LIMIT_TEXT);
    config_manual(SCHEMA_ROFF, &text);
    assert_int_equal(str_check(&text, NULL), 0);
    assert_non_null(strstr(text.data, ".SS teataja.yaml\n"));
    assert_non_null(strstr(text.data, ".SS newsletters/<slug>.yaml\n"));
    assert_non_null(strstr(text.data, "\\fBrelays[].timeouts.final_dot\\fR\n"));
    assert_non_null(strstr(text.data, "\\fBregions.NAME.parent\\fR\n"));
    str_release(&text);
}

static void test_lack_of_memory_is_an_error(void **state)
{
    struct site_folder *f = *state;
    size_t passed = 0;

    site_folder_write(f, "teataja.yaml", SITE_MINIMAL "relays: [smtp://a.example]\n");
    site_folder_write(f, "newsletters/funding.yaml", NEWSLETTER);
    site_folder_write(f, "regions.yaml", "regions: { EE: Eesti }\n");
    for (size_t ceiling = 0; ceiling < 100000; ceiling += 1000) {
        struct arena *small = arena_new(ceiling);
        struct config config;
        int rc = config_load(small, f->path, f->report, &config, NULL);

        assert_true(rc == 0 || rc == ERR_NOMEM);
        passed += rc == 0;
        arena_free(small);
    }
    assert_true(passed > 0);
    site_folder_expect(f, "");
}

/* What is left out when these files stand beside a good newsletter and its project. */
static void test_a_wrong_file_is_left_out_with_whoever_needs_it(void **state)
{
    static const struct {
        const char *file;
        const char *text;
        const char *left;   /* in the order found */
        size_t newsletters; /* that stay */
    } cases[] = {
        {"newsletters/other.yaml", "name: [\n", "newsletters/other", 1},
        {"newsletters/other.yaml", NEWSLETTER "colour: red\n", "newsletters/other", 1},
        {"newsletters/Other.yaml", NEWSLETTER, "newsletters/Other", 1},
        {"newsletters/other.yaml", NEWSLETTER "funded_by: [north]\n", "newsletters/other", 1},
        {"newsletters/other.yaml", NEWSLETTER, "", 2},
        {"projects/north.yaml", "name: [\n", "projects/north", 1},
        {"projects/south-baltic.yaml", "name: [\n", "projects/south-baltic newsletters/funding", 0},
        {"projects/south-baltic.yaml", PROJECT "number: []\n",
         "projects/south-baltic newsletters/funding", 0},
    };
    struct site_folder *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct report *report = report_new();
        struct config config;
        struct err err = {0};
        struct str left;

        site_folder_write(f, "teataja.yaml", SITE_MINIMAL);
        site_folder_write(f, "newsletters/funding.yaml", NEWSLETTER "funded_by: [south-baltic]\n");
        site_folder_write(f, "projects/south-baltic.yaml", PROJECT);
        site_folder_write(f, cases[i].file, cases[i].text);
        (void)config_load(f->arena, f->path, report, &config, NULL);
        for (int again = 0; again < 2; again++) {
            assert_int_equal(config_leave_out(f->arena, &config, report, &err), 0);
        }
        str_init(&left, LIMIT_TEXT);
        for (size_t k = 0; k < config.left.count; k++) {
            str_addf(&left, "%s%s/%s", k > 0 ? " " : "", config.left.items[k].folder,
                     config.left.items[k].slug);
            assert_int_equal(left_out_check(&config.left, config.left.items[k].folder,
                                            config.left.items[k].slug, &err),
                             ERR_INVALID);
        }
        assert_string_equal(left.data != NULL ? left.data : "", cases[i].left);
        assert_int_equal(config.newsletter_count, cases[i].newsletters);
        assert_int_equal(config_newsletter(&config, "funding") != NULL, cases[i].newsletters > 0);
        str_release(&left);
        report_free(report);
        assert_int_equal(unlink(file_join(f->arena, f->path, cases[i].file)), 0);
    }
}

static void test_nothing_is_left_out_of_what_everything_needs(void **state)
{
    struct site_folder *f = *state;
    struct report *report = report_new();
    struct report *failing = report_new();
    const struct err disk = {.code = ERR_IO, .native = EIO, .msg = "disk"};
    struct config config;
    struct err err = {0};

    site_folder_write(f, "teataja.yaml", SITE_MINIMAL "nonsense: 1\n");
    (void)config_load(f->arena, f->path, report, &config, NULL);
    assert_int_equal(config_leave_out(f->arena, &config, report, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "teataja.yaml:"));
    report_add_fault(failing, "calls/a.md", &disk);
    assert_int_equal(left_out_read(f->arena, &config.left, failing, &err), ERR_IO);
    report_free(failing);
    report_free(report);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, site_folder_set_up, site_folder_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_site_is_loaded_whole),
        TEST(test_who_approves_and_sees_drafts_is_read),
        TEST(test_wrong_approvals_and_editors_are_told),
        TEST(test_files_are_checked_against_each_other),
        TEST(test_a_notice_that_a_letter_lacks_is_a_warning),
        TEST(test_a_broken_file_does_not_hide_the_others),
        TEST(test_a_wrong_file_is_left_out_with_whoever_needs_it),
        TEST(test_nothing_is_left_out_of_what_everything_needs),
        TEST(test_a_folder_without_a_site_is_named),
        TEST(test_a_secret_is_read_from_where_it_is),
        TEST(test_the_samples_are_a_site),
        TEST(test_the_manual_names_every_file),
        TEST(test_lack_of_memory_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
