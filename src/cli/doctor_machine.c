/* doctor: the clock, the time zones, the disk and the templates. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>

#include "doctor.h"
#include "output.h"
#include "teataja/base/clock.h"
#include "teataja/base/file.h"
#include "teataja/calendar/zone.h"

#define CLOCK_LEAST (INT64_C(1767225600) * CLOCK_SECOND) /* 2026-01-01 */
#define CLOCK_MOST (INT64_C(4102444800) * CLOCK_SECOND)  /* 2100-01-01 */
#define MEGABYTE INT64_C(1000000)
#define ROOM_BAD (100 * MEGABYTE)
#define ROOM_LITTLE (500 * MEGABYTE)
#define LOG_MUCH (256 * MEGABYTE) /* a WAL of this size is never copied back in time */
#define FILES_FEW 1000

static void check_clock(struct doctor *doctor)
{
    struct timex timex = {.modes = 0};
    int64_t now = clock_now();
    const char *shown = output_when(doctor->arena, now);
    int state;

    if (now < CLOCK_LEAST || now > CLOCK_MOST) {
        doctor_tell(doctor, "clock", DOCTOR_BAD, "set it, and let it be kept right by NTP",
                    "the clock says %s UTC", shown);
    } else {
        doctor_tell(doctor, "clock", DOCTOR_OK, NULL, "the clock says %s UTC", shown);
    }
    state = adjtimex(&timex);
    if (state < 0) {
        doctor_tell(doctor, "clock", DOCTOR_OK, NULL,
                    "whether it is kept right cannot be seen from here (%s)", strerror(errno));
    } else if (state == TIME_ERROR || (timex.status & STA_UNSYNC) != 0) {
        doctor_tell(doctor, "clock", DOCTOR_WARNING,
                    "start systemd-timesyncd or chrony; in a container, on its host",
                    "nothing keeps the clock right: the kernel calls it unsynchronised");
    } else {
        doctor_tell(doctor, "clock", DOCTOR_OK, NULL, "it is kept right (synchronised)");
    }
}

static void check_zone(struct doctor *doctor, const char *of, const char *zone)
{
    struct err err = {0};
    int offset = 0;

    if (zone == NULL) {
        return;
    }
    if (zone_offset(zone, clock_now(), &offset, &err) < 0) {
        doctor_tell(doctor, "clock", DOCTOR_BAD, "install the package tzdata",
                    "time zone %s of %s: %s", zone, of, err.msg);
    } else {
        doctor_tell(doctor, "clock", DOCTOR_OK, NULL, "%s is in time zone %s, now UTC%+03d:%02d",
                    of, zone, offset / 3600, abs(offset) / 60 % 60);
    }
}

/* The site's var/, or the site's folder before there is one. */
static const char *data_folder(const struct doctor *doctor)
{
    const char *folder = doctor->workspace->config.folder;
    const char *var = file_join(doctor->arena, folder, "var");

    return var != NULL && file_exists(var) ? var : folder;
}

static int64_t size_of(const char *path)
{
    struct stat status;

    return path != NULL && stat(path, &status) == 0 ? (int64_t)status.st_size : 0;
}

static void check_disk(struct doctor *doctor)
{
    const char *folder = data_folder(doctor);
    struct statvfs disk;
    int64_t room;

    if (statvfs(folder, &disk) != 0) {
        doctor_tell(doctor, "disk", DOCTOR_BAD, NULL, "%s: %s", folder, strerror(errno));
        return;
    }
    room = (int64_t)(disk.f_bavail * disk.f_frsize);
    if (room < ROOM_LITTLE) {
        doctor_tell(doctor, "disk", room < ROOM_BAD ? DOCTOR_BAD : DOCTOR_WARNING,
                    "make room: without it nothing can be recorded, and so nothing is sent",
                    "only %" PRId64 " MB are free for %s", room / MEGABYTE, folder);
    } else {
        doctor_tell(doctor, "disk", DOCTOR_OK, NULL, "%" PRId64 " MB are free for %s",
                    room / MEGABYTE, folder);
    }
    /* Some file systems have no fixed number of files. */
    if (disk.f_files > 0 && disk.f_favail < FILES_FEW) {
        doctor_tell(doctor, "disk", DOCTOR_BAD, "remove files that are not needed",
                    "%s has room for only %ju more files", folder, (uintmax_t)disk.f_favail);
    }
    if ((disk.f_flag & ST_RDONLY) != 0) {
        doctor_tell(doctor, "disk", DOCTOR_BAD, "mount it so that it can be written",
                    "%s is on a file system that cannot be written", folder);
    }
}

static void check_log(struct doctor *doctor)
{
    const struct config *config = &doctor->workspace->config;
    const char *path = config->site.database != NULL
                           ? config_path(doctor->arena, config, config->site.database)
                           : NULL;
    const char *wal = path != NULL ? arena_printf(doctor->arena, "%s-wal", path) : NULL;
    int64_t size = size_of(wal);

    if (size > LOG_MUCH) {
        doctor_tell(doctor, "disk", DOCTOR_WARNING,
                    "end the program that has the database open for hours (a backup, sqlite3)",
                    "%s has grown to %" PRId64 " MB", wal, size / MEGABYTE);
    } else if (size > 0) {
        doctor_tell(doctor, "disk", DOCTOR_OK, NULL, "the database's log has %" PRId64 " kB",
                    size / 1000);
    }
}

void doctor_machine(struct doctor *doctor)
{
    const struct config *config = &doctor->workspace->config;

    check_clock(doctor);
    check_zone(doctor, "the site", config->site.timezone);
    for (size_t i = 0; i < config->newsletter_count; i++) {
        check_zone(doctor, config->newsletters[i].file, config->newsletters[i].timezone);
    }
    check_disk(doctor);
    check_log(doctor);
    doctor_tell(doctor, "templates", DOCTOR_OK, NULL, "they are in %s",
                doctor->workspace->templates);
}
