/* certificate.h - an authority and a server certificate, made for one test. */
#pragma once

#include <time.h>

struct certificate {
    char authority[256]; /* PEM files in the folder */
    char certificate[256];
    char key[256];
};

/* Makes an authority and a certificate for the DNS name or IPv4 address `name`,
 * valid from `from` to `until`, in `folder`. Aborts when it cannot. */
void certificate_make(const char *folder, const char *name, time_t from, time_t until,
                      struct certificate *out);

/* Removes the files. */
void certificate_remove(const struct certificate *certificate);
