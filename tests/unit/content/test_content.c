/* Content: editions, what they fall back to, and everything that can be wrong. */
#include "teataja/content/content.h"

#include "teataja/base/mem.h"
#include "unit/content/content_site.h"

#define NOW "2026-11-21"

static void texts_come_from_the_editions_and_facts_from_the_first_file(void **state)
{
    struct site_folder *folder = *state;
    static const enum language reader[] = {LANG_PL, LANG_RU};
    static const enum language other[] = {LANG_PL};
    struct content_site site;
    const struct edition *edition;
    const struct call *call;
    bool foreign = true;

    content_site_start(&site, folder, "[et, ru, en]");
    site_folder_write(folder, "calls/grants.md",
                      "---\ntitle: Toetused\nfunder: Fond\nurl: https://fond.example/et\n"
                      "deadline: 2027-01-23\namount: [{ max: 200000, rate: 80% }, 1000000]\n"
                      "applicants: [individual, Company-SME]\nsectors: music\n"
                      "regions: [ida-virumaa, South Baltic]\napply_languages: [et]\n"
                      "contact: { name: Nõuanne, email: Grants@Fond.example }\n"
                      "info_event: info-day\n---\nTekst.\n");
    site_folder_write(
        folder, "calls/grants.ru.md",
        "title: Гранты\nsummary: Коротко.\nurl: https://fond.example/ru\n---\nТекст.\n");
    site_folder_write(folder, "calls/grants.en.md", "title: Grants\n");
    assert_int_equal(content_site_load(&site, NOW), 0);
    site_folder_expect(folder, "");

    call = content_call(&site.content, "grants");
    assert_non_null(call);
    assert_null(content_call(&site.content, "grant"));
    assert_int_equal(call->amount_count, 2);
    assert_int_equal(call->amounts[0].rate, 8000);
    assert_int_equal(call->amounts[1].max, 1000000);
    assert_string_equal(call->amounts[1].currency, "EUR");
    assert_string_equal(call->applicants[1], "company_sme");
    assert_int_equal(call->region_count, 2);
    assert_string_equal(call->regions[0]->code, "EE00A");
    assert_string_equal(call->regions[1]->code, "south-baltic");
    assert_string_equal(call->contact.email.text, "Grants@fond.example");

    edition = item_edition(&call->item, reader, 2, LANG_EN, &foreign);
    assert_string_equal(edition->title, "Гранты");
    assert_string_equal(edition->file, "calls/grants.ru.md");
    assert_string_equal(edition->url, "https://fond.example/ru");
    assert_string_equal(edition->funder, "Fond");
    assert_string_equal(edition->body, "Текст.\n");
    assert_int_equal(edition->body_line, 5);
    assert_false(foreign);
    edition = item_edition(&call->item, other, 1, LANG_EN, &foreign);
    assert_string_equal(edition->title, "Grants");
    assert_string_equal(edition->url, "https://fond.example/et");
    assert_string_equal(edition->body, "");
    assert_true(foreign);
    edition = item_edition(&call->item, other, 1, LANG_NONE, &foreign);
    assert_int_equal(edition->language, LANG_ET);
    assert_true(foreign);
}

static void news_is_shown_from_its_day_to_its_last(void **state)
{
    struct site_folder *folder = *state;
    struct content_site site;
    const struct news *news;

    content_site_start(&site, folder, "[et]");
    site_folder_write_png(folder, "assets/studio.png");
    site_folder_write(folder, "news/studio.md",
                      "title: Ateljee\ntype: offer\ndate: 2026-11-20\nuntil: 2026-12-31\n"
                      "image: { file: assets/studio.png, alt: Hele tuba }\n");
    assert_int_equal(content_site_load(&site, NOW), 0);
    site_folder_expect(folder, "");
    news = &site.content.news[0];
    assert_string_equal(news_type_name((enum news_type)news->type), "offer");
    assert_string_equal(news->item.editions[LANG_ET]->image_alt, "Hele tuba");
    assert_false(news_is_current(news, content_instant("2026-11-19 21:59"), 0));
    assert_true(news_is_current(news, content_instant("2026-11-19 22:00"), 0));
    assert_true(news_is_current(news, content_instant("2026-12-31 21:59"), 0));
    assert_false(news_is_current(news, content_instant("2026-12-31 22:00"), 0));
    assert_true(news_is_current(news, content_instant("2026-11-30"), INT64_C(864000000000) * 2));
    assert_false(news_is_current(news, content_instant("2026-12-20"), INT64_C(864000000000) * 2));
}

