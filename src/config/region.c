/* regions.yaml: the tree, its groups, and the index of their names. */
#include "teataja/config/region.h"

#include <string.h>

#include "name_index.h"
#include "teataja/base/file.h"
#include "teataja/base/limits.h"

static const struct schema_field region_fields[] = {
    {.key = "code", .type = SCHEMA_CODE, .flags = SCHEMA_IS_KEY, SCHEMA_AT(region, code)},
    {.key = "parent",
     .type = SCHEMA_CODE,
     SCHEMA_AT(region, parent_code),
     .help = "Code of the region that it is in.",
     .example = "EE"},
    {.key = "name",
     .type = SCHEMA_BY_LANGUAGE,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(region, name),
     .max = LIMIT_NAME,
     .help = "In each language or once for all.",
     .example = "{ et: Ida-Viru, ru: Ида-Виру }"},
    {.key = "aliases",
     .type = SCHEMA_TEXT,
     .flags = SCHEMA_LIST | SCHEMA_OR_ONE | SCHEMA_UNIQUE,
     SCHEMA_ARRAY(region, aliases, alias_count),
     .max = LIMIT_NAME,
     .help = "Other names and earlier codes that people write.",
     .example = "[EE007, \"0045\", Ida-Virumaa]"},
};
static const struct schema region_schema =
    SCHEMA_SHORT("region", struct region, region_fields, "name");

static const struct schema_field group_fields[] = {
    {.key = "code", .type = SCHEMA_SLUG, .flags = SCHEMA_IS_KEY, SCHEMA_AT(region, code)},
    {.key = "name",
     .type = SCHEMA_BY_LANGUAGE,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(region, name),
     .max = LIMIT_NAME,
     .help = "In each language or once for all.",
     .example = "South Baltic"},
    {.key = "members",
     .type = SCHEMA_CODE,
     .flags = SCHEMA_REQUIRED | SCHEMA_LIST | SCHEMA_UNIQUE | SCHEMA_NOT_EMPTY,
     SCHEMA_ARRAY(region, member_codes, member_code_count),
     .help = "Codes of its regions.",
     .example = "[EE00A]"},
    {.key = "aliases",
     .type = SCHEMA_TEXT,
     .flags = SCHEMA_LIST | SCHEMA_OR_ONE | SCHEMA_UNIQUE,
     SCHEMA_ARRAY(region, aliases, alias_count),
     .max = LIMIT_NAME,
     .help = "Other names.",
     .example = "[Baltic Sea South]"},
};
static const struct schema group_schema = SCHEMA("group", struct region, group_fields);

/* The file as it is written. */
struct regions_file {
    const struct yaml_node *node;
    struct region *regions;
    size_t region_count;
    struct region *groups;
    size_t group_count;
};

static const struct schema_field file_fields[] = {
    {.key = "regions",
     .type = SCHEMA_MAP,
     .flags = SCHEMA_REQUIRED | SCHEMA_KEYED,
     SCHEMA_ARRAY(regions_file, regions, region_count),
     .sub = &region_schema,
     .help = "By code: NUTS, LAU, or your own.",
     .example = "EE00A"},
    {.key = "groups",
     .type = SCHEMA_MAP,
     .flags = SCHEMA_KEYED,
     SCHEMA_ARRAY(regions_file, groups, group_count),
     .sub = &group_schema,
     .help = "Regions taken together, by slug.",
     .example = "south-baltic"},
};
const struct schema regions_schema = SCHEMA(REGIONS_FILE, struct regions_file, file_fields);

/* Of two regions with one name the wider is meant, if one is inside the other. */
static void settle_names(struct name_index *index, struct report *report)
{
    for (size_t i = 0; i < index->count;) {
        const struct region *widest = index->entries[i].thing;
        size_t end = i + 1;

        while (end < index->count &&
               strcmp(index->entries[end].folded, index->entries[i].folded) == 0) {
            const struct region *other = index->entries[end].thing;

            if (region_is_within(widest, other)) {
                widest = other;
            } else if (!region_is_within(other, widest)) {
                yaml_problem(report, other->node, "",
                             "'%s' is a name of region '%s' and of '%s'; one of them needs another",
                             index->entries[end].name, widest->code, other->code);
            }
            end++;
        }
        for (; i < end; i++) {
            index->entries[i].thing = widest;
        }
    }
}

static int build_index(struct arena *arena, struct regions *regions, struct report *report,
                       struct err *err)
{
    struct name_index *index = name_index_new(arena);
    int rc = 0;

    if (!index) {
        return err_nomem(err);
    }
    for (size_t i = 0; rc == 0 && i < regions->count; i++) {
        const struct region *region = &regions->items[i];

        rc = name_index_add(arena, index, region->code, region, err);
        rc = rc < 0 ? rc : name_index_add_all(arena, index, &region->name, region, err);
        for (size_t a = 0; rc == 0 && a < region->alias_count; a++) {
            rc = name_index_add(arena, index, region->aliases[a], region, err);
        }
    }
    if (rc == 0) {
        name_index_sort(index);
        settle_names(index, report);
        regions->names = index;
    }
    return rc;
}

static void report_unknown(struct report *report, const struct regions *regions,
                           const struct yaml_node *node, const char *key, const char *code)
{
    struct suggest suggest;

    suggest_start(&suggest, code);
    for (size_t i = 0; i < regions->count; i++) {
        suggest_offer(&suggest, regions->items[i].code);
    }
    yaml_problem(report, node, key, "no region '%s'%s", code, suggest_hint(&suggest));
}

