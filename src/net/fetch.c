/* fetch.c - one GET by libcurl, redirects followed by hand. */
#include "teataja/net/fetch.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "fetch_guard.h"
#include "teataja/base/clock.h"
#include "url_part.h"

#define CONNECT_MS 10000
#define TOTAL_MS 60000
#define SLOW_MS 15000
#define SLOW_BYTES 100L     /* a second */
#define NANOSECONDS 1000000 /* in a millisecond */
#define HOST 256            /* bytes of "host:port" in messages, with NUL */

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_state = CURLE_FAILED_INIT;

struct fetch {
    const struct fetch_options *options;
    struct fetch_answer *answer;
    CURL *curl;
    CURLU *url;
    struct curl_slist *fields;
    int64_t began;     /* clock_ticks */
    bool encrypted;    /* this hop has TLS */
    char host[HOST];   /* of this hop, as messages name it */
    char first[HOST];  /* scheme, host and port that the login is for */
    size_t head_bytes; /* of the answer so far */
    bool head_full;    /* FETCH_HEAD was passed */
    bool body_full;    /* max_bytes was passed */
    bool refused;      /* a type that is not taken */
    bool stopped;
    char denied[FETCH_ADDRESS]; /* the last address that was not let through */
    char words[CURL_ERROR_SIZE];
};