static void an_issue_knows_its_newsletter_and_when_it_goes_out(void **state)
{
    struct site_folder *folder = *state;
    struct content_site site;
    struct markdown *body;
    const struct issue *issue;

    content_site_start(&site, folder, "[et]");
    site_folder_write(folder, "issues/2026-12.md",
                      "newsletter: funding\nsubject: Toetused detsembris\npreheader: Kolm\n"
                      "audience: 'sector in (music)'\nsend: 2026-12-01 09:00\n---\n"
                      "Tere, {{member.name}}!\n{{> calls}}\n[Lahku]({{web.leave}})\n");
    assert_int_equal(content_site_load(&site, NOW), 0);
    site_folder_expect(folder, "");
    issue = content_issue(&site.content, "2026-12");
    assert_ptr_equal(issue->newsletter, config_newsletter(&site.config, "funding"));
    assert_true(issue->has_send);
    assert_string_equal(issue->zone, "Europe/Tallinn");
    assert_int_equal(issue->send_at, content_instant("2026-12-01 07:00"));
    assert_string_equal(issue->item.editions[LANG_ET]->title, "Toetused detsembris");
    assert_string_equal(issue->item.editions[LANG_ET]->preheader, "Kolm");
    assert_int_equal(
        item_body(folder->arena, &issue->item, issue->item.editions[LANG_ET], NULL, &body, NULL),
        0);
    assert_true(markdown_uses(body, ITEM_TOKEN_MEMBER_NAME));
    assert_true(markdown_uses(body, ITEM_TOKEN_WEB_LEAVE));
    assert_false(markdown_uses(body, ITEM_TOKEN_SITE_NAME));
}

