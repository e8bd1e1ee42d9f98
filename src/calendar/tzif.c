#include "tzif.h"

#include <string.h>

#include "teataja/base/civil.h"
#include "teataja/base/mem.h"

#define DAY_SECONDS 86400
#define TZIF_HEADER 44
#define TZIF_MAX 10000 /* transitions or types that no real file comes near */

static int damaged(struct err *err)
{
    return err_set(err, ERR_CORRUPT, "the time zone file is damaged");
}

static uint32_t read32(const unsigned char *data)
{
    return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

static int64_t read64(const unsigned char *data)
{
    return (int64_t)((uint64_t)read32(data) << 32 | read32(data + 4));
}

/* The six counts of a header, in the file's order. */
struct tzif_counts {
    size_t is_utc, is_standard, leap, transitions, types, letters;
};

static int read_counts(const unsigned char *data, size_t len, struct tzif_counts *counts,
                       struct err *err)
{
    if (len < TZIF_HEADER || memcmp(data, "TZif", 4) != 0 || data[4] < '2') {
        return damaged(err);
    }
    counts->is_utc = read32(data + 20);
    counts->is_standard = read32(data + 24);
    counts->leap = read32(data + 28);
    counts->transitions = read32(data + 32);
    counts->types = read32(data + 36);
    counts->letters = read32(data + 40);
    if (counts->is_utc > TZIF_MAX || counts->is_standard > TZIF_MAX || counts->leap > TZIF_MAX ||
        counts->transitions > TZIF_MAX || counts->types > 256 || counts->types == 0 ||
        counts->letters > TZIF_MAX) {
        return damaged(err);
    }
    return 0;
}

/* Bytes of a data block whose instants have `width` bytes. */
static size_t block_size(const struct tzif_counts *counts, size_t width)
{
    return counts->transitions * (width + 1) + counts->types * 6 + counts->letters +
           counts->leap * (width + 4) + counts->is_standard + counts->is_utc;
}

static int read_block(const unsigned char *data, const struct tzif_counts *counts, struct tzif *out,
                      struct err *err)
{
    const unsigned char *index = data + counts->transitions * 8;
    const unsigned char *types = index + counts->transitions;

    out->at = mem_alloc(counts->transitions + 1, sizeof(*out->at));
    out->offset = mem_alloc(counts->transitions + 1, sizeof(*out->offset));
    if (!out->at || !out->offset) {
        return err_nomem(err);
    }
    for (size_t i = 0; i < counts->types; i++) {
        int32_t offset = (int32_t)read32(types + i * 6);

        if (offset < -2 * DAY_SECONDS || offset > 2 * DAY_SECONDS) {
            return damaged(err);
        }
    }
    out->first_offset = (int32_t)read32(types);
    for (size_t i = 0; i < counts->transitions; i++) {
        out->at[i] = read64(data + i * 8);
        if (index[i] >= counts->types || (i > 0 && out->at[i] <= out->at[i - 1])) {
            return damaged(err);
        }
        out->offset[i] = (int32_t)read32(types + (size_t)index[i] * 6);
    }
    out->count = counts->transitions;
    return 0;
}

/* A cursor over a footer; every reader moves it and returns false when the text
 * is not what it wants. */
static bool read_number(const char **text, int max, int *out)
{
    const char *start = *text;

    *out = 0;
    while (**text >= '0' && **text <= '9' && *out <= max) {
        *out = *out * 10 + (**text - '0');
        (*text)++;
    }
    return *text > start && *out <= max;
}

static bool read_name(const char **text)
{
    size_t len;

    if (**text == '<') {
        len = strcspn(*text, ">");
        if ((*text)[len] != '>') {
            return false;
        }
        *text += len + 1;
        return true;
    }
    len = strspn(*text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
    *text += len;
    return len >= 3;
}

/* "[+-]hh[:mm[:ss]]" in seconds. */
static bool read_time(const char **text, int max_hours, int *out)
{
    int sign = 1;
    int part;

    if (**text == '-' || **text == '+') {
        sign = **text == '-' ? -1 : 1;
        (*text)++;
    }
    if (!read_number(text, max_hours, &part)) {
        return false;
    }
    *out = part * 3600;
    for (int unit = 60; unit >= 1 && **text == ':'; unit /= 60) {
        (*text)++;
        if (!read_number(text, 59, &part)) {
            return false;
        }
        *out += part * unit;
    }
    *out *= sign;
    return true;
}

static bool read_rule(const char **text, struct tzif_rule *rule)
{
    if (**text != ',') {
        return false;
    }
    (*text)++;
    rule->seconds = 2 * 3600;
    if (**text == 'M') {
        rule->kind = TZIF_MONTH;
        (*text)++;
        if (!read_number(text, 12, &rule->month) || *(*text)++ != '.' ||
            !read_number(text, 5, &rule->week) || *(*text)++ != '.' ||
            !read_number(text, 6, &rule->day) || rule->month < 1 || rule->week < 1) {
            return false;
        }
    } else {
        rule->kind = **text == 'J' ? TZIF_JULIAN : TZIF_DAY;
        *text += **text == 'J';
        if (!read_number(text, 365, &rule->day)) {
            return false;
        }
    }
    if (**text == '/') {
        (*text)++;
        return read_time(text, 167, &rule->seconds);
    }
    return true;
}

/* A POSIX TZ string: "EET-2EEST,M3.5.0/3,M10.5.0/4". Its offsets count west. */
static bool read_footer(const char *text, struct tzif *out)
{
    int west;

    if (!read_name(&text) || !read_time(&text, 24, &west)) {
        return false;
    }
    out->standard = -west;
    out->footer = true;
    if (*text == '\0') {
        return true;
    }
    if (!read_name(&text)) {
        return false;
    }
    out->footer_dst = true;
    out->daylight = out->standard + 3600;
    if (*text != ',') {
        if (!read_time(&text, 24, &west)) {
            return false;
        }
        out->daylight = -west;
    }
    return read_rule(&text, &out->start) && read_rule(&text, &out->end) && *text == '\0';
}

int tzif_parse(const unsigned char *data, size_t len, struct tzif *out, struct err *err)
{
    struct tzif_counts counts = {0};
    const unsigned char *end = data + len;
    char footer[128];
    size_t size;
    int rc;

    memset(out, 0, sizeof(*out));
    rc = read_counts(data, len, &counts, err);
    if (rc < 0) {
        return rc;
    }
    size = TZIF_HEADER + block_size(&counts, 4);
    if (len < size) {
        return damaged(err);
    }
    data += size;
    rc = read_counts(data, (size_t)(end - data), &counts, err);
    if (rc < 0) {
        return rc;
    }
    data += TZIF_HEADER;
    size = block_size(&counts, 8);
    if ((size_t)(end - data) < size + 2 || data[size] != '\n' || end[-1] != '\n') {
        return damaged(err);
    }
    rc = read_block(data, &counts, out, err);
    if (rc < 0) {
        return rc;
    }
    data += size + 1;
    len = (size_t)(end - data) - 1;
    if (len >= sizeof(footer)) {
        return damaged(err);
    }
    memcpy(footer, data, len);
    footer[len] = '\0';
    return len == 0 || read_footer(footer, out) ? 0 : damaged(err);
}

void tzif_free(struct tzif *zone)
{
    mem_free(zone->at);
    mem_free(zone->offset);
    memset(zone, 0, sizeof(*zone));
}

/* The instant of a rule in a year, in seconds; `offset` is the one before it. */
static int64_t rule_instant(const struct tzif_rule *rule, int year, int32_t offset)
{
    struct civil civil = {.year = year, .month = 1, .day = 1};
    bool leap = civil_days_in_month(year, 2) == 29;
    int64_t days = civil_days(&civil);

    switch (rule->kind) {
    case TZIF_JULIAN: /* 1 to 365; 29 February is never counted */
        days += rule->day - 1 + (leap && rule->day >= 60);
        break;
    case TZIF_DAY: /* 0 to 365 */
        days += rule->day;
        break;
    case TZIF_MONTH:
        civil.month = rule->month;
        civil.day = 1 + (rule->day - civil_weekday(&civil) % 7 + 7) % 7 + (rule->week - 1) * 7;
        if (civil.day > civil_days_in_month(year, rule->month)) {
            civil.day -= 7;
        }
        days = civil_days(&civil);
        break;
    }
    return days * DAY_SECONDS + rule->seconds - offset;
}

static int year_of(int64_t at)
{
    struct civil civil = {.year = 1970, .month = 1, .day = 1};

    civil_set_days(&civil, at / DAY_SECONDS - (at % DAY_SECONDS < 0));
    return civil.year;
}

/* Daylight saving may span the new year, so three years are looked at. */
static int32_t footer_offset(const struct tzif *zone, int64_t at)
{
    int year = year_of(at);

    if (!zone->footer_dst) {
        return zone->standard;
    }
    for (int y = year - 1; y <= year + 1; y++) {
        int64_t start = rule_instant(&zone->start, y, zone->standard);
        int64_t end = rule_instant(&zone->end, y, zone->daylight);

        if (end <= start) {
            end = rule_instant(&zone->end, y + 1, zone->daylight);
        }
        if (at >= start && at < end) {
            return zone->daylight;
        }
    }
    return zone->standard;
}

/* Index of the last transition <= at, or -1. */
static ptrdiff_t find_transition(const struct tzif *zone, int64_t at)
{
    size_t low = 0;
    size_t high = zone->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (zone->at[middle] <= at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return (ptrdiff_t)low - 1;
}

int32_t tzif_offset(const struct tzif *zone, int64_t at)
{
    ptrdiff_t index = find_transition(zone, at);

    if (zone->footer && index + 1 == (ptrdiff_t)zone->count) {
        return footer_offset(zone, at);
    }
    return index < 0 ? zone->first_offset : zone->offset[index];
}

int64_t tzif_change_before(const struct tzif *zone, int64_t at)
{
    ptrdiff_t index = find_transition(zone, at);
    int64_t best = INT64_MIN;

    if (zone->footer_dst && index + 1 == (ptrdiff_t)zone->count) {
        int year = year_of(at);

        for (int y = year - 1; y <= year + 1; y++) {
            int64_t start = rule_instant(&zone->start, y, zone->standard);
            int64_t end = rule_instant(&zone->end, y, zone->daylight);

            best = start <= at && start > best ? start : best;
            best = end <= at && end > best ? end : best;
        }
    }
    /* A transition may change only the zone's abbreviation. */
    while (index >= 0 && zone->at[index] > best) {
        if (tzif_offset(zone, zone->at[index] - 1) != tzif_offset(zone, zone->at[index])) {
            return zone->at[index];
        }
        index--;
    }
    return best;
}

static size_t add_offset(int32_t offsets[TZIF_OFFSETS], size_t count, int32_t offset)
{
    for (size_t i = 0; i < count; i++) {
        if (offsets[i] == offset) {
            return count;
        }
    }
    offsets[count] = offset;
    return count + 1;
}

size_t tzif_offsets(const struct tzif *zone, int32_t offsets[TZIF_OFFSETS])
{
    size_t count = add_offset(offsets, 0, zone->first_offset);

    for (size_t i = 0; i < zone->count; i++) {
        count = add_offset(offsets, count, zone->offset[i]);
    }
    if (zone->footer) {
        count = add_offset(offsets, count, zone->standard);
    }
    if (zone->footer_dst) {
        count = add_offset(offsets, count, zone->daylight);
    }
    return count;
}
