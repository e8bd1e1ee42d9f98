/* newsletters/<slug>.yaml. */
#include "teataja/config/newsletter.h"

#include <string.h>

#include "image.h"
#include "slug_file.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"

static const struct schema_choice blocks[] = {
    {"calls", BLOCK_CALLS, "open calls that the member has not been told of"},
    {"events", BLOCK_EVENTS, "coming events"},
    {"news", BLOCK_NEWS, "news, offers, partner searches"},
    {"deadlines", BLOCK_DEADLINES, "a table of what closes next"},
    {NULL, 0, NULL},
};

static const struct schema_choice composes[] = {
    {"by_hand", COMPOSE_BY_HAND, "an editor writes issues"},
    {"auto", COMPOSE_AUTO, "each member gets what is new to them; no issue is needed"},
    {NULL, 0, NULL},
};

const struct schema_choice newsletter_approvals[] = {
    {"none", APPROVAL_NONE, "it goes out as it is"},
    {"one", APPROVAL_ONE, "when one person approved it"},
    {"two", APPROVAL_TWO, "when two different people approved it"},
    {NULL, 0, NULL},
};

static const struct schema_field editor_fields[] = {
    {.key = "address",
     .type = SCHEMA_EMAIL,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(newsletter_editor, address),
     .help = "Where drafts are shown to.",
     .example = "editor@cluster.example"},
    {.key = "name",
     .type = SCHEMA_TEXT,
     SCHEMA_AT(newsletter_editor, name),
     .max = LIMIT_NAME,
     .help = "Whose address it is.",
     .example = "Kati Kask"},
    {.key = "language",
     .type = SCHEMA_LANGUAGE,
     SCHEMA_AT(newsletter_editor, language),
     .help = "Of mails to them; the site's first if not given.",
     .example = "en"},
};
static const struct schema editor_schema =
    SCHEMA_SHORT("editors", struct newsletter_editor, editor_fields, "address");

static const struct schema_field from_fields[] = {
    {.key = "name",
     .type = SCHEMA_BY_LANGUAGE,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(newsletter_from, name),
     .max = LIMIT_NAME,
     .help = "Whom the letter is from.",
     .example = "{ et: Loomeklaster, en: Creative Cluster }"},
    {.key = "address",
     .type = SCHEMA_EMAIL,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(newsletter_from, address),
     .help = "At your own domain, never at a free-mail provider.",
     .example = "letters@cluster.example"},
};
static const struct schema from_schema = SCHEMA("from", struct newsletter_from, from_fields);

static const struct schema_field brand_fields[] = {
    {.key = "color",
     .type = SCHEMA_COLOR,
     SCHEMA_AT(newsletter_brand, color),
     .fallback = "\"#1f5f8b\"",
     .help = "Of headings and buttons."},
    {.key = "logo",
     .type = SCHEMA_PATH,
     SCHEMA_AT(newsletter_brand, logo),
     .help = "PNG, JPEG or GIF of at most 30 KB; travels inside each letter.",
     .example = "assets/logo.png"},
    {.key = "logo_alt",
     .type = SCHEMA_BY_LANGUAGE,
     SCHEMA_AT(newsletter_brand, logo_alt),
     .max = LIMIT_NAME,
     .help = "What the logo says, for those who do not see it.",
     .example = "{ et: Loomeklaster, en: Creative Cluster }"},
    {.key = "header_image",
     .type = SCHEMA_PATH,
     SCHEMA_AT(newsletter_brand, header_image),
     .help = "Above the letter; as the logo.",
     .example = "assets/header.png"},
    {.key = "header_alt",
     .type = SCHEMA_BY_LANGUAGE,
     SCHEMA_AT(newsletter_brand, header_alt),
     .max = LIMIT_NAME,
     .help = "What the header image shows.",
     .example = "{ et: Narva kesklinn, en: The centre of Narva }"},
};
static const struct schema brand_schema = SCHEMA("brand", struct newsletter_brand, brand_fields);

