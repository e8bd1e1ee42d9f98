/* person.c - see person.h. */
#include "person.h"

#include <string.h>

#include "teataja/base/clock.h"
#include "teataja/base/utf8.h"
#include "teataja/members/subscription.h"

int person_find(struct call *call, uint64_t id, uint64_t epoch, struct member *out, struct err *err)
{
    int rc;

    if (id == 0) {
        return PERSON_TEST;
    }
    if (id > INT64_MAX) {
        return PERSON_NONE;
    }
    rc = call_database(call, err);
    rc = rc < 0 ? rc : member_get(&call->members, call->arena, (int64_t)id, out, err);
    if (rc == ERR_NOT_FOUND) {
        return PERSON_NONE;
    }
    if (rc < 0) {
        return rc;
    }
    return out->email != NULL && out->epoch >= 0 && (uint64_t)out->epoch == epoch ? PERSON_HERE
                                                                                  : PERSON_NONE;
}

int person_missing(struct call *call, int found, struct err *err)
{
    return found == PERSON_TEST ? page_tell(call, "test", 200, err)
                                : page_tell(call, "link", 404, err);
}

const char *person_words(struct call *call, const char *text, size_t most)
{
    size_t len = text != NULL ? strlen(text) : 0;
    size_t at = 0;
    char *out;

    while (most > 0 && at < len && utf8_next(text, len, &at) >= 0) {
        most--;
    }
    out = text != NULL ? arena_strndup(call->arena, text, at) : NULL;
    return out != NULL ? out : "";
}

const char *person_list_name(const struct call *call, const char *list)
{
    const struct site_list *found = site_list_find(&call->site->config.site, list);

    return found != NULL ? web_site_text(call->site, &found->name, call->language) : list;
}

int person_subscribe(struct call *call, const struct member *member, const char *list,
                     const char *source, struct err *err)
{
    const struct catalogue_arg arg = catalogue_arg_text("list", person_list_name(call, list));
    const struct subscription_ground ground = {
        .basis = SITE_BASIS_CONSENT,
        .consent_at = clock_now(),
        .how = "web",
        .source = source,
        .wording = page_string(call, "web.consent", &arg, 1),
        .wording_language = language_tag(call->language),
        .again = true,
    };

    return subscription_start(&call->members, member->id, list, &ground, NULL, NULL, err);
}
