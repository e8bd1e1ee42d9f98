/* Who looks after the site: see site_staff.h. */
#include "site_staff.h"

#include <string.h>

static const struct schema_choice roles[] = {
    {"admin", SITE_STAFF_ADMIN, "is told of relays, sources, the schedule, and what was halted"},
    {"editor", SITE_STAFF_EDITOR, "is told of drafts and of what was sent, of every newsletter"},
    {NULL, 0, NULL},
};

static const struct schema_field staff_fields[] = {
    {.key = "address",
     .type = SCHEMA_EMAIL,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(site_staff, address),
     .help = "Where mail to this person goes.",
     .example = "kati@cluster.example"},
    {.key = "name",
     .type = SCHEMA_TEXT,
     SCHEMA_AT(site_staff, name),
     .max = LIMIT_NAME,
     .help = "As the mail greets.",
     .example = "Kati Kask"},
    {.key = "language",
     .type = SCHEMA_LANGUAGE,
     SCHEMA_AT(site_staff, language),
     .help = "Of that mail, any of the ten; the site's first if not given.",
     .example = "et"},
    {.key = "roles",
     .type = SCHEMA_CHOICE,
     .flags = SCHEMA_LIST | SCHEMA_OR_ONE | SCHEMA_UNIQUE | SCHEMA_NOT_EMPTY,
     SCHEMA_ARRAY(site_staff, roles, role_count),
     .choices = roles,
     .fallback = "[admin]",
     .help = "What this person is told of. Editors of one newsletter alone stand in its file; "
             "here may then stand their name and language, with any role."},
};
const struct schema site_staff_schema =
    SCHEMA_SHORT("staff", struct site_staff, staff_fields, "address");

bool site_staff_has(const struct site_staff *staff, enum site_staff_role role)
{
    for (size_t i = 0; i < staff->role_count; i++) {
        if (staff->roles[i] == (int)role) {
            return true;
        }
    }
    return false;
}

const struct site_staff *site_staff_find(const struct site *site, const struct address *address)
{
    for (size_t i = 0; i < site->staff_count; i++) {
        if (strcmp(site->staff[i].address.key, address->key) == 0) {
            return &site->staff[i];
        }
    }
    return NULL;
}

void site_staff_settle(struct site *site, struct report *report)
{
    for (size_t i = 0; i < site->staff_count; i++) {
        struct site_staff *staff = &site->staff[i];

        if (staff->language == LANG_NONE && site->language_count > 0) {
            staff->language = site->languages[0];
        }
        if (staff->address.text[0] != '\0' && site_staff_find(site, &staff->address) != staff) {
            yaml_problem(report, staff->node, "address", "%s stands here twice",
                         staff->address.text);
        }
    }
}
