/* teataja.yaml: loaded, and checked for what a table cannot say. */
#include "teataja/config/site.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "name_index.h"
#include "site_dkim.h"
#include "site_source.h"
#include "site_staff.h"
#include "teataja/base/suggest.h"

/* A URL without '/' at its end, so that a path can be put behind it. */
static int trim_url(struct arena *arena, const char **url, struct err *err)
{
    size_t len = *url ? strlen(*url) : 0;

    if (len == 0 || (*url)[len - 1] != '/') {
        return 0;
    }
    while (len > 0 && (*url)[len - 1] == '/') {
        len--;
    }
    *url = arena_strndup(arena, *url, len);
    return *url ? 0 : err_nomem(err);
}

/* Port digits behind the host; the default when there are none; 0 when wrong. */
static int parse_port(const char *text, size_t len, bool tls)
{
    long port = 0;

    if (len == 0) {
        return tls ? 465 : 587;
    }
    if (text[0] != ':' || len < 2 || len > 6) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if (!isdigit((unsigned char)text[i])) {
            return 0;
        }
        port = port * 10 + (text[i] - '0');
    }
    return port <= 65535 ? (int)port : 0;
}

/* Takes "smtp://host:port" apart. */
static int split_relay_url(struct arena *arena, struct site_relay *relay, struct report *report,
                           struct err *err)
{
    const char *host = strstr(relay->url, "://");
    size_t len, host_len;

    relay->tls = strncasecmp(relay->url, "smtps:", 6) == 0;
    host = host ? host + 3 : relay->url;
    len = strcspn(host, "/?#");
    if (host[len] && strcmp(host + len, "/") != 0) {
        yaml_problem(report, relay->node, "url",
                     "url: a relay has no path; write smtp://HOST:PORT");
    }
    if (host[0] == '[' && memchr(host, ']', len)) {
        host_len = (size_t)((const char *)memchr(host, ']', len) - host) + 1;
        relay->host = arena_strndup(arena, host + 1, host_len - 2);
    } else {
        host_len = strcspn(host, ":/?#");
        relay->host = arena_strndup(arena, host, host_len);
    }
    if (!relay->host) {
        return err_nomem(err);
    }
    relay->port = parse_port(host + host_len, len - host_len, relay->tls);
    if (relay->port == 0) {
        yaml_problem(report, relay->node, "url", "url: '%.*s' is not a port from 1 to 65535",
                     (int)(len - host_len), host + host_len);
    }
    if (!relay->name) {
        relay->name = arena_printf(arena, "%s:%d", relay->host, relay->port);
    }
    return relay->name ? 0 : err_nomem(err);
}

static bool is_this_machine(const char *host)
{
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           (strncmp(host, "127.", 4) == 0 && host[strspn(host, "0123456789.")] == '\0');
}

/* Each limit has a window of its own, and lets something of ours through. */
static void check_limits(const struct site_relay *relay, struct report *report)
{
    for (size_t i = 0; i < relay->limit_count; i++) {
        const struct site_limit *limit = &relay->limits[i];

        if (limit->rate.count == 0) {
            continue; /* unlimited, or the schema has said what is wrong with it */
        }
        if (limit->reserve >= limit->rate.count) {
            yaml_problem(report, limit->node, "reserve",
                         "reserve: %" PRId64 " of %" PRId64 " leaves nothing for letters",
                         limit->reserve, limit->rate.count);
        }
        for (size_t k = 0; k < i; k++) {
            if (relay->limits[k].rate.micros == limit->rate.micros) {
                yaml_problem(report, limit->node, "rate",
                             "there are two limits of the same length of time");
            }
        }
    }
}

static int check_relay(struct arena *arena, struct site *site, size_t index, struct report *report,
                       struct err *err)
{
    struct site_relay *relay = &site->relays[index];
    int rc;

    if (!relay->url) {
        return 0;
    }
    rc = split_relay_url(arena, relay, report, err);
    if (rc < 0) {
        return rc;
    }
    if (schema_has(relay->node, "user") != schema_has(relay->node, "password")) {
        yaml_problem(report, relay->node, relay->user ? "user" : "password",
                     "a login needs both 'user' and 'password'");
    }
    if (relay->tls && schema_has(relay->node, "starttls")) {
        yaml_problem(report, relay->node, "starttls",
                     "starttls: an smtps:// relay has TLS from the first byte; leave the key out");
    }
    if (!relay->tls && relay->user && relay->starttls != RELAY_STARTTLS_REQUIRED &&
        !is_this_machine(relay->host)) {
        yaml_problem(report, relay->node, "starttls",
                     "starttls: the password would go out in the clear; write 'required'");
    }
    for (size_t i = 0; i < index; i++) {
        if (site->relays[i].name && strcmp(site->relays[i].name, relay->name) == 0) {
            yaml_problem(report, relay->node, "name", "there are two relays '%s'", relay->name);
        }
    }
    check_limits(relay, report);
    return 0;
}

