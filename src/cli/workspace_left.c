/* What of a site is left out, told. */
#include <string.h>

#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/log.h"
#include "teataja/base/str.h"
#include "workspace.h"

enum { NAMES_MOST = 10 }; /* that a warning lists */

void workspace_print_left(struct workspace *workspace)
{
    const struct left_outs *left = &workspace->config.left;

    report_print(workspace->report, stderr);
    if (workspace->unusable || left->count == 0) {
        return;
    }
    fputs("teataja: warning: left out until it is corrected:", stderr);
    for (size_t i = 0; i < left->count && i < NAMES_MOST; i++) {
        fprintf(stderr, "%s %s/%s", i > 0 ? "," : "", left->items[i].folder, left->items[i].slug);
    }
    if (left->count > NAMES_MOST) {
        fprintf(stderr, " and %zu more", left->count - NAMES_MOST);
    }
    fputs("\n", stderr);
}

void workspace_left_json(const struct workspace *workspace, struct json_writer *json)
{
    const struct left_outs *left = &workspace->config.left;

    json_write_key(json, "left_out");
    json_write_array(json);
    for (size_t i = 0; i < left->count; i++) {
        json_write_object(json);
        json_write_text_at(json, "folder", left->items[i].folder);
        json_write_text_at(json, "slug", left->items[i].slug);
        json_write_text_at(json, "problem", left->items[i].problem);
        json_write_object_end(json);
    }
    json_write_array_end(json);
}

/* The same problems have the same digest, whatever else the report holds. */
static void digest_problems(const struct workspace *workspace, char out[33])
{
    const struct problem *problem;
    char place[LIMIT_VALUE];
    struct str text;

    str_init(&text, LIMIT_ARENA_WORK);
    for (size_t i = 0; (problem = report_bad_file(workspace->report, i)) != NULL; i++) {
        report_format(problem, place, sizeof(place));
        str_addf(&text, "%s\n", place);
    }
    token_digest(text.len > 0 ? text.data : "", text.len, out);
    str_release(&text);
}

static void log_all(const struct workspace *workspace)
{
    const struct left_outs *left = &workspace->config.left;
    const struct problem *first = report_bad_file(workspace->report, 0);

    if (workspace->unusable) {
        LOG(LOG_ERROR, "site_refused", log_text("file", first != NULL ? first->file : ""),
            log_int("line", first != NULL ? first->line : 0),
            log_text("problem", first != NULL ? first->message : ""),
            log_int("errors", (int64_t)report_errors(workspace->report)));
        return;
    }
    for (size_t i = 0; i < left->count; i++) {
        LOG(LOG_WARN, "left_out", log_text("what", left->items[i].folder),
            log_text("slug", left->items[i].slug), log_text("problem", left->items[i].problem));
    }
}

void workspace_log_left(const struct workspace *workspace, struct workspace_told *told)
{
    struct workspace_told now = {.at = clock_now()};

    digest_problems(workspace, now.digest);
    if (strcmp(now.digest, told->digest) == 0 && now.at < told->at + CLOCK_HOUR) {
        return;
    }
    if (report_errors(workspace->report) > 0) {
        log_all(workspace);
    } else if (told->at != 0 && strcmp(now.digest, told->digest) != 0) {
        LOG(LOG_INFO, "all_used", log_int("errors", 0));
    }
    *told = now;
}
