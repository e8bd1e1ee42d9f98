/* format.c - dates, times and zones through ICU. */
#include "teataja/render/format.h"

#include <string.h>

#include <unicode/ucal.h>
#include <unicode/uloc.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>

#include "format_state.h"
#include "teataja/base/arena.h"
#include "teataja/base/limits.h"
#include "teataja/base/mem.h"
#include "teataja/base/utf8.h"

#define FORMAT_UNITS 256 /* UTF-16 units of a formatted date */

/* Civil times go in, and come out, as if they were UTC. */
#define FORMAT_ZONE u"UTC"

/* CLDR skeletons: which fields, not in which order. */
static const UChar *const skeletons[FORMAT_KINDS][2] = {
    [FORMAT_FULL] = {u"yMMMMEEEEd", u"yMMMMEEEEdHm"},
    [FORMAT_LONG] = {u"yMMMMd", u"yMMMMdHm"},
    [FORMAT_WEEKDAY] = {u"MMMMEEEEd", u"MMMMEEEEdHm"},
    [FORMAT_DAY] = {u"MMMMd", u"MMMMdHm"},
    [FORMAT_MONTH] = {u"yMMMM", u"yMMMMdHm"},
    [FORMAT_BRIEF] = {u"MMMMEEEd", u"MMMMEEEdHm"},
    [FORMAT_SHORT] = {u"yMd", u"yMdHm"},
    [FORMAT_LEAF_MONTH] = {u"LLL", u"MMMdHm"},
    [FORMAT_LEAF_WEEKDAY] = {u"cccc", u"EEEEHm"},
    [FORMAT_TIME] = {u"Hm", u"Hm"},
};

/* Over several days no weekday: CLDR's patterns for that are long, and faulty in
 * some languages. */
static const int several_days[FORMAT_KINDS] = {
    [FORMAT_FULL] = FORMAT_LONG,
    [FORMAT_LONG] = FORMAT_LONG,
    [FORMAT_WEEKDAY] = FORMAT_DAY,
    [FORMAT_DAY] = FORMAT_DAY,
    [FORMAT_MONTH] = FORMAT_MONTH,
    [FORMAT_BRIEF] = FORMAT_DAY,
    [FORMAT_SHORT] = FORMAT_SHORT,
    [FORMAT_LEAF_MONTH] = FORMAT_LEAF_MONTH,
    [FORMAT_LEAF_WEEKDAY] = FORMAT_LEAF_WEEKDAY,
    [FORMAT_TIME] = FORMAT_TIME,
};

int format_fault(const struct format *format, UErrorCode status, const char *what, struct err *err)
{
    if (status == U_MEMORY_ALLOCATION_ERROR) {
        return err_nomem(err);
    }
    return err_set(err, ERR_INVALID, "%s cannot be written in language '%s': %s", what,
                   language_tag(format->lang), u_errorName(status));
}

void format_add(struct str *out, const UChar *text, int32_t len)
{
    for (int32_t i = 0; i < len; i++) {
        uint32_t c = text[i];

        /* ICU's own macro for this is not clean under -Wsign-conversion. */
        if (U16_IS_LEAD(c) && i + 1 < len && U16_IS_TRAIL(text[i + 1])) {
            c = 0x10000U + ((c - 0xD800U) << 10U) + (text[++i] - 0xDC00U);
        }
        utf8_add(out, c);
    }
}

int format_open(enum language lang, struct format **out, struct err *err)
{
    struct format *format;
    UErrorCode status = U_ZERO_ERROR;

    *out = NULL;
    if (lang < 0 || lang >= LANG_COUNT) {
        return err_set(err, ERR_NOT_FOUND, "dates are asked for in no language");
    }
    format = mem_alloc(1, sizeof(*format));
    if (format == NULL) {
        return err_nomem(err);
    }
    format->lang = lang;
    format->locale = lang == LANG_EN ? "en_GB" : language_tag(lang);
    format->patterns = udatpg_open(format->locale, &status);
    format->result = unumf_openResult(&status);
    if (U_FAILURE(status)) {
        int rc = format_fault(format, status, "dates", err);
        format_close(format);
        return rc;
    }
    *out = format;
    return 0;
}

