/* inlet.c - see inlet.h. */
#include "inlet.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "listen.h"
#include "teataja/base/clock.h"
#include "teataja/base/log.h"
#include "teataja/base/mem.h"
#include "teataja/web/head.h"

enum { PEER_TEXT = 64, EVENTS = 64, TICK_MS = 500, PAUSE_NS = 20000000 };

#define SECOND_NS INT64_C(1000000000)

enum place_state { PLACE_FREE, PLACE_WAITING, PLACE_TAKEN };

/* A connection. */
struct place {
    enum place_state state;
    int fd;
    int64_t since; /* ticks */
    char peer[PEER_TEXT];
    struct sockaddr_storage address;
    socklen_t address_len;
};

struct inlet {
    const struct server_options *options; /* the server's copy */
    inlet_take take;
    void *context;
    char where[SERVER_WHERE];
    int listener;
    int epoll;
    int wake; /* an eventfd: time to end */
    pthread_t thread;
    bool running;
    pthread_mutex_t lock; /* over places */
    struct place places[SERVER_CONNECTIONS];
    size_t taken;
    char head[HEAD_MOST]; /* the thread's own */
};

/* What epoll tells of: a place, or one of these. */
enum { ABOUT_LISTENER = SERVER_CONNECTIONS, ABOUT_WAKE };

static const char *reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } reasons[] = {
        {400, "Bad Request"},         {408, "Request Timeout"},
        {411, "Length Required"},     {413, "Content Too Large"},
        {414, "URI Too Long"},        {431, "Request Header Fields Too Large"},
        {503, "Service Unavailable"}, {505, "HTTP Version Not Supported"},
    };

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].status == status) {
            return reasons[i].text;
        }
    }
    return "Error";
}

/* Answers without having read anything, and closes. What was sent is read away first, for
 * a close with unread bytes would take the answer with it. */
static void refuse(int fd, int status)
{
    char answer[256];
    char rest[4096];
    int len = snprintf(answer, sizeof(answer),
                       "HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\n"
                       "Content-Length: %zu\r\nConnection: close\r\n%s\r\n%s\n",
                       status, reason(status), strlen(reason(status)) + 1,
                       status == 503 ? "Retry-After: 5\r\n" : "", reason(status));

    (void)send(fd, answer, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)shutdown(fd, SHUT_WR);
    for (int i = 0; i < 64 && recv(fd, rest, sizeof(rest), MSG_DONTWAIT) > 0; i++) {
    }
    close(fd);
    LOG(LOG_INFO, "request_refused", log_int("status", status));
}

/* Under the lock from here to the next such line: places change hands. */

static struct place *find_free(struct inlet *inlet)
{
    struct place *oldest = NULL;

    for (size_t i = 0; i < SERVER_CONNECTIONS; i++) {
        struct place *place = &inlet->places[i];

        if (place->state == PLACE_FREE) {
            return place;
        }
        if (place->state == PLACE_WAITING && (oldest == NULL || place->since < oldest->since)) {
            oldest = place;
        }
    }
    if (oldest != NULL) {
        refuse(oldest->fd, 408);
        oldest->state = PLACE_FREE;
    }
    return oldest;
}

static bool is_proxy(const struct inlet *inlet, const char *peer)
{
    for (size_t i = 0; i < inlet->options->proxy_count; i++) {
        if (strcmp(inlet->options->proxies[i], peer) == 0) {
            return true;
        }
    }
    return peer[0] == '\0';
}

static bool has_too_many(const struct inlet *inlet, const char *peer)
{
    size_t count = 0;

    if (is_proxy(inlet, peer)) {
        return false;
    }
    for (size_t i = 0; i < SERVER_CONNECTIONS; i++) {
        count += inlet->places[i].state != PLACE_FREE && strcmp(inlet->places[i].peer, peer) == 0
                     ? 1
                     : 0;
    }
    return count >= SERVER_PER_CLIENT;
}

