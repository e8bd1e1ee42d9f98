/* register.h - a site with a register of members in memory, for the tests of this room. */
#pragma once

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "teataja/base/arena.h"
#include "teataja/base/civil.h"
#include "teataja/base/clock.h"
#include "teataja/base/file.h"
#include "teataja/base/limits.h"
#include "teataja/base/report.h"
#include "teataja/base/token.h"
#include "teataja/members/member.h"
#include "teataja/members/segment.h"
#include "teataja/members/subscription.h"
#include "teataja/members/sync.h"

#define REGISTER_SITE                                                                              \
    "name: Cluster\n"                                                                              \
    "postal_address: Keskväljak 1, Narva\n"                                                       \
    "languages: [et, ru, en]\n"                                                                    \
    "timezone: Europe/Tallinn\n"                                                                   \
    "office: office@cluster.example\n"                                                             \
    "lists: { funding: { name: { et: Rahastus, en: Funding } }, events: Events,\n"                 \
    "         board: { name: Board, basis: membership } }\n"                                       \
    "addresses: { mode: single, mailbox: bounce@cluster.example }\n"                               \
    "web: https://letters.cluster.example/\n"                                                      \
    "vocabularies:\n"                                                                              \
    "  sectors: { music: { et: Muusika, ru: Музыка }, design: { et: Disain }, film: Film,\n" \
    "             performing-arts: { en: Performing arts, et: Etenduskunstid } }\n"                \
    "attributes: { employees: int, founded: date, vip: bool,\n"                                    \
    "              phone: { type: text, name: { et: Telefon } } }\n"                               \
    "import: { columns: { 'attr.employees': [Töötajaid] } }\n"

#define REGISTER_REGIONS                                                                                 \
    "regions:\n"                                                                                         \
    "  EE: { name: { et: Eesti, en: Estonia } }\n"                                                       \
    "  EE00A: { parent: EE, name: { et: Ida-Viru, ru: Ида-Виру }, aliases: [EE007, Ida-Virumaa] " \
    "}\n"                                                                                                \
    "  EE008: { parent: EE, name: Tartu }\n"                                                             \
    "  '0511': { parent: EE00A, name: { et: Narva, ru: Нарва } }\n"                                 \
    "  LT028: { name: Telšiai }\n"                                                                      \
    "groups:\n"                                                                                          \
    "  south-baltic: { name: South Baltic, members: [LT028] }\n"                                         \
    "  network: { name: Network, members: [LT028, EE00A] }\n"

/* 2026-11-21 12:00 UTC. */
#define REGISTER_NOW (INT64_C(1795262400) * CLOCK_SECOND)

struct register_site {
    char path[64];
    struct arena *arena;
    struct report *report;
    struct config config;
    struct token_key key;
    struct members members;
    struct err err;
};

static inline void register_write(struct register_site *r, const char *name, const char *text)
{
    char *path = file_join(r->arena, r->path, name);

    assert_int_equal(file_write(path, text, strlen(text), 0644, NULL), 0);
}

static inline void register_load(struct register_site *r)
{
    if (config_load(r->arena, r->path, r->report, &r->config, &r->err) < 0) {
        report_print(r->report, stderr);
        fail_msg("%s", r->err.msg);
    }
}

static inline int register_set_up(void **state)
{
    struct register_site *r = calloc(1, sizeof(*r));

    if (r == NULL || token_init(NULL) < 0) {
        return -1;
    }
    token_fix_random(7);
    clock_fix(REGISTER_NOW, 0);
    (void)snprintf(r->path, sizeof(r->path), "/tmp/teataja-members-XXXXXX");
    r->arena = arena_new(LIMIT_ARENA_WORK);
    r->report = report_new();
    if (mkdtemp(r->path) == NULL || r->arena == NULL || r->report == NULL) {
        return -1;
    }
    register_write(r, "teataja.yaml", REGISTER_SITE);
    register_write(r, "regions.yaml", REGISTER_REGIONS);
    register_load(r);
    token_key_make(&r->key);
    r->members.config = &r->config;
    r->members.key = &r->key;
    if (db_open(":memory:", DB_OPEN_CREATE, &r->members.db, &r->err) < 0 ||
        members_sync(&r->members, &r->err) < 0) {
        fail_msg("%s", r->err.msg);
    }
    *state = r;
    return 0;
}

