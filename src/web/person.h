/* person.h - the member that a token speaks of. */
#pragma once

#include "route.h"

enum person_found {
    PERSON_NONE = 0, /* no such link, or it was revoked */
    PERSON_HERE = 1,
    PERSON_TEST = 2 /* the link stands in a test letter: there is nobody */
};

/* Reads a member by id, if the epoch of the link is still the member's. Returns one of the
 * above or negative. Opens the database. */
int person_find(struct call *call, uint64_t id, uint64_t epoch, struct member *out,
                struct err *err);

/* A page for PERSON_NONE and PERSON_TEST. */
int person_missing(struct call *call, int found, struct err *err);

/* The first characters of a form's text, `most` at most; "" for NULL. */
const char *person_words(struct call *call, const char *text, size_t most);

/* Puts a member on a list by what the page said, as consent given now. */
int person_subscribe(struct call *call, const struct member *member, const char *list,
                     const char *source, struct err *err);

/* The list's name in the call's language; its slug if it is not in teataja.yaml. */
const char *person_list_name(const struct call *call, const char *list);
