/* file.c - see teataja/base/file.h. */
#include "teataja/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "teataja/base/limits.h"
#include "teataja/base/str.h"
#include "teataja/base/utf8.h"

#define MARK "\xEF\xBB\xBF" /* byte order mark */

static int code_of(int native)
{
    return native == ENOENT || native == ENOTDIR ? ERR_NOT_FOUND : ERR_IO;
}

static int too_large(size_t ceiling, struct err *err)
{
    return err_set(err, ERR_LIMIT, "the file is larger than %zu bytes", ceiling);
}

/* Reads all of an open file. The size that stat told is a first guess only: the
 * file may grow meanwhile, and those of /proc say 0. */
static int read_all(struct arena *arena, int fd, const char *what, size_t ceiling, size_t guess,
                    char **out, size_t *len, struct err *err)
{
    size_t cap = guess + 1;
    size_t used = 0;
    char *data = arena_alloc(arena, 1, cap);

    if (data == NULL) {
        return err_nomem(err);
    }
    for (;;) {
        ssize_t got;

        if (arena_grow(arena, &data, &cap, used, 1, err) < 0) {
            return ERR_NOMEM;
        }
        got = read(fd, data + used, cap - used);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return err_set_errno(err, ERR_IO, errno, "%s", what);
        }
        if (got == 0) {
            break;
        }
        used += (size_t)got;
        if (used > ceiling) {
            return too_large(ceiling, err);
        }
    }
    data[used] = '\0';
    *out = data;
    if (len != NULL) {
        *len = used;
    }
    return 0;
}

/* As file_open, with messages that begin with `what` instead of the path. */
static int open_file(const char *path, const char *what, size_t ceiling, int *fd, size_t *size,
                     struct err *err)
{
    struct stat info;
    int rc = 0;

    /* Without O_NONBLOCK a named pipe would hang here. */
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (*fd < 0) {
        return err_set_errno(err, code_of(errno), errno, "%s", what);
    }
    if (fstat(*fd, &info) < 0) {
        rc = err_set_errno(err, ERR_IO, errno, "%s", what);
    } else if (!S_ISREG(info.st_mode)) {
        rc = err_set(err, ERR_IO, "%s: it is %s", what,
                     S_ISDIR(info.st_mode) ? "a folder" : "not a regular file");
    } else if ((uintmax_t)info.st_size > ceiling) {
        rc = too_large(ceiling, err);
    }
    if (rc < 0) {
        (void)close(*fd);
        *fd = -1;
        return rc;
    }
    *size = (size_t)info.st_size;
    return 0;
}

int file_open(const char *path, size_t ceiling, int *fd, struct err *err)
{
    char what[PATH_MAX + 32];
    size_t size = 0;
    int rc;

    (void)snprintf(what, sizeof(what), "cannot read '%s'", path);
    rc = open_file(path, what, ceiling, fd, &size, err);
    if (rc == ERR_LIMIT) {
        (void)err_prefix(err, "%s", path);
    }
    return rc;
}

/* As file_read, with messages that begin with `what` instead of the path. */
static int read_file(struct arena *arena, const char *path, const char *what, size_t ceiling,
                     char **out, size_t *len, struct err *err)
{
    size_t size = 0;
    int fd;
    int rc = open_file(path, what, ceiling, &fd, &size, err);

    if (rc == 0) {
        rc = read_all(arena, fd, what, ceiling, size, out, len, err);
        (void)close(fd);
    }
    return rc;
}

int file_read(struct arena *arena, const char *path, size_t ceiling, char **out, size_t *len,
              struct err *err)
{
    char what[PATH_MAX + 32];
    int rc;

    (void)snprintf(what, sizeof(what), "cannot read '%s'", path);
    rc = read_file(arena, path, what, ceiling, out, len, err);
    if (rc == ERR_LIMIT) {
        (void)err_prefix(err, "%s", path);
    }
    return rc;
}