static inline int register_remove(const char *path, const struct stat *status, int kind,
                                  struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static inline int register_tear_down(void **state)
{
    struct register_site *r = *state;

    nftw(r->path, register_remove, 8, FTW_DEPTH | FTW_PHYS);
    db_close(r->members.db);
    report_free(r->report);
    arena_free(r->arena);
    clock_unfix();
    free(r);
    return 0;
}

/* A call that must succeed. */
#define register_ok(r, rc)                                                                         \
    do {                                                                                           \
        if ((rc) < 0) {                                                                            \
            fail_msg("%s", (r)->err.msg);                                                          \
        }                                                                                          \
    } while (0)

/* Fills an input from "field=value" texts, NULL at the end. */
static inline void register_input(struct register_site *r, struct member_input *input, va_list args)
{
    const char *pair = NULL;

    while ((pair = va_arg(args, const char *)) != NULL) {
        const char *equals = strchr(pair, '=');
        char *name = arena_strndup(r->arena, pair, (size_t)(equals - pair));

        register_ok(r,
                    member_input_set_named(&r->config, r->arena, input, name, equals + 1, &r->err));
    }
}

/* Adds a member: register_add(r, "email=a@b.example", "sector=music", NULL). */
static inline int64_t register_add(struct register_site *r, ...)
{
    struct member_input input = {0};
    int64_t id = 0;
    va_list args;

    va_start(args, r);
    register_input(r, &input, args);
    va_end(args);
    register_ok(r, member_add(&r->members, &input, &id, &r->err));
    return id;
}

static inline bool register_change(struct register_site *r, int64_t id, ...)
{
    struct member_input input = {0};
    bool changed = false;
    va_list args;

    va_start(args, id);
    register_input(r, &input, args);
    va_end(args);
    register_ok(r, member_set(&r->members, id, &input, &changed, &r->err));
    return changed;
}

/* Puts a member on a list by membership: active at once. */
static inline void register_subscribe(struct register_site *r, int64_t id, const char *list)
{
    struct subscription_ground ground = {.basis = SITE_BASIS_MEMBERSHIP, .how = "form"};

    register_ok(r, subscription_start(&r->members, id, list, &ground, NULL, NULL, &r->err));
}

/* The addresses of a segment, in the order of their ids, joined by spaces. */
static inline const char *register_segment(struct register_site *r, const char *text)
{
    struct segment *segment = NULL;
    int64_t *members = NULL;
    size_t count = 0;
    const char *found = "";

    register_ok(r, segment_parse_plain(&r->config, text, &segment, &r->err));
    register_ok(r, segment_match_all(r->members.db, segment, r->arena, &members, &count, &r->err));
    for (size_t i = 0; i < count; i++) {
        struct member member;

        register_ok(r, member_get(&r->members, r->arena, members[i], &member, &r->err));
        found = arena_printf(r->arena, "%s%s%.*s", found, i > 0 ? " " : "",
                             (int)strcspn(member.email, "@"), member.email);
    }
    segment_free(segment);
    return found;
}

/* How many rows a query gives in its first column. */
static inline int64_t register_count(struct register_site *r, const char *sql)
{
    struct db_stmt *stmt = NULL;
    int64_t count = 0;

    register_ok(r, db_query_text(r->members.db, sql, &stmt, &r->err));
    assert_int_equal(db_next(stmt, &r->err), 1);
    count = db_int(stmt, 0);
    db_stmt_free(stmt);
    return count;
}
