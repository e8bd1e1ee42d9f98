/* See teataja/delivery/dkim.h. */
#include "teataja/delivery/dkim.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dkim_sender.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/mem.h"
#include "teataja/delivery/dkim_relaxed.h"

enum { SIGNATURES = 65536 }; /* bytes of all fields that are put before a message */

/* What is signed when it stands there, in the order of h=. `over`: also its absence. */
static const struct {
    const char *name;
    bool over;
} signed_fields[] = {
    {"From", true},
    {"Subject", true},
    {"To", true},
    {"Cc", true},
    {"Date", true},
    {"Reply-To", true},
    {"List-Unsubscribe", true},
    {"List-Unsubscribe-Post", true},
    {"Message-ID", false},
    {"In-Reply-To", false},
    {"References", false},
    {"MIME-Version", false},
    {"Content-Type", false},
    {"Content-Transfer-Encoding", false},
    {"List-Id", false},
    {"List-Help", false},
    {"List-Archive", false},
    {"List-Post", false},
    {"Auto-Submitted", false},
    {"Feedback-ID", false},
};

int dkim_signer_read(struct arena *arena, const struct config *config, const struct site_dkim *site,
                     struct dkim_key **out, struct err *err)
{
    char *reference = arena_printf(arena, "file:%s", site->key_file);
    char *pem = NULL;
    int rc;

    if (reference == NULL) {
        return err_nomem(err);
    }
    rc = config_secret(arena, config, reference, &pem, err);
    if (rc < 0) {
        return rc;
    }
    rc = dkim_key_read(pem, out, err);
    return rc < 0 ? err_prefix(err, "%s", site->key_file) : 0;
}

int dkim_open(const struct config *config, struct dkim *out, struct err *err)
{
    const struct site *site = &config->site;
    struct arena *arena = NULL;
    int rc = 0;

    *out = (struct dkim){.site = site};
    if (site->dkim_count == 0) {
        return 0;
    }
    out->signers = mem_alloc(site->dkim_count, sizeof(*out->signers));
    arena = arena_new(LIMIT_ARENA_WORK);
    if (out->signers == NULL || arena == NULL) {
        arena_free(arena);
        return err_nomem(err);
    }
    for (size_t i = 0; rc == 0 && i < site->dkim_count; i++) {
        struct dkim_signer *signer = &out->signers[i];

        signer->site = &site->dkim[i];
        rc = dkim_signer_read(arena, config, signer->site, &signer->key, err);
        if (rc == 0) {
            out->count++;
            rc = dkim_signer_unique(out, i, err);
        }
        if (rc < 0) {
            err_prefix(err, "the DKIM key of %s", signer->site->domain);
        }
    }
    arena_free(arena);
    return rc;
}

void dkim_close(struct dkim *dkim)
{
    for (size_t i = 0; i < dkim->count; i++) {
        dkim_key_free(dkim->signers[i].key);
    }
    mem_free(dkim->signers);
    *dkim = (struct dkim){0};
}

int dkim_signer_unique(const struct dkim *dkim, size_t index, struct err *err)
{
    const struct dkim_signer *one = &dkim->signers[index];

    for (size_t i = 0; i < index; i++) {
        const struct dkim_signer *other = &dkim->signers[i];

        if (dkim_key_type(other->key) == dkim_key_type(one->key) &&
            strcmp(other->site->domain, one->site->domain) == 0) {
            return err_set(err, ERR_INVALID,
                           "%s has an %s key already, '%s': one of a kind signs for a domain",
                           one->site->domain,
                           dkim_key_type(one->key) == DKIM_RSA ? "RSA" : "Ed25519",
                           other->site->selector);
        }
    }
    return 0;
}

const char *dkim_signing_domain(const struct site *site, const char *domain)
{
    size_t len = strlen(domain);
    const char *nearest = NULL;

    for (size_t i = 0; i < site->dkim_count; i++) {
        const char *of = site->dkim[i].domain;
        size_t of_len = of != NULL ? strlen(of) : 0;

        if (of != NULL && of_len <= len && strcmp(domain + len - of_len, of) == 0 &&
            (of_len == len || domain[len - of_len - 1] == '.') &&
            (nearest == NULL || of_len > strlen(nearest))) {
            nearest = of;
        }
    }
    return nearest;
}

