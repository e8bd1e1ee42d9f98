/* write.h - one message from a loaded variant and a row's values. */
#pragma once

#include <stdint.h>

#include "envelope.h"
#include "frozen.h"
#include "kind.h"
#include "teataja/base/str.h"
#include "teataja/base/token.h"

/* A variant, laid out. Does not change: threads share it. */
struct program {
    int64_t mailing;
    const char *uid;
    int64_t date;
    struct envelope envelope;
    struct frozen frozen;
    struct layout layout;
    const char *subject; /* the whole field; NULL while it holds a slot */
};

/* Sets program->subject once frozen is there. */
int write_prepare(struct program *program, struct arena *arena, struct err *err);

struct write_input {
    int64_t row;
    int64_t member;
    const char *address;
    struct row_values values;
};

/* Appends the message to `out` and sets the envelope's sender. */
int write_message(const struct program *program, const struct token_key *key,
                  const struct write_input *input, struct str *out, char sender[LIMIT_ADDRESS + 1],
                  struct err *err);

/* A recipient's values for the slots; the links live in `links`. */
struct write_links {
    char leave[LINK_TEXT];
    char preferences[LINK_TEXT];
    char view[LINK_TEXT];
    char yes[LINK_TEXT];
    char maybe[LINK_TEXT];
    char no[LINK_TEXT];
};
int write_values(const struct envelope *envelope, int64_t mailing, const struct token_key *key,
                 const struct write_input *input, struct write_links *links,
                 struct slot_values *out, struct err *err);
