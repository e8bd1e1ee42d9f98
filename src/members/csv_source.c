#include "csv_source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <unicode/ucnv.h>

#include "teataja/base/file.h"
#include "teataja/base/mem.h"
#include "teataja/base/utf8.h"

enum {
    RAW = 65536,                /* bytes that are read at once, where they are converted */
    ROOM = 4 * LIMIT_CSV_FIELD, /* of the stretch: what is left, and as much more */
    PIVOT = 1024,
    SPARE = 4 * PIVOT /* UTF-8 of a pivot that is flushed behind it */
};

struct csv_source {
    char *name; /* for messages */
    int fd;     /* -1: memory */
    const char *data;
    size_t left;  /* of the data */
    size_t total; /* bytes that were read */
    bool ended;   /* nothing more can be read */

    char *room;  /* ROOM + SPARE */
    size_t have; /* bytes there; a character that is cut off at their end is not shown yet */
    struct csv_stretch stretch;
    char fault[160];

    /* Of another charset than UTF-8. */
    char charset[64];
    UConverter *from;
    UConverter *to;
    char *raw;
    size_t raw_at;
    size_t raw_len;
    bool began;
    UChar pivot[PIVOT];
    UChar *pivot_from;
    UChar *pivot_to;
};

/* Reads up to `max` bytes; 0 is the end. */
static int read_bytes(struct csv_source *source, char *out, size_t max, size_t *got,
                      struct err *err)
{
    ssize_t n;

    if (source->fd < 0) {
        *got = max < source->left ? max : source->left;
        if (*got > 0) {
            memcpy(out, source->data, *got);
            source->data += *got;
            source->left -= *got;
        }
    } else {
        do {
            n = read(source->fd, out, max);
        } while (n < 0 && errno == EINTR);
        if (n < 0) {
            return err_set_errno(err, ERR_IO, errno, "cannot read '%s'", source->name);
        }
        *got = (size_t)n;
    }
    source->total += *got;
    if (source->total > LIMIT_CSV) {
        return err_set(err, ERR_LIMIT, "%s is larger than %d MB", source->name,
                       LIMIT_CSV / (1024 * 1024));
    }
    return 0;
}

static void end_at(struct csv_source *source, size_t len, const char *fault)
{
    source->have = len;
    source->ended = true;
    (void)snprintf(source->fault, sizeof(source->fault), "%s", fault);
}

/* ---- another charset ---- */

/* What stands before the bad byte may still be on its way through the pivot. */
static void stop_converting(struct csv_source *source)
{
    const UChar *rest = source->pivot_from;
    char *target = source->room + source->have;
    UErrorCode late = U_ZERO_ERROR;
    char fault[sizeof(source->fault)];

    ucnv_fromUnicode(source->to, &target, source->room + ROOM + SPARE - 1, &rest, source->pivot_to,
                     NULL, 0, &late);
    (void)snprintf(fault, sizeof(fault), "a byte here is no character of charset '%s'",
                   source->charset);
    end_at(source, (size_t)(target - source->room), fault);
}

static int convert(struct csv_source *source, struct err *err)
{
    const char *from;
    char *target = source->room + source->have;
    UErrorCode status = U_ZERO_ERROR;
    bool at_end;
    int rc;

    if (source->raw_at == source->raw_len) {
        source->raw_at = 0;
        rc = read_bytes(source, source->raw, RAW, &source->raw_len, err);
        if (rc < 0) {
            return rc;
        }
    }
    at_end = source->raw_len == 0;
    from = source->raw + source->raw_at;
    ucnv_convertEx(source->to, source->from, &target, source->room + ROOM, &from,
                   source->raw + source->raw_len, source->pivot, &source->pivot_from,
                   &source->pivot_to, source->pivot + PIVOT, !source->began, at_end, &status);
    source->began = true;
    source->raw_at = (size_t)(from - source->raw);
    source->have = (size_t)(target - source->room);
    if (status == U_BUFFER_OVERFLOW_ERROR) {
        return 0; /* the room is full */
    }
    if (U_FAILURE(status)) {
        stop_converting(source);
    }
    source->ended = source->ended || at_end;
    return 0;
}

static int start_converting(struct csv_source *source, const char *charset, struct err *err)
{
    UErrorCode status = U_ZERO_ERROR;

    source->from = ucnv_open(charset, &status);
    if (U_FAILURE(status)) {
        return err_set(err, ERR_INVALID,
                       "charset '%s' is not known; write 'UTF-8', 'windows-1257', 'ISO-8859-13' or "
                       "another name that IANA lists",
                       charset);
    }
    source->to = ucnv_open("UTF-8", &status);
    if (U_FAILURE(status)) {
        return err_nomem(err);
    }
    ucnv_setToUCallBack(source->from, UCNV_TO_U_CALLBACK_STOP, NULL, NULL, NULL, &status);
    source->pivot_from = source->pivot;
    source->pivot_to = source->pivot;
    (void)snprintf(source->charset, sizeof(source->charset), "%.60s", charset);
    return 0;
}

/* ---- the stretch ---- */

/* The length without a character of which only the beginning is there. */
static size_t whole_characters(const char *text, size_t len)
{
    for (size_t back = 1; back <= 3 && back <= len; back++) {
        unsigned char c = (unsigned char)text[len - back];

        if (c >= 0xc0) {
            size_t size = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;

            return size > back ? len - back : len;
        }
        if (c < 0x80) {
            break;
        }
    }
    return len;
}

