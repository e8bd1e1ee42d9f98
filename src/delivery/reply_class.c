/* reply_class.c - what an answer means for a member: product.md's table. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "teataja/delivery/reply.h"

#define ANY (-1)

struct status {
    int class; /* 2, 4, 5; 0: there is none */
    int subject;
    int detail;
};

/* First match wins. A code that is in no row lets the text decide. */
static const struct {
    struct status status;
    enum reply_class class;
} by_status[] = {
    {{5, 7, ANY}, REPLY_POLICY}, {{5, 6, ANY}, REPLY_POLICY}, {{5, 3, 4}, REPLY_POLICY},
    {{5, 1, 7}, REPLY_POLICY},   {{5, 1, 8}, REPLY_POLICY},   {{4, 7, ANY}, REPLY_POLICY},
    {{5, 5, 1}, REPLY_POLICY},   {{5, 1, 1}, REPLY_HARD},     {{5, 1, 2}, REPLY_HARD},
    {{5, 1, 3}, REPLY_HARD},     {{5, 1, 6}, REPLY_HARD},     {{5, 1, 10}, REPLY_HARD},
    {{5, 4, 4}, REPLY_HARD},     {{5, 2, 2}, REPLY_SOFT},     {{5, 2, 3}, REPLY_SOFT},
    {{5, 3, ANY}, REPLY_SOFT},
};

/* Looked for in the folded text, without the addresses and links in it. */
static const char *const policy_texts[] = {
    "spam",
    "blacklist",
    "black list",
    "blocklist",
    "block list",
    "blocked using",
    "reputation",
    "dmarc",
    "dkim",
    " spf",
    "ptr record",
    "reverse dns",
    "reverse hostname",
    "cannot find your hostname",
    "authentication required",
    "not authenticated",
    "unauthenticated",
    "relay access denied",
    "relaying denied",
    "unable to relay",
    "hourly",
    "sending limit",
    "sending quota",
    "relay quota",
    "sender rejected",
    "sender address rejected",
    "protocol violation",
    "daily limit",
    "daily sending",
    "rate limit",
    "rate-limit",
    "too many messages",
    "too many connections",
    "too many recipients",
    "too much mail",
    "policy violation",
    "policy reasons",
    "greylist",
    "graylist",
};

static const char *const soft_texts[] = {
    "disabled", "inactive",     "suspended",    "deactivated", "locked",    "over quota",
    "quota",    "mailbox full", "full mailbox", "is full",     "too large", "expired",
};

static const char *const hard_texts[] = {
    "user unknown",          "unknown user",        "no such user",       "user not found",
    "user does not exist",   "unknown recipient",   "recipient unknown",  "no such recipient",
    "recipient not found",   "recipient not exist", "invalid recipient",  "does not exist",
    "doesn't exist",         "no such mailbox",     "no mailbox",         "mailbox not found",
    "invalid mailbox",       "not a valid mailbox", "mailbox does not",   "no such address",
    "unknown address",       "address unknown",     "unknown local",      "not our customer",
    "unrouteable address",   "unroutable address",  "host not found",     "domain not found",
    "domain name not found", "no such domain",      "account not found",  "no such account",
    "no such person",        "no longer exists",    "no longer employed",
};

/* Copies the text in lower case, spaces in front and between, leaving out words
 * that are addresses or links: "spam" in somebody's domain means nothing. */
static void fold_words(const char *text, char out[LIMIT_REPLY_KEPT + 2])
{
    size_t len = 0;

    while (*text != '\0' && len < LIMIT_REPLY_KEPT) {
        size_t word = strcspn(text, " ");
        bool skip = memchr(text, '@', word) != NULL || strncasecmp(text, "http", 4) == 0;

        out[len++] = ' ';
        for (size_t i = 0; !skip && i < word && len < LIMIT_REPLY_KEPT; i++) {
            out[len++] = (char)tolower((unsigned char)text[i]);
        }
        text += word;
        text += strspn(text, " ");
    }
    out[len] = '\0';
}

static bool says(const char *folded, const char *const *phrases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strstr(folded, phrases[i]) != NULL) {
            return true;
        }
    }
    return false;
}

