/* A small site in a folder of its own, with its database, its members and all that
 * composing needs. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "teataja/base/arena.h"
#include "teataja/base/clock.h"
#include "teataja/base/file.h"
#include "teataja/base/limits.h"
#include "teataja/base/report.h"
#include "teataja/base/token.h"
#include "teataja/compose/compose.h"
#include "teataja/config/config.h"
#include "teataja/content/content.h"
#include "teataja/db/db.h"
#include "teataja/events/event.h"
#include "teataja/members/member.h"
#include "teataja/members/subscription.h"
#include "teataja/members/sync.h"

#define SITE_NOW (INT64_C(1796119200) * 1000000) /* 2026-12-01 10:00 UTC */

struct site_rig {
    char folder[64];
    struct arena *arena;
    struct config config;
    struct report *report;
    struct content content;
    struct events events;
    struct db *db;
    struct token_key key;
    struct members members;
    struct compose *compose;
};

static const char *const site_files[][2] = {
    {"teataja.yaml", "name: { et: Loomeklaster, en: Creative Cluster }\n"
                     "postal_address: Keskväljak 1, Kohtla-Järve\n"
                     "languages: [et, en, ru]\n"
                     "timezone: Europe/Tallinn\n"
                     "country: EE\n"
                     "office: { address: office@cluster.example, name: { et: Büroo, en: Office }, "
                     "phone: +372 555 }\n"
                     "lists:\n"
                     "  funding: { name: { et: Rahastus, en: Funding }, basis: membership,\n"
                     "             privacy_url: \"https://www.cluster.example/privacy\" }\n"
                     "  events: { name: { et: Üritused, en: Events }, basis: membership }\n"
                     "relays: [\"smtp://127.0.0.1:2525\"]\n"
                     "addresses: { mode: catchall, domain: bounce.cluster.example }\n"
                     "web: { url: \"https://letters.cluster.example\" }\n"
                     "vocabularies: { sectors: [music, design, film] }\n"},
    {"regions.yaml", "regions:\n"
                     "  EE: { name: Eesti }\n"
                     "  EE00A: { parent: EE, name: { et: Ida-Viru, en: East Viru } }\n"
                     "  PL: { name: Polska }\n"},
    {"newsletters/funding.yaml", "name: { et: Rahastuskiri, en: Funding letter }\n"
                                 "list: funding\n"
                                 "from: { name: { et: Loomeklaster, en: Creative Cluster }, "
                                 "address: letters@cluster.example }\n"
                                 "reply_to: office@cluster.example\n"
                                 "languages: [et, en, ru]\n"
                                 "fallback: et\n"
                                 "events_within: 90 days\n"},
    {"issues/december.md",
     "newsletter: funding\n"
     "subject: Toetused detsembris\n"
     "preheader: Kolm vooru ja üks koosolek\n"
     "---\n"
     "Tere, {{member.name}}!\n\n{{> calls}}\n{{> events}}\n{{> news}}\n{{> deadlines}}\n"},
    {"issues/december.en.md",
     "subject: Funding in December\n"
     "---\n"
     "Hello {{member.name}},\n\n{{> calls}}\n{{> events}}\n{{> news}}\n{{> deadlines}}\n\n"
     "[Leave]({{web.leave}})\n"},
    {NULL, NULL},
};

static void site_write(struct site_rig *rig, const char *path, const char *text)
{
    char *full = file_join(rig->arena, rig->folder, path);
    char *folder = arena_strdup(rig->arena, full);
    struct err err = {0};

    *strrchr(folder, '/') = '\0';
    if (file_make_folder(folder, &err) < 0 ||
        file_write(full, text, strlen(text), 0644, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

/* A folder with the files above; more may be written before site_open. */
static void site_make(struct site_rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    (void)snprintf(rig->folder, sizeof(rig->folder), "/tmp/compose-XXXXXX");
    assert_non_null(mkdtemp(rig->folder));
    rig->arena = arena_new(LIMIT_ARENA_SITE);
    assert_int_equal(token_init(NULL), 0);
    token_fix_random(7);
    clock_fix(SITE_NOW, 0);
    for (size_t i = 0; site_files[i][0] != NULL; i++) {
        site_write(rig, site_files[i][0], site_files[i][1]);
    }
}

static void site_close(struct site_rig *rig)
{
    compose_close(rig->compose);
    rig->compose = NULL;
    report_free(rig->report);
    rig->report = NULL;
    db_close(rig->db);
    rig->db = NULL;
}

/* Reads the files as they are now and opens the database beside them. */
static void site_open(struct site_rig *rig)
{
    const struct compose_site site = {.config = &rig->config,
                                      .content = &rig->content,
                                      .events = &rig->events,
                                      .members = &rig->members,
                                      .templates = TEST_SOURCE_DIR "/templates"};
    struct err err = {0};

    site_close(rig);
    rig->report = report_new();
    if (config_load(rig->arena, rig->folder, rig->report, &rig->config, &err) < 0 ||
        content_load(rig->arena, &rig->config, NULL, clock_now(), rig->report, &rig->content,
                     &err) < 0 ||
        events_load(rig->arena, &rig->config, rig->report, &rig->events, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    memset(rig->key.secret, 7, sizeof(rig->key.secret));
    rig->key.id = 1;
    if (db_open(file_join(rig->arena, rig->folder, "site.db"), DB_OPEN_CREATE, &rig->db, &err) <
        0) {
        fail_msg("%s", err.msg);
    }
    rig->members = (struct members){.db = rig->db, .config = &rig->config, .key = &rig->key};
    if (members_sync(&rig->members, &err) < 0 || compose_open(&site, &rig->compose, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

static void site_remove(struct site_rig *rig)
{
    char *command = arena_printf(rig->arena, "rm -r '%s'", rig->folder);

    site_close(rig);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a folder that we made */
    arena_free(rig->arena);
    clock_unfix();
}

/* Adds a member to both lists. Fields are "name", "value" pairs up to a NULL. */
__attribute__((unused)) static int64_t site_member(struct site_rig *rig, const char *email, ...)
{
    static const struct subscription_ground ground = {.basis = SITE_BASIS_MEMBERSHIP};
    static const char *const lists[] = {"funding", "events"};
    struct member_input input = {0};
    struct err err = {0};
    const char *name;
    int64_t id = 0;
    va_list fields;

    assert_int_equal(member_input_set(&rig->config, rig->arena, &input, MEMBER_EMAIL, email, &err),
                     0);
    va_start(fields, email);
    while ((name = va_arg(fields, const char *)) != NULL) {
        if (member_input_set_named(&rig->config, rig->arena, &input, name,
                                   va_arg(fields, const char *), &err) < 0) {
            fail_msg("%s", err.msg);
        }
    }
    va_end(fields);
    if (member_add(&rig->members, &input, &id, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    for (size_t i = 0; i < 2; i++) {
        if (subscription_start(&rig->members, id, lists[i], &ground, NULL, NULL, &err) < 0) {
            fail_msg("%s", err.msg);
        }
    }
    return id;
}
