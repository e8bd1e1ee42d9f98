/* format_number.c - numbers, money and percentages through ICU. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <unicode/uformattedvalue.h>
#include <unicode/ustring.h>

#include "format_state.h"

#define NUMBER_UNITS 128 /* UTF-16 units of a formatted number */

static void close_money(struct format_money *money)
{
    unumf_close(money->amount);
    unumrf_close(money->range);
    memset(money, 0, sizeof(*money));
}

void format_close_numbers(struct format *format)
{
    unumf_close(format->number);
    unumf_close(format->percent);
    unumf_closeResult(format->result);
    for (size_t i = 0; i < FORMAT_CURRENCIES; i++) {
        close_money(&format->money[i]);
    }
}

/* Hundredths as ICU reads a decimal number: "12.5" needs no rounding there. */
static int32_t decimal(int64_t hundredths, char text[32])
{
    uint64_t size = hundredths < 0 ? 0 - (uint64_t)hundredths : (uint64_t)hundredths;

    return snprintf(text, 32, "%s%" PRIu64 ".%02" PRIu64, hundredths < 0 ? "-" : "", size / 100,
                    size % 100);
}

/* Appends what was formatted into the result. */
static int finish(struct format *format, UErrorCode status, const char *what, struct str *out,
                  struct err *err)
{
    UChar text[NUMBER_UNITS];
    int32_t len = unumf_resultToString(format->result, text, NUMBER_UNITS, &status);

    if (U_FAILURE(status)) {
        return format_fault(format, status, what, err);
    }
    format_add(out, text, len);
    return str_check(out, err);
}

int format_number(struct format *format, int64_t number, struct str *out, struct err *err)
{
    UErrorCode status = U_ZERO_ERROR;

    if (format->number == NULL) {
        format->number = unumf_openForSkeletonAndLocale(u"", 0, format->locale, &status);
    }
    unumf_formatInt(format->number, number, format->result, &status);
    return finish(format, status, "a number", out, err);
}

int format_percent(struct format *format, int64_t hundredths, struct str *out, struct err *err)
{
    UErrorCode status = U_ZERO_ERROR;
    char text[32];
    int32_t len = decimal(hundredths, text);

    if (format->percent == NULL) {
        format->percent =
            unumf_openForSkeletonAndLocale(u"percent .##", -1, format->locale, &status);
    }
    unumf_formatDecimal(format->percent, text, len, format->result, &status);
    return finish(format, status, "a percentage", out, err);
}

/* The formatters of a currency, opened once; ones too many take turns. NULL with
 * *rc and err set when there are none. */
static struct format_money *find_money(struct format *format, const char *currency, int *rc,
                                       struct err *err)
{
    UErrorCode status = U_ZERO_ERROR;
    char skeleton[32];
    UChar wide[32];
    struct format_money *money;

    if (strlen(currency) != 3 || strspn(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3) {
        *rc = err_set(err, ERR_INVALID, "'%.20s' is not the code of a currency, such as EUR",
                      currency);
        return NULL;
    }
    for (size_t i = 0; i < FORMAT_CURRENCIES; i++) {
        if (strcmp(format->money[i].currency, currency) == 0) {
            return &format->money[i];
        }
    }
    money = &format->money[format->next_money];
    format->next_money = (format->next_money + 1) % FORMAT_CURRENCIES;
    close_money(money);
    (void)snprintf(skeleton, sizeof(skeleton), "currency/%s .00/w", currency);
    u_uastrcpy(wide, skeleton);
    money->amount = unumf_openForSkeletonAndLocale(wide, -1, format->locale, &status);
    money->range = unumrf_openForSkeletonWithCollapseAndIdentityFallback(
        wide, -1, UNUM_RANGE_COLLAPSE_AUTO, UNUM_IDENTITY_FALLBACK_SINGLE_VALUE, format->locale,
        NULL, &status);
    if (U_FAILURE(status)) {
        close_money(money);
        *rc = format_fault(format, status, "money", err);
        return NULL;
    }
    memcpy(money->currency, currency, sizeof(money->currency));
    return money;
}

int format_money(struct format *format, int64_t hundredths, const char *currency, struct str *out,
                 struct err *err)
{
    UErrorCode status = U_ZERO_ERROR;
    char text[32];
    int32_t len = decimal(hundredths, text);
    int rc = 0;
    struct format_money *money = find_money(format, currency, &rc, err);

    if (money == NULL) {
        return rc;
    }
    unumf_formatDecimal(money->amount, text, len, format->result, &status);
    return finish(format, status, "money", out, err);
}

int format_money_range(struct format *format, int64_t least, int64_t most, const char *currency,
                       struct str *out, struct err *err)
{
    UErrorCode status = U_ZERO_ERROR;
    UFormattedNumberRange *result = NULL;
    const UChar *text = NULL;
    int32_t text_len = 0;
    char from[32];
    char to[32];
    int32_t from_len = decimal(least, from);
    int32_t to_len = decimal(most, to);
    int rc = 0;
    struct format_money *money = find_money(format, currency, &rc, err);

    if (money == NULL) {
        return rc;
    }
    result = unumrf_openResult(&status);
    unumrf_formatDecimalRange(money->range, from, from_len, to, to_len, result, &status);
    text = ufmtval_getString(unumrf_resultAsValue(result, &status), &text_len, &status);
    if (U_FAILURE(status)) {
        rc = format_fault(format, status, "a range of money", err);
    } else {
        format_add(out, text, text_len);
        rc = str_check(out, err);
    }
    unumrf_closeResult(result);
    return rc;
}
