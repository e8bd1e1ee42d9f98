/* Calendars of others: what a source may say. See teataja/config/source.h. */
#include "site_source.h"

#include <string.h>
#include <strings.h>

#include "teataja/base/clock.h"
#include "teataja/base/suggest.h"

static const struct schema_choice urls[] = {
    {"https", 0, NULL}, {"http", 0, NULL}, {"webcal", 0, NULL}, {NULL, 0, NULL}};

static const struct schema_choice holds[] = {
    {"events", SITE_SOURCE_EVENTS, "its events are events"},
    {"deadlines", SITE_SOURCE_DEADLINES, "its events and to-dos are deadlines of calls"},
    {"both", SITE_SOURCE_BOTH, "its events are events, its to-dos are deadlines"},
    {NULL, 0, NULL},
};

static const struct schema_field source_fields[] = {
    {.key = "name", .type = SCHEMA_SLUG, .flags = SCHEMA_IS_KEY, SCHEMA_AT(site_source, name)},
    {.key = "url",
     .type = SCHEMA_URL,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(site_source, url),
     .choices = urls,
     .help = "Where the calendar is; webcal: means https.",
     .example = "https://partner.example/calendar.ics"},
    {.key = "holds",
     .type = SCHEMA_CHOICE,
     SCHEMA_AT(site_source, holds),
     .choices = holds,
     .fallback = "events",
     .help = "What is taken from it:"},
    {.key = "every",
     .type = SCHEMA_DURATION,
     SCHEMA_AT(site_source, every),
     .min = 5 * CLOCK_MINUTE,
     .max = 30 * CLOCK_DAY,
     .fallback = "6 h",
     .help = "How long after a poll the next one is."},
    {.key = "rrule",
     .type = SCHEMA_TEXT,
     SCHEMA_AT(site_source, rrule),
     .help = "Instead of 'every': a recurrence rule (RFC 5545) in the site's time zone, counted "
             "from 1 January 2024.",
     .example = "\"FREQ=DAILY;BYHOUR=6,18\""},
    {.key = "language",
     .type = SCHEMA_LANGUAGE,
     SCHEMA_AT(site_source, language),
     .help = "Of its texts; the site's first if not given.",
     .example = "en"},
    {.key = "funder",
     .type = SCHEMA_TEXT,
     SCHEMA_AT(site_source, funder),
     .max = LIMIT_NAME,
     .help = "Of deadlines: who pays.",
     .example = "Culture Fund"},
    {.key = "list",
     .type = SCHEMA_SLUG,
     SCHEMA_AT(site_source, list),
     .help = "Whose members may be invited to its events.",
     .example = "funding"},
    {.key = "max_size",
     .type = SCHEMA_SIZE,
     SCHEMA_AT(site_source, max_size),
     .min = 1024,
     .max = LIMIT_ICS,
     .fallback = "2 MiB",
     .help = "Most bytes of the calendar, after decompression."},
    {.key = "timeout",
     .type = SCHEMA_DURATION,
     SCHEMA_AT(site_source, timeout),
     .min = CLOCK_SECOND,
     .max = 10 * CLOCK_MINUTE,
     .fallback = "60 s",
     .help = "How long a poll may take."},
    {.key = "user",
     .type = SCHEMA_TEXT,
     SCHEMA_AT(site_source, user),
     .max = LIMIT_NAME,
     .help = "Login name; sent to the host of the URL only, over TLS only.",
     .example = "cluster"},
    {.key = "password",
     .type = SCHEMA_SECRET,
     SCHEMA_AT(site_source, password),
     .help = "Where the password is: file:PATH or env:NAME.",
     .example = "env:PARTNER_PASSWORD"},
    {.key = "ca_file",
     .type = SCHEMA_FILE,
     SCHEMA_AT(site_source, ca_file),
     .help = "Certificates to trust instead of the system's.",
     .example = "/etc/ssl/private-ca.pem"},
    {.key = "allow_http",
     .type = SCHEMA_BOOL,
     SCHEMA_AT(site_source, allow_http),
     .fallback = "false",
     .help = "Also fetch without TLS: anybody on the way can then change what comes."},
    {.key = "allow_private",
     .type = SCHEMA_BOOL,
     SCHEMA_AT(site_source, allow_private),
     .fallback = "false",
     .help = "Also fetch from addresses that are not on the public internet, whichever."},
    {.key = "allow",
     .type = SCHEMA_TEXT,
     .flags = SCHEMA_LIST | SCHEMA_OR_ONE,
     SCHEMA_ARRAY(site_source, allow, allow_count),
     .max = 60,
     .help = "Networks to fetch from although they are not public: for a calendar in the office.",
     .example = "[10.20.0.0/16]"},
};
const struct schema site_source_schema =
    SCHEMA_SHORT("source", struct site_source, source_fields, "url");

static void check_list(const struct site *site, const struct site_source *source,
                       struct report *report)
{
    struct suggest suggest;

    if (source->list == NULL || site_list_find(site, source->list) != NULL) {
        return;
    }
    suggest_start(&suggest, source->list);
    for (size_t i = 0; i < site->list_count; i++) {
        suggest_offer(&suggest, site->lists[i].slug);
    }
    yaml_problem(report, source->node, "list", "no list '%s'%s", source->list,
                 suggest_hint(&suggest));
}

static void check_source(const struct site *site, const struct site_source *source,
                         struct report *report)
{
    bool plain = source->url != NULL && strncasecmp(source->url, "http:", 5) == 0;

    if (source->name != NULL && strlen(source->name) > SITE_SOURCE_NAME) {
        yaml_problem(report, source->node, "", "the source's name is longer than %d characters",
                     SITE_SOURCE_NAME);
    }
    if (plain && !source->allow_http) {
        yaml_problem(report, source->node, "url",
                     "url: without TLS anybody on the way can change what comes; write https, or "
                     "'allow_http: true'");
    }
    if (schema_has(source->node, "every") && source->rrule != NULL) {
        yaml_problem(report, source->node, "rrule", "a source has 'every' or 'rrule', not both");
    }
    if (schema_has(source->node, "user") != schema_has(source->node, "password")) {
        yaml_problem(report, source->node, source->user != NULL ? "user" : "password",
                     "a login needs both 'user' and 'password'");
    } else if (source->user != NULL && plain) {
        yaml_problem(report, source->node, "user", "user: a password is sent over TLS only");
    }
    if (source->language != LANG_NONE && !site_has_language(site, source->language)) {
        yaml_problem(report, source->node, "language", "%s is not a language of this site",
                     language_name(source->language));
    }
    check_list(site, source, report);
}

void site_source_settle(struct site *site, struct report *report)
{
    for (size_t i = 0; i < site->source_count; i++) {
        struct site_source *source = &site->sources[i];

        check_source(site, source, report);
        if (source->language == LANG_NONE && site->language_count > 0) {
            source->language = site->languages[0];
        }
        if (source->funder == NULL) {
            source->funder = source->name;
        }
    }
}

const struct site_source *site_source_find(const struct site *site, const char *name)
{
    for (size_t i = 0; name != NULL && i < site->source_count; i++) {
        if (site->sources[i].name != NULL && strcmp(site->sources[i].name, name) == 0) {
            return &site->sources[i];
        }
    }
    return NULL;
}
