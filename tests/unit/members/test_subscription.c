/* Subscriptions: which act leads from which state to which, and what is recorded. */
#include "unit/members/register.h"

static const struct subscription_ground by_membership = {.basis = SITE_BASIS_MEMBERSHIP};
static const struct subscription_ground without_evidence = {.basis = SITE_BASIS_CONSENT,
                                                            .source = "list of 2019"};
static const struct subscription_ground with_evidence = {
    .basis = SITE_BASIS_CONSENT, .consent_at = 1, .how = "paper", .source = "forum"};
static const struct subscription_ground without_source = {.basis = SITE_BASIS_CONSENT,
                                                          .consent_at = 1};
static const struct subscription_ground anew = {
    .basis = SITE_BASIS_CONSENT, .consent_at = 1, .source = "mail", .again = true};

enum act { START, ASK, CONFIRM, LEAVE };

struct step {
    enum act act;
    const struct subscription_ground *ground;
};

static const struct {
    const char *name;
    struct step steps[4];
    size_t count;
    const char *state;
    int acts; /* of the record */
    int rc;   /* of the last step */
} paths[] = {
    {"membership is active", {{START, &by_membership}}, 1, "active", 1, 0},
    {"no evidence is unconfirmed", {{START, &without_evidence}}, 1, "unconfirmed", 1, 0},
    {"evidence is active", {{START, &with_evidence}}, 1, "active", 1, 0},
    {"evidence needs a source", {{START, &without_source}}, 1, "unconfirmed", 1, 0},
    {"evidence that comes later counts",
     {{START, &without_evidence}, {START, &with_evidence}},
     2,
     "active",
     2,
     0},
    {"nothing new is not recorded",
     {{START, &without_evidence}, {START, &without_evidence}},
     2,
     "unconfirmed",
     1,
     0},
    {"active is never made worse",
     {{START, &by_membership}, {START, &without_evidence}},
     2,
     "active",
     1,
     0},
    {"asking is pending", {{ASK, &without_evidence}}, 1, "pending", 1, 0},
    {"asking when active changes nothing",
     {{START, &by_membership}, {ASK, &without_evidence}},
     2,
     "active",
     1,
     0},
    {"confirming makes active", {{ASK, &without_evidence}, {CONFIRM, NULL}}, 2, "active", 2, 0},
    {"confirming an import makes active",
     {{START, &without_evidence}, {CONFIRM, NULL}},
     2,
     "active",
     2,
     0},
    {"confirming twice is once",
     {{ASK, &without_evidence}, {CONFIRM, NULL}, {CONFIRM, NULL}},
     3,
     "active",
     2,
     0},
    {"nothing asked, nothing to confirm", {{CONFIRM, NULL}}, 1, "none", 0, ERR_STATE},
    {"leaving", {{START, &by_membership}, {LEAVE, NULL}}, 2, "left", 2, 0},
    {"leaving twice is once",
     {{START, &by_membership}, {LEAVE, NULL}, {LEAVE, NULL}},
     3,
     "left",
     2,
     0},
    {"leaving what one is not on", {{LEAVE, NULL}}, 1, "none", 0, 0},
    {"an import does not bring back",
     {{START, &by_membership}, {LEAVE, NULL}, {START, &with_evidence}},
     3,
     "left",
     2,
     0},
    {"nor does membership",
     {{START, &by_membership}, {LEAVE, NULL}, {START, &by_membership}},
     3,
     "left",
     2,
     0},
    {"a new consent does",
     {{START, &by_membership}, {LEAVE, NULL}, {START, &anew}},
     3,
     "active",
     3,
     0},
    {"an old confirmation link does not",
     {{ASK, &without_evidence}, {LEAVE, NULL}, {CONFIRM, NULL}},
     3,
     "left",
     2,
     ERR_STATE},
    {"asking anew and confirming does",
     {{START, &by_membership}, {LEAVE, NULL}, {ASK, &without_evidence}, {CONFIRM, NULL}},
     4,
     "active",
     4,
     0},
    {"asking anew alone does not",
     {{START, &by_membership}, {LEAVE, NULL}, {ASK, &without_evidence}},
     3,
     "left",
     3,
     0},
};

