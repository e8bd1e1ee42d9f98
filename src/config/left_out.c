/* left_out.c - see teataja/config/left_out.h. */
#include "teataja/config/left_out.h"

#include <string.h>

enum { PLACE_MOST = 1200 }; /* bytes of a problem with its place */

const struct left_out *left_out_find(const struct left_outs *left, const char *folder,
                                     const char *slug)
{
    for (size_t i = 0; i < left->count; i++) {
        if (strcmp(left->items[i].slug, slug) == 0 && strcmp(left->items[i].folder, folder) == 0) {
            return &left->items[i];
        }
    }
    return NULL;
}

int left_out_check(const struct left_outs *left, const char *folder, const char *slug,
                   struct err *err)
{
    const struct left_out *found = left_out_find(left, folder, slug);

    return found == NULL ? 0
                         : err_set(err, ERR_INVALID, "%s/%s cannot be used: %s", folder, slug,
                                   found->problem);
}

int left_out_add(struct arena *arena, struct left_outs *left, const char *folder, const char *slug,
                 const char *problem, struct err *err)
{
    struct left_out *out;
    int rc = left_out_find(left, folder, slug) != NULL
                 ? 1
                 : arena_grow(arena, &left->items, &left->capacity, left->count,
                              sizeof(*left->items), err);

    if (rc != 0) {
        return rc < 0 ? rc : 0;
    }
    out = &left->items[left->count];
    out->folder = arena_strdup(arena, folder);
    out->slug = arena_strdup(arena, slug);
    out->problem = arena_strdup(arena, problem);
    if (out->folder == NULL || out->slug == NULL || out->problem == NULL) {
        return err_nomem(err);
    }
    left->count++;
    return 0;
}

/* "calls" of "calls/forum.pl.md"; NULL for a file that is of no item. */
static const char *folder_of(const char *file)
{
    static const char *const folders[] = {"calls",  "news",        "issues",
                                          "events", "newsletters", "projects"};

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        size_t len = strlen(folders[i]);

        if (strncmp(file, folders[i], len) == 0 && file[len] == '/') {
            return folders[i];
        }
    }
    return NULL;
}

/* One file with an error. */
static int read_file(struct arena *arena, struct left_outs *left, const struct problem *problem,
                     struct err *err)
{
    const char *folder = folder_of(problem->file);
    const char *name = folder != NULL ? problem->file + strlen(folder) + 1 : "";
    const char *slug = arena_strndup(arena, name, strcspn(name, "."));
    char text[PLACE_MOST];

    report_format(problem, text, sizeof(text));
    if (slug == NULL) {
        return err_nomem(err);
    }
    return folder == NULL ? err_set(err, ERR_INVALID, "%s", text)
                          : left_out_add(arena, left, folder, slug, text, err);
}

int left_out_read(struct arena *arena, struct left_outs *left, const struct report *report,
                  struct err *err)
{
    const struct problem *problem;
    int rc = 0;

    if (!report_whole(report)) {
        return err_nomem(err);
    }
    if (report_failing(report)) {
        return err_set(err, ERR_IO, "the system failed to read a file of the site");
    }
    for (size_t i = 0; rc == 0 && (problem = report_bad_file(report, i)) != NULL; i++) {
        rc = read_file(arena, left, problem, err);
    }
    return rc;
}
