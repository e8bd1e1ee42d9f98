/* call.h - one request in hand, and how its page is made. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "site.h"
#include "teataja/base/token.h"
#include "teataja/db/db.h"
#include "teataja/members/member.h"
#include "teataja/render/format.h"
#include "teataja/render/value.h"
#include "teataja/web/form.h"
#include "teataja/web/server.h"

/* What a thread needs that threads cannot share. */
struct web_seat {
    struct web_seat *next;
    struct db *db;
    dev_t device; /* of the database's file, which may be replaced by another */
    ino_t inode;
    uint64_t serial;                    /* of the site that the database was brought in step with */
    struct format *formats[LANG_COUNT]; /* opened when first needed */
};

enum { CALL_WORDS = 3 }; /* parts of a path behind the first */

struct call {
    const struct server_request *request;
    struct server_reply *reply;
    const struct web_site *site;
    struct web_seat *seat;
    const struct token_key *key;
    struct members members;
    struct arena *arena;
    const char *words[CALL_WORDS]; /* of the path, as the route names them; NULL beyond */
    enum language language;        /* by Accept-Language, then the member's */
    const struct web_look *look;
    struct value *root; /* of the page's data */
    const char *policy; /* Content-Security-Policy of the page; NULL: the strict one */
    struct err err;     /* the first failure while data is built */
};

/* True for POST. */
bool call_posts(const struct call *call);

/* The language that "et-EE, ru;q=0.8" asks for; `fallback` if it is none of the ten. */
enum language call_accept(const char *header, enum language fallback);

/* Takes the member's language and address: a page of their own. */
void call_member(struct call *call, const struct member *member);

/* "m…@cluster.example": enough to recognise one's own address by. In the arena. */
const char *call_masked(struct call *call, const char *email);

/* Reads the form; answers with a page and returns 1 if it makes no sense. */
int call_form(struct call *call, struct form *out, struct err *err);

/* Begins a page: the data that every template needs, in the call's language. `list` is
 * whose look it has; NULL: the site's own. */
void page_begin(struct call *call, const char *list);

/* Sets `name` to a text of the catalogue: page_text(call, root, "text", "web.left_text", args
 * ...). A failure is kept for page_send. */
#define page_text(call, map, name, key, ...)                                                       \
    page_set_text((call), (map), (name), (key), (const struct catalogue_arg[]){__VA_ARGS__},       \
                  sizeof((const struct catalogue_arg[]){__VA_ARGS__}) /                            \
                      sizeof(struct catalogue_arg))
void page_set_text(struct call *call, struct value *map, const char *name, const char *key,
                   const struct catalogue_arg *args, size_t count);

/* A text of the catalogue without arguments; never NULL. */
const char *page_word(const struct call *call, const char *key);

/* A text of the catalogue, in the arena; "" after a failure. */
const char *page_string(struct call *call, const char *key, const struct catalogue_arg *args,
                        size_t count);

/* Renders and answers. Every page but public ones is for one reader: neither kept by
 * caches nor found by search engines. */
enum page_audience { PAGE_PERSONAL, PAGE_PUBLIC };
int page_send(struct call *call, enum web_page page, int status, enum page_audience audience,
              struct err *err);

/* A page that only tells: `key` "link" is web.link_title and web.link_text. */
int page_tell(struct call *call, const char *key, int status, struct err *err);

/* The fields that every answer has. */
void page_headers(struct call *call, const char *policy, enum page_audience audience);

/* The formatters of a language. */
int call_format(struct call *call, enum language language, struct format **out, struct err *err);
