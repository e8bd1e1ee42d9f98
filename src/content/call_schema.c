/* The keys of calls/<slug>.md. */
#include <stddef.h>

#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/content/call.h"

#define FIELD(type, member) .offset = offsetof(struct type, member)
#define ARRAY(type, member, counter)                                                               \
    .offset = offsetof(struct type, member), .count_offset = offsetof(struct type, counter)

#define SOME (SCHEMA_LIST | SCHEMA_OR_ONE | SCHEMA_UNIQUE)

static const struct schema_choice statuses[] = {
    {"planned", CALL_PLANNED, "announced; 'opens' says when"},
    {"open", CALL_OPEN, "open as its dates say"},
    {"closed", CALL_CLOSED, "closed, whatever its dates say"},
    {"exhausted", CALL_EXHAUSTED, "the budget is spent"},
    {"cancelled", CALL_CANCELLED, "will not take place"},
    {NULL, 0, NULL},
};

static const struct schema_choice untils[] = {
    {"budget_spent", UNTIL_SPENT, "open until somebody writes 'status: exhausted'"},
    {NULL, 0, NULL},
};

static const struct schema_choice holidays[] = {
    {"none", HOLIDAY_NONE, "stays where it is"},
    {"next_workday", HOLIDAY_NEXT_WORKDAY, "moves forward"},
    {"previous_workday", HOLIDAY_PREVIOUS_WORKDAY, "moves back"},
    {NULL, 0, NULL},
};

static const struct schema_field rule_fields[] = {
    {.key = "rrule", .type = SCHEMA_TEXT, FIELD(call_rule, rrule),
     .help = "A recurrence rule (RFC 5545) that yields the deadlines' dates.",
     .example = "\"FREQ=YEARLY;BYMONTH=2,5,8,11;BYMONTHDAY=20\""},
    {.key = "dates", .type = SCHEMA_MOMENT, .flags = SCHEMA_LIST | SCHEMA_OR_ONE | SCHEMA_NOT_EMPTY,
     ARRAY(call_rule, dates, date_count), .help = "The deadlines one by one, instead of a rule.",
     .example = "[2027-02-20, 2027-05-20]"},
    {.key = "at", .type = SCHEMA_TIME, FIELD(call_rule, at),
     .help = "Time of day, perhaps with its zone; without it the whole day counts.",
     .example = "\"17:00 Europe/Tallinn\""},
    {.key = "if_holiday", .type = SCHEMA_CHOICE, FIELD(call_rule, if_holiday), .choices = holidays,
     .help = "Where a deadline goes that falls on a weekend or public holiday.",
     .example = "next_workday"},
    {.key = "start", .type = SCHEMA_DATE, FIELD(call_rule, start),
     .help = "First day that the rule counts from; needed with INTERVAL or COUNT.",
     .example = "2026-01-01"},
    {.key = "opens_before", .type = SCHEMA_PERIOD, FIELD(call_rule, opens_before),
     .min = CLOCK_MINUTE, .max = 3650 * CLOCK_DAY,
     .help = "How long before its deadline a round opens; when the one before it closes if not "
             "given.",
     .example = "30 days"},
};
static const struct schema rule_schema =
    SCHEMA_SHORT("rounds", struct call_rule, rule_fields, "dates");

static const struct schema_field move_fields[] = {
    {.key = "from", .type = SCHEMA_DATE, .flags = SCHEMA_REQUIRED, FIELD(call_move, from),
     .help = "The round's date before.", .example = "2027-02-20"},
    {.key = "to", .type = SCHEMA_MOMENT, .flags = SCHEMA_REQUIRED, FIELD(call_move, to),
     .help = "Its deadline now.", .example = "2027-03-01"},
};
static const struct schema move_schema = SCHEMA("moved", struct call_move, move_fields);

static const struct schema_field stage_fields[] = {
    {.key = "name", .type = SCHEMA_BY_LANGUAGE, FIELD(call_stage, name), .max = LIMIT_NAME,
     .help = "What is handed in.", .example = "{ en: Outline, et: Eeltaotlus }"},
    {.key = "deadline", .type = SCHEMA_MOMENT, .flags = SCHEMA_REQUIRED,
     FIELD(call_stage, written), .help = "When it must be handed in.",
     .example = "2027-01-23 17:00 Europe/Brussels"},
};
static const struct schema stage_schema =
    SCHEMA_SHORT("stages", struct call_stage, stage_fields, "deadline");

static const struct schema_field amount_fields[] = {
    {.key = "min", .type = SCHEMA_INT, FIELD(call_amount, min), .min = 1,
     .max = INT64_C(1000000000000), .help = "Least that is granted.", .example = "500"},
    {.key = "max", .type = SCHEMA_INT, FIELD(call_amount, max), .min = 1,
     .max = INT64_C(1000000000000), .help = "Most that is granted.", .example = "5000"},
    {.key = "currency", .type = SCHEMA_TEXT, FIELD(call_amount, currency), .max = 3,
     .fallback = "EUR", .help = "ISO 4217 code."},
    {.key = "rate", .type = SCHEMA_PERCENT, FIELD(call_amount, rate),
     .help = "Most of the costs that is paid.", .example = "80%"},
    {.key = "own_share", .type = SCHEMA_PERCENT, FIELD(call_amount, own_share),
     .help = "Least of the costs that the applicant bears.", .example = "20%"},
};
static const struct schema amount_schema =
    SCHEMA_SHORT("amount", struct call_amount, amount_fields, "max");

