/* err.c - see teataja/base/err.h. */
#include "teataja/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "teataja/base/utf8.h"

/* Room to format in before the cut, so that the cut falls between characters. */
#define MESSAGE_ROOM 1024

static void set_message(struct err *err, char text[MESSAGE_ROOM])
{
    size_t len;

    utf8_clean(text);
    len = utf8_prefix(text, strlen(text), sizeof(err->msg) - 1);
    memcpy(err->msg, text, len);
    err->msg[len] = '\0';
}

int err_set(struct err *err, int code, const char *format, ...)
{
    char text[MESSAGE_ROOM];
    va_list args;

    if (err == NULL) {
        return code;
    }
    va_start(args, format);
    if (vsnprintf(text, sizeof(text), format, args) < 0) {
        text[0] = '\0';
    }
    va_end(args);
    err->code = code;
    err->native = 0;
    set_message(err, text);
    return code;
}

int err_set_errno(struct err *err, int code, int native, const char *format, ...)
{
    char text[MESSAGE_ROOM];
    char reason_room[128];
    const char *reason;
    va_list args;
    size_t len;

    if (native == ENOSPC || native == EDQUOT) {
        code = ERR_FULL;
    } else if (native == ENOMEM) {
        code = ERR_NOMEM;
    }
    if (err == NULL) {
        return code;
    }
    va_start(args, format);
    if (vsnprintf(text, sizeof(text), format, args) < 0) {
        text[0] = '\0';
    }
    va_end(args);
    reason = strerror_r(native, reason_room, sizeof(reason_room));
    len = strlen(text);
    /* The reason matters more than the end of a long path. */
    if (len + strlen(reason) + 2 > sizeof(err->msg) - 1) {
        len = utf8_prefix(text, len, sizeof(err->msg) - 1 - strlen(reason) - 2);
    }
    (void)snprintf(text + len, sizeof(text) - len, ": %s", reason);
    err->code = code;
    err->native = native;
    set_message(err, text);
    return code;
}

int err_prefix(struct err *err, const char *format, ...)
{
    char text[MESSAGE_ROOM];
    va_list args;
    size_t len;

    if (err == NULL) {
        return ERR_OK;
    }
    va_start(args, format);
    if (vsnprintf(text, sizeof(text), format, args) < 0) {
        text[0] = '\0';
    }
    va_end(args);
    len = strlen(text);
    (void)snprintf(text + len, sizeof(text) - len, ": %s", err->msg);
    set_message(err, text);
    return err->code;
}

int err_nomem(struct err *err)
{
    return err_set(err, ERR_NOMEM, "out of memory");
}

void err_clear(struct err *err)
{
    if (err != NULL) {
        memset(err, 0, sizeof(*err));
    }
}
