#include "image.h"

#include <string.h>

#include "teataja/base/file.h"
#include "teataja/base/limits.h"
#include "teataja/config/project.h"

const char *project_image_type(const void *data, size_t len)
{
    static const struct {
        const char *magic;
        size_t len;
        const char *type;
    } types[] = {
        {"\x89PNG\r\n\x1a\n", 8, "image/png"},
        {"\xff\xd8\xff", 3, "image/jpeg"},
        {"GIF87a", 6, "image/gif"},
        {"GIF89a", 6, "image/gif"},
    };

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (len >= types[i].len && memcmp(data, types[i].magic, types[i].len) == 0) {
            return types[i].type;
        }
    }
    return NULL;
}

int image_check(struct arena *arena, const char *folder, const char *path,
                const struct yaml_node *node, const char *key, struct report *report,
                const char **type, struct err *err)
{
    struct arena_mark mark = arena_mark(arena);
    struct err own = {0};
    char *full = file_join(arena, folder, path), *data = NULL;
    size_t len = 0;
    int rc;

    *type = NULL;
    if (!full) {
        return err_nomem(err);
    }
    rc = file_read(arena, full, LIMIT_LOGO, &data, &len, &own);
    if (rc == ERR_NOMEM) {
        return err_nomem(err);
    }
    if (rc == ERR_NOT_FOUND) {
        yaml_problem(report, node, key, "%s: there is no file '%s' in the site", key, path);
    } else if (rc == ERR_LIMIT) {
        yaml_problem(report, node, key,
                     "%s: '%s' is larger than %d KB, the most that a letter carries", key, path,
                     LIMIT_LOGO / 1024);
    } else if (rc < 0) {
        yaml_problem(report, node, key, "%s: %s", key, own.msg);
    } else {
        *type = project_image_type(data, len);
        if (!*type) {
            yaml_problem(report, node, key, "%s: '%s' is no PNG, JPEG or GIF image", key, path);
        }
    }
    arena_rewind(arena, mark);
    return 0;
}
