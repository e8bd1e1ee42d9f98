/* The table of teataja.yaml. */
#include "site_source.h"
#include "site_staff.h"
#include "teataja/base/clock.h"
#include "teataja/base/log.h"
#include "teataja/config/site.h"

static const struct schema_choice web_urls[] = {
    {"http", 0, NULL}, {"https", 0, NULL}, {NULL, 0, NULL}};

static const struct schema_choice relay_urls[] = {
    {"smtp", 0, NULL}, {"smtps", 0, NULL}, {NULL, 0, NULL}};

static const struct schema_choice bases[] = {
    {"consent", SITE_BASIS_CONSENT, "the member said yes, and there is a record of it"},
    {"membership", SITE_BASIS_MEMBERSHIP, "the letter belongs to being a member"},
    {"public_task", SITE_BASIS_PUBLIC_TASK, "a task in the public interest"},
    {"legitimate_interest", SITE_BASIS_LEGITIMATE_INTEREST, "weighed and written down"},
    {NULL, 0, NULL},
};

static const struct schema_choice starttls[] = {
    {"required", RELAY_STARTTLS_REQUIRED, "no TLS, no mail"},
    {"optional", RELAY_STARTTLS_OPTIONAL, "used when the server offers it"},
    {"off", RELAY_STARTTLS_OFF, "for a server on the same machine"},
    {NULL, 0, NULL},
};

static const struct schema_choice pipelining[] = {
    {"full", RELAY_PIPELINING_FULL, "a message and the next envelope in one flight"},
    {"envelope", RELAY_PIPELINING_ENVELOPE, "the commands of one envelope together"},
    {"off", RELAY_PIPELINING_OFF, "every command waits for its answer"},
    {NULL, 0, NULL},
};

static const struct schema_choice address_modes[] = {
    {"catchall", SITE_ADDRESS_CATCHALL, "a domain all of whose addresses are ours"},
    {"plus", SITE_ADDRESS_PLUS, "one mailbox that takes mailbox+anything@"},
    {"single", SITE_ADDRESS_SINGLE, "one plain mailbox"},
    {NULL, 0, NULL},
};

static const struct schema_choice attribute_types[] = {
    {"text", SITE_ATTRIBUTE_TEXT, NULL},
    {"int", SITE_ATTRIBUTE_INT, NULL},
    {"date", SITE_ATTRIBUTE_DATE, NULL},
    {"bool", SITE_ATTRIBUTE_BOOL, NULL},
    {NULL, 0, NULL},
};

static const struct schema_field list_fields[] = {
    {.key = "slug", .type = SCHEMA_SLUG, .flags = SCHEMA_IS_KEY, SCHEMA_AT(site_list, slug)},
    {.key = "name",
     .type = SCHEMA_BY_LANGUAGE,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(site_list, name),
     .max = LIMIT_NAME,
     .help = "What subscribers see.",
     .example = "{ et: Rahastusvõimalused, en: Funding }"},
    {.key = "description",
     .type = SCHEMA_BY_LANGUAGE,
     SCHEMA_AT(site_list, description),
     .help = "What comes, and how often.",
     .example = "{ et: Kord kuus, en: Once a month }"},
    {.key = "controller",
     .type = SCHEMA_BY_LANGUAGE,
     SCHEMA_AT(site_list, controller),
     .max = LIMIT_NAME,
     .help = "Who answers for the members' data; the site's name if not given.",
     .example = "MTÜ Loomeklaster"},
    {.key = "privacy_url",
     .type = SCHEMA_URL,
     SCHEMA_AT(site_list, privacy_url),
     .choices = web_urls,
     .help = "Where the privacy notice stands.",
     .example = "https://www.cluster.example/privacy"},
    {.key = "basis",
     .type = SCHEMA_CHOICE,
     SCHEMA_AT(site_list, basis),
     .choices = bases,
     .fallback = "consent",
     .help = "Why we may write to its subscribers."},
    {.key = "public",
     .type = SCHEMA_BOOL,
     SCHEMA_AT(site_list, public),
     .fallback = "true",
     .help = "Whether the public pages offer it."},
};
static const struct schema list_schema =
    SCHEMA_SHORT("list", struct site_list, list_fields, "name");

