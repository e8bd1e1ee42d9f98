/* doctor: DMARC (RFC 7489) of each sender's domain, and whether our letters pass. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "doctor.h"
#include "teataja/base/limits.h"

struct dmarc {
    const char *at; /* the domain whose record holds */
    const char *policy;
    bool strict_dkim;
    bool strict_spf;
};

static const char *policy_of(struct arena *arena, const char *record, bool below)
{
    const char *policy = below ? doctor_tag(arena, record, "sp") : NULL;

    return policy != NULL ? policy : doctor_tag(arena, record, "p");
}

static bool is_strict(struct arena *arena, const char *record, const char *tag)
{
    const char *value = doctor_tag(arena, record, tag);

    return value != NULL && strcasecmp(value, "s") == 0;
}

/* The records at one domain: how many, or -1 without an answer. */
static int look_at(struct doctor *doctor, const char *domain, const char **record)
{
    const char *name = arena_printf(doctor->arena, "_dmarc.%s", domain);
    const char *const *texts = NULL;
    size_t count = 0;
    int found = 0;
    int rc = name == NULL || strlen(name) > LIMIT_DOMAIN
                 ? ERR_NOT_FOUND
                 : doctor_ask_txt(doctor, "DMARC", name, &texts, &count);

    for (size_t i = 0; rc == 0 && i < count; i++) {
        const char *version = doctor_tag(doctor->arena, texts[i], "v");

        if (version != NULL && strcasecmp(version, "DMARC1") == 0) {
            *record = texts[i];
            found++;
        }
    }
    return rc == 0 || rc == ERR_NOT_FOUND ? found : -1;
}

/* Looks at the domain and those above it, as long as they have a dot: which of them is
 * the organisation's the DNS does not say otherwise. */
static int find_policy(struct doctor *doctor, const char *domain, struct dmarc *out)
{
    const char *record = NULL;
    const char *at = domain;
    int found = 0;

    while (found == 0 && at != NULL && strchr(at, '.') != NULL) {
        found = look_at(doctor, at, &record);
        out->at = at;
        at = strchr(at, '.') + 1;
    }
    if (found == 1) {
        out->policy = policy_of(doctor->arena, record, out->at != domain);
        out->strict_dkim = is_strict(doctor->arena, record, "adkim");
        out->strict_spf = is_strict(doctor->arena, record, "aspf");
    }
    return found;
}

/* True if mail from `domain` may be vouched for by `other` (section 3.1). */
static bool is_aligned(const char *domain, const char *other, bool strict, const char *at)
{
    return strcasecmp(domain, other) == 0 ||
           (!strict && (doctor_is_below(domain, other) || doctor_is_below(other, domain) ||
                        (doctor_is_below(domain, at) && doctor_is_below(other, at))));
}

static void tell_alignment(struct doctor *doctor, const char *domain, const struct dmarc *dmarc)
{
    const struct config *config = &doctor->workspace->config;
    const char *bounces = doctor_bounce_domain(config);
    bool none = strcasecmp(dmarc->policy, "none") == 0;
    bool by_spf = bounces != NULL && is_aligned(domain, bounces, dmarc->strict_spf, dmarc->at);
    bool by_dkim = false;

    /* A letter is signed by keys of its sender's domain or of one above it. */
    for (size_t i = 0; i < config->site.dkim_count; i++) {
        const char *signer = config->site.dkim[i].domain;

        by_dkim |= doctor_is_below(domain, signer) &&
                   is_aligned(domain, signer, dmarc->strict_dkim, dmarc->at);
    }
    if (by_dkim) {
        doctor_tell(doctor, "DMARC", DOCTOR_OK, NULL, "letters from %s pass by their signature%s",
                    domain, by_spf ? " and by the domain that they are sent from" : "");
    } else if (by_spf) {
        doctor_tell(
            doctor, "DMARC", DOCTOR_WARNING,
            arena_printf(doctor->arena, "make a key: 'teataja dkim keygen %s SELECTOR'", domain),
            "letters from %s pass only by the domain that they are sent from (SPF): those "
            "that are forwarded do not",
            domain);
    } else {
        doctor_tell(doctor, "DMARC", none ? DOCTOR_WARNING : DOCTOR_BAD,
                    arena_printf(doctor->arena,
                                 "make a key ('teataja dkim keygen %s SELECTOR'), unless the relay "
                                 "signs for %s",
                                 domain, domain),
                    "letters from %s do not pass: no key of ours is for it%s, and %s is not %s",
                    domain, dmarc->strict_dkim ? " exactly (adkim=s)" : "",
                    bounces != NULL ? bounces : "the address for bounces",
                    dmarc->strict_spf ? "the same domain (aspf=s)" : "of the same organisation");
    }
}

static void check_domain(struct doctor *doctor, const char *domain)
{
    struct dmarc dmarc = {.at = domain};
    int found = find_policy(doctor, domain, &dmarc);

    if (found < 0) {
        return;
    }
    if (found == 0) {
        doctor_tell(doctor, "DMARC", DOCTOR_WARNING,
                    arena_printf(doctor->arena,
                                 "publish a TXT record at _dmarc.%s: \"v=DMARC1; p=none; "
                                 "rua=mailto:ADDRESS\" (the large providers ask for one)",
                                 domain),
                    "%s has no DMARC record", domain);
    } else if (found > 1) {
        doctor_tell(doctor, "DMARC", DOCTOR_BAD, "make one of them",
                    "_dmarc.%s has %d records: that counts for none", dmarc.at, found);
    } else if (dmarc.policy == NULL || (strcasecmp(dmarc.policy, "none") != 0 &&
                                        strcasecmp(dmarc.policy, "quarantine") != 0 &&
                                        strcasecmp(dmarc.policy, "reject") != 0)) {
        doctor_tell(doctor, "DMARC", DOCTOR_BAD, "write p=none, p=quarantine or p=reject",
                    "_dmarc.%s has no policy that is one (p=%s)", dmarc.at,
                    dmarc.policy != NULL ? dmarc.policy : "");
    } else {
        doctor_tell(doctor, "DMARC", DOCTOR_OK, NULL, "_dmarc.%s asks for p=%s, for mail from %s",
                    dmarc.at, dmarc.policy, domain);
        tell_alignment(doctor, domain, &dmarc);
    }
}

void doctor_dmarc(struct doctor *doctor)
{
    const char **domains = NULL;
    size_t count = doctor_sender_domains(doctor, &domains);

    for (size_t i = 0; i < count && !doctor->dns_silent; i++) {
        check_domain(doctor, domains[i]);
    }
}
