/* report, mailing evidence: what was sent to how many, for people and for funders. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "desk.h"
#include "output.h"
#include "report_print.h"
#include "teataja/base/clock.h"
#include "teataja/base/file.h"
#include "teataja/base/json.h"
#include "teataja/base/limits.h"
#include "teataja/calendar/zone.h"
#include "teataja/compose/page.h"
#include "teataja/delivery/mailing.h"

/* Midnight at the beginning of a day in the site's zone, or of the day after it. */
static int read_day(const struct command *command, const struct workspace *workspace,
                    const char *option, bool after, int64_t fallback, int64_t *out, struct err *err)
{
    const char *text = command_value(command, option);
    struct civil day;
    int rc;

    *out = fallback;
    if (text == NULL) {
        return 0;
    }
    rc = civil_parse(text, &day, err);
    if (rc == 0) {
        day.hour = day.minute = day.second = 0;
        if (after) {
            civil_add_days(&day, 1);
        }
        rc = zone_to_utc(workspace->config.site.timezone, &day, out, NULL, err);
    }
    return rc < 0 ? err_prefix(err, "--%s", option) : 0;
}

static int today(const struct workspace *workspace, char out[CIVIL_TEXT], struct err *err)
{
    struct civil day;
    int rc = zone_from_utc(workspace->config.site.timezone, clock_now(), &day, err);

    if (rc == 0) {
        snprintf(out, CIVIL_TEXT, "%04d-%02d-%02d", day.year, day.month, day.day);
    }
    return rc;
}

static enum language first_language(const struct workspace *workspace)
{
    return workspace->config.site.languages[0];
}

/* The language to speak, and its texts, which the caller frees. */
static int open_head(const struct command *command, const struct workspace *workspace,
                     struct report_head *head, struct catalogue **catalogue, struct err *err)
{
    const char *const folders[2] = {config_path(workspace->arena, &workspace->config, "templates"),
                                    workspace->templates};
    const char *tag = command_value(command, "lang");
    int rc;

    head->language = tag != NULL ? language_find(tag) : first_language(workspace);
    head->site =
        lang_text_get(&workspace->config.site.name, head->language, first_language(workspace));
    rc = folders[0] == NULL || folders[1] == NULL
             ? err_set(err, ERR_NOT_FOUND, "the installed templates are not there")
             : catalogue_load(folders, 2, NULL, catalogue, err);
    head->catalogue = *catalogue;
    return rc;
}

/* A text of the catalogue with its arguments, in the arena. */
static int say(const struct workspace *workspace, const struct report_head *head, const char *key,
               const struct catalogue_arg *args, size_t count, const char **out, struct err *err)
{
    struct str text;
    int rc;

    str_init(&text, LIMIT_TEXT);
    rc = catalogue_text(head->catalogue, head->language, key, args, count, &text, err);
    rc = rc < 0 ? rc : str_check(&text, err);
    if (rc == 0) {
        *out = arena_strdup(workspace->arena, text.data);
        rc = *out != NULL ? 0 : err_nomem(err);
    }
    str_release(&text);
    return rc;
}

static int say_made(const struct workspace *workspace, struct report_head *head, struct err *err)
{
    char day[CIVIL_TEXT];
    int rc = today(workspace, day, err);
    const struct catalogue_arg date = catalogue_arg_text("date", day);

    return rc < 0 ? rc : say(workspace, head, "report.made", &date, 1, &head->made, err);
}

static int say_mailing(const struct workspace *workspace, const struct mailing *mailing,
                       struct report_head *head, struct err *err)
{
    char id[24];
    const struct catalogue_arg args[] = {catalogue_arg_text("what", mailing->subject),
                                         catalogue_arg_text("id", id)};

    (void)snprintf(id, sizeof(id), "%" PRId64, mailing->id);
    return say(workspace, head, "report.of_mailing", args, 2, &head->title, err);
}

/* "2026-01-01 – 2026-12-31" */
static int say_period(const struct workspace *workspace, const char *from, const char *to,
                      struct report_head *head, struct err *err)
{
    const char *beginning = catalogue_word(head->catalogue, head->language, "report.beginning");
    const char *end = catalogue_word(head->catalogue, head->language, "report.today");

    head->title = arena_printf(workspace->arena, "%s – %s", from != NULL ? from : beginning,
                               to != NULL ? to : end);
    return head->title != NULL ? 0 : err_nomem(err);
}

/* The arguments that need no site: a mailing's number, if one is given, and the language. */
static enum exit_status read_arguments(const struct command *command, int64_t *mailing)
{
    enum language language;
    enum exit_status status = desk_language(command, &language);

    return status == EXIT_DONE && command->argument_count > 0 ? command_mailing(command, mailing)
                                                              : status;
}

