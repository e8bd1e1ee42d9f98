/* web.c - see teataja/web/web.h. */
#include "teataja/web/web.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>

#include "route.h"
#include "teataja/base/clock.h"
#include "teataja/base/log.h"
#include "teataja/base/mem.h"

#define LOOK_EVERY INT64_C(2000000000) /* nanoseconds between two looks at the files */

struct web {
    const struct web_options *options;
    pthread_mutex_t lock; /* over all below */
    struct web_site *site;
    uint64_t stamp;
    int64_t looked; /* ticks */
    struct web_seat *seats;
};

/* Under the lock. */
static void drop(struct web_site *site)
{
    if (--site->users == 0) {
        web_site_free(site);
    }
}

/* Reads the files again if they have changed. Under the lock: requests wait for it, so
 * that none is answered by files that are gone. */
static void refresh(struct web *web)
{
    int64_t now = clock_ticks();
    struct web_site *site = NULL;
    struct err err = {0};
    uint64_t stamp;

    if (now - web->looked < LOOK_EVERY) {
        return;
    }
    web->looked = now;
    stamp = web_site_stamp(web->options->folder);
    if (stamp == web->stamp) {
        return;
    }
    web->stamp = stamp;
    if (web_site_load(web->options->folder, web->options->templates, &site, &err) < 0) {
        LOG(LOG_WARN, "site_not_reloaded", log_text("error", err.msg));
        return;
    }
    site->users = 1;
    site->serial = web->site->serial + 1;
    drop(web->site);
    web->site = site;
    LOG(LOG_INFO, "site_reloaded", log_int("events", (int64_t)site->events.count));
}

static struct web_site *take_site(struct web *web)
{
    struct web_site *site;

    (void)pthread_mutex_lock(&web->lock);
    refresh(web);
    site = web->site;
    site->users++;
    (void)pthread_mutex_unlock(&web->lock);
    return site;
}

static struct web_seat *take_seat(struct web *web)
{
    struct web_seat *seat;

    (void)pthread_mutex_lock(&web->lock);
    seat = web->seats;
    if (seat != NULL) {
        web->seats = seat->next;
    }
    (void)pthread_mutex_unlock(&web->lock);
    return seat != NULL ? seat : mem_alloc(1, sizeof(*seat));
}

static void give_back(struct web *web, struct web_site *site, struct web_seat *seat)
{
    (void)pthread_mutex_lock(&web->lock);
    drop(site);
    if (seat != NULL) {
        seat->next = web->seats;
        web->seats = seat;
    }
    (void)pthread_mutex_unlock(&web->lock);
}

static size_t ceiling(void *context, const struct server_request *request)
{
    struct web *web = context;
    struct web_site *site = take_site(web);
    const struct route *route = route_find(site->prefix, request->path, request->arena, NULL);
    size_t most = route != NULL && route->post != NULL ? route->body : 0;

    give_back(web, site, NULL);
    return most;
}

static void handle(void *context, const struct server_request *request, struct server_reply *reply)
{
    struct web *web = context;
    int64_t since = clock_ticks();
    struct web_site *site = take_site(web);
    struct web_seat *seat = take_seat(web);

    if (seat == NULL) {
        reply->status = 503;
    } else {
        struct call call = {.request = request,
                            .reply = reply,
                            .site = site,
                            .seat = seat,
                            .key = &web->options->key,
                            .arena = request->arena,
                            .language =
                                call_accept(request->languages, site->config.site.languages[0])};

        route_answer(&call, since);
        /* What is sent may stand in the site, which others may let go now. */
        if (reply->len > 0) {
            void *copy = arena_alloc(request->arena, 1, reply->len);

            if (copy != NULL) {
                memcpy(copy, reply->body, reply->len);
            }
            reply->body = copy;
            reply->status = copy != NULL ? reply->status : 503;
            reply->len = copy != NULL ? reply->len : 0;
        }
    }
    give_back(web, site, seat);
}

static void free_seats(struct web *web)
{
    while (web->seats != NULL) {
        struct web_seat *seat = web->seats;

        web->seats = seat->next;
        for (size_t i = 0; i < LANG_COUNT; i++) {
            format_close(seat->formats[i]);
        }
        db_close(seat->db);
        mem_free(seat);
    }
}

static int wait_for_end(int fd, struct err *err)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};

    while (poll(&wait, 1, -1) < 0) {
        if (errno != EINTR) {
            return err_set_errno(err, ERR_IO, errno, "cannot wait for the end");
        }
    }
    return 0;
}

static int serve(struct web *web, struct err *err)
{
    const struct site_web *settings = &web->site->config.site.web;
    const struct server_options options = {
        .listen = web->options->listen != NULL ? web->options->listen : settings->listen,
        .anywhere = web->options->anywhere,
        .proxies = settings->proxies,
        .proxy_count = settings->proxy_count,
        .ceiling = ceiling,
        .handle = handle,
        .context = web};
    struct server *server = NULL;
    int rc = server_open(&options, &server, err);

    if (rc < 0) {
        return web->options->listen == NULL ? err_prefix(err, "web.listen of teataja.yaml") : rc;
    }
    if (web->options->listening != NULL) {
        web->options->listening(web->options->context, server_where(server));
    }
    LOG(LOG_INFO, "web_started", log_text("listen", server_where(server)));
    rc = wait_for_end(web->options->stop_fd, err);
    server_stop(server);
    log_write(LOG_INFO, "web_stopped", NULL, 0);
    return rc;
}

int web_run(const struct web_options *options, struct err *err)
{
    struct web web = {
        .options = options, .stamp = web_site_stamp(options->folder), .looked = clock_ticks()};
    struct web_site *first = NULL;
    int rc = web_site_load(options->folder, options->templates, &web.site, err);

    if (rc < 0) {
        return rc;
    }
    /* The server's options point into the first site for as long as it runs. */
    first = web.site;
    first->users = 2;
    first->serial = 1;
    (void)pthread_mutex_init(&web.lock, NULL);
    rc = serve(&web, err);
    free_seats(&web);
    drop(web.site);
    drop(first);
    (void)pthread_mutex_destroy(&web.lock);
    return rc;
}
