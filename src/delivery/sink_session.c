/* sink_session.c - the server's side of SMTP (RFC 5321), over bytes. */
#include "sink_session.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "teataja/base/log.h"
#include "teataja/base/mem.h"

/* A command with all its parameters; RFC 6531 and 1870 lengthen MAIL. */
#define COMMAND ((size_t)4 * LIMIT_SMTP_LINE)
/* Where reading stops until answers have been sent: a client that only talks. */
#define ANSWERS ((size_t)64 * 1024)
#define LINE_MOST 65536 /* of a message: long lines are somebody's, and are kept */

static size_t message_max(const struct sink_session *session)
{
    return session->options->message_max > 0 ? session->options->message_max : LIMIT_MESSAGE;
}

static void forget_mail(struct sink_session *session)
{
    session->mail.has_sender = false;
    session->mail.recipients = 0;
    session->mail.too_large = false;
    str_reset(&session->mail.bytes);
}

void sink_session_init(struct sink_session *session, const struct sink_options *options,
                       struct sink_counts *counts)
{
    memset(session, 0, sizeof(*session));
    session->options = options;
    session->counts = counts;
    str_init(&session->in, LINE_MOST + SINK_CHUNK);
    str_init(&session->out, 2 * ANSWERS);
    str_init(&session->mail.bytes, message_max(session));
    str_add(&session->out, "220 sink ESMTP teataja: keeps all, delivers nothing\r\n");
}

void sink_session_release(struct sink_session *session)
{
    str_release(&session->in);
    str_release(&session->out);
    str_release(&session->mail.bytes);
    mem_free(session->mail.recipient);
}

static void say(struct sink_session *session, const char *text)
{
    str_add(&session->out, text);
    str_add(&session->out, "\r\n");
}

/* The path of MAIL or RCPT: what is between < and >, and the parameters behind. */
static bool take_path(const char *line, const char *word, char *path, size_t room,
                      const char **parameters)
{
    const char *start = line + strlen(word);
    const char *end;

    if (strncasecmp(line, word, strlen(word)) != 0) {
        return false;
    }
    start += strspn(start, " ");
    end = strchr(start, '>');
    if (*start != '<' || end == NULL || (size_t)(end - start) > room) {
        return false;
    }
    memcpy(path, start + 1, (size_t)(end - start) - 1);
    path[end - start - 1] = '\0';
    *parameters = end + 1;
    return **parameters == '\0' || **parameters == ' ';
}

/* SIZE=n of MAIL's parameters, 0 if there is none. */
static uint64_t announced_size(const char *parameters)
{
    while (*parameters != '\0') {
        parameters += strspn(parameters, " ");
        if (strncasecmp(parameters, "SIZE=", 5) == 0) {
            return strtoull(parameters + 5, NULL, 10);
        }
        parameters += strcspn(parameters, " ");
    }
    return 0;
}

static void on_hello(struct sink_session *session, const char *line)
{
    forget_mail(session);
    session->greeted = true;
    if (strncasecmp(line, "HELO", 4) == 0) {
        say(session, "250 sink");
        return;
    }
    str_addf(&session->out,
             "250-sink\r\n250-PIPELINING\r\n250-SIZE %zu\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
             "250 ENHANCEDSTATUSCODES\r\n",
             message_max(session));
}

static void on_mail(struct sink_session *session, const char *line)
{
    const char *parameters = NULL;
    char path[LIMIT_ADDRESS + 1];
    struct address sender;

    if (!session->greeted) {
        say(session, "503 5.5.1 EHLO first");
    } else if (session->mail.has_sender) {
        say(session, "503 5.5.1 there was a MAIL already");
    } else if (!take_path(line, "MAIL FROM:", path, sizeof(path), &parameters)) {
        say(session, "501 5.5.4 MAIL FROM:<address>");
    } else if (path[0] != '\0' && address_parse(path, &sender, NULL) < 0) {
        say(session, "553 5.1.7 the sender is no address");
    } else if (announced_size(parameters) > message_max(session)) {
        say(session, "552 5.3.4 the message is too large");
    } else {
        forget_mail(session);
        memcpy(session->mail.sender, path, sizeof(path));
        session->mail.has_sender = true;
        say(session, "250 2.1.0 Ok");
    }
}

static void on_rcpt(struct sink_session *session, const char *line)
{
    struct sink_mail *mail = &session->mail;
    const char *parameters = NULL;
    char path[LIMIT_ADDRESS + 1];

    if (mail->recipient == NULL) {
        mail->recipient = mem_alloc(SINK_RECIPIENTS, sizeof(*mail->recipient));
    }
    if (!mail->has_sender) {
        say(session, "503 5.5.1 MAIL first");
    } else if (mail->recipient == NULL) {
        say(session, "451 4.3.0 out of memory");
    } else if (mail->recipients == SINK_RECIPIENTS) {
        say(session, "452 4.5.3 too many recipients");
    } else if (!take_path(line, "RCPT TO:", path, sizeof(path), &parameters)) {
        say(session, "501 5.5.4 RCPT TO:<address>");
    } else if (address_parse(path, &mail->recipient[mail->recipients], NULL) < 0) {
        say(session, "553 5.1.3 the recipient is no address");
    } else {
        mail->recipients++;
        say(session, "250 2.1.5 Ok");
    }
}

