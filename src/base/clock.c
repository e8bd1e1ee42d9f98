/* clock.c - see teataja/base/clock.h. */
#include "teataja/base/clock.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum mode { WALL, STILL, RUNNING };

static atomic_int mode = WALL;
static _Atomic int64_t fixed; /* STILL: the instant; RUNNING: what to add to the ticks */

static pthread_once_t boot_once = PTHREAD_ONCE_INIT;
static char boot_id[64];

int64_t clock_ticks(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t clock_thread_ticks(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t wall(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * CLOCK_SECOND + now.tv_nsec / 1000;
}

int64_t clock_now(void)
{
    switch (atomic_load(&mode)) {
    case STILL:
        return atomic_load(&fixed);
    case RUNNING:
        return atomic_load(&fixed) + clock_ticks() / 1000;
    default:
        return wall();
    }
}

int64_t clock_uptime(void)
{
    struct timespec since = {0};

    if (atomic_load(&mode) != WALL || clock_gettime(CLOCK_BOOTTIME, &since) != 0) {
        return -1;
    }
    return (int64_t)since.tv_sec * CLOCK_SECOND + since.tv_nsec / 1000;
}

void clock_fix(int64_t instant, int running)
{
    atomic_store(&fixed, running ? instant - clock_ticks() / 1000 : instant);
    atomic_store(&mode, running ? RUNNING : STILL);
}

void clock_unfix(void)
{
    atomic_store(&mode, WALL);
}

static void read_boot_id(void)
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t got = -1;

    if (fd >= 0) {
        got = read(fd, boot_id, sizeof(boot_id) - 1);
        (void)close(fd);
    }
    boot_id[got > 0 ? got : 0] = '\0';
    boot_id[strcspn(boot_id, "\r\n")] = '\0';
    if (boot_id[0] == '\0') {
        strcpy(boot_id, "unknown");
    }
}

const char *clock_boot_id(void)
{
    (void)pthread_once(&boot_once, read_boot_id);
    return boot_id;
}
