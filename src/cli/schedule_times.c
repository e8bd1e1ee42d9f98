/* The next times of schedules, in words: what a person reads who wrote a rule. */
#include <stdio.h>

#include "output.h"
#include "schedule_jobs.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/str.h"
#include "teataja/render/format.h"
#include "teataja/schedule/timetable.h"

#define HORIZON (3660 * CLOCK_DAY)
#define YEAR (366 * CLOCK_DAY)

enum { TIMES = 5 };

struct telling {
    const struct workspace *workspace;
    struct json_writer *json; /* NULL: print */
    struct format *format;
    struct str words;
};

/* The first five behind now; a rule that comes often is asked for little. */
static int next_times(struct arena *arena, const struct timetable *timetable,
                      struct timetable_time **out, struct err *err)
{
    static const int64_t windows[] = {32 * CLOCK_DAY, YEAR, HORIZON};
    int64_t now = clock_now();
    int count = 0;

    for (size_t i = 0; count >= 0 && count < TIMES && i < sizeof(windows) / sizeof(windows[0]);
         i++) {
        count = timetable_list(arena, timetable, now, now + windows[i], TIMES, out, err);
    }
    return count;
}

static void tell_time(struct telling *telling, const struct timetable_time *time)
{
    const char *note = time->fit == ZONE_GAP         ? " (an hour that is skipped: right after it)"
                       : time->fit == ZONE_AMBIGUOUS ? " (an hour that comes twice: the first)"
                                                     : "";

    str_reset(&telling->words);
    if (format_moment(telling->format, &time->local, FORMAT_FULL, &telling->words, NULL) < 0) {
        return;
    }
    if (telling->json != NULL) {
        json_write_text(telling->json, telling->words.data);
    } else {
        printf("    %s%s\n", telling->words.data, note);
    }
}

static void tell_head(const struct telling *telling, const struct newsletter *newsletter,
                      const struct timetable *timetable)
{
    const char *every = newsletter->schedule->every;

    if (telling->json == NULL) {
        printf("  %s%s%s (%s, %s)\n", output_colour(stdout, OUTPUT_STRONG), newsletter->slug,
               output_colour(stdout, OUTPUT_PLAIN), every != NULL ? every : timetable->rule,
               timetable->zone);
        return;
    }
    json_write_text_at(telling->json, "newsletter", newsletter->slug);
    json_write_text_at(telling->json, "rule", timetable->rule);
    json_write_text_at(telling->json, "zone", timetable->zone);
    json_write_key(telling->json, "times");
}

static void tell(struct telling *telling, const struct newsletter *newsletter)
{
    struct arena *arena = telling->workspace->arena;
    const struct config *config = &telling->workspace->config;
    struct timetable_time *times = NULL;
    struct timetable timetable;
    int count;

    if (timetable_of(arena, config, newsletter, NULL, &timetable, NULL) != 1) {
        return;
    }
    count = next_times(arena, &timetable, &times, NULL);
    if (telling->json != NULL) {
        json_write_object(telling->json);
    }
    tell_head(telling, newsletter, &timetable);
    if (telling->json != NULL) {
        json_write_array(telling->json);
    }
    for (int i = 0; i < count; i++) {
        tell_time(telling, &times[i]);
    }
    if (telling->json != NULL) {
        json_write_array_end(telling->json);
        json_write_object_end(telling->json);
    }
}

static bool open_telling(struct telling *telling)
{
    const struct site *site = &telling->workspace->config.site;

    str_init(&telling->words, LIMIT_TEXT);
    return site->language_count > 0 && format_open(site->languages[0], &telling->format, NULL) == 0;
}

static void tell_all(struct telling *telling)
{
    const struct config *config = &telling->workspace->config;
    bool open = open_telling(telling);

    for (size_t i = 0; open && i < config->newsletter_count; i++) {
        tell(telling, &config->newsletters[i]);
    }
    format_close(telling->format);
    str_release(&telling->words);
}

void schedule_times_print(const struct workspace *workspace)
{
    struct telling telling = {.workspace = workspace};
    bool any = false;

    for (size_t i = 0; i < workspace->config.newsletter_count; i++) {
        any |= workspace->config.newsletters[i].schedule != NULL;
    }
    if (any) {
        puts("Newsletters and their next times:");
        tell_all(&telling);
    }
}

void schedule_times_json(const struct workspace *workspace, struct json_writer *json)
{
    struct telling telling = {.workspace = workspace, .json = json};

    json_write_key(json, "schedules");
    json_write_array(json);
    tell_all(&telling);
    json_write_array_end(json);
}
