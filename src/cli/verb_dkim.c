/* dkim keygen | record: keys that sign mail, and what the DNS has to say of them. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "teataja/base/file.h"
#include "teataja/base/json.h"
#include "teataja/base/limits.h"
#include "teataja/delivery/dkim.h"
#include "workspace.h"

/* A key with its names, to be printed. */
struct shown {
    const char *domain;
    const char *selector;
    const char *key_file; /* as teataja.yaml has it */
    const struct dkim_key *key;
    struct dkim_record record;
};

static void write_json(struct json_writer *json, const struct shown *shown)
{
    json_write_object(json);
    json_write_text_at(json, "domain", shown->domain);
    json_write_text_at(json, "selector", shown->selector);
    json_write_text_at(json, "key_file", shown->key_file);
    json_write_text_at(json, "type", dkim_key_type_name(dkim_key_type(shown->key)));
    json_write_int_at(json, "bits", dkim_key_bits(shown->key));
    json_write_text_at(json, "name", shown->record.name);
    json_write_text_at(json, "value", shown->record.value);
    json_write_key(json, "strings");
    json_write_array(json);
    for (size_t i = 0; i < shown->record.string_count; i++) {
        json_write_text(json, shown->record.strings[i]);
    }
    json_write_array_end(json);
    json_write_text_at(json, "zone", shown->record.zone);
    json_write_object_end(json);
}

static void print_record(const struct shown *shown)
{
    printf("%s\n\nIn a form that asks for them: type TXT, name %s, and this value in one line:\n\n"
           "%s\n",
           shown->record.zone, shown->record.name, shown->record.value);
}

