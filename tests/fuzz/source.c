/* Calendars of others. A stranger's calendar, and the JSON that the process which read
 * it hands back: whatever comes, what is made of it are events that can be shown, and
 * what was read is written so that it reads the same. */
#include "fuzz.h"

#include "events/source_copy.h"
#include "events/source_load.h"
#include "events/source_read.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/calendar/zone.h"

static const struct config *site(void)
{
    static struct config config;
    static struct arena *arena; /* as long as the process */

    if (arena == NULL) {
        arena = arena_new(LIMIT_ARENA_WORK);
        FUZZ_CHECK(arena != NULL && config_load(arena, FUZZ_SITE, NULL, &config, NULL) == 0);
    }
    return &config;
}

static void check_events(struct arena *arena, const struct site_source *source,
                         const struct source_copy *copy)
{
    for (size_t i = 0; i < copy->count; i++) {
        struct event event;
        struct err err = {0};
        int rc = copy->parts[i].broken ? 0
                                       : source_part_event(arena, site(), source, copy,
                                                           &copy->parts[i], &event, &err);

        FUZZ_CHECK(rc >= 0);
        if (rc == 1) {
            const struct event_edition *edition = &event.editions[0];

            FUZZ_CHECK(zone_is_known(event.tzid) && edition->title[0] != '\0');
            FUZZ_CHECK(strlen(edition->title) <= LIMIT_SUBJECT);
            FUZZ_CHECK(utf8_is_valid(edition->title, strlen(edition->title), NULL));
            FUZZ_CHECK(event.url == NULL || strncasecmp(event.url, "http", 4) == 0);
        }
    }
}

/* Reads an answer or a copy; what is right in it survives another round. */
static void check_copy(const char *text, size_t len, const struct site_source *source, bool ours)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct source_copy copy;
    struct source_copy again;
    struct str out;
    struct str second;
    struct err err = {0};
    int rc = source_copy_parse(arena, text, len, &copy, &err);

    str_init(&out, SOURCE_COPY_MAX);
    str_init(&second, SOURCE_COPY_MAX);
    FUZZ_CHECK(rc == 0 || !ours);
    if (rc == 0) {
        FUZZ_CHECK(source_copy_settle(arena, source->name, &copy, NULL) == 0);
        check_events(arena, source, &copy);
        source_copy_write(&copy, &out);
        FUZZ_CHECK(str_check(&out, NULL) == 0);
        FUZZ_CHECK(source_copy_parse(arena, out.data, out.len, &again, NULL) == 0);
        source_copy_write(&again, &second);
        FUZZ_CHECK(out.len == second.len && memcmp(out.data, second.data, out.len) == 0);
    } else {
        fuzz_check_error(rc, &err);
    }
    str_release(&second);
    str_release(&out);
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct site_source source = {
        .name = "partner", .holds = SITE_SOURCE_BOTH, .language = LANG_EN};
    struct source_reading reading = {site(), &source, INT64_C(1796000000) * CLOCK_SECOND};
    char *text = fuzz_text(data, size);
    struct str answer;
    struct err err = {0};
    int rc;

    if (text[0] == '{') {
        check_copy(text, size, &source, false);
    } else {
        str_init(&answer, SOURCE_COPY_MAX);
        rc = source_read(&reading, text, size, &answer, &err);
        if (rc == 0) {
            check_copy(answer.data, answer.len, &source, true);
        } else {
            fuzz_check_error(rc, &err);
        }
        str_release(&answer);
    }
    free(text);
    return 0;
}
