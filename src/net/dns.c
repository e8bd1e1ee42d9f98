/* dns.c - glibc's resolver, with a state of our own, and its answers taken apart. */
#include "teataja/net/dns.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "teataja/base/limits.h"
#include "teataja/base/mem.h"

enum {
    TRIES = 2,    /* of each server */
    SERVERS = 2,  /* that are asked; resolv.conf may name three */
    RECORDS = 200 /* of one answer; more are not looked at */
};

struct dns {
    struct __res_state state;
    uint8_t answer[DNS_ANSWER];
};

int dns_open(int timeout_ms, struct dns **out, struct err *err)
{
    struct dns *dns = mem_alloc(1, sizeof(*dns));

    *out = NULL;
    if (dns == NULL) {
        return err_nomem(err);
    }
    if (res_ninit(&dns->state) != 0) {
        mem_free(dns);
        return err_set(err, ERR_IO, "the system's resolver cannot be used");
    }
    dns->state.retrans = (timeout_ms + 999) / 1000;
    dns->state.retry = TRIES;
    dns->state.nscount = dns->state.nscount > SERVERS ? SERVERS : dns->state.nscount;
    dns->state.options |= RES_USE_EDNS0;
    *out = dns;
    return 0;
}

void dns_close(struct dns *dns)
{
    if (dns != NULL) {
        res_nclose(&dns->state);
        mem_free(dns);
    }
}

/* What a code of the resolver means; `system` is errno of the question. */
static int no_answer(const struct dns *dns, int system, const char *name, const char *type,
                     struct err *err)
{
    switch (dns->state.res_h_errno) {
    case HOST_NOT_FOUND:
        return err_set(err, ERR_NOT_FOUND, "there is no name %s in the DNS", name);
    case NO_DATA:
        return err_set(err, ERR_NOT_FOUND, "%s has no %s record", name, type);
    case TRY_AGAIN:
        if (system == ETIMEDOUT) {
            return err_set(err, ERR_TIMEOUT, "no resolver answered in time for %s of %s", type,
                           name);
        }
        return err_set(err, ERR_BUSY, "the resolver failed to find %s of %s", type, name);
    default:
        return err_set(err, ERR_BUSY, "the resolver refused to look for %s of %s", type, name);
    }
}

/* Asks, and opens the answer. */
static int ask(struct dns *dns, const char *name, ns_type type, const char *type_name,
               ns_msg *message, struct err *err)
{
    size_t len = strlen(name);
    int got;

    if (len == 0 || len > LIMIT_DOMAIN || name[0] == '.' || strstr(name, "..") != NULL) {
        return err_set(err, ERR_INVALID, "'%.100s' cannot be a name in the DNS", name);
    }
    errno = 0;
    got = res_nquery(&dns->state, name, ns_c_in, (int)type, dns->answer, sizeof(dns->answer));
    if (got < 0) {
        return no_answer(dns, errno, name, type_name, err);
    }
    if (got > (int)sizeof(dns->answer) || ns_initparse(dns->answer, got, message) != 0) {
        return err_set(err, ERR_PROTOCOL, "the answer for %s of %s cannot be read", type_name,
                       name);
    }
    return 0;
}

/* The next record of `type` from *at on; false behind the last. Others, such as the
 * CNAME records that led there, are passed over. */
static bool next_record(ns_msg *message, ns_type type, int *at, ns_rr *record)
{
    while (*at < ns_msg_count(*message, ns_s_an) && *at < RECORDS) {
        if (ns_parserr(message, ns_s_an, (*at)++, record) != 0) {
            return false;
        }
        if (ns_rr_type(*record) == type) {
            return true;
        }
    }
    return false;
}

static int nothing_there(const char *name, const char *type, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "%s has no %s record", name, type);
}

/* The strings of one TXT record, joined; NULL when memory is out. */
static const char *join_strings(struct arena *arena, const ns_rr *record)
{
    const uint8_t *bytes = ns_rr_rdata(*record);
    size_t len = ns_rr_rdlen(*record);
    char *out = arena_alloc(arena, len + 1, 1);
    size_t at = 0;
    size_t kept = 0;

    while (out != NULL && at < len) {
        size_t end = at + 1 + bytes[at];

        for (at++; at < end && at < len; at++) {
            out[kept++] = bytes[at] < 0x20 || bytes[at] >= 0x7f ? '?' : (char)bytes[at];
        }
    }
    return out;
}

int dns_txt(struct dns *dns, struct arena *arena, const char *name, const char *const **out,
            size_t *count, struct err *err)
{
    const char **texts = arena_alloc(arena, RECORDS, sizeof(*texts));
    ns_msg message;
    ns_rr record;
    int at = 0;
    int rc;

    *count = 0;
    *out = texts;
    if (texts == NULL) {
        return err_nomem(err);
    }
    rc = ask(dns, name, ns_t_txt, "TXT", &message, err);
    while (rc == 0 && next_record(&message, ns_t_txt, &at, &record)) {
        texts[*count] = join_strings(arena, &record);
        if (texts[(*count)++] == NULL) {
            return err_nomem(err);
        }
    }
    return rc == 0 && *count == 0 ? nothing_there(name, "TXT", err) : rc;
}

