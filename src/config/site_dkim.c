/* Keys that sign mail: domain and selector. See site_dkim.h. */
#include "site_dkim.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define BETWEEN "._domainkey."

enum { LABEL = 63 }; /* most octets of one (RFC 1035 section 2.3.4) */

int site_domain_parse(const char *text, char out[LIMIT_DOMAIN + 1], struct err *err)
{
    char mailbox[LIMIT_DOMAIN + 3];
    struct address address;

    if (strlen(text) <= LIMIT_DOMAIN) {
        (void)snprintf(mailbox, sizeof(mailbox), "b@%s", text);
        if (address_parse(mailbox, &address, NULL) == 0) {
            (void)snprintf(out, LIMIT_DOMAIN + 1, "%s", address_domain(&address));
            return 0;
        }
    }
    return err_set(err, ERR_INVALID, "'%s' is not a domain", text);
}

/* RFC 6376 section 3.1: labels as of a domain, between dots. */
static bool is_selector(const char *text)
{
    for (;;) {
        size_t len = strcspn(text, ".");

        if (len == 0 || len > LABEL || text[0] == '-' || text[len - 1] == '-') {
            return false;
        }
        for (size_t i = 0; i < len; i++) {
            if (!(isascii((unsigned char)text[i]) && isalnum((unsigned char)text[i])) &&
                text[i] != '-') {
                return false;
            }
        }
        if (text[len] == '\0') {
            return true;
        }
        text += len + 1;
    }
}

int site_selector_check(const char *selector, const char *domain, struct err *err)
{
    if (!is_selector(selector)) {
        return err_set(err, ERR_INVALID,
                       "'%s' is not a selector: it is letters, digits and hyphens, such as 's2026'",
                       selector);
    }
    if (strlen(selector) + strlen(BETWEEN) + strlen(domain) > LIMIT_DOMAIN) {
        return err_set(err, ERR_INVALID,
                       "with the domain the name in the DNS is longer than its %d characters",
                       LIMIT_DOMAIN);
    }
    return 0;
}

static int settle_one(struct arena *arena, struct site_dkim *key, struct report *report,
                      struct err *err)
{
    char domain[LIMIT_DOMAIN + 1];
    struct err own = {0};
    char *selector;

    if (site_domain_parse(key->domain, domain, &own) < 0) {
        yaml_problem(report, key->node, "domain", "domain: %s", own.msg);
        return 0;
    }
    key->domain = arena_strdup(arena, domain);
    selector = arena_strdup(arena, key->selector);
    if (!key->domain || !selector) {
        return err_nomem(err);
    }
    for (char *at = selector; *at; at++) {
        *at = (char)tolower((unsigned char)*at);
    }
    key->selector = selector;
    if (site_selector_check(selector, domain, &own) < 0) {
        yaml_problem(report, key->node, "selector", "selector: %s", own.msg);
    }
    return 0;
}

int site_dkim_settle(struct arena *arena, struct site *site, struct report *report, struct err *err)
{
    for (size_t i = 0; i < site->dkim_count; i++) {
        struct site_dkim *key = &site->dkim[i];

        if (!key->domain || !key->selector) {
            continue;
        }
        if (settle_one(arena, key, report, err) < 0) {
            return err->code;
        }
        for (size_t j = 0; j < i; j++) {
            const struct site_dkim *other = &site->dkim[j];

            if (other->domain && other->selector && strcmp(other->domain, key->domain) == 0 &&
                strcmp(other->selector, key->selector) == 0) {
                yaml_problem(report, key->node, "selector",
                             "%s has a key with the selector '%s' already", key->domain,
                             key->selector);
            }
        }
    }
    return 0;
}