static const struct {
    const char *file;
    const char *text;
    const char *problems;
} bad[] = {
    {"calls/a.md", "title: A\n",
     "calls/a.md:1:1: a call needs 'deadline', 'rounds' or 'stages'; write 'deadline: none' if it "
     "is always open\n"},
    {"calls/a.md", "title: A\ndeadline: 2027-02-30\n",
     "calls/a.md:2:11: deadline: 2027-02-30 is not a date: February 2027 has 28 days\n"},
    {"calls/a.md", "title: A\ndeadline: 2027-03-28 03:30\n",
     "calls/a.md:2:11: 2027-03-28 03:30 does not exist in Europe/Tallinn: clocks go from 03:00 to "
     "04:00\n"},
    {"calls/a.md", "title: A\ndeadline: 2027-10-31 02:30 Europe/Brussels\n",
     "calls/a.md:2:11: 2027-10-31 02:30 comes twice in Europe/Brussels: clocks go back from 03:00 "
     "to 02:00\n"},
    {"calls/a.md", "title: A\ndeadline: 2027-01-23 17:00 Europe/Brusels\n",
     "calls/a.md:2:11: no time zone 'Europe/Brusels'; did you mean 'Europe/Brussels'?\n"},
    {"calls/a.md", "title: A\nopens: 2027-02-01\ndeadline: 2027-01-23\n",
     "calls/a.md:3:11: the deadline 2027-01-23 lies before the opening 2027-02-01\n"},
    {"calls/a.md", "title: A\nopens: 2027-Q2\ndeadline: 2027-01-23\n",
     "calls/a.md:3:11: the deadline 2027-01-23 lies before the opening 2027-04-01\n"},
    {"calls/a.md", "title: A\nopens: 2027-Q5\ndeadline: 2027-01-23\n",
     "calls/a.md:2:8: opens: '2027-Q5' is not a date: write 2027-01-23, or with a time 2027-01-23 "
     "17:00\n"},
    {"calls/a.md", "title: A\ndeadline: 2027-01-23\nrounds: [2027-01-23]\n",
     "calls/a.md:3:9: a call has one of 'deadline', 'rounds' and 'stages'\n"},
    {"calls/a.md", "title: A\ndeadline: 2027-01-23\nmoved_from: 2027-01-23\n",
     "calls/a.md:3:13: 'moved_from' is the deadline itself: write when it was before\n"},
    {"calls/a.md", "title: A\nrounds: [2027-01-23]\nmoved_from: 2027-01-10\n",
     "calls/a.md:3:13: 'moved_from' stands beside 'deadline'; of several rounds write 'moved: [{ "
     "from: ..., to: ... }]'\n"},
    {"calls/a.md",
     "title: A\ndeadline: 2027-01-23\nmoved: [{ from: 2027-01-10, to: 2027-01-23 }]\n",
     "calls/a.md:3:8: 'moved' is for 'rounds'; of a single deadline write 'moved_from'\n"},
    {"calls/a.md",
     "title: A\nrounds: [2027-01-23]\nmoved: [{ from: 2027-01-24, to: 2027-02-23 }]\n",
     "calls/a.md:3:17: there is no round on 2027-01-24\n"},
    {"calls/a.md", "title: A\nrounds: [2027-01-23, 2027-01-23]\n",
     "calls/a.md:2:9: two rounds end on 2027-01-23\n"},
    {"calls/a.md", "title: A\nopens: 2027-02-01\nrounds: [2027-01-23, 2027-03-23]\n",
     "calls/a.md:2:8: the deadline 2027-01-23 lies before the opening 2027-02-01\n"},
    {"calls/a.md",
     "title: A\nopens: 2027-02-01\nrounds: { rrule: \"FREQ=MONTHLY;UNTIL=20270101\" }\n",
     "calls/a.md:2:8: the rule yields no deadline after the opening\n"},
    {"calls/a.md", "title: A\nrounds: { if_holiday: next_workday }\n",
     "calls/a.md:2:9: rounds have either 'rrule' or 'dates'\n"},
    {"calls/a.md", "title: A\nrounds: { rrule: \"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30\" }\n",
     "calls/a.md:2:18: none of its months has such a day\n"},
    {"calls/a.md", "title: A\nrounds: { rrule: \"FREQ=MONTHLY;INTERVAL=2\" }\n",
     "calls/a.md:2:18: a rule with INTERVAL or COUNT needs 'start', the day it counts from\n"},
    {"calls/a.md", "title: A\nrounds: { rrule: \"FREQ=YEARLY;UNTIL=20200101\" }\n",
     "calls/a.md:2:18: the rule yields no date from 2025 to 2028\n"},
    {"calls/a.md", "title: A\nrounds: { dates: [2027-03-28], at: \"03:30\" }\n",
     "calls/a.md:2:19: 2027-03-28 03:30 does not exist in Europe/Tallinn: clocks go from 03:00 to "
     "04:00\n"},
    {"calls/a.md",
     "title: A\ncountry: FR\nrounds: { dates: [2027-03-28], if_holiday: next_workday }\n",
     "calls/a.md:3:44: the public holidays of country 'FR' are not known\n"},
    {"calls/a.md", "title: A\nstages: [{ deadline: 2027-06-01 }, { deadline: 2027-05-01 }]\n",
     "calls/a.md:2:48: stage 2 ends before stage 1\n"},
    {"calls/a.md", "title: A\ndeadline: none\nstatus: opne\n",
     "calls/a.md:3:9: status: 'opne' is not one of planned, open, closed, exhausted, cancelled; "
     "did "
     "you mean 'open'?\n"},
    {"calls/a.md",
     "title: A\ndeadline: none\napplicants: [individuel]\nsectors: [musik]\nregions: [EE00X, "
     "Elblaski]\n",
     "calls/a.md:3:14: no kind 'individuel'; did you mean 'individual'?\n"
     "calls/a.md:4:11: no sector 'musik'; did you mean 'music'?\n"
     "calls/a.md:5:11: no region 'EE00X'; did you mean 'EE007'?\n"
     "calls/a.md:5:18: no region 'Elblaski'; did you mean 'Elbląski'?\n"},
    {"calls/a.md",
     "title: A\ndeadline: none\namount: { min: 500, max: 50, currency: eur, rate: 90%, own_share: "
     "20% }\n",
     "calls/a.md:3:16: 'min' is more than 'max'\n"
     "calls/a.md:3:40: 'eur' is not a currency: write three capitals, such as EUR\n"
     "calls/a.md:3:67: 'rate' and 'own_share' make more than 100%\n"},
    {"calls/a.md", "title: A\ndeadline: none\ndedline: 2027-01-23\n",
     "calls/a.md:3:1: unknown key 'dedline'; did you mean 'deadline'?\n"},
    {"calls/a.md", "deadline: none\n", "calls/a.md:1:1: 'title' is missing\n"},
    {"calls/a.md", "title: A\ndeadline: 2026-01-23\nstatus: open\n",
     "calls/a.md:3:9: warning: the status is open, but the last deadline 2026-01-23 is past\n"},
    {"calls/a.md", "title: A\nopens: 2026-Q3\nstatus: planned\n",
     "calls/a.md:3:9: warning: the status is planned, but '2026-Q3', when it opens, is past\n"},
    {"calls/a.md", "title: A\ndeadline: none\n---\nHello {{member.name}}\n\n{{> calls}}\n",
     "calls/a.md:4:7: no token 'member.name'\ncalls/a.md:6:1: no block 'calls'\n"},
    {"calls/a.md", "title: \xff\n", "calls/a.md:1:8: broken UTF-8; save the file as UTF-8\n"},
    {"calls/Call 1.md", "title: A\n",
     "calls/Call 1.md: 'Call 1.md' is not <slug>.md: a slug is of a-z, 0-9 and '-', at "
     "most 64 of them\n"},
    {"calls/notes.txt", "",
     "calls/notes.txt: warning: this file is not read: its name does not end in .md\n"},
    {"calls/a.ru.md", "title: A\n",
     "calls/a.ru.md: there is no calls/a.md, which holds the facts of this edition\n"},
    {"news/a.md", "title: A\ndate: 2026-11-20\nuntil: 2026-11-19\n",
     "news/a.md:3:8: 'until' lies before 'date'\n"},
    {"news/a.md", "title: A\nimage: { file: assets/none.png, alt: B }\n",
     "news/a.md:2:16: there is no file 'assets/none.png'\n"},
    {"issues/a.md", "newsletter: fundign\nsubject: A\n---\nText.\n",
     "issues/a.md:1:13: no newsletter 'fundign'; did you mean 'funding'?\n"},
    {"issues/a.md", "newsletter: funding\nsubject: A\nsend: 2026-12-01\n---\nText.\n",
     "issues/a.md:3:7: 'send' needs a time of day, such as 2026-12-01 09:00\n"},
    {"issues/a.md", "newsletter: funding\nsubject: A\n",
     "issues/a.md:1:1: the issue has no text behind '---'\n"},
    {"issues/a.md", "newsletter: funding\nsubject: A\nfunded_by: other\n---\nText.\n",
     "issues/a.md:3:12: no project 'other'\n"},
    {"issues/a.md", "newsletter: funding\nsubject: A\n---\n{{> cals}}\n\n{{member.nmae}}\n",
     "issues/a.md:4:1: no block 'cals'; did you mean 'calls'?\n"
     "issues/a.md:6:1: no token 'member.nmae'; did you mean 'member.name'?\n"},
};

