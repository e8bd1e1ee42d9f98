/* teataja/compose/link.h - signed links and envelope senders.
 *
 * Where they lead:
 *   <web>/leave/TOKEN        <web>/preferences/TOKEN    <web>/view/TOKEN
 *   <web>/answer/TOKEN/yes   <web>/archive/NEWSLETTER   <web>/draft/TOKEN
 * and by mail, by `addresses.mode`:
 *   catchall  b-TOKEN@domain (bounces), u-TOKEN@domain (leaving)
 *   plus      bounce+b-TOKEN@..., bounce+u-TOKEN@...
 *   single    the mailbox itself; leaving by "?subject=leave-TOKEN"
 * Tokens are lower case and read in any case; local parts stay within
 * LIMIT_LOCAL_PART octets.
 */
#pragma once

#include <stdint.h>

#include "teataja/base/address.h"
#include "teataja/base/err.h"
#include "teataja/base/limits.h"
#include "teataja/base/token.h"
#include "teataja/config/site.h"

#define LINK_TEXT 900 /* most bytes of a link, with NUL: it stands in a header line of its own */

/* What links are made of: part of a mailing's frozen configuration. */
struct link_base {
    const char *web; /* without '/' at its end */
    int mode;        /* of enum site_address_mode */
    const char *domain;
    const char *mailbox;
};

struct link_base link_base_of(const struct site *site);

/* <web>/<page>/<token>[/<answer>]; `answer` may be NULL. ERR_LIMIT. */
int link_page(const struct link_base *base, const char *page, const struct token_key *key,
              const struct token *token, const char *answer, char out[LINK_TEXT], struct err *err);

/* The mailto: address by which one leaves. ERR_LIMIT when the mailbox's local
 * part leaves no room for a token. */
int link_leave_mail(const struct link_base *base, const struct token_key *key,
                    const struct token *token, char out[LINK_TEXT], struct err *err);

/* The envelope sender of an outbox row. ERR_LIMIT as above. */
int link_envelope(const struct link_base *base, const struct token_key *key, int64_t row,
                  char out[LIMIT_ADDRESS + 1], struct err *err);

/* What a draft link stands for. It is for one person and one text: `person` is not kept
 * anywhere but looked for among those who may act now, so that a link stops working when its
 * owner is taken out of the configuration; and the link of an old mail never approves a newer
 * text, for `revision` is of the text that the mail showed. */
struct link_draft_ids {
    int64_t mailing;
    uint64_t person;
    uint64_t revision;
};

/* The person of a link: a keyed hash of the address, the same for each spelling of it that
 * address_parse takes for one mailbox. */
uint64_t link_person(const struct token_key *key, const struct address *address);

/* The revision of a link: cut from a digest of `text`, whatever names the draft's text
 * exactly (the hash that an approval is bound to). */
uint64_t link_revision(const char *text);

/* <web>/draft/TOKEN: the page on which `person` sees the draft of a mailing and decides.
 * `revision` as for link_revision. ERR_LIMIT. */
int link_draft(const struct link_base *base, const struct token_key *key, int64_t mailing,
               const struct address *person, const char *revision, char out[LINK_TEXT],
               struct err *err);

/* Reads the TOKEN of such a link. ERR_INVALID. */
int link_draft_read(const struct token_key *key, const char *token, struct link_draft_ids *out,
                    struct err *err);
