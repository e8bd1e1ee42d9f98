/* doctor: what the DNS says of each key, against the key itself. */
#include <stdio.h>
#include <string.h>

#include "doctor.h"
#include "teataja/delivery/dkim.h"

/* What makes a record useless for us, or NULL. */
static const char *fault_of(struct arena *arena, const char *there, const char *ours)
{
    const char *version = doctor_tag(arena, there, "v");
    const char *type = doctor_tag(arena, there, "k");
    const char *our_type = doctor_tag(arena, ours, "k");
    const char *key = doctor_tag(arena, there, "p");
    const char *our_key = doctor_tag(arena, ours, "p");
    const char *hashes = doctor_tag(arena, there, "h");
    const char *service = doctor_tag(arena, there, "s");

    if (version != NULL && strcmp(version, "DKIM1") != 0) {
        return "it does not begin with v=DKIM1";
    }
    if (key == NULL) {
        return "it has no key (p=)";
    }
    if (key[0] == '\0') {
        return "it says that the key is revoked (p= is empty)";
    }
    if (our_key == NULL || strcmp(key, our_key) != 0) {
        return "it holds another key";
    }
    if (strcmp(type != NULL ? type : "rsa", our_type != NULL ? our_type : "rsa") != 0) {
        return "it names another kind of key (k=)";
    }
    if (hashes != NULL && strstr(hashes, "sha256") == NULL) {
        return "it does not allow sha256 (h=)";
    }
    if (service != NULL && strstr(service, "email") == NULL && strchr(service, '*') == NULL) {
        return "it is not for mail (s=)";
    }
    return NULL;
}

static void tell_record(struct doctor *doctor, const struct dkim_record *record,
                        const char *const *texts, size_t count)
{
    const char *advice = arena_printf(doctor->arena, "publish this TXT record at %s: %s",
                                      record->name, record->value);
    const char *fault = count == 1 ? fault_of(doctor->arena, texts[0], record->value) : NULL;
    const char *flags = count == 1 ? doctor_tag(doctor->arena, texts[0], "t") : NULL;

    if (count == 0) {
        doctor_tell(doctor, "DKIM", DOCTOR_BAD, advice,
                    "%s is not there: signatures of this key do not count", record->name);
    } else if (count > 1) {
        doctor_tell(doctor, "DKIM", DOCTOR_BAD, "leave only ours there",
                    "%s has %zu TXT records: receivers take any one of them", record->name, count);
    } else if (fault != NULL) {
        doctor_tell(doctor, "DKIM", DOCTOR_BAD, advice, "%s: %s", record->name, fault);
    } else if (flags != NULL && strchr(flags, 'y') != NULL) {
        doctor_tell(doctor, "DKIM", DOCTOR_WARNING, "take t=y out of the record",
                    "%s is our key, but says that it is only being tried", record->name);
    } else {
        doctor_tell(doctor, "DKIM", DOCTOR_OK, NULL, "%s is our key", record->name);
    }
}

static void check_signer(struct doctor *doctor, const struct dkim_signer *signer)
{
    const char *const *texts = NULL;
    struct dkim_record record;
    struct err err = {0};
    size_t count = 0;
    int rc = dkim_record(doctor->arena, signer->site->domain, signer->site->selector, signer->key,
                         &record, &err);

    if (rc < 0) {
        doctor_tell(doctor, "DKIM", DOCTOR_BAD, NULL, "%s", err.msg);
        return;
    }
    rc = doctor_ask_txt(doctor, "DKIM", record.name, &texts, &count);
    if (rc == 0 || rc == ERR_NOT_FOUND) {
        tell_record(doctor, &record, texts, count);
    }
}

void doctor_dkim(struct doctor *doctor)
{
    struct dkim dkim = {0};
    struct err err = {0};

    if (dkim_open(&doctor->workspace->config, &dkim, &err) < 0) {
        doctor_tell(doctor, "DKIM", DOCTOR_BAD,
                    "'teataja dkim keygen' makes a key; chmod 600 keeps it from others", "%s",
                    err.msg);
    } else if (dkim.count == 0) {
        doctor_tell(doctor, "DKIM", DOCTOR_WARNING,
                    "let the relay sign, or make a key: 'teataja dkim keygen DOMAIN SELECTOR'",
                    "no key is configured: teataja does not sign letters");
    }
    for (size_t i = 0; i < dkim.count; i++) {
        check_signer(doctor, &dkim.signers[i]);
    }
    dkim_close(&dkim);
}
