/* Who is told: see teataja/compose/staff.h. */
#include <string.h>

#include "staff_item.h"

struct people {
    struct arena *arena;
    struct staff_person *items;
    size_t count, capacity;
};

static int add(struct people *people, const struct staff_person *person, struct err *err)
{
    int rc;

    for (size_t i = 0; i < people->count; i++) {
        if (strcmp(people->items[i].address.key, person->address.key) == 0) {
            return 0;
        }
    }
    rc = arena_grow(people->arena, &people->items, &people->capacity, people->count,
                    sizeof(*people->items), err);
    if (rc == 0) {
        people->items[people->count++] = *person;
    }
    return rc;
}

static int add_role(struct people *people, const struct site *site, enum site_staff_role role,
                    struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < site->staff_count; i++) {
        const struct site_staff *staff = &site->staff[i];

        if (site_staff_has(staff, role)) {
            rc = add(people,
                     &(struct staff_person){.name = staff->name,
                                            .address = staff->address,
                                            .language = staff->language},
                     err);
        }
    }
    return rc;
}

/* Name and language that are not given in the newsletter may stand under `staff`. */
static int add_editors(struct people *people, const struct site *site,
                       const struct newsletter *newsletter, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && newsletter != NULL && i < newsletter->editor_count; i++) {
        const struct newsletter_editor *editor = &newsletter->editors[i];
        const struct site_staff *staff = site_staff_find(site, &editor->address);
        struct staff_person person = {
            .name = editor->name, .address = editor->address, .language = editor->language};

        if (person.name == NULL && staff != NULL) {
            person.name = staff->name;
        }
        if (person.language == LANG_NONE) {
            person.language = staff != NULL ? staff->language : site->languages[0];
        }
        rc = add(people, &person, err);
    }
    return rc;
}

int staff_people(const struct config *config, struct arena *arena, enum site_staff_role role,
                 const struct newsletter *newsletter, struct staff_person **out, size_t *count,
                 struct err *err)
{
    const struct site *site = &config->site;
    struct people people = {.arena = arena};
    int rc = role == SITE_STAFF_EDITOR ? add_editors(&people, site, newsletter, err) : 0;

    if (rc == 0) {
        rc = add_role(&people, site, role, err);
    }
    if (rc == 0 && people.count == 0 && role == SITE_STAFF_EDITOR) {
        rc = add_role(&people, site, SITE_STAFF_ADMIN, err);
    }
    if (rc == 0 && people.count == 0) {
        rc = add(
            &people,
            &(struct staff_person){.address = site->office.address, .language = site->languages[0]},
            err);
    }
    *out = people.items;
    *count = people.count;
    return rc;
}
