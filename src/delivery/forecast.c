/* forecast.c - see teataja/delivery/forecast.h. */
#include "teataja/delivery/forecast.h"

#include <stdlib.h>
#include <string.h>

#include "quota.h"
#include "sql/delivery/forecast.h"
#include "teataja/base/arena.h"
#include "teataja/base/limits.h"
#include "teataja/delivery/relay.h"

/* A slot and what it counts. The ring holds a window and the slot that is being filled. */
struct slot {
    int64_t number;
    int64_t n;
};

enum { RING = QUOTA_SLOTS + 2 };

struct ahead {
    int64_t window;
    int64_t most;
    int64_t grain;
    int64_t used;
    size_t first;
    size_t count;
    struct slot slots[RING];
};

struct line {
    struct ahead *limits;
    size_t limit_count;
    int64_t pace; /* between two letters */
    int64_t parked_until;
};

struct simulation {
    struct arena *arena;
    struct line *lines;
    size_t line_count;
    struct task *tasks; /* by due */
    size_t task_count;
    size_t done; /* so many of the first are over */
    int64_t now;
    int64_t carried; /* letters so far */
    int64_t waits;   /* how often nothing could go */
};

/* A job, or a mailing that is queued, as it is worked off. */
struct task {
    struct forecast_job *job; /* NULL: of others */
    int64_t due;
    int64_t left;
    int64_t priority;
    int64_t rank;    /* among those as urgent */
    int64_t waits;   /* of the simulation, when this came due; -1: not yet */
    int64_t carried; /* likewise */
};

/* ---- limits ---- */

static void let_go(struct ahead *limit, int64_t now)
{
    while (limit->count > 0 &&
           limit->slots[limit->first].number < (now - limit->window) / limit->grain) {
        limit->used -= limit->slots[limit->first].n;
        limit->first = (limit->first + 1) % RING;
        limit->count--;
    }
}

static void add(struct ahead *limit, int64_t at, int64_t n)
{
    int64_t number = at / limit->grain;
    struct slot *last = &limit->slots[(limit->first + limit->count + RING - 1) % RING];

    limit->used += n;
    if (limit->count > 0 && (last->number >= number || limit->count == RING)) {
        last->n += n;
        return;
    }
    limit->slots[(limit->first + limit->count) % RING] = (struct slot){.number = number, .n = n};
    limit->count++;
}

static int load_limit(struct db *db, const char *relay, const struct site_limit *from, int64_t now,
                      int64_t held, struct ahead *limit, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, SQL_FORECAST_USED, &stmt, err);

    *limit = (struct ahead){.window = from->rate.micros,
                            .most = from->rate.count - from->reserve,
                            .grain = quota_grain(from->rate.micros)};
    rc = rc == 0
             ? db_bind(stmt, err, "tii", relay, limit->window, (now - limit->window) / limit->grain)
             : rc;
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        add(limit, db_int(stmt, 0) * limit->grain, db_int(stmt, 1));
        rc = 0;
    }
    db_stmt_free(stmt);
    if (held > 0) {
        add(limit, now, held);
    }
    return rc;
}

static int load_line(struct simulation *simulation, struct db *db, const struct site_relay *relay,
                     struct line *out, struct err *err)
{
    struct relay_state state;
    int64_t held = 0;
    int rc = relay_state_get(db, simulation->arena, relay->name, &state, err);

    rc = rc == 0 ? db_get_int(db, SQL_FORECAST_HELD, &held, err, "t", relay->name) : rc;
    if (rc < 0) {
        return rc;
    }
    *out = (struct line){
        .limits = arena_alloc(simulation->arena, relay->limit_count + 1, sizeof(*out->limits)),
        .pace = relay->rate.count > 0 ? relay->rate.micros / relay->rate.count : 0,
        .parked_until = state.parked_until};
    if (out->limits == NULL) {
        return err_nomem(err);
    }
    rc = 0;
    for (size_t i = 0; rc == 0 && i < relay->limit_count; i++) {
        if (relay->limits[i].rate.count > relay->limits[i].reserve) {
            rc = load_limit(db, relay->name, &relay->limits[i], simulation->now, held,
                            &out->limits[out->limit_count++], err);
        }
    }
    return rc;
}