/* A name inside an answer, without the dot at its end: in the arena, NULL when memory is
 * out or it cannot be read. */
static const char *read_name(struct arena *arena, ns_msg *message, const uint8_t *at)
{
    char name[NS_MAXDNAME];

    if (ns_name_uncompress(ns_msg_base(*message), ns_msg_end(*message), at, name, sizeof(name)) <
        0) {
        return NULL;
    }
    return arena_strdup(arena, strcmp(name, ".") == 0 ? "" : name);
}

static int by_preference(const void *a, const void *b)
{
    const struct dns_mx *one = a;
    const struct dns_mx *two = b;

    return one->preference != two->preference ? (one->preference < two->preference ? -1 : 1)
                                              : strcmp(one->host, two->host);
}

int dns_mx(struct dns *dns, struct arena *arena, const char *name, const struct dns_mx **out,
           size_t *count, struct err *err)
{
    struct dns_mx *found = arena_alloc(arena, RECORDS, sizeof(*found));
    ns_msg message;
    ns_rr record;
    int at = 0;
    int rc;

    *count = 0;
    *out = found;
    if (found == NULL) {
        return err_nomem(err);
    }
    rc = ask(dns, name, ns_t_mx, "MX", &message, err);
    while (rc == 0 && next_record(&message, ns_t_mx, &at, &record)) {
        const uint8_t *data = ns_rr_rdata(record);

        if (ns_rr_rdlen(record) < 3) {
            continue;
        }
        found[*count].preference = ns_get16(data);
        found[*count].host = read_name(arena, &message, data + 2);
        *count += found[*count].host != NULL;
    }
    if (rc == 0 && *count == 0) {
        return nothing_there(name, "MX", err);
    }
    if (rc == 0) {
        qsort(found, *count, sizeof(*found), by_preference);
    }
    return rc;
}

/* Adds the addresses of one family. */
static int add_addresses(struct dns *dns, const char *name, int family, struct dns_address *found,
                         size_t *count, struct err *err)
{
    const ns_type type = family == AF_INET ? ns_t_a : ns_t_aaaa;
    const size_t len = family == AF_INET ? 4 : 16;
    ns_msg message;
    ns_rr record;
    int at = 0;
    int rc = ask(dns, name, type, family == AF_INET ? "A" : "AAAA", &message, err);

    while (rc == 0 && *count < RECORDS && next_record(&message, type, &at, &record)) {
        if (ns_rr_rdlen(record) == len) {
            found[*count].family = family;
            memcpy(found[*count].bytes, ns_rr_rdata(record), len);
            *count += 1;
        }
    }
    return rc;
}

int dns_addresses(struct dns *dns, struct arena *arena, const char *name,
                  const struct dns_address **out, size_t *count, struct err *err)
{
    struct dns_address *found = arena_alloc(arena, RECORDS, sizeof(*found));
    int rc;

    *out = found;
    *count = 0;
    if (found == NULL) {
        return err_nomem(err);
    }
    rc = add_addresses(dns, name, AF_INET, found, count, err);
    if (rc == 0 || rc == ERR_NOT_FOUND) {
        rc = add_addresses(dns, name, AF_INET6, found, count, err);
    }
    if (*count > 0) {
        err_clear(err);
        return 0;
    }
    return rc == 0 || rc == ERR_NOT_FOUND ? nothing_there(name, "A or AAAA", err) : rc;
}

/* "7.100.51.198.in-addr.arpa", or nibbles below ip6.arpa (RFC 3596 section 2.5). */
static void reverse_name(const struct dns_address *address, char out[NS_MAXDNAME])
{
    const uint8_t *b = address->bytes;
    size_t len = 0;

    if (address->family == AF_INET) {
        snprintf(out, NS_MAXDNAME, "%u.%u.%u.%u.in-addr.arpa", b[3], b[2], b[1], b[0]);
        return;
    }
    for (size_t i = 16; i-- > 0;) {
        len += (size_t)snprintf(out + len, NS_MAXDNAME - len, "%x.%x.", b[i] & 15, b[i] >> 4);
    }
    snprintf(out + len, NS_MAXDNAME - len, "ip6.arpa");
}

int dns_names(struct dns *dns, struct arena *arena, const struct dns_address *address,
              const char *const **out, size_t *count, struct err *err)
{
    const char **names = arena_alloc(arena, RECORDS, sizeof(*names));
    char reverse[NS_MAXDNAME];
    ns_msg message;
    ns_rr record;
    int at = 0;
    int rc;

    *count = 0;
    *out = names;
    if (names == NULL) {
        return err_nomem(err);
    }
    reverse_name(address, reverse);
    rc = ask(dns, reverse, ns_t_ptr, "PTR", &message, err);
    while (rc == 0 && next_record(&message, ns_t_ptr, &at, &record)) {
        names[*count] = read_name(arena, &message, ns_rr_rdata(record));
        *count += names[*count] != NULL;
    }
    return rc == 0 && *count == 0 ? nothing_there(reverse, "PTR", err) : rc;
}