int file_read_site(struct arena *arena, const char *folder, const char *path, size_t ceiling,
                   struct report *report, char **out, size_t *len, struct err *err)
{
    char *full = file_join(arena, folder, path);
    struct err own = {0};
    int rc = full == NULL
                 ? ERR_NOMEM
                 : read_file(arena, full, "the file cannot be read", ceiling, out, len, &own);

    if (rc == ERR_NOMEM) {
        return err_nomem(err);
    }
    if (rc < 0) {
        report_add_fault(report, path, &own);
        (void)err_prefix(&own, "%s", path);
        if (err != NULL) {
            *err = own;
        }
        return rc;
    }
    if (*len >= 3 && memcmp(*out, MARK, 3) == 0) {
        *out += 3;
        *len -= 3;
    }
    return 0;
}

/* Holds text against the rules of file_read_text; a problem is told with its place. */
static int check_text(const char *path, const char *text, size_t len, struct err *err)
{
    size_t at = 0;
    size_t line_start = 0;
    size_t line = 1;
    size_t column = 1;

    while (at < len) {
        unsigned char byte = (unsigned char)text[at];
        int32_t code = utf8_next(text, len, &at);

        if (code < 0) {
            return err_set(err, ERR_INVALID,
                           "%s:%zu:%zu: byte 0x%02X is not UTF-8; save the file as UTF-8", path,
                           line, column, byte);
        }
        if (code == 0) {
            return err_set(err, ERR_INVALID, "%s:%zu:%zu: a NUL byte does not belong in text", path,
                           line, column);
        }
        if (code == '\n') {
            line++;
            column = 1;
            line_start = at;
            continue;
        }
        if (at - line_start > LIMIT_LINE) {
            return err_set(err, ERR_INVALID, "%s:%zu:%zu: the line is longer than %d bytes", path,
                           line, column, LIMIT_LINE);
        }
        column++;
    }
    return 0;
}

int file_read_text(struct arena *arena, const char *path, size_t ceiling, char **out, size_t *len,
                   struct err *err)
{
    size_t size = 0;
    char *text = NULL;
    int rc = file_read(arena, path, ceiling, &text, &size, err);

    if (rc < 0) {
        return rc;
    }
    if (size >= 3 && memcmp(text, MARK, 3) == 0) {
        text += 3;
        size -= 3;
    }
    rc = check_text(path, text, size, err);
    if (rc < 0) {
        return rc;
    }
    *out = text;
    if (len != NULL) {
        *len = size;
    }
    return 0;
}

static int write_all(int fd, const void *data, size_t len)
{
    const char *at = data;

    while (len > 0) {
        ssize_t put = write(fd, at, len);

        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return -1;
        }
        at += put;
        len -= (size_t)put;
    }
    return 0;
}

/* Makes the rename itself durable. */
static int sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc;
    int native;

    if (fd < 0) {
        return -1;
    }
    rc = fsync(fd);
    native = errno;
    (void)close(fd);
    errno = native;
    return rc;
}

int file_write(const char *path, const void *data, size_t len, unsigned mode, struct err *err)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    struct str folder;
    struct str temp;
    int fd = -1;
    int rc;

    str_init(&folder, PATH_MAX);
    str_init(&temp, PATH_MAX);
    str_add_bytes(&folder, path, slash == NULL ? 0 : (size_t)(slash - path) + 1);
    if (folder.len == 0) {
        str_add(&folder, "./");
    }
    /* A leading dot keeps a half-written file out of file_list. */
    str_addf(&temp, "%s.%s.XXXXXX", folder.data, name);
    rc = str_check(&temp, err);
    if (rc < 0 || (rc = str_check(&folder, err)) < 0) {
        goto out;
    }
    fd = mkostemp(temp.data, O_CLOEXEC);
    if (fd < 0) {
        rc = err_set_errno(err, code_of(errno), errno, "cannot write '%s'", path);
        goto out;
    }
    if (write_all(fd, data, len) < 0 || fchmod(fd, (mode_t)mode) < 0 || fsync(fd) < 0 ||
        rename(temp.data, path) < 0) {
        rc = err_set_errno(err, ERR_IO, errno, "cannot write '%s'", path);
        (void)unlink(temp.data);
        goto out;
    }
    if (sync_folder(folder.data) < 0) {
        rc = err_set_errno(err, ERR_IO, errno, "cannot write '%s'", path);
    }