/* When a limit that is used up has room again. */
static int64_t free_at(const struct ahead *limit)
{
    int64_t used = limit->used;
    size_t k = 0;

    while (used >= limit->most && k < limit->count) {
        used -= limit->slots[(limit->first + k++) % RING].n;
    }
    return (limit->slots[(limit->first + k - 1) % RING].number + 1) * limit->grain + limit->window;
}

/* How many a relay takes at `now`; with 0, *next_at is when it takes the next. */
static int64_t room_of(struct line *line, int64_t now, int64_t rows, int64_t *next_at)
{
    int64_t room = rows;

    *next_at = line->parked_until;
    if (line->parked_until > now) {
        room = 0;
    }
    for (size_t i = 0; i < line->limit_count; i++) {
        struct ahead *limit = &line->limits[i];

        let_go(limit, now);
        if (limit->used >= limit->most) {
            int64_t at = free_at(limit);

            *next_at = at > *next_at ? at : *next_at;
            room = 0;
        } else if (limit->most - limit->used < room) {
            room = limit->most - limit->used;
        }
    }
    return room;
}

/* With a pace, no more at a time than go in a slot of the shortest window, or before
 * `until`, when somebody else's turn may come. */
static int64_t at_pace(const struct line *line, int64_t now, int64_t until, int64_t room)
{
    int64_t most = INT64_MAX;

    if (line->pace == 0) {
        return room;
    }
    for (size_t i = 0; i < line->limit_count; i++) {
        most =
            line->limits[i].grain / line->pace < most ? line->limits[i].grain / line->pace : most;
    }
    most = (until - now) / line->pace < most ? (until - now) / line->pace : most;
    most = most > 0 ? most : 1;
    return room < most ? room : most;
}

/* ---- what is to go ---- */

static int by_due(const void *a, const void *b)
{
    const struct task *one = a;
    const struct task *other = b;

    return (one->due > other->due) - (one->due < other->due);
}

static bool is_job(const struct forecast_job *jobs, size_t count, int64_t mailing)
{
    for (size_t i = 0; i < count; i++) {
        if (jobs[i].mailing == mailing) {
            return true;
        }
    }
    return false;
}

static int load_others(struct simulation *simulation, struct db *db,
                       const struct forecast_job *jobs, size_t count, size_t *capacity,
                       struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, SQL_FORECAST_QUEUED, &stmt, err);

    rc = rc == 0 ? db_bind_int(stmt, 1, simulation->now, err) : rc;
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        int64_t mailing = db_int(stmt, 0);

        rc = arena_grow(simulation->arena, &simulation->tasks, capacity, simulation->task_count,
                        sizeof(*simulation->tasks), err);
        if (rc == 0 && !is_job(jobs, count, mailing)) {
            simulation->tasks[simulation->task_count++] = (struct task){.due = db_int(stmt, 3),
                                                                        .left = db_int(stmt, 2),
                                                                        .priority = db_int(stmt, 1),
                                                                        .rank = mailing};
        }
    }
    db_stmt_free(stmt);
    return rc;
}

static int load_tasks(struct simulation *simulation, struct db *db, bool others,
                      struct forecast_job *jobs, size_t count, struct err *err)
{
    size_t capacity = 0;
    int rc = others ? load_others(simulation, db, jobs, count, &capacity, err) : 0;

    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct forecast_job *job = &jobs[i];

        job->at_once = job->rest_at = job->ahead = 0;
        job->last_at = job->due > simulation->now ? job->due : simulation->now;
        rc = arena_grow(simulation->arena, &simulation->tasks, &capacity, simulation->task_count,
                        sizeof(*simulation->tasks), err);
        if (rc == 0) {
            simulation->tasks[simulation->task_count++] = (struct task){
                .job = job,
                .due = job->due,
                .left = job->rows,
                .priority = job->priority,
                .rank = job->mailing > 0 ? job->mailing : INT64_MAX - (int64_t)(count - i)};
        }
    }
    for (size_t i = 0; i < simulation->task_count; i++) {
        struct task *task = &simulation->tasks[i];

        task->due = task->due > simulation->now ? task->due : simulation->now;
        task->waits = -1;
    }
    if (simulation->task_count > 0) {
        qsort(simulation->tasks, simulation->task_count, sizeof(*simulation->tasks), by_due);
    }
    return rc;
}