static const struct schema_field contact_fields[] = {
    {.key = "name", .type = SCHEMA_TEXT, FIELD(call_contact, name), .max = LIMIT_NAME,
     .help = "Who answers questions.", .example = "Advice desk"},
    {.key = "email", .type = SCHEMA_EMAIL, FIELD(call_contact, email),
     .help = "An address for questions.", .example = "grants@funder.example"},
    {.key = "phone", .type = SCHEMA_TEXT, FIELD(call_contact, phone), .max = 60,
     .help = "A telephone number.", .example = "+372 555 0100"},
    {.key = "url", .type = SCHEMA_URL, FIELD(call_contact, url), .help = "A page to ask on.",
     .example = "https://funder.example/contact"},
};
static const struct schema contact_schema =
    SCHEMA_SHORT("contact", struct call_contact, contact_fields, "name");

static const struct schema_field call_fields[] = {
    {.key = "title", .type = SCHEMA_TEXT, .flags = SCHEMA_REQUIRED | SCHEMA_EDITION,
     FIELD(call, title), .max = LIMIT_SUBJECT, .help = "What the call is called.",
     .example = "Project grants"},
    {.key = "funder", .type = SCHEMA_TEXT, .flags = SCHEMA_EDITION, FIELD(call, funder),
     .max = LIMIT_NAME, .help = "Who pays.", .example = "Culture Fund"},
    {.key = "summary", .type = SCHEMA_LINES, .flags = SCHEMA_EDITION, FIELD(call, summary),
     .max = LIMIT_VALUE, .help = "One or two sentences; the text's first paragraph if not given.",
     .example = "For projects that begin within a year."},
    {.key = "url", .type = SCHEMA_URL, .flags = SCHEMA_EDITION, FIELD(call, url),
     .help = "Where to read all of it.", .example = "https://funder.example/grants"},
    {.key = "deadline", .type = SCHEMA_TEXT, FIELD(call, deadline_text),
     .help = "Last moment to apply, perhaps with its zone; a date counts to its end. 'none' if "
             "it is always open.",
     .example = "2027-01-23 17:00 Europe/Brussels"},
    {.key = "moved_from", .type = SCHEMA_TEXT, FIELD(call, moved_from_text),
     .help = "The deadline before the funder moved it.", .example = "2027-01-10 17:00"},
    {.key = "rounds", .type = SCHEMA_MAP, .flags = SCHEMA_POINTER, FIELD(call, rule),
     .sub = &rule_schema, .help = "Several deadlines, as a list of dates or by a rule."},
    {.key = "moved", .type = SCHEMA_MAP, .flags = SCHEMA_LIST, ARRAY(call, moves, move_count),
     .sub = &move_schema, .help = "Rounds that the funder moved."},
    {.key = "stages", .type = SCHEMA_MAP, .flags = SCHEMA_LIST | SCHEMA_NOT_EMPTY,
     ARRAY(call, stages, stage_count), .sub = &stage_schema,
     .help = "Deadlines one after another: the first for all, the others for those invited."},
    {.key = "until", .type = SCHEMA_CHOICE, FIELD(call, until), .choices = untils,
     .help = "What else ends the call.", .example = "budget_spent"},
    {.key = "opens", .type = SCHEMA_TEXT, FIELD(call, opens_text),
     .help = "First day, or the quarter if no more is known.", .example = "2026-Q4"},
    {.key = "status", .type = SCHEMA_CHOICE, FIELD(call, status), .choices = statuses,
     .help = "What the dates do not say.", .example = "open"},
    {.key = "country", .type = SCHEMA_COUNTRY, FIELD(call, country),
     .help = "Whose public holidays count; the site's if not given.", .example = "PL"},
    {.key = "amount", .type = SCHEMA_MAP, .flags = SCHEMA_LIST | SCHEMA_OR_ONE,
     ARRAY(call, amounts, amount_count), .sub = &amount_schema,
     .help = "What one can get; a list if there are several sizes."},
    {.key = "applicants", .type = SCHEMA_TEXT, .flags = SOME,
     ARRAY(call, applicants, applicant_count),
     .help = "Kinds of members who may apply; all if not given.", .example = "[individual]"},
    {.key = "tell", .type = SCHEMA_TEXT, .flags = SOME, ARRAY(call, tell, tell_count),
     .help = "Kinds who should know although they cannot apply.", .example = "[individual]"},
    {.key = "sectors", .type = SCHEMA_TEXT, .flags = SOME, ARRAY(call, sectors, sector_count),
     .help = "Sectors it is for; all if not given.", .example = "[music, design]"},
    {.key = "regions", .type = SCHEMA_TEXT, .flags = SOME,
     ARRAY(call, region_names, region_name_count),
     .help = "Codes or names of regions or groups it is for; all if not given.",
     .example = "[EE00A, south-baltic]"},
    {.key = "apply_url", .type = SCHEMA_URL, FIELD(call, apply_url), .help = "The form.",
     .example = "https://funder.example/apply"},
    {.key = "apply_languages", .type = SCHEMA_LANGUAGE, .flags = SOME,
     ARRAY(call, apply_languages, apply_language_count),
     .help = "Languages that one can apply in.", .example = "[et, en]"},
    {.key = "contact", .type = SCHEMA_MAP, FIELD(call, contact), .sub = &contact_schema,
     .help = "Who answers questions."},
    {.key = "info_event", .type = SCHEMA_SLUG, FIELD(call, info_event),
     .help = "The event at which it is explained.", .example = "info-day-2027"},
};

const struct schema call_schema = SCHEMA("calls/*.md", struct call, call_fields);
