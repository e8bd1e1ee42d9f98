/* stream_error.c - libcurl's result codes in words that say what can be done. */
#include "stream_error.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "teataja/base/clock.h"

/* The code at the start of what the server said last, 0 if it was no refusal. */
static int refusal(const struct stream_dialogue *dialogue)
{
    long code = strtol(dialogue->line, NULL, 10);

    return code >= 400 && code <= 599 ? (int)code : 0;
}

/* The server's own words decide when it refused something. */
static int refused(const struct stream_dialogue *dialogue, struct err *err)
{
    int code = refusal(dialogue);

    if (code == 0) {
        return err_set(err, ERR_PROTOCOL, "%s does not talk as a mail server: '%s'", dialogue->peer,
                       dialogue->line);
    }
    return err_set(err, code < 500 ? ERR_BUSY : ERR_DENIED, "%s refused us: %s", dialogue->peer,
                   dialogue->line);
}

static int denied(const struct stream_dialogue *dialogue, const struct stream_options *options,
                  struct err *err)
{
    const char *user = options->user != NULL ? options->user : "";
    int code = refusal(dialogue);

    if (code == 0) {
        return err_set(err, ERR_DENIED, "%s offers no way to log in that we have", dialogue->peer);
    }
    if (code < 500) {
        return err_set(err, ERR_BUSY, "%s cannot check the login of '%s' now: %s", dialogue->peer,
                       user, dialogue->line);
    }
    return err_set(err, ERR_DENIED, "%s refused the login of '%s'; check user and password: %s",
                   dialogue->peer, user, dialogue->line);
}

static int no_starttls(const struct stream_dialogue *dialogue, const struct stream_options *options,
                       struct err *err)
{
    if (refusal(dialogue) != 0) {
        return err_set(err, refusal(dialogue) < 500 ? ERR_BUSY : ERR_PROTOCOL,
                       "%s offers STARTTLS but refuses it: %s", dialogue->peer, dialogue->line);
    }
    if (options->starttls == STREAM_STARTTLS_OPTIONAL) {
        return err_set(err, ERR_PROTOCOL,
                       "%s does not offer STARTTLS, and a password is not sent without; for a "
                       "relay on this machine set 'starttls: off'",
                       dialogue->peer);
    }
    return err_set(err, ERR_PROTOCOL,
                   "%s does not offer STARTTLS; use smtps:// if it has that, or for a relay on "
                   "this machine set 'starttls: off'",
                   dialogue->peer);
}

/* The date behind `name` in the server's certificate, as libcurl prints it. */
static bool certificate_date(const struct stream_dialogue *dialogue, const char *name,
                             struct tm *out)
{
    struct curl_certinfo *info = NULL;
    size_t len = strlen(name);

    if (curl_easy_getinfo(dialogue->curl, CURLINFO_CERTINFO, &info) != CURLE_OK || info == NULL ||
        info->num_of_certs < 1) {
        return false;
    }
    for (const struct curl_slist *line = info->certinfo[0]; line != NULL; line = line->next) {
        if (strncasecmp(line->data, name, len) == 0) {
            memset(out, 0, sizeof(*out));
            return strptime(line->data + len, "%Y-%m-%d %H:%M:%S", out) != NULL;
        }
    }
    return false;
}

static int bad_certificate(const struct stream_dialogue *dialogue,
                           const struct stream_options *options, struct err *err)
{
    struct tm date;
    time_t now = (time_t)(clock_now() / CLOCK_SECOND);
    char day[16];

    if (certificate_date(dialogue, "Expire Date:", &date) && timegm(&date) < now) {
        strftime(day, sizeof(day), "%Y-%m-%d", &date);
        return err_set(err, ERR_PROTOCOL,
                       "the certificate of %s expired on %s; whoever runs it must renew it",
                       dialogue->peer, day);
    }
    if (certificate_date(dialogue, "Start Date:", &date) && timegm(&date) > now) {
        strftime(day, sizeof(day), "%Y-%m-%d", &date);
        return err_set(err, ERR_PROTOCOL,
                       "the certificate of %s is valid only from %s; check this machine's clock",
                       dialogue->peer, day);
    }
    if (strstr(dialogue->words, "match") != NULL) {
        return err_set(err, ERR_PROTOCOL,
                       "the certificate of %s is for another name; use the name that stands in "
                       "it as the host",
                       dialogue->peer);
    }
    return err_set(err, ERR_PROTOCOL,
                   "the certificate of %s is not trusted%s%s; if it is your own, name its "
                   "authority's file in ca_file",
                   dialogue->peer, options->ca_file != NULL ? " by " : "",
                   options->ca_file != NULL ? options->ca_file : "");
}

static int aborted(const struct stream_dialogue *dialogue, struct err *err)
{
    if (dialogue->stopped) {
        return err_set(err, ERR_STOPPED, "stopped while connecting to %s", dialogue->peer);
    }
    return err_set(err, ERR_TIMEOUT, "%s did not %s in time", dialogue->peer,
                   dialogue->connected ? "answer" : "accept the connection");
}

static int unreachable(const struct stream_dialogue *dialogue, struct err *err)
{
    long native = 0;

    curl_easy_getinfo(dialogue->curl, CURLINFO_OS_ERRNO, &native);
    if (native == 0) {
        return err_set(err, ERR_IO, "no mail server answers at %s", dialogue->peer);
    }
    return err_set_errno(err, ERR_IO, (int)native, "no mail server answers at %s", dialogue->peer);
}

int stream_error(const struct stream_dialogue *dialogue, const struct stream_options *options,
                 CURLcode rc, struct err *err)
{
    int code;

    switch (rc) {
    case CURLE_COULDNT_RESOLVE_HOST:
        code = err_set(err, ERR_IO, "there is no host for %s; check the name and the network",
                       dialogue->peer);
        break;
    case CURLE_COULDNT_CONNECT:
        code = unreachable(dialogue, err);
        break;
    case CURLE_ABORTED_BY_CALLBACK:
    case CURLE_OPERATION_TIMEDOUT:
        code = aborted(dialogue, err);
        break;
    case CURLE_USE_SSL_FAILED:
        code = no_starttls(dialogue, options, err);
        break;
    case CURLE_LOGIN_DENIED:
        code = denied(dialogue, options, err);
        break;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
        code = bad_certificate(dialogue, options, err);
        break;
    case CURLE_SSL_CACERT_BADFILE:
        code = err_set(err, ERR_INVALID, "no certificates can be read from '%s'",
                       options->ca_file != NULL ? options->ca_file : "the system's store");
        break;
    case CURLE_SSL_CONNECT_ERROR:
        code =
            err_set(err, ERR_PROTOCOL, "TLS with %s failed: %s", dialogue->peer, dialogue->words);
        break;
    case CURLE_WRITE_ERROR: /* keep_line would not go on */
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_REMOTE_ACCESS_DENIED:
        code = refused(dialogue, err);
        break;
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        code =
            refusal(dialogue) != 0
                ? refused(dialogue, err)
                : err_set(err, ERR_CLOSED, "%s hung up before the login was done", dialogue->peer);
        break;
    case CURLE_OUT_OF_MEMORY:
        code = err_nomem(err);
        break;
    default:
        code = err_set(err, ERR_IO, "cannot connect to %s: %s", dialogue->peer,
                       dialogue->words[0] != '\0' ? dialogue->words : curl_easy_strerror(rc));
        break;
    }
    if (err != NULL && err->native == 0) {
        err->native = (int)rc;
    }
    return code;
}
