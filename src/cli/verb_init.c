/* init: makes a site's folder. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "output.h"
#include "teataja/base/civil.h"
#include "teataja/base/clock.h"
#include "teataja/base/file.h"
#include "teataja/base/limits.h"
#include "teataja/base/str.h"
#include "workspace.h"

/* The demo's dates are relative to today, so that there is always something open.
 * Its files write them as
 *   @today+45@      2027-01-05      @today+45c@  20270105
 *   @workday+45@    the next Monday to Friday from then on (also with c)
 *   @monday+2@      the Monday of the second week from now, so all weekdays (also with c)
 *   @quarter+2@     2027-Q2         @year+1@     2027
 */
static void day_text(int64_t days, bool compact, struct str *out)
{
    struct civil day = {.date_only = true};

    civil_set_days(&day, days);
    str_addf(out, compact ? "%04d%02d%02d" : "%04d-%02d-%02d", day.year, day.month, day.day);
}

/* Appends what the placeholder `name` (without its '@') stands for; false if it is
 * none. */
static bool add_placeholder(const char *name, size_t len, struct str *out)
{
    static const char *const kinds[] = {"today",  "workday",  "quarter",   "year",
                                        "monday", "tuesday",  "wednesday", "thursday",
                                        "friday", "saturday", "sunday"};
    enum { TODAY, WORKDAY, QUARTER, YEAR, MONDAY, KINDS = 11 };
    struct civil now = {0};
    char text[24];
    const char *sign;
    char *end = NULL;
    long offset;
    size_t kind = 0;
    int64_t days;
    bool compact;

    if (len == 0 || len >= sizeof(text)) {
        return false;
    }
    memcpy(text, name, len);
    text[len] = '\0';
    sign = strpbrk(text, "+-");
    if (sign == NULL) {
        return false;
    }
    while (kind < KINDS && (strlen(kinds[kind]) != (size_t)(sign - text) ||
                            strncmp(kinds[kind], text, (size_t)(sign - text)) != 0)) {
        kind++;
    }
    offset = strtol(sign, &end, 10);
    compact = *end == 'c';
    if (kind == KINDS || end[compact] != '\0' || labs(offset) > 4000) {
        return false;
    }
    civil_from_utc(clock_now(), &now);
    days = civil_days(&now);
    if (kind == QUARTER) {
        long quarter = now.year * 4L + (now.month - 1) / 3 + offset;

        str_addf(out, "%ld-Q%ld", quarter / 4, quarter % 4 + 1);
        return true;
    }
    if (kind == YEAR) {
        str_addf(out, "%ld", now.year + offset);
        return true;
    }
    if (kind >= MONDAY) {
        days += (int64_t)(kind - MONDAY) + 1 - civil_weekday(&now) + 7 * offset;
    } else {
        days += offset;
        civil_set_days(&now, days);
        if (kind == WORKDAY && civil_weekday(&now) > 5) {
            days += 8 - civil_weekday(&now);
        }
    }
    day_text(days, compact, out);
    return true;
}

static void fill_placeholders(const char *text, size_t len, struct str *out)
{
    size_t at = 0;

    while (at < len) {
        const char *open = memchr(text + at, '@', len - at);
        const char *close;
        size_t from;

        if (open == NULL) {
            str_add_bytes(out, text + at, len - at);
            return;
        }
        from = (size_t)(open - text);
        str_add_bytes(out, text + at, from - at);
        close = memchr(open + 1, '@', len - from - 1);
        if (close != NULL && add_placeholder(open + 1, (size_t)(close - open - 1), out)) {
            at = (size_t)(close - text) + 1;
        } else {
            str_add_char(out, '@');
            at = from + 1;
        }
    }
}