static void start_curl(void)
{
    curl_state = curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* Every socket is made here, for the very address that it then connects to. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct fetch *fetch = context;

    if (purpose != CURLSOCKTYPE_IPCXN || !fetch_may_connect(fetch->options, &to->addr)) {
        fetch_address_text(&to->addr, fetch->denied);
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static int watch(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct fetch *fetch = context;
    struct pollfd wait = {.fd = fetch->options->stop_fd, .events = POLLIN};

    (void)a, (void)b, (void)c, (void)d;
    fetch->stopped = fetch->stopped || (wait.fd >= 0 && poll(&wait, 1, 0) > 0);
    return fetch->stopped ? 1 : 0;
}

/* The value of a head line called `name`, without white space around it. */
static bool field_value(const char *line, size_t len, const char *name, const char **value,
                        size_t *value_len)
{
    size_t at = strlen(name);

    if (len <= at || line[at] != ':' || strncasecmp(line, name, at) != 0) {
        return false;
    }
    at++;
    while (at < len && (line[at] == ' ' || line[at] == '\t')) {
        at++;
    }
    while (len > at && isspace((unsigned char)line[len - 1])) {
        len--;
    }
    *value = line + at;
    *value_len = len - at;
    return true;
}

/* Keeps what we send back another time, if it is plain and short. */
static void keep(char *out, const char *value, size_t len)
{
    out[0] = '\0';
    if (len > FETCH_FIELD) {
        return;
    }
    for (size_t i = 0; i < len; i++) {
        if (value[i] < 0x20 || value[i] > 0x7e) {
            return;
        }
    }
    memcpy(out, value, len);
    out[len] = '\0';
}

static void keep_type(struct fetch_answer *answer, const char *value, size_t len)
{
    size_t used = 0;

    for (size_t i = 0; i < len && value[i] != ';' && used + 1 < sizeof(answer->type); i++) {
        if (value[i] > ' ' && value[i] < 0x7f) {
            answer->type[used++] = (char)tolower((unsigned char)value[i]);
        }
    }
    answer->type[used] = '\0';
}

/* RFC 9110 section 10.2.3: seconds, or a date. */
static int64_t retry_after(const char *value, size_t len)
{
    char text[64];
    char *end = NULL;
    int64_t seconds;

    if (len == 0 || len >= sizeof(text)) {
        return 0;
    }
    memcpy(text, value, len);
    text[len] = '\0';
    seconds = strtoll(text, &end, 10);
    if (*end != '\0') {
        time_t date = curl_getdate(text, NULL);

        seconds = date < 0 ? 0 : (int64_t)date - clock_now() / CLOCK_SECOND;
    }
    if (seconds < 0) {
        return 0;
    }
    return seconds > FETCH_RETRY_DAY ? FETCH_RETRY_DAY : seconds;
}

static size_t take_head(char *bytes, size_t size, size_t count, void *context)
{
    struct fetch *fetch = context;
    struct fetch_answer *answer = fetch->answer;
    size_t len = size * count;
    const char *value;
    size_t value_len;

    fetch->head_bytes += len;
    if (fetch->head_bytes > FETCH_HEAD) {
        fetch->head_full = true;
        return 0;
    }
    if (len > 5 && strncasecmp(bytes, "HTTP/", 5) == 0) { /* 100 Continue went before */
        answer->etag[0] = answer->last_modified[0] = answer->type[0] = '\0';
        answer->retry_after = 0;
    } else if (field_value(bytes, len, "ETag", &value, &value_len)) {
        keep(answer->etag, value, value_len);
    } else if (field_value(bytes, len, "Last-Modified", &value, &value_len)) {
        keep(answer->last_modified, value, value_len);
    } else if (field_value(bytes, len, "Content-Type", &value, &value_len)) {
        keep_type(answer, value, value_len);
    } else if (field_value(bytes, len, "Retry-After", &value, &value_len)) {
        answer->retry_after = retry_after(value, value_len);
    }
    return len;
}

static bool type_is_taken(const struct fetch *fetch)
{
    const char *const *types = fetch->options->types;

    if (types == NULL || fetch->answer->type[0] == '\0') {
        return true;
    }
    while (*types != NULL && strcmp(*types, fetch->answer->type) != 0) {
        types++;
    }
    return *types != NULL;
}

/* Bytes after decompression: what a server says of its size is not asked. */
static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct fetch *fetch = context;
    struct str *body = &fetch->answer->body;
    size_t len = size * count;
    long status = 0;

    curl_easy_getinfo(fetch->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) { /* the words of an error page are not wanted */
        fetch->head_bytes += len;
        fetch->head_full = fetch->head_bytes > FETCH_HEAD;
        return fetch->head_full ? 0 : len;
    }
    if (!type_is_taken(fetch)) {
        fetch->refused = true;
        return 0;
    }
    if (len > fetch->options->max_bytes - body->len) {
        fetch->body_full = true;
        return 0;
    }
    str_add_bytes(body, bytes, len);
    return body->failed == 0 ? len : 0;
}

static int bad_url(const char *why, struct err *err)
{
    return err_set(err, ERR_INVALID, "the address cannot be used: %s", why);
}

/* Takes the URL of a hop: the scheme, the host for messages. */
static int take_url(struct fetch *fetch, const char *text, struct err *err)
{
    char scheme[16];
    char host[HOST - 30];
    char port[8];
    CURLUcode code;
    bool was_encrypted = fetch->encrypted;

    if (strlen(text) > FETCH_URL) {
        return bad_url("it is too long", err);
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (*at <= ' ' || *at > 0x7e) {
            return bad_url("it holds a space or a letter that is not ASCII; write a domain as "
                           "xn--..., other letters as %XX",
                           err);
        }
    }
    code = curl_url_set(fetch->url, CURLUPART_URL, text, CURLU_DISALLOW_USER);
    if (code == CURLUE_OUT_OF_MEMORY) {
        return err_nomem(err);
    }
    if (code != CURLUE_OK) {
        return bad_url(code == CURLUE_USER_NOT_ALLOWED ? "a login stands in it"
                                                       : curl_url_strerror(code),
                       err);
    }
    curl_url_set(fetch->url, CURLUPART_FRAGMENT, NULL, 0);
    url_part(fetch->url, CURLUPART_SCHEME, 0, scheme, sizeof(scheme));
    url_part(fetch->url, CURLUPART_HOST, 0, host, sizeof(host));
    url_part(fetch->url, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, sizeof(port));
    snprintf(fetch->host, sizeof(fetch->host), "%s:%s", host, port);
    fetch->encrypted = strcmp(scheme, "https") == 0;
    if (!fetch->encrypted && strcmp(scheme, "http") != 0) {
        return err_set(err, ERR_DENIED, "%s: only https is fetched, not %s", fetch->host, scheme);
    }
    if (!fetch->encrypted && was_encrypted) {
        return err_set(err, ERR_DENIED, "a redirect leads from https to http at %s", fetch->host);
    }
    if (!fetch->encrypted && !fetch->options->allow_http) {
        return err_set(err, ERR_DENIED, "%s has no TLS; use https, or allow http", fetch->host);
    }
    return 0;
}

/* webcal: is https by another name. */
static int first_url(struct fetch *fetch, struct err *err)
{
    const char *url = fetch->options->url;
    char text[FETCH_URL + 16];
    int rc;

    if (strncasecmp(url, "webcal://", 9) == 0) {
        snprintf(text, sizeof(text), "https://%.*s", FETCH_URL + 1, url + 9);
        url = text;
    } else if (strncasecmp(url, "webcals://", 10) == 0) {
        snprintf(text, sizeof(text), "https://%.*s", FETCH_URL + 1, url + 10);
        url = text;
    }
    rc = take_url(fetch, url, err);
    if (rc == 0 && fetch->options->user != NULL && !fetch->encrypted) {
        return err_set(err, ERR_DENIED, "%s: a password is sent over TLS only", fetch->host);
    }
    snprintf(fetch->first, sizeof(fetch->first), "%s", fetch->host);
    return rc;
}

static int add_field(struct fetch *fetch, const char *name, const char *value, struct err *err)
{
    char line[FETCH_FIELD + 40];
    struct curl_slist *more;

    if (value == NULL || value[0] == '\0' || strlen(value) > FETCH_FIELD ||
        strpbrk(value, "\r\n") != NULL) {
        return 0;
    }
    snprintf(line, sizeof(line), "%s: %s", name, value);
    more = curl_slist_append(fetch->fields, line);
    if (more == NULL) {
        return err_nomem(err);
    }
    fetch->fields = more;
    return 0;
}

static long left_ms(const struct fetch *fetch)
{
    int64_t total = fetch->options->total_ms > 0 ? fetch->options->total_ms : TOTAL_MS;
    int64_t gone = (clock_ticks() - fetch->began) / NANOSECONDS;

    return gone < total ? (long)(total - gone) : 0;
}

static void set_limits(struct fetch *fetch)
{
    const struct fetch_options *options = fetch->options;
    CURL *curl = fetch->curl;
    int slow_ms = options->slow_ms > 0 ? options->slow_ms : SLOW_MS;

    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, left_ms(fetch));
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(options->connect_ms > 0 ? options->connect_ms : CONNECT_MS));
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, SLOW_BYTES);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)((slow_ms + 999) / 1000));
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, watch);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, fetch);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, fetch);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, options->allow_http ? "http,https" : "https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    if (options->ca_file != NULL) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, options->ca_file);
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
}

