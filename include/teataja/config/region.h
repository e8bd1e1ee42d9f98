/* teataja/config/region.h - regions.yaml: the tree of regions, and groups.
 *
 *     regions:
 *       EE00A: { parent: EE, name: { et: Ida-Viru, ru: Ида-Виру }, aliases: [EE007, Ida-Virumaa] }
 *     groups:
 *       south-baltic: { name: South Baltic, members: [LT028, PL621] }
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/language.h"
#include "teataja/base/report.h"
#include "teataja/base/schema.h"
#include "teataja/base/suggest.h"
#include "teataja/base/yaml.h"

#define REGIONS_FILE "regions.yaml"

struct region {
    const struct yaml_node *node;
    const char *code; /* "EE00A", or a group's slug */
    bool group;
    const char *parent_code;     /* NULL if none; a group has none */
    const struct region *parent; /* NULL if none */
    struct lang_text name;
    const char *const *aliases; /* other names and earlier codes */
    size_t alias_count;
    const char *const *member_codes; /* of a group, as written */
    size_t member_code_count;
    const struct region **members; /* of a group: regions, never groups */
    size_t member_count;
};

struct name_index; /* names folded for region_find */

struct regions {
    const struct yaml_node *node; /* NULL if there is no regions.yaml */
    struct region *items;         /* regions, then groups, in the file's order */
    size_t count;
    const struct name_index *names;
};

/* Reads folder/regions.yaml; a site without it has no regions. Checks that
 * parents and members exist, that no region is inside itself, and that no name
 * means two regions - except a region and one inside it, of which the wider is
 * meant. As site_load. */
int regions_load(struct arena *arena, const char *folder, struct report *report,
                 struct regions *out, struct err *err);

/* The region or group whose code, name in any language, or alias is `text`,
 * folded. NULL if there is none, or for lack of memory: only then err (NULL is
 * fine) is set, to ERR_NOMEM. */
const struct region *region_find(const struct regions *regions, const char *text, struct err *err);

/* True if `inner` is `outer`, or below it, or a member of it if that is a group
 * (or below a member). Either may be NULL: false. */
bool region_is_within(const struct region *inner, const struct region *outer);

/* Offers every code, name and alias. */
void region_suggest(const struct regions *regions, struct suggest *suggest);

extern const struct schema regions_schema;
