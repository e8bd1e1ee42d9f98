/* src/cli/workspace.h - an opened site: what most verbs start from. */
#pragma once

#include "teataja/base/json.h"
#include "teataja/base/report.h"
#include "teataja/base/token.h"
#include "teataja/calendar/holiday.h"
#include "teataja/config/config.h"
#include "teataja/content/content.h"
#include "teataja/db/db.h"
#include "teataja/events/event.h"
#include "teataja/members/member.h"
#include "teataja/members/segment.h"
#include "verb.h"

struct workspace {
    struct arena *arena; /* the command's */
    struct config config;
    struct report *report;
    struct holidays *holidays;
    const char *templates; /* folder of the installed templates */
    bool unusable; /* an error that stops everything: of teataja.yaml, regions.yaml, the system */
    struct content content; /* with WORKSPACE_CONTENT */
    struct events events;   /* with WORKSPACE_CONTENT */
    struct db *db;          /* with WORKSPACE_DB */
    struct token_key key;   /* with WORKSPACE_DB */
    struct members members; /* with WORKSPACE_DB */
};

enum workspace_parts {
    WORKSPACE_CONFIG = 0,
    WORKSPACE_DB = 1,      /* the register, in step with the files */
    WORKSPACE_CONTENT = 2  /* calls, news, issues and events */
};

/* Opens the site in the command's folder. Problems of its files are printed, all of them,
 * and what is left out because of them (config/left_out.h); warnings only if `warn`.
 * EXIT_DONE, or the status to return, where an error stops everything. */
enum exit_status workspace_open(const struct command *command, unsigned parts, bool warn,
                                struct workspace *out);

/* Its files alone, with nothing said: what is wrong is left out, problems are in out->report.
 * Then workspace_usable, also once more after problems were added. */
enum exit_status workspace_read(const struct command *command, unsigned parts,
                                struct workspace *out);

/* EXIT_DONE, or the status to return where an error stops everything. */
enum exit_status workspace_usable(struct workspace *workspace);

/* What was logged last, so that it is logged again only when it changes, or after an hour.
 * Zeroed at first. */
struct workspace_told {
    char digest[33];
    int64_t at;
};

/* As workspace_open, for the daemon: problems go to the log, as events `left_out` and
 * `site_refused`. */
enum exit_status workspace_open_logged(const struct command *command, unsigned parts,
                                       struct workspace_told *told, struct workspace *out);

/* The problems, and a line of what is left out, to standard error. */
void workspace_print_left(struct workspace *workspace);
void workspace_log_left(const struct workspace *workspace, struct workspace_told *told);

/* "left_out": of what and why, as a key of an object. */
void workspace_left_json(const struct workspace *workspace, struct json_writer *json);

/* Opens the register of a workspace without WORKSPACE_DB, and brings it in step with the
 * files: for who forks in between. */
int workspace_open_db(struct workspace *workspace, struct err *err);

/* Reads the key that signs links, made if the site has none yet; or takes it from hexadecimal
 * digits. WORKSPACE_DB does the first. ERR_INVALID if it is no key. */
int workspace_read_key(struct workspace *workspace, struct err *err);
int workspace_take_key(struct workspace *workspace, const char *text, struct err *err);

/* False where teataja.yaml cannot be read so far: every file of the content would then
 * seem wrong, and is left alone. */
bool workspace_has_languages(const struct workspace *workspace);

/* As workspace_open, but problems stay in out->report and end nothing, and nothing is left
 * out: for `check`. */
enum exit_status workspace_examine(const struct command *command, unsigned parts,
                                   struct workspace *out);

/* The status that the report's errors ask for: EXIT_DONE without any, EXIT_FAILED if the
 * system refused to read a file, else EXIT_CONTENT. */
enum exit_status workspace_judge(const struct workspace *workspace);

/* Every workspace that was opened, whatever came of it. */
void workspace_close(struct workspace *workspace);

/* Parses a segment of the command line. Names of events and issues are those of the files in
 * events/ and issues/, which need not be right otherwise. As segment_parse. */
int workspace_segment(struct workspace *workspace, const char *text, struct segment **out,
                      struct err *err);

/* The site's var/ folder, made if absent, in the arena. */
int workspace_var(struct workspace *workspace, char **out, struct err *err);

/* The folder of installed templates: $TEATAJA_TEMPLATES, beside the program's
 * installation, or the source tree it was built from. NULL if none is there. */
const char *workspace_templates(struct arena *arena);
