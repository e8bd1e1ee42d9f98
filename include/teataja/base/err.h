/* teataja/base/err.h - what went wrong, in words that can be shown.
 *
 * An error belongs to the caller: a `struct err` on its stack, handed down as
 * the last argument. Functions that can fail return 0 (or a count) and a
 * negative code of `enum err_code` on failure, with the same code in the object.
 * A message is one sentence without a full stop, says what and where, and is
 * not logged by the function that returns it.
 */
#pragma once

#include <stddef.h>

enum err_code {
    ERR_OK = 0,
    ERR_INVALID = -1,   /* what the user wrote is wrong; the message says where */
    ERR_NOT_FOUND = -2, /* no such thing */
    ERR_EXISTS = -3,    /* there is one already */
    ERR_LIMIT = -4,     /* a ceiling of base/limits.h was reached */
    ERR_NOMEM = -5,     /* out of memory */
    ERR_IO = -6,        /* the system refused a read, a write, an open */
    ERR_BUSY = -7,      /* somebody else holds it; trying again may help */
    ERR_DENIED = -8,    /* not allowed: credentials, permissions, a rule */
    ERR_CLOSED = -9,    /* the other side closed the connection */
    ERR_TIMEOUT = -10,  /* the other side did not answer in time */
    ERR_PROTOCOL = -11, /* the other side said what it may not say */
    ERR_CORRUPT = -12,  /* stored data does not make sense */
    ERR_NEWER = -13,    /* stored data is of a newer version of teataja */
    ERR_STOPPED = -14,  /* stopped on request */
    ERR_FULL = -15,     /* no space left on the device */
    ERR_STATE = -16     /* not possible in the state the thing is in */
};

struct err {
    int code;      /* of enum err_code */
    int native;    /* errno, or a library's own code; 0 if none */
    char msg[256]; /* UTF-8, NUL-terminated, cut at a character if too long */
};

/* Sets code and message; `err` may be NULL. Returns `code`, so that a function
 * can `return err_set(err, ERR_INVALID, "...")`. */
int err_set(struct err *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As err_set, with the text of errno value `native` appended: "...: No such
 * file or directory". ENOSPC and EDQUOT become ERR_FULL whatever `code` says. */
int err_set_errno(struct err *err, int code, int native, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Puts context before the message that is there: "file.md: message". Returns
 * the code that is there. */
int err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "out of memory", ERR_NOMEM. */
int err_nomem(struct err *err);

/* Forgets an error that was handled. */
void err_clear(struct err *err);