static void every_mistake_is_told_with_its_place(void **state)
{
    struct site_folder *folder = *state;
    struct content_site site;
    int failed = 0;

    content_site_start(&site, folder, "[et]");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char *text;

        site_folder_write(folder, bad[i].file, bad[i].text);
        (void)content_site_load(&site, NOW);
        text = printed(folder->report);
        if (strcmp(text, bad[i].problems) != 0) {
            print_error("%sgave\n%swanted\n%s\n", bad[i].text, text, bad[i].problems);
            failed++;
        }
        free(text);
        report_free(folder->report);
        folder->report = report_new();
        assert_int_equal(remove(file_join(folder->arena, folder->path, bad[i].file)), 0);
    }
    assert_int_equal(failed, 0);
}

static void a_language_edition_holds_texts_only(void **state)
{
    struct site_folder *folder = *state;
    struct content_site site;

    content_site_start(&site, folder, "[et]");
    site_folder_write(folder, "calls/a.md", "title: A\ndeadline: 2027-01-23\n");
    site_folder_write(folder, "calls/a.et.md", "title: A\n");
    site_folder_write(folder, "calls/a.ru.md", "title: A\ndeadline: 2027-01-24\n");
    site_folder_write(folder, "calls/a.en.md", "summary: A\n");
    site_folder_write(folder, "calls/a.pl.md", "title: A\n");
    site_folder_write(folder, "calls/b.md", "title: [\n");
    site_folder_write(folder, "calls/b.ru.md", "title: B\n");
    assert_int_equal(content_site_load(&site, NOW), ERR_INVALID);
    assert_int_equal(site.content.call_count, 1);
    site_folder_expect(
        folder,
        "calls/a.en.md:1:1: 'title' is missing\n"
        "calls/a.et.md: calls/a.md is this edition already: Estonian is the site's first language\n"
        "calls/a.pl.md: Polish is not a language of this site\n"
        "calls/a.ru.md:2:1: 'deadline' stands once, in the file of the first language; a language "
        "edition holds only title, funder, summary, url\n"
        "calls/b.md:2:1: not YAML: did not find expected node content\n");
}

