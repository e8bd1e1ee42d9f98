/* temp_folder.h - a folder of a test's own, in memory where that can be.
 *
 * Header only: `static inline`, so that no test needs a line of CMake for it.
 */
#pragma once

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define TEMP_FOLDER 64

/* "/dev/shm/teataja-<name>-..." or the same under /tmp; false if there is neither.
 * What must survive a power cut is no matter of these tests. */
static inline bool temp_folder_make(const char *name, char out[TEMP_FOLDER])
{
    static const char *const places[] = {"/dev/shm", "/tmp"};

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        (void)snprintf(out, TEMP_FOLDER, "%s/teataja-%.30s-XXXXXX", places[i], name);
        if (mkdtemp(out) != NULL) {
            return true;
        }
    }
    return false;
}

static inline int temp_folder_remove_one(const char *path, const struct stat *stat, int type,
                                         struct FTW *place)
{
    (void)stat;
    (void)type;
    (void)place;
    return remove(path);
}

/* With all that is in it. */
static inline bool temp_folder_remove(const char *folder)
{
    return nftw(folder, temp_folder_remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0;
}
