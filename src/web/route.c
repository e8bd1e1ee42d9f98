/* route.c - see route.h. */
#include "route.h"

#include <string.h>
#include <sys/stat.h>

#include "sql/web/web.h"
#include "teataja/base/clock.h"
#include "teataja/base/log.h"
#include "teataja/members/sync.h"

enum { FORM_BODY = 16384 };

static const struct route routes[] = {
    {"home", "/", home_get, NULL, 0},
    {"leave", "/leave/@", leave_get, leave_post, FORM_BODY},
    {"leave", "/leave", own_link_get, NULL, 0},
    {"preferences", "/preferences/@", preferences_get, preferences_post, FORM_BODY},
    {"preferences", "/preferences", own_link_get, NULL, 0},
    {"answer", "/answer/@", answer_get, answer_post, FORM_BODY},
    {"answer", "/answer/@/@", answer_get, answer_post, FORM_BODY},
    {"answer", "/answer", own_link_get, NULL, 0},
    {"call", "/c/@", call_get, NULL, 0},
    {"event", "/e/@", event_ics_get, NULL, 0},
    {"feed", "/feed/@", feed_get, NULL, 0},
    {"view", "/view/@", letter_get, NULL, 0},
    {"archive", "/archive/@", archive_get, NULL, 0},
    {"archive_letter", "/archive/@/@", archive_letter_get, NULL, 0},
    {"draft", "/draft/@", draft_get, draft_post, FORM_BODY},
    {"draft_letter", "/draft/@/@", draft_letter_get, NULL, 0},
    {"style", "/style/@", style_get, NULL, 0},
    {"image", "/image/@", image_get, NULL, 0},
    {"icon", "/favicon.ico", icon_get, NULL, 0},
    {"picture", "/picture/@/@", picture_get, NULL, 0},
};

/* One word of a path against one of a pattern; both begin behind a '/'. */
static bool match_word(const char *pattern, const char *path, size_t *pattern_len, size_t *len)
{
    *pattern_len = strcspn(pattern, "/");
    *len = strcspn(path, "/");
    return pattern[0] == '@' ? *len > 0 : *len == *pattern_len && memcmp(pattern, path, *len) == 0;
}

static bool match(const char *pattern, const char *path, struct arena *arena, const char **words)
{
    size_t count = 0;

    while (*pattern == '/' && *path == '/') {
        size_t pattern_len;
        size_t len;

        if (!match_word(++pattern, ++path, &pattern_len, &len)) {
            return false;
        }
        if (*pattern == '@' && words != NULL && count < CALL_WORDS) {
            words[count] = arena_strndup(arena, path, len);
            if (words[count++] == NULL) {
                return false;
            }
        }
        pattern += pattern_len;
        path += len;
    }
    return *pattern == '\0' && *path == '\0';
}

const struct route *route_find(const char *prefix, const char *path, struct arena *arena,
                               const char **words)
{
    size_t len = strlen(prefix);

    /* A proxy may or may not take the prefix off. */
    if (len > 0 && strncmp(path, prefix, len) == 0 && (path[len] == '/' || path[len] == '\0')) {
        path += len;
    }
    path = path[0] != '\0' ? path : "/";
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (match(routes[i].pattern, path, arena, words)) {
            return &routes[i];
        }
    }
    return NULL;
}

static void close_database(struct web_seat *seat)
{
    db_close(seat->db);
    seat->db = NULL;
    seat->serial = 0;
}

/* Somebody who restores or moves the database puts another file in its place. */
static bool is_replaced(const struct call *call)
{
    struct stat info;

    return stat(call->site->database, &info) != 0 || info.st_dev != call->seat->device ||
           info.st_ino != call->seat->inode;
}

