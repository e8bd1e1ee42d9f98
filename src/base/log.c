/* log.c - see teataja/base/log.h. */
#include "teataja/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "teataja/base/civil.h"
#include "teataja/base/clock.h"
#include "teataja/base/str.h"
#include "teataja/base/utf8.h"

#define LINE_MOST ((size_t)16 * 1024)

static atomic_int least = LOG_WARN;

static const char *const level_names[] = {"debug", "info", "warn", "error"};

struct log_field log_int(const char *key, int64_t number)
{
    return (struct log_field){.key = key, .number = number};
}

struct log_field log_text(const char *key, const char *text)
{
    return (struct log_field){.key = key, .text = text == NULL ? "" : text};
}

enum log_level log_least(void)
{
    return (enum log_level)atomic_load(&least);
}

void log_set_level(enum log_level level)
{
    atomic_store(&least, (int)level);
}

/* What would be read as something else than one plain character of a value. */
static bool needs_escape(int32_t code)
{
    return code < 0x20 || code == '"' || code == '\\' || (code >= 0x7F && code <= 0x9F) ||
           code == 0x2028 || code == 0x2029 || (code >= 0x202A && code <= 0x202E) ||
           (code >= 0x2066 && code <= 0x2069);
}

static bool needs_quotes(const char *text, size_t len)
{
    size_t at = 0;

    if (len == 0) {
        return true;
    }
    while (at < len) {
        int32_t code = utf8_next(text, len, &at);

        if (code == ' ' || code == '=' || needs_escape(code)) {
            return true;
        }
    }
    return false;
}

static void add_escaped(struct str *line, int32_t code)
{
    switch (code) {
    case '"':
        str_add(line, "\\\"");
        break;
    case '\\':
        str_add(line, "\\\\");
        break;
    case '\n':
        str_add(line, "\\n");
        break;
    case '\r':
        str_add(line, "\\r");
        break;
    case '\t':
        str_add(line, "\\t");
        break;
    default:
        str_addf(line, "\\u%04x", code < 0 ? 0xFFFDU : (unsigned)code);
        break;
    }
}

static void add_value(struct str *line, const char *text)
{
    size_t len = strlen(text);
    size_t at = 0;

    if (!needs_quotes(text, len)) {
        str_add(line, text);
        return;
    }
    str_add_char(line, '"');
    while (at < len) {
        size_t start = at;
        int32_t code = utf8_next(text, len, &at);

        if (needs_escape(code)) {
            add_escaped(line, code);
        } else {
            str_add_bytes(line, text + start, at - start);
        }
    }
    str_add_char(line, '"');
}

static void add_head(struct str *line, enum log_level level, const char *event)
{
    char instant[28];

    civil_format_instant(clock_now(), instant);
    str_addf(line, "ts=%s level=%s event=", instant, level_names[level]);
    add_value(line, event);
}

static void write_line(const struct str *line)
{
    while (write(STDERR_FILENO, line->data, line->len) < 0 && errno == EINTR) {
    }
}

void log_write(enum log_level level, const char *event, const struct log_field *fields,
               size_t count)
{
    int native = errno; /* whoever logs may still want to look at it */
    struct str line;

    if ((int)level < atomic_load(&least) || level >= LOG_OFF) {
        return;
    }
    str_init(&line, LINE_MOST);
    add_head(&line, level, event);
    for (size_t i = 0; i < count; i++) {
        str_addf(&line, " %s=", fields[i].key);
        if (fields[i].text != NULL) {
            add_value(&line, fields[i].text);
        } else {
            str_addf(&line, "%" PRId64, fields[i].number);
        }
    }
    str_add_char(&line, '\n');
    if (line.failed == ERR_LIMIT) {
        /* The event is told, and that its fields did not fit. */
        str_reset(&line);
        add_head(&line, level, event);
        str_add(&line, " fields=too_long\n");
    }
    if (line.failed == ERR_OK) {
        write_line(&line);
    }
    str_release(&line);
    errno = native;
}