void format_close(struct format *format)
{
    if (format == NULL) {
        return;
    }
    for (int kind = 0; kind < FORMAT_KINDS; kind++) {
        for (int timed = 0; timed < 2; timed++) {
            udat_close(format->dates[kind][timed]);
            udtitvfmt_close(format->ranges[kind][timed]);
        }
    }
    udatpg_close(format->patterns);
    ulistfmt_close(format->list);
    format_close_numbers(format);
    mem_free(format);
}

static UDate to_icu(const struct civil *civil)
{
    return (UDate)civil_to_utc(civil) / 1000.0;
}

/* The pattern of a style in the format's language: its length, as udatpg_getBestPattern. */
static int32_t find_pattern(struct format *format, int kind, bool timed, UChar *out, int32_t room,
                            UErrorCode *status)
{
    const UChar *skeleton = skeletons[kind][timed];

    /* CLDR has no short names of months that stand alone in Estonian, and "detsember" is
     * wider than a leaf: those within dates ("dets") are the same words. */
    if (kind == FORMAT_LEAF_MONTH && !timed && format->lang == LANG_ET) {
        u_strncpy(out, u"MMM", room);
        return 3;
    }
    return udatpg_getBestPattern(format->patterns, skeleton, u_strlen(skeleton), out, room, status);
}

/* The place of a text; it holds another one, or none, if it does not match. */
static struct format_memo *memo_place(struct format *format, const struct format_memo *what)
{
    uint64_t hash = (uint64_t)civil_to_utc(&what->start) / 1000000 * 31 +
                    (uint64_t)civil_to_utc(&what->end) / 1000000;

    hash = (hash * 31 + (uint64_t)what->kind * 4 + (what->timed ? 2 : 0) + (what->range ? 1 : 0)) *
           UINT64_C(0x9E3779B97F4A7C15);
    return &format->memos[(hash >> 32) % FORMAT_MEMOS];
}

static bool memo_matches(const struct format_memo *memo, const struct format_memo *what)
{
    return memo->text[0] != '\0' && memo->kind == what->kind && memo->timed == what->timed &&
           memo->range == what->range && civil_compare(&memo->start, &what->start) == 0 &&
           civil_compare(&memo->end, &what->end) == 0;
}

static void memo_keep(struct format *format, const struct format_memo *what, const char *text,
                      size_t len)
{
    struct format_memo *place = memo_place(format, what);

    if (len > 0 && len < sizeof(place->text)) {
        *place = *what;
        memcpy(place->text, text, len);
        place->text[len] = '\0';
    }
}

static int write_date(struct format *format, const struct civil *civil, int kind, bool timed,
                      struct str *out, struct err *err)
{
    const struct format_memo what = {
        .start = *civil, .end = *civil, .kind = (signed char)kind, .timed = timed};
    const struct format_memo *memo = memo_place(format, &what);
    size_t before = out->len;
    UDateFormat **formatter = &format->dates[kind][timed];
    UErrorCode status = U_ZERO_ERROR;
    UChar text[FORMAT_UNITS];
    int32_t len;

    if (memo_matches(memo, &what)) {
        str_add(out, memo->text);
        return str_check(out, err);
    }
    if (*formatter == NULL) {
        UChar pattern[128];

        len = find_pattern(format, kind, timed, pattern, 128, &status);
        *formatter = udat_open(UDAT_PATTERN, UDAT_PATTERN, format->locale, FORMAT_ZONE, -1, pattern,
                               len, &status);
    }
    if (U_SUCCESS(status)) {
        len = udat_format(*formatter, to_icu(civil), text, FORMAT_UNITS, NULL, &status);
    }
    if (U_FAILURE(status)) {
        return format_fault(format, status, "a date", err);
    }
    format_add(out, text, len);
    if (out->failed == 0) {
        memo_keep(format, &what, out->data + before, out->len - before);
    }
    return str_check(out, err);
}

