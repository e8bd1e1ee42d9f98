/* teataja/config/site.h - teataja.yaml: what holds for the whole site.
 *
 * Every struct's `node` is where it stands in the file, for yaml_problem.
 * Names of time zones are checked in form only: calendar/zone.h knows them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/address.h"
#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/language.h"
#include "teataja/base/quantity.h"
#include "teataja/base/report.h"
#include "teataja/base/schema.h"
#include "teataja/base/yaml.h"
#include "teataja/config/source.h"

#define SITE_FILE "teataja.yaml"

enum site_basis {
    SITE_BASIS_CONSENT,
    SITE_BASIS_MEMBERSHIP,
    SITE_BASIS_PUBLIC_TASK,
    SITE_BASIS_LEGITIMATE_INTEREST
};

/* What one subscribes to. */
struct site_list {
    const struct yaml_node *node;
    const char *slug;
    struct lang_text name; /* given */
    struct lang_text description;
    struct lang_text controller; /* who answers for the data; default: the site's name */
    const char *privacy_url;     /* NULL if none */
    int basis;                   /* of enum site_basis: the usual one of its subscriptions */
    bool public;                 /* offered on the public pages */
};

enum relay_starttls { RELAY_STARTTLS_REQUIRED, RELAY_STARTTLS_OPTIONAL, RELAY_STARTTLS_OFF };
enum relay_pipelining { RELAY_PIPELINING_FULL, RELAY_PIPELINING_ENVELOPE, RELAY_PIPELINING_OFF };

struct relay_timeouts {
    const struct yaml_node *node;
    int64_t connect;   /* microseconds, as all below */
    int64_t reply;     /* to every command but the final dot */
    int64_t final_dot; /* RFC 5321 section 4.5.3.2.6: 10 minutes */
};

/* Most messages in any window of a time. */
struct site_limit {
    const struct yaml_node *node;
    struct rate rate; /* count 0: no limit */
    int64_t reserve;  /* of them: for other mail through the same account */
};

/* A mail server that takes our letters; the first is used first. */
struct site_relay {
    const struct yaml_node *node;
    const char *name;     /* slug; "host:port" when not given */
    const char *url;      /* smtp://host:port or smtps://host:port */
    const char *host;     /* from url; without brackets if an IPv6 address */
    int port;             /* 587 or 465 when not given */
    bool tls;             /* smtps: TLS from the first byte */
    int starttls;         /* of enum relay_starttls; without meaning when `tls` */
    const char *ca_file;  /* NULL: the system's; as config_path gives it a path */
    const char *user;     /* NULL: no login */
    const char *password; /* reference for config_secret; given if and only if user is */
    int64_t connections;
    int64_t messages_per_connection;
    int pipelining; /* of enum relay_pipelining */
    struct relay_timeouts timeouts;
    struct rate rate; /* pace of each process; count 0: unlimited */
    struct site_limit *limits;
    size_t limit_count;
};

/* When to give up. */
struct site_delivery {
    const struct yaml_node *node;
    int64_t max_age; /* microseconds: a row that was put off for longer fails */
    int halt_after;  /* hundredths of a percent of permanent failures at which a mailing halts */
};

/* A key that signs the mail of a domain (RFC 6376). */
struct site_dkim {
    const struct yaml_node *node;
    const char *domain;   /* as A-labels, lower case */
    const char *selector; /* lower case; never twice with one domain */
    const char *key_file; /* a path for config_path */
};

/* How an answer finds its way back: see "Mail rules" in the manual. */
enum site_address_mode {
    SITE_ADDRESS_CATCHALL, /* anything@domain is ours: b-TOKEN@domain */
    SITE_ADDRESS_PLUS,     /* one mailbox with +: bounce+TOKEN@... */
    SITE_ADDRESS_SINGLE    /* one mailbox: matched by Message-ID and recipient */
};

struct site_addresses {
    const struct yaml_node *node;
    int mode;               /* of enum site_address_mode */
    const char *domain;     /* catchall: given, as A-labels; else NULL */
    struct address mailbox; /* plus and single: given; else text is "" */
};

/* People who answer. */
struct site_office {
    const struct yaml_node *node;
    struct lang_text name;
    struct address address; /* ORGANIZER of invitations, and Reply-To of last resort */
    const char *phone;      /* NULL if none */
};

enum site_staff_role { SITE_STAFF_ADMIN, SITE_STAFF_EDITOR };

/* Who looks after the site and is told by mail how it goes (compose/staff.h). */
struct site_staff {
    const struct yaml_node *node;
    struct address address;
    const char *name;       /* NULL if none */
    enum language language; /* default: the site's first */
    int *roles;             /* of enum site_staff_role; at least one */
    size_t role_count;
};

struct site_web {
    const struct yaml_node *node;
    const char *url;            /* base of links to our own pages, without '/' at the end */
    const char *listen;         /* "127.0.0.1:8080" or "unix:PATH": web/server.h checks it */
    const char *const *proxies; /* addresses of web servers that stand in front of us */
    size_t proxy_count;
};

enum site_role { SITE_ROLE_SCHEDULE, SITE_ROLE_DELIVER, SITE_ROLE_WEB, SITE_ROLES };

#define SITE_SCHEDULERS 4 /* processes of the role schedule, at most */

