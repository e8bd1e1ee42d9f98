/* test_fault.c - every fault at every stage of whole deliveries, against the ledger.
 *
 * Each cell is a delivery of its own: a database, a scripted server, one fault. Cells
 * run beside each other in threads, for most of their time is waiting.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "support/certificate.h"
#include "support/outbox_site.h"
#include "teataja/base/clock.h"

enum {
    WORKERS = 24,
    STALL_MS = 2000,   /* how long an answer is waited for where one will not come */
    CELL_SECONDS = 60, /* no cell may take longer */
    MINUTES = 5,       /* then the program is killed: something hangs */
    ROWS_MAX = 64,
    CELLS_EACH = 8, /* of a fault at a stage: modes and connections */
    WHY = 800
};

enum stage {
    BANNER,
    HELLO,       /* libcurl's EHLO */
    HELLO_AGAIN, /* ours, on the connection that libcurl made */
    STARTTLS,
    AUTH,
    MAIL,
    RCPT,
    DATA,
    BODY, /* before the dot was read */
    DOT,  /* the server has the message; what it answers is the fault */
    RSET, /* after a refused recipient */
    QUIT,
    IDLE, /* between two messages */
    STAGES
};

enum fault { SOFT, HARD, SHUT, CLOSE, RESET, STALL, TRICKLE, MALFORMED, OVERSIZE, FAULTS };

static const struct {
    const char *name;
    enum server_stage stage;
} stages[STAGES] = {
    {"banner", SERVER_GREETING},   {"EHLO", SERVER_EHLO}, {"second EHLO", SERVER_EHLO},
    {"STARTTLS", SERVER_STARTTLS}, {"AUTH", SERVER_AUTH}, {"MAIL", SERVER_MAIL},
    {"RCPT", SERVER_RCPT},         {"DATA", SERVER_DATA}, {"body", SERVER_BODY},
    {"dot", SERVER_DOT},           {"RSET", SERVER_RSET}, {"QUIT", SERVER_QUIT},
    {"idle", SERVER_IDLE},
};

static const struct {
    const char *name;
    enum server_act act;
    const char *text;
    int delay_ms;
    int code; /* that the ledger keeps where this decides about a row */
    const char *enhanced;
    const char *kept;
    int error; /* of a delivery that it ended */
} faults[FAULTS] = {
    {"4xx", SERVER_SAY, "450 4.2.0 not now\r\n", 0, 450, "4.2.0", "not now", ERR_BUSY},
    {"5xx", SERVER_SAY, "550 5.1.1 no such user\r\n", 0, 550, "5.1.1", "no such user", ERR_DENIED},
    {"421", SERVER_SAY_AND_CLOSE, "421 4.3.2 closing\r\n", 0, 421, "4.3.2", "closing", ERR_BUSY},
    {"close", SERVER_CLOSE, NULL, 0, 0, NULL, NULL, ERR_CLOSED},
    {"reset", SERVER_RESET, NULL, 50, 0, NULL, NULL, ERR_CLOSED},
    {"stall", SERVER_STALL, NULL, 0, 0, NULL, NULL, ERR_TIMEOUT},
    {"a byte at a time", SERVER_TRICKLE, "421 4.4.2 idle\r\n", 4, 0, NULL, NULL, 0},
    {"malformed", SERVER_SAY, "hello there\r\n", 0, 0, NULL, NULL, ERR_PROTOCOL},
    {"oversized", SERVER_OVERSIZE, NULL, 0, 0, NULL, NULL, ERR_PROTOCOL},
};

/* What becomes of the row that the fault hits, and of its connection. */
enum fate {
    S,  /* sent, as if nothing had been */
    R,  /* sent, without an attempt counted, over another connection */
    D,  /* deferred with the reply, the connection goes on */
    DR, /* deferred, another connection is opened */
    F,  /* failed with the reply, the connection goes on */
    FR, /* failed, another connection is opened */
    U,  /* unknown: named so in the ledger; another connection is opened */
    E,  /* the thread gives up at once; nobody is touched */
    G,  /* the thread gives up after four connections; nobody is touched */
    DG, /* it defers a row each, and gives up after four connections */
    UG, /* a row each becomes unknown, and it gives up after four connections */
    NO  /* cannot be */
};