static const struct schema_field schedule_fields[] = {
    {.key = "every",
     .type = SCHEMA_TEXT,
     SCHEMA_AT(newsletter_schedule, every),
     .max = LIMIT_NAME,
     .help = "In words: 'first Monday 09:00', 'weekday 08:30', '2 weeks on Tuesday 10:00', '1st "
             "and 15th 09:00', 'last Friday of the quarter 12:00'.",
     .example = "first Monday 09:00"},
    {.key = "rrule",
     .type = SCHEMA_TEXT,
     SCHEMA_AT(newsletter_schedule, rrule),
     .help = "Instead of 'every': a rule of RFC 5545; it needs a start.",
     .example = "\"FREQ=MONTHLY;BYDAY=1MO\""},
    {.key = "start",
     .type = SCHEMA_MOMENT,
     SCHEMA_AT(newsletter_schedule, start),
     .help = "The first day, from which weeks and months are counted; with 'rrule' the date and "
             "the time of day. In the newsletter's time zone if it names none.",
     .example = "2026-12-07"},
};
static const struct schema schedule_schema =
    SCHEMA_SHORT("schedule", struct newsletter_schedule, schedule_fields, "every");

static const struct schema_field newsletter_fields[] = {
    {.key = "name",
     .type = SCHEMA_BY_LANGUAGE,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(newsletter, name),
     .max = LIMIT_NAME,
     .help = "Of the letter, in each language or once for all.",
     .example = "{ et: Rahastuskiri, en: Funding letter }"},
    {.key = "description",
     .type = SCHEMA_BY_LANGUAGE,
     SCHEMA_AT(newsletter, description),
     .help = "One sentence on what it brings.",
     .example = "{ et: Toetused kord kuus, en: Grants once a month }"},
    {.key = "list",
     .type = SCHEMA_SLUG,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(newsletter, list),
     .help = "The list of teataja.yaml whose subscribers get it.",
     .example = "funding"},
    {.key = "from",
     .type = SCHEMA_MAP,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(newsletter, from),
     .sub = &from_schema,
     .help = "The sender."},
    {.key = "reply_to",
     .type = SCHEMA_EMAIL,
     SCHEMA_AT(newsletter, reply_to),
     .help = "Where answers of readers go, if not to the sender.",
     .example = "office@cluster.example"},
    {.key = "languages",
     .type = SCHEMA_LANGUAGE,
     .flags = SCHEMA_LIST | SCHEMA_OR_ONE | SCHEMA_UNIQUE | SCHEMA_NOT_EMPTY,
     SCHEMA_ARRAY(newsletter, languages, language_count),
     .help = "Languages it is sent in; those of the site if not given.",
     .example = "[et, ru, en]"},
    {.key = "fallback",
     .type = SCHEMA_LANGUAGE,
     SCHEMA_AT(newsletter, fallback),
     .help = "For members who read none of its languages; the first of them if not given.",
     .example = "en"},
    {.key = "timezone",
     .type = SCHEMA_ZONE,
     SCHEMA_AT(newsletter, timezone),
     .help = "Of its times; the site's if not given.",
     .example = "Europe/Tallinn"},
    {.key = "schedule",
     .type = SCHEMA_MAP,
     .flags = SCHEMA_POINTER,
     SCHEMA_AT(newsletter, schedule),
     .sub = &schedule_schema,
     .help = "When its issues that say 'send: next' go out, one each time.",
     .example = "first Monday 09:00"},
    {.key = "compose",
     .type = SCHEMA_CHOICE,
     SCHEMA_AT(newsletter, compose),
     .choices = composes,
     .fallback = "by_hand",
     .help = "What its letters are made of:"},
    {.key = "closing_soon",
     .type = SCHEMA_DURATION,
     SCHEMA_AT(newsletter, closing_soon),
     .min = CLOCK_DAY,
     .max = 366 * CLOCK_DAY,
     .fallback = "7 days",
     .help = "With 'compose: auto' and the block 'deadlines': how long before its deadline a call "
             "is reminded of, once."},
    {.key = "skip_if_empty",
     .type = SCHEMA_BOOL,
     SCHEMA_AT(newsletter, skip_if_empty),
     .fallback = "yes",
     .help = "With 'compose: auto': a member for whom there is nothing new gets no letter."},
    {.key = "min_items",
     .type = SCHEMA_INT,
     SCHEMA_AT(newsletter, min_items),
     .min = 1,
     .max = 100,
     .fallback = "1",
     .help = "With 'compose: auto': a member for whom fewer things are new waits for the next "
             "letter, unless a deadline is near."},
    {.key = "too_late_after",
     .type = SCHEMA_DURATION,
     SCHEMA_AT(newsletter, too_late_after),
     .min = CLOCK_MINUTE,
     .max = 30 * CLOCK_DAY,
     .fallback = "24 h",
     .help = "After downtime the latest letter that was missed goes out late, but not so late."},
    {.key = "approval",
     .type = SCHEMA_CHOICE,
     SCHEMA_AT(newsletter, approval),
     .choices = newsletter_approvals,
     .fallback = "none",
     .help = "Whether its letters wait for people, and the invitations to events of its list, "
             "unless those say otherwise:"},
    {.key = "approval_tolerance",
     .type = SCHEMA_PERCENT,
     SCHEMA_AT(newsletter, approval_tolerance),
     .fallback = "5%",
     .help = "By how much the number of recipients may change without a letter having to be "
             "approved anew; rounded up to whole people."},
    {.key = "draft_before",
     .type = SCHEMA_DURATION,
     .flags = SCHEMA_BEFORE,
     SCHEMA_AT(newsletter, draft_before),
     .min = CLOCK_MINUTE,
     .max = 30 * CLOCK_DAY,
     .help = "How long before its time a planned letter is made and shown to the editors. Without "
             "'approval' it then goes out unless it is rejected.",
     .example = "3 days"},
    {.key = "editors",
     .type = SCHEMA_MAP,
     .flags = SCHEMA_LIST | SCHEMA_OR_ONE,
     SCHEMA_ARRAY(newsletter, editors, editor_count),
     .sub = &editor_schema,
     .help = "Who is shown drafts: addresses, or addresses with a name and a language.",
     .example = "[editor@cluster.example]"},
    {.key = "audience",
     .type = SCHEMA_LINES,
     SCHEMA_AT(newsletter, audience),
     .max = LIMIT_SEGMENT,
     .help = "A segment that narrows the list's subscribers.",
     .example = "not tag = \"press\""},
    {.key = "brand",
     .type = SCHEMA_MAP,
     SCHEMA_AT(newsletter, brand),
     .sub = &brand_schema,
     .help = "How it looks."},
    {.key = "funded_by",
     .type = SCHEMA_SLUG,
     .flags = SCHEMA_LIST | SCHEMA_OR_ONE | SCHEMA_UNIQUE,
     SCHEMA_ARRAY(newsletter, funded_by, funded_by_count),
     .help = "Projects of projects/ that pay for it; each letter carries their notices.",
     .example = "[south-baltic-creative]"},
    {.key = "blocks",
     .type = SCHEMA_CHOICE,
     .flags = SCHEMA_LIST | SCHEMA_OR_ONE | SCHEMA_UNIQUE,
     SCHEMA_ARRAY(newsletter, blocks, block_count),
     .choices = blocks,
     .fallback = "[calls, events, news, deadlines]",
     .help = "What an issue may hold besides its text, in this order:"},
    {.key = "news_max_age",
     .type = SCHEMA_DURATION,
     SCHEMA_AT(newsletter, news_max_age),
     .min = CLOCK_DAY,
     .max = 3650 * CLOCK_DAY,
     .fallback = "60 days",
     .help = "Older news is left out."},
    {.key = "events_within",
     .type = SCHEMA_DURATION,
     SCHEMA_AT(newsletter, events_within),
     .min = CLOCK_DAY,
     .max = 3650 * CLOCK_DAY,
     .fallback = "90 days",
     .help = "Events that start later are left out."},
    {.key = "deadlines_within",
     .type = SCHEMA_DURATION,
     SCHEMA_AT(newsletter, deadlines_within),
     .min = CLOCK_DAY,
     .max = 3650 * CLOCK_DAY,
     .fallback = "60 days",
     .help = "How far ahead the table of deadlines looks."},
};
const struct schema newsletter_schema =
    SCHEMA("newsletters/<slug>.yaml", struct newsletter, newsletter_fields);

