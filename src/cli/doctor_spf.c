/* doctor: SPF (RFC 7208) of the domain that bounces come back to. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "teataja/base/limits.h"

enum {
    LOOKUPS = 10, /* section 4.6.4: more are an error at the receiver */
    ASKED = 30,   /* then we stop counting */
    DEPTH = 10,
    RELAYS = 16 /* addresses of relays that are looked for */
};

enum verdict { UNDECIDED, PASS, OTHER };

/* The verdict on each relay's address, in one record and those that it includes. */
struct verdicts {
    enum verdict of[RELAYS];
};

struct spf {
    struct doctor *doctor;
    struct dns_address relays[RELAYS];
    const char *names[RELAYS]; /* of the relay that has the address */
    size_t count;
    unsigned lookups;
    bool unclear; /* a macro, or a question without an answer, in the way */
    const char *fault;
    char all; /* the qualifier of `all` in the first record; '\0' if it has none */
};

static bool walk(struct spf *spf, const char *domain, const char *record, unsigned depth,
                 struct verdicts *verdicts);

static void fault(struct spf *spf, const char *what, const char *term)
{
    if (spf->fault == NULL) {
        spf->fault = arena_printf(spf->doctor->arena, "%s '%.80s'", what, term);
    }
}

/* The one SPF record of a domain: how many there are. -1: no answer. */
static int find_record(struct doctor *doctor, const char *domain, const char **out)
{
    const char *const *texts = NULL;
    size_t count = 0;
    int found = 0;
    int rc = doctor_ask_txt(doctor, "SPF", domain, &texts, &count);

    *out = NULL;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (strncasecmp(texts[i], "v=spf1", 6) == 0 && (texts[i][6] == ' ' || texts[i][6] == 0)) {
            *out = texts[i];
            found++;
        }
    }
    return rc == 0 || rc == ERR_NOT_FOUND ? found : -1;
}

static bool same_net(const struct dns_address *a, const struct dns_address *b, unsigned bits)
{
    unsigned whole = bits / 8;
    unsigned rest = bits % 8;

    return a->family == b->family && memcmp(a->bytes, b->bytes, whole) == 0 &&
           (rest == 0 || ((a->bytes[whole] ^ b->bytes[whole]) >> (8 - rest)) == 0);
}

static void decide(const struct spf *spf, struct verdicts *verdicts, const struct dns_address *net,
                   unsigned bits, char qualifier)
{
    for (size_t i = 0; i < spf->count; i++) {
        if (verdicts->of[i] == UNDECIDED && same_net(&spf->relays[i], net, bits)) {
            verdicts->of[i] = qualifier == '+' ? PASS : OTHER;
        }
    }
}

/* "ip4:192.0.2.0/24", behind the colon. */
static void read_net(struct spf *spf, const char *value, int family, char qualifier,
                     struct verdicts *verdicts)
{
    const unsigned most = family == AF_INET ? 32 : 128;
    struct dns_address net = {.family = family};
    size_t len = strcspn(value, "/");
    unsigned long bits = most;
    char host[INET6_ADDRSTRLEN] = "";
    char *end = NULL;

    if (len < sizeof(host)) {
        memcpy(host, value, len);
    }
    if (value[len] == '/') {
        bits = strtoul(value + len + 1, &end, 10);
    }
    if (inet_pton(family, host, net.bytes) != 1 || bits > most ||
        (end != NULL && (*end != '\0' || end == value + len + 1))) {
        fault(spf, "this is no network:", value);
        return;
    }
    decide(spf, verdicts, &net, (unsigned)bits, qualifier);
}

/* One more question that receivers must ask; false if there were too many. */
static bool count_lookup(struct spf *spf)
{
    return ++spf->lookups <= ASKED && !spf->doctor->dns_silent;
}

static void match_addresses(struct spf *spf, const char *host, const unsigned bits[2],
                            char qualifier, struct verdicts *verdicts)
{
    struct doctor *doctor = spf->doctor;
    const struct dns_address *found = NULL;
    struct err err = {0};
    size_t count = 0;
    int rc = doctor_answered(
        doctor, "SPF", dns_addresses(doctor->dns, doctor->arena, host, &found, &count, &err), &err);

    spf->unclear |= rc == ERR_BUSY;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        decide(spf, verdicts, &found[i], bits[found[i].family == AF_INET ? 0 : 1], qualifier);
    }
}