/* The fault comes once, at the second message of a connection that carries more.
 *
 * To read it: before MAIL only a 5xx, or what no mail server says, is final, for nothing was
 * sent and trying again cannot help. (libcurl answers a refused EHLO by HELO, so the first
 * EHLO has a second chance, and reads longer replies than we do.) A 421, 4xx or 5xx at MAIL
 * is about the relay. A 421 at RCPT or DATA of a connection that has carried messages too.
 * Only the dot can leave a row unknown. */
/* clang-format off */
static const enum fate once[STAGES][FAULTS] = {
    /*               4xx 5xx 421 close reset stall byte malf. oversized */
    [BANNER]      = {R,  E,  R,  R,    R,    R,    S,   E,    S},
    [HELLO]       = {S,  S,  R,  R,    R,    R,    S,   E,    R},
    [HELLO_AGAIN] = {R,  E,  R,  R,    R,    R,    S,   E,    E},
    [STARTTLS]    = {R,  E,  R,  R,    R,    R,    S,   E,    S},
    [AUTH]        = {R,  E,  R,  R,    R,    R,    S,   E,    S},
    [MAIL]        = {R,  R,  R,  R,    R,    R,    S,   R,    R},
    [RCPT]        = {D,  F,  R,  R,    R,    R,    S,   R,    R},
    [DATA]        = {D,  F,  R,  R,    R,    R,    S,   R,    R},
    [BODY]        = {DR, FR, DR, U,    U,    U,    S,   U,    U},
    [DOT]         = {D,  F,  DR, U,    U,    U,    S,   U,    U},
    [RSET]        = {R,  R,  R,  R,    R,    R,    S,   R,    R},
    [QUIT]        = {S,  S,  S,  S,    S,    S,    S,   S,    S},
    [IDLE]        = {R,  R,  R,  R,    R,    R,    R,   R,    R},
};
/* clang-format on */

/* It comes each time, over one connection; and over four where the fate does not hang
 * on which row a connection comes upon. */
/* clang-format off */
static const enum fate always[STAGES][FAULTS] = {
    /*               4xx 5xx 421 close reset stall byte malf. oversized */
    [BANNER]      = {G,  E,  G,  G,    G,    G,    S,   E,    S},
    [HELLO]       = {G,  E,  G,  G,    G,    G,    S,   E,    G},
    [HELLO_AGAIN] = {NO, NO, NO, NO,   NO,   NO,   NO,  NO,   NO},
    [STARTTLS]    = {G,  E,  G,  G,    G,    G,    S,   E,    S},
    [AUTH]        = {G,  E,  G,  G,    G,    G,    S,   E,    S},
    [MAIL]        = {G,  E,  G,  G,    G,    G,    S,   G,    G},
    [RCPT]        = {D,  F,  DG, G,    G,    G,    S,   G,    G},
    [DATA]        = {D,  F,  DG, G,    G,    G,    S,   G,    G},
    [BODY]        = {DR, FR, DG, UG,   UG,   UG,   S,   UG,   UG},
    [DOT]         = {D,  F,  DG, UG,   UG,   UG,   S,   UG,   UG},
    [RSET]        = {NO, NO, NO, NO,   NO,   NO,   NO,  NO,   NO},
    [QUIT]        = {S,  S,  S,  S,    S,    S,    S,   S,    S},
    [IDLE]        = {R,  R,  R,  R,    R,    R,    R,   R,    R},
};
/* clang-format on */

struct cell {
    enum stage stage;
    enum fault fault;
    enum relay_pipelining pipelining; /* of the relay, and what the server offers */
    int connections;
    bool always;
    enum fate fate;
    char why[WHY];
};

/* What is the same for all cells. */
static struct {
    struct outbox_site templates[ROWS_MAX + 1]; /* by rows */
    struct certificate pem;
    char pem_folder[64];
    struct cell *cells;
    size_t count;
    atomic_size_t next;
} all;

