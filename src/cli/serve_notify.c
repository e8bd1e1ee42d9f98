/* systemd's protocol: datagrams to a Unix socket, as sd_notify(3) describes. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "serve.h"
#include "teataja/base/log.h"

enum { MESSAGE = 512 };

/* Twice as often as asked for: a sign may be late. */
static int64_t watchdog_of_environment(void)
{
    const char *period = getenv("WATCHDOG_USEC");
    const char *pid = getenv("WATCHDOG_PID");
    long long micros = period != NULL ? strtoll(period, NULL, 10) : 0;

    if (micros <= 0 || (pid != NULL && strtoll(pid, NULL, 10) != (long long)getpid())) {
        return 0;
    }
    return (int64_t)micros * 1000 / 2;
}

/* The length of the address, 0 if `path` is none. "@name" is in the abstract name space. */
static socklen_t fill_address(const char *path, struct sockaddr_un *out)
{
    size_t len = strlen(path);

    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    if ((path[0] != '/' && path[0] != '@') || len < 2 || len >= sizeof(out->sun_path)) {
        return 0;
    }
    memcpy(out->sun_path, path, len);
    if (path[0] == '@') {
        out->sun_path[0] = '\0';
    }
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (path[0] == '/' ? 1 : 0));
}

void serve_notify_open(struct serve_notify *notify)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address;
    socklen_t len;

    *notify = (struct serve_notify){.fd = -1};
    if (path == NULL || path[0] == '\0') {
        return;
    }
    len = fill_address(path, &address);
    notify->fd = len > 0 ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) : -1;
    if (notify->fd < 0 || connect(notify->fd, (const struct sockaddr *)&address, len) != 0) {
        LOG(LOG_WARN, "notify_unusable", log_text("socket", path),
            log_text("error", len > 0 ? strerror(errno) : "no path of a socket"));
        serve_notify_close(notify);
        return;
    }
    notify->watchdog = watchdog_of_environment();
}

void serve_notify_close(struct serve_notify *notify)
{
    if (notify->fd >= 0) {
        close(notify->fd);
    }
    *notify = (struct serve_notify){.fd = -1};
}

void serve_notify_send(const struct serve_notify *notify, const char *format, ...)
{
    char text[MESSAGE];
    va_list args;
    int len;

    if (notify->fd < 0) {
        return;
    }
    va_start(args, format);
    len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (len > 0 && (size_t)len < sizeof(text) &&
        send(notify->fd, text, (size_t)len, MSG_NOSIGNAL) < 0) {
        LOG(LOG_WARN, "notify_failed", log_text("error", strerror(errno)));
    }
}