static int open_database(struct call *call, struct err *err)
{
    struct web_seat *seat = call->seat;
    struct db_stmt *stmt = NULL;
    struct stat info;
    int rc = db_open(call->site->database, DB_OPEN_EXISTING, &seat->db, err);

    rc = rc < 0 ? rc : db_query(seat->db, SQL_WEB_WAIT, &stmt, err);
    rc = rc < 0 ? rc : db_next(stmt, err);
    db_stmt_free(stmt);
    if (rc >= 0 && stat(call->site->database, &info) == 0) {
        seat->device = info.st_dev;
        seat->inode = info.st_ino;
        return 0;
    }
    close_database(seat);
    /* It is away for a moment. */
    return rc >= 0 || rc == ERR_NOT_FOUND
               ? err_set(err, ERR_BUSY, "the database '%s' is not there", call->site->database)
               : rc;
}

/* For lists that are new in teataja.yaml; nothing is written when all is in step. What is
 * wrong (a list was taken away that has members) keeps nobody from leaving. */
static void fall_in_step(struct call *call)
{
    struct err err = {0};

    if (members_sync(&call->members, &err) < 0) {
        LOG(LOG_WARN, "lists_not_in_step", log_text("error", err.msg));
        if (err.code == ERR_BUSY) {
            return;
        }
    }
    call->seat->serial = call->site->serial;
}

int call_database(struct call *call, struct err *err)
{
    struct web_seat *seat = call->seat;
    int rc = 0;

    if (seat->db != NULL && is_replaced(call)) {
        close_database(seat);
    }
    if (seat->db == NULL) {
        rc = open_database(call, err);
    }
    if (rc < 0) {
        return rc;
    }
    call->members =
        (struct members){.db = seat->db, .config = &call->site->config, .key = call->key};
    if (seat->serial != call->site->serial) {
        fall_in_step(call);
    }
    return 0;
}

static int answer_method(struct call *call, const struct route *route, struct err *err)
{
    const char *method = call->request->method;
    int rc;

    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0) {
        return route->get(call, err);
    }
    if (route->post != NULL && call_posts(call)) {
        return route->post(call, err);
    }
    rc = page_tell(call, "refused", 405, err);
    if (rc == 0) {
        server_reply_header(call->reply, "Allow",
                            route->post != NULL ? "GET, HEAD, POST" : "GET, HEAD");
    }
    return rc;
}

static bool passes(int code)
{
    return code == ERR_BUSY || code == ERR_FULL;
}

/* A page that says that it did not work; when even that fails, a line. */
static void answer_failure(struct call *call, int code)
{
    static const char sorry[] = "Please try again later.\n";
    struct err err = {0};

    *call->reply = (struct server_reply){0};
    call->err = (struct err){0};
    if (page_tell(call, passes(code) ? "busy" : "error", passes(code) ? 503 : 500, &err) < 0) {
        *call->reply = (struct server_reply){.status = 503,
                                             .type = "text/plain; charset=utf-8",
                                             .body = sorry,
                                             .len = sizeof(sorry) - 1};
    }
    if (call->reply->status == 503) {
        server_reply_header(call->reply, "Retry-After", "30");
    }
}

void route_answer(struct call *call, int64_t since)
{
    const struct route *route =
        route_find(call->site->prefix, call->request->path, call->arena, call->words);
    const char *name = route != NULL ? route->name : "none";
    struct err err = {0};
    int rc;

    if (route == NULL) {
        rc = page_tell(call, "not_found", 404, &err);
    } else if (call->request->refused != 0) {
        rc = page_tell(call, "refused", call->request->refused, &err);
    } else {
        rc = answer_method(call, route, &err);
    }
    if (call->seat->db != NULL) {
        db_rollback(call->seat->db);
    }
    if (rc < 0) {
        LOG(passes(rc) ? LOG_WARN : LOG_ERROR, "request_failed", log_text("page", name),
            log_text("error", err.msg));
        answer_failure(call, rc);
    }
    LOG(LOG_INFO, "request", log_text("page", name), log_text("method", call->request->method),
        log_int("status", call->reply->status), log_int("ms", (clock_ticks() - since) / 1000000));
}
