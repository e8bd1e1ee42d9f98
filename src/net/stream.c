/* stream.c - libcurl in CONNECT_ONLY mode, and the waiting around it. */
#include "teataja/net/stream.h"

#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "stream_error.h"
#include "teataja/base/civil.h"
#include "teataja/base/clock.h"
#include "teataja/base/mem.h"
#include "url_part.h"

#define CONNECT_MS 30000
#define REPLY_MS 300000
#define LOGIN_ANSWERS 8     /* greeting, EHLO, STARTTLS, EHLO, AUTH and its steps */
#define TLS_RECORD 16384    /* GnuTLS may have written so much of a call that did not return */
#define NANOSECONDS 1000000 /* in a millisecond */

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_state = CURLE_FAILED_INIT;

struct stream {
    CURL *curl;
    curl_socket_t socket;
    int stop_fd;
    bool encrypted;
    char peer[STREAM_PEER];
};

static void start_curl(void)
{
    curl_state = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool stop_asked(int stop_fd)
{
    struct pollfd wait = {.fd = stop_fd, .events = POLLIN};

    return stop_fd >= 0 && poll(&wait, 1, 0) > 0;
}

/* libcurl hands over each line that the server says before the stream is ours. */
static size_t keep_line(char *bytes, size_t size, size_t count, void *context)
{
    struct stream_dialogue *dialogue = context;
    size_t len = size * count;
    size_t kept = 0;

    for (size_t i = 0; i < len && kept + 1 < sizeof(dialogue->line); i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c == '\r' || c == '\n') {
            break;
        }
        dialogue->line[kept++] = c < 0x20 || c >= 0x7f ? '?' : (char)c;
    }
    dialogue->line[kept] = '\0';
    dialogue->since = clock_ticks();
    /* libcurl would wait for a line with a code until the time is up. */
    if (strncmp(dialogue->scheme, "smtp", 4) == 0 && strspn(dialogue->line, "0123456789") < 3) {
        return 0;
    }
    if (strncmp(dialogue->line, "235", 3) == 0) {
        dialogue->logged_in = true;
    }
    return len;
}

/* libcurl asks about once a second whether to go on. Its own time-outs cannot
 * tell connecting from waiting for an answer, so both are kept here. */
static int keep_going(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct stream_dialogue *dialogue = context;
    curl_off_t connected = 0;
    int64_t limit;

    (void)a;
    (void)b;
    (void)c;
    (void)d;
    if (stop_asked(dialogue->stop_fd)) {
        dialogue->stopped = true;
        return 1;
    }
    curl_easy_getinfo(dialogue->curl, CURLINFO_CONNECT_TIME_T, &connected);
    if (connected > 0 && !dialogue->connected) {
        dialogue->connected = true;
        dialogue->since = clock_ticks();
    }
    limit = dialogue->connected ? dialogue->reply_ms : dialogue->connect_ms;
    if (clock_ticks() - dialogue->since > limit * NANOSECONDS) {
        dialogue->timed_out = true;
        return 1;
    }
    return 0;
}

static bool name_is_plain(const char *name)
{
    return name[0] != '\0' && strlen(name) <= 255 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]") ==
               strlen(name);
}

/* Takes the URL apart, and puts it together again with our EHLO name as its
 * path, which is where libcurl looks for it. */
