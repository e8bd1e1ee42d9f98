/* One daemon a site. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "serve.h"
#include "teataja/base/civil.h"
#include "teataja/base/clock.h"
#include "teataja/base/file.h"

enum { LINE = 120 };

/* "process 17 since 2026-12-01T08:00:00Z", as the holder wrote it; "" if it has not yet. */
static void read_holder(int fd, char out[LINE])
{
    ssize_t len = pread(fd, out, LINE - 1, 0);

    out[len > 0 ? len : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

static int write_holder(int fd, const char *path, struct err *err)
{
    char instant[28];
    char line[LINE];
    int len;

    civil_format_instant(clock_now(), instant);
    len = snprintf(line, sizeof(line), "process %ld since %s\n", (long)getpid(), instant);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, line, (size_t)len, 0) != len) {
        return err_set_errno(err, ERR_IO, errno, "cannot write %s", path);
    }
    return 0;
}

int serve_lock(struct workspace *workspace, int *fd, struct err *err)
{
    char *folder = NULL;
    const char *path;
    char holder[LINE];
    int rc = workspace_var(workspace, &folder, err);

    *fd = -1;
    if (rc < 0) {
        return rc;
    }
    path = file_join(workspace->arena, folder, "serve.lock");
    if (path == NULL) {
        return err_nomem(err);
    }
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (*fd < 0) {
        return err_set_errno(err, ERR_IO, errno, "cannot open %s", path);
    }
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0) {
        return write_holder(*fd, path, err);
    }
    if (errno == EWOULDBLOCK) {
        read_holder(*fd, holder);
        rc = err_set(err, ERR_EXISTS, "this site is served already, by %s (%s)",
                     holder[0] != '\0' ? holder : "a process that just started", path);
    } else {
        rc = err_set_errno(err, ERR_IO, errno, "cannot lock %s", path);
    }
    close(*fd);
    *fd = -1;
    return rc;
}
