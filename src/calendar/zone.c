#include "teataja/calendar/zone.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <unicode/ucal.h>
#include <unicode/ustring.h>

#include "teataja/base/clock.h"
#include "teataja/base/file.h"
#include "teataja/base/mem.h"
#include "teataja/base/suggest.h"
#include "tzif.h"

#define ZONE_FOLDER "/usr/share/zoneinfo"
#define ZONE_INDEX "tzdata.zi" /* every name, for suggestions only */
#define ZONE_FILE_MAX ((size_t)1024 * 1024)
#define DAY_SECONDS 86400

/* Zones stay in memory once read: there are at most as many as the system has. */
struct zone {
    struct zone *next;
    char tzid[CIVIL_ZONE];
    struct tzif tzif;
};

static struct zone *zones;
static pthread_mutex_t zones_lock = PTHREAD_MUTEX_INITIALIZER;

/* A name that leads nowhere but below the folder of zones; "posix/" and "right/"
 * hold copies, the latter with leap seconds that nobody's clock counts. */
static bool is_name(const char *tzid)
{
    size_t len = strlen(tzid);
    bool start = true;

    if (len == 0 || len >= CIVIL_ZONE || strncmp(tzid, "posix", 5) == 0 ||
        strncmp(tzid, "right/", 6) == 0) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        char c = tzid[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');

        if (start ? !letter : !letter && !strchr("0123456789_+-/", c)) {
            return false;
        }
        start = c == '/';
    }
    return !start;
}

static int read_zone(const char *tzid, struct zone *zone, struct err *err)
{
    struct arena *arena = arena_new(2 * ZONE_FILE_MAX);
    char *data;
    size_t len;
    char path[sizeof(ZONE_FOLDER) + 1 + CIVIL_ZONE];
    int rc;

    if (!arena) {
        return err_nomem(err);
    }
    (void)snprintf(path, sizeof(path), "%s/%s", ZONE_FOLDER, tzid);
    rc = file_read(arena, path, ZONE_FILE_MAX, &data, &len, err);
    if (rc == 0) {
        rc = tzif_parse((const unsigned char *)data, len, &zone->tzif, err);
    }
    arena_free(arena);
    return rc;
}

static int load_zone(const char *tzid, struct zone **out, struct err *err)
{
    struct zone *zone = mem_alloc(1, sizeof(*zone));
    int rc;

    if (!zone) {
        return err_nomem(err);
    }
    memcpy(zone->tzid, tzid, strlen(tzid));
    rc = read_zone(tzid, zone, err);
    if (rc < 0) {
        tzif_free(&zone->tzif);
        mem_free(zone);
        return rc;
    }
    zone->next = zones;
    zones = zone;
    *out = zone;
    return 0;
}

static int get_zone(const char *tzid, const struct tzif **out, struct err *err)
{
    struct zone *zone;
    int rc = 0;

    if (!tzid || !is_name(tzid)) {
        return err_set(err, ERR_NOT_FOUND, "no time zone '%s'", tzid ? tzid : "");
    }
    (void)pthread_mutex_lock(&zones_lock);
    for (zone = zones; zone && strcmp(zone->tzid, tzid) != 0;) {
        zone = zone->next;
    }
    if (!zone) {
        rc = load_zone(tzid, &zone, err);
    }
    (void)pthread_mutex_unlock(&zones_lock);
    if (rc == ERR_NOMEM) {
        return rc;
    }
    if (rc < 0) {
        return err_set(err, ERR_NOT_FOUND, "no time zone '%s'", tzid);
    }
    *out = &zone->tzif;
    return 0;
}

bool zone_is_known(const char *tzid)
{
    const struct tzif *zone = NULL;

    return get_zone(tzid, &zone, NULL) == 0;
}

static bool find_windows(const char *name, char tzid[CIVIL_ZONE])
{
    UErrorCode status = U_ZERO_ERROR;
    UChar wide[CIVIL_ZONE * 2];
    UChar found[CIVIL_ZONE];
    int32_t len;

    u_strFromUTF8(wide, CIVIL_ZONE * 2, NULL, name, -1, &status);
    len = U_SUCCESS(status)
              ? ucal_getTimeZoneIDForWindowsID(wide, -1, NULL, found, CIVIL_ZONE, &status)
              : 0;
    if (U_FAILURE(status) || len <= 0 || len >= CIVIL_ZONE) {
        return false;
    }
    u_strToUTF8(tzid, CIVIL_ZONE, NULL, found, len, &status);
    return U_SUCCESS(status) && status != U_STRING_NOT_TERMINATED_WARNING && zone_is_known(tzid);
}

/* Offers the names of a line of tzdata.zi: "Z Europe/Tallinn ..." is a zone,
 * "L target name" another name of one. */
static void offer_line(struct suggest *suggest, char *line)
{
    char *rest = NULL;
    char *kind = strtok_r(line, " ", &rest);
    char *name = kind ? strtok_r(NULL, " ", &rest) : NULL;

    if (name && strcmp(kind, "L") == 0) {
        name = strtok_r(NULL, " ", &rest);
    } else if (name && strcmp(kind, "Z") != 0) {
        name = NULL;
    }
    suggest_offer(suggest, name);
}

static int refuse_name(const char *name, struct err *err)
{
    struct suggest suggest;
    struct arena *arena = arena_new(2 * ZONE_FILE_MAX);
    char *text = NULL;
    int rc;

    suggest_start(&suggest, name);
    if (arena &&
        file_read(arena, ZONE_FOLDER "/" ZONE_INDEX, ZONE_FILE_MAX, &text, NULL, NULL) == 0) {
        char *rest = NULL;

        for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
            offer_line(&suggest, line);
        }
    }
    rc = err_set(err, ERR_NOT_FOUND, "no time zone '%.100s'%s", name, suggest_hint(&suggest));
    arena_free(arena);
    return rc;
}

