/* Segments over a register of three: every expression that parses is SQL that
 * runs, and is two-valued: whoever does not match it matches its negation. */
#include "fuzz.h"

#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/token.h"
#include "teataja/members/member.h"
#include "teataja/members/segment.h"
#include "teataja/members/sync.h"

#define MEMBERS 3

static const char *const fields[MEMBERS][6][2] = {
    {{"email", "mari@linn.example"},
     {"name", "Mari Õun"},
     {"language", "et"},
     {"sector", "music"},
     {"attr.employees", "5"}},
    {{"email", "ivan@teater.example"}, {"name", "Иван"}, {"language", "ru"}, {"tag", "press"}},
    {{"email", "x@y.example"}},
};

struct fixture {
    struct arena *arena;
    struct config config;
    struct token_key key;
    struct members members;
};

static void add_member(struct fixture *site, size_t index)
{
    struct member_input input = {0};
    struct err err = {0};
    int64_t id = 0;

    for (size_t i = 0; fields[index][i][0] != NULL; i++) {
        FUZZ_CHECK(member_input_set_named(&site->config, site->arena, &input, fields[index][i][0],
                                          fields[index][i][1], &err) == 0);
    }
    FUZZ_CHECK(member_add(&site->members, &input, &id, &err) == 0);
}

static struct fixture *site_get(void)
{
    static struct fixture site;
    struct err err = {0};

    if (site.arena == NULL) {
        FUZZ_CHECK(token_init(NULL) == 0);
        clock_fix(INT64_C(1795262400) * CLOCK_SECOND, 0);
        site.arena = arena_new(LIMIT_ARENA_WORK);
        FUZZ_CHECK(config_load(site.arena, FUZZ_SITE, NULL, &site.config, &err) == 0);
        site.members.config = &site.config;
        site.members.key = &site.key;
        FUZZ_CHECK(db_open(":memory:", DB_OPEN_CREATE, &site.members.db, &err) == 0);
        FUZZ_CHECK(members_sync(&site.members, &err) == 0);
        for (size_t i = 0; i < MEMBERS; i++) {
            add_member(&site, i);
        }
    }
    return &site;
}

static int64_t count_of(struct fixture *site, const struct segment *segment)
{
    struct err err = {0};
    int64_t count = -1;
    int64_t member = 0;
    int64_t before = 0;
    int64_t matched = 0;
    struct segment_walk *walk = NULL;

    if (segment_count(site->members.db, segment, &count, &err) != 0) {
        (void)fprintf(stderr, "%s\n", err.msg);
    }
    FUZZ_CHECK(count >= 0 && count <= MEMBERS);
    FUZZ_CHECK(segment_open(site->members.db, segment, &walk, &err) == 0);
    while (segment_next(walk, &member, &err) == 1) {
        FUZZ_CHECK(member > before);
        before = member;
        matched++;
    }
    segment_close(walk);
    FUZZ_CHECK(matched == count);
    return count;
}

static void check_segment(struct fixture *site, const struct segment *segment, const char *text)
{
    int64_t count = count_of(site, segment);
    size_t len = strlen(text);
    struct segment *negated = NULL;
    char *opposite = malloc(len + 7);

    FUZZ_CHECK(opposite != NULL);
    (void)snprintf(opposite, len + 7, "not (%s)", text);
    if (segment_parse_plain(&site->config, opposite, &negated, NULL) == 0) {
        FUZZ_CHECK(count + count_of(site, negated) == MEMBERS);
    } else {
        /* Only the empty text, or one at its limits, has no negation. */
        FUZZ_CHECK(strspn(text, " \t\r\n") == len || count >= 0);
    }
    segment_free(negated);
    free(opposite);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fixture *site = site_get();
    char *text = fuzz_text(data, size);
    struct segment *segment = NULL;
    struct err err = {0};
    int rc = segment_parse_plain(&site->config, text, &segment, &err);

    if (rc == 0) {
        check_segment(site, segment, text);
        segment_free(segment);
    } else {
        FUZZ_CHECK(rc == ERR_INVALID || rc == ERR_LIMIT);
        FUZZ_CHECK(segment_error_column(&err) <= (int)size + 1);
        fuzz_check_error(rc, &err);
    }
    free(text);
    return 0;
}
