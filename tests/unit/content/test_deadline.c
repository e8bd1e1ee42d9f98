/* Deadlines of others as calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "content_site.h"
#include "teataja/content/deadline.h"

static const struct civil day = {.year = 2026, .month = 5, .day = 20, .date_only = true};
static const struct civil year_zero = {.year = 1, .month = 1, .day = 1, .date_only = true};

static struct content_deadline deadline(const char *slug, const char *url, const struct civil *time)
{
    return (struct content_deadline){.origin = "source funder",
                                     .slug = slug,
                                     .language = LANG_EN,
                                     .title = slug,
                                     .url = url,
                                     .zone = "Europe/Tallinn",
                                     .times = time,
                                     .time_count = 1};
}

static void test_a_deadline_is_a_call_among_others(void **state)
{
    struct site_folder *f = *state;
    const struct content_deadline deadlines[] = {deadline("b", "https://b.example/", &day),
                                                 deadline("a", NULL, &day)};
    struct content_site site;
    struct err err = {0};

    content_site_start(&site, f, "[en]");
    assert_int_equal(content_site_load(&site, "2026-03-01"), 0);
    assert_int_equal(content_add_deadlines(f->arena, &site.config, site.holidays,
                                           content_instant("2026-03-01"), deadlines, 2, f->report,
                                           &site.content, &err),
                     0);
    site_folder_expect(f, "");
    assert_int_equal(site.content.call_count, 2);
    assert_string_equal(site.content.calls[0].item.slug, "a");
    assert_string_equal(site.content.calls[1].url, "https://b.example/");
}

static void test_what_can_be_no_call_is_left_out_for_its_own_reason(void **state)
{
    struct site_folder *f = *state;
    const struct content_deadline deadlines[] = {deadline("two-faults", "nowhere", &year_zero),
                                                 deadline("good", NULL, &day),
                                                 deadline("one-fault", "ftp://x", &day)};
    struct content_site site;
    struct err err = {0};

    content_site_start(&site, f, "[en]");
    assert_int_equal(content_site_load(&site, "2026-03-01"), 0);
    assert_int_equal(content_add_deadlines(f->arena, &site.config, site.holidays,
                                           content_instant("2026-03-01"), deadlines, 3, f->report,
                                           &site.content, &err),
                     ERR_INVALID);
    site_folder_expect(f, "source funder: warning: 'two-faults' is left out: url: 'nowhere' is not "
                          "a URL: it has no scheme such as https:\n"
                          "source funder: warning: 'one-fault' is left out: url: a URL with 'ftp:' "
                          "cannot be used; only http, https, mailto, tel can\n");
    assert_int_equal(site.content.call_count, 1);
    assert_string_equal(site.content.calls[0].item.slug, "good");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_deadline_is_a_call_among_others, site_folder_set_up,
                                        site_folder_tear_down),
        cmocka_unit_test_setup_teardown(test_what_can_be_no_call_is_left_out_for_its_own_reason,
                                        site_folder_set_up, site_folder_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
