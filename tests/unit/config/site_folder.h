/* site_folder.h - a site in a temporary folder, written file by file. */
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
#include "teataja/base/file.h"
#include "teataja/base/limits.h"
#include "teataja/base/report.h"
#include "unit/base/printed.h"

struct site_folder {
    char path[64];
    struct arena *arena;
    struct report *report;
};

static inline int site_folder_set_up(void **state)
{
    struct site_folder *f = calloc(1, sizeof(*f));

    if (!f) {
        return -1;
    }
    snprintf(f->path, sizeof(f->path), "/tmp/config-test-XXXXXX");
    f->arena = arena_new(LIMIT_ARENA_WORK);
    f->report = report_new();
    *state = f;
    return mkdtemp(f->path) && f->arena && f->report ? 0 : -1;
}

static inline int site_folder_remove(const char *path, const struct stat *status, int kind,
                                     struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static inline int site_folder_tear_down(void **state)
{
    struct site_folder *f = *state;

    nftw(f->path, site_folder_remove, 8, FTW_DEPTH | FTW_PHYS);
    arena_free(f->arena);
    report_free(f->report);
    free(f);
    return 0;
}

static inline void site_folder_write_bytes(struct site_folder *f, const char *name,
                                           const void *data, size_t len)
{
    char *path = file_join(f->arena, f->path, name);
    char *folder = arena_strdup(f->arena, path);

    *strrchr(folder, '/') = '\0';
    assert_int_equal(file_make_folder(folder, NULL), 0);
    assert_int_equal(file_write(path, data, len, 0644, NULL), 0);
}

static inline void site_folder_write(struct site_folder *f, const char *name, const char *text)
{
    site_folder_write_bytes(f, name, text, strlen(text));
}

/* The bytes that a PNG begins with: enough for what configuration looks at. */
static inline void site_folder_write_png(struct site_folder *f, const char *name)
{
    site_folder_write_bytes(f, name, "\x89PNG\r\n\x1a\n....", 12);
}

/* Compares all problems with what is expected, and forgets them. */
static inline void site_folder_expect(struct site_folder *f, const char *expected)
{
    char *text = printed(f->report);

    assert_string_equal(text, expected);
    free(text);
    report_free(f->report);
    f->report = report_new();
    assert_non_null(f->report);
}

/* A teataja.yaml with nothing wrong. */
#define SITE_MINIMAL                                                                               \
    "name: Cluster\n"                                                                              \
    "postal_address: Keskväljak 1, Narva\n"                                                       \
    "languages: [et, ru, en]\n"                                                                    \
    "timezone: Europe/Tallinn\n"                                                                   \
    "office: office@cluster.example\n"                                                             \
    "lists: { funding: { name: { et: Rahastus, en: Funding } }, events: Events }\n"                \
    "addresses: { mode: single, mailbox: bounce@cluster.example }\n"                               \
    "web: https://letters.cluster.example/\n"