static const struct schema_field timeout_fields[] = {
    {.key = "connect",
     .type = SCHEMA_DURATION,
     SCHEMA_AT(relay_timeouts, connect),
     .min = CLOCK_SECOND,
     .max = CLOCK_HOUR,
     .fallback = "30 s",
     .help = "For the connection, its TLS and the login."},
    {.key = "reply",
     .type = SCHEMA_DURATION,
     SCHEMA_AT(relay_timeouts, reply),
     .min = CLOCK_SECOND,
     .max = CLOCK_HOUR,
     .fallback = "5 min",
     .help = "For the answer to a command."},
    {.key = "final_dot",
     .type = SCHEMA_DURATION,
     SCHEMA_AT(relay_timeouts, final_dot),
     .min = CLOCK_SECOND,
     .max = CLOCK_HOUR,
     .fallback = "10 min",
     .help = "For the answer to a whole message. Too short a time makes duplicates."},
};
static const struct schema timeout_schema =
    SCHEMA("timeouts", struct relay_timeouts, timeout_fields);

static const struct schema_field limit_fields[] = {
    {.key = "rate",
     .type = SCHEMA_RATE,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(site_limit, rate),
     .help = "So many in any second, minute, hour or day.",
     .example = "300/hour"},
    {.key = "reserve",
     .type = SCHEMA_INT,
     SCHEMA_AT(site_limit, reserve),
     .min = 0,
     .max = 1000000000,
     .fallback = "0",
     .help = "So many of them are left for the office's own mail."},
};
static const struct schema limit_schema =
    SCHEMA_SHORT("limit", struct site_limit, limit_fields, "rate");

static const struct schema_field relay_fields[] = {
    {.key = "url",
     .type = SCHEMA_URL,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(site_relay, url),
     .choices = relay_urls,
     .help = "smtp://HOST:PORT, or smtps:// for TLS from the first byte.",
     .example = "smtp://mail.cluster.example:587"},
    {.key = "name",
     .type = SCHEMA_SLUG,
     SCHEMA_AT(site_relay, name),
     .help = "What the ledger calls it; the host and port if not given.",
     .example = "main"},
    {.key = "starttls",
     .type = SCHEMA_CHOICE,
     SCHEMA_AT(site_relay, starttls),
     .choices = starttls,
     .fallback = "required",
     .help = "TLS on a connection that begins without."},
    {.key = "ca_file",
     .type = SCHEMA_FILE,
     SCHEMA_AT(site_relay, ca_file),
     .help = "Certificates to trust instead of the system's.",
     .example = "/etc/ssl/certs/ca-certificates.crt"},
    {.key = "user",
     .type = SCHEMA_TEXT,
     SCHEMA_AT(site_relay, user),
     .max = LIMIT_NAME,
     .help = "Login name.",
     .example = "teataja"},
    {.key = "password",
     .type = SCHEMA_SECRET,
     SCHEMA_AT(site_relay, password),
     .help = "Where the password is: file:PATH or env:NAME, never the password itself.",
     .example = "env:TEATAJA_SMTP_PASSWORD"},
    {.key = "connections",
     .type = SCHEMA_INT,
     SCHEMA_AT(site_relay, connections),
     .min = 1,
     .max = 64,
     .fallback = "2",
     .help = "Connections at a time."},
    {.key = "messages_per_connection",
     .type = SCHEMA_INT,
     SCHEMA_AT(site_relay, messages_per_connection),
     .min = 1,
     .max = 1000000,
     .fallback = "100",
     .help = "After so many messages a connection is closed and opened again."},
    {.key = "pipelining",
     .type = SCHEMA_CHOICE,
     SCHEMA_AT(site_relay, pipelining),
     .choices = pipelining,
     .fallback = "full",
     .help = "How much is sent ahead to a server that offers PIPELINING."},
    {.key = "timeouts",
     .type = SCHEMA_MAP,
     SCHEMA_AT(site_relay, timeouts),
     .sub = &timeout_schema,
     .help = "How long to wait for the server."},
    {.key = "rate",
     .type = SCHEMA_RATE,
     SCHEMA_AT(site_relay, rate),
     .fallback = "unlimited",
     .help = "The pace: messages in a time, evenly, over the connections of a process.",
     .example = "20/s"},
    {.key = "limits",
     .type = SCHEMA_MAP,
     .flags = SCHEMA_LIST | SCHEMA_OR_ONE,
     SCHEMA_ARRAY(site_relay, limits, limit_count),
     .sub = &limit_schema,
     .help = "What the relay allows: no window of that length ever has more, whatever is "
             "restarted. A rate, or a rate with a reserve.",
     .example = "[30/minute, { rate: 300/hour, reserve: 60 }, 10000/day]"},
};
static const struct schema relay_schema =
    SCHEMA_SHORT("relay", struct site_relay, relay_fields, "url");