static int configure(struct fetch *fetch, struct err *err)
{
    const struct fetch_options *options = fetch->options;
    CURL *curl = fetch->curl;

    curl_easy_reset(curl);
    set_limits(fetch);
    curl_easy_setopt(curl, CURLOPT_CURLU, fetch->url);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, fetch->words);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_head);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, fetch);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, fetch);
    curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "teataja");
    if (options->user != NULL && fetch->encrypted && strcmp(fetch->host, fetch->first) == 0) {
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(curl, CURLOPT_USERNAME, options->user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, options->password);
    }
    if (curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fetch->fields) != CURLE_OK) {
        return err_nomem(err);
    }
    return 0;
}

static int unreachable(const struct fetch *fetch, struct err *err)
{
    long native = 0;

    if (fetch->denied[0] != '\0') {
        return err_set(err, ERR_DENIED,
                       "%s leads to %s, which is not on the public internet; allow it if it is "
                       "yours",
                       fetch->host, fetch->denied);
    }
    curl_easy_getinfo(fetch->curl, CURLINFO_OS_ERRNO, &native);
    if (native == 0) {
        return err_set(err, ERR_IO, "no web server answers at %s", fetch->host);
    }
    return err_set_errno(err, ERR_IO, (int)native, "no web server answers at %s", fetch->host);
}

/* The transfer was ended by one of our own functions. */
static int ended(const struct fetch *fetch, struct err *err)
{
    if (fetch->stopped) {
        return err_set(err, ERR_STOPPED, "stopped while fetching from %s", fetch->host);
    }
    if (fetch->head_full) {
        return err_set(err, ERR_LIMIT, "%s sends more than %d bytes of head or error page",
                       fetch->host, FETCH_HEAD);
    }
    if (fetch->body_full) {
        return err_set(err, ERR_LIMIT, "%s sends more than %zu bytes", fetch->host,
                       fetch->options->max_bytes);
    }
    if (fetch->refused) {
        return err_set(err, ERR_PROTOCOL, "%s answers with %s, not with %s", fetch->host,
                       fetch->answer->type, fetch->options->types[0]);
    }
    return err_nomem(err);
}

static int failed(const struct fetch *fetch, CURLcode code, struct err *err)
{
    const char *words = fetch->words[0] != '\0' ? fetch->words : curl_easy_strerror(code);

    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return err_set(err, ERR_IO, "there is no host for %s; check the name and the network",
                       fetch->host);
    case CURLE_COULDNT_CONNECT:
        return unreachable(fetch, err);
    case CURLE_ABORTED_BY_CALLBACK:
    case CURLE_WRITE_ERROR:
        return ended(fetch, err);
    case CURLE_OPERATION_TIMEDOUT:
        return err_set(err, ERR_TIMEOUT, "%s is too slow or does not answer", fetch->host);
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
        return err_set(err, ERR_CLOSED, "%s ended in the middle of its answer", fetch->host);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
        return err_set(err, ERR_PROTOCOL,
                       "the certificate of %s is not valid or not trusted (%s); if it is your "
                       "own, name its authority's file in ca_file",
                       fetch->host, words);
    case CURLE_SSL_CACERT_BADFILE:
        return err_set(err, ERR_INVALID, "no certificates can be read from '%s'",
                       fetch->options->ca_file != NULL ? fetch->options->ca_file
                                                       : "the system's store");
    case CURLE_OUT_OF_MEMORY:
        return err_nomem(err);
    default:
        return err_set(err, ERR_PROTOCOL, "%s cannot be fetched from: %s", fetch->host, words);
    }
}