/* The domain of the one From, in lower case. */
static int from_domain(const struct dkim_head *head, char out[LIMIT_DOMAIN + 1], struct err *err)
{
    struct str from;
    const char *at;
    size_t len;
    int rc = 0;

    if (dkim_head_count(head, "From") != 1) {
        return err_set(err, ERR_INVALID, "a message is signed if it has one From, not %zu",
                       dkim_head_count(head, "From"));
    }
    str_init(&from, LIMIT_TEXT);
    dkim_head_select(head, "From", &from);
    at = strrchr(from.data, '@');
    len = at != NULL ? strcspn(++at, "> \r") : 0;
    if (from.failed != 0) {
        rc = str_check(&from, err);
    } else if (len == 0 || len > LIMIT_DOMAIN) {
        rc = err_set(err, ERR_INVALID, "the From of a message has no domain");
    } else {
        for (size_t i = 0; i < len; i++) {
            out[i] = (char)tolower((unsigned char)at[i]);
        }
        out[len] = '\0';
    }
    str_release(&from);
    return rc;
}

static void list_names(const struct dkim_head *head, struct str *out)
{
    for (size_t i = 0; i < sizeof(signed_fields) / sizeof(signed_fields[0]); i++) {
        size_t times = dkim_head_count(head, signed_fields[i].name) + signed_fields[i].over;

        for (; times > 0; times--) {
            str_addf(out, "%s%s", out->len > 0 ? ":" : "", signed_fields[i].name);
        }
    }
}

/* What is the same for all keys of a message. */
struct signing {
    const char *domain;
    int64_t seconds;
    struct str names;     /* h= */
    struct str body_hash; /* bh= */
    struct str canonical; /* the header's fields */
    struct dkim_hash *hash;
};

static int prepare(struct signing *signing, const struct dkim_head *head, const char *message,
                   size_t len, struct err *err)
{
    struct dkim_body body;
    uint8_t hash[DKIM_HASH];
    int rc;

    signing->hash = dkim_hash_new();
    if (signing->hash == NULL) {
        return err_nomem(err);
    }
    dkim_body_start(&body, dkim_hash_add, signing->hash);
    dkim_body_add(&body, message + head->len, len - head->len);
    dkim_body_end(&body);
    dkim_hash_end(signing->hash, hash);
    list_names(head, &signing->names);
    dkim_head_select(head, signing->names.data, &signing->canonical);
    rc = dkim_base64(hash, sizeof(hash), &signing->body_hash, err);
    rc = rc == 0 ? str_check(&signing->names, err) : rc;
    return rc == 0 ? str_check(&signing->canonical, err) : rc;
}

/* Adds to a field that begins at `*line` of `out`; a new line where it would grow too long. */
static void add_word(struct str *out, size_t *line, const char *before, const char *word,
                     size_t len)
{
    if (out->len - *line + strlen(before) + len > LIMIT_FOLD) {
        str_add(out, "\r\n");
        *line = out->len;
        before = " ";
    }
    str_add(out, before);
    str_add_bytes(out, word, len);
}

static void add_tag(struct str *out, size_t *line, const char *tag, const char *value)
{
    char word[LIMIT_DOMAIN + 8];
    int len = snprintf(word, sizeof(word), "%s=%s;", tag, value);

    add_word(out, line, " ", word, (size_t)len);
}

/* The field up to its empty b=. */
static void add_unsigned(const struct signing *signing, const struct dkim_signer *signer,
                         struct str *out)
{
    size_t line = out->len;
    char value[32];

