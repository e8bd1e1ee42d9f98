/* dkim_pem.h - the private keys of RFC 8463, appendix A. */
#pragma once

#include "teataja/base/file.h"
#include "teataja/base/limits.h"
#include "unit/config/site_folder.h"

/* A file of tests/data/dkim, in the arena. */
static inline char *rfc_pem(struct arena *arena, const char *file)
{
    char *path = arena_printf(arena, TEST_SOURCE_DIR "/tests/data/dkim/%s", file);
    char *pem = NULL;

    assert_int_equal(file_read(arena, path, LIMIT_TEXT, &pem, NULL, NULL), 0);
    return pem;
}