out:
    if (fd >= 0) {
        (void)close(fd);
    }
    str_release(&temp);
    str_release(&folder);
    return rc;
}

int file_write_new(const char *path, const void *data, size_t len, unsigned mode, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, (mode_t)mode);
    int rc = 0;

    if (fd < 0 && errno == EEXIST) {
        return err_set(err, ERR_EXISTS, "'%s' is there already", path);
    }
    if (fd < 0) {
        return err_set_errno(err, code_of(errno), errno, "cannot write '%s'", path);
    }
    if (write_all(fd, data, len) < 0 || fchmod(fd, (mode_t)mode) < 0 || fsync(fd) < 0) {
        rc = err_set_errno(err, ERR_IO, errno, "cannot write '%s'", path);
        (void)unlink(path);
    }
    (void)close(fd);
    return rc;
}

/* One folder, whose parent is there. */
static int make_one(const char *path, struct err *err)
{
    struct stat info;
    int native;

    if (mkdir(path, 0777) == 0) {
        return 0;
    }
    native = errno;
    if (native == EEXIST && stat(path, &info) == 0) {
        if (S_ISDIR(info.st_mode)) {
            return 0;
        }
        native = ENOTDIR;
    }
    return err_set_errno(err, ERR_IO, native, "cannot make the folder '%s'", path);
}

int file_make_folder(const char *path, struct err *err)
{
    struct str part;
    int rc;

    str_init(&part, PATH_MAX);
    str_add(&part, path);
    rc = str_check(&part, err);
    for (size_t i = 1; rc == 0 && i < part.len; i++) {
        if (part.data[i] == '/' && part.data[i - 1] != '/') {
            part.data[i] = '\0';
            rc = make_one(part.data, err);
            part.data[i] = '/';
        }
    }
    if (rc == 0) {
        rc = make_one(part.data, err);
    }
    str_release(&part);
    return rc;
}

bool file_exists(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int file_list(struct arena *arena, const char *folder, char ***names, size_t *count,
              struct err *err)
{
    DIR *dir = opendir(folder);
    char **list = NULL;
    size_t capacity = 0;
    size_t found = 0;
    int rc = 0;

    if (dir == NULL) {
        return err_set_errno(err, code_of(errno), errno, "cannot read the folder '%s'", folder);
    }
    for (;;) {
        const struct dirent *entry;

        errno = 0;
        entry = readdir(dir);
        if (entry == NULL) {
            break;
        }
        if (entry->d_name[0] == '.') {
            continue;
        }
        rc = arena_grow(arena, &list, &capacity, found, sizeof(*list), err);
        if (rc < 0) {
            goto out;
        }
        list[found] = arena_strdup(arena, entry->d_name);
        if (list[found] == NULL) {
            rc = err_nomem(err);
            goto out;
        }
        found++;
    }
    if (errno != 0) {
        rc = err_set_errno(err, ERR_IO, errno, "cannot read the folder '%s'", folder);
        goto out;
    }
    if (found > 0) {
        qsort(list, found, sizeof(*list), by_name);
    }
    *names = list;
    *count = found;
out:
    (void)closedir(dir);
    return rc;
}

char *file_join(struct arena *arena, const char *folder, const char *name)
{
    size_t len = strlen(folder);

    if (len == 0) {
        return arena_strdup(arena, name);
    }
    return arena_printf(arena, folder[len - 1] == '/' ? "%s%s" : "%s/%s", folder, name);
}