static bool has_text(const struct lang_text *text)
{
    return lang_text_get(text, LANG_NONE, LANG_NONE) != NULL;
}

static int check_image(struct arena *arena, const char *folder, struct newsletter_brand *brand,
                       const char *key, const char *path, const char *alt_key,
                       const struct lang_text *alt, struct report *report, struct err *err)
{
    const char *type;

    if (!path) {
        return 0;
    }
    if (!has_text(alt)) {
        yaml_problem(report, brand->node, key,
                     "%s: the image needs '%s', its text for those who "
                     "do not see it",
                     key, alt_key);
    }
    return image_check(arena, folder, path, brand->node, key, report, &type, err);
}

static void check_schedule(const struct newsletter_schedule *schedule, struct report *report)
{
    bool has_start = schedule != NULL && schedule->start.civil.year != 0;

    if (schedule == NULL) {
        return;
    }
    if (schedule->every != NULL && schedule->rrule != NULL) {
        yaml_problem(report, schedule->node, "rrule",
                     "schedule: either 'every' or 'rrule', not both");
    } else if (schedule->every == NULL && schedule->rrule == NULL) {
        yaml_problem(report, schedule->node, "",
                     "schedule: 'every' or 'rrule' is missing, such as { every: first Monday "
                     "09:00 }");
    } else if (schedule->rrule != NULL && (!has_start || schedule->start.civil.date_only)) {
        yaml_problem(report, schedule->node, "start",
                     "schedule: a rule needs a start with a time of day, such as start: "
                     "2026-12-07 09:00");
    } else if (schedule->every != NULL && has_start && !schedule->start.civil.date_only) {
        yaml_problem(report, schedule->node, "start",
                     "schedule: with 'every' the start is a date: the time of day stands in "
                     "'every'");
    }
}