static bool is_before(const struct task *task, const struct task *other)
{
    return other == NULL || task->priority < other->priority ||
           (task->priority == other->priority && task->rank < other->rank);
}

/* Whose turn it is; NULL if nothing is due. *next_due is when another one may come in. */
static struct task *choose(struct simulation *simulation, int64_t *next_due)
{
    struct task *chosen = NULL;

    while (simulation->done < simulation->task_count &&
           simulation->tasks[simulation->done].left <= 0) {
        simulation->done++;
    }
    *next_due = INT64_MAX;
    for (size_t i = simulation->done; i < simulation->task_count; i++) {
        struct task *task = &simulation->tasks[i];

        if (task->left > 0 && task->due > simulation->now) {
            *next_due = task->due;
            break;
        }
        if (task->left > 0) {
            if (task->waits < 0) {
                task->waits = simulation->waits;
                task->carried = simulation->carried;
            }
            chosen = is_before(task, chosen) ? task : chosen;
        }
    }
    return chosen;
}

static void carry(struct simulation *simulation, struct line *line, struct task *task, int64_t rows)
{
    struct forecast_job *job = task->job;

    simulation->now += rows * line->pace;
    for (size_t i = 0; i < line->limit_count; i++) {
        add(&line->limits[i], simulation->now, rows);
    }
    task->left -= rows;
    simulation->carried += rows;
    if (job == NULL) {
        return;
    }
    if (task->waits == simulation->waits) {
        job->at_once += rows;
    } else if (job->rest_at == 0) {
        job->rest_at = simulation->now - (rows - 1) * line->pace;
    }
    job->last_at = simulation->now;
    job->ahead = simulation->carried - task->carried - (job->rows - task->left);
}

/* One burst, or a step of the clock. */
static void step(struct simulation *simulation, struct task *task, int64_t next_due)
{
    int64_t soonest = INT64_MAX;

    for (size_t i = 0; i < simulation->line_count; i++) {
        struct line *line = &simulation->lines[i];
        int64_t next_at = 0;
        int64_t room = room_of(line, simulation->now, task->left, &next_at);

        if (room > 0) {
            int64_t until = next_due < soonest ? next_due : soonest;

            carry(simulation, line, task, at_pace(line, simulation->now, until, room));
            return;
        }
        soonest = next_at < soonest ? next_at : soonest;
    }
    if (soonest < next_due) {
        simulation->waits++;
        simulation->now = soonest;
    } else {
        simulation->now = next_due;
    }
}

static void simulate(struct simulation *simulation)
{
    struct task *task;
    int64_t next_due;

    while ((task = choose(simulation, &next_due)) != NULL || next_due != INT64_MAX) {
        if (task != NULL) {
            step(simulation, task, next_due);
        } else {
            simulation->now = next_due;
        }
    }
}

static int load_lines(struct simulation *simulation, struct db *db, const struct site_relay *relays,
                      size_t count, struct err *err)
{
    struct line *lines = arena_alloc(simulation->arena, count + 1, sizeof(*lines));
    int rc = 0;

    if (lines == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = load_line(simulation, db, &relays[i], &lines[i], err);
    }
    simulation->lines = lines;
    simulation->line_count = count;
    return rc;
}

int relay_forecast(struct db *db, const struct site_relay *relays, size_t relay_count, int64_t now,
                   bool others, struct forecast_job *jobs, size_t count, struct err *err)
{
    struct simulation simulation = {.arena = arena_new(LIMIT_ARENA_WORK), .now = now};
    int rc = simulation.arena == NULL ? err_nomem(err)
                                      : load_tasks(&simulation, db, others, jobs, count, err);

    if (rc == 0) {
        rc = load_lines(&simulation, db, relays, relay_count, err);
    }
    if (rc == 0 && relay_count > 0) {
        simulate(&simulation);
    }
    arena_free(simulation.arena);
    return rc;
}
