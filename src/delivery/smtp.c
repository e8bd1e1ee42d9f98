/* smtp.c - a session: EHLO, sending, reading answers, QUIT. */
#include "teataja/delivery/smtp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "smtp_session.h"
#include "teataja/base/clock.h"
#include "teataja/base/mem.h"

#define REPLY_MS 300000
#define DOT_MS 600000
#define QUIT_MS 2000
#define HELLO 255
#define NANOSECONDS 1000000 /* in a millisecond */
/* A message whose every line starts with a dot, and an envelope behind it. */
#define FLIGHT (2 * LIMIT_MESSAGE + 8 * LIMIT_SMTP_LINE)

static const char *const pipelining_names[] = {"off", "envelope", "full"};

const char *smtp_pipelining_name(enum smtp_pipelining pipelining)
{
    return pipelining_names[pipelining];
}

int smtp_pipelining_find(const char *name)
{
    for (int i = SMTP_PIPELINING_OFF; i <= SMTP_PIPELINING_FULL; i++) {
        if (strcmp(name, pipelining_names[i]) == 0) {
            return i;
        }
    }
    return -1;
}

int smtp_send(struct smtp *smtp, size_t *left, struct err *err)
{
    int rc = str_check(&smtp->flight, err);

    if (left != NULL) {
        *left = 0;
    }
    if (rc == 0) {
        rc = stream_send_all(smtp->stream, smtp->flight.data, smtp->flight.len,
                             smtp->options.reply_ms, left, err);
    }
    str_reset(&smtp->flight);
    return rc;
}

/* Waits until a whole reply stands at the start of the buffer; does not take it. */
static int await_reply(struct smtp *smtp, int timeout_ms, struct reply *out, size_t *used,
                       struct err *err)
{
    int64_t deadline = clock_ticks() + (int64_t)timeout_ms * NANOSECONDS;
    int rc;

    while ((rc = reply_parse(smtp->in, smtp->have, out, used, err)) == 0) {
        int64_t left = (deadline - clock_ticks() + NANOSECONDS - 1) / NANOSECONDS;
        size_t got = 0;

        rc = stream_recv(smtp->stream, smtp->in + smtp->have, sizeof(smtp->in) - smtp->have, &got,
                         left > 0 ? (int)left : 0, err);
        if (rc < 0) {
            break;
        }
        smtp->have += got;
    }
    if (rc < 0) {
        out->code = 0;
        return err_prefix(err, "%s", stream_peer(smtp->stream));
    }
    return 0;
}

static void take_reply(struct smtp *smtp, size_t used)
{
    smtp->have -= used;
    memmove(smtp->in, smtp->in + used, smtp->have);
}

int smtp_read(struct smtp *smtp, int timeout_ms, struct reply *out, struct err *err)
{
    size_t used = 0;
    int rc = await_reply(smtp, timeout_ms, out, &used, err);

    if (rc == 0) {
        take_reply(smtp, used);
    }
    return rc;
}

int smtp_listen(struct smtp *smtp, struct reply *out, struct err *err)
{
    struct err silence = {0};
    size_t got = 0;
    int rc;

    if (smtp->have == 0) {
        rc = stream_recv(smtp->stream, smtp->in, sizeof(smtp->in), &got, 0, &silence);
        if (rc == ERR_TIMEOUT) {
            return 0;
        }
        if (rc < 0) {
            return err_set(err, rc, "%s", silence.msg);
        }
        smtp->have = got;
    }
    rc = smtp_read(smtp, smtp->options.reply_ms, out, err);
    if (rc < 0) {
        return rc;
    }
    if (out->code == 421) {
        return 1;
    }
    return err_set(err, ERR_PROTOCOL, "%s answered '%d %.100s' to nothing",
                   stream_peer(smtp->stream), out->code, out->text);
}

/* True if a line of the EHLO reply is the keyword; *value is what follows it. */
static bool is_keyword(const char *line, size_t len, const char *keyword, const char **value,
                       size_t *value_len)
{
    size_t size = strlen(keyword);

    if (len < size || strncasecmp(line, keyword, size) != 0 || (len > size && line[size] != ' ')) {
        return false;
    }
    *value = len > size ? line + size + 1 : line + size;
    *value_len = len > size ? len - size - 1 : 0;
    return true;
}