/* What the arguments ask for, and its title. ERR_INVALID if they make no sense. */
static int read_scope(const struct command *command, struct workspace *workspace,
                      struct tally_scope *scope, struct report_head *head, struct err *err)
{
    const char *from = command_value(command, "from");
    const char *to = command_value(command, "to");
    struct mailing mailing = {0};
    int rc;

    if (scope->mailing != 0) {
        rc =
            from != NULL || to != NULL
                ? err_set(err, ERR_INVALID, "a mailing is counted whole: leave out --from and --to")
                : mailing_get(workspace->db, workspace->arena, scope->mailing, &mailing, err);
        if (rc == 0) {
            rc = say_mailing(workspace, &mailing, head, err);
        }
        return rc;
    }
    rc = read_day(command, workspace, "from", false, 0, &scope->from, err);
    rc = rc < 0 ? rc : read_day(command, workspace, "to", true, INT64_MAX, &scope->until, err);
    if (rc == 0 && scope->from >= scope->until) {
        rc = err_set(err, ERR_INVALID, "--from is after --to");
    }
    return rc < 0 ? rc : say_period(workspace, from, to, head, err);
}

static int print(const struct command *command, const struct workspace *workspace,
                 const char *format, const struct report_head *head, const struct tally *tally,
                 struct err *err)
{
    const char *path = command_value(command, "o");
    struct str out;
    int rc = 0;

    if (strcmp(format, "table") == 0) {
        report_print_text(head, tally);
        return 0;
    }
    str_init(&out, LIMIT_FILE);
    if (strcmp(format, "csv") == 0) {
        report_print_csv(head, tally, &out);
    } else if (strcmp(format, "json") == 0) {
        report_print_json(head, tally, &out);
    } else {
        rc = report_print_html(workspace, head, tally, &out, err);
    }
    rc = rc < 0 ? rc : str_check(&out, err);
    if (rc == 0 && path != NULL) {
        rc = file_write(path, out.data, out.len, 0644, err);
    } else if (rc == 0) {
        fwrite(out.data, 1, out.len, stdout);
    }
    str_release(&out);
    return rc;
}

static enum exit_status report_run(struct command *command)
{
    static const char *const formats[] = {"table", "csv", "json", "html"};
    const char *format = command_value(command, "format");
    struct workspace workspace;
    struct tally_scope scope = {.until = INT64_MAX};
    struct tally tally;
    struct report_head head = {0};
    struct catalogue *catalogue = NULL;
    struct err err = {0};
    enum exit_status status;
    bool misused = false;
    bool known = false;
    int rc;

    format = format != NULL ? format : command->json ? "json" : "table";
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        known = known || strcmp(format, formats[i]) == 0;
    }
    if (!known) {
        return command_misused(command, "--format is table, csv, json or html, not '%s'", format);
    }
    if (command_has(command, "o") && strcmp(format, "table") == 0) {
        return command_misused(command, "-o goes with --format csv, json or html");
    }
    status = read_arguments(command, &scope.mailing);
    if (status != EXIT_DONE) {
        return status;
    }
    status = workspace_open(command, WORKSPACE_DB, false, &workspace);
    if (status == EXIT_DONE) {
        rc = open_head(command, &workspace, &head, &catalogue, &err);
        rc = rc < 0 ? rc : read_scope(command, &workspace, &scope, &head, &err);
        misused = rc == ERR_INVALID;
        rc = rc < 0 ? rc
                    : tally_count(workspace.db, &workspace.config, &scope, head.language,
                                  workspace.arena, &tally, &err);
        rc = rc < 0 ? rc : say_made(&workspace, &head, &err);
        rc = rc < 0 ? rc : print(command, &workspace, format, &head, &tally, &err);
        status = rc == 0   ? EXIT_DONE
                 : misused ? command_misused(command, "%s", err.msg)
                           : command_fail(&err);
        catalogue_free(catalogue);
    }
    workspace_close(&workspace);
    return status;
}

