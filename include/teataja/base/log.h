/* teataja/base/log.h - events in logfmt on standard error.
 *
 *   LOG(LOG_INFO, "mailing_sent", log_int("mailing", 7), log_text("state", "done"));
 *   ts=2026-12-01T07:00:00.000000Z level=info event=mailing_sent mailing=7 state=done
 *
 * At info and above a member is named by id, never by address. Only the top of
 * the program logs an error that a function returned, and once.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };

struct log_field {
    const char *key; /* [a-z0-9_]+ */
    const char *text; /* NULL for a number */
    int64_t number;
};

struct log_field log_int(const char *key, int64_t number);
struct log_field log_text(const char *key, const char *text);

/* The least level that is written; LOG_WARN at start. */
void log_set_level(enum log_level level);
enum log_level log_least(void);

/* Writes one line with one write(2), so that lines of threads do not mix. A
 * value with spaces, quotes or controls is quoted and escaped. */
void log_write(enum log_level level, const char *event, const struct log_field *fields,
               size_t count);

#define LOG(level, event, ...)                                                                     \
    log_write((level), (event), (const struct log_field[]){__VA_ARGS__},                           \
              sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))
