#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "teataja/base/clock.h"
#include "teataja/base/file.h"
#include "teataja/calendar/zone.h"
#include "teataja/compose/deadlines.h"
#include "teataja/config/front_matter.h"
#include "teataja/events/source.h"
#include "teataja/members/sync.h"
#include "teataja/schedule/schedule.h"
#include "workspace.h"

enum { HEX_KEY = 2 * TOKEN_KEY }; /* digits of a key in its file */

const char *workspace_templates(struct arena *arena)
{
    const char *from_environment = getenv("TEATAJA_TEMPLATES");
    const char *const places[] = {from_environment, TEATAJA_TEMPLATES, TEATAJA_SOURCE_TEMPLATES};

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        char *probe = places[i] != NULL ? file_join(arena, places[i], "locale/en.yaml") : NULL;

        if (probe != NULL && file_exists(probe)) {
            return places[i];
        }
    }
    return NULL;
}

int workspace_var(struct workspace *workspace, char **out, struct err *err)
{
    *out = file_join(workspace->arena, workspace->config.folder, "var");
    if (*out == NULL) {
        return err_nomem(err);
    }
    return file_make_folder(*out, err);
}

/* The slugs that the files of a folder of the site are named for, with one of two endings. */
static int list_slugs(struct workspace *workspace, const char *folder, const char *const endings[2],
                      const char *const **slugs, size_t *count, struct err *err)
{
    char *path = file_join(workspace->arena, workspace->config.folder, folder);
    const char **found;
    char **names = NULL;
    size_t name_count = 0;
    int rc = path == NULL ? err_nomem(err)
                          : file_list(workspace->arena, path, &names, &name_count, err);

    if (rc < 0 && rc != ERR_NOT_FOUND) {
        return rc;
    }
    err_clear(err);
    found = arena_alloc(workspace->arena, name_count + 1, sizeof(*found));
    if (found == NULL) {
        return err_nomem(err);
    }
    *count = 0;
    for (size_t i = 0; i < name_count; i++) {
        struct content_name name;

        if (content_name_parse(names[i], endings[0], &name, NULL) == 0 ||
            content_name_parse(names[i], endings[1], &name, NULL) == 0) {
            found[*count] = arena_strdup(workspace->arena, name.slug);
            if (found[(*count)++] == NULL) {
                return err_nomem(err);
            }
        }
    }
    *slugs = found;
    return 0;
}

int workspace_segment(struct workspace *workspace, const char *text, struct segment **out,
                      struct err *err)
{
    static const char *const of_events[] = {".md", ".ics"};
    static const char *const of_issues[] = {".md", ".md"};
    struct segment_scope scope = {.config = &workspace->config};
    int rc;

    *out = NULL;
    rc = list_slugs(workspace, "events", of_events, &scope.events, &scope.event_count, err);
    if (rc == 0) {
        rc = list_slugs(workspace, "issues", of_issues, &scope.issues, &scope.issue_count, err);
    }
    return rc == 0 ? segment_parse(&scope, text, out, err) : rc;
}

/* The key's file is made on first use: a site that was copied without its var/
 * folder then has new links, and says so by the old ones not working. */
