#include "teataja/content/issue.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "load.h"
#include "teataja/base/limits.h"
#include "teataja/base/suggest.h"
#include "teataja/calendar/zone.h"

#define FIELD(member) .offset = offsetof(struct issue, member)

static const struct schema_field issue_fields[] = {
    {.key = "newsletter",
     .type = SCHEMA_SLUG,
     .flags = SCHEMA_REQUIRED,
     FIELD(newsletter_slug),
     .help = "Which letter this is an issue of.",
     .example = "funding"},
    {.key = "subject",
     .type = SCHEMA_TEXT,
     .flags = SCHEMA_REQUIRED | SCHEMA_EDITION,
     FIELD(subject),
     .max = LIMIT_SUBJECT,
     .help = "The subject of the mail.",
     .example = "Funding in December"},
    {.key = "preheader",
     .type = SCHEMA_TEXT,
     .flags = SCHEMA_EDITION,
     FIELD(preheader),
     .max = LIMIT_SUBJECT,
     .help = "What mail programs show behind the subject.",
     .example = "Three calls close before Christmas"},
    {.key = "audience",
     .type = SCHEMA_LINES,
     FIELD(audience),
     .max = LIMIT_SEGMENT,
     .help = "A segment that narrows the newsletter's own.",
     .example = "'sector in (music, design)'"},
    {.key = "send",
     .type = SCHEMA_NODE,
     FIELD(send),
     .help = "When it goes out by itself: date and time, in the newsletter's zone if it names "
             "none, or 'next': at the next time of the newsletter's schedule. Not given: by hand.",
     .example = "2026-12-01 09:00"},
    {.key = "funded_by",
     .type = SCHEMA_SLUG,
     .flags = SCHEMA_LIST | SCHEMA_OR_ONE | SCHEMA_UNIQUE,
     FIELD(funded_by),
     .count_offset = offsetof(struct issue, funded_by_count),
     .help = "Projects that pay for it, beside the newsletter's own.",
     .example = "[south-baltic-creative]"},
};

const struct schema issue_schema = SCHEMA("issues/*.md", struct issue, issue_fields);

static void issue_texts(const void *facts, struct edition *edition)
{
    const struct issue *issue = facts;

    edition->title = issue->subject;
    edition->preheader = issue->preheader;
}

static void find_newsletter(struct load *load, struct issue *issue)
{
    const struct config *config = load->config;
    const struct left_out *left;
    struct suggest suggest;

    if (!issue->newsletter_slug) {
        return; /* reported by the table */
    }
    issue->newsletter = config_newsletter(config, issue->newsletter_slug);
    if (issue->newsletter) {
        return;
    }
    left = left_out_find(&config->left, "newsletters", issue->newsletter_slug);
    if (left) {
        yaml_problem(load->report, issue->node, "newsletter", "the newsletter cannot be used: %s",
                     left->problem);
        return;
    }
    suggest_start(&suggest, issue->newsletter_slug);
    for (size_t i = 0; i < config->newsletter_count; i++) {
        suggest_offer(&suggest, config->newsletters[i].slug);
    }
    yaml_problem(load->report, issue->node, "newsletter", "no newsletter '%s'%s",
                 issue->newsletter_slug, suggest_hint(&suggest));
}

/* The date and time of `send`. */
static int read_moment(struct load *load, struct issue *issue, struct call_moment *moment)
{
    static const struct schema_field field = {.key = "send", .type = SCHEMA_MOMENT};
    struct schema_moment written = {.zone = ""};
    int rc = schema_value(load->arena, &field, issue->send, load->report, &written, load->err);

    if (rc < 0) {
        return rc == ERR_NOMEM ? rc : 0;
    }
    if (written.civil.date_only) {
        yaml_problem(load->report, issue->node, "send",
                     "'send' needs a time of day, such as 2026-12-01 09:00");
        return 0;
    }
    issue->has_send =
        load_moment(load, issue->node, "send", &written, moment->zone, false, moment);
    issue->send_local = written.civil;
    return 0;
}

static int read_send(struct load *load, struct issue *issue)
{
    struct call_moment moment = {.zone = load->config->site.timezone};
    const struct newsletter *newsletter = issue->newsletter;
    int rc = 0;

    if (newsletter && newsletter->timezone) {
        moment.zone = newsletter->timezone;
    }
    if (!moment.zone || !zone_is_known(moment.zone)) {
        moment.zone = "UTC"; /* the site's own check has said so */
    }
    if (!yaml_is_null(issue->send)) {
        issue->send_next =
            issue->send->kind == YAML_SCALAR && strcasecmp(issue->send->text, "next") == 0;
        if (!issue->send_next) {
            rc = read_moment(load, issue, &moment);
        } else if (newsletter && !newsletter->schedule) {
            yaml_problem(load->report, issue->node, "send",
                         "'send: next' needs a 'schedule' in %s", newsletter->file);
        }
    }
    issue->zone = moment.zone;
    issue->send_at = moment.at;
    return rc;
}

static void check_bodies(const struct load *load, const struct issue *issue)
{
    for (int i = 0; i < LANG_COUNT; i++) {
        const struct edition *edition = issue->item.editions[i];

        if (edition && strspn(edition->body, " \t\r\n") == edition->body_len) {
            yaml_problem(load->report, edition->node, "", "the issue has no text behind '---'");
        }
    }
}

static int issue_finish(struct load *load, void *facts)
{
    struct issue *issue = facts;
    int rc;

    find_newsletter(load, issue);
    rc = read_send(load, issue);
    check_bodies(load, issue);
    (void)config_check_projects(load->config, issue->funded_by, issue->funded_by_count, issue->node,
                                "funded_by", load->report);
    return rc;
}

const struct load_kind issue_kind = {
    .kind = ITEM_ISSUE,
    .size = sizeof(struct issue),
    .schema = &issue_schema,
    .texts = issue_texts,
    .finish = issue_finish,
};