static void on_data(struct sink_session *session, const char *line)
{
    (void)line;
    if (!session->mail.has_sender) {
        say(session, "503 5.5.1 MAIL first");
    } else if (session->mail.recipients == 0) {
        say(session, "554 5.5.1 no recipient was accepted");
    } else {
        session->in_data = true;
        say(session, "354 the message, then a dot on a line of its own");
    }
}

static void on_rset(struct sink_session *session, const char *line)
{
    (void)line;
    forget_mail(session);
    say(session, "250 2.0.0 Ok");
}

static void on_noop(struct sink_session *session, const char *line)
{
    (void)line;
    say(session, "250 2.0.0 Ok");
}

static void on_vrfy(struct sink_session *session, const char *line)
{
    (void)line;
    say(session, "252 2.5.0 everybody has a mailbox here");
}

static void on_quit(struct sink_session *session, const char *line)
{
    (void)line;
    say(session, "221 2.0.0 Bye");
    session->closing = true;
}

static const struct {
    const char *verb;
    void (*handle)(struct sink_session *session, const char *line);
} verbs[] = {
    {"EHLO", on_hello}, {"HELO", on_hello}, {"MAIL", on_mail}, {"RCPT", on_rcpt}, {"DATA", on_data},
    {"RSET", on_rset},  {"NOOP", on_noop},  {"VRFY", on_vrfy}, {"QUIT", on_quit},
};

static void obey(struct sink_session *session, const char *line, size_t len)
{
    if (strlen(line) != len) {
        say(session, "500 5.5.2 a command holds no NUL");
        return;
    }
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        size_t size = strlen(verbs[i].verb);
        if (strncasecmp(line, verbs[i].verb, size) == 0 &&
            (line[size] == '\0' || line[size] == ' ')) {
            verbs[i].handle(session, line);
            return;
        }
    }
    say(session, "502 5.5.1 no such command here");
}

/* The final dot: every recipient gets a copy, or the message is not accepted. */
static void keep_mail(struct sink_session *session)
{
    struct sink_mail *mail = &session->mail;
    struct err err = {0};
    int rc = 0;

    session->in_data = false;
    if (mail->too_large) {
        say(session, "552 5.3.4 the message is too large");
        forget_mail(session);
        return;
    }
    for (size_t i = 0; i < mail->recipients && rc == 0; i++) {
        rc = sink_maildir_store(session->options, mail, &mail->recipient[i],
                                session->counts->recipients + 1, &err);
        if (rc == 0) {
            session->counts->recipients++;
        }
    }
    if (rc < 0) {
        LOG(LOG_ERROR, "sink_store", log_text("error", err.msg));
        say(session, rc == ERR_FULL ? "452 4.3.1 the disk is full" : "451 4.3.0 cannot store it");
    } else {
        session->counts->messages++;
        str_addf(&session->out, "250 2.0.0 kept as %" PRIu64 "\r\n", session->counts->messages);
    }
    forget_mail(session);
}

static void take_data_line(struct sink_session *session, const char *line, size_t len)
{
    struct sink_mail *mail = &session->mail;

    if (len == 1 && line[0] == '.') {
        keep_mail(session);
        return;
    }
    if (line[0] == '.') {
        line++;
        len--;
    }
    if (mail->bytes.len + len + 2 > message_max(session)) {
        mail->too_large = true; /* and the rest is read, to find its end */
    }
    if (!mail->too_large) {
        str_add_bytes(&mail->bytes, line, len);
        str_add(&mail->bytes, "\r\n");
    }
}

/* Only CRLF ends a line: a lone LF or CR taken for one is how messages are
 * smuggled into others. */
static bool is_one_line(const char *line, size_t len)
{
    return memchr(line, '\n', len) == NULL && memchr(line, '\r', len) == NULL;
}

static void refuse_and_close(struct sink_session *session, const char *text)
{
    say(session, text);
    session->closing = true;
}

static void take_line(struct sink_session *session, char *line, size_t len)
{
    if (!is_one_line(line, len)) {
        refuse_and_close(session, "550 5.5.2 a line ends with CR and LF together");
    } else if (session->in_data) {
        take_data_line(session, line, len);
    } else if (len > COMMAND) {
        say(session, "500 5.5.2 the command is too long");
    } else {
        line[len] = '\0';
        obey(session, line, len);
    }
}

int sink_session_feed(struct sink_session *session, const char *bytes, size_t len)
{
    size_t at = 0;

    str_add_bytes(&session->in, bytes, len);
    if (str_check(&session->in, NULL) < 0) {
        return ERR_NOMEM;
    }
    while (!session->closing) {
        char *line = session->in.data + at;
        char *end = memmem(line, session->in.len - at, "\r\n", 2);

        if (end == NULL) {
            break;
        }
        take_line(session, line, (size_t)(end - line));
        at += (size_t)(end - line) + 2;
        if (session->out.len > ANSWERS) {
            refuse_and_close(session, "421 4.7.0 read the answers, too");
        }
    }
    if (!session->closing && session->in.len - at > (session->in_data ? LINE_MOST : COMMAND)) {
        refuse_and_close(session, "500 5.5.2 the line is too long");
    }
    str_splice(&session->in, 0, at, "", 0);
    return str_check(&session->out, NULL) < 0 || session->mail.bytes.failed == ERR_NOMEM ? ERR_NOMEM
                                                                                         : 0;
}
