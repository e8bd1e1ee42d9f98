/* letter_lines.h - what planning and previewing a letter share: finding it, whose
 * it is, and saying what it shows. */
#pragma once

#include <stdbool.h>

#include "edition.h"
#include "teataja/compose/letter.h"

/* ERR_NOT_FOUND with a suggestion. */
int letter_find(struct compose *compose, const char *slug, const struct issue **out,
                struct err *err);

struct sender letter_sender(const struct letter *letter);

int letter_open_selector(const struct letter *letter, struct arena *arena, struct selector **out,
                         struct err *err);

/* The profile of a member, or of a reader of `language` without one. */
int letter_profile(struct compose *compose, struct arena *arena, const char *who,
                   enum language language, struct member_profile *out, struct err *err);

/* A subject for people: its slots as "…". NULL when out of memory. */
const char *letter_plain_subject(struct arena *arena, const char *subject);

/* The lines of a selection, block by block. */
int letter_list_lines(const struct letter *letter, struct arena *arena,
                      const struct selection *selection, const struct letter_line **out,
                      size_t *count, struct err *err);

/* Fills the warnings: events that are left out, calls that closed a moment ago; with `sent`,
 * that there is a mailing of this issue already. */
int letter_warn(const struct letter *letter, const struct selector *selector, struct arena *arena,
                bool sent, struct letter_summary *out, struct err *err);