/* Shows what has come and makes sense. */
static void show(struct csv_source *source)
{
    size_t from = source->stretch.len; /* what is shown was looked at */
    size_t to = source->ended ? source->have : whole_characters(source->room, source->have);
    const char *nul;
    size_t bad = 0;

    if (source->to == NULL && !utf8_is_valid(source->room + from, to - from, &bad)) {
        to = from + bad;
        end_at(source, to,
               "this is not UTF-8; if the file is in another charset, name it, such as "
               "--charset windows-1257");
    }
    nul = to > from ? memchr(source->room + from, '\0', to - from) : NULL;
    if (nul != NULL) {
        to = (size_t)(nul - source->room);
        end_at(source, to, "a NUL byte has no place in a table of text");
    }
    source->stretch = (struct csv_stretch){
        .text = source->room,
        .len = to,
        .last = source->ended,
        .fault = source->fault[0] != '\0' ? source->fault : NULL,
    };
}

static int read_more(struct csv_source *source, struct err *err)
{
    size_t got = 0;
    int rc;

    if (source->to != NULL) {
        return convert(source, err);
    }
    rc = read_bytes(source, source->room + source->have, ROOM - source->have, &got, err);
    source->have += rc == 0 ? got : 0;
    source->ended = got == 0;
    return rc;
}

int csv_source_fill(struct csv_source *source, size_t used, struct err *err)
{
    int rc = 0;

    memmove(source->room, source->room + used, source->have - used);
    source->have -= used;
    source->stretch.len -= used;
    while (rc == 0 && !source->ended && source->stretch.len < CSV_STRETCH) {
        rc = read_more(source, err);
        if (rc == 0) {
            show(source);
        }
    }
    return rc;
}

const struct csv_stretch *csv_source_stretch(const struct csv_source *source)
{
    return &source->stretch;
}

/* ---- opening ---- */

/* What a spreadsheet saves unless it is told otherwise: a ZIP archive (xlsx, ods), or xls. */
static bool is_spreadsheet(const char *data, size_t len)
{
    return len >= 4 &&
           (memcmp(data, "PK\x03\x04", 4) == 0 || memcmp(data, "\xd0\xcf\x11\xe0", 4) == 0);
}

static bool is_utf16(const char *data, size_t len)
{
    return len >= 2 && (memcmp(data, "\xff\xfe", 2) == 0 || memcmp(data, "\xfe\xff", 2) == 0);
}

/* The first bytes say what it is. */
static int begin(struct csv_source *source, const char *charset, struct err *err)
{
    size_t got = 0;
    int rc = 0;

    do {
        rc = read_bytes(source, source->room + source->have, RAW - source->have, &got, err);
        source->have += rc == 0 ? got : 0;
    } while (rc == 0 && got > 0 && source->have < 4);
    if (rc < 0) {
        return rc;
    }
    source->ended = got == 0;
    if (is_spreadsheet(source->room, source->have)) {
        return err_set(err, ERR_INVALID,
                       "%s:1:1: this is a spreadsheet's own format; save it as CSV (UTF-8)",
                       source->name);
    }
    if (charset == NULL && is_utf16(source->room, source->have)) {
        charset = "UTF-16";
    }
    if (charset != NULL && strcmp(charset, "UTF-8") != 0 && strcmp(charset, "utf-8") != 0) {
        rc = start_converting(source, charset, err);
        source->raw = mem_alloc(RAW, 1);
        if (rc < 0 || source->raw == NULL) {
            return rc < 0 ? rc : err_nomem(err);
        }
        memcpy(source->raw, source->room, source->have);
        source->raw_len = source->have;
        source->have = 0;
        source->ended = false;
    }
    show(source);
    return csv_source_fill(source, 0, err);
}

static int open_source(const char *name, int fd, const char *data, size_t len, const char *charset,
                       struct csv_source **out, struct err *err)
{
    struct csv_source *source = mem_alloc(1, sizeof(*source));
    int rc;

    *out = NULL;
    if (source == NULL) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return err_nomem(err);
    }
    source->fd = fd;
    source->data = data;
    source->left = len;
    source->name = mem_strdup(name);
    source->room = mem_alloc(ROOM + SPARE, 1);
    rc =
        source->name == NULL || source->room == NULL ? err_nomem(err) : begin(source, charset, err);
    if (rc < 0) {
        csv_source_close(source);
        return rc;
    }
    *out = source;
    return 0;
}

int csv_source_open(const char *path, const char *charset, struct csv_source **out, struct err *err)
{
    int fd = -1;
    int rc = file_open(path, LIMIT_CSV, &fd, err);

    return rc < 0 ? rc : open_source(path, fd, NULL, 0, charset, out, err);
}

int csv_source_open_memory(const char *name, const void *data, size_t len, const char *charset,
                           struct csv_source **out, struct err *err)
{
    return open_source(name, -1, data, len, charset, out, err);
}

void csv_source_close(struct csv_source *source)
{
    if (source == NULL) {
        return;
    }
    if (source->fd >= 0) {
        (void)close(source->fd);
    }
    if (source->from != NULL) {
        ucnv_close(source->from);
    }
    if (source->to != NULL) {
        ucnv_close(source->to);
    }
    mem_free(source->raw);
    mem_free(source->room);
    mem_free(source->name);
    mem_free(source);
}