static int check_addresses(struct arena *arena, struct site_addresses *addresses,
                           struct report *report, struct err *err)
{
    char name[LIMIT_DOMAIN + 1];
    struct err own = {0};
    bool domain = addresses->mode == SITE_ADDRESS_CATCHALL;

    if (!schema_has(addresses->node, "mode")) {
        return 0;
    }
    if (domain != schema_has(addresses->node, "domain")) {
        yaml_problem(report, addresses->node, "domain",
                     domain ? "mode 'catchall' needs 'domain'"
                            : "'domain' goes with mode 'catchall' only");
    }
    if (domain == schema_has(addresses->node, "mailbox")) {
        yaml_problem(report, addresses->node, "mailbox",
                     domain ? "'mailbox' goes with the modes 'plus' and 'single' only"
                            : "modes 'plus' and 'single' need 'mailbox'");
    }
    if (!domain && strchr(addresses->mailbox.text, '+')) {
        yaml_problem(report, addresses->node, "mailbox",
                     "mailbox: the part before '@' holds no '+' of its own");
    }
    if (!addresses->domain) {
        return 0;
    }
    if (site_domain_parse(addresses->domain, name, &own) < 0) {
        yaml_problem(report, addresses->node, "domain", "domain: %s", own.msg);
        return 0;
    }
    addresses->domain = arena_strdup(arena, name);
    return addresses->domain ? 0 : err_nomem(err);
}

/* A slug is found with '-', '_' or a space between its words. */
static int index_slug(struct arena *arena, struct name_index *index, const struct schema_term *term,
                      struct err *err)
{
    int rc = name_index_add(arena, index, term->slug, term, err);

    for (const char *mark = "-_ "; rc == 0 && *mark; mark++) {
        char *other = arena_strdup(arena, term->slug);

        if (!other) {
            return err_nomem(err);
        }
        for (char *at = other; *at; at++) {
            *at = strchr("-_", *at) ? *mark : *at;
        }
        rc = strcmp(other, term->slug) == 0 ? 0 : name_index_add(arena, index, other, term, err);
    }
    return rc;
}

/* Builds the index of a vocabulary and reports a name that two words have. */
static int index_vocabulary(struct arena *arena, struct vocabulary *vocabulary, const char *what,
                            struct report *report, struct err *err)
{
    struct name_index *index = name_index_new(arena);
    int rc = 0;

    if (!index) {
        return err_nomem(err);
    }
    for (size_t i = 0; rc == 0 && i < vocabulary->count; i++) {
        const struct schema_term *term = &vocabulary->items[i];

        if (term->slug) {
            rc = index_slug(arena, index, term, err);
        }
        if (rc == 0) {
            rc = name_index_add_all(arena, index, &term->name, term, err);
        }
    }
    if (rc < 0) {
        return rc;
    }
    name_index_sort(index);
    for (size_t i = 1; i < index->count; i++) {
        const struct name_entry *one = &index->entries[i - 1], *two = &index->entries[i];

        if (one->thing != two->thing && strcmp(one->folded, two->folded) == 0) {
            const struct schema_term *first = one->thing, *second = two->thing;

            yaml_problem(report, second->node, "", "'%s' is a name of the %s '%s' already",
                         two->name, what, first->slug);
        }
    }
    vocabulary->names = index;
    return 0;
}

static int check(struct arena *arena, struct site *site, struct report *report, struct err *err)
{
    struct site_vocabularies *words = &site->vocabularies;
    int rc = 0;

    if (site->office.address.text[0] && address_is_freemail(&site->office.address)) {
        yaml_problem(report, site->office.node, "address",
                     "address: letters cannot come from %s, where anybody can have a mailbox; use "
                     "an address of your own domain",
                     address_domain(&site->office.address));
    }
    for (size_t i = 0; rc == 0 && i < site->relay_count; i++) {
        rc = check_relay(arena, site, i, report, err);
    }
    rc = rc < 0 ? rc : site_dkim_settle(arena, site, report, err);
    for (size_t i = 0; i < site->list_count; i++) {
        bool named = false;

        for (int l = 0; l < LANG_COUNT; l++) {
            named = named || site->lists[i].controller.text[l];
        }
        if (!named) {
            site->lists[i].controller = site->name;
        }
    }
    site_source_settle(site, report);
    site_staff_settle(site, report);
    rc = rc < 0 ? rc : check_addresses(arena, &site->addresses, report, err);
    rc = rc < 0 ? rc : trim_url(arena, &site->url, err);
    rc = rc < 0 ? rc : trim_url(arena, &site->web.url, err);
    rc = rc < 0 ? rc : index_vocabulary(arena, &words->sectors, "sector", report, err);
    rc = rc < 0 ? rc : index_vocabulary(arena, &words->kinds, "kind", report, err);
    rc = rc < 0 ? rc : index_vocabulary(arena, &words->tags, "tag", report, err);
    return rc;
}