/* A path as YAML: JSON's strings are YAML's. */
static void add_path(struct str *out, const char *path)
{
    struct json_writer json = json_writer(out);

    if (path[strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-")] ==
            '\0' &&
        path[0] != '-') {
        str_add(out, path);
    } else {
        json_write_text(&json, path);
    }
}

static enum exit_status print_made(const struct command *command, const struct shown *shown,
                                   const char *path)
{
    struct str out;
    struct json_writer json = json_writer(&out);
    struct err err = {0};
    enum exit_status status = EXIT_DONE;

    str_init(&out, LIMIT_TEXT);
    if (command->json) {
        write_json(&json, shown);
    } else {
        printf("The new key is in %s (%s, %u bits). It is a secret: only its owner can read it.\n\n"
               "Put this into the DNS of %s:\n\n",
               path, dkim_key_type_name(dkim_key_type(shown->key)), dkim_key_bits(shown->key),
               shown->domain);
        print_record(shown);
        str_addf(&out,
                 "\nAnd this into teataja.yaml, once the record can be seen:\n\n"
                 "dkim:\n  - domain: %s\n    selector: %s\n    key_file: ",
                 shown->domain, shown->selector);
        add_path(&out, shown->key_file);
    }
    if (str_check(&out, &err) < 0) {
        status = command_fail(&err);
    } else {
        puts(out.data);
    }
    str_release(&out);
    return status;
}

/* Where the key goes: -o, or the site's var/. NULL if that cannot be. */
static char *choose_path(const struct command *command, const struct shown *shown, struct err *err)
{
    const char *given = command_value(command, "o");
    char *site = file_join(command->arena, command->folder, SITE_FILE);
    char *var = file_join(command->arena, command->folder, "var");
    char *path = NULL;

    if (given != NULL) {
        path = arena_strdup(command->arena, given);
    } else if (site != NULL && !file_exists(site)) {
        err_set(err, ERR_NOT_FOUND, "'%s' is not a site: say with -o FILE where the key goes",
                command->folder);
        return NULL;
    } else if (var != NULL) {
        if (file_make_folder(var, err) < 0) {
            return NULL;
        }
        path = arena_printf(command->arena, "%s/%s.%s.pem", var, shown->selector, shown->domain);
    }
    if (path == NULL) {
        err_nomem(err);
    }
    return path;
}

/* The path as teataja.yaml should have it: from the site's folder if it is in there. */
static const char *path_for_site(const struct command *command, const char *path)
{
    char *file = realpath(path, NULL);
    char *site = realpath(command->folder, NULL);
    size_t len = site != NULL ? strlen(site) : 0;
    const char *out = path;

    if (file != NULL && site != NULL && strncmp(file, site, len) == 0 && file[len] == '/') {
        out = arena_strdup(command->arena, file + len + 1);
    } else if (file != NULL) {
        out = arena_strdup(command->arena, file);
    }
    free(file);
    free(site);
    return out != NULL ? out : path;
}

static int make(const struct command *command, enum dkim_key_type type, unsigned bits,
                const char *path, struct shown *shown, struct dkim_key **key, struct err *err)
{
    struct str pem;
    int rc = dkim_key_make(type, bits, key, err);

    str_init(&pem, LIMIT_TEXT);
    rc = rc == 0 ? dkim_key_write(*key, &pem, err) : rc;
    rc = rc == 0 ? file_write_new(path, pem.data, pem.len, 0600, err) : rc;
    if (rc == 0) {
        shown->key = *key;
        shown->key_file = path_for_site(command, path);
        rc = dkim_record(command->arena, shown->domain, shown->selector, *key, &shown->record, err);
    }
    str_release(&pem);
    return rc;
}

static enum exit_status keygen_run(struct command *command)
{
    const char *type_name = command_value(command, "type");
    enum dkim_key_type type = DKIM_RSA;
    char domain[LIMIT_DOMAIN + 1];
    struct shown shown = {.domain = domain, .selector = command->arguments[1]};
    struct dkim_key *key = NULL;
    struct err err = {0};
    enum exit_status status;
    const char *path;
    int64_t bits;

    while (type_name != NULL && type < DKIM_KEY_TYPES &&
           strcmp(dkim_key_type_name(type), type_name) != 0) {
        type++;
    }
    if (type == DKIM_KEY_TYPES) {
        return command_misused(command, "--type is rsa or ed25519, not '%s'", type_name);
    }
    if (type != DKIM_RSA && command_has(command, "bits")) {
        return command_misused(command, "--bits goes with --type rsa");
    }
    if (command_number(command, "bits", DKIM_RSA_ADVISED, DKIM_RSA_MOST, DKIM_RSA_ADVISED, &bits,
                       &err) < 0 ||
        site_domain_parse(command->arguments[0], domain, &err) < 0 ||
        site_selector_check(shown.selector, domain, &err) < 0) {
        return command_misused(command, "%s", err.msg);
    }
    path = choose_path(command, &shown, &err);
    status = path == NULL || make(command, type, (unsigned)bits, path, &shown, &key, &err) != 0
                 ? command_fail(&err)
                 : print_made(command, &shown, path);
    dkim_key_free(key);
    return status;
}

static const struct option keygen_options[] = {
    {"type", "TYPE", "rsa (default), which every receiver reads, or ed25519", false},
    {"bits", "N", "length of an RSA key, 2048 (default) to 4096", false},
    {"o", "FILE", "a new file for the key (default: in the site's var/)", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_dkim_keygen = {
    .name = "dkim keygen",
    .usage = "DOMAIN SELECTOR",
    .summary = "make a key that signs mail, and print its DNS record",
    .help =
        "Makes a private key in a new file that only its owner can read, and prints what to put\n"
        "into the DNS and into teataja.yaml. DOMAIN is that of senders, SELECTOR names the key,\n"
        "such as s2026. An RSA and an Ed25519 key of one domain sign together.",
    .min_arguments = 2,
    .max_arguments = 2,
    .options = keygen_options,
    .run = keygen_run,
};

static int show_all(const struct command *command, const struct dkim *dkim, struct err *err)
{
    struct str out;
    struct json_writer json = json_writer(&out);
    int rc = 0;

    str_init(&out, LIMIT_TEXT);
    json_write_array(&json);
    for (size_t i = 0; rc == 0 && i < dkim->count; i++) {
        const struct dkim_signer *signer = &dkim->signers[i];
        struct shown shown = {.domain = signer->site->domain,
                              .selector = signer->site->selector,
                              .key_file = signer->site->key_file,
                              .key = signer->key};

        rc = dkim_record(command->arena, shown.domain, shown.selector, shown.key, &shown.record,
                         err);
        if (rc == 0 && command->json) {
            write_json(&json, &shown);
        } else if (rc == 0) {
            fputs(i > 0 ? "\n" : "", stdout);
            print_record(&shown);
        }
    }
    json_write_array_end(&json);
    rc = rc == 0 ? str_check(&out, err) : rc;
    if (rc == 0 && command->json) {
        puts(out.data);
    }
    str_release(&out);
    return rc;
}

static enum exit_status record_run(struct command *command)
{
    struct workspace workspace;
    struct dkim dkim = {0};
    struct err err = {0};
    enum exit_status status = workspace_open(command, WORKSPACE_CONFIG, false, &workspace);
    int rc;

    if (status == EXIT_DONE) {
        rc = dkim_open(&workspace.config, &dkim, &err);
        if (rc == 0 && dkim.count == 0) {
            rc = err_set(&err, ERR_NOT_FOUND,
                         "teataja.yaml names no key under 'dkim'; 'teataja dkim keygen' makes one");
        }
        rc = rc == 0 ? show_all(command, &dkim, &err) : rc;
        status = rc < 0 ? command_fail(&err) : EXIT_DONE;
    }
    dkim_close(&dkim);
    workspace_close(&workspace);
    return status;
}

const struct verb verb_dkim_record = {
    .name = "dkim record",
    .usage = "",
    .summary = "print the DNS records of the keys in teataja.yaml",
    .help =
        "For each key under 'dkim': the TXT record for a zone file, and its name and value for a\n"
        "form.",
    .run = record_run,
};
