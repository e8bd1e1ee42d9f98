/* page_draft_person.c - see page_draft_person.h. */
#include "page_draft_person.h"

#include "teataja/compose/link.h"
#include "teataja/compose/staff.h"

int draft_person_find(const struct config *config, struct arena *arena, const struct token_key *key,
                      const struct newsletter *newsletter, uint64_t person,
                      struct approval_person *out, enum language *language, struct err *err)
{
    struct staff_person *people = NULL;
    size_t count = 0;
    int rc = staff_people(config, arena, SITE_STAFF_EDITOR, newsletter, &people, &count, err);

    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (link_person(key, &people[i].address) == person) {
            *out = (struct approval_person){
                .name = people[i].name, .address = people[i].address.text, .how = "web"};
            *language = people[i].language != LANG_NONE ? people[i].language : *language;
            return 1;
        }
    }
    return rc;
}