/* What a status other than 200, 304 and a redirect means. */
static int refused(const struct fetch *fetch, long status, struct err *err)
{
    int code = ERR_PROTOCOL;

    if (status == 401 || status == 403) {
        code = ERR_DENIED;
    } else if (status == 404 || status == 410) {
        code = ERR_NOT_FOUND;
    } else if (status == 408 || status == 425 || status == 429 || status >= 500) {
        code = ERR_BUSY;
    }
    return err_set(err, code, "%s answers %ld%s", fetch->host, status,
                   status == 401 || status == 403 ? ": it wants another login"
                   : code == ERR_NOT_FOUND        ? ": there is no such file"
                                                  : "");
}

static bool is_redirect(long status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* One hop. Returns 1 if the URL is now another one to go to, else 0. */
static int hop(struct fetch *fetch, struct err *err)
{
    struct fetch_answer *answer = fetch->answer;
    char *next = NULL;
    CURLcode code;
    int rc = configure(fetch, err);

    if (rc < 0) {
        return rc;
    }
    str_reset(&answer->body);
    fetch->head_bytes = 0;
    fetch->denied[0] = fetch->words[0] = '\0';
    code = left_ms(fetch) > 0 ? curl_easy_perform(fetch->curl) : CURLE_OPERATION_TIMEDOUT;
    if (code != CURLE_OK) {
        return failed(fetch, code, err);
    }
    curl_easy_getinfo(fetch->curl, CURLINFO_RESPONSE_CODE, &answer->status);
    if (is_redirect(answer->status)) {
        curl_easy_getinfo(fetch->curl, CURLINFO_REDIRECT_URL, &next);
        if (next == NULL) {
            return err_set(err, ERR_PROTOCOL, "%s redirects, but does not say where", fetch->host);
        }
        if (++answer->redirects > FETCH_REDIRECTS) {
            return err_set(err, ERR_PROTOCOL, "more than %d redirects, the last from %s",
                           FETCH_REDIRECTS, fetch->host);
        }
        rc = take_url(fetch, next, err);
        return rc < 0 ? rc : 1;
    }
    answer->unchanged = answer->status == 304 && fetch->fields != NULL;
    if (answer->status != 200 && !answer->unchanged) {
        return refused(fetch, answer->status, err);
    }
    if (answer->status == 200 && !type_is_taken(fetch)) { /* an empty body */
        fetch->refused = true;
        return ended(fetch, err);
    }
    return 0;
}

int fetch_get(const struct fetch_options *options, struct fetch_answer *out, struct err *err)
{
    struct fetch fetch = {.options = options, .answer = out, .began = clock_ticks()};
    int rc;

    memset(out, 0, sizeof(*out));
    str_init(&out->body, options->max_bytes);
    pthread_once(&curl_once, start_curl);
    if (curl_state != CURLE_OK) {
        return err_set(err, ERR_IO, "libcurl does not start: %s", curl_easy_strerror(curl_state));
    }
    if (options->ca_file != NULL && access(options->ca_file, R_OK) != 0) {
        return err_set_errno(err, ERR_INVALID, errno, "cannot read the certificates in '%s'",
                             options->ca_file);
    }
    fetch.url = curl_url();
    fetch.curl = curl_easy_init();
    if (fetch.url == NULL || fetch.curl == NULL) {
        rc = err_nomem(err);
        goto out;
    }
    rc = add_field(&fetch, "If-None-Match", options->etag, err);
    if (rc == 0) {
        rc = add_field(&fetch, "If-Modified-Since", options->last_modified, err);
    }
    if (rc == 0) {
        rc = first_url(&fetch, err);
    }
    while (rc == 0 && (rc = hop(&fetch, err)) == 1) {
        rc = 0;
    }
out:
    curl_easy_cleanup(fetch.curl);
    curl_url_cleanup(fetch.url);
    curl_slist_free_all(fetch.fields);
    return rc;
}

void fetch_answer_release(struct fetch_answer *answer)
{
    str_release(&answer->body);
}
