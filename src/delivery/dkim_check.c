/* What `check` says of keys and senders. See teataja/delivery/dkim.h. */
#include <string.h>

#include "dkim_sender.h"
#include "teataja/base/limits.h"
#include "teataja/base/mem.h"

static void warn_of_length(const struct dkim_signer *signer, struct report *report)
{
    unsigned bits = dkim_key_bits(signer->key);

    if (dkim_key_type(signer->key) == DKIM_RSA && bits < DKIM_RSA_ADVISED) {
        yaml_warning(report, signer->site->node, "key_file",
                     "key_file: an RSA key of %u bits is short; make one of %d (RFC 8301)", bits,
                     DKIM_RSA_ADVISED);
    }
}

static int check_keys(struct arena *arena, const struct config *config, struct dkim *dkim,
                      struct report *report, struct err *err)
{
    for (size_t i = 0; i < config->site.dkim_count; i++) {
        const struct site_dkim *site = &config->site.dkim[i];
        struct dkim_signer *signer = &dkim->signers[dkim->count];
        struct err own = {0};
        int rc;

        if (site->domain == NULL || site->selector == NULL || site->key_file == NULL) {
            continue;
        }
        signer->site = site;
        rc = dkim_signer_read(arena, config, site, &signer->key, &own);
        if (rc == 0) {
            rc = dkim_signer_unique(dkim, dkim->count++, &own);
        }
        if (rc == ERR_NOMEM) {
            return err_nomem(err);
        }
        if (rc < 0) {
            yaml_problem(report, site->node, "key_file", "key_file: %s", own.msg);
        } else {
            warn_of_length(signer, report);
        }
    }
    return 0;
}

/* Marks the keys that sign for a sender; who has none is told. */
static void check_sender(const struct site *site, const struct address *from,
                         const struct yaml_node *node, bool *used, struct report *report)
{
    const char *domain;

    if (from->text[0] == '\0') {
        return;
    }
    domain = dkim_signing_domain(site, address_domain(from));
    if (domain == NULL) {
        yaml_warning(report, node, "address", "address: no key of 'dkim' signs mail from %s",
                     address_domain(from));
        return;
    }
    for (size_t i = 0; i < site->dkim_count; i++) {
        used[i] |= site->dkim[i].domain != NULL && strcmp(site->dkim[i].domain, domain) == 0;
    }
}

/* Senders against keys, both ways. */
static void check_domains(const struct config *config, bool *used, struct report *report)
{
    const struct site *site = &config->site;

    check_sender(site, &site->office.address, site->office.node, used, report);
    for (size_t i = 0; i < config->newsletter_count; i++) {
        const struct newsletter_from *from = &config->newsletters[i].from;

        check_sender(site, &from->address, from->node, used, report);
    }
    for (size_t i = 0; i < site->dkim_count; i++) {
        if (site->dkim[i].domain != NULL && !used[i]) {
            yaml_warning(report, site->dkim[i].node, "domain",
                         "domain: no letter comes from %s: neither the office nor a newsletter "
                         "writes from there",
                         site->dkim[i].domain);
        }
    }
}

int dkim_check(const struct config *config, struct report *report, struct err *err)
{
    size_t count = config->site.dkim_count;
    struct dkim dkim = {0};
    struct arena *arena = NULL;
    bool *used = NULL;
    int rc = ERR_NOMEM;

    if (count == 0) {
        return 0;
    }
    arena = arena_new(LIMIT_ARENA_WORK);
    dkim.signers = mem_alloc(count, sizeof(*dkim.signers));
    used = mem_alloc(count, sizeof(*used));
    if (arena == NULL || dkim.signers == NULL || used == NULL) {
        err_nomem(err);
        goto out;
    }
    rc = check_keys(arena, config, &dkim, report, err);
    if (rc == 0) {
        check_domains(config, used, report);
    }
out:
    dkim_close(&dkim);
    mem_free(used);
    arena_free(arena);
    return rc;
}
