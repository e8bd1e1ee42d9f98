#include "ical_value.h"

#include <libical/ical.h>
#include <string.h>
#include <strings.h>

#include "teataja/base/limits.h"
#include "teataja/base/quantity.h"
#include "teataja/base/utf8.h"

/* "DTSTART '2027' is not a date or a time". */
static int not_a(const char *line, const char *what, struct err *err)
{
    size_t name = strcspn(line, ";:");
    const char *value = strrchr(line, ':');
    size_t len;

    value = value != NULL ? value + 1 : "";
    len = utf8_prefix(value, strlen(value), 40);
    return err_set(err, ERR_INVALID, "%.*s '%.*s%s' is not %s", (int)name, line, (int)len, value,
                   value[len] != '\0' ? "…" : "", what);
}

/* The property of a line, for icalproperty_free; NULL if libical finds it wrong. */
static icalproperty *read_property(const char *line)
{
    icalproperty *property;

    icalerror_set_errors_are_fatal(0);
    icalerror_clear_errno();
    property = icalproperty_new_from_string(line);
    if (property != NULL && icalproperty_isa(property) == ICAL_XLICERROR_PROPERTY) {
        icalproperty_free(property);
        property = NULL;
    }
    return property;
}

/* A parameter's text without the quotes that may stand around it; *out is NULL
 * if there is none. */
static int read_parameter(struct arena *arena, icalproperty *property, const char *name,
                          const char **out, struct err *err)
{
    char *text = icalproperty_get_parameter_as_string_r(property, name);
    struct str clean;
    int rc = 0;

    *out = NULL;
    if (text == NULL) {
        return 0;
    }
    str_init(&clean, LIMIT_ICS_LINE);
    for (const char *at = text; *at != '\0'; at++) {
        if (*at != '"' && (unsigned char)*at >= 0x20) {
            str_add_char(&clean, *at);
        }
    }
    rc = str_check(&clean, err);
    if (rc == 0 && clean.len > 0) {
        *out = arena_strndup(arena, clean.data, clean.len);
        rc = *out == NULL ? err_nomem(err) : 0;
    }
    str_release(&clean);
    icalmemory_free_buffer(text);
    return rc;
}

static bool to_civil(struct icaltimetype time, struct civil *out)
{
    if (time.year < 1600 || time.year > 2200 || time.month < 1 || time.month > 12 || time.day < 1 ||
        time.day > civil_days_in_month(time.year, time.month) || time.hour < 0 || time.hour > 23 ||
        time.minute < 0 || time.minute > 59 || time.second < 0 || time.second > 60) {
        return false;
    }
    memset(out, 0, sizeof(*out));
    out->year = time.year;
    out->month = time.month;
    out->day = time.day;
    out->date_only = time.is_date != 0;
    if (!out->date_only) {
        out->hour = time.hour;
        out->minute = time.minute;
        out->second = time.second == 60 ? 59 : time.second; /* a leap second */
    }
    return true;
}

/* The end of a PERIOD: written, or its start and a duration. */
static bool period_end(struct icalperiodtype period, struct civil *out)
{
    if (!icaltime_is_null_time(period.end)) {
        return to_civil(period.end, out);
    }
    return to_civil(icaltime_add(period.start, period.duration), out);
}

/* libical reads any digits of a duration into an int; quantity.h bounds them. */
static bool period_is_bounded(const char *line)
{
    const char *value = strrchr(line, ':'); /* a PERIOD has none */
    const char *slash = value != NULL ? strchr(value, '/') : NULL;
    struct period period;

    if (slash == NULL || (slash[1] != 'P' && slash[1] != '+' && slash[1] != '-')) {
        return true;
    }
    return quantity_parse_period(slash + 1, false, &period, NULL) == 0 && period.days >= 0 &&
           period.micros >= 0;
}

int ical_value_date(struct arena *arena, const char *line, struct ical_raw_time *start,
                    struct ical_raw_time *end, bool *has_end, struct err *err)
{
    icalproperty *property = NULL;
    icalvalue *value;
    bool good = false;
    int rc;