static void admit(struct inlet *inlet, int fd, const struct sockaddr_storage *address,
                  socklen_t len)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET};
    struct place *place;
    char peer[PEER_TEXT];

    listen_peer((const struct sockaddr *)(const void *)address, peer);
    place = has_too_many(inlet, peer) ? NULL : find_free(inlet);
    if (place == NULL) {
        refuse(fd, 503);
        return;
    }
    *place = (struct place){.state = PLACE_WAITING,
                            .fd = fd,
                            .since = clock_ticks(),
                            .address = *address,
                            .address_len = len};
    memcpy(place->peer, peer, sizeof(peer));
    event.data.u64 = (uint64_t)(place - inlet->places);
    if (epoll_ctl(inlet->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        place->state = PLACE_FREE;
        refuse(fd, 503);
    }
}

static void drop_late(struct inlet *inlet)
{
    int64_t now = clock_ticks();

    for (size_t i = 0; i < SERVER_CONNECTIONS; i++) {
        struct place *place = &inlet->places[i];

        if (place->state == PLACE_WAITING && now - place->since > SERVER_HEAD_SECONDS * SECOND_NS) {
            refuse(place->fd, 408);
            place->state = PLACE_FREE;
        }
    }
}

/* The lock is taken and left by these. */

static void accept_all(struct inlet *inlet)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};

    for (;;) {
        struct sockaddr_storage address = {0};
        socklen_t len = sizeof(address);
        int fd = accept4(inlet->listener, (struct sockaddr *)&address, &len,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
            if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
                (void)nanosleep(&pause, NULL); /* too many files: not at once again */
            }
            return;
        }
        (void)pthread_mutex_lock(&inlet->lock);
        admit(inlet, fd, &address, len);
        (void)pthread_mutex_unlock(&inlet->lock);
    }
}

/* Something came: is the head whole? */
static void look(struct inlet *inlet, struct place *place)
{
    ssize_t len;
    int status;

    if (place->state != PLACE_WAITING) {
        return;
    }
    len = recv(place->fd, inlet->head, sizeof(inlet->head), MSG_PEEK | MSG_DONTWAIT);
    if (len < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (len <= 0) {
        close(place->fd);
        (void)pthread_mutex_lock(&inlet->lock);
        place->state = PLACE_FREE;
        (void)pthread_mutex_unlock(&inlet->lock);
        return;
    }
    status = head_check(inlet->head, (size_t)len);
    if (status == HEAD_MORE) {
        return;
    }
    (void)epoll_ctl(inlet->epoll, EPOLL_CTL_DEL, place->fd, NULL);
    (void)pthread_mutex_lock(&inlet->lock);
    place->state = status == HEAD_FINE ? PLACE_TAKEN : PLACE_FREE;
    inlet->taken += status == HEAD_FINE ? 1 : 0;
    (void)pthread_mutex_unlock(&inlet->lock);
    if (status != HEAD_FINE) {
        refuse(place->fd, status);
    } else if (inlet->take(inlet->context, place->fd, (struct sockaddr *)&place->address,
                           place->address_len) < 0) {
        inlet_left(inlet, place->fd);
    }
}

static void *run(void *argument)
{
    struct inlet *inlet = argument;
    struct epoll_event events[EVENTS];

    for (;;) {
        int count = epoll_wait(inlet->epoll, events, EVENTS, TICK_MS);

        for (int i = 0; i < count; i++) {
            if (events[i].data.u64 == ABOUT_WAKE) {
                return NULL;
            }
            if (events[i].data.u64 != ABOUT_LISTENER) {
                look(inlet, &inlet->places[events[i].data.u64]);
            }
        }
        /* After the others, so that no event is about a place that is somebody else's by now. */
        accept_all(inlet);
        (void)pthread_mutex_lock(&inlet->lock);
        drop_late(inlet);
        (void)pthread_mutex_unlock(&inlet->lock);
    }
}

static int watch(struct inlet *inlet, int fd, uint64_t about, struct err *err)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = about};

    return epoll_ctl(inlet->epoll, EPOLL_CTL_ADD, fd, &event) == 0
               ? 0
               : err_set_errno(err, ERR_IO, errno, "cannot watch a socket");
}

