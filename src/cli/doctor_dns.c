/* doctor: what the DNS says of our domains, and of this machine. */
#include <arpa/inet.h>
#include <ctype.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "doctor.h"
#include "teataja/base/limits.h"
#include "teataja/base/str.h"

enum { DNS_MS = 3000 };

int doctor_answered(struct doctor *doctor, const char *area, int rc, const struct err *err)
{
    if (rc == 0 || rc == ERR_NOT_FOUND) {
        return rc;
    }
    if (rc == ERR_TIMEOUT) {
        doctor->dns_silent = true;
        doctor_tell(doctor, area, DOCTOR_BAD, "check /etc/resolv.conf and the network",
                    "%s: nothing more was asked", err->msg);
    } else if (!doctor->dns_silent) {
        doctor_tell(doctor, area, DOCTOR_WARNING,
                    "try again; if it stays so, look at the zone's "
                    "name servers",
                    "%s", err->msg);
    }
    return ERR_BUSY;
}

int doctor_ask_txt(struct doctor *doctor, const char *area, const char *name,
                   const char *const **out, size_t *count)
{
    struct err err = {0};

    *count = 0;
    if (doctor->dns_silent) {
        return ERR_BUSY;
    }
    return doctor_answered(doctor, area,
                           dns_txt(doctor->dns, doctor->arena, name, out, count, &err), &err);
}

bool doctor_is_below(const char *domain, const char *above)
{
    size_t len = strlen(domain);
    size_t more = strlen(above);

    return len >= more && strcasecmp(domain + len - more, above) == 0 &&
           (len == more || domain[len - more - 1] == '.');
}

const char *doctor_tag(struct arena *arena, const char *record, const char *tag)
{
    const char *at = record;

    while (*at != '\0') {
        size_t len = strcspn(at, ";");
        const char *equals = memchr(at, '=', len);
        const char *name = at + strspn(at, " \t");
        char *out;
        size_t kept = 0;

        if (equals != NULL && strncmp(name, tag, strlen(tag)) == 0 &&
            name[strlen(tag) + strspn(name + strlen(tag), " \t")] == '=') {
            out = arena_alloc(arena, len + 1, 1);
            for (const char *c = equals + 1; out != NULL && c < at + len; c++) {
                if (*c != ' ' && *c != '\t') {
                    out[kept++] = *c;
                }
            }
            return out;
        }
        at += len;
        at += *at == ';';
    }
    return NULL;
}

const char *doctor_bounce_domain(const struct config *config)
{
    const struct site_addresses *addresses = &config->site.addresses;

    if (addresses->mode == SITE_ADDRESS_CATCHALL) {
        return addresses->domain;
    }
    return addresses->mailbox.text[0] != '\0' ? address_domain(&addresses->mailbox) : NULL;
}

static void add_domain(const char **domains, size_t *count, const struct address *address)
{
    const char *domain = address->text[0] != '\0' ? address_domain(address) : NULL;

    for (size_t i = 0; domain != NULL && i < *count; i++) {
        if (strcmp(domains[i], domain) == 0) {
            return;
        }
    }
    if (domain != NULL) {
        domains[(*count)++] = domain;
    }
}

size_t doctor_sender_domains(const struct doctor *doctor, const char ***out)
{
    const struct config *config = &doctor->workspace->config;
    size_t count = 0;

    *out = arena_alloc(doctor->arena, config->newsletter_count + 1, sizeof(**out));
    if (*out == NULL) {
        return 0;
    }
    for (size_t i = 0; i < config->newsletter_count; i++) {
        add_domain(*out, &count, &config->newsletters[i].from.address);
    }
    add_domain(*out, &count, &config->site.office.address);
    return count;
}

/* ---- who takes mail for a domain ---- */

static void check_mx(struct doctor *doctor, const char *domain, const char *what)
{
    const struct dns_mx *mx = NULL;
    const struct dns_address *addresses = NULL;
    struct err err = {0};
    size_t count = 0;
    int rc;

    if (doctor->dns_silent) {
        return;
    }
    rc = doctor_answered(doctor, "MX",
                         dns_mx(doctor->dns, doctor->arena, domain, &mx, &count, &err), &err);
    if (rc == 0 && mx[0].host[0] == '\0') {
        doctor_tell(doctor, "MX", DOCTOR_BAD, "choose a domain that takes mail",
                    "%s says that it takes no mail: %s are lost", domain, what);
    } else if (rc == 0) {
        doctor_tell(doctor, "MX", DOCTOR_OK, NULL, "%s go to %s (MX of %s)", what, mx[0].host,
                    domain);
    } else if (rc == ERR_NOT_FOUND) {
        rc = doctor_answered(
            doctor, "MX",
            dns_addresses(doctor->dns, doctor->arena, domain, &addresses, &count, &err), &err);
        if (rc == 0) {
            doctor_tell(doctor, "MX", DOCTOR_WARNING, "publish an MX record",
                        "%s has no MX record: %s go to its own address", domain, what);
        } else if (rc == ERR_NOT_FOUND) {
            doctor_tell(doctor, "MX", DOCTOR_BAD, "publish an MX record that leads to a mailbox",
                        "nothing takes mail for %s: %s are lost", domain, what);
        }
    }
}