static const struct schema_field delivery_fields[] = {
    {.key = "max_age",
     .type = SCHEMA_DURATION,
     SCHEMA_AT(site_delivery, max_age),
     .min = CLOCK_HOUR,
     .max = 30 * CLOCK_DAY,
     .fallback = "3 days",
     .help = "Who could not be served for so long fails, with the last answer kept."},
    {.key = "halt_after",
     .type = SCHEMA_PERCENT,
     SCHEMA_AT(site_delivery, halt_after),
     .fallback = "10%",
     .help = "A mailing halts when more of its answers, of at least 20, are refusals for good; "
             "100% never halts."},
};
static const struct schema delivery_schema =
    SCHEMA("delivery", struct site_delivery, delivery_fields);

static const struct schema_field dkim_fields[] = {
    {.key = "domain",
     .type = SCHEMA_TEXT,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(site_dkim, domain),
     .max = LIMIT_DOMAIN,
     .help = "Of the senders whose mail it signs; those of domains below it too, if they have no "
             "key of their own.",
     .example = "cluster.example"},
    {.key = "selector",
     .type = SCHEMA_TEXT,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(site_dkim, selector),
     .max = LIMIT_DOMAIN,
     .help = "The name of the key: its record stands at SELECTOR._domainkey.DOMAIN.",
     .example = "s2026"},
    {.key = "key_file",
     .type = SCHEMA_FILE,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(site_dkim, key_file),
     .help = "The private key (PEM, RSA or Ed25519); 'teataja dkim keygen' makes one.",
     .example = "var/s2026.cluster.example.pem"},
};
static const struct schema dkim_schema = SCHEMA("dkim", struct site_dkim, dkim_fields);

static const struct schema_field address_fields[] = {
    {.key = "mode",
     .type = SCHEMA_CHOICE,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(site_addresses, mode),
     .choices = address_modes,
     .help = "How an answer or a bounce finds its way back:",
     .example = "plus"},
    {.key = "domain",
     .type = SCHEMA_TEXT,
     SCHEMA_AT(site_addresses, domain),
     .max = LIMIT_DOMAIN,
     .help = "With catchall: the domain.",
     .example = "bounce.cluster.example"},
    {.key = "mailbox",
     .type = SCHEMA_EMAIL,
     .flags = SCHEMA_SHOWN,
     SCHEMA_AT(site_addresses, mailbox),
     .help = "With plus and single: the mailbox.",
     .example = "bounce@cluster.example"},
};
static const struct schema address_schema =
    SCHEMA("addresses", struct site_addresses, address_fields);

static const struct schema_field office_fields[] = {
    {.key = "name",
     .type = SCHEMA_BY_LANGUAGE,
     SCHEMA_AT(site_office, name),
     .max = LIMIT_NAME,
     .help = "As senders and organizers are shown; the site's name if not given.",
     .example = "{ et: Loomeklastri büroo, en: Cluster office }"},
    {.key = "address",
     .type = SCHEMA_EMAIL,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(site_office, address),
     .help = "A mailbox that people read; organizer of invitations.",
     .example = "office@cluster.example"},
    {.key = "phone",
     .type = SCHEMA_TEXT,
     SCHEMA_AT(site_office, phone),
     .max = 40,
     .help = "Shown below letters.",
     .example = "+372 5550 0000"},
};
static const struct schema office_schema =
    SCHEMA_SHORT("office", struct site_office, office_fields, "address");