/* How many rows, which of them is hit, and which goes before it: at four connections
 * one in the middle. A rate, which idling needs, makes claims smaller. */
struct shape {
    int rows;
    int claim;
    int before;
    int victim;
};

static struct shape shape_of(const struct cell *cell)
{
    int claim = cell->stage == IDLE ? 4 : 16;
    int rows = cell->connections * claim;

    if (cell->always) {
        return (struct shape){.rows = cell->connections > 1 ? rows : 6, .claim = 16};
    }
    if (cell->connections == 1) {
        return (struct shape){.rows = 4, .claim = 4, .before = 1, .victim = 2};
    }
    return (struct shape){.rows = rows, .claim = claim, .before = claim + 1, .victim = claim + 2};
}

/* ---- what a cell's ledger must say ---- */

struct expected {
    const char *state;
    int attempts;
    int code; /* 0: none */
    const char *enhanced;
    const char *reply; /* NULL: only that it is there */
    const char *stage; /* of the attempt that is noted; NULL: none is */
};

static const char *ledger_stage(enum stage stage)
{
    return stage == RCPT ? "rcpt" : stage == DATA ? "data" : "dot";
}

static struct expected expect_row(const struct cell *cell, const struct shape *shape, int row,
                                  char name[64])
{
    static const struct expected queued = {.state = "queued"};
    const struct expected sent = {
        .state = "sent", .attempts = 1, .code = 250, .enhanced = "2.0.0", .reply = name};
    struct expected hit = {.attempts = 1,
                           .code = faults[cell->fault].code,
                           .enhanced = faults[cell->fault].enhanced,
                           .reply = faults[cell->fault].kept,
                           .stage = ledger_stage(cell->stage)};
    bool is_hit = cell->always ? true : row == shape->victim;

    snprintf(name, 64, "<m%d@naide.example> Ok: queued", row);
    if (cell->stage == RSET && row == shape->before) {
        return (struct expected){"failed", 1, 550, "5.1.1", "nobody", "rcpt"};
    }
    if (cell->fate == E || cell->fate == G) {
        return cell->connections > 1 && !cell->always ? sent : queued;
    }
    if ((cell->fate == DG || cell->fate == UG) && row > 4) {
        return queued;
    }
    if (!is_hit || cell->fate == S || cell->fate == R) {
        return sent;
    }
    hit.state = cell->fate == D || cell->fate == DR || cell->fate == DG ? "deferred"
                : cell->fate == F || cell->fate == FR                   ? "failed"
                                                                        : "unknown";
    return hit;
}

static bool same(const char *a, const char *b)
{
    return a == NULL || a[0] == '\0' ? b == NULL || b[0] == '\0' : b != NULL && strcmp(a, b) == 0;
}

static void compare_row(struct outbox_site *site, const struct cell *cell,
                        const struct shape *shape, struct db_stmt *stmt)
{
    char name[64];
    int row = (int)db_int(stmt, 0);
    const struct expected expected = expect_row(cell, shape, row, name);
    const char *reply = db_text(stmt, 5);
    bool unknown = strcmp(expected.state, "unknown") == 0;

    if (!same(db_text(stmt, 1), expected.state) || db_int(stmt, 2) != expected.attempts ||
        db_int(stmt, 3) != expected.code || !same(db_text(stmt, 4), expected.enhanced) ||
        (unknown ? reply == NULL || reply[0] == '\0' : !same(reply, expected.reply)) ||
        !same(db_text(stmt, 6), expected.stage) ||
        (expected.stage != NULL && db_int(stmt, 7) != expected.code)) {
        outbox_site_wrong(site,
                          "row %d is %s, %d attempts, %d %s '%s', stage '%s'; should be %s, %d, "
                          "%d %s '%s', '%s'",
                          row, db_text(stmt, 1), (int)db_int(stmt, 2), (int)db_int(stmt, 3),
                          db_text(stmt, 4), reply, db_text(stmt, 6), expected.state,
                          expected.attempts, expected.code, expected.enhanced, expected.reply,
                          expected.stage);
    }
}