/* "a", "mx" and what may follow: ":domain", "/24", "//64". */
static void match_hosts(struct spf *spf, const char *domain, const char *behind, bool mx,
                        char qualifier, struct verdicts *verdicts)
{
    struct doctor *doctor = spf->doctor;
    unsigned bits[2] = {32, 128};
    const char *slash = strchr(behind, '/');
    const char *slashes = strstr(behind, "//");
    const char *host = domain;
    const struct dns_mx *found = NULL;
    struct err err = {0};
    size_t count = 0;

    if (behind[0] == ':') {
        host = arena_strndup(doctor->arena, behind + 1, strcspn(behind + 1, "/"));
    }
    if (slash != NULL && slash != slashes) {
        bits[0] = (unsigned)strtoul(slash + 1, NULL, 10);
    }
    if (slashes != NULL) {
        bits[1] = (unsigned)strtoul(slashes + 2, NULL, 10);
    }
    if (bits[0] > 32 || bits[1] > 128 || host == NULL || host[0] == '\0') {
        fault(spf, "this is no network:", behind);
    } else if (!mx) {
        match_addresses(spf, host, bits, qualifier, verdicts);
    } else if (doctor_answered(doctor, "SPF",
                               dns_mx(doctor->dns, doctor->arena, host, &found, &count, &err),
                               &err) == 0) {
        for (size_t i = 0; i < count && i < LOOKUPS && found[i].host[0] != '\0'; i++) {
            match_addresses(spf, found[i].host, bits, qualifier, verdicts);
        }
    }
}

/* The record of another domain: as include, or in place of ours. */
static void follow(struct spf *spf, const char *domain, unsigned depth, bool include,
                   char qualifier, struct verdicts *verdicts)
{
    struct verdicts inner = *verdicts;
    const char *record = NULL;
    int found;

    for (size_t i = 0; i < RELAYS; i++) {
        inner.of[i] = UNDECIDED;
    }
    found = depth < DEPTH ? find_record(spf->doctor, domain, &record) : -1;
    if (found < 0) {
        spf->unclear = true;
        return;
    }
    if (found != 1) {
        fault(spf, found == 0 ? "there is no SPF record at" : "there are several SPF records at",
              domain);
        return;
    }
    (void)walk(spf, domain, record, depth + 1, &inner);
    for (size_t i = 0; i < spf->count; i++) {
        if (verdicts->of[i] == UNDECIDED && (!include || inner.of[i] == PASS)) {
            verdicts->of[i] = inner.of[i] == PASS && (!include || qualifier == '+') ? PASS : OTHER;
        }
    }
}

/* True if the mechanism is `name`; *behind is what follows it. */
static bool is_mechanism(const char *term, const char *name, const char **behind)
{
    size_t len = strlen(name);

    *behind = term + len;
    return strncasecmp(term, name, len) == 0 &&
           (term[len] == '\0' || term[len] == ':' || term[len] == '/');
}

static void decide_rest(const struct spf *spf, char qualifier, struct verdicts *verdicts)
{
    for (size_t i = 0; i < spf->count; i++) {
        if (verdicts->of[i] == UNDECIDED) {
            verdicts->of[i] = qualifier == '+' ? PASS : OTHER;
        }
    }
}

/* One mechanism; true if it was `all`. */
static bool take_mechanism(struct spf *spf, const char *domain, const char *term, unsigned depth,
                           struct verdicts *verdicts)
{
    char qualifier = strchr("+-~?", *term) != NULL ? *term++ : '+';
    const char *behind;

    if (is_mechanism(term, "all", &behind)) {
        spf->all = depth == 0 ? qualifier : spf->all;
        decide_rest(spf, qualifier, verdicts);
        return true;
    }
    if (is_mechanism(term, "ip4", &behind) && *behind == ':') {
        read_net(spf, behind + 1, AF_INET, qualifier, verdicts);
    } else if (is_mechanism(term, "ip6", &behind) && *behind == ':') {
        read_net(spf, behind + 1, AF_INET6, qualifier, verdicts);
    } else if (!is_mechanism(term, "a", &behind) && !is_mechanism(term, "mx", &behind) &&
               !is_mechanism(term, "include", &behind) && !is_mechanism(term, "exists", &behind) &&
               !is_mechanism(term, "ptr", &behind)) {
        fault(spf, "there is no mechanism", term);
    } else if (!count_lookup(spf) || strchr(term, '%') != NULL ||
               is_mechanism(term, "exists", &behind) || is_mechanism(term, "ptr", &behind)) {
        spf->unclear = true;
    } else if (is_mechanism(term, "include", &behind)) {
        follow(spf, *behind == ':' ? behind + 1 : "", depth, true, qualifier, verdicts);
    } else {
        bool mx = is_mechanism(term, "mx", &behind);

        match_hosts(spf, domain, term + (mx ? 2 : 1), mx, qualifier, verdicts);
    }
    return false;
}

/* Reads a record, to its end: receivers count every lookup that it may cost. */
static bool walk(struct spf *spf, const char *domain, const char *record, unsigned depth,
                 struct verdicts *verdicts)
{
    char *text = arena_strdup(spf->doctor->arena, record + 6);
    char *rest = text;
    const char *redirect = NULL;
    bool all = false;

    for (char *term = NULL; text != NULL && (term = strsep(&rest, " ")) != NULL;) {
        if (strncasecmp(term, "redirect=", 9) == 0) {
            redirect = term + 9;
        } else if (*term != '\0' && !all && strchr(term, '=') == NULL) {
            all = take_mechanism(spf, domain, term, depth, verdicts);
        }
    }
    if (!all && redirect != NULL && count_lookup(spf)) {
        follow(spf, redirect, depth, false, '+', verdicts);
        spf->all = depth == 0 && spf->all == '\0' ? '-' : spf->all;
    }
    return all;
}