static const struct schema_field web_fields[] = {
    {.key = "url",
     .type = SCHEMA_URL,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(site_web, url),
     .choices = web_urls,
     .help = "What links to leave, to preferences and to answers begin with.",
     .example = "https://letters.cluster.example"},
    {.key = "listen",
     .type = SCHEMA_TEXT,
     SCHEMA_AT(site_web, listen),
     .max = 120,
     .fallback = "127.0.0.1:8080",
     .help = "Where 'teataja web' takes requests: an address of this machine and a port, or "
             "unix:PATH. nginx or Caddy stands in front of it and has the certificate."},
    {.key = "trusted_proxies",
     .type = SCHEMA_TEXT,
     .flags = SCHEMA_LIST | SCHEMA_OR_ONE,
     SCHEMA_ARRAY(site_web, proxies, proxy_count),
     .max = 60,
     .fallback = "[127.0.0.1, \"::1\"]",
     .help = "Addresses of the web servers in front: they may have any number of connections."},
};
static const struct schema web_schema = SCHEMA_SHORT("web", struct site_web, web_fields, "url");

static const struct schema_choice serve_roles[] = {
    {"schedule", SITE_ROLE_SCHEDULE, "starts what is due by the calendar"},
    {"deliver", SITE_ROLE_DELIVER, "hands queued messages to the relay"},
    {"web", SITE_ROLE_WEB, "answers the links of letters"},
    {NULL, 0, NULL},
};

static const struct schema_choice serve_levels[] = {
    {"debug", LOG_DEBUG, NULL},
    {"info", LOG_INFO, NULL},
    {"warn", LOG_WARN, NULL},
    {"error", LOG_ERROR, NULL},
    {NULL, 0, NULL},
};

static const struct schema_field serve_fields[] = {
    {.key = "roles",
     .type = SCHEMA_CHOICE,
     .flags = SCHEMA_LIST | SCHEMA_OR_ONE | SCHEMA_UNIQUE | SCHEMA_NOT_EMPTY,
     SCHEMA_ARRAY(site_serve, roles, role_count),
     .choices = serve_roles,
     .fallback = "[schedule, deliver, web]",
     .help = "What 'teataja serve' does, each in a process of its own:"},
    {.key = "metrics",
     .type = SCHEMA_TEXT,
     SCHEMA_AT(site_serve, metrics),
     .max = 120,
     .fallback = "127.0.0.1:9727",
     .help = "Where /metrics (for Prometheus) and /healthz are: an address of this machine and a "
             "port, unix:PATH, or none."},
    {.key = "log",
     .type = SCHEMA_CHOICE,
     SCHEMA_AT(site_serve, log),
     .choices = serve_levels,
     .fallback = "info",
     .help = "The least of the events that are logged."},
    {.key = "schedulers",
     .type = SCHEMA_INT,
     SCHEMA_AT(site_serve, schedulers),
     .min = 1,
     .max = SITE_SCHEDULERS,
     .fallback = "2",
     .help = "So many letters are begun at a time: a long one does not keep the next one waiting."},
};
static const struct schema serve_schema = SCHEMA("serve", struct site_serve, serve_fields);

static const struct schema_field vocabulary_fields[] = {
    {.key = "sectors",
     .type = SCHEMA_TERMS,
     SCHEMA_ARRAY(site_vocabularies, sectors.items, sectors.count),
     .help = "Fields of work, with names per language or as a plain list.",
     .example = "\n  music: { et: muusika, en: music }\n  design: { et: disain, en: design }"},
    {.key = "kinds",
     .type = SCHEMA_TERMS,
     SCHEMA_ARRAY(site_vocabularies, kinds.items, kinds.count),
     .fallback = "[individual, self_employed, company_sme, company_large, nonprofit, foundation, "
                 "municipality, state_body, education, informal_group]",
     .help = "What a member may be; calls name them as applicants."},
    {.key = "tags",
     .type = SCHEMA_TERMS,
     SCHEMA_ARRAY(site_vocabularies, tags.items, tags.count),
     .help = "Marks of members; any slug if not given.",
     .example = "[press, board]"},
};
static const struct schema vocabulary_schema =
    SCHEMA("vocabularies", struct site_vocabularies, vocabulary_fields);

