/* Preloaded into the program by tests/system: once the file that CLOCK_BACK names is
 * there, the wall clock is off by as many seconds as it says, an hour behind if it is
 * empty. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long seconds(const char *path)
{
    char text[24] = "";
    int file = open(path, O_RDONLY | O_CLOEXEC);
    long len = file < 0 ? -1 : read(file, text, sizeof(text) - 1);

    if (file >= 0) {
        close(file);
    }
    return len > 0 ? strtol(text, NULL, 10) : len == 0 ? -3600 : 0;
}

int clock_gettime(clockid_t id, struct timespec *now)
{
    const char *sign = getenv("CLOCK_BACK");
    long rc = syscall(SYS_clock_gettime, id, now);

    if (rc == 0 && id == CLOCK_REALTIME && sign != NULL) {
        now->tv_sec += seconds(sign);
    }
    return (int)rc;
}
