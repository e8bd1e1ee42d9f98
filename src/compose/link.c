/* link.c - see teataja/compose/link.h. */
#include "teataja/compose/link.h"

#include <stdio.h>
#include <string.h>

#include "teataja/base/language.h"

struct link_base link_base_of(const struct site *site)
{
    return (struct link_base){.web = site->web.url,
                              .mode = site->addresses.mode,
                              .domain =
                                  site->addresses.domain != NULL ? site->addresses.domain : "",
                              .mailbox = site->addresses.mailbox.text};
}

int link_page(const struct link_base *base, const char *page, const struct token_key *key,
              const struct token *token, const char *answer, char out[LINK_TEXT], struct err *err)
{
    char text[TOKEN_TEXT];
    int len;

    token_write(key, token, text);
    len = snprintf(out, LINK_TEXT, "%s/%s/%s%s%s", base->web, page, text, answer != NULL ? "/" : "",
                   answer != NULL ? answer : "");
    return len < LINK_TEXT ? 0
                           : err_set(err, ERR_LIMIT,
                                     "web.url of teataja.yaml is too long for a "
                                     "link");
}

/* An address at which a token comes back: "b-TOKEN@domain", "bounce+b-TOKEN@...". */
static int token_address(const struct link_base *base, char kind, const char *token,
                         char out[LIMIT_ADDRESS + 1], struct err *err)
{
    const char *at = strrchr(base->mailbox, '@');
    char local[2 * LIMIT_ADDRESS];
    int len;

    if (base->mode == SITE_ADDRESS_CATCHALL) {
        (void)snprintf(local, sizeof(local), "%c-%s", kind, token);
        len = snprintf(out, LIMIT_ADDRESS + 1, "%s@%s", local, base->domain);
    } else {
        (void)snprintf(local, sizeof(local), "%.*s+%c-%s",
                       at != NULL ? (int)(at - base->mailbox) : 0, base->mailbox, kind, token);
        len = snprintf(out, LIMIT_ADDRESS + 1, "%s%s", local, at != NULL ? at : "@");
    }
    if (strlen(local) > LIMIT_LOCAL_PART || len > LIMIT_ADDRESS) {
        return err_set(err, ERR_LIMIT,
                       "addresses.mailbox of teataja.yaml: '%.80s' leaves no room for a token in "
                       "%d octets; use a shorter mailbox, or 'mode: single'",
                       base->mailbox, LIMIT_LOCAL_PART);
    }
    return 0;
}

int link_leave_mail(const struct link_base *base, const struct token_key *key,
                    const struct token *token, char out[LINK_TEXT], struct err *err)
{
    char text[TOKEN_TEXT];
    char address[LIMIT_ADDRESS + 1];
    int rc;

    token_write(key, token, text);
    if (base->mode == SITE_ADDRESS_SINGLE) {
        (void)snprintf(out, LINK_TEXT, "mailto:%s?subject=leave-%s", base->mailbox, text);
        return 0;
    }
    rc = token_address(base, 'u', text, address, err);
    if (rc == 0) {
        (void)snprintf(out, LINK_TEXT, "mailto:%s?subject=leave", address);
    }
    return rc;
}

int link_envelope(const struct link_base *base, const struct token_key *key, int64_t row,
                  char out[LIMIT_ADDRESS + 1], struct err *err)
{
    const struct token token = {.purpose = TOKEN_BOUNCE, .count = 1, .ids = {(uint64_t)row}};
    char text[TOKEN_TEXT];

    if (base->mode == SITE_ADDRESS_SINGLE) {
        (void)snprintf(out, LIMIT_ADDRESS + 1, "%s", base->mailbox);
        return 0;
    }
    token_write(key, &token, text);
    return token_address(base, 'b', text, out, err);
}

/* The first 60 bits of a hash as hexadecimal digits: a varint of nine bytes. */
static uint64_t first_bits(const char *hex)
{
    enum { DIGITS = 15 };
    uint64_t out = 0;

    for (size_t i = 0; i < DIGITS; i++) {
        unsigned digit = (unsigned)(hex[i] >= 'a' ? hex[i] - 'a' + 10 : hex[i] - '0');

        out = out << 4 | (digit & 15U);
    }
    return out;
}

uint64_t link_person(const struct token_key *key, const struct address *address)
{
    /* A word of its own in front: what is kept of an erased address is another hash. */
    char text[sizeof(address->key) + 8];
    char hash[33];
    int len = snprintf(text, sizeof(text), "draft\n%s", address->key);

    token_hash(key, text, (size_t)len, hash);
    return first_bits(hash);
}

uint64_t link_revision(const char *text)
{
    char hash[33];

    token_digest(text, strlen(text), hash);
    return first_bits(hash);
}

int link_draft(const struct link_base *base, const struct token_key *key, int64_t mailing,
               const struct address *person, const char *revision, char out[LINK_TEXT],
               struct err *err)
{
    const struct token token = {
        .purpose = TOKEN_DRAFT,
        .count = 3,
        .ids = {(uint64_t)mailing, link_person(key, person), link_revision(revision)}};

    return link_page(base, "draft", key, &token, NULL, out, err);
}

int link_draft_read(const struct token_key *key, const char *token, struct link_draft_ids *out,
                    struct err *err)
{
    struct token read;
    int rc = token_read(key, TOKEN_DRAFT, token, &read, err);

    if (rc == 0 && (read.count != 3 || read.ids[0] > INT64_MAX)) {
        rc = err_set(err, ERR_INVALID, "the token is not valid");
    }
    if (rc == 0) {
        *out = (struct link_draft_ids){
            .mailing = (int64_t)read.ids[0], .person = read.ids[1], .revision = read.ids[2]};
    }
    return rc;
}