static int read_url(const struct stream_options *options, struct stream_dialogue *dialogue,
                    CURLU *url, struct err *err)
{
    char path[300];
    char port[16];
    char host[STREAM_PEER - 16];

    if (curl_url_set(url, CURLUPART_URL, options->url, 0) != CURLUE_OK) {
        return err_set(err, ERR_INVALID, "'%s' is not a URL such as smtp://mail.naide.example:587",
                       options->url);
    }
    url_part(url, CURLUPART_SCHEME, 0, dialogue->scheme, sizeof(dialogue->scheme));
    if (strcmp(dialogue->scheme, "smtp") != 0 && strcmp(dialogue->scheme, "smtps") != 0 &&
        strcmp(dialogue->scheme, "imap") != 0 && strcmp(dialogue->scheme, "imaps") != 0) {
        return err_set(err, ERR_INVALID,
                       "'%s' begins with '%s:'; a mail server's URL begins with smtp:, smtps:, "
                       "imap: or imaps:",
                       options->url, dialogue->scheme);
    }
    url_part(url, CURLUPART_USER, 0, path, sizeof(path));
    if (path[0] != '\0') {
        return err_set(err, ERR_INVALID,
                       "a URL of a mail server holds no user and password: they have settings of "
                       "their own");
    }
    url_part(url, CURLUPART_PATH, 0, path, sizeof(path));
    if (path[0] != '\0' && strcmp(path, "/") != 0) {
        return err_set(err, ERR_INVALID, "'%s' has a path; a mail server's URL ends with the port",
                       options->url);
    }
    url_part(url, CURLUPART_HOST, 0, host, sizeof(host));
    url_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, sizeof(port));
    snprintf(dialogue->peer, sizeof(dialogue->peer), "%s:%s", host, port);
    if (options->hello != NULL) {
        if (!name_is_plain(options->hello)) {
            return err_set(err, ERR_INVALID, "'%s' is not a host name to greet with",
                           options->hello);
        }
        snprintf(path, sizeof(path), "/%s", options->hello);
        curl_url_set(url, CURLUPART_PATH, path, 0);
    }
    return 0;
}

static long tls_level(const struct stream_options *options)
{
    if (options->starttls == STREAM_STARTTLS_OFF) {
        return CURLUSESSL_NONE;
    }
    /* Optional is what an attacker in between can switch off: no password then. */
    if (options->starttls == STREAM_STARTTLS_OPTIONAL && options->user == NULL) {
        return CURLUSESSL_TRY;
    }
    return CURLUSESSL_ALL;
}

static int configure(CURL *curl, CURLU *url, const struct stream_options *options,
                     struct stream_dialogue *dialogue, struct err *err)
{
    CURLcode rc = CURLE_OK;
    long overall = (long)dialogue->connect_ms;

    overall = dialogue->reply_ms > (INT_MAX - overall) / LOGIN_ANSWERS
                  ? INT_MAX
                  : overall + LOGIN_ANSWERS * (long)dialogue->reply_ms;
#define SET(option, value) rc = rc != CURLE_OK ? rc : curl_easy_setopt(curl, option, value)
    SET(CURLOPT_CURLU, url);
    SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps,imap,imaps");
    SET(CURLOPT_CONNECT_ONLY, 1L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_USE_SSL, tls_level(options));
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_CERTINFO, 1L);
    SET(CURLOPT_CONNECTTIMEOUT_MS, overall);
    SET(CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)dialogue->reply_ms / 1000 + 1);
    SET(CURLOPT_ERRORBUFFER, dialogue->words);
    SET(CURLOPT_HEADERFUNCTION, keep_line);
    SET(CURLOPT_HEADERDATA, dialogue);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFOFUNCTION, keep_going);
    SET(CURLOPT_XFERINFODATA, dialogue);
    if (options->ca_file != NULL) {
        SET(CURLOPT_CAINFO, options->ca_file);
        SET(CURLOPT_CAPATH, NULL); /* else the system's are trusted as well */
    }
    if (options->user != NULL) {
        SET(CURLOPT_USERNAME, options->user);
        SET(CURLOPT_PASSWORD, options->password != NULL ? options->password : "");
    }
#undef SET
    if (rc != CURLE_OK) {
        return err_set(err, rc == CURLE_OUT_OF_MEMORY ? ERR_NOMEM : ERR_INVALID,
                       "cannot prepare the connection to %s: %s", dialogue->peer,
                       curl_easy_strerror(rc));
    }
    return 0;
}

/* libcurl keeps the server's certificate only if there was TLS. (It hands out
 * the TLS session itself no longer once the connection is ours.) */
static bool curl_has_tls(CURL *curl)
{
    struct curl_certinfo *info = NULL;

    return curl_easy_getinfo(curl, CURLINFO_CERTINFO, &info) == CURLE_OK && info != NULL &&
           info->num_of_certs > 0;
}

