/* listen.c - see listen.h. */
#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 512, UNIX_MODE = 0660 };

/* Where to listen, taken apart. */
struct place {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un un;
    } address;
    socklen_t len;
};

static int parse_unix(const char *path, struct place *out, struct err *err)
{
    size_t len = strlen(path);

    if (len == 0 || len >= sizeof(out->address.un.sun_path) || len + 6 > SERVER_WHERE) {
        return err_set(err, ERR_INVALID, "'unix:%s': a path of 1 to %zu bytes is needed", path,
                       sizeof(out->address.un.sun_path) - 1);
    }
    out->address.un.sun_family = AF_UNIX;
    memcpy(out->address.un.sun_path, path, len + 1);
    out->len = (socklen_t)sizeof(out->address.un);
    return 0;
}

static bool is_loopback(const struct place *place)
{
    return place->address.any.sa_family == AF_INET
               ? (ntohl(place->address.v4.sin_addr.s_addr) >> 24) == 127
               : place->address.any.sa_family == AF_UNIX ||
                     IN6_IS_ADDR_LOOPBACK(&place->address.v6.sin6_addr);
}

static int parse_port(const char *text, in_port_t *out)
{
    char *end = NULL;
    long port = strtol(text, &end, 10);

    *out = htons((uint16_t)port);
    return text[0] < '0' || text[0] > '9' || *end != '\0' || port > 65535 ? -1 : 0;
}

static int parse(const char *listen, struct place *out, struct err *err)
{
    const char *colon = strrchr(listen, ':');
    char host[INET6_ADDRSTRLEN + 2];
    size_t len = colon != NULL ? (size_t)(colon - listen) : 0;

    memset(out, 0, sizeof(*out));
    if (strncmp(listen, "unix:", 5) == 0) {
        return parse_unix(listen + 5, out, err);
    }
    if (len > 0 && len < sizeof(host)) {
        memcpy(host, listen, len);
        host[len] = '\0';
        out->address.v4.sin_family = AF_INET;
        out->len = (socklen_t)sizeof(out->address.v4);
        if (inet_pton(AF_INET, host, &out->address.v4.sin_addr) == 1 &&
            parse_port(colon + 1, &out->address.v4.sin_port) == 0) {
            return 0;
        }
        if (host[0] == '[' && host[len - 1] == ']') {
            memset(out, 0, sizeof(*out));
            host[len - 1] = '\0';
            out->address.v6.sin6_family = AF_INET6;
            out->len = (socklen_t)sizeof(out->address.v6);
            if (inet_pton(AF_INET6, host + 1, &out->address.v6.sin6_addr) == 1 &&
                parse_port(colon + 1, &out->address.v6.sin6_port) == 0) {
                return 0;
            }
        }
    }
    return err_set(err, ERR_INVALID,
                   "'%.60s' is no place to listen; write 127.0.0.1:8080, [::1]:8080 or unix:PATH",
                   listen);
}

static int parse_checked(const char *listen, bool anywhere, struct place *out, struct err *err)
{
    int rc = parse(listen, out, err);

    if (rc == 0 && !anywhere && !is_loopback(out)) {
        rc = err_set(err, ERR_INVALID,
                     "'%.60s' can be reached by other machines, and this is plain HTTP; listen on "
                     "127.0.0.1 or unix:PATH behind nginx or Caddy, or say --anywhere",
                     listen);
    }
    return rc;
}

int server_listen_check(const char *listen, bool anywhere, struct err *err)
{
    struct place place;

    return parse_checked(listen, anywhere, &place, err);
}

/* A socket file is left behind by a process that was killed: it goes if nobody answers. */
static int clear_unix(const struct place *place, struct err *err)
{
    const char *path = place->address.un.sun_path;
    struct stat info;
    int native;
    int fd;

    if (lstat(path, &info) != 0) {
        return 0;
    }
    if (!S_ISSOCK(info.st_mode)) {
        return err_set(err, ERR_EXISTS, "%s is there and is no socket", path);
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return err_set_errno(err, ERR_IO, errno, "cannot make a socket");
    }
    native = connect(fd, &place->address.any, place->len) == 0 ? 0 : errno;
    close(fd);
    if (native == 0) {
        return err_set(err, ERR_EXISTS, "somebody listens on unix:%s already", path);
    }
    if (native != ECONNREFUSED) { /* whether somebody listens cannot be seen */
        return err_set_errno(err, native == EACCES ? ERR_DENIED : ERR_IO, native,
                             "cannot take the place of unix:%.100s", path);
    }
    return unlink(path) == 0 ? 0 : err_set_errno(err, ERR_IO, errno, "cannot remove %s", path);
}

static void name_place(const struct place *place, char where[SERVER_WHERE])
{
    char host[INET6_ADDRSTRLEN] = "";

    if (place->address.any.sa_family == AF_UNIX) {
        (void)snprintf(where, SERVER_WHERE, "unix:%s", place->address.un.sun_path);
    } else if (place->address.any.sa_family == AF_INET) {
        (void)inet_ntop(AF_INET, &place->address.v4.sin_addr, host, sizeof(host));
        (void)snprintf(where, SERVER_WHERE, "%s:%u", host, ntohs(place->address.v4.sin_port));
    } else {
        (void)inet_ntop(AF_INET6, &place->address.v6.sin6_addr, host, sizeof(host));
        (void)snprintf(where, SERVER_WHERE, "[%s]:%u", host, ntohs(place->address.v6.sin6_port));
    }
}

static int bind_place(int fd, struct place *place, const char *listen_text, struct err *err)
{
    const int yes = 1;

    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (place->address.any.sa_family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
    }
    if (bind(fd, &place->address.any, place->len) != 0) {
        int code = errno == EADDRINUSE ? ERR_EXISTS : errno == EACCES ? ERR_DENIED : ERR_IO;

        return err_set_errno(err, code, errno, "cannot listen on %.100s", listen_text);
    }
    if (place->address.any.sa_family == AF_UNIX) {
        if (chmod(place->address.un.sun_path, UNIX_MODE) != 0) {
            return err_set_errno(err, ERR_IO, errno, "cannot set the mode of %s",
                                 place->address.un.sun_path);
        }
    } else if (getsockname(fd, &place->address.any, &place->len) != 0) {
        return err_set_errno(err, ERR_IO, errno, "cannot listen on %.100s", listen_text);
    }
    return listen(fd, BACKLOG) == 0
               ? 0
               : err_set_errno(err, ERR_IO, errno, "cannot listen on %.100s", listen_text);
}

int listen_open(const char *listen, bool anywhere, char where[SERVER_WHERE], struct err *err)
{
    struct place place;
    int rc = parse_checked(listen, anywhere, &place, err);
    int fd;

    if (rc == 0 && place.address.any.sa_family == AF_UNIX) {
        rc = clear_unix(&place, err);
    }
    if (rc < 0) {
        return rc;
    }
    fd = socket(place.address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return err_set_errno(err, ERR_IO, errno, "cannot make a socket");
    }
    rc = bind_place(fd, &place, listen, err);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    name_place(&place, where);
    return fd;
}

void listen_remove(const char *where)
{
    if (strncmp(where, "unix:", 5) == 0) {
        (void)unlink(where + 5);
    }
}

void listen_peer(const struct sockaddr *address, char out[64])
{
    out[0] = '\0';
    if (address->sa_family == AF_INET) {
        (void)inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr,
                        out, 64);
    } else if (address->sa_family == AF_INET6) {
        (void)inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr,
                        out, 64);
    }
}
