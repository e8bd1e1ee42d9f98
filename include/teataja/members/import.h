/* teataja/members/import.h - a file of members becomes members, all or nothing.
 *
 * The first row names the columns: in any of the ten languages for what members
 * have (import_column_find), by `import: columns:` of teataja.yaml, or by an
 * explicit mapping. An empty cell leaves a field as it is, a lone '-' clears it.
 * A row is matched to a member by the external id, else by address.
 *
 * Nobody is made active without a right to write to them: a row with basis
 * membership, public_task or legitimate_interest is active; one with consent
 * needs its evidence - consent_at, and consent_source or the import's `source` - else
 * it is `unconfirmed`. Who left stays left, a suppressed address stays
 * suppressed. An export of ours carries both over to another site: its columns
 * `subscription` (left, unconfirmed, pending) and `status` (suppressed) are heeded.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "teataja/base/err.h"
#include "teataja/base/report.h"
#include "teataja/members/csv.h"
#include "teataja/members/member.h"

/* A header and the field that it means; field "-" leaves the column out. */
struct import_mapping {
    const char *header;
    const char *field;
};

struct import_options {
    const char *list;   /* slug; NULL: members only, no subscription */
    const char *source; /* where the file comes from; needed with a list */
    int basis;          /* of enum site_basis; -1: the list's own */
    struct csv_options csv;
    const struct import_mapping *mappings;
    size_t mapping_count;
    bool dry_run; /* does everything, and takes it back */
    /* Called every 1,000 rows; may be NULL. */
    void (*progress)(void *context, size_t rows);
    void *progress_context;
};

struct import_result {
    size_t rows;
    size_t added;
    size_t updated;
    size_t unchanged;
    size_t active;      /* subscriptions, by what holds after the import: */
    size_t unconfirmed; /* without evidence: they get nothing */
    size_t pending;
    size_t left;       /* who left before: they stay so */
    size_t suppressed; /* whose address gets nothing */
    size_t kept_out;   /* rows of people who asked to be forgotten: nothing is stored */
};

/* Imports a file. Every mistake - a column that appears twice, a bad address, an unknown region,
 * a row that repeats another - is added to `report` as "file:line:column:
 * message"; columns that are not known are warnings. If there is one mistake
 * nothing is changed and the result is ERR_INVALID with the first of them.
 * *result is filled in as far as it came. */
int import_file(const struct members *members, const char *path,
                const struct import_options *options, struct report *report,
                struct import_result *result, struct err *err);

/* As import_file, from memory; `name` stands in messages. */
int import_memory(const struct members *members, const char *name, const void *data, size_t len,
                  const struct import_options *options, struct report *report,
                  struct import_result *result, struct err *err);

/* The field that a header means in one of the ten languages, "" for one that is
 * known and says nothing to us (uid, status), or NULL. Case, spaces, '-', '_' and
 * '.' make no difference: "E-post", "el. paštas", "Имя". */
const char *import_column_find(const char *header);