static const struct option report_options[] = {
    {"from", "DATE", "the first day that counts, in the site's time zone", false},
    {"to", "DATE", "the last day that counts", false},
    {"format", "FORMAT", "table (default), csv, json or html", false},
    {"lang", "LANG", "in this language, one of ten (default: the site's first)", false},
    {"o", "FILE", "write to FILE instead of printing", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_report = {
    .name = "report",
    .usage = "[MAILING]",
    .summary = "count what was delivered, of one mailing or of a period",
    .help =
        "Delivered, bounced, left; by mailing, language, region, kind and sector; different\n"
        "people and organisations. From deliveries, bounces and leaving only: who opened or\n"
        "clicked is never measured. Members count under what the register says today; one with\n"
        "two sectors counts under both.",
    .max_arguments = 1,
    .options = report_options,
    .run = report_run,
};

/* ---- evidence ---- */

struct evidence {
    struct workspace *workspace;
    const char *folder;
    const struct mailing *mailing;
    struct report_head head;
    struct tally tally;
    const char **cids; /* of the pictures */
    const char **files;
    size_t picture_count;
};

static int keep(const struct evidence *evidence, const char *name, const void *data, size_t len,
                struct err *err)
{
    const char *path = arena_printf(evidence->workspace->arena, "%s/%s", evidence->folder, name);

    return path == NULL ? err_nomem(err) : file_write(path, data, len, 0644, err);
}

static int keep_report(const struct evidence *evidence, struct err *err)
{
    struct str out;
    int rc;

    str_init(&out, LIMIT_FILE);
    rc = report_print_html(evidence->workspace, &evidence->head, &evidence->tally, &out, err);
    rc = rc < 0 ? rc : keep(evidence, "report.html", out.data, out.len, err);
    str_reset(&out);
    if (rc == 0) {
        report_print_csv(&evidence->head, &evidence->tally, &out);
        rc = str_check(&out, err);
    }
    rc = rc < 0 ? rc : keep(evidence, "report.csv", out.data, out.len, err);
    str_reset(&out);
    if (rc == 0) {
        report_print_json(&evidence->head, &evidence->tally, &out);
        rc = str_check(&out, err);
    }
    rc = rc < 0 ? rc : keep(evidence, "report.json", out.data, out.len, err);
    str_release(&out);
    return rc;
}

/* The file of the picture whose content id `html` begins with, up to a quotation mark. */
static const char *picture_file(const struct evidence *evidence, const char *html, size_t *len)
{
    *len = strcspn(html, "\"");
    for (size_t i = 0; i < evidence->picture_count; i++) {
        if (strlen(evidence->cids[i]) == *len && memcmp(evidence->cids[i], html, *len) == 0) {
            return evidence->files[i];
        }
    }
    return "";
}

/* Copies `html` with pictures taken from the folder beside it instead of our web server. */
static void add_with_pictures(const struct evidence *evidence, const char *html, struct str *out)
{
    const char *web = arena_printf(evidence->workspace->arena, "%s/picture/%" PRId64 "/",
                                   evidence->workspace->config.site.web.url, evidence->mailing->id);
    const char *at;

    while (web != NULL && (at = strstr(html, web)) != NULL) {
        size_t len;
        const char *file = picture_file(evidence, at + strlen(web), &len);

        str_add_bytes(out, html, (size_t)(at - html));
        str_add(out, file);
        html = at + strlen(web) + len;
    }
    str_add(out, html);
}

/* The letter as it was seen in each language, nobody's name in it. */
static int keep_letters(const struct evidence *evidence, struct err *err)
{
    struct workspace *workspace = evidence->workspace;
    const char *web = workspace->config.site.web.url;
    struct page_letter *letters = NULL;
    size_t count = 0;
    struct str html;
    int rc = page_letters_of_mailing(workspace->db, workspace->arena, evidence->mailing->id, web,
                                     web, &letters, &count, err);

    str_init(&html, LIMIT_FILE);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const char *name =
            arena_printf(workspace->arena, "letter.%s.html", language_tag(letters[i].language));

        str_reset(&html);
        add_with_pictures(evidence, letters[i].html, &html);
        rc = name == NULL ? err_nomem(err) : str_check(&html, err);
        rc = rc < 0 ? rc : keep(evidence, name, html.data, html.len, err);
    }
    str_release(&html);
    return rc;
}

/* "pictures/<content id>.png": browsers and people go by the ending. */
static const char *name_picture(struct arena *arena, const char *cid, const char *type)
{
    static const char *const endings[][2] = {
        {"image/png", "png"}, {"image/jpeg", "jpg"}, {"image/gif", "gif"}};
    const char *ending = "bin";

    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        ending = strcmp(type, endings[i][0]) == 0 ? endings[i][1] : ending;
    }
    return arena_printf(arena, "pictures/%s.%s", cid, ending);
}

static int keep_pictures(struct evidence *evidence, struct err *err)
{
    struct workspace *workspace = evidence->workspace;
    char *folder = file_join(workspace->arena, evidence->folder, "pictures");
    size_t count = 0;
    int rc = folder == NULL
                 ? err_nomem(err)
                 : page_picture_list(workspace->db, workspace->arena, evidence->mailing->id,
                                     &evidence->cids, &count, err);

    evidence->files = arena_alloc(workspace->arena, count + 1, sizeof(*evidence->files));
    if (evidence->files == NULL) {
        return rc < 0 ? rc : err_nomem(err);
    }
    if (rc == 0 && count > 0) {
        rc = file_make_folder(folder, err);
    }
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct page_picture picture = {0};

        rc = page_picture_find(workspace->db, workspace->arena, evidence->mailing->id,
                               evidence->cids[i], &picture, err);
        if (rc == 0) {
            evidence->files[i] = name_picture(workspace->arena, evidence->cids[i], picture.type);
            rc = evidence->files[i] == NULL
                     ? err_nomem(err)
                     : keep(evidence, evidence->files[i], picture.data, picture.len, err);
            evidence->picture_count++;
        }
    }
    return rc;
}