static void compare_ledger(struct outbox_site *site, const struct cell *cell,
                           const struct shape *shape)
{
    struct db_stmt *stmt = NULL;
    struct err err = {0};
    int rows = 0;

    if (db_query_text(site->db,
                      "SELECT outbox.id, state, attempts, coalesce(outbox.code, 0),"
                      " coalesce(outbox.enhanced, ''), coalesce(reply, ''), coalesce(stage, ''),"
                      " coalesce(attempt.code, 0)"
                      " FROM outbox LEFT JOIN attempt ON attempt.outbox = outbox.id"
                      " ORDER BY outbox.id",
                      &stmt, &err) == 0) {
        while (db_next(stmt, &err) == 1) {
            compare_row(site, cell, shape, stmt);
            rows++;
        }
    }
    db_stmt_free(stmt);
    if (rows != shape->rows) {
        outbox_site_wrong(site, "%d rows and attempts: %s", rows, err.msg);
    }
}

/* ---- and what the connections and the caller see ---- */

static void compare_connections(struct outbox_site *site, const struct cell *cell,
                                const struct shape *shape, unsigned got)
{
    unsigned least = (unsigned)cell->connections;
    unsigned most = least;
    /* The others may have done all that was left meanwhile. */
    unsigned idle = cell->connections > 1 ? 0 : 1;

    switch (cell->fate) {
    case R:
    case DR:
    case FR:
    case U:
        least += cell->always ? (unsigned)shape->rows - 1 : idle;
        most += cell->always ? (unsigned)shape->rows - 1 : 1;
        break;
    case G:
    case DG:
    case UG:
        least = most = 4 * (unsigned)cell->connections;
        break;
    case E: /* with others, a second round may be needed for what this one held */
        most += cell->always ? 0 : (unsigned)cell->connections - 1;
        break;
    case S:
    case D:
    case F:
    case NO:
        break;
    }
    if (got < least || got > most) {
        outbox_site_wrong(site, "%u connections; should be %u to %u", got, least, most);
    }
}

static void compare_result(struct outbox_site *site, const struct cell *cell, int rc,
                           const struct delivery_result *result, const struct err *err)
{
    bool alone = cell->always || cell->connections == 1;
    bool stuck =
        alone && (cell->fate == E || cell->fate == G || cell->fate == DG || cell->fate == UG);
    int expected = !stuck ? 0 : faults[cell->fault].error;

    if (stuck && cell->stage == STARTTLS && cell->fault == HARD) {
        expected = ERR_PROTOCOL; /* no STARTTLS, no connection */
    } else if (stuck && cell->stage == HELLO && cell->fault == OVERSIZE) {
        expected = ERR_CLOSED; /* libcurl's own limit */
    }
    if (rc != expected) {
        outbox_site_wrong(site, "returned %d (%s); should be %d", rc, err->msg, expected);
    }
    if (rc < 0 && err->msg[0] == '\0') {
        outbox_site_wrong(site, "no message says why");
    }
    if (rc == 0 && result->relay_fault[0] != '\0') {
        outbox_site_wrong(site, "the relay is blamed: %s", result->relay_fault);
    }
}

/* ---- running a cell ---- */

static struct delivery_result deliver(struct outbox_site *site, const struct cell *cell,
                                      const struct smtp_server *server, int *rc, struct err *err)
{
    int stall_ms = cell->stage == STARTTLS ? 2 * STALL_MS : STALL_MS; /* TLS takes its time */
    struct site_relay relay =
        outbox_site_relay(server, cell->connections, cell->fault == STALL ? stall_ms : 0);
    struct delivery_options options = {.relay = &relay, .fault_pause_ms = 10};
    struct delivery_result result;

    relay.pipelining = (int)cell->pipelining;
    if (cell->stage == STARTTLS) {
        relay.starttls = RELAY_STARTTLS_REQUIRED;
        options.ca_file = all.pem.authority;
    }
    if (cell->stage == AUTH) {
        relay.user = "kuulutaja";
        options.password = "secret";
    }
    if (cell->stage == IDLE) {
        relay.rate = (struct rate){.count = 4, .micros = CLOCK_SECOND};
    }
    *rc = outbox_site_deliver(site, options, &result, err);
    return result;
}

