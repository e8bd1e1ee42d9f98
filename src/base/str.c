/* str.c - see teataja/base/str.h. */
#include "teataja/base/str.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "teataja/base/mem.h"

#define FIRST_CAP 64

/* Never written to: `cap` is 0 as long as `data` is this. */
static char empty[1];

void str_init(struct str *str, size_t ceiling)
{
    *str = (struct str){.data = empty, .ceiling = ceiling};
}

void str_release(struct str *str)
{
    if (str->cap > 0) {
        mem_free(str->data);
    }
    str_init(str, str->ceiling);
}

void str_cut(struct str *str, size_t len)
{
    if (len < str->len) {
        str->len = len;
        str->data[len] = '\0';
    }
}

void str_reset(struct str *str)
{
    str_cut(str, 0);
    str->failed = ERR_OK;
}

/* Room for `more` bytes and the NUL; false when that failed. */
static bool make_room(struct str *str, size_t more)
{
    size_t need;
    size_t cap;
    char *data;

    if (str->failed != ERR_OK) {
        return false;
    }
    if (str->len > str->ceiling || more > str->ceiling - str->len || str->ceiling >= SIZE_MAX / 2) {
        str->failed = ERR_LIMIT;
        return false;
    }
    need = str->len + more + 1;
    if (need <= str->cap) {
        return true;
    }
    cap = str->cap == 0 ? FIRST_CAP : str->cap * 2;
    if (cap > str->ceiling + 1) {
        cap = str->ceiling + 1;
    }
    if (cap < need) {
        cap = need;
    }
    data = mem_resize(str->cap > 0 ? str->data : NULL, 1, cap);
    if (data == NULL) {
        str->failed = ERR_NOMEM;
        return false;
    }
    data[str->len] = '\0';
    str->data = data;
    str->cap = cap;
    return true;
}

void str_reserve(struct str *str, size_t more)
{
    (void)make_room(str, more);
}

void str_add_bytes(struct str *str, const void *bytes, size_t len)
{
    if (len == 0 || !make_room(str, len)) {
        return;
    }
    memcpy(str->data + str->len, bytes, len);
    str->len += len;
    str->data[str->len] = '\0';
}

void str_add(struct str *str, const char *text)
{
    str_add_bytes(str, text, strlen(text));
}

void str_add_char(struct str *str, char c)
{
    str_add_bytes(str, &c, 1);
}

void str_add_repeat(struct str *str, char c, size_t times)
{
    if (times == 0 || !make_room(str, times)) {
        return;
    }
    memset(str->data + str->len, c, times);
    str->len += times;
    str->data[str->len] = '\0';
}

void str_addf(struct str *str, const char *format, ...)
{
    va_list args;
    va_list again;
    size_t room;
    int len;

    if (str->failed != ERR_OK) {
        return;
    }
    va_start(args, format);
    va_copy(again, args);
    room = str->cap > 0 ? str->cap - str->len : 0;
    len = vsnprintf(room > 0 ? str->data + str->len : NULL, room, format, args);
    if (len < 0) {
        str->failed = ERR_NOMEM;
    } else if ((size_t)len < room) {
        str->len += (size_t)len;
    } else if (make_room(str, (size_t)len)) {
        (void)vsnprintf(str->data + str->len, (size_t)len + 1, format, again);
        str->len += (size_t)len;
    }
    if (str->cap > 0) {
        str->data[str->len] = '\0'; /* a first try that did not fit has written there */
    }
    va_end(again);
    va_end(args);
}

void str_splice(struct str *str, size_t at, size_t old_len, const void *bytes, size_t len)
{
    size_t tail;

    if (str->failed != ERR_OK) {
        return;
    }
    if (len > old_len && !make_room(str, len - old_len)) {
        return;
    }
    if (str->cap == 0) {
        return; /* empty before and after */
    }
    tail = str->len - at - old_len;
    memmove(str->data + at + len, str->data + at + old_len, tail);
    if (len > 0) {
        memcpy(str->data + at, bytes, len);
    }
    str->len = at + len + tail;
    str->data[str->len] = '\0';
}

void str_trim_end(struct str *str)
{
    size_t len = str->len;

    while (len > 0 && strchr(" \t\r\n", str->data[len - 1]) != NULL && str->data[len - 1] != '\0') {
        len--;
    }
    str_cut(str, len);
}

int str_check(const struct str *str, struct err *err)
{
    if (str->failed == ERR_LIMIT) {
        return err_set(err, ERR_LIMIT, "text is longer than %zu bytes", str->ceiling);
    }
    if (str->failed != ERR_OK) {
        return err_nomem(err);
    }
    return 0;
}

char *str_take(struct str *str)
{
    char *data = NULL;
    int failed = str->failed;

    if (failed == ERR_OK) {
        data = str->cap > 0 ? str->data : mem_alloc(1, 1);
        if (data == NULL) {
            failed = ERR_NOMEM;
        }
    }
    if (data != NULL) {
        str->cap = 0; /* the block is the caller's now */
    }
    str_release(str);
    str->failed = failed; /* a caller that got NULL can still ask why */
    return data;
}

bool str_ends_with(const struct str *str, const char *end)
{
    size_t len = strlen(end);

    return len <= str->len && memcmp(str->data + str->len - len, end, len) == 0;
}