    str_add(out, "DKIM-Signature:");
    add_tag(out, &line, "v", "1");
    (void)snprintf(value, sizeof(value), "%s-sha256",
                   dkim_key_type_name(dkim_key_type(signer->key)));
    add_tag(out, &line, "a", value);
    add_tag(out, &line, "c", "relaxed/relaxed");
    add_tag(out, &line, "d", signing->domain);
    add_tag(out, &line, "s", signer->site->selector);
    (void)snprintf(value, sizeof(value), "%" PRId64, signing->seconds);
    add_tag(out, &line, "t", value);
    add_word(out, &line, " ", "h=", 2);
    for (const char *name = signing->names.data; *name != '\0';) {
        size_t len = strcspn(name, ":");
        char word[64];

        (void)snprintf(word, sizeof(word), "%.*s%c", (int)len, name, name[len] == ':' ? ':' : ';');
        add_word(out, &line, "", word, len + 1);
        name += len + (name[len] == ':');
    }
    add_tag(out, &line, "bh", signing->body_hash.data);
    str_add(out, "\r\n b=");
}

static int add_signature(struct signing *signing, const struct dkim_signer *signer, struct str *out,
                         struct err *err)
{
    size_t start = out->len;
    size_t shared = signing->canonical.len;
    size_t line;
    uint8_t hash[DKIM_HASH];
    struct str signature;
    int rc;

    add_unsigned(signing, signer, out);
    line = out->len - 3;
    dkim_field(out->data + start, out->len - start, &signing->canonical);
    rc = str_check(out, err);
    rc = rc == 0 ? str_check(&signing->canonical, err) : rc;
    if (rc < 0) {
        return rc;
    }
    /* RFC 6376 section 3.7: without the line end of its own. */
    dkim_hash_add(signing->hash, signing->canonical.data, signing->canonical.len - 2);
    dkim_hash_end(signing->hash, hash);
    str_cut(&signing->canonical, shared);
    str_init(&signature, LIMIT_VALUE);
    rc = dkim_key_sign(signer->key, hash, &signature, err);
    for (size_t at = 0; rc == 0 && at < signature.len;) {
        size_t room = LIMIT_FOLD - (out->len - line);
        size_t len = signature.len - at < room ? signature.len - at : room;

        str_add_bytes(out, signature.data + at, len);
        at += len;
        if (at < signature.len) {
            str_add(out, "\r\n ");
            line = out->len - 1;
        }
    }
    str_add(out, "\r\n");
    str_release(&signature);
    return rc;
}

int dkim_sign(const struct dkim *dkim, int64_t instant, size_t at, struct str *message,
              struct err *err)
{
    struct dkim_head head;
    struct signing signing = {.seconds = instant / CLOCK_SECOND};
    char domain[LIMIT_DOMAIN + 1];
    struct str fields;
    int rc;

    if (dkim->count == 0) {
        return 0;
    }
    rc = dkim_head_split(message->data + at, message->len - at, &head, err);
    rc = rc == 0 ? from_domain(&head, domain, err) : rc;
    if (rc < 0) {
        return rc;
    }
    signing.domain = dkim_signing_domain(dkim->site, domain);
    if (signing.domain == NULL) {
        return 0;
    }
    str_init(&fields, SIGNATURES);
    str_init(&signing.names, LIMIT_TEXT);
    str_init(&signing.body_hash, LIMIT_VALUE);
    str_init(&signing.canonical, LIMIT_TEXT);
    rc = prepare(&signing, &head, message->data + at, message->len - at, err);
    for (size_t i = 0; rc == 0 && i < dkim->count; i++) {
        if (strcmp(dkim->signers[i].site->domain, signing.domain) == 0) {
            rc = add_signature(&signing, &dkim->signers[i], &fields, err);
        }
    }
    rc = rc == 0 ? str_check(&fields, err) : rc;
    if (rc == 0) {
        str_splice(message, at, 0, fields.data, fields.len);
        rc = str_check(message, err);
    }
    dkim_hash_free(signing.hash);
    str_release(&signing.canonical);
    str_release(&signing.body_hash);
    str_release(&signing.names);
    str_release(&fields);
    return rc;
}