static int make_key_file(struct workspace *workspace, const char *path, struct err *err)
{
    struct token_key key;
    char hex[HEX_KEY + 2];
    char *var = NULL;
    int rc = workspace_var(workspace, &var, err);

    if (rc < 0) {
        return rc;
    }
    token_key_make(&key);
    for (size_t i = 0; i < TOKEN_KEY; i++) {
        snprintf(&hex[2 * i], 3, "%02x", key.secret[i]);
    }
    hex[HEX_KEY] = '\n';
    return file_write(path, hex, HEX_KEY + 1, 0600, err);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int workspace_take_key(struct workspace *workspace, const char *text, struct err *err)
{
    if (strlen(text) != HEX_KEY || strspn(text, "0123456789abcdef") != HEX_KEY) {
        return err_set(err, ERR_INVALID, "token_key: %s does not hold %d hexadecimal digits",
                       workspace->config.site.token_key, HEX_KEY);
    }
    workspace->key.id = 1;
    for (size_t i = 0; i < TOKEN_KEY; i++) {
        workspace->key.secret[i] =
            (uint8_t)(hex_digit(text[2 * i]) * 16 + hex_digit(text[2 * i + 1]));
    }
    return 0;
}

int workspace_read_key(struct workspace *workspace, struct err *err)
{
    const char *reference = workspace->config.site.token_key;
    char *text = NULL;
    int rc;

    if (strncmp(reference, "file:", 5) == 0) {
        char *path = config_path(workspace->arena, &workspace->config, reference + 5);

        if (path == NULL) {
            return err_nomem(err);
        }
        if (!file_exists(path) && (rc = make_key_file(workspace, path, err)) < 0) {
            return rc;
        }
    }
    rc = config_secret(workspace->arena, &workspace->config, reference, &text, err);
    return rc < 0 ? err_prefix(err, "token_key") : workspace_take_key(workspace, text, err);
}

int workspace_open_db(struct workspace *workspace, struct err *err)
{
    char *path = config_path(workspace->arena, &workspace->config, workspace->config.site.database);
    char *var = NULL;
    int rc;

    if (path == NULL) {
        return err_nomem(err);
    }
    rc = workspace_var(workspace, &var, err);
    if (rc == 0) {
        rc = db_open(path, DB_OPEN_CREATE, &workspace->db, err);
    }
    if (rc == 0) {
        rc = workspace_read_key(workspace, err);
    }
    if (rc == 0) {
        workspace->members = (struct members){
            .db = workspace->db, .config = &workspace->config, .key = &workspace->key};
        rc = members_sync(&workspace->members, err);
    }
    return rc;
}

/* config checks a zone's form only: which exist is calendar's to know. */
static void check_zones(struct workspace *workspace)
{
    const struct config *config = &workspace->config;
    char found[CIVIL_ZONE];
    struct err err = {0};

    if (config->site.timezone != NULL && zone_find(config->site.timezone, found, &err) < 0) {
        yaml_problem(workspace->report, config->site.node, "timezone", "%s", err.msg);
    }
    for (size_t i = 0; i < config->newsletter_count; i++) {
        const struct newsletter *newsletter = &config->newsletters[i];

        if (newsletter->timezone != NULL && zone_find(newsletter->timezone, found, &err) < 0) {
            yaml_problem(workspace->report, newsletter->node, "timezone", "%s", err.msg);
        }
    }
}

/* Whether what is left can be used at all: 1, or 0 with the errors in the report. */
static int leave_out(struct workspace *ws, struct err *err)
{
    int rc = config_leave_out(ws->arena, &ws->config, ws->report, err);

    if (rc != ERR_INVALID && rc != ERR_IO) {
        return rc < 0 ? rc : 1;
    }
    err_clear(err);
    ws->unusable = true;
    return 0;
}

static int leave_out_content(struct workspace *ws, struct err *err)
{
    int rc = leave_out(ws, err);

    if (rc == 1) {
        rc = content_leave_out(ws->arena, &ws->config, &ws->content, err);
    }
    return rc == 0 ? events_leave_out(ws->arena, &ws->events, err) : rc;
}

/* `sound`: what is wrong is left out, and the configuration was good enough for that. */
static int load_content(struct workspace *ws, bool sound, struct err *err)
{
    int rc = content_load(ws->arena, &ws->config, ws->holidays, clock_now(), ws->report,
                          &ws->content, err);

    if (rc < 0 && rc != ERR_INVALID) {
        return rc;
    }
    rc = deadlines_add(ws->arena, &ws->config, ws->holidays, clock_now(), ws->report, &ws->content,
                       err);
    if (rc < 0) {
        return rc;
    }
    rc = events_load(ws->arena, &ws->config, ws->report, &ws->events, err);
    if (rc < 0 && rc != ERR_INVALID) {
        return rc;
    }
    err_clear(err);
    return sound ? leave_out_content(ws, err) : 0;
}

bool workspace_has_languages(const struct workspace *workspace)
{
    return yaml_get(workspace->config.site.node, "languages") != NULL;
}

/* Everything up to the files' own problems, which are in the report; `lenient`: what they
 * describe is left out. */
static int read_files(const struct command *command, unsigned parts, bool lenient,
                      struct workspace *out, struct err *err)
{
    char *holidays;
    int sound = 0;
    int rc;

    out->arena = command->arena;
    out->report = report_new();
    out->templates = workspace_templates(command->arena);
    if (out->report == NULL) {
        return err_nomem(err);
    }
    if (out->templates == NULL) {
        return err_set(err, ERR_NOT_FOUND,
                       "the templates are not installed at " TEATAJA_TEMPLATES
                       "; set TEATAJA_TEMPLATES to their folder");
    }
    rc = config_load(command->arena, command->folder, out->report, &out->config, err);
    if (rc == ERR_NOT_FOUND) {
        return err_set(err, ERR_NOT_FOUND,
                       "'%s' is not a site: it has no teataja.yaml ('teataja init DIR' makes one)",
                       command->folder);
    }
    if (rc < 0 && rc != ERR_INVALID) {
        return rc;
    }
    check_zones(out);
    sources_check(&out->config, out->report);
    if (lenient && (parts & WORKSPACE_CONTENT) != 0 && workspace_has_languages(out) &&
        (rc = schedule_check(out->arena, &out->config, clock_now(), out->report, err)) < 0) {
        return rc;
    }
    if (lenient && (sound = leave_out(out, err)) < 0) {
        return sound;
    }
    if ((parts & WORKSPACE_CONTENT) == 0 || !workspace_has_languages(out)) {
        return 0;
    }
    holidays = file_join(command->arena, out->templates, "holidays.yaml");
    if (holidays == NULL) {
        return err_nomem(err);
    }
    rc = holidays_load(command->arena, holidays, out->report, &out->holidays, err);
    if (rc < 0 && rc != ERR_INVALID) {
        return rc;
    }
    return load_content(out, sound == 1, err);
}

enum exit_status workspace_examine(const struct command *command, unsigned parts,
                                   struct workspace *out)
{
    struct err err = {0};

    memset(out, 0, sizeof(*out));
    return read_files(command, parts, false, out, &err) < 0 ? command_fail(&err) : EXIT_DONE;
}

enum exit_status workspace_judge(const struct workspace *workspace)
{
    if (report_errors(workspace->report) == 0) {
        return EXIT_DONE;
    }
    return report_refused(workspace->report) ? EXIT_FAILED : EXIT_CONTENT;
}

enum exit_status workspace_read(const struct command *command, unsigned parts,
                                struct workspace *out)
{
    struct err err = {0};

    memset(out, 0, sizeof(*out));
    return read_files(command, parts, true, out, &err) < 0 ? command_fail(&err) : EXIT_DONE;
}

enum exit_status workspace_usable(struct workspace *workspace)
{
    struct err err = {0};

    if (!workspace->unusable && leave_out(workspace, &err) < 0) {
        return command_fail(&err);
    }
    return workspace->unusable ? workspace_judge(workspace) : EXIT_DONE;
}

/* The rest, once the problems were told. */
static enum exit_status open_rest(unsigned parts, struct workspace *out)
{
    struct err err = {0};
    enum exit_status status = workspace_usable(out);

    if (status != EXIT_DONE) {
        return status;
    }
    if ((parts & WORKSPACE_DB) != 0 && workspace_open_db(out, &err) < 0) {
        return command_fail(&err);
    }
    return EXIT_DONE;
}

enum exit_status workspace_open(const struct command *command, unsigned parts, bool warn,
                                struct workspace *out)
{
    enum exit_status status = workspace_read(command, parts, out);

    if (status != EXIT_DONE) {
        return status;
    }
    if (report_errors(out->report) > 0 || (warn && report_warnings(out->report) > 0)) {
        workspace_print_left(out);
    }
    return open_rest(parts, out);
}

enum exit_status workspace_open_logged(const struct command *command, unsigned parts,
                                       struct workspace_told *told, struct workspace *out)
{
    enum exit_status status = workspace_read(command, parts, out);

    if (status != EXIT_DONE) {
        return status;
    }
    workspace_log_left(out, told);
    return open_rest(parts, out);
}

void workspace_close(struct workspace *workspace)
{
    db_close(workspace->db);
    report_free(workspace->report);
    workspace->db = NULL;
    workspace->report = NULL;
}