static void check_mailboxes(struct doctor *doctor)
{
    const struct config *config = &doctor->workspace->config;
    const char *bounces = doctor_bounce_domain(config);
    const char **domains =
        arena_alloc(doctor->arena, 2 * config->newsletter_count + 1, sizeof(*domains));
    size_t count = 0;

    if (domains == NULL) {
        doctor->no_memory = true;
        return;
    }
    for (size_t i = 0; i < config->newsletter_count; i++) {
        add_domain(domains, &count, &config->newsletters[i].from.address);
        add_domain(domains, &count, &config->newsletters[i].reply_to);
    }
    add_domain(domains, &count, &config->site.office.address);
    for (size_t i = 0; i < count; i++) {
        check_mx(doctor, domains[i], "answers");
    }
    if (bounces != NULL) {
        check_mx(doctor, bounces, "bounces");
    } else {
        doctor_tell(doctor, "MX", DOCTOR_WARNING, "set 'addresses' in teataja.yaml",
                    "no address for bounces is configured");
    }
}

/* ---- the name of this machine, where the relay is on it ---- */

/* Addresses that others cannot see (RFC 1918, 4193, 3927, 6598) tell nothing. */
static bool is_public(const struct dns_address *address)
{
    const uint8_t *b = address->bytes;

    if (address->family == AF_INET) {
        return b[0] != 127 && b[0] != 10 && b[0] != 0 && !(b[0] == 172 && (b[1] & 0xf0) == 16) &&
               !(b[0] == 192 && b[1] == 168) && !(b[0] == 169 && b[1] == 254) &&
               !(b[0] == 100 && (b[1] & 0xc0) == 64);
    }
    return (b[0] & 0xe0) == 0x20;
}

static void check_name(struct doctor *doctor, const struct dns_address *address)
{
    const struct dns_address *back = NULL;
    const char *const *names = NULL;
    char shown[INET6_ADDRSTRLEN] = "";
    struct err err = {0};
    size_t count = 0;
    size_t back_count = 0;
    int rc = doctor_answered(
        doctor, "PTR", dns_names(doctor->dns, doctor->arena, address, &names, &count, &err), &err);

    (void)inet_ntop(address->family, address->bytes, shown, sizeof(shown));
    if (rc == ERR_NOT_FOUND) {
        doctor_tell(doctor, "PTR", DOCTOR_BAD,
                    "ask whom the address is rented from for a PTR record",
                    "%s, of this machine, has no name: many servers refuse its mail", shown);
    }
    if (rc != 0) {
        return;
    }
    rc = doctor_answered(
        doctor, "PTR",
        dns_addresses(doctor->dns, doctor->arena, names[0], &back, &back_count, &err), &err);
    for (size_t i = 0; rc == 0 && i < back_count; i++) {
        if (back[i].family == address->family &&
            memcmp(back[i].bytes, address->bytes, address->family == AF_INET ? 4 : 16) == 0) {
            doctor_tell(doctor, "PTR", DOCTOR_OK, NULL, "%s is %s, and back", shown, names[0]);
            return;
        }
    }
    if (rc == 0 || rc == ERR_NOT_FOUND) {
        doctor_tell(doctor, "PTR", DOCTOR_BAD,
                    "publish an address record for that name, or change the PTR record",
                    "%s is %s, but that name does not lead back: many servers refuse its mail",
                    shown, names[0]);
    }
}

/* The names of all our addresses that others can see; how many there are. */
static size_t check_own_names(struct doctor *doctor)
{
    struct ifaddrs *all = NULL;
    size_t count = 0;

    if (getifaddrs(&all) != 0) {
        return 0;
    }
    for (const struct ifaddrs *at = all; at != NULL && !doctor->dns_silent; at = at->ifa_next) {
        struct dns_address address = {.family = AF_UNSPEC};

        if (at->ifa_addr != NULL && at->ifa_addr->sa_family == AF_INET) {
            struct sockaddr_in v4;

            memcpy(&v4, at->ifa_addr, sizeof(v4));
            address.family = AF_INET;
            memcpy(address.bytes, &v4.sin_addr, 4);
        } else if (at->ifa_addr != NULL && at->ifa_addr->sa_family == AF_INET6) {
            struct sockaddr_in6 v6;

            memcpy(&v6, at->ifa_addr, sizeof(v6));
            address.family = AF_INET6;
            memcpy(address.bytes, &v6.sin6_addr, 16);
        }
        if (address.family != AF_UNSPEC && is_public(&address)) {
            check_name(doctor, &address);
            count++;
        }
    }
    freeifaddrs(all);
    return count;
}

static void check_names(struct doctor *doctor)
{
    const struct site *site = &doctor->workspace->config.site;
    bool own = false;

    for (size_t i = 0; i < site->relay_count; i++) {
        if (doctor_is_loopback(site->relays[i].host)) {
            own = true;
        } else {
            doctor_tell(doctor, "PTR", DOCTOR_OK, NULL,
                        "%s: the names of its addresses are its operator's business",
                        site->relays[i].name);
        }
    }
    if (own && !doctor->dns_silent && check_own_names(doctor) == 0) {
        doctor_tell(doctor, "PTR", DOCTOR_OK, NULL,
                    "this machine has no public address: what its mail comes from cannot be seen "
                    "from here");
    }
}

void doctor_dns(struct doctor *doctor)
{
    struct err err = {0};

    if (dns_open(DNS_MS, &doctor->dns, &err) < 0) {
        doctor_tell(doctor, "MX", DOCTOR_BAD, "check /etc/resolv.conf", "%s", err.msg);
        return;
    }
    check_mailboxes(doctor);
    doctor_spf(doctor);
    doctor_dkim(doctor);
    doctor_dmarc(doctor);
    check_names(doctor);
}
