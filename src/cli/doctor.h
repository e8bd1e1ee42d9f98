/* src/cli/doctor.h - what `doctor` looks at, and how it says what it found. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "teataja/net/dns.h"
#include "workspace.h"

enum doctor_level { DOCTOR_OK, DOCTOR_WARNING, DOCTOR_BAD, DOCTOR_LEVELS };

struct doctor_finding {
    const char *area; /* "relay": findings of one area stand together */
    enum doctor_level level;
    const char *what;
    const char *advice; /* what to do; NULL if nothing */
};

struct doctor {
    struct arena *arena;
    struct workspace *workspace;
    struct doctor_finding *findings;
    size_t count;
    size_t capacity;
    size_t levels[DOCTOR_LEVELS]; /* how many of each */
    bool no_memory;
    struct dns *dns;
    bool dns_silent; /* no resolver answers: nothing more is asked */
};

/* Adds a finding; `advice` must live as long as the arena. */
void doctor_tell(struct doctor *doctor, const char *area, enum doctor_level level,
                 const char *advice, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* What needs no configuration: the clock, time zones, room on the disk, the templates. */
void doctor_machine(struct doctor *doctor);

/* Files of the site and who can read them; the database; where `web` listens. */
void doctor_files(struct doctor *doctor);
void doctor_database(struct doctor *doctor);
void doctor_web(struct doctor *doctor);

/* Connects to each relay as delivery does, and sends nothing. */
void doctor_relays(struct doctor *doctor);

/* True for "localhost" and loopback addresses. */
bool doctor_is_loopback(const char *host);

/* ---- the DNS ---- */

/* All of it: MX, SPF, DKIM, DMARC, PTR. */
void doctor_dns(struct doctor *doctor);

/* The domain that bounces come back to, as A-labels; NULL if none is configured. */
const char *doctor_bounce_domain(const struct config *config);

/* The domains of all senders, each once, in the arena. */
size_t doctor_sender_domains(const struct doctor *doctor, const char ***out);

/* As dns_txt. Where the question could not be answered that is told in `area`, and is
 * ERR_BUSY; only 0 and ERR_NOT_FOUND say something of the record. */
int doctor_ask_txt(struct doctor *doctor, const char *area, const char *name,
                   const char *const **out, size_t *count);

/* The same after any other question: passes 0 and ERR_NOT_FOUND on. */
int doctor_answered(struct doctor *doctor, const char *area, int rc, const struct err *err);

/* The value of a tag in "v=DKIM1; k=rsa; p=..." without white space, in the arena; NULL if
 * it is not there. */
const char *doctor_tag(struct arena *arena, const char *record, const char *tag);

/* True if `domain` is `above` or below it. */
bool doctor_is_below(const char *domain, const char *above);

void doctor_spf(struct doctor *doctor);
void doctor_dkim(struct doctor *doctor);
void doctor_dmarc(struct doctor *doctor);
