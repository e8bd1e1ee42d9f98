/* member import | export: members as CSV files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "output.h"
#include "teataja/members/export.h"
#include "teataja/members/import.h"
#include "teataja/members/segment.h"
#include "teataja/members/subscription.h"
#include "workspace.h"

/* ---- import ---- */

static void import_progress(void *context, size_t rows)
{
    (void)context;
    fprintf(stderr, "\r%zu rows", rows);
}

static int read_mappings(const struct command *command, struct import_mapping *mappings,
                         struct err *err)
{
    for (size_t i = 0; i < command->many_count; i++) {
        const char *equals = strchr(command->many[i], '=');

        if (equals == NULL || equals == command->many[i] || equals[1] == '\0') {
            return err_set(err, ERR_INVALID, "--map takes HEADER=FIELD, not '%s'",
                           command->many[i]);
        }
        mappings[i].header = arena_strndup(command->arena, command->many[i],
                                           (size_t)(equals - command->many[i]));
        mappings[i].field = equals + 1;
        if (mappings[i].header == NULL) {
            return err_nomem(err);
        }
    }
    return 0;
}

static void print_import(const struct command *command, const struct import_result *result)
{
    static const char *const headings[] = {">rows",   ">added",       ">updated", ">unchanged",
                                           ">active", ">unconfirmed", ">pending", ">left",
                                           ">suppressed", ">kept out"};
    const size_t counts[] = {result->rows,    result->added,       result->updated,
                             result->unchanged, result->active,    result->unconfirmed,
                             result->pending, result->left,        result->suppressed,
                             result->kept_out};
    const char *cells[sizeof(headings) / sizeof(headings[0])];
    struct output_table *table = output_table_new(sizeof(headings) / sizeof(headings[0]), headings);

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        cells[i] = arena_printf(command->arena, "%zu", counts[i]);
    }
    output_table_row(table, cells);
    output_table_print(table, command->json);
    if (!command->json && result->unconfirmed > 0) {
        printf("%zu without evidence of consent get nothing until they confirm.\n",
               result->unconfirmed);
    }
    if (!command->json && command_has(command, "dry-run")) {
        puts("Dry run: nothing was changed.");
    }
}

static enum exit_status import_run(struct command *command)
{
    struct import_mapping mappings[MAX_MANY];
    struct import_options options = {.basis = -1};
    struct import_result result = {0};
    struct workspace workspace;
    struct report *report = NULL;
    struct err err = {0};
    enum exit_status status = workspace_open(command, WORKSPACE_DB, false, &workspace);
    const char *basis = command_value(command, "basis");

    if (status != EXIT_DONE) {
        goto out;
    }
    options.list = command_value(command, "list");
    options.source = command_value(command, "source");
    options.csv.charset = command_value(command, "charset");
    options.dry_run = command_has(command, "dry-run");
    options.progress = isatty(STDERR_FILENO) ? import_progress : NULL;
    options.mappings = mappings;
    options.mapping_count = command->many_count;
    if (options.list != NULL && options.source == NULL) {
        status = command_misused(command, "--list needs --source: where the consent or the "
                                          "membership is on record");
        goto out;
    }
    if (basis != NULL && (options.basis = subscription_basis_find(basis)) < 0) {
        status = command_misused(command, "--basis is consent, membership, public_task or "
                                          "legitimate_interest, not '%s'", basis);
        goto out;
    }
    if (read_mappings(command, mappings, &err) < 0) {
        status = command_misused(command, "%s", err.msg);
        goto out;
    }
    report = report_new();
    if (import_file(&workspace.members, command->arguments[0], &options, report, &result, &err) <
        0) {
        fputs(options.progress != NULL ? "\r" : "", stderr);
        if (report_errors(report) > 0) {
            report_print(report, stderr);
            fputs("teataja: nothing was imported\n", stderr);
            status = EXIT_CONTENT;
        } else {
            status = command_fail(&err);
        }
        goto out;
    }
    fputs(options.progress != NULL ? "\r" : "", stderr);
    report_print(report, stderr);
    print_import(command, &result);
out:
    report_free(report);
    workspace_close(&workspace);
    return status;
}