/* Connects with libcurl; afterwards its callbacks must not point to our stack. */
static int connect_stream(struct stream *stream, const struct stream_options *options,
                          struct stream_dialogue *dialogue, struct err *err)
{
    CURLcode rc = curl_easy_perform(stream->curl);

    if (rc != CURLE_OK) {
        return stream_error(dialogue, options, rc, err);
    }
    if (options->user != NULL && !dialogue->logged_in &&
        strncmp(dialogue->scheme, "smtp", 4) == 0) {
        return err_set(err, ERR_DENIED,
                       "%s offers no login that we can use, but a user is set for it",
                       dialogue->peer);
    }
    rc = curl_easy_getinfo(stream->curl, CURLINFO_ACTIVESOCKET, &stream->socket);
    if (rc != CURLE_OK || stream->socket == CURL_SOCKET_BAD) {
        return err_set(err, ERR_CLOSED, "%s hung up after the login", dialogue->peer);
    }
    stream->encrypted = curl_has_tls(stream->curl);
    curl_easy_setopt(stream->curl, CURLOPT_ERRORBUFFER, NULL);
    curl_easy_setopt(stream->curl, CURLOPT_NOPROGRESS, 1L);
    curl_easy_setopt(stream->curl, CURLOPT_XFERINFODATA, NULL);
    curl_easy_setopt(stream->curl, CURLOPT_HEADERFUNCTION, NULL);
    curl_easy_setopt(stream->curl, CURLOPT_HEADERDATA, NULL);
    return 0;
}

int stream_open(const struct stream_options *options, struct stream **out, struct err *err)
{
    struct stream_dialogue dialogue = {.stop_fd = options->stop_fd};
    struct stream *stream = NULL;
    CURLU *url = NULL;
    int rc;

    *out = NULL;
    dialogue.connect_ms = options->connect_ms > 0 ? options->connect_ms : CONNECT_MS;
    dialogue.reply_ms = options->reply_ms > 0 ? options->reply_ms : REPLY_MS;
    pthread_once(&curl_once, start_curl);
    if (curl_state != CURLE_OK) {
        return err_set(err, ERR_IO, "libcurl does not start: %s", curl_easy_strerror(curl_state));
    }
    stream = mem_alloc(1, sizeof(*stream));
    url = curl_url();
    if (stream == NULL || url == NULL || (stream->curl = curl_easy_init()) == NULL) {
        rc = err_nomem(err);
        goto out;
    }
    dialogue.curl = stream->curl;
    stream->stop_fd = options->stop_fd;
    rc = read_url(options, &dialogue, url, err);
    if (rc < 0) {
        goto out;
    }
    if (options->ca_file != NULL && access(options->ca_file, R_OK) != 0) {
        rc = err_set_errno(err, ERR_INVALID, errno, "cannot read the certificates in '%s'",
                           options->ca_file);
        goto out;
    }
    snprintf(stream->peer, sizeof(stream->peer), "%s", dialogue.peer);
    rc = configure(stream->curl, url, options, &dialogue, err);
    if (rc < 0) {
        goto out;
    }
    dialogue.since = clock_ticks();
    rc = connect_stream(stream, options, &dialogue, err);
out:
    if (rc < 0) {
        stream_close(stream);
        stream = NULL;
    }
    curl_url_cleanup(url);
    *out = stream;
    return rc;
}

void stream_close(struct stream *stream)
{
    if (stream == NULL) {
        return;
    }
    curl_easy_cleanup(stream->curl);
    mem_free(stream);
}

/* Waits for the socket or the stop: 0 ready, or ERR_TIMEOUT, ERR_STOPPED, ERR_IO. */
static int wait_for(struct stream *stream, short events, int64_t deadline, struct err *err)
{
    struct pollfd wait[2] = {{.fd = stream->socket, .events = events},
                             {.fd = stream->stop_fd, .events = POLLIN}};

    for (;;) {
        int64_t left = (deadline - clock_ticks() + NANOSECONDS - 1) / NANOSECONDS;
        int ready = poll(wait, 2, left > 0 ? (int)left : 0);

        if (ready < 0 && errno != EINTR) {
            return err_set_errno(err, ERR_IO, errno, "cannot wait for %s", stream->peer);
        }
        if (ready > 0 && wait[1].revents != 0) {
            return err_set(err, ERR_STOPPED, "stopped while waiting for %s", stream->peer);
        }
        if (ready > 0) {
            return 0;
        }
        if (clock_ticks() >= deadline) {
            return err_set(err, ERR_TIMEOUT, "%s did not answer in time", stream->peer);
        }
    }
}