static int write_range(struct format *format, const struct civil *start, const struct civil *end,
                       int kind, bool timed, struct str *out, struct err *err)
{
    const struct format_memo what = {
        .start = *start, .end = *end, .kind = (signed char)kind, .timed = timed, .range = true};
    const struct format_memo *memo = memo_place(format, &what);
    size_t before = out->len;
    UDateIntervalFormat **formatter = &format->ranges[kind][timed];
    UErrorCode status = U_ZERO_ERROR;
    UChar text[FORMAT_UNITS];
    int32_t len = 0;

    if (memo_matches(memo, &what)) {
        str_add(out, memo->text);
        return str_check(out, err);
    }
    if (*formatter == NULL) {
        *formatter =
            udtitvfmt_open(format->locale, skeletons[kind][timed], -1, FORMAT_ZONE, -1, &status);
    }
    if (U_SUCCESS(status)) {
        len = udtitvfmt_format(*formatter, to_icu(start), to_icu(end), text, FORMAT_UNITS, NULL,
                               &status);
    }
    if (U_FAILURE(status)) {
        return format_fault(format, status, "a range of dates", err);
    }
    format_add(out, text, len);
    if (out->failed == 0) {
        memo_keep(format, &what, out->data + before, out->len - before);
    }
    return str_check(out, err);
}

static int check_style(enum format_style style, struct err *err)
{
    if ((int)style < 0 || style >= FORMAT_STYLES) {
        return err_set(err, ERR_INVALID, "there is no style %d of dates", (int)style);
    }
    return 0;
}

int format_date(struct format *format, const struct civil *date, enum format_style style,
                struct str *out, struct err *err)
{
    int rc = check_style(style, err);

    return rc < 0 ? rc : write_date(format, date, (int)style, false, out, err);
}

int format_time(struct format *format, const struct civil *time, struct str *out, struct err *err)
{
    return write_date(format, time, FORMAT_TIME, false, out, err);
}

int format_moment(struct format *format, const struct civil *moment, enum format_style style,
                  struct str *out, struct err *err)
{
    int rc = check_style(style, err);

    return rc < 0 ? rc : write_date(format, moment, (int)style, !moment->date_only, out, err);
}

int format_range(struct format *format, const struct civil *start, const struct civil *end,
                 enum format_style style, struct str *out, struct err *err)
{
    bool same_day = civil_days(start) == civil_days(end);

    if (start->date_only || end->date_only) {
        return format_date_range(format, start, end, style, out, err);
    }
    if (civil_compare(end, start) <= 0) {
        return format_moment(format, start, style, out, err);
    }
    if (check_style(style, err) < 0) {
        return ERR_INVALID;
    }
    return write_range(format, start, end, same_day ? (int)style : several_days[style], true, out,
                       err);
}

int format_date_range(struct format *format, const struct civil *start, const struct civil *end,
                      enum format_style style, struct str *out, struct err *err)
{
    if (check_style(style, err) < 0) {
        return ERR_INVALID;
    }
    if (civil_days(end) <= civil_days(start)) {
        return format_date(format, start, style, out, err);
    }
    return write_range(format, start, end, several_days[style], false, out, err);
}

int format_time_range(struct format *format, const struct civil *start, const struct civil *end,
                      struct str *out, struct err *err)
{
    struct civil same_day = *end;

    /* On one day, else ICU would write the dates too. */
    same_day.year = start->year;
    same_day.month = start->month;
    same_day.day = start->day;
    if (civil_compare(&same_day, start) <= 0) {
        return format_time(format, start, out, err);
    }
    return write_range(format, start, &same_day, FORMAT_TIME, false, out, err);
}

/* The exemplar city of a zone; no offset is computed for it. */
static int32_t zone_city(const struct format *format, const UChar *zone, UChar text[FORMAT_UNITS],
                         UErrorCode *status)
{
    UDateFormat *formatter =
        udat_open(UDAT_PATTERN, UDAT_PATTERN, format->locale, zone, -1, u"VVV", 3, status);
    int32_t len = 0;

    if (U_SUCCESS(*status)) {
        len = udat_format(formatter, 0, text, FORMAT_UNITS, NULL, status);
    }
    udat_close(formatter);
    return len;
}

static int find_city(const struct format *format, const char *zone, struct str *out,
                     struct err *err)
{
    UErrorCode status = U_ZERO_ERROR;
    UChar id[CIVIL_ZONE];
    UChar canonical[128];
    UChar city[FORMAT_UNITS];
    UChar nowhere[FORMAT_UNITS];
    int32_t len = 0;
    int32_t nowhere_len = 0;
    bool known;

