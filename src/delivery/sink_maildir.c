/* sink_maildir.c - a Maildir for every recipient. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sink_session.h"
#include "teataja/base/clock.h"
#include "teataja/base/file.h"

#define PATH 4096

int sink_maildir_open(const char *maildir, struct err *err)
{
    int rc = file_make_folder(maildir, err);

    if (rc == 0 && access(maildir, W_OK | X_OK) != 0) {
        rc = err_set_errno(err, ERR_DENIED, errno, "cannot write into '%s'", maildir);
    }
    return rc;
}

/* The address as a file name: '/' is an ordinary letter of a local part. */
static void add_name(struct str *path, const char *address)
{
    for (; *address != '\0'; address++) {
        if (*address == '/' || *address == '%') {
            str_addf(path, "%%%02X", (unsigned)(unsigned char)*address);
        } else {
            str_add_char(path, *address);
        }
    }
}

static int make_maildir(const struct str *folder, struct err *err)
{
    static const char *const parts[] = {"tmp", "new", "cur"};
    char path[PATH];
    int rc = 0;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && rc == 0; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder->data, parts[i]);
        rc = file_make_folder(path, err);
    }
    return rc;
}

static int write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return -1;
        }
        bytes += n;
        len -= (size_t)n;
    }
    return 0;
}

static int write_mail(const char *path, const struct sink_mail *mail,
                      const struct address *recipient, struct err *err)
{
    char head[2 * LIMIT_ADDRESS + 64];
    int len = snprintf(head, sizeof(head), "Return-Path: <%s>\r\nDelivered-To: %s\r\n",
                       mail->sender, recipient->text);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int rc = 0;

    if (fd < 0) {
        return err_set_errno(err, ERR_IO, errno, "cannot make '%s'", path);
    }
    if (write_all(fd, head, (size_t)len) < 0 ||
        write_all(fd, mail->bytes.data, mail->bytes.len) < 0) {
        rc = err_set_errno(err, ERR_IO, errno, "cannot write '%s'", path);
    }
    if (close(fd) != 0 && rc == 0) {
        rc = err_set_errno(err, ERR_IO, errno, "cannot write '%s'", path);
    }
    if (rc < 0) {
        unlink(path);
    }
    return rc;
}

int sink_maildir_store(const struct sink_options *options, const struct sink_mail *mail,
                       const struct address *recipient, uint64_t number, struct err *err)
{
    struct str folder;
    char part[PATH];
    char path[PATH];
    char name[96];
    int rc;

    str_init(&folder, PATH - 128);
    str_addf(&folder, "%s/", options->maildir);
    add_name(&folder, recipient->text);
    rc = str_check(&folder, err);
    if (rc < 0) {
        goto out;
    }
    snprintf(name, sizeof(name), "%" PRId64 ".%ld_%" PRIu64 ".sink", clock_now(), (long)getpid(),
             number);
    snprintf(part, sizeof(part), "%s/tmp/%s", folder.data, name);
    snprintf(path, sizeof(path), "%s/new/%s", folder.data, name);
    if (!file_exists(folder.data)) {
        rc = make_maildir(&folder, err);
    }
    if (rc == 0) {
        rc = write_mail(part, mail, recipient, err);
    }
    if (rc == 0 && rename(part, path) != 0) {
        rc = err_set_errno(err, ERR_IO, errno, "cannot move '%s' into new/", part);
        unlink(part);
    }
    if (rc == 0 && options->received != NULL) {
        options->received(options->context, mail->sender, recipient->text, path);
    }
out:
    str_release(&folder);
    return rc;
}
