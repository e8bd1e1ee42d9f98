/* doctor: files and their rights, the database, and where the pages are. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "doctor.h"
#include "teataja/base/file.h"
#include "teataja/web/server.h"

enum { WEB_SECONDS = 3 };

struct secrets {
    struct doctor *doctor;
    size_t good;
    uid_t owner; /* of var/ */
    bool has_owner;
};

/* A file that is its owner's alone. Absent ones are somebody else's finding. */
static void check_secret(struct secrets *secrets, const char *path, const char *what)
{
    struct doctor *doctor = secrets->doctor;
    struct stat status;
    bool good = true;

    if (path == NULL || stat(path, &status) != 0) {
        return;
    }
    if ((status.st_mode & (S_IRWXO | S_IWGRP)) != 0) {
        doctor_tell(doctor, "files", DOCTOR_BAD,
                    arena_printf(doctor->arena, "chmod 600 '%s'", path),
                    "%s, %s, can be read or changed by others (mode %03o)", path, what,
                    (unsigned)status.st_mode & 0777U);
        good = false;
    }
    if (secrets->has_owner && status.st_uid != secrets->owner) {
        doctor_tell(
            doctor, "files", DOCTOR_WARNING,
            arena_printf(doctor->arena, "chown %lu '%s'", (unsigned long)secrets->owner, path),
            "%s, %s, belongs to user %lu, but var/ to user %lu", path, what,
            (unsigned long)status.st_uid, (unsigned long)secrets->owner);
        good = false;
    }
    secrets->good += good;
}

static void check_reference(struct secrets *secrets, const char *reference, const char *what)
{
    struct doctor *doctor = secrets->doctor;

    if (reference != NULL && strncmp(reference, "file:", 5) == 0) {
        check_secret(secrets, config_path(doctor->arena, &doctor->workspace->config, reference + 5),
                     what);
    }
}

static void check_open(struct doctor *doctor, const char *path)
{
    struct stat status;

    if (path != NULL && stat(path, &status) == 0 && (status.st_mode & S_IWOTH) != 0) {
        doctor_tell(doctor, "files", DOCTOR_BAD,
                    arena_printf(doctor->arena, "chmod o-w '%s'", path),
                    "anybody on this machine can change %s", path);
    }
}

/* Links in letters that went out are dead without the key that signed them. */
static void check_token_key(struct doctor *doctor, const char *database)
{
    const struct config *config = &doctor->workspace->config;
    const char *reference = config->site.token_key;
    struct err err = {0};
    char *text = NULL;

    if (database != NULL && file_exists(database) &&
        config_secret(doctor->arena, config, reference, &text, &err) == ERR_NOT_FOUND) {
        doctor_tell(doctor, "files", DOCTOR_BAD,
                    "bring it back ('teataja restore' does, from a backup) before anything is sent",
                    "the key that signs links, %s, is not there: links in earlier letters are dead",
                    reference);
    }
}

void doctor_files(struct doctor *doctor)
{
    const struct config *config = &doctor->workspace->config;
    const char *var = file_join(doctor->arena, config->folder, "var");
    const char *database = config_path(doctor->arena, config, config->site.database);
    struct secrets secrets = {.doctor = doctor};
    struct stat status;

    if (var != NULL && stat(var, &status) == 0) {
        secrets.owner = status.st_uid;
        secrets.has_owner = true;
    }
    check_open(doctor, file_join(doctor->arena, config->folder, SITE_FILE));
    check_open(doctor, config->folder);
    check_open(doctor, var);
    check_secret(&secrets, database, "members and what was sent");
    check_secret(&secrets, arena_printf(doctor->arena, "%s-wal", database), "the database's log");
    check_reference(&secrets, config->site.token_key, "the key that signs links");
    check_token_key(doctor, database);
    for (size_t i = 0; i < config->site.relay_count; i++) {
        check_reference(&secrets, config->site.relays[i].password, "a relay's password");
    }
    for (size_t i = 0; i < config->site.dkim_count; i++) {
        check_secret(&secrets, config_path(doctor->arena, config, config->site.dkim[i].key_file),
                     "a key that signs mail");
    }
    if (secrets.good > 0) {
        doctor_tell(doctor, "files", DOCTOR_OK, NULL, "%zu %s", secrets.good,
                    secrets.good == 1 ? "secret file is its owner's alone"
                                      : "secret files are their owner's alone");
    }
}