    u_strFromUTF8(id, CIVIL_ZONE, NULL, zone, -1, &status);
    known = U_SUCCESS(status) &&
            ucal_getCanonicalTimeZoneID(id, -1, canonical, 128, NULL, &status) > 0 &&
            U_SUCCESS(status);
    status = U_ZERO_ERROR;
    if (known) {
        len = zone_city(format, id, city, &status);
        nowhere_len = zone_city(format, u"Etc/Unknown", nowhere, &status);
        if (U_FAILURE(status)) {
            return format_fault(format, status, "a time zone", err);
        }
        known = len != nowhere_len || u_memcmp(city, nowhere, len) != 0;
    }
    if (known) {
        format_add(out, city, len);
    } else {
        str_add(out, zone);
    }
    return str_check(out, err);
}

int format_zone_city(struct format *format, const char *zone, struct str *out, struct err *err)
{
    struct format_city *city = &format->cities[format->next_city];
    size_t before = out->len;
    int rc;

    for (size_t i = 0; i < FORMAT_CITIES; i++) {
        if (zone[0] != '\0' && strcmp(format->cities[i].zone, zone) == 0) {
            str_add(out, format->cities[i].name);
            return str_check(out, err);
        }
    }
    rc = find_city(format, zone, out, err);
    if (rc == 0 && strlen(zone) < sizeof(city->zone) && out->len - before < sizeof(city->name)) {
        memcpy(city->zone, zone, strlen(zone) + 1);
        memcpy(city->name, out->data + before, out->len - before);
        city->name[out->len - before] = '\0';
        format->next_city = (format->next_city + 1) % FORMAT_CITIES;
    }
    return rc;
}

/* The items as UTF-16, and how much room their list may need. NULL when out of
 * memory. */
static const UChar **widen(struct arena *arena, const char *const *items, size_t count,
                           int32_t *lens, int32_t *room)
{
    const UChar **wide = arena_alloc(arena, count, sizeof(*wide));

    if (wide == NULL) {
        return NULL;
    }
    *room = 64;
    for (size_t i = 0; i < count; i++) {
        UErrorCode status = U_ZERO_ERROR;
        int32_t most = (int32_t)strlen(items[i]) + 1;
        UChar *item = arena_alloc(arena, (size_t)most, sizeof(*item));

        if (item == NULL) {
            return NULL;
        }
        u_strFromUTF8WithSub(item, most, &lens[i], items[i], -1, 0xFFFD, NULL, &status);
        wide[i] = item;
        *room += most + 32; /* what stands between two items */
    }
    return wide;
}

static int write_list(struct format *format, struct arena *arena, const char *const *items,
                      size_t count, struct str *out, struct err *err)
{
    UErrorCode status = U_ZERO_ERROR;
    int32_t *lens = arena_alloc(arena, count, sizeof(*lens));
    const UChar **wide;
    UChar *text;
    int32_t room = 0;

    if (lens == NULL) {
        return err_nomem(err);
    }
    wide = widen(arena, items, count, lens, &room);
    text = arena_alloc(arena, (size_t)room, sizeof(*text));
    if (wide == NULL || text == NULL) {
        return err_nomem(err);
    }
    if (format->list == NULL) {
        format->list = ulistfmt_open(format->locale, &status);
    }
    room = ulistfmt_format(format->list, wide, lens, (int32_t)count, text, room, &status);
    if (U_FAILURE(status)) {
        return format_fault(format, status, "a list", err);
    }
    format_add(out, text, room);
    return str_check(out, err);
}

int format_list(struct format *format, const char *const *items, size_t count, struct str *out,
                struct err *err)
{
    struct arena *arena = NULL;
    int rc;

    if (count == 0) {
        return 0;
    }
    arena = arena_new(LIMIT_ARENA_WORK);
    rc = arena != NULL ? write_list(format, arena, items, count, out, err) : err_nomem(err);
    arena_free(arena);
    return rc;
}

int format_language_name(struct format *format, const char *lang, struct str *out, struct err *err)
{
    UErrorCode status = U_ZERO_ERROR;
    UChar name[FORMAT_UNITS];
    int32_t len = uloc_getDisplayLanguage(lang, format->locale, name, FORMAT_UNITS, &status);

    if (U_FAILURE(status)) {
        return format_fault(format, status, "the name of a language", err);
    }
    format_add(out, name, len);
    return str_check(out, err);
}