static const struct option import_options[] = {
    {"list", "LIST", "subscribe the members to this list", false},
    {"source", "TEXT", "where the file comes from; kept as evidence (needed with --list)", false},
    {"basis", "BASIS", "consent, membership, public_task or legitimate_interest", false},
    {"charset", "NAME", "the file's charset, such as windows-1257 (default: UTF-8)", false},
    {"map", "HEADER=FIELD", "read the column HEADER as FIELD; '-' leaves it out (repeatable)",
     true},
    {"dry-run", NULL, "say what would happen and change nothing", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_member_import = {
    .name = "member import",
    .usage = "FILE.csv",
    .summary = "import members from a CSV file, all or nothing",
    .help = "The first row names the columns, in any of the ten languages. A row is matched to a\n"
            "member by the office's own id, else by address, so the same file may be imported\n"
            "again. Every wrong row is named, and then nothing is imported. Without evidence of\n"
            "consent (columns consent_at and consent_source) a subscription is unconfirmed.",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = import_options,
    .run = import_run,
};

/* ---- export ---- */

/* A new file that only its owner may read, whatever the umask: it holds the register. */
static FILE *make_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

    if (fd >= 0 && file == NULL) {
        (void)close(fd);
    }
    return file;
}

static enum exit_status export_run(struct command *command)
{
    struct export_options options = {.list = command_value(command, "list"),
                                     .bom = command_has(command, "bom")};
    const char *path = command_value(command, "o");
    const char *separator = command_value(command, "separator");
    struct workspace workspace;
    struct segment *segment = NULL;
    struct err err = {0};
    size_t count = 0;
    FILE *out = stdout;
    enum exit_status status = workspace_open(command, WORKSPACE_DB, false, &workspace);
    int rc = 0;

    if (status != EXIT_DONE) {
        goto out;
    }
    /* What may stand in a value without quotes, or is the quote, separates nothing. */
    if (separator != NULL && (strlen(separator) != 1 || strchr(",;|:\t", separator[0]) == NULL)) {
        status = command_misused(command, "--separator is one of , ; | : or a tab");
        goto out;
    }
    options.separator = separator != NULL ? separator[0] : ',';
    if (command->argument_count > 0) {
        rc = workspace_segment(&workspace, command->arguments[0], &segment, &err);
        options.segment = segment;
    }
    if (rc == 0 && path != NULL && (out = make_file(path)) == NULL) {
        rc = err_set_errno(&err, ERR_IO, errno, "cannot make '%s'", path);
    }
    if (rc == 0) {
        rc = export_members(&workspace.members, &options, out, &count, &err);
    }
    if (path != NULL && out != NULL && fclose(out) != 0 && rc == 0) {
        rc = err_set(&err, ERR_IO, "cannot write '%s'", path);
    }
    if (rc < 0) {
        status = command_fail(&err);
    } else if (path != NULL) {
        printf("Exported %zu members to %s.\n", count, path);
    }
out:
    segment_free(segment);
    workspace_close(&workspace);
    return status;
}

static const struct option export_verb_options[] = {
    {"o", "FILE", "write to a new file instead of standard output", false},
    {"list", "LIST", "only those who are or were on this list, with their subscription", false},
    {"separator", "C", "what separates columns: , ; | : or a tab (default ',')", false},
    {"bom", NULL, "begin with a byte order mark, for old spreadsheets", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_member_export = {
    .name = "member export",
    .usage = "[EXPRESSION]",
    .summary = "write members as CSV, all or those of a segment",
    .help = "What 'member import' reads back. A cell that a spreadsheet would run as a formula\n"
            "begins with an apostrophe.",
    .max_arguments = 1,
    .options = export_verb_options,
    .run = export_run,
};
