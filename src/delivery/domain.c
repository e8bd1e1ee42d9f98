#include "domain.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "sql/delivery/domain.h"
#include "teataja/base/clock.h"
#include "teataja/base/log.h"

enum { IN_A_ROW = 3 };

/* What a domain did so long ago says nothing of today. */
#define FORGOTTEN_AFTER (2 * CLOCK_DAY)

/* After the third, fourth, ... answer; the last one repeats. */
static const int64_t pauses[] = {5 * CLOCK_MINUTE,  15 * CLOCK_MINUTE, 30 * CLOCK_MINUTE,
                                 60 * CLOCK_MINUTE, 2 * CLOCK_HOUR,    4 * CLOCK_HOUR};

static const char *domain_of(const char *address)
{
    const char *at = strrchr(address, '@');

    return at != NULL ? at + 1 : "";
}

int domains_load(struct db *db, struct domains *domains, struct err *err)
{
    struct db_stmt *stmt = NULL;
    int rc = db_query(db, SQL_DOMAIN_LIST, &stmt, err);

    domains->count = 0;
    rc = rc == 0 ? db_bind(stmt, err, "i", (int64_t)DOMAINS_MAX) : rc;
    while (rc == 0 && (rc = db_next(stmt, err)) == 1) {
        struct domain *domain = &domains->items[domains->count++];

        snprintf(domain->name, sizeof(domain->name), "%s", db_text(stmt, 0));
        domain->paused_until = db_int(stmt, 1);
        rc = 0;
    }
    db_stmt_free(stmt);
    return rc;
}

static struct domain *find(const struct domains *domains, const char *name)
{
    for (size_t i = 0; i < domains->count; i++) {
        if (strcasecmp(domains->items[i].name, name) == 0) {
            return (struct domain *)&domains->items[i];
        }
    }
    return NULL;
}

int64_t domains_paused(const struct domains *domains, const char *address, int64_t now)
{
    const struct domain *domain =
        domains->count > 0 ? find(domains, domain_of(address)) : NULL;

    return domain != NULL && domain->paused_until > now ? domain->paused_until : 0;
}

static bool has_word(const char *text, const char *word)
{
    return strcasestr(text, word) != NULL;
}

/* The answer is about the domain, and not about one of its mailboxes or about us. */
static bool is_of_domain(const struct smtp_outcome *outcome)
{
    const struct reply *reply = &outcome->reply;

    return outcome->verdict.disposition == REPLY_DEFERRED && !outcome->verdict.relay &&
           (outcome->stage == REPLY_RCPT || outcome->stage == REPLY_DOT) &&
           strncmp(reply->enhanced, "4.2.", 4) != 0 && !has_word(reply->text, "greylist") &&
           !has_word(reply->text, "graylist") && !has_word(reply->text, "grey-list");
}

static int put_off(struct db *db, struct domains *domains, const char *name, int64_t now,
                   bool *paused, struct err *err)
{
    char key[LIMIT_DOMAIN + 1];
    struct db_stmt *stmt = NULL;
    int64_t failures = 0;
    int64_t until = 0;
    size_t len = 0;
    int rc = db_query(db, SQL_DOMAIN_GET, &stmt, err);

    for (; len < LIMIT_DOMAIN && name[len] != '\0'; len++) {
        key[len] = (char)tolower((unsigned char)name[len]);
    }
    key[len] = '\0';
    rc = rc == 0 ? db_bind(stmt, err, "t", key) : rc;
    rc = rc == 0 ? db_next(stmt, err) : rc;
    if (rc == 1) {
        failures = db_int(stmt, 0);
        until = db_int(stmt, 1);
    }
    db_stmt_free(stmt);
    if (rc < 0 || until > now) {
        return rc < 0 ? rc : 0; /* it was on the wire when the pause began */
    }
    failures++;
    if (failures >= IN_A_ROW) {
        size_t n = (size_t)(failures - IN_A_ROW);

        *paused = true;
        until = now + pauses[n < sizeof(pauses) / sizeof(pauses[0])
                                 ? n
                                 : sizeof(pauses) / sizeof(pauses[0]) - 1];
        LOG(LOG_WARN, "domain_paused", log_text("domain", key), log_int("answers", failures),
            log_int("seconds", (until - now) / CLOCK_SECOND));
    }
    rc = db_exec(db, SQL_DOMAIN_PUT, err, "tiii", key, failures, until, now);
    rc = rc == 0 ? db_exec(db, SQL_DOMAIN_FORGET_OLD, err, "i", now - FORGOTTEN_AFTER) : rc;
    return rc == 0 ? domains_load(db, domains, err) : rc;
}

int domains_note(struct db *db, struct domains *domains, const char *address,
                 const struct smtp_outcome *outcome, int64_t now, bool *paused, struct err *err)
{
    const char *name = domain_of(address);

    if (is_of_domain(outcome)) {
        return put_off(db, domains, name, now, paused, err);
    }
    if (outcome->verdict.disposition == REPLY_SENT && domains->count > 0) {
        struct domain *domain = find(domains, name);

        if (domain != NULL) {
            int rc = db_exec(db, SQL_DOMAIN_FORGET, err, "t", domain->name);

            *domain = domains->items[--domains->count];
            return rc;
        }
    }
    return 0;
}