static int link_group(struct arena *arena, const struct regions *regions,
                      const struct name_index *codes, struct region *group, struct report *report,
                      struct err *err)
{
    const struct yaml_node *list = yaml_get(group->node, "members");

    if (group->member_code_count == 0) {
        return 0;
    }
    group->members = arena_alloc(arena, group->member_code_count, sizeof(const struct region *));
    if (!group->members) {
        return err_nomem(err);
    }
    for (size_t i = 0; i < group->member_code_count; i++) {
        const char *code = group->member_codes[i];
        struct err own = {0};
        const struct region *member = name_index_find(codes, code, &own);
        const struct yaml_node *at = list;

        if (own.code == ERR_NOMEM) {
            return err_nomem(err);
        }
        for (size_t j = 0; list && list->kind == YAML_SEQUENCE && j < list->count; j++) {
            at = strcmp(list->items[j]->text, code) == 0 ? list->items[j] : at;
        }
        if (!member) {
            report_unknown(report, regions, at, "", code);
        } else if (member->group) {
            yaml_problem(report, at, "", "'%s' is a group; a group holds regions", code);
        } else {
            group->members[group->member_count++] = member;
        }
    }
    return 0;
}

/* Cuts the way up where it comes back, so that nobody walks in circles. */
static void break_circles(struct regions *regions, struct report *report)
{
    for (size_t i = 0; i < regions->count; i++) {
        struct region *region = &regions->items[i];
        const struct region *up = region->parent;
        size_t steps = 0;

        while (up && up != region && steps++ < regions->count) {
            up = up->parent;
        }
        if (up == region) {
            yaml_problem(report, region->node, "parent", "parent: region '%s' is inside itself",
                         region->code);
            region->parent = NULL;
        }
    }
}

static int link_all(struct arena *arena, struct regions *regions, struct report *report,
                    struct err *err)
{
    struct name_index *codes = name_index_new(arena);
    int rc = 0;

    if (!codes) {
        return err_nomem(err);
    }
    for (size_t i = 0; rc == 0 && i < regions->count; i++) {
        rc = name_index_add(arena, codes, regions->items[i].code, &regions->items[i], err);
    }
    if (rc < 0) {
        return rc;
    }
    name_index_sort(codes);
    for (size_t i = 0; rc == 0 && i < regions->count; i++) {
        struct region *region = &regions->items[i];

        if (region->group) {
            rc = link_group(arena, regions, codes, region, report, err);
        } else if (region->parent_code) {
            struct err own = {0};

            region->parent = name_index_find(codes, region->parent_code, &own);
            if (own.code == ERR_NOMEM) {
                rc = err_nomem(err);
            } else if (!region->parent) {
                report_unknown(report, regions, region->node, "parent", region->parent_code);
            } else if (region->parent->group) {
                yaml_problem(report, region->node, "parent",
                             "'%s' is a group; a parent is a region", region->parent_code);
                region->parent = NULL;
            }
        }
    }
    break_circles(regions, report);
    return rc;
}

int regions_load(struct arena *arena, const char *folder, struct report *report,
                 struct regions *out, struct err *err)
{
    size_t before = report_errors(report);
    const struct yaml_node *root;
    struct regions_file file;
    char *full = file_join(arena, folder, REGIONS_FILE);
    int rc;

    memset(out, 0, sizeof(*out));
    if (!full) {
        return err_nomem(err);
    }
    if (!file_exists(full)) {
        return 0;
    }
    rc = yaml_read(arena, folder, REGIONS_FILE, report, &root, err);
    if (rc < 0) {
        return rc;
    }
    rc = schema_fill(arena, &regions_schema, root, SCHEMA_WHOLE, report, &file, err);
    if (rc == ERR_NOMEM) {
        return rc;
    }
    out->node = root;
    out->count = file.region_count + file.group_count;
    out->items = arena_alloc(arena, out->count + 1, sizeof(struct region));
    if (!out->items) {
        return err_nomem(err);
    }
    for (size_t i = 0; i < out->count; i++) {
        bool group = i >= file.region_count;

        out->items[i] = group ? file.groups[i - file.region_count] : file.regions[i];
        out->items[i].group = group;
        /* A code with a fault was reported; what has none cannot be named. */
        out->items[i].code = out->items[i].code ? out->items[i].code : "";
    }
    rc = link_all(arena, out, report, err);
    rc = rc < 0 ? rc : build_index(arena, out, report, err);
    if (rc < 0) {
        return rc;
    }
    return report_errors(report) > before ? report_check(report, err) : 0;
}

const struct region *region_find(const struct regions *regions, const char *text, struct err *err)
{
    return name_index_find(regions->names, text, err);
}

static bool is_below(const struct region *inner, const struct region *outer)
{
    while (inner && inner != outer) {
        inner = inner->parent;
    }
    return inner != NULL;
}

bool region_is_within(const struct region *inner, const struct region *outer)
{
    if (!inner || !outer) {
        return false;
    }
    if (is_below(inner, outer)) {
        return true;
    }
    for (size_t i = 0; i < outer->member_count; i++) {
        if (is_below(inner, outer->members[i])) {
            return true;
        }
    }
    return false;
}

void region_suggest(const struct regions *regions, struct suggest *suggest)
{
    for (size_t i = 0; regions->names && i < regions->names->count; i++) {
        suggest_offer(suggest, regions->names->entries[i].name);
    }
}
