/* Texts and names in calendars: whatever they say, one property each comes of them,
 * whose value ends where it should. */
#include "calendar.h"

#include "teataja/base/limits.h"
#include "teataja/events/ical_write.h"

static void write_line(struct str *out, const char *name, const char *text,
                       void (*add)(struct str *out, const char *text), const char *end)
{
    struct str line;

    str_init(&line, (size_t)LIMIT_ICS * 2);
    str_add(&line, name);
    add(&line, text);
    str_add(&line, end);
    FUZZ_CHECK(str_check(&line, NULL) == 0);
    ical_line(out, line.data, line.len);
    str_release(&line);
}

/* A TEXT value: backslashes only before what they may stand before. */
static void check_text(const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (value[i] == '\\') {
            i++;
            FUZZ_CHECK(i < len && strchr("\\;,nN", value[i]) != NULL);
        } else {
            FUZZ_CHECK(value[i] != ';' && value[i] != ',');
        }
    }
}

/* `"..."`: no quote inside, at most LIMIT_NAME octets. */
static void check_parameter(const char *value, size_t len)
{
    FUZZ_CHECK(len >= 2 && value[0] == '"' && value[len - 1] == '"');
    FUZZ_CHECK(memchr(value + 1, '"', len - 2) == NULL && len - 2 <= LIMIT_NAME);
    FUZZ_CHECK(memchr(value, '\t', len) == NULL);
}

static void check_property(const char *name, const char *text,
                           void (*add)(struct str *out, const char *text), const char *end,
                           void (*check)(const char *value, size_t len))
{
    struct str line;
    struct str whole;
    size_t around = strlen(name) + strlen(end) + 2;

    str_init(&line, (size_t)LIMIT_ICS * 2);
    str_init(&whole, (size_t)LIMIT_ICS * 2);
    write_line(&line, name, text, add, end);
    calendar_check_lines(&line);
    calendar_unfold(&line, &whole);
    FUZZ_CHECK(whole.len >= around && memchr(whole.data, '\n', whole.len - 1) == NULL);
    FUZZ_CHECK(memcmp(whole.data, name, strlen(name)) == 0);
    check(whole.data + strlen(name), whole.len - around);
    str_release(&line);
    str_release(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);

    if (utf8_is_valid(text, strlen(text), NULL)) {
        check_property("SUMMARY:", text, ical_text, "", check_text);
        check_property("ATTENDEE;CN=", text, ical_parameter, ":mailto:mari@linn.example",
                       check_parameter);
    }
    free(text);
    return 0;
}
