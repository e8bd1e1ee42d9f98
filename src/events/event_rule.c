#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "event_series.h"
#include "teataja/base/limits.h"
#include "teataja/base/str.h"
#include "teataja/calendar/zone.h"

/* "20271231", "20271231T235959", "20271231T215959Z" */
static bool parse_until(const char *text, size_t len, struct civil *out, bool *utc)
{
    char plain[CIVIL_TEXT];
    const char *year = text;

    *utc = len == 16 && toupper((unsigned char)text[15]) == 'Z';
    if ((len != 8 && len != 15 && !*utc) || (len > 8 && toupper((unsigned char)text[8]) != 'T')) {
        return false;
    }
    if (strncmp(year, "2200", 4) > 0) {
        year = "2200"; /* calendars write 9999 for "never" */
    }
    snprintf(plain, sizeof(plain), "%.4s-%.2s-%.2s", year, text + 4, text + 6);
    if (len > 8) {
        snprintf(plain + 10, sizeof(plain) - 10, "T%.2s:%.2s:%.2s", text + 9, text + 11, text + 13);
    }
    return civil_parse(plain, out, NULL) == 0;
}

static void add_until(struct str *out, const struct civil *until, bool utc)
{
    str_addf(out, "UNTIL=%04d%02d%02d", until->year, until->month, until->day);
    if (!until->date_only) {
        str_addf(out, "T%02d%02d%02d%s", until->hour, until->minute, until->second, utc ? "Z" : "");
    }
}

/* What UNTIL must become. */
typedef int until_change(struct civil *until, bool utc, const char *tzid, bool all_day,
                         struct err *err);

static int to_local(struct civil *until, bool utc, const char *tzid, bool all_day, struct err *err)
{
    if (all_day) {
        until->date_only = true;
        return 0;
    }
    if (utc) {
        return zone_from_utc(tzid, civil_to_utc(until), until, err);
    }
    if (until->date_only) { /* that day still counts */
        until->date_only = false;
        until->hour = 23;
        until->minute = 59;
        until->second = 59;
    }
    return 0;
}

static int to_utc(struct civil *until, bool utc, const char *tzid, bool all_day, struct err *err)
{
    int64_t instant;
    int rc;

    if (all_day || utc) {
        return 0;
    }
    rc = zone_to_utc(tzid, until, &instant, NULL, err);
    if (rc == 0) {
        civil_from_utc(instant, until);
    }
    return rc;
}

static int rewrite(struct arena *arena, const char *text, until_change *change, const char *tzid,
                   bool all_day, bool utc_after, const char **out, struct err *err)
{
    struct str rule;
    const char *at = text;
    int rc = 0;

    str_init(&rule, LIMIT_VALUE);
    while (rc == 0) {
        size_t len = strcspn(at, ";");

        if (rule.len > 0 && len > 0) {
            str_add_char(&rule, ';');
        }
        if (len > 6 && strncasecmp(at, "UNTIL=", 6) == 0) {
            struct civil until;
            bool utc;

            if (!parse_until(at + 6, len - 6, &until, &utc)) {
                rc = err_set(err, ERR_INVALID, "UNTIL=%.*s is not a date or a time", (int)(len - 6),
                             at + 6);
                break;
            }
            rc = change(&until, utc, tzid, all_day, err);
            add_until(&rule, &until, utc_after && !all_day);
        } else {
            for (size_t i = 0; i < len; i++) {
                str_add_char(&rule, (char)toupper((unsigned char)at[i]));
            }
        }
        if (at[len] == '\0') {
            break;
        }
        at += len + 1;
    }
    if (rc == 0) {
        rc = str_check(&rule, err);
    }
    if (rc == 0) {
        *out = arena_strndup(arena, rule.data, rule.len);
        rc = *out == NULL ? err_nomem(err) : 0;
    }
    str_release(&rule);
    return rc;
}

int event_rule_localize(struct arena *arena, const char *text, const char *tzid, bool all_day,
                        const char **out, struct err *err)
{
    return rewrite(arena, text, to_local, tzid, all_day, false, out, err);
}

int event_rule_globalize(struct arena *arena, const char *text, const char *tzid, bool all_day,
                         const char **out, struct err *err)
{
    return rewrite(arena, text, to_utc, tzid, all_day, true, out, err);
}