static void check_content(struct doctor *doctor, struct db *db)
{
    struct err err = {0};
    char *text = NULL;

    if (db_check(db, doctor->arena, &text, &err) < 0 || strcmp(text, "ok") != 0) {
        doctor_tell(doctor, "database", DOCTOR_BAD,
                    "stop teataja, keep a copy of var/, and bring back the last backup "
                    "('teataja restore')",
                    "it is damaged: %s", text != NULL ? text : err.msg);
        return;
    }
    doctor_tell(doctor, "database", DOCTOR_OK, NULL, "it is whole (quick_check)");
    text = NULL;
    if (db_check_references(db, doctor->arena, &text, &err) < 0 || text[0] != '\0') {
        doctor_tell(doctor, "database", DOCTOR_BAD,
                    "something other than teataja has written into it: bring back the last backup",
                    "rows refer to what is not there, in: %s", text != NULL ? text : err.msg);
    } else {
        doctor_tell(doctor, "database", DOCTOR_OK, NULL, "every reference leads somewhere");
    }
}

void doctor_database(struct doctor *doctor)
{
    const struct config *config = &doctor->workspace->config;
    const char *path = config_path(doctor->arena, config, config->site.database);
    struct db *db = NULL;
    struct err err = {0};
    int rc = path == NULL ? err_nomem(&err) : db_open(path, DB_OPEN_READ, &db, &err);

    if (rc == 0) {
        doctor_tell(doctor, "database", DOCTOR_OK, NULL, "%s has this program's schema, %d", path,
                    db_schema_version());
        check_content(doctor, db);
    } else if (rc == ERR_NOT_FOUND) {
        doctor_tell(doctor, "database", DOCTOR_OK, NULL,
                    "there is none yet: the first import makes it");
    } else if (rc == ERR_STATE) {
        doctor_tell(doctor, "database", DOCTOR_WARNING, "make a backup, then run 'teataja migrate'",
                    "%s", err.msg);
    } else {
        doctor_tell(doctor, "database", DOCTOR_BAD,
                    rc == ERR_NEWER ? "install that version"
                    : rc == ERR_CORRUPT
                        ? "stop teataja, keep a copy of var/, and bring back the last backup "
                          "('teataja restore')"
                        : NULL,
                    "%s", err.msg);
    }
    db_close(db);
}

/* Connects to a place that server_listen_check has passed. Returns 0 or an errno. */
static int try_place(const char *listen)
{
    union {
        struct sockaddr any;
        struct sockaddr_un un;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } place = {.any.sa_family = AF_UNIX};
    const struct timeval patience = {.tv_sec = WEB_SECONDS};
    const char *colon = strrchr(listen, ':');
    in_port_t port = htons((in_port_t)strtoul(colon + 1, NULL, 10));
    socklen_t len = sizeof(place.un);
    int result = 0;
    char host[64];
    int fd;

    if (strncmp(listen, "unix:", 5) == 0) {
        snprintf(place.un.sun_path, sizeof(place.un.sun_path), "%s", listen + 5);
    } else if (listen[0] == '[') {
        snprintf(host, sizeof(host), "%.*s", (int)(colon - listen - 2), listen + 1);
        place.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = port};
        (void)inet_pton(AF_INET6, host, &place.v6.sin6_addr);
        len = sizeof(place.v6);
    } else {
        snprintf(host, sizeof(host), "%.*s", (int)(colon - listen), listen);
        place.v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
        (void)inet_pton(AF_INET, host, &place.v4.sin_addr);
        len = sizeof(place.v4);
    }
    fd = socket(place.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return errno;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(fd, &place.any, len) != 0) {
        result = errno;
    }
    close(fd);
    return result;
}

void doctor_web(struct doctor *doctor)
{
    const struct site_web *web = &doctor->workspace->config.site.web;
    struct err err = {0};
    int fault;

    if (web->url != NULL && strncmp(web->url, "https://", 8) != 0) {
        doctor_tell(doctor, "web", DOCTOR_WARNING,
                    "let nginx or Caddy have a certificate, and write https:// (RFC 8058 asks for "
                    "it)",
                    "links in letters lead to %s, which is not encrypted", web->url);
    }
    if (web->listen == NULL) {
        return;
    }
    if (server_listen_check(web->listen, true, &err) < 0) {
        doctor_tell(doctor, "web", DOCTOR_BAD, NULL, "web.listen: %s", err.msg);
        return;
    }
    fault = try_place(web->listen);
    if (fault == 0) {
        doctor_tell(doctor, "web", DOCTOR_OK, NULL, "somebody answers at %s", web->listen);
    } else {
        doctor_tell(doctor, "web", DOCTOR_WARNING,
                    "run 'teataja serve' or 'teataja web': without it nobody can leave a list",
                    "the pages are not served at %s (%s)", web->listen, strerror(fault));
    }
}