static int64_t deadline_in(int timeout_ms)
{
    return clock_ticks() + (int64_t)timeout_ms * NANOSECONDS;
}

static int broken(struct stream *stream, struct err *err)
{
    long native = 0;

    curl_easy_getinfo(stream->curl, CURLINFO_OS_ERRNO, &native);
    if (native != 0 && native != EAGAIN) {
        return err_set_errno(err, ERR_CLOSED, (int)native, "the connection to %s broke",
                             stream->peer);
    }
    return err_set(err, ERR_CLOSED, "the connection to %s broke", stream->peer);
}

int stream_send_all(struct stream *stream, const void *bytes, size_t len, int timeout_ms,
                    size_t *left, struct err *err)
{
    const char *next = bytes;
    size_t sent = 0;
    int rc = 0;

    while (sent < len && rc == 0) {
        int64_t deadline = deadline_in(timeout_ms);
        CURLcode code;
        size_t n = 0;

        while ((code = curl_easy_send(stream->curl, next + sent, len - sent, &n)) == CURLE_AGAIN) {
            rc = wait_for(stream, POLLOUT, deadline, err);
            if (rc < 0) {
                break;
            }
        }
        if (code == CURLE_OK) {
            sent += n;
        } else if (rc == 0) {
            rc = broken(stream, err);
        }
    }
    if (left != NULL) {
        size_t unsure = rc < 0 && stream->encrypted ? TLS_RECORD : 0;
        *left = len - sent < unsure ? len : sent + unsure;
    }
    return rc;
}

int stream_recv(struct stream *stream, void *bytes, size_t room, size_t *got, int timeout_ms,
                struct err *err)
{
    int64_t deadline = deadline_in(timeout_ms);
    CURLcode code;

    *got = 0;
    while ((code = curl_easy_recv(stream->curl, bytes, room, got)) == CURLE_AGAIN) {
        int rc = timeout_ms > 0 ? wait_for(stream, POLLIN, deadline, err)
                                : err_set(err, ERR_TIMEOUT, "%s says nothing", stream->peer);
        if (rc < 0) {
            return rc;
        }
    }
    if (code != CURLE_OK) {
        return broken(stream, err);
    }
    if (*got == 0) {
        return err_set(err, ERR_CLOSED, "%s hung up", stream->peer);
    }
    return 0;
}

const char *stream_peer(const struct stream *stream)
{
    return stream->peer;
}

bool stream_is_encrypted(const struct stream *stream)
{
    return stream->encrypted;
}

/* "2027-06-10 01:29:11 GMT", as GnuTLS has it, or "Jun 10 01:29:11 2027 GMT". */
static int64_t read_date(const char *text)
{
    char day[] = "2027-06-10 01:29:11";
    struct civil civil;
    time_t seconds = curl_getdate(text, NULL);

    if (seconds > 0) {
        return (int64_t)seconds * CLOCK_SECOND;
    }
    snprintf(day, sizeof(day), "%s", text);
    return civil_parse(day, &civil, NULL) == 0 ? civil_to_utc(&civil) : 0;
}

int64_t stream_certificate_ends(const struct stream *stream)
{
    static const char field[] = "Expire date:";
    struct curl_certinfo *info = NULL;
    int64_t ends = 0;

    if (curl_easy_getinfo(stream->curl, CURLINFO_CERTINFO, &info) != CURLE_OK || info == NULL ||
        info->num_of_certs == 0) {
        return 0;
    }
    for (const struct curl_slist *line = info->certinfo[0]; line != NULL; line = line->next) {
        if (strncasecmp(line->data, field, sizeof(field) - 1) == 0) {
            ends = read_date(line->data + sizeof(field) - 1);
        }
    }
    return ends;
}