int zone_find(const char *name, char tzid[CIVIL_ZONE], struct err *err)
{
    size_t len = strcspn(name, "\r\n");
    char plain[CIVIL_ZONE * 2];

    while (len > 0 && strchr(" \"", *name)) {
        name++;
        len--;
    }
    while (len > 0 && strchr(" \"", name[len - 1])) {
        len--;
    }
    tzid[0] = '\0';
    if (len >= sizeof(plain)) {
        return err_set(err, ERR_NOT_FOUND, "the time zone's name is too long");
    }
    memcpy(plain, name, len);
    plain[len] = '\0';
    /* A global name (RFC 5545 section 3.8.3.1) is a path that ends in the zone. */
    for (const char *part = plain; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (zone_is_known(part)) {
            memcpy(tzid, part, strlen(part) + 1);
            return 0;
        }
        if (plain[0] != '/') {
            break;
        }
    }
    return find_windows(plain, tzid) ? 0 : refuse_name(plain, err);
}

/* What a civil time means in a zone. `change` is the transition that made it
 * vanish or come twice. All in seconds. */
struct reading {
    int64_t at;
    int64_t change;
    enum zone_fit fit;
};

/* Every offset the zone ever has is tried: no assumption on how far transitions
 * lie apart is needed. */
static void read_local(const struct tzif *zone, int64_t local, struct reading *out)
{
    int32_t offsets[TZIF_OFFSETS];
    size_t count = tzif_offsets(zone, offsets);
    int64_t last = INT64_MIN;
    bool found = false;

    *out = (struct reading){.at = local, .fit = ZONE_EXACT};
    for (size_t i = 0; i < count; i++) {
        int64_t at = local - offsets[i];

        if (tzif_offset(zone, at) != offsets[i]) {
            continue;
        }
        out->fit = found ? ZONE_AMBIGUOUS : ZONE_EXACT;
        out->at = !found || at < out->at ? at : out->at;
        last = at > last ? at : last;
        found = true;
    }
    if (out->fit == ZONE_AMBIGUOUS) {
        out->change = tzif_change_before(zone, last);
    }
    for (size_t i = 0; !found && i < count; i++) {
        int64_t at = local - offsets[i];
        int64_t change = tzif_change_before(zone, at);

        if (change != INT64_MIN && tzif_offset(zone, change - 1) == offsets[i] &&
            local < change + tzif_offset(zone, change)) {
            *out = (struct reading){.at = at, .change = change, .fit = ZONE_GAP};
            found = true;
        }
    }
}

/* A civil time as seconds of a clock that knows no zone. */
static int64_t local_seconds(const struct civil *local)
{
    return civil_days(local) * DAY_SECONDS + INT64_C(3600) * local->hour +
           INT64_C(60) * local->minute + local->second;
}

int zone_to_utc(const char *tzid, const struct civil *local, int64_t *out, enum zone_fit *fit,
                struct err *err)
{
    const struct tzif *zone = NULL;
    struct reading reading;
    int rc = get_zone(tzid, &zone, err);

    if (rc < 0) {
        return rc;
    }
    read_local(zone, local_seconds(local), &reading);
    *out = reading.at * CLOCK_SECOND;
    if (fit) {
        *fit = reading.fit;
    }
    return 0;
}

/* "03:00", or with seconds where it has any. */
static void clock_text(int64_t local, char text[16])
{
    int seconds = (int)(local % DAY_SECONDS + (local % DAY_SECONDS < 0 ? DAY_SECONDS : 0));
    int len = snprintf(text, 16, "%02d:%02d", seconds / 3600, seconds / 60 % 60);

    if (seconds % 60 != 0 && len > 0) {
        (void)snprintf(text + len, 16 - (size_t)len, ":%02d", seconds % 60);
    }
}

int zone_to_utc_strict(const char *tzid, const struct civil *local, int64_t *out, struct err *err)
{
    const struct tzif *zone = NULL;
    struct reading reading;
    char when[16];
    char before[16];
    char after[16];
    int rc = get_zone(tzid, &zone, err);

    if (rc < 0) {
        return rc;
    }
    read_local(zone, local_seconds(local), &reading);
    if (reading.fit == ZONE_EXACT) {
        *out = reading.at * CLOCK_SECOND;
        return 0;
    }
    clock_text(local_seconds(local), when);
    clock_text(reading.change + tzif_offset(zone, reading.change - 1), before);
    clock_text(reading.change + tzif_offset(zone, reading.change), after);
    return err_set(err, ERR_INVALID, "%04d-%02d-%02d %s %s in %s: clocks go %s %s to %s",
                   local->year, local->month, local->day, when,
                   reading.fit == ZONE_GAP ? "does not exist" : "comes twice", tzid,
                   reading.fit == ZONE_GAP ? "from" : "back from", before, after);
}

static int64_t floor_seconds(int64_t instant)
{
    return instant / CLOCK_SECOND - (instant % CLOCK_SECOND < 0);
}

int zone_from_utc(const char *tzid, int64_t instant, struct civil *out, struct err *err)
{
    int seconds = 0;
    int rc = zone_offset(tzid, instant, &seconds, err);

    if (rc == 0) {
        civil_from_utc(instant + seconds * CLOCK_SECOND, out);
    }
    return rc;
}

int zone_offset(const char *tzid, int64_t instant, int *seconds, struct err *err)
{
    const struct tzif *zone = NULL;
    int rc = get_zone(tzid, &zone, err);

    if (rc == 0) {
        *seconds = tzif_offset(zone, floor_seconds(instant));
    }
    return rc;
}
