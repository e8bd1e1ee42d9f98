/* teataja/net/dns.h - questions to the DNS through the system's resolver.
 *
 * Whom to ask is what resolv.conf(5) says; names are taken as they are, without its
 * search list, and the hosts file is not looked at: what counts is what others see.
 * Long answers are fetched over TCP. A resolver that does not answer is given up after
 * at most four times `timeout_ms` a question (each of two servers is asked twice).
 * Life: dns_open, any number of questions, dns_close. One thread at a time for one
 * struct dns; several do not touch each other.
 *
 * Every question returns 0 and sets *out, *count (at least 1), in the arena, or
 *   ERR_NOT_FOUND  there is no such name, or it has no such record
 *   ERR_TIMEOUT    no resolver answered in time
 *   ERR_BUSY       the resolver, or the name's own servers, failed: it may be there
 *   ERR_INVALID    this cannot be a name in the DNS
 *   ERR_PROTOCOL   the answer makes no sense;  ERR_NOMEM
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"

#define DNS_ANSWER 65535 /* bytes of an answer */

struct dns;

/* Reads resolv.conf. `timeout_ms` (rounded up to whole seconds) is how long one server may
 * take for one answer. ERR_IO, ERR_NOMEM. */
int dns_open(int timeout_ms, struct dns **out, struct err *err);

/* NULL is fine. */
void dns_close(struct dns *dns);

/* The texts of TXT records, the strings of each joined (RFC 7208 section 3.3). What is
 * not printable ASCII has become '?': they can be shown as they are. */
int dns_txt(struct dns *dns, struct arena *arena, const char *name, const char *const **out,
            size_t *count, struct err *err);

struct dns_mx {
    unsigned preference;
    const char *host; /* "" for "takes no mail" (RFC 7505) */
};

/* MX records, the most preferred first. */
int dns_mx(struct dns *dns, struct arena *arena, const char *name, const struct dns_mx **out,
           size_t *count, struct err *err);

/* An IPv4 or IPv6 address. */
struct dns_address {
    int family; /* AF_INET, AF_INET6 */
    uint8_t bytes[16];
};

/* A and AAAA records. */
int dns_addresses(struct dns *dns, struct arena *arena, const char *name,
                  const struct dns_address **out, size_t *count, struct err *err);

/* The names that the PTR records of an address give. */
int dns_names(struct dns *dns, struct arena *arena, const struct dns_address *address,
              const char *const **out, size_t *count, struct err *err);