/* The daemon. */
struct site_serve {
    const struct yaml_node *node;
    int *roles; /* of enum site_role */
    size_t role_count;
    const char *metrics; /* as web.listen: server.h checks it; "none" */
    int log;             /* of enum log_level */
    int64_t schedulers;  /* processes of the role schedule */
};

struct name_index;

/* Words with names in languages; see site_term_find and schema_term_name. */
struct vocabulary {
    struct schema_term *items;
    size_t count;
    const struct name_index *names;
};

enum site_attribute_type {
    SITE_ATTRIBUTE_TEXT,
    SITE_ATTRIBUTE_INT,
    SITE_ATTRIBUTE_DATE,
    SITE_ATTRIBUTE_BOOL
};

/* A free attribute of members: attr.NAME in segments. */
struct site_attribute {
    const struct yaml_node *node;
    const char *key; /* [a-z][a-z0-9_]* */
    int type;        /* of enum site_attribute_type */
    struct lang_text name;
};

struct site_vocabularies {
    const struct yaml_node *node;
    struct vocabulary sectors; /* empty if none are declared */
    struct vocabulary kinds;   /* default: individual, self_employed, company_sme, ... */
    struct vocabulary tags;    /* empty: any slug is a tag */
};

/* Header names of imported files that mean a field of members. */
struct site_column {
    const struct yaml_node *node;
    const char *field;
    const char *const *headers;
    size_t header_count;
};

struct site_import {
    const struct yaml_node *node;
    struct site_column *columns;
    size_t column_count;
};

struct site {
    const struct yaml_node *node;
    struct lang_text name;
    const char *url;                 /* the organisation's own web site; NULL if none */
    struct lang_text postal_address; /* lines; stands in every letter */
    enum language *languages;        /* at least one; the first is that of <slug>.md */
    size_t language_count;
    const char *timezone;  /* IANA name */
    const char *country;   /* ISO 3166-1 alpha-2: whose public holidays count; NULL if none */
    const char *database;  /* a path for config_path; default var/teataja.db */
    const char *token_key; /* reference for config_secret; default file:var/token.key */
    struct site_office office;
    struct site_staff *staff; /* may be none: the office's address is told then */
    size_t staff_count;
    struct site_list *lists;
    size_t list_count;
    struct site_relay *relays; /* may be none: sending says so */
    size_t relay_count;
    struct site_delivery delivery;
    struct site_dkim *dkim; /* may be none: mail is not signed */
    size_t dkim_count;
    struct site_source *sources; /* calendars of others, in the file's order */
    size_t source_count;
    struct site_addresses addresses;
    struct site_web web;
    struct site_serve serve;
    struct site_vocabularies vocabularies;
    struct site_attribute *attributes;
    size_t attribute_count;
    struct site_import import;
};

/* Reads folder/teataja.yaml. Problems go into `report` (not NULL); what was right
 * is filled in even then. Returns 0, ERR_INVALID, ERR_NOMEM, or what kept the
 * file from being read. config_load calls it. */
int site_load(struct arena *arena, const char *folder, struct report *report, struct site *out,
              struct err *err);

/* NULL if there is no such list, attribute, relay. */
const struct site_list *site_list_find(const struct site *site, const char *slug);
const struct site_attribute *site_attribute_find(const struct site *site, const char *key);
const struct site_relay *site_relay_find(const struct site *site, const char *name);

/* NULL if nobody of the staff has this address. */
const struct site_staff *site_staff_find(const struct site *site, const struct address *address);
bool site_staff_has(const struct site_staff *staff, enum site_staff_role role);

/* Writes a domain as A-labels in lower case. ERR_INVALID: "'no domain' is not a
 * domain". */
int site_domain_parse(const char *text, char out[LIMIT_DOMAIN + 1], struct err *err);

/* Checks that a selector is labels of letters, digits and hyphens, and that
 * SELECTOR._domainkey.DOMAIN is a name that the DNS can have. */
int site_selector_check(const char *selector, const char *domain, struct err *err);

/* True if it is one of the site's languages. */
bool site_has_language(const struct site *site, enum language language);

/* The term whose slug or name in any language is `text`, folded ('_', '-' and a
 * space in slugs mean the same). NULL if there is none, or for lack of memory: only
 * then err (NULL is fine) is set, to ERR_NOMEM. */
const struct schema_term *site_term_find(const struct vocabulary *vocabulary, const char *text,
                                         struct err *err);

/* For a text that is no term: "; did you mean 'music'?" by every slug and name; else all slugs
 * of a small vocabulary, "; it is one of art, design, music"; else "". Lives in *suggest, which is
 * begun here. */
#define SITE_TERMS_TOLD 150 /* bytes of such a list */
struct suggest;
const char *site_term_hint(const struct vocabulary *vocabulary, const char *text,
                           struct suggest *suggest);

/* Checks that `count` slugs are of the vocabulary and reports each that is not,
 * at `key` of `node`: "no sector 'musik'; did you mean 'music'?". `what` is
 * "sector". Returns 0 even then, or ERR_NOMEM. */
int site_check_terms(const struct vocabulary *vocabulary, const char *what,
                     const char *const *slugs, size_t count, const struct yaml_node *node,
                     const char *key, struct report *report, struct err *err);

/* The table behind teataja.yaml, for the sample and the manual. */
extern const struct schema site_schema;
