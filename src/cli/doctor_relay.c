/* doctor: the relays, reached as delivery reaches them. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "doctor.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/delivery/smtp.h"

enum {
    CONNECT_MS = 10000, /* somebody waits in front of the terminal */
    REPLY_MS = 20000,
    DAYS_FEW = 14 /* a certificate that is renewed by itself is renewed before */
};

bool doctor_is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (inet_pton(AF_INET, host, &v4) == 1) {
        return ntohl(v4.s_addr) >> 24 == 127;
    }
    if (inet_pton(AF_INET6, host, &v6) == 1) {
        return IN6_IS_ADDR_LOOPBACK(&v6);
    }
    return strcmp(host, "localhost") == 0;
}

static int at_most(int64_t micros, int most_ms)
{
    int64_t ms = micros / 1000;

    return ms > 0 && ms < most_ms ? (int)ms : most_ms;
}

static int connect_relay(struct doctor *doctor, const struct site_relay *relay,
                         struct stream **stream, struct smtp **smtp, struct err *err)
{
    static const enum stream_starttls starttls[] = {
        [RELAY_STARTTLS_REQUIRED] = STREAM_STARTTLS_REQUIRED,
        [RELAY_STARTTLS_OPTIONAL] = STREAM_STARTTLS_OPTIONAL,
        [RELAY_STARTTLS_OFF] = STREAM_STARTTLS_OFF,
    };
    const struct config *config = &doctor->workspace->config;
    struct stream_options options = {
        .url = relay->url,
        .starttls = starttls[relay->starttls],
        .user = relay->user,
        .connect_ms = at_most(relay->timeouts.connect, CONNECT_MS),
        .reply_ms = at_most(relay->timeouts.reply, REPLY_MS),
        .stop_fd = -1,
    };
    const struct smtp_options dialogue = {.reply_ms = options.reply_ms, .dot_ms = options.reply_ms};
    char *password = NULL;
    int rc = 0;

    if (relay->password != NULL) {
        rc = config_secret(doctor->arena, config, relay->password, &password, err);
        rc = rc < 0 ? err_prefix(err, "its password") : rc;
        options.password = password;
    }
    if (rc == 0 && relay->ca_file != NULL) {
        options.ca_file = config_path(doctor->arena, config, relay->ca_file);
        rc = options.ca_file == NULL ? err_nomem(err) : 0;
    }
    rc = rc == 0 ? stream_open(&options, stream, err) : rc;
    return rc == 0 ? smtp_open(*stream, &dialogue, smtp, err) : rc;
}

static const char *advice_for(int code)
{
    switch (code) {
    case ERR_DENIED:
        return "ask the relay's operator; check 'user', 'password' and this machine's address";
    case ERR_PROTOCOL:
        return "check 'url', 'starttls' and 'ca_file', and the relay's certificate";
    case ERR_BUSY:
        return "try again later; if it stays so, ask the relay's operator";
    case ERR_NOT_FOUND:
        return "name a file or a variable that is there";
    default:
        return "check 'url', the network, and firewalls on the way";
    }
}

static void tell_tls(struct doctor *doctor, const struct site_relay *relay,
                     const struct stream *stream)
{
    int64_t ends = stream_certificate_ends(stream);
    int64_t days = (ends - clock_now()) / CLOCK_DAY;

    if (!stream_is_encrypted(stream)) {
        /* A password would not have gone this way: the configuration is refused then. */
        bool here = doctor_is_loopback(relay->host);

        doctor_tell(doctor, "relay", here ? DOCTOR_OK : DOCTOR_WARNING,
                    here ? NULL : "set 'starttls: required', or ask for a relay with TLS",
                    "%s: not encrypted%s", relay->name, here ? ", and on this machine" : "");
    } else if (ends == 0) {
        doctor_tell(doctor, "relay", DOCTOR_OK, NULL, "%s: encrypted, its certificate is trusted",
                    relay->name);
    } else {
        doctor_tell(doctor, "relay", days < DAYS_FEW ? DOCTOR_WARNING : DOCTOR_OK,
                    days < DAYS_FEW ? "remind the relay's operator: nothing is sent once it has "
                                      "expired"
                                    : NULL,
                    "%s: encrypted, its certificate is trusted and good for %" PRId64 " days",
                    relay->name, days);
    }
}

