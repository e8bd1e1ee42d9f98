/* Preloaded into the program by tests/system: once the file that CLOCK_BACK names is
 * there, the wall clock is an hour behind. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *now)
{
    const char *sign = getenv("CLOCK_BACK");
    long rc = syscall(SYS_clock_gettime, id, now);

    if (rc == 0 && id == CLOCK_REALTIME && sign != NULL && access(sign, F_OK) == 0) {
        now->tv_sec -= 3600;
    }
    return (int)rc;
}