static int64_t count_left(struct outbox_site *site)
{
    return outbox_site_number(site,
                              "SELECT count(*) FROM outbox WHERE state NOT IN ('sent', 'failed')");
}

/* Everybody who is left gets it from a server without faults. */
static void resume(struct outbox_site *site, struct outbox_copies *copies)
{
    const struct server_options options = {.pipelining = true, .enhanced = true, .names = true};
    struct smtp_server *server = smtp_server_start(&options);
    const struct site_relay relay = outbox_site_relay(server, 1, 0);
    struct delivery_result result;
    struct err err = {0};

    outbox_site_hurry(site);
    if (outbox_site_deliver(site, (struct delivery_options){.relay = &relay}, &result, &err) < 0) {
        outbox_site_wrong(site, "resuming: %s", err.msg);
    }
    outbox_site_collect(site, server, copies);
    outbox_site_check(site, copies, false);
    smtp_server_stop(server);
    if (count_left(site) > 0) {
        outbox_site_wrong(site, "somebody is lost");
    }
}

static void run_cell(struct cell *cell)
{
    const struct shape shape = shape_of(cell);
    char before[64];
    char hit[80];
    const struct server_fault script[] = {
        {.stage = stages[cell->stage].stage,
         .recipient =
             cell->always || cell->stage < MAIL || cell->stage == RSET || cell->stage == QUIT ? NULL
                                                                                              : hit,
         .act = faults[cell->fault].act,
         .text = faults[cell->fault].text,
         .delay_ms = faults[cell->fault].delay_ms,
         .skip = cell->stage == HELLO_AGAIN ? cell->connections : 0,
         .times = cell->always ? 0 : 1},
        {.stage = SERVER_RCPT, .recipient = before, .text = "550 5.1.1 nobody\r\n"},
    };
    const struct server_options options = {.pipelining = cell->pipelining != RELAY_PIPELINING_OFF,
                                           .enhanced = true,
                                           .names = true,
                                           .gather = (unsigned)cell->connections,
                                           .certificate =
                                               cell->stage == STARTTLS ? all.pem.certificate : NULL,
                                           .key = all.pem.key,
                                           .user = cell->stage == AUTH ? "kuulutaja" : NULL,
                                           .password = "secret",
                                           .faults = script,
                                           .fault_count = cell->stage == RSET ? 2 : 1};
    struct outbox_copies copies[ROWS_MAX + 1] = {{0}};
    struct outbox_site site;
    struct smtp_server *server = smtp_server_start(&options);
    struct delivery_result result;
    struct err err = {0};
    int64_t start = clock_ticks();
    int rc = 0;

    snprintf(before, sizeof(before), "m%d@*", shape.before);
    snprintf(hit, sizeof(hit), "%s%d@*", cell->stage == MAIL ? "b-" : "m",
             cell->stage == IDLE ? shape.before : shape.victim);
    if (outbox_site_copy(&all.templates[shape.rows], &site)) {
        result = deliver(&site, cell, server, &rc, &err);
        compare_result(&site, cell, rc, &result, &err);
        compare_ledger(&site, cell, &shape);
        compare_connections(&site, cell, &shape, smtp_server_connections(server));
        outbox_site_collect(&site, server, copies);
        outbox_site_check(&site, copies, false);
        if (count_left(&site) > 0) {
            resume(&site, copies);
        }
    }
    if (clock_ticks() - start > CELL_SECONDS * INT64_C(1000000000)) {
        outbox_site_wrong(&site, "took %lld ms", (long long)((clock_ticks() - start) / 1000000));
    }
    smtp_server_stop(server);
    outbox_site_remove(&site);
    if (site.why[0] != '\0') {
        snprintf(cell->why, sizeof(cell->why), "%s at %s, %s, %s, %d connections: %s",
                 faults[cell->fault].name, stages[cell->stage].name,
                 cell->always ? "always" : "once",
                 cell->pipelining == RELAY_PIPELINING_FULL  ? "full"
                 : cell->pipelining == RELAY_PIPELINING_OFF ? "no pipelining"
                                                            : "envelope",
                 cell->connections, site.why);
    }
}