static void tell_offers(struct doctor *doctor, const struct site_relay *relay,
                        const struct smtp_capabilities *can)
{
    if (can->size && can->size_max > 0 && can->size_max < LIMIT_MESSAGE) {
        doctor_tell(doctor, "relay", DOCTOR_WARNING, "keep pictures small, or ask for more",
                    "%s: takes messages of at most %" PRIu64 " kB", relay->name,
                    can->size_max / 1000);
    } else if (can->size_max > 0) {
        doctor_tell(doctor, "relay", DOCTOR_OK, NULL, "%s: takes messages of up to %" PRIu64 " kB",
                    relay->name, can->size_max / 1000);
    }
    doctor_tell(doctor, "relay", DOCTOR_OK, NULL, "%s: offers %s%s%s%s", relay->name,
                can->pipelining ? "pipelining" : "no pipelining (each message takes longer)",
                can->enhanced ? ", enhanced status codes" : "", can->eight_bit ? ", 8BITMIME" : "",
                can->smtputf8 ? ", SMTPUTF8" : "");
}

/* What we hold to by ourselves: a relay does not tell what it stands in an hour. */
static void tell_limits(struct doctor *doctor, const struct site_relay *relay)
{
    static const struct {
        int64_t micros;
        const char *unit;
    } units[] = {{CLOCK_SECOND, "second"},
                 {CLOCK_MINUTE, "minute"},
                 {CLOCK_HOUR, "hour"},
                 {CLOCK_DAY, "day"}};
    struct str text;

    str_init(&text, 1000);
    for (size_t i = 0; i < relay->limit_count; i++) {
        for (size_t j = 0; j < sizeof(units) / sizeof(units[0]); j++) {
            if (relay->limits[i].rate.micros == units[j].micros) {
                str_addf(&text, "%s%" PRId64 " a%s %s", text.len > 0 ? ", " : "",
                         relay->limits[i].rate.count - relay->limits[i].reserve, j == 2 ? "n" : "",
                         units[j].unit);
            }
        }
    }
    if (text.len > 0) {
        doctor_tell(doctor, "relay", DOCTOR_OK, NULL, "%s: gets at most %s", relay->name,
                    text.data);
    } else {
        doctor_tell(doctor, "relay", DOCTOR_OK, NULL,
                    "%s: no 'limits' are set; if its operator has any, name them", relay->name);
    }
    str_release(&text);
}

static void check_relay(struct doctor *doctor, const struct site_relay *relay)
{
    struct stream *stream = NULL;
    struct smtp *smtp = NULL;
    struct err err = {0};
    int rc = connect_relay(doctor, relay, &stream, &smtp, &err);

    if (rc < 0) {
        doctor_tell(doctor, "relay", DOCTOR_BAD, advice_for(rc), "%s: %s", relay->name, err.msg);
    } else {
        doctor_tell(doctor, "relay", DOCTOR_OK, NULL, "%s: %s answers%s%s", relay->name,
                    stream_peer(stream), relay->user != NULL ? ", and takes the login of " : "",
                    relay->user != NULL ? relay->user : "");
        tell_tls(doctor, relay, stream);
        tell_offers(doctor, relay, smtp_capabilities(smtp));
        tell_limits(doctor, relay);
    }
    smtp_close(smtp);
    stream_close(stream);
}

void doctor_relays(struct doctor *doctor)
{
    const struct site *site = &doctor->workspace->config.site;

    if (site->relay_count == 0) {
        doctor_tell(doctor, "relay", DOCTOR_WARNING, "add one under 'relays' in teataja.yaml",
                    "no relay is configured: nothing can be sent");
    }
    for (size_t i = 0; i < site->relay_count; i++) {
        check_relay(doctor, &site->relays[i]);
    }
}
