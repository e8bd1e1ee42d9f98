/* teataja/base/address.h - an e-mail address, parsed once.
 *
 * No other code takes an address apart or puts one on the wire: what is in a
 * `struct address` holds no CR, LF, NUL, control, space or angle bracket, so it
 * can stand in an SMTP command and in a header as it is.
 */
#pragma once

#include <stdbool.h>

#include "teataja/base/err.h"
#include "teataja/base/limits.h"

struct address {
    char text[LIMIT_ADDRESS + 1]; /* local@domain, domain as A-labels (IDNA 2008), lower case */
    char key[LIMIT_ADDRESS * 3 + 1]; /* folded for comparison: two spellings of one mailbox */
    bool smtputf8; /* the local part is not ASCII (RFC 6531) */
};

/* Parses an addr-spec (RFC 5321 Mailbox without quoted local parts and address
 * literals: no member has one, and both are ways in for an attacker). A
 * U-label domain is converted. White space around it is trimmed.
 * Returns 0, or ERR_INVALID with a message that says what is wrong with it,
 * such as "address 'a@b@c' has two '@'". */
int address_parse(const char *text, struct address *out, struct err *err);

/* The domain of a parsed address: a pointer into it. */
const char *address_domain(const struct address *address);

/* True for a mailbox provider that anybody can have an account at
 * (gmail.com, outlook.com, ...): no From of a bulk letter may be there. */
bool address_is_freemail(const struct address *address);