static void add_instant_at(struct json_writer *json, const char *key, int64_t instant)
{
    char text[28] = "";

    if (instant > 0) {
        civil_format_instant(instant, text);
    }
    json_write_text_at(json, key, text);
}

static int keep_mailing(const struct evidence *evidence, struct err *err)
{
    const struct mailing *mailing = evidence->mailing;
    struct str out;
    struct json_writer json = json_writer(&out);
    int rc;

    str_init(&out, LIMIT_TEXT);
    json_write_object(&json);
    json_write_int_at(&json, "mailing", mailing->id);
    json_write_text_at(&json, "what", mailing->subject);
    json_write_text_at(&json, "purpose", mailing->purpose);
    json_write_text_at(&json, "state", mailing->state);
    json_write_text_at(&json, "audience", mailing->audience);
    json_write_text_at(&json, "digest", mailing->hash);
    add_instant_at(&json, "made_at", mailing->created_at);
    add_instant_at(&json, "message_date", mailing->message_date);
    add_instant_at(&json, "finished_at", mailing->finished_at);
    json_write_object_end(&json);
    str_add_char(&out, '\n');
    rc = str_check(&out, err);
    rc = rc < 0 ? rc : keep(evidence, "mailing.json", out.data, out.len, err);
    str_release(&out);
    return rc;
}

static int keep_evidence(struct command *command, struct workspace *workspace, int64_t id,
                         struct err *err)
{
    struct mailing mailing = {0};
    struct evidence evidence = {
        .workspace = workspace, .folder = command_value(command, "o"), .mailing = &mailing};
    struct tally_scope scope = {.until = INT64_MAX};
    struct catalogue *catalogue = NULL;
    int rc = open_head(command, workspace, &evidence.head, &catalogue, err);

    rc = rc < 0 ? rc : mailing_get(workspace->db, workspace->arena, id, &mailing, err);
    scope.mailing = rc == 0 ? mailing.id : 0;
    rc = rc < 0 ? rc : file_make_folder(evidence.folder, err);
    rc = rc < 0 ? rc
                : tally_count(workspace->db, &workspace->config, &scope, evidence.head.language,
                              workspace->arena, &evidence.tally, err);
    rc = rc < 0 ? rc : say_mailing(workspace, &mailing, &evidence.head, err);
    rc = rc < 0 ? rc : say_made(workspace, &evidence.head, err);
    rc = rc < 0 ? rc : keep_pictures(&evidence, err);
    rc = rc < 0 ? rc : keep_letters(&evidence, err);
    rc = rc < 0 ? rc : keep_mailing(&evidence, err);
    rc = rc < 0 ? rc : keep_report(&evidence, err);
    if (rc == 0 && command->json) {
        output_text_json("folder", evidence.folder);
    } else if (rc == 0) {
        printf("%s has the letter in each language, with its pictures; when it was sent and to\n"
               "whom (mailing.json); and the figures (report.html, .csv, .json).\n",
               evidence.folder);
    }
    catalogue_free(catalogue);
    return rc;
}

static enum exit_status evidence_run(struct command *command)
{
    struct workspace workspace;
    struct err err = {0};
    enum exit_status status;
    int64_t id = 0;

    if (!command_has(command, "o")) {
        return command_misused(command, "say with -o DIR where it goes");
    }
    status = read_arguments(command, &id);
    if (status != EXIT_DONE) {
        return status;
    }
    status = workspace_open(command, WORKSPACE_DB, false, &workspace);
    if (status == EXIT_DONE && keep_evidence(command, &workspace, id, &err) < 0) {
        status = command_fail(&err);
    }
    workspace_close(&workspace);
    return status;
}

static const struct option evidence_options[] = {
    {"lang", "LANG", "the figures in this language (default: the site's first)", false},
    {"o", "DIR", "the folder that it goes into", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_mailing_evidence = {
    .name = "mailing evidence",
    .usage = "ID",
    .summary = "keep what a funder asks for: the letter as seen, dates and figures",
    .help = "The letter in each language as it was sent, with notices and logos, nobody's name in\n"
            "it; when it went to which audience; how many were reached.",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = evidence_options,
    .run = evidence_run,
};