#define SAYS(folded, phrases) says(folded, phrases, sizeof(phrases) / sizeof((phrases)[0]))

static struct status read_status(int code, const char *enhanced)
{
    struct status status = {0};
    char *end = NULL;

    if (enhanced == NULL || enhanced[0] == '\0') {
        return status;
    }
    status.class = (int)strtol(enhanced, &end, 10);
    if (*end == '.') {
        status.subject = (int)strtol(end + 1, &end, 10);
    }
    if (*end == '.') {
        status.detail = (int)strtol(end + 1, &end, 10);
    }
    /* A server that contradicts itself ("450 5.1.1") is not believed, except that
     * security and policy (x.7.x) is never the member's doing. */
    if (code != 0 && status.class != code / 100) {
        status.class = status.subject == 7 ? code / 100 : 0;
    }
    return status;
}

enum reply_class reply_class_of(int code, const char *enhanced, const char *text)
{
    struct status status = read_status(code, enhanced);
    int first = code != 0 ? code / 100 : status.class;
    char folded[LIMIT_REPLY_KEPT + 2];

    if (first == 2 || first == 3) {
        return REPLY_OK;
    }
    fold_words(text != NULL ? text : "", folded);
    if (code == 421 || SAYS(folded, policy_texts)) {
        return REPLY_POLICY;
    }
    for (size_t i = 0; i < sizeof(by_status) / sizeof(by_status[0]); i++) {
        const struct status *row = &by_status[i].status;
        if (row->class == status.class && row->subject == status.subject &&
            (row->detail == ANY || row->detail == status.detail)) {
            return by_status[i].class;
        }
    }
    if (first == 4 || SAYS(folded, soft_texts)) {
        return REPLY_SOFT;
    }
    return SAYS(folded, hard_texts) ? REPLY_HARD : REPLY_SOFT;
}

static bool names_address(const char *text, const char *address)
{
    size_t len = strlen(address);

    for (; len > 0 && *text != '\0'; text++) {
        if (strncasecmp(text, address, len) == 0) {
            return true;
        }
    }
    return false;
}

struct reply_verdict reply_classify(enum reply_stage stage, const struct reply *reply,
                                    const char *address)
{
    struct reply_verdict verdict = {.disposition = REPLY_RETURNED};
    bool permanent = reply->code >= 500;

    verdict.class =
        reply->code == 0 ? REPLY_POLICY : reply_class_of(reply->code, reply->enhanced, reply->text);
    if (verdict.class == REPLY_OK) {
        if (stage == REPLY_DOT) {
            /* "Go on" after the message says nothing about where it is. */
            verdict.disposition = reply->code < 300 ? REPLY_SENT : REPLY_UNKNOWN;
        }
        return verdict;
    }
    verdict.relay = reply->code == 421;
    switch (stage) {
    case REPLY_CONNECTION:
    case REPLY_MAIL:
        verdict.class = REPLY_POLICY;
        verdict.relay = true;
        return verdict;
    case REPLY_MESSAGE:
        permanent = true;
        break;
    case REPLY_RCPT:
        verdict.counts = verdict.class != REPLY_POLICY;
        break;
    case REPLY_DATA:
        break;
    case REPLY_DOT:
        verdict.counts = verdict.class != REPLY_POLICY && names_address(reply->text, address);
        break;
    }
    verdict.disposition = permanent ? REPLY_FAILED : REPLY_DEFERRED;
    verdict.suppress = permanent && verdict.class == REPLY_HARD && verdict.counts;
    return verdict;
}

static const char *const stage_names[] = {"connection", "message", "mail", "rcpt", "data", "dot"};
static const char *const class_names[] = {"ok", "hard", "soft", "policy"};
static const char *const disposition_names[] = {"sent", "deferred", "failed", "queued", "unknown"};

const char *reply_stage_name(enum reply_stage stage)
{
    return stage_names[stage];
}

const char *reply_class_name(enum reply_class class)
{
    return class_names[class];
}

const char *reply_disposition_name(enum reply_disposition disposition)
{
    return disposition_names[disposition];
}