int site_load(struct arena *arena, const char *folder, struct report *report, struct site *out,
              struct err *err)
{
    const struct yaml_node *root;
    size_t before = report_errors(report);
    int rc;

    memset(out, 0, sizeof(*out));
    rc = yaml_read(arena, folder, SITE_FILE, report, &root, err);
    if (rc < 0) {
        return rc;
    }
    rc = schema_fill(arena, &site_schema, root, SCHEMA_WHOLE, report, out, err);
    if (rc == ERR_NOMEM) {
        return rc;
    }
    rc = check(arena, out, report, err);
    if (rc < 0) {
        return rc;
    }
    return report_errors(report) > before ? report_check(report, err) : 0;
}

const struct site_list *site_list_find(const struct site *site, const char *slug)
{
    for (size_t i = 0; slug && i < site->list_count; i++) {
        if (site->lists[i].slug && strcmp(site->lists[i].slug, slug) == 0) {
            return &site->lists[i];
        }
    }
    return NULL;
}

const struct site_attribute *site_attribute_find(const struct site *site, const char *key)
{
    for (size_t i = 0; key && i < site->attribute_count; i++) {
        if (site->attributes[i].key && strcmp(site->attributes[i].key, key) == 0) {
            return &site->attributes[i];
        }
    }
    return NULL;
}

const struct site_relay *site_relay_find(const struct site *site, const char *name)
{
    for (size_t i = 0; name && i < site->relay_count; i++) {
        if (site->relays[i].name && strcmp(site->relays[i].name, name) == 0) {
            return &site->relays[i];
        }
    }
    return NULL;
}

bool site_has_language(const struct site *site, enum language language)
{
    for (size_t i = 0; i < site->language_count; i++) {
        if (site->languages[i] == language) {
            return true;
        }
    }
    return false;
}

const struct schema_term *site_term_find(const struct vocabulary *vocabulary, const char *text,
                                         struct err *err)
{
    return name_index_find(vocabulary->names, text, err);
}

/* Every word of a vocabulary that is short enough to be told. */
static const char *tell_terms(const struct vocabulary *vocabulary, struct suggest *suggest)
{
    size_t len = 0;

    for (size_t i = 0; i < vocabulary->count && len < sizeof(suggest->hint); i++) {
        len += (size_t)snprintf(suggest->hint + len, sizeof(suggest->hint) - len, "%s%s",
                                i == 0 ? "; it is one of " : ", ", vocabulary->items[i].slug);
    }
    if (len > SITE_TERMS_TOLD) {
        suggest->hint[0] = '\0';
    }
    return suggest->hint;
}

const char *site_term_hint(const struct vocabulary *vocabulary, const char *text,
                           struct suggest *suggest)
{
    suggest_start(suggest, text);
    for (size_t i = 0; i < vocabulary->count; i++) {
        suggest_offer(suggest, vocabulary->items[i].slug);
    }
    for (size_t i = 0; vocabulary->names && i < vocabulary->names->count; i++) {
        suggest_offer(suggest, vocabulary->names->entries[i].name);
    }
    return suggest->best ? suggest_hint(suggest) : tell_terms(vocabulary, suggest);
}

int site_check_terms(const struct vocabulary *vocabulary, const char *what,
                     const char *const *slugs, size_t count, const struct yaml_node *node,
                     const char *key, struct report *report, struct err *err)
{
    const struct yaml_node *list = yaml_get(node, key);
    struct err own = {0};

    for (size_t i = 0; i < count; i++) {
        const struct yaml_node *at = list;
        struct suggest suggest;

        if (!slugs[i] || site_term_find(vocabulary, slugs[i], &own)) {
            continue;
        }
        if (own.code == ERR_NOMEM) {
            return err_nomem(err);
        }
        for (size_t j = 0; list && list->kind == YAML_SEQUENCE && j < list->count; j++) {
            at = strcmp(list->items[j]->text, slugs[i]) == 0 ? list->items[j] : at;
        }
        yaml_problem(report, at ? at : node, "", "no %s '%s'%s", what, slugs[i],
                     site_term_hint(vocabulary, slugs[i], &suggest));
    }
    return 0;
}