static void *work(void *unused)
{
    size_t at;

    (void)unused;
    while ((at = atomic_fetch_add(&all.next, 1)) < all.count) {
        run_cell(&all.cells[at]);
    }
    return NULL;
}

static void add_cell(enum stage stage, enum fault fault, enum relay_pipelining pipelining,
                     int connections, bool is_always)
{
    const enum fate fate = is_always ? always[stage][fault] : once[stage][fault];

    if (fate != NO) {
        all.cells[all.count++] = (struct cell){.stage = stage,
                                               .fault = fault,
                                               .pipelining = pipelining,
                                               .connections = connections,
                                               .always = is_always,
                                               .fate = fate};
    }
}

static bool is_alike(enum fate fate)
{
    return fate == S || fate == D || fate == F || fate == E || fate == G;
}

/* The slow ones first, so that they wait beside each other. */
static const enum fault order[FAULTS] = {STALL, RESET,     TRICKLE, SOFT,    HARD,
                                         SHUT,  MALFORMED, CLOSE,   OVERSIZE};

static void add_cells(enum fault fault)
{
    for (enum stage stage = BANNER; stage < STAGES; stage++) {
        add_cell(stage, fault, RELAY_PIPELINING_FULL, 1, true);
        add_cell(stage, fault, RELAY_PIPELINING_OFF, 1, true);
        if (is_alike(always[stage][fault])) {
            add_cell(stage, fault, RELAY_PIPELINING_FULL, 4, true);
        }
    }
    for (enum stage stage = BANNER; stage < STAGES; stage++) {
        add_cell(stage, fault, RELAY_PIPELINING_FULL, 1, false);
        add_cell(stage, fault, RELAY_PIPELINING_OFF, 1, false);
        add_cell(stage, fault, RELAY_PIPELINING_FULL, 4, false);
        if (stage >= MAIL) { /* before, nothing is pipelined */
            add_cell(stage, fault, RELAY_PIPELINING_ENVELOPE, 1, false);
            add_cell(stage, fault, RELAY_PIPELINING_OFF, 4, false);
        }
    }
}

static void test_every_fault_at_every_stage(void **state)
{
    pthread_t threads[WORKERS];
    size_t wrong = 0;

    (void)state;
    for (size_t i = 0; i < FAULTS; i++) {
        add_cells(order[i]);
    }
    for (size_t i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, work, NULL), 0);
    }
    for (size_t i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
    }
    for (size_t i = 0; i < all.count; i++) {
        if (all.cells[i].why[0] != '\0') {
            print_error("%s\n", all.cells[i].why);
            wrong++;
        }
    }
    print_message("%zu deliveries\n", all.count);
    assert_int_equal(wrong, 0);
}

static int set_up(void **state)
{
    static const int rows[] = {4, 6, 16, 64};

    (void)state;
    alarm(MINUTES * 60);
    all.cells = calloc((size_t)STAGES * FAULTS * CELLS_EACH, sizeof(*all.cells));
    strcpy(all.pem_folder, "/tmp/teataja-fault-XXXXXX");
    if (all.cells == NULL || mkdtemp(all.pem_folder) == NULL) {
        return -1;
    }
    certificate_make(all.pem_folder, "127.0.0.1", time(NULL) - 3600, time(NULL) + 3600, &all.pem);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!outbox_site_make(&all.templates[rows[i]], rows[i])) {
            print_error("%s\n", all.templates[rows[i]].why);
            return -1;
        }
        outbox_site_close(&all.templates[rows[i]]);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i <= ROWS_MAX; i++) {
        if (all.templates[i].rows > 0) {
            outbox_site_remove(&all.templates[i]);
        }
    }
    certificate_remove(&all.pem);
    rmdir(all.pem_folder);
    free(all.cells);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_fault_at_every_stage),
    };

    return cmocka_run_group_tests_name("fault", tests, set_up, tear_down);
}