static void read_capabilities(struct smtp *smtp, size_t used)
{
    struct smtp_capabilities *offered = &smtp->capabilities;
    const char *line = NULL;
    const char *value = NULL;
    size_t len = 0;
    size_t value_len = 0;
    size_t at = 0;

    while (reply_line(smtp->in, used, &at, &line, &len)) {
        if (is_keyword(line, len, "PIPELINING", &value, &value_len)) {
            offered->pipelining = true;
        } else if (is_keyword(line, len, "8BITMIME", &value, &value_len)) {
            offered->eight_bit = true;
        } else if (is_keyword(line, len, "SMTPUTF8", &value, &value_len)) {
            offered->smtputf8 = true;
        } else if (is_keyword(line, len, "ENHANCEDSTATUSCODES", &value, &value_len)) {
            offered->enhanced = true;
        } else if (is_keyword(line, len, "SIZE", &value, &value_len)) {
            offered->size = true;
            offered->size_max = value_len > 0 ? strtoull(value, NULL, 10) : 0;
        }
    }
}

static int say_hello(struct smtp *smtp, const char *hello, struct err *err)
{
    struct reply reply = {0};
    size_t used = 0;
    int rc;

    str_addf(&smtp->flight, "EHLO %s\r\n", hello);
    rc = smtp_send(smtp, NULL, err);
    if (rc == 0) {
        rc = await_reply(smtp, smtp->options.reply_ms, &reply, &used, err);
    }
    if (rc < 0) {
        return rc;
    }
    if (reply.code / 100 != 2) {
        return err_set(err, reply.code < 500 ? ERR_BUSY : ERR_DENIED, "%s refused EHLO: %d %.150s",
                       stream_peer(smtp->stream), reply.code, reply.text);
    }
    read_capabilities(smtp, used);
    take_reply(smtp, used);
    return 0;
}

/* A host name or address literal, and nothing that could end the command. */
static bool name_is_plain(const char *name)
{
    return name[0] != '\0' && strlen(name) <= HELLO &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]") ==
               strlen(name);
}

int smtp_open(struct stream *stream, const struct smtp_options *options, struct smtp **out,
              struct err *err)
{
    struct smtp *smtp = NULL;
    char host[HELLO + 1] = "";
    const char *hello = options->hello;
    int rc;

    *out = NULL;
    if (hello != NULL && !name_is_plain(hello)) {
        return err_set(err, ERR_INVALID, "'%s' is not a host name to greet with", hello);
    }
    if (hello == NULL) {
        hello = gethostname(host, HELLO) == 0 && name_is_plain(host) ? host : "localhost";
    }
    smtp = mem_alloc(1, sizeof(*smtp));
    if (smtp == NULL) {
        return err_nomem(err);
    }
    smtp->stream = stream;
    smtp->options = *options;
    smtp->options.hello = NULL;
    smtp->options.reply_ms = options->reply_ms > 0 ? options->reply_ms : REPLY_MS;
    smtp->options.dot_ms = options->dot_ms > 0 ? options->dot_ms : DOT_MS;
    str_init(&smtp->flight, FLIGHT);
    rc = say_hello(smtp, hello, err);
    if (rc < 0) {
        smtp_close(smtp);
        return rc;
    }
    smtp->pipelining = smtp->capabilities.pipelining ? options->pipelining : SMTP_PIPELINING_OFF;
    smtp->open = true;
    *out = smtp;
    return 0;
}

void smtp_close(struct smtp *smtp)
{
    struct reply reply;

    if (smtp == NULL) {
        return;
    }
    if (smtp->open) {
        str_add(&smtp->flight, "QUIT\r\n");
        if (smtp_send(smtp, NULL, NULL) == 0) {
            smtp_read(smtp, QUIT_MS, &reply, NULL);
        }
    }
    str_release(&smtp->flight);
    mem_free(smtp);
}

const struct smtp_capabilities *smtp_capabilities(const struct smtp *smtp)
{
    return &smtp->capabilities;
}

bool smtp_is_usable(const struct smtp *smtp)
{
    return smtp->open &&
           (smtp->options.messages_max == 0 || smtp->transactions < smtp->options.messages_max);
}
