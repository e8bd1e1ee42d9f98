#include "slug_file.h"

#include "teataja/base/file.h"
#include "teataja/base/yaml.h"
#include "teataja/config/front_matter.h"

int slug_file_read(struct arena *arena, const char *folder, const char *kind, const char *name,
                   const struct schema *schema, struct report *report, void *out,
                   const char **file, const char **slug, struct err *err)
{
    char *path = file_join(arena, kind, name);
    const struct yaml_node *root;
    struct content_name content;
    struct err own = {0};
    int rc;

    if (!path) {
        return err_nomem(err);
    }
    if (content_name_parse(path, ".yaml", &content, &own) < 0) {
        report_add(report, REPORT_ERROR, path, 0, 0, "%s", own.msg);
        return err_set(err, ERR_INVALID, "%s: %s", path, own.msg);
    }
    rc = yaml_read(arena, folder, path, report, &root, err);
    if (rc < 0) {
        return rc;
    }
    rc = schema_fill(arena, schema, root, SCHEMA_WHOLE, report, out, err);
    if (rc == ERR_NOMEM) {
        return rc;
    }
    *file = path;
    *slug = arena_strdup(arena, content.slug);
    return *slug ? 0 : err_nomem(err);
}
