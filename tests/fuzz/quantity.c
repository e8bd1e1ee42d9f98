/* Amounts with a unit: in their ranges, and a duration that is written reads the same. */
#include "fuzz.h"

#include "teataja/base/clock.h"
#include "teataja/base/quantity.h"

static void check_duration(const char *text, bool before)
{
    struct period period = {0};
    struct err err = {0};
    char written[QUANTITY_TEXT];
    int64_t micros = 0;
    int64_t again = 0;
    int rc = quantity_parse_period(text, before, &period, &err);

    FUZZ_CHECK(quantity_parse_duration(text, before, &micros, NULL) == rc);
    if (rc < 0) {
        fuzz_check_error(rc, &err);
        return;
    }
    FUZZ_CHECK(micros == period.days * CLOCK_DAY + period.micros);
    FUZZ_CHECK(micros >= -36500 * CLOCK_DAY && micros <= 36500 * CLOCK_DAY);
    FUZZ_CHECK(period.days == 0 || period.micros == 0 || (period.days < 0) == (period.micros < 0));
    quantity_format_duration(micros, written);
    FUZZ_CHECK(quantity_parse_duration(written, false, &again, NULL) == 0 && again == micros);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    struct rate rate = {0};
    int64_t bytes = 0;
    int percent = 0;

    check_duration(text, false);
    check_duration(text, true);
    if (quantity_parse_size(text, &bytes, NULL) == 0) {
        FUZZ_CHECK(bytes >= 0);
    }
    if (quantity_parse_percent(text, &percent, NULL) == 0) {
        FUZZ_CHECK(percent >= 0 && percent <= 10000);
    }
    if (quantity_parse_rate(text, &rate, NULL) == 0) {
        FUZZ_CHECK(rate.count >= 0 && (rate.count == 0 || rate.micros > 0));
    }
    free(text);
    return 0;
}