static void a_missing_edition_is_a_warning_if_the_fallback_covers_it(void **state)
{
    struct site_folder *folder = *state;
    struct content_site site;

    content_site_start(&site, folder, "[et, ru, en]");
    site_folder_write(folder, "calls/a.md", "title: A\ndeadline: 2027-01-23\n");
    site_folder_write(folder, "calls/a.en.md", "title: A\n");
    site_folder_write(folder, "news/a.md", "title: A\n");
    site_folder_write(folder, "issues/a.md", "newsletter: funding\nsubject: A\n---\nText.\n");
    site_folder_write(folder, "issues/a.ru.md", "subject: A\n---\nText.\n");
    site_folder_write(folder, "issues/a.en.md", "subject: A\n---\nText.\n");
    assert_int_equal(content_site_load(&site, NOW), ERR_INVALID);
    site_folder_expect(
        folder,
        "calls/a.md:1:1: warning: no edition in Russian: these readers get the fallback's\n"
        "news/a.md:1:1: no edition in Russian, which newsletters/funding.yaml is sent in, nor in "
        "its fallback English\n"
        "news/a.md:1:1: no edition in English, which newsletters/funding.yaml is sent in, nor in "
        "its fallback English\n");
}

static void a_site_without_content_is_fine(void **state)
{
    struct content_site site;

    content_site_start(&site, *state, "[et]");
    assert_int_equal(content_site_load(&site, NOW), 0);
    assert_int_equal(site.content.call_count + site.content.news_count + site.content.issue_count,
                     0);
    assert_null(content_issue(&site.content, "a"));
}

static void running_out_of_memory_is_an_error_and_no_crash(void **state)
{
    struct site_folder *folder = *state;
    struct content_site site;
    unsigned long failures = 0;

    content_site_start(&site, folder, "[et]");
    site_folder_write(
        folder, "calls/a.md",
        "title: A\nrounds: { rrule: \"FREQ=MONTHLY\", at: \"17:00 Europe/Brussels\" }\n"
        "regions: [EE007]\nsectors: [music]\n---\nText.\n");
    site_folder_write(folder, "calls/a.ru.md", "title: B\n");
    site_folder_write(folder, "issues/a.md", "newsletter: funding\nsubject: A\n---\n{{> calls}}\n");
    assert_int_equal(content_site_load(&site, NOW), 0);
    for (unsigned long nth = 1; nth < 10000; nth++) {
        struct arena *arena = arena_new(LIMIT_ARENA_WORK);
        struct report *report = report_new();
        struct err err = {0};
        int rc;

        mem_fail_at(nth, 0);
        rc = content_load(arena, &site.config, site.holidays, content_instant(NOW), report,
                          &site.content, &err);
        if (mem_count() < nth) {
            nth = 10000;
        }
        mem_fail_at(0, 0);
        failures += rc < 0;
        assert_true(rc == 0 || err.msg[0] != '\0');
        report_free(report);
        arena_free(arena);
    }
    assert_true(failures > 0);
}

#define IN_A_SITE(test)                                                                            \
    cmocka_unit_test_setup_teardown(test, site_folder_set_up, site_folder_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_A_SITE(texts_come_from_the_editions_and_facts_from_the_first_file),
        IN_A_SITE(news_is_shown_from_its_day_to_its_last),
        IN_A_SITE(an_issue_knows_its_newsletter_and_when_it_goes_out),
        IN_A_SITE(every_mistake_is_told_with_its_place),
        IN_A_SITE(a_language_edition_holds_texts_only),
        IN_A_SITE(a_missing_edition_is_a_warning_if_the_fallback_covers_it),
        IN_A_SITE(running_out_of_memory_is_an_error_and_no_crash),
        IN_A_SITE(a_site_without_content_is_fine),
    };

    return cmocka_run_group_tests_name("content/content", tests, NULL, NULL);
}