static int start(struct inlet *inlet, struct err *err)
{
    int rc = listen_open(inlet->options->listen, inlet->options->anywhere, inlet->where, err);

    if (rc < 0) {
        return rc;
    }
    inlet->listener = rc;
    inlet->epoll = epoll_create1(EPOLL_CLOEXEC);
    inlet->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (inlet->epoll < 0 || inlet->wake < 0) {
        return err_set_errno(err, ERR_IO, errno, "cannot watch a socket");
    }
    rc = watch(inlet, inlet->listener, ABOUT_LISTENER, err);
    rc = rc < 0 ? rc : watch(inlet, inlet->wake, ABOUT_WAKE, err);
    if (rc == 0 && pthread_create(&inlet->thread, NULL, run, inlet) != 0) {
        rc = err_set(err, ERR_NOMEM, "cannot start a thread");
    }
    inlet->running = rc == 0;
    return rc;
}

int inlet_open(const struct server_options *options, inlet_take take, void *context,
               struct inlet **out, struct err *err)
{
    struct inlet *inlet = mem_alloc(1, sizeof(*inlet));
    int rc;

    if (inlet == NULL) {
        return err_nomem(err);
    }
    inlet->options = options;
    inlet->take = take;
    inlet->context = context;
    inlet->listener = inlet->epoll = inlet->wake = -1;
    (void)pthread_mutex_init(&inlet->lock, NULL);
    *out = inlet; /* before the thread: what it takes may be left at once */
    rc = start(inlet, err);
    if (rc < 0) {
        *out = NULL;
        inlet_close(inlet);
        inlet_free(inlet);
    }
    return rc;
}

const char *inlet_where(const struct inlet *inlet)
{
    return inlet->where;
}

void inlet_left(struct inlet *inlet, int fd)
{
    (void)pthread_mutex_lock(&inlet->lock);
    for (size_t i = 0; i < SERVER_CONNECTIONS; i++) {
        if (inlet->places[i].state == PLACE_TAKEN && inlet->places[i].fd == fd) {
            inlet->places[i].state = PLACE_FREE;
            inlet->taken--;
            break;
        }
    }
    (void)pthread_mutex_unlock(&inlet->lock);
}

size_t inlet_in_hand(struct inlet *inlet)
{
    size_t taken;

    (void)pthread_mutex_lock(&inlet->lock);
    taken = inlet->taken;
    (void)pthread_mutex_unlock(&inlet->lock);
    return taken;
}

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}

void inlet_close(struct inlet *inlet)
{
    const uint64_t one = 1;

    if (inlet->running && write(inlet->wake, &one, sizeof(one)) == (ssize_t)sizeof(one)) {
        (void)pthread_join(inlet->thread, NULL);
    }
    inlet->running = false;
    if (inlet->listener >= 0) {
        listen_remove(inlet->where);
    }
    close_fd(&inlet->listener);
    close_fd(&inlet->epoll);
    close_fd(&inlet->wake);
    (void)pthread_mutex_lock(&inlet->lock);
    for (size_t i = 0; i < SERVER_CONNECTIONS; i++) {
        if (inlet->places[i].state == PLACE_WAITING) {
            close(inlet->places[i].fd);
            inlet->places[i].state = PLACE_FREE;
        }
    }
    (void)pthread_mutex_unlock(&inlet->lock);
}

void inlet_free(struct inlet *inlet)
{
    if (inlet != NULL) {
        (void)pthread_mutex_destroy(&inlet->lock);
        mem_free(inlet);
    }
}
