/* Rules of recurrence: those that are taken yield days in order and in bounds, and
 * soon. The first line is the first day, the rest a rule. */
#include "fuzz.h"

#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/calendar/recurrence.h"

#define SLOW (8 * INT64_C(1000000) * LIMIT_RECURRENCE_MS) /* nanoseconds, with sanitizers */

static void check_list(const char *rule, const struct civil *start)
{
    const struct civil from = {.year = 2020, .month = 1, .day = 1};
    const struct civil to = {.year = 2040, .month = 1, .day = 1};
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct civil *days = NULL;
    struct err err = {0};
    int64_t begun = clock_thread_ticks();
    int count = recurrence_list(arena, rule, start, &from, &to, 500, &days, &err);

    FUZZ_CHECK(clock_thread_ticks() - begun < SLOW);
    if (count < 0) {
        FUZZ_CHECK(count == ERR_LIMIT || count == ERR_INVALID);
        fuzz_check_error(count, &err);
    }
    FUZZ_CHECK(count <= 500);
    for (int i = 0; i < count; i++) {
        FUZZ_CHECK(civil_compare(&days[i], &from) >= 0 && civil_compare(&days[i], &to) < 0);
        FUZZ_CHECK(civil_compare(&days[i], start) >= 0);
        FUZZ_CHECK(i == 0 || civil_compare(&days[i - 1], &days[i]) < 0);
        FUZZ_CHECK(days[i].day <= civil_days_in_month(days[i].year, days[i].month));
    }
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *line = fuzz_line(&data, &size);
    char *rule = fuzz_text(data, size);
    struct civil start = {0};
    struct err err = {0};
    int rc;

    if (civil_parse(line, &start, NULL) < 0) {
        FUZZ_CHECK(civil_parse("2027-05-20 10:00", &start, NULL) == 0);
    }
    rc = recurrence_check(rule, &err);
    if (rc == 0) {
        check_list(rule, &start);
    } else {
        FUZZ_CHECK(rc == ERR_INVALID || rc == ERR_LIMIT);
        fuzz_check_error(rc, &err);
    }
    free(rule);
    free(line);
    return 0;
}