    memset(start, 0, sizeof(*start));
    memset(end, 0, sizeof(*end));
    *has_end = false;
    property = period_is_bounded(line) ? read_property(line) : NULL;
    value = property != NULL ? icalproperty_get_value(property) : NULL;
    switch (value != NULL ? icalvalue_isa(value) : ICAL_NO_VALUE) {
    case ICAL_DATE_VALUE:
    case ICAL_DATETIME_VALUE:
    case ICAL_DATETIMEDATE_VALUE: {
        struct icaltimetype time = icalvalue_get_datetime(value);

        good = to_civil(time, &start->civil);
        start->utc = icaltime_is_utc(time);
        break;
    }
    case ICAL_DATETIMEPERIOD_VALUE:
    case ICAL_PERIOD_VALUE: {
        struct icaldatetimeperiodtype either = icalvalue_get_datetimeperiod(value);

        if (!icaltime_is_null_time(either.time)) {
            good = to_civil(either.time, &start->civil);
            start->utc = icaltime_is_utc(either.time);
            break;
        }
        good =
            to_civil(either.period.start, &start->civil) && period_end(either.period, &end->civil);
        start->utc = icaltime_is_utc(either.period.start);
        end->utc = start->utc;
        *has_end = true;
        break;
    }
    default:
        break;
    }
    if (!good) {
        rc = not_a(line, "a date or a time", err);
        goto out;
    }
    rc = read_parameter(arena, property, "TZID", &start->tzid, err);
    end->tzid = start->tzid;
out:
    if (property != NULL) {
        icalproperty_free(property);
    }
    return rc;
}

int ical_value_time(struct arena *arena, const char *line, struct ical_raw_time *out,
                    struct err *err)
{
    struct ical_raw_time end;
    bool has_end;
    int rc = ical_value_date(arena, line, out, &end, &has_end, err);

    if (rc == 0 && has_end) {
        return not_a(line, "a date or a time", err);
    }
    return rc;
}

/* Copies without controls but LF; see ical_value_text. */
static int clean_text(struct arena *arena, const char *text, bool one_line, const char **out,
                      struct err *err)
{
    struct str clean;
    bool gap = false;
    int rc;

    str_init(&clean, LIMIT_ICS_LINE);
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;

        if (one_line && (c <= ' ' || c == 0x7f)) {
            gap = clean.len > 0;
            continue;
        }
        if ((c < ' ' && c != '\n') || c == 0x7f) {
            if (c == '\t') {
                str_add_char(&clean, ' ');
            }
            continue;
        }
        if (gap) {
            str_add_char(&clean, ' ');
            gap = false;
        }
        str_add_char(&clean, *at);
    }
    str_trim_end(&clean);
    rc = str_check(&clean, err);
    *out = NULL;
    if (rc == 0 && clean.len > 0) {
        *out = arena_strndup(arena, clean.data, clean.len);
        rc = *out == NULL ? err_nomem(err) : 0;
    }
    str_release(&clean);
    return rc;
}

int ical_value_text(struct arena *arena, const char *line, bool one_line, const char **out,
                    struct err *err)
{
    icalproperty *property = read_property(line);
    icalvalue *value = property != NULL ? icalproperty_get_value(property) : NULL;
    int rc;

    *out = NULL;
    if (value == NULL) {
        rc = not_a(line, "a text", err);
    } else if (icalvalue_isa(value) == ICAL_TEXT_VALUE) {
        rc = clean_text(arena, icalvalue_get_text(value), one_line, out, err);
    } else {
        char *text = icalvalue_as_ical_string_r(value);

        rc = clean_text(arena, text != NULL ? text : "", one_line, out, err);
        icalmemory_free_buffer(text);
    }
    if (property != NULL) {
        icalproperty_free(property);
    }
    return rc;
}

int ical_value_person(struct arena *arena, const char *line, const char **address,
                      const char **name, struct err *err)
{
    icalproperty *property = read_property(line);
    icalvalue *value = property != NULL ? icalproperty_get_value(property) : NULL;
    char *text = value != NULL ? icalvalue_as_ical_string_r(value) : NULL;
    int rc;

    *address = NULL;
    *name = NULL;
    if (text == NULL) {
        rc = not_a(line, "an address", err);
        goto out;
    }
    rc = clean_text(arena, strncasecmp(text, "mailto:", 7) == 0 ? text + 7 : text, true, address,
                    err);
    if (rc == 0) {
        rc = read_parameter(arena, property, "CN", name, err);
    }
out:
    if (text != NULL) {
        icalmemory_free_buffer(text);
    }
    if (property != NULL) {
        icalproperty_free(property);
    }
    return rc;
}