static const struct schema_field attribute_fields[] = {
    {.key = "key", .type = SCHEMA_NAME, .flags = SCHEMA_IS_KEY, SCHEMA_AT(site_attribute, key)},
    {.key = "type",
     .type = SCHEMA_CHOICE,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(site_attribute, type),
     .choices = attribute_types,
     .help = "What its values are.",
     .example = "int"},
    {.key = "name",
     .type = SCHEMA_BY_LANGUAGE,
     SCHEMA_AT(site_attribute, name),
     .max = LIMIT_NAME,
     .help = "What people see.",
     .example = "{ et: Töötajaid, en: Employees }"},
};
static const struct schema attribute_schema =
    SCHEMA_SHORT("attribute", struct site_attribute, attribute_fields, "type");

static const struct schema_field column_fields[] = {
    {.key = "field",
     .type = SCHEMA_TEXT,
     .flags = SCHEMA_IS_KEY,
     SCHEMA_AT(site_column, field),
     .max = LIMIT_SLUG},
    {.key = "headers",
     .type = SCHEMA_TEXT,
     .flags = SCHEMA_REQUIRED | SCHEMA_LIST | SCHEMA_OR_ONE | SCHEMA_NOT_EMPTY,
     SCHEMA_ARRAY(site_column, headers, header_count),
     .help = "Header names that mean this field.",
     .example = "[E-post, E-mail]"},
};
static const struct schema column_schema =
    SCHEMA_SHORT("column", struct site_column, column_fields, "headers");

static const struct schema_field import_fields[] = {
    {.key = "columns",
     .type = SCHEMA_MAP,
     .flags = SCHEMA_KEYED,
     SCHEMA_ARRAY(site_import, columns, column_count),
     .sub = &column_schema,
     .help = "Field of members -> header names in imported files.",
     .example = "email"},
};
static const struct schema import_schema = SCHEMA("import", struct site_import, import_fields);