static int take(struct register_site *r, int64_t id, const struct step *step)
{
    const struct members *m = &r->members;

    switch (step->act) {
    case START:
        return subscription_start(m, id, "funding", step->ground, NULL, NULL, &r->err);
    case ASK:
        return subscription_ask(m, id, "funding", step->ground, &r->err);
    case CONFIRM:
        return subscription_confirm(m, id, "funding", "link", NULL, &r->err);
    case LEAVE:
        break;
    }
    return subscription_leave(m, id, "funding", "link", NULL, NULL, &r->err);
}

static void test_acts_lead_from_state_to_state(void **state)
{
    struct register_site *r = *state;

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        char email[40];
        struct consent *acts = NULL;
        size_t count = 0;
        enum subscription_state held = SUBSCRIPTION_NONE;
        int64_t id = 0;
        int rc = 0;

        (void)snprintf(email, sizeof(email), "email=m%zu@x.example", i);
        id = register_add(r, email, NULL);
        for (size_t k = 0; k < paths[i].count; k++) {
            rc = take(r, id, &paths[i].steps[k]);
        }
        register_ok(r, subscription_get(&r->members, id, "funding", &held, &r->err));
        register_ok(r, consent_list(&r->members, r->arena, id, &acts, &count, &r->err));
        if (rc != paths[i].rc || strcmp(subscription_state_name(held), paths[i].state) != 0 ||
            (int)count != paths[i].acts) {
            fail_msg("%s: %d, %s, %zu acts", paths[i].name, rc, subscription_state_name(held),
                     count);
        }
    }
}

static void test_the_record_says_what_was_agreed_to(void **state)
{
    struct register_site *r = *state;
    struct subscription_ground ground = {.basis = SITE_BASIS_CONSENT,
                                         .consent_at = 42,
                                         .how = "form",
                                         .source = "page",
                                         .wording = "Jah, palun",
                                         .wording_language = "et"};
    struct subscription *rows = NULL;
    struct consent *acts = NULL;
    size_t count = 0;
    int64_t id = register_add(r, "email=a@x.example", NULL);
    int64_t other = register_add(r, "email=b@x.example", NULL);

    register_ok(r, subscription_start(&r->members, id, "funding", &ground, NULL, NULL, &r->err));
    register_ok(r, subscription_start(&r->members, other, "funding", &ground, NULL, NULL, &r->err));
    register_subscribe(r, id, "events");
    register_ok(r,
                subscription_leave(&r->members, id, "funding", "one-click", NULL, NULL, &r->err));
    register_ok(r, consent_list(&r->members, r->arena, id, &acts, &count, &r->err));
    assert_int_equal(count, 3);
    assert_string_equal(acts[0].act, "given");
    assert_int_equal(acts[0].at, 42);
    assert_string_equal(acts[0].how, "form");
    assert_string_equal(acts[0].source, "page");
    assert_string_equal(acts[0].wording, "Jah, palun");
    assert_string_equal(acts[0].wording_language, "et");
    assert_string_equal(acts[2].act, "left");
    assert_string_equal(acts[2].how, "one-click");
    assert_int_equal(register_count(r, "SELECT count(*) FROM wording"), 1);
    register_ok(r, subscription_list(&r->members, r->arena, id, &rows, &count, &r->err));
    assert_int_equal(count, 2);
    assert_string_equal(rows[0].list, "events");
    assert_int_equal(rows[0].state, SUBSCRIPTION_ACTIVE);
    assert_int_equal(rows[1].state, SUBSCRIPTION_LEFT);
    assert_int_equal(rows[1].basis, SITE_BASIS_CONSENT);
}

static void test_a_list_that_is_not_there_is_named(void **state)
{
    struct register_site *r = *state;
    int64_t id = register_add(r, "email=a@x.example", NULL);

    assert_int_equal(
        subscription_start(&r->members, id, "fundng", &by_membership, NULL, NULL, &r->err),
        ERR_NOT_FOUND);
    assert_string_equal(r->err.msg, "no list 'fundng'; did you mean 'funding'?");
    assert_false(db_in_transaction(r->members.db));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, register_set_up, register_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_acts_lead_from_state_to_state),
        TEST(test_the_record_says_what_was_agreed_to),
        TEST(test_a_list_that_is_not_there_is_named),
    };

    return cmocka_run_group_tests_name("members/subscription", tests, NULL, NULL);
}