static bool is_text(const char *name)
{
    static const char *const endings[] = {".md", ".yaml", ".ics", ".csv", ".txt"};
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; dot != NULL && i < sizeof(endings) / sizeof(endings[0]); i++) {
        if (strcmp(dot, endings[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int copy_file(struct arena *arena, const char *from, const char *to, struct err *err)
{
    struct str filled;
    char *data = NULL;
    size_t len = 0;
    int rc = file_read(arena, from, LIMIT_FILE, &data, &len, err);

    if (rc < 0) {
        return rc;
    }
    str_init(&filled, LIMIT_FILE);
    if (is_text(from)) {
        fill_placeholders(data, len, &filled);
        rc = str_check(&filled, err);
        data = filled.data;
        len = filled.len;
    }
    if (rc == 0) {
        rc = file_write(to, data, len, 0644, err);
    }
    str_release(&filled);
    return rc;
}

static int copy_folder(struct arena *arena, const char *from, const char *to, int depth,
                       struct err *err)
{
    char **names = NULL;
    size_t count = 0;
    int rc = file_make_folder(to, err);

    if (rc == 0) {
        rc = file_list(arena, from, &names, &count, err);
    }
    for (size_t i = 0; rc == 0 && i < count; i++) {
        char *inner_from = file_join(arena, from, names[i]);
        char *inner_to = file_join(arena, to, names[i]);
        struct stat st;

        if (inner_from == NULL || inner_to == NULL) {
            return err_nomem(err);
        }
        if (stat(inner_from, &st) != 0) {
            return err_set_errno(err, ERR_IO, errno, "cannot read '%s'", inner_from);
        }
        if (S_ISDIR(st.st_mode) && depth < 4) {
            rc = copy_folder(arena, inner_from, inner_to, depth + 1, err);
        } else if (S_ISREG(st.st_mode)) {
            rc = copy_file(arena, inner_from, inner_to, err);
        }
    }
    return rc;
}

static int is_free(const char *folder, struct err *err)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    int rc = 0;

    if (dir == NULL) {
        return errno == ENOENT ? 0 : err_set_errno(err, ERR_IO, errno, "cannot read '%s'", folder);
    }
    while (rc == 0 && (entry = readdir(dir)) != NULL) { /* NOLINT(concurrency-mt-unsafe) */
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            rc = err_set(err, ERR_EXISTS, "'%s' is not empty: nothing was written", folder);
        }
    }
    closedir(dir);
    return rc;
}

/* folder/name as a shell takes it. */
static const char *quoted(struct arena *arena, const char *folder, const char *name)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./";
    const char *quote = folder[strspn(folder, plain)] != '\0' ? "'" : "";
    const char *out = arena_printf(arena, "%s%s%s%s", quote, folder, name, quote);

    return out != NULL ? out : folder;
}

static void print_next(struct arena *arena, const char *folder, bool demo)
{
    const char *site = quoted(arena, folder, "");
    const char *members = quoted(arena, folder, "/members.csv");
    const char *mailboxes = quoted(arena, folder, "/var/mailboxes");
    const char *issue = demo ? "funding-letter" : "first-letter";

    printf("Made the site %s. Next:\n", folder);
    if (!demo) {
        printf("  edit %s ('teataja config sample' shows every setting)\n",
               quoted(arena, folder, "/teataja.yaml"));
    }
    printf("  teataja -C %s check\n"
           "  teataja -C %s member import %s --list funding --source 'first import'\n"
           "  teataja -C %s send %s --dry-run\n"
           "  teataja sink --maildir %s &\n"
           "  teataja -C %s send %s\n",
           site, site, members, site, issue, mailboxes, site, issue);
}

static enum exit_status init_run(struct command *command)
{
    const char *folder = command->arguments[0];
    const char *templates = workspace_templates(command->arena);
    const char *which = command_has(command, "demo") ? "site/demo" : "site/minimal";
    struct err err = {0};
    char *from;

    if (templates == NULL) {
        err_set(&err, ERR_NOT_FOUND, "the templates are not installed; set TEATAJA_TEMPLATES");
        return command_fail(&err);
    }
    from = file_join(command->arena, templates, which);
    if (from == NULL) {
        err_nomem(&err);
        return command_fail(&err);
    }
    if (is_free(folder, &err) < 0 || copy_folder(command->arena, from, folder, 0, &err) < 0) {
        return command_fail(&err);
    }
    if (command->json) {
        output_text_json("site", folder);
        return EXIT_DONE;
    }
    print_next(command->arena, folder, command_has(command, "demo"));
    return EXIT_DONE;
}

static const struct option init_options[] = {
    {"demo", NULL, "a whole site to try: members in eight languages, calls, events, a letter",
     false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_init = {
    .name = "init",
    .usage = "DIR",
    .summary = "make a site in a new or empty folder",
    .help = "The demo's dates are relative to today, so that there is always something open.",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = init_options,
    .run = init_run,
};