static const struct schema_field site_fields[] = {
    {.key = "name",
     .type = SCHEMA_BY_LANGUAGE,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(site, name),
     .max = LIMIT_NAME,
     .help = "Who writes, in each language or once for all.",
     .example = "{ et: Loomeklaster, en: Creative Cluster }"},
    {.key = "url",
     .type = SCHEMA_URL,
     SCHEMA_AT(site, url),
     .choices = web_urls,
     .help = "The organisation's own web site.",
     .example = "https://www.cluster.example"},
    {.key = "postal_address",
     .type = SCHEMA_LINES_BY_LANGUAGE,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(site, postal_address),
     .max = LIMIT_VALUE,
     .help = "Stands below every letter.",
     .example = "Keskväljak 1, 30321 Kohtla-Järve, Estonia"},
    {.key = "languages",
     .type = SCHEMA_LANGUAGE,
     .flags = SCHEMA_REQUIRED | SCHEMA_LIST | SCHEMA_OR_ONE | SCHEMA_UNIQUE | SCHEMA_NOT_EMPTY,
     SCHEMA_ARRAY(site, languages, language_count),
     .help = "Of et, ru, en, lv, lt, pl, cs, de, sv, fi. The first is the language of files "
             "without a language in their name.",
     .example = "[et, ru, en]"},
    {.key = "timezone",
     .type = SCHEMA_ZONE,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(site, timezone),
     .help = "The zone of times that name none.",
     .example = "Europe/Tallinn"},
    {.key = "country",
     .type = SCHEMA_COUNTRY,
     SCHEMA_AT(site, country),
     .help = "Whose public holidays move deadlines.",
     .example = "EE"},
    {.key = "database",
     .type = SCHEMA_FILE,
     SCHEMA_AT(site, database),
     .fallback = "var/teataja.db",
     .help = "The file that holds members and the ledger."},
    {.key = "token_key",
     .type = SCHEMA_SECRET,
     SCHEMA_AT(site, token_key),
     .fallback = "file:var/token.key",
     .help = "Where the key that signs links is: file:PATH or env:NAME."},
    {.key = "office",
     .type = SCHEMA_MAP,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(site, office),
     .sub = &office_schema,
     .help = "People who answer; the address alone is enough."},
    {.key = "staff",
     .type = SCHEMA_MAP,
     .flags = SCHEMA_LIST | SCHEMA_OR_ONE,
     SCHEMA_ARRAY(site, staff, staff_count),
     .sub = &site_staff_schema,
     .help = "Who is told by mail how the site does; an address alone is an admin's. Nobody: the "
             "office is told.",
     .example = "{ address: kati@cluster.example, language: et, roles: [admin, editor] }"},
    {.key = "lists",
     .type = SCHEMA_MAP,
     .flags = SCHEMA_REQUIRED | SCHEMA_KEYED | SCHEMA_NOT_EMPTY,
     SCHEMA_ARRAY(site, lists, list_count),
     .sub = &list_schema,
     .help = "What people subscribe to, by slug.",
     .example = "funding"},
    {.key = "relays",
     .type = SCHEMA_MAP,
     .flags = SCHEMA_LIST | SCHEMA_OR_ONE,
     SCHEMA_ARRAY(site, relays, relay_count),
     .sub = &relay_schema,
     .help = "Mail servers that take our letters, the preferred one first: the next is used "
             "while it refuses, is down or has taken all that its limits allow."},
    {.key = "delivery",
     .type = SCHEMA_MAP,
     SCHEMA_AT(site, delivery),
     .sub = &delivery_schema,
     .help = "When to give up."},
    {.key = "dkim",
     .type = SCHEMA_MAP,
     .flags = SCHEMA_LIST | SCHEMA_OR_ONE,
     SCHEMA_ARRAY(site, dkim, dkim_count),
     .sub = &dkim_schema,
     .help = "Keys that sign mail (DKIM): one or a list, at most one RSA and one Ed25519 key a "
             "domain."},
    {.key = "addresses",
     .type = SCHEMA_MAP,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(site, addresses),
     .sub = &address_schema,
     .help = "Where bounces and answers come in."},
    {.key = "web",
     .type = SCHEMA_MAP,
     .flags = SCHEMA_REQUIRED,
     SCHEMA_AT(site, web),
     .sub = &web_schema,
     .help = "Our own public pages."},
    {.key = "serve",
     .type = SCHEMA_MAP,
     SCHEMA_AT(site, serve),
     .sub = &serve_schema,
     .help = "The daemon, 'teataja serve'."},
    {.key = "sources",
     .type = SCHEMA_MAP,
     .flags = SCHEMA_KEYED,
     SCHEMA_ARRAY(site, sources, source_count),
     .sub = &site_source_schema,
     .help = "Calendars of others whose events and deadlines are told here, by name; the URL alone "
             "is enough.",
     .example = "partner"},
    {.key = "vocabularies",
     .type = SCHEMA_MAP,
     SCHEMA_AT(site, vocabularies),
     .sub = &vocabulary_schema,
     .help = "Words that describe members and calls."},
    {.key = "attributes",
     .type = SCHEMA_MAP,
     .flags = SCHEMA_KEYED,
     SCHEMA_ARRAY(site, attributes, attribute_count),
     .sub = &attribute_schema,
     .help = "Further things known about members: attr.NAME in segments.",
     .example = "employees"},
    {.key = "import",
     .type = SCHEMA_MAP,
     SCHEMA_AT(site, import),
     .sub = &import_schema,
     .help = "How imported files name their columns."},
};
const struct schema site_schema = SCHEMA(SITE_FILE, struct site, site_fields);
