/* report.c - see teataja/base/report.h. */
#include "teataja/base/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "teataja/base/limits.h"
#include "teataja/base/mem.h"
#include "teataja/base/utf8.h"

#define MESSAGE_ROOM 1024

struct kept {
    struct problem problem;
    size_t number; /* in the order they were added: qsort is not stable */
};

struct report {
    struct arena *arena;
    struct kept *kept;
    size_t count;
    size_t capacity;
    size_t errors;
    size_t warnings;
    struct problem *files; /* the first error of each */
    size_t file_count;
    size_t file_capacity;
    bool sorted;
    bool refused; /* by the system, whatever the files hold */
    bool failing; /* for a while, perhaps */
    bool lost;    /* a file that should be in `files` */
};

struct report *report_new(void)
{
    struct report *report = mem_alloc(1, sizeof(*report));

    if (report == NULL) {
        return NULL;
    }
    report->arena = arena_new(LIMIT_ARENA_WORK);
    if (report->arena == NULL) {
        mem_free(report);
        return NULL;
    }
    report->sorted = true;
    return report;
}

void report_free(struct report *report)
{
    if (report != NULL) {
        arena_free(report->arena);
        mem_free(report);
    }
}

static void keep(struct report *report, const struct problem *problem)
{
    struct kept kept = {.problem = *problem, .number = report->count};
    char *file;

    if (report->count >= LIMIT_PROBLEMS) {
        return;
    }
    file = arena_strdup(report->arena, problem->file);
    kept.problem.file = file;
    kept.problem.message = arena_strdup(report->arena, problem->message);
    if (file == NULL || kept.problem.message == NULL ||
        arena_grow(report->arena, &report->kept, &report->capacity, report->count,
                   sizeof(*report->kept), NULL) < 0) {
        return;
    }
    utf8_clean(file); /* whoever named it may have used any byte */
    report->kept[report->count++] = kept;
    report->sorted = false;
}

static void note_file(struct report *report, const struct problem *problem)
{
    struct problem *own;
    char *file;

    /* Errors of one file follow each other, nearly always. */
    for (size_t i = report->file_count; i > 0; i--) {
        if (strcmp(report->files[i - 1].file, problem->file) == 0) {
            return;
        }
    }
    file = arena_strdup(report->arena, problem->file);
    if (file == NULL || arena_grow(report->arena, &report->files, &report->file_capacity,
                                   report->file_count, sizeof(*report->files), NULL) < 0) {
        report->lost = true;
        return;
    }
    own = &report->files[report->file_count++];
    *own = *problem;
    own->file = file;
    own->message = arena_strdup(report->arena, problem->message);
    if (own->message == NULL) {
        own->message = "";
        report->lost = true;
    }
}

void report_add(struct report *report, enum report_severity severity, const char *file, int line,
                int column, const char *format, ...)
{
    char message[MESSAGE_ROOM];
    struct problem problem = {.severity = severity,
                              .file = file == NULL ? "" : file,
                              .line = line,
                              .column = column,
                              .message = message};
    va_list args;
    size_t len;

    if (report == NULL) {
        return;
    }
    va_start(args, format);
    if (vsnprintf(message, sizeof(message), format, args) < 0) {
        message[0] = '\0';
    }
    va_end(args);
    len = strlen(message);
    if (len == sizeof(message) - 1) {
        message[utf8_prefix(message, len, len - 1)] = '\0';
    }
    utf8_clean(message);
    if (severity == REPORT_ERROR) {
        report->errors++;
        note_file(report, &problem);
    } else {
        report->warnings++;
    }
    keep(report, &problem);
}

void report_add_fault(struct report *report, const char *file, const struct err *fault)
{
    if (report == NULL) {
        return;
    }
    /* A loop of links or a name that is too long is in the site itself. */
    if (fault->code == ERR_IO && fault->native != 0 && fault->native != ELOOP &&
        fault->native != ENAMETOOLONG) {
        report->refused = true;
        report->failing |= fault->native != EACCES && fault->native != EPERM;
    }
    report_add(report, REPORT_ERROR, file, 0, 0, "%s", fault->msg);
}

bool report_refused(const struct report *report)
{
    return report != NULL && report->refused;
}

bool report_failing(const struct report *report)
{
    return report != NULL && report->failing;
}

const struct problem *report_bad_file(const struct report *report, size_t index)
{
    return report != NULL && index < report->file_count ? &report->files[index] : NULL;
}

bool report_whole(const struct report *report)
{
    return report == NULL || !report->lost;
}

size_t report_errors(const struct report *report)
{
    return report == NULL ? 0 : report->errors;
}

size_t report_warnings(const struct report *report)
{
    return report == NULL ? 0 : report->warnings;
}

static int by_place(const void *left, const void *right)
{
    const struct kept *a = left;
    const struct kept *b = right;
    int order = strcmp(a->problem.file, b->problem.file);

    if (order != 0) {
        return order;
    }
    if (a->problem.line != b->problem.line) {
        return a->problem.line < b->problem.line ? -1 : 1;
    }
    if (a->problem.column != b->problem.column) {
        return a->problem.column < b->problem.column ? -1 : 1;
    }
    return a->number < b->number ? -1 : 1;
}

const struct problem *report_get(struct report *report, size_t index)
{
    if (report == NULL || index >= report->count) {
        return NULL;
    }
    if (!report->sorted) {
        qsort(report->kept, report->count, sizeof(*report->kept), by_place);
        report->sorted = true;
    }
    return &report->kept[index].problem;
}

/* "file:line:column: ", as much of it as there is. */
static void format_place(const struct problem *problem, char *text, size_t size)
{
    text[0] = '\0';
    if (problem->file[0] == '\0') {
        return;
    }
    if (problem->line <= 0) {
        (void)snprintf(text, size, "%s: ", problem->file);
    } else if (problem->column <= 0) {
        (void)snprintf(text, size, "%s:%d: ", problem->file, problem->line);
    } else {
        (void)snprintf(text, size, "%s:%d:%d: ", problem->file, problem->line, problem->column);
    }
}

void report_format(const struct problem *problem, char *text, size_t size)
{
    size_t len;

    format_place(problem, text, size);
    len = strlen(text);
    (void)snprintf(text + len, size - len, "%s", problem->message);
}

void report_print(struct report *report, FILE *out)
{
    const struct problem *problem;
    size_t kept = 0;
    size_t all = report_errors(report) + report_warnings(report);
    char place[MESSAGE_ROOM];

    while ((problem = report_get(report, kept)) != NULL) {
        format_place(problem, place, sizeof(place));
        (void)fprintf(out, "%s%s%s\n", place,
                      problem->severity == REPORT_WARNING ? "warning: " : "", problem->message);
        kept++;
    }
    if (all > kept) {
        (void)fprintf(out, "%zu more %s not shown\n", all - kept,
                      all - kept == 1 ? "problem is" : "problems are");
    }
}

int report_check(struct report *report, struct err *err)
{
    const struct problem *problem;
    char place[MESSAGE_ROOM];

    if (report_errors(report) == 0) {
        return 0;
    }
    for (size_t i = 0; (problem = report_get(report, i)) != NULL; i++) {
        if (problem->severity == REPORT_ERROR) {
            format_place(problem, place, sizeof(place));
            return err_set(err, ERR_INVALID, "%s%s", place, problem->message);
        }
    }
    return err_set(err, ERR_INVALID, "%zu %s found", report->errors,
                   report->errors == 1 ? "error was" : "errors were");
}
