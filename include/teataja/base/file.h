/* teataja/base/file.h - whole files, read with a ceiling and written at once. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/report.h"

/* Reads a regular file of at most `ceiling` bytes into the arena, with a NUL
 * behind it. *len may be NULL. ERR_NOT_FOUND, ERR_LIMIT or ERR_IO, with the
 * path in the message. */
int file_read(struct arena *arena, const char *path, size_t ceiling, char **out, size_t *len,
              struct err *err);

/* Opens such a file for who reads it in stretches; it may still grow past the ceiling. *fd
 * is -1 after an error, of those above. */
int file_open(const char *path, size_t ceiling, int *fd, struct err *err);

/* As file_read for folder/path, a file of the site that may hold a UTF-8 byte order mark (it is
 * left out). A fault is also added to `report`, at `path`; messages do not name the file again
 * ("larger than ..."), but the one in err does ("calls/x.md: larger than ..."). */
int file_read_site(struct arena *arena, const char *folder, const char *path, size_t ceiling,
                   struct report *report, char **out, size_t *len, struct err *err);

/* As file_read, for text that people wrote: a UTF-8 byte order mark is removed,
 * and broken UTF-8, NUL, and lines over LIMIT_LINE are ERR_INVALID with
 * "path:line:column: ...". */
int file_read_text(struct arena *arena, const char *path, size_t ceiling, char **out, size_t *len,
                   struct err *err);

/* Writes a file so that a reader sees the old one or the new one, never half:
 * a temporary file beside it, fsync, rename. `mode` such as 0644. */
int file_write(const char *path, const void *data, size_t len, unsigned mode, struct err *err);

/* Writes a file that is not there yet, for what must never be lost to another:
 * keys. ERR_EXISTS if something has that name. After an error there is no file. */
int file_write_new(const char *path, const void *data, size_t len, unsigned mode, struct err *err);

/* Makes a folder and those above it; one that is there is fine. */
int file_make_folder(const char *path, struct err *err);

bool file_exists(const char *path);

/* Names in a folder, sorted bytewise, without "." files. ERR_NOT_FOUND when
 * the folder is not there. */
int file_list(struct arena *arena, const char *folder, char ***names, size_t *count,
              struct err *err);

/* "folder/name" in the arena. */
char *file_join(struct arena *arena, const char *folder, const char *name);
