/* member subscribe | leave: who is on which list. */
#include <inttypes.h>
#include <stdio.h>

#include "ground.h"
#include "teataja/base/civil.h"
#include "teataja/base/clock.h"
#include "teataja/calendar/zone.h"
#include "teataja/members/subscription.h"
#include "workspace.h"

static int read_consent_at(const struct site *site, const char *text, int64_t *at, struct err *err)
{
    struct civil day;
    int rc = civil_parse(text, &day, err);

    if (rc == 0) {
        rc = zone_to_utc(site->timezone, &day, at, NULL, err);
    }
    if (rc == 0 && *at > clock_now()) {
        rc = err_set(err, ERR_INVALID, "%s lies in the future", text);
    }
    return rc < 0 ? err_prefix(err, "--consent-at") : 0;
}

int ground_read(const struct command *command, const struct workspace *workspace, const char *list,
                struct subscription_ground *out, struct err *err)
{
    const struct site *site = &workspace->config.site;
    const struct site_list *site_list = site_list_find(site, list);
    const char *basis = command_value(command, "basis");
    const char *consent_at = command_value(command, "consent-at");
    int found;

    *out = (struct subscription_ground){
        .how = "staff",
        .source = command_value(command, "source"),
        .basis = site_list != NULL ? (enum site_basis)site_list->basis : SITE_BASIS_CONSENT};
    if (basis != NULL) {
        found = subscription_basis_find(basis);
        if (found < 0) {
            return err_set(err, ERR_INVALID,
                           "--basis is consent, membership, public_task or legitimate_interest, "
                           "not '%s'",
                           basis);
        }
        out->basis = (enum site_basis)found;
    }
    if (consent_at != NULL && out->source == NULL) {
        return err_set(err, ERR_INVALID,
                       "--consent-at needs --source: where the consent is on "
                       "record");
    }
    return consent_at != NULL ? read_consent_at(site, consent_at, &out->consent_at, err) : 0;
}

/* Tells, for people or programs, how a member stands to a list now. */
static enum exit_status tell(const struct command *command, const struct workspace *workspace,
                             int64_t member, const char *list, bool leave)
{
    enum subscription_state state;
    struct err err = {0};

    if (subscription_get(&workspace->members, member, list, &state, &err) < 0) {
        return command_fail(&err);
    }
    printf(command->json ? "{\"id\":%" PRId64 ",\"list\":\"%s\",\"subscription\":\"%s\"}\n"
                         : "Member %" PRId64 " on the list '%s': %s.\n",
           member, list, subscription_state_name(state));
    if (!command->json && state == SUBSCRIPTION_UNCONFIRMED) {
        puts("Without evidence of consent (--consent-at, --source) there is no mail.");
    }
    if (!command->json && !leave && state == SUBSCRIPTION_LEFT) {
        puts("Who has left comes back with --again and new consent (--consent-at, --source) only.");
    }
    return EXIT_DONE;
}

static enum exit_status subscription_run(struct command *command, bool leave)
{
    const char *list = command_value(command, "list");
    struct subscription_ground ground;
    struct workspace workspace;
    struct member member;
    struct err err = {0};
    enum exit_status status;
    int rc;

    if (list == NULL) {
        return command_misused(command, "%s needs --list", command->verb->name);
    }
    status = workspace_open(command, WORKSPACE_DB, false, &workspace);
    if (status != EXIT_DONE) {
        goto out;
    }
    rc = member_find(&workspace.members, command->arena, command->arguments[0], &member, &err);
    if (rc == 0 && leave) {
        rc = subscription_leave(&workspace.members, member.id, list, "staff",
                                command_value(command, "source"), NULL, &err);
    } else if (rc == 0) {
        rc = ground_read(command, &workspace, list, &ground, &err);
        if (rc == 0) {
            ground.again = command_has(command, "again");
            rc = subscription_start(&workspace.members, member.id, list, &ground, NULL, NULL, &err);
        }
    }
    status = rc < 0 ? command_fail(&err) : tell(command, &workspace, member.id, list, leave);
out:
    workspace_close(&workspace);
    return status;
}

static enum exit_status subscribe_run(struct command *command)
{
    return subscription_run(command, false);
}

static enum exit_status leave_run(struct command *command)
{
    return subscription_run(command, true);
}

static const struct option subscribe_options[] = {
    {"list", "LIST", "the list", false},
    {"basis", "BASIS", "consent, membership, public_task or legitimate_interest", false},
    {"source", "TEXT", "where the consent or the membership is on record", false},
    {"consent-at", "DATE", "when consent was given; without it the member must confirm", false},
    {"again", NULL, "also who has left: the person asked for it anew", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_member_subscribe = {
    .name = "member subscribe",
    .usage = "MEMBER --list LIST",
    .summary = "put a member on a list",
    .help = "Who has left stays away unless --again is given, with new evidence of consent.",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = subscribe_options,
    .run = subscribe_run,
};

static const struct option leave_options[] = {
    {"list", "LIST", "the list", false},
    {"source", "TEXT", "how the wish came in: a letter, a call; kept in the record", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_member_leave = {
    .name = "member leave",
    .usage = "MEMBER --list LIST",
    .summary = "take a member off a list",
    .help = "For those who write or call. A later import does not bring them back.",
    .min_arguments = 1,
    .max_arguments = 1,
    .options = leave_options,
    .run = leave_run,
};
