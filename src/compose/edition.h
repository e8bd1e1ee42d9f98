/* edition.h - one variant of a letter, rendered. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "frame.h"
#include "frozen.h"
#include "kind.h"
#include "teataja/compose/selection.h"
#include "write.h"

/* An issue in one language, read once. */
struct letter_doc {
    const struct edition *edition; /* NULL: there is none */
    struct markdown *body;
    unsigned blocks; /* that the text asks for and the newsletter has */
    bool named;      /* says the member's name somewhere */
};

/* What all variants of a letter share. */
struct letter {
    struct compose *compose;
    const struct issue *issue;
    const struct newsletter *newsletter;
    const struct site_list *list;
    struct letter_doc docs[LANG_COUNT];
    int64_t date;
    bool test;
};

/* Reads the issue's editions into the arena. ERR_INVALID for Markdown that is
 * wrong, or an issue whose newsletter or list does not exist. */
int letter_read(struct compose *compose, struct arena *arena, const struct issue *issue,
                int64_t date, struct letter *out, struct err *err);

/* A rendered message before it is cut at its slots. In an arena. */
struct rendered {
    enum language language;
    const char *subject; /* may hold slots */
    const char *html;
    size_t html_len;
    const char *text;
    size_t text_len;
    const struct picture *pictures;
    size_t picture_count;
    struct piece_options slots; /* what is filled when it is cut */
};

/* Renders the letter of a selection. ERR_LIMIT when the HTML is over LIMIT_HTML. */
int edition_render(const struct letter *letter, struct arena *arena,
                   const struct selection *selection, bool nameless, struct rendered *out,
                   struct err *err);

/* Renders the templates "mail/<name>.html" and ".txt" over the frame's data. */
int edition_templates(struct frame *frame, const char *name, struct rendered *out, struct err *err);

/* Replaces {{tokens}} in a line by their slots, in the arena. */
const char *edition_tokens(struct arena *arena, const char *text);

/* Who sends, and in whose name. */
struct sender {
    const struct newsletter *newsletter; /* NULL for none */
    const struct site_list *list;        /* NULL for none */
    const struct address *from;
    const struct lang_text *from_name;
    const struct address *reply_to; /* NULL or text "": none */
    const char *feedback;           /* slug of what it is about */
    const struct mail_kind *kind;
    const char *occurrence; /* of the event that it is about; NULL: the whole, or none */
};

/* Cuts and encodes what was rendered, and writes the fields that are the same for
 * all. In the arena. */
int edition_freeze(struct compose *compose, struct arena *arena, const struct rendered *rendered,
                   const struct sender *sender, struct frozen *out, struct err *err);

/* A program as message.c would load it, for previews: nothing is stored. */
int edition_program(struct compose *compose, struct arena *arena, const struct rendered *rendered,
                    const struct sender *sender, const struct frozen *frozen, int64_t date,
                    struct program *out, struct err *err);

/* What a mailing of this sender freezes for all variants. */
struct envelope edition_envelope(const struct compose *compose, const struct sender *sender,
                                 int64_t list);