/* The addresses of relays that are somebody else's; one on this machine hands mail on
 * from addresses that are not told here. */
static void find_relays(struct spf *spf)
{
    struct doctor *doctor = spf->doctor;
    const struct site *site = &doctor->workspace->config.site;

    for (size_t i = 0; i < site->relay_count && spf->count < RELAYS; i++) {
        const struct site_relay *relay = &site->relays[i];
        struct dns_address one = {.family = AF_INET};
        const struct dns_address *found = &one;
        struct err err = {0};
        size_t count = 1;

        if (doctor_is_loopback(relay->host)) {
            continue;
        }
        if (inet_pton(AF_INET, relay->host, one.bytes) != 1) {
            one.family = AF_INET6;
            if (inet_pton(AF_INET6, relay->host, one.bytes) != 1 &&
                dns_addresses(doctor->dns, doctor->arena, relay->host, &found, &count, &err) < 0) {
                continue;
            }
        }
        for (size_t j = 0; j < count && spf->count < RELAYS; j++) {
            spf->relays[spf->count] = found[j];
            spf->names[spf->count++] = relay->name;
        }
    }
}

static void tell_record(struct doctor *doctor, const struct spf *spf, const char *domain)
{
    if (spf->fault != NULL) {
        doctor_tell(doctor, "SPF", DOCTOR_BAD,
                    "correct the record: as it is, it counts for nothing",
                    "the record of %s is wrong: %s", domain, spf->fault);
    } else if (spf->lookups > LOOKUPS) {
        doctor_tell(doctor, "SPF", DOCTOR_BAD,
                    "name networks (ip4:, ip6:) in place of includes, and leave out what is not "
                    "used",
                    "the record of %s costs %s%u lookups; receivers stop at %d", domain,
                    spf->lookups >= ASKED ? "more than " : "",
                    spf->lookups >= ASKED ? (unsigned)ASKED : spf->lookups, LOOKUPS);
    } else if (spf->all == '+') {
        doctor_tell(doctor, "SPF", DOCTOR_BAD, "end it with -all or ~all",
                    "the record of %s lets everybody send in its name (+all)", domain);
    } else if (spf->all == '?' || spf->all == '\0') {
        doctor_tell(doctor, "SPF", DOCTOR_WARNING, "end it with -all or ~all",
                    "the record of %s forbids nobody to send in its name", domain);
    } else {
        doctor_tell(doctor, "SPF", DOCTOR_OK, NULL, "%s has a record, which costs %u of %d lookups",
                    domain, spf->lookups, LOOKUPS);
    }
}

static void tell_relays(struct doctor *doctor, const struct spf *spf,
                        const struct verdicts *verdicts, const char *domain)
{
    const struct site *site = &doctor->workspace->config.site;

    for (size_t i = 0; i < site->relay_count; i++) {
        const char *name = site->relays[i].name;
        bool named = false;
        bool known = false;

        for (size_t j = 0; j < spf->count; j++) {
            known |= spf->names[j] == name;
            named |= spf->names[j] == name && verdicts->of[j] == PASS;
        }
        if (named) {
            doctor_tell(doctor, "SPF", DOCTOR_OK, NULL, "relay %s may send for %s", name, domain);
        } else if (doctor_is_loopback(site->relays[i].host) || !known || spf->unclear) {
            doctor_tell(doctor, "SPF", DOCTOR_OK, NULL,
                        "relay %s: what it sends from cannot be seen from here; the record of %s "
                        "must name it",
                        name, domain);
        } else {
            doctor_tell(doctor, "SPF", DOCTOR_WARNING,
                        "ask its operator what to include; if it sends from other addresses, they "
                        "must be named",
                        "the record of %s does not name the addresses of relay %s", domain, name);
        }
    }
}

void doctor_spf(struct doctor *doctor)
{
    const char *domain = doctor_bounce_domain(&doctor->workspace->config);
    struct spf spf = {.doctor = doctor};
    struct verdicts verdicts = {{UNDECIDED}};
    const char *record = NULL;
    int found = domain != NULL ? find_record(doctor, domain, &record) : -1;

    if (found == 0) {
        doctor_tell(doctor, "SPF", DOCTOR_BAD,
                    arena_printf(doctor->arena,
                                 "publish a TXT record at %s: \"v=spf1 ... -all\", with what the "
                                 "relay's operator asks for in place of the dots",
                                 domain),
                    "%s, which letters are sent from, has no SPF record", domain);
    } else if (found > 1) {
        doctor_tell(doctor, "SPF", DOCTOR_BAD, "make one of them",
                    "%s has %d SPF records: that counts for nothing", domain, found);
    } else if (found == 1) {
        find_relays(&spf);
        (void)walk(&spf, domain, record, 0, &verdicts);
        tell_record(doctor, &spf, domain);
        if (spf.fault == NULL) {
            tell_relays(doctor, &spf, &verdicts, domain);
        }
    }
}
