/* page_draft_person.h - whose link it is. Apart from the pages, whose `struct call` is a
 * request and not a call for proposals. */
#pragma once

#include "teataja/compose/approval.h"
#include "teataja/config/config.h"

struct token_key;

/* Looks for the person of a draft link (link_person of compose/link.h) among the editors of a
 * newsletter (NULL: of the site). Returns 1, 0 if there is none (any more), or ERR_NOMEM.
 * *language stays as it is if the person has none. In the arena. */
int draft_person_find(const struct config *config, struct arena *arena, const struct token_key *key,
                      const struct newsletter *newsletter, uint64_t person,
                      struct approval_person *out, enum language *language, struct err *err);
