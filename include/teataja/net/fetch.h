/* teataja/net/fetch.h - a file from a web server, fetched with suspicion.
 *
 * One GET over HTTPS (HTTP if allowed). What the URL and the server may not do:
 * lead to an address that is not public - loopback, private, link-local, shared
 * (CGNAT), multicast, mapped, NAT64, reserved - unless it is allowed. The address
 * is judged where the socket is made for it, at every hop and every attempt, so
 * that a name which answers differently the second time leads nowhere. At most
 * FETCH_REDIRECTS redirects, never from https to http; a login goes to the host it
 * was given for only. Bytes are counted after decompression. No proxy, no netrc,
 * no cookies, no environment variable changes where it leads.
 *
 * Blocks for at most total_ms. libcurl may use a thread for a name while it runs:
 * who forks does it before.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/str.h"

#define FETCH_REDIRECTS 5
#define FETCH_URL 2000        /* bytes of a URL */
#define FETCH_HEAD 65536      /* bytes of all head lines of one answer */
#define FETCH_FIELD 500       /* bytes of an ETag, a Last-Modified */
#define FETCH_RETRY_DAY 86400 /* Retry-After is taken for so many seconds at most */

/* A network, "10.0.0.0/8" or "fd00::/8"; a single address without the slash. */
struct fetch_net {
    int family; /* AF_INET, AF_INET6 */
    unsigned char bytes[16];
    int bits;
};

/* ERR_INVALID: "'10.0.0.0/40' is not a network; write ADDRESS or ADDRESS/BITS". */
int fetch_net_parse(const char *text, struct fetch_net *out, struct err *err);

/* True for an address of the public internet. Mapped and translated addresses
 * (::ffff:0:0/96, 64:ff9b::/96, 2002::/16, Teredo) are none. */
bool fetch_address_is_public(const struct sockaddr *address);

struct fetch_options {
    const char *url;               /* http, https; webcal and webcals mean https */
    bool allow_http;               /* also without TLS */
    bool allow_private;            /* any address */
    const struct fetch_net *allow; /* these too, though not public */
    size_t allow_count;
    const char *ca_file;       /* PEM file of the authorities to trust; NULL: the system's */
    const char *user;          /* NULL: no login */
    const char *password;      /* with `user`; Basic, over TLS only */
    const char *etag;          /* of the copy that is had; NULL: none */
    const char *last_modified; /* likewise, as the server wrote it */
    const char *const *types;  /* media types that are taken, ends with NULL; NULL: any */
    size_t max_bytes;          /* most bytes of the decoded body */
    int connect_ms;            /* 0: 10 s */
    int total_ms;              /* for all hops together; 0: 60 s */
    int slow_ms;               /* less than 100 bytes a second for so long ends it; 0: 15 s */
    int stop_fd;               /* ERR_STOPPED soon after it is readable; -1: none */
};

struct fetch_answer {
    bool unchanged;  /* 304: the copy that is had is right */
    struct str body; /* decoded; fetch_answer_release frees it */
    long status;     /* of the last answer; 0 if there was none */
    int redirects;
    int64_t retry_after;        /* seconds that a 429 or 503 asks for; 0: not said */
    char etag[FETCH_FIELD + 1]; /* "" if none, or too long to keep */
    char last_modified[FETCH_FIELD + 1];
    char type[80]; /* media type, lower case, without parameters; "" if none */
};

/* Returns 0 with *out filled (free it with fetch_answer_release, whatever was
 * returned), or
 *   ERR_INVALID    the URL cannot be used; ca_file cannot be read
 *   ERR_DENIED     an address or a scheme that is not allowed; 401, 403
 *   ERR_NOT_FOUND  404, 410
 *   ERR_BUSY       408, 425, 429, 5xx: try later, not before retry_after
 *   ERR_IO         no such host, nobody listens
 *   ERR_TIMEOUT    too slow, or no answer in time
 *   ERR_CLOSED     it ended in the middle
 *   ERR_PROTOCOL   TLS, certificate, redirects, another status, another media type
 *   ERR_LIMIT      larger than max_bytes, or head lines over FETCH_HEAD
 *   ERR_STOPPED, ERR_NOMEM
 * with a message that names the host, never path or login, which may be secret. */
int fetch_get(const struct fetch_options *options, struct fetch_answer *out, struct err *err);

void fetch_answer_release(struct fetch_answer *answer);