static void check_editors(const struct newsletter *newsletter, struct report *report)
{
    for (size_t i = 0; i < newsletter->editor_count; i++) {
        for (size_t j = 0; j < i; j++) {
            const struct newsletter_editor *editor = &newsletter->editors[i];

            if (editor->address.text[0] != '\0' &&
                strcmp(editor->address.key, newsletter->editors[j].address.key) == 0) {
                yaml_problem(report, editor->node, "address", "editors: '%s' is named twice",
                             editor->address.text);
            }
        }
    }
}

static int check(struct arena *arena, const char *folder, struct newsletter *newsletter,
                 struct report *report, struct err *err)
{
    struct newsletter_brand *brand = &newsletter->brand;
    const struct address *from = &newsletter->from.address;
    int rc;

    if (from->text[0] && address_is_freemail(from)) {
        yaml_problem(report, newsletter->from.node, "address",
                     "address: letters cannot come from %s, where anybody can have a mailbox; use "
                     "an address of your own domain",
                     address_domain(from));
    }
    check_schedule(newsletter->schedule, report);
    check_editors(newsletter, report);
    rc = check_image(arena, folder, brand, "logo", brand->logo, "logo_alt", &brand->logo_alt,
                     report, err);
    return rc < 0 ? rc
                  : check_image(arena, folder, brand, "header_image", brand->header_image,
                                "header_alt", &brand->header_alt, report, err);
}

int newsletter_load(struct arena *arena, const char *folder, const char *name,
                    struct report *report, struct newsletter *out, struct err *err)
{
    size_t before = report_errors(report);
    int rc;

    memset(out, 0, sizeof(*out));
    rc = slug_file_read(arena, folder, "newsletters", name, &newsletter_schema, report, out,
                        &out->file, &out->slug, err);
    if (rc == 0) {
        rc = check(arena, folder, out, report, err);
    }
    if (rc < 0) {
        return rc;
    }
    return report_errors(report) > before ? report_check(report, err) : 0;
}

const char *newsletter_approval_name(int approval)
{
    return newsletter_approvals[approval].name;
}

bool newsletter_has_language(const struct newsletter *newsletter, enum language language)
{
    for (size_t i = 0; i < newsletter->language_count; i++) {
        if (newsletter->languages[i] == language) {
            return true;
        }
    }
    return false;
}
