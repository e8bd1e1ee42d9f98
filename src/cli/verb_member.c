/* member add | set | change-address | revoke-links | list | show | erase; import and export are in
 * verb_member_csv.c */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "erase.h"
#include "ground.h"
#include "output.h"
#include "teataja/base/civil.h"
#include "teataja/base/json.h"
#include "teataja/base/limits.h"
#include "teataja/base/utf8.h"
#include "teataja/calendar/zone.h"
#include "teataja/members/member.h"
#include "teataja/members/segment.h"
#include "teataja/members/subscription.h"
#include "teataja/members/suppression.h"
#include "workspace.h"

/* The day of an instant by the site's clocks, on which it was entered. */
static const char *day_of(const struct workspace *workspace, struct arena *arena, int64_t instant)
{
    struct err ignored = {0};
    struct civil civil;
    char text[CIVIL_TEXT];

    if (zone_from_utc(workspace->config.site.timezone, instant, &civil, &ignored) < 0) {
        civil_from_utc(instant, &civil);
    }
    civil.date_only = true;
    civil_format(&civil, text);
    return arena_strdup(arena, text);
}

static const char *languages_of(struct arena *arena, const struct member *member)
{
    char text[LANG_COUNT * 4] = "";
    size_t at = 0;

    for (size_t i = 0; i < member->language_count; i++) {
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", i > 0 ? " " : "",
                               language_tag(member->languages[i]));
    }
    return arena_strdup(arena, text);
}

static const char *terms_of(struct arena *arena, const struct member_terms *terms)
{
    struct str text;
    const char *out;

    str_init(&text, LIMIT_TEXT);
    for (size_t i = 0; i < terms->count; i++) {
        str_addf(&text, "%s%s", i > 0 ? ", " : "", terms->items[i]);
    }
    out = arena_strdup(arena, text.data);
    str_release(&text);
    return out;
}

/* ---- add, set ---- */

/* Reads FIELD=VALUE arguments from `first` on, all their mistakes at once. */
static int read_fields(const struct command *command, struct workspace *workspace, size_t first,
                       struct member_input *input)
{
    int bad = 0;

    for (size_t i = first; i < command->argument_count; i++) {
        const char *equals = strchr(command->arguments[i], '=');
        struct err err = {0};
        char *name;

        if (equals == NULL) {
            err_set(&err, ERR_INVALID, "'%s' is not FIELD=VALUE", command->arguments[i]);
        } else {
            name = arena_strndup(command->arena, command->arguments[i],
                                 (size_t)(equals - command->arguments[i]));
            if (name == NULL) {
                err_nomem(&err);
            } else {
                member_input_set_named(&workspace->config, command->arena, input, name,
                                       equals + 1, &err);
            }
        }
        if (err.code != 0) {
            const char *argument = command->arguments[i];
            int shown = (int)utf8_prefix(argument, strlen(argument), 60);

            (void)err_prefix(&err, "%.*s", shown, argument);
            fprintf(stderr, "teataja: %s\n", err.msg);
            bad++;
        }
    }
    return bad;
}

static int subscribe(const struct command *command, struct workspace *workspace, int64_t id,
                     enum subscription_state *state, struct err *err)
{
    const char *list = command_value(command, "list");
    struct subscription_ground ground;
    int rc = list != NULL ? ground_read(command, workspace, list, &ground, err) : 0;

    if (rc == 0 && list != NULL) {
        rc = subscription_start(&workspace->members, id, list, &ground, state, NULL, err);
    }
    return rc;
}

/* Member and subscription in one transaction. */
static int add_member(const struct command *command, struct workspace *workspace,
                      const struct member_input *input, struct member *member,
                      enum subscription_state *state, struct err *err)
{
    int64_t id = 0;
    int rc = db_begin(workspace->db, err);

    if (rc == 0 && command_has(command, "again")) {
        rc = suppression_lift(&workspace->members, command->arguments[0], err);
        rc = rc == ERR_NOT_FOUND ? 0 : rc;
    }
    if (rc == 0) {
        rc = member_add(&workspace->members, input, &id, err);
    }
    if (rc == 0) {
        rc = subscribe(command, workspace, id, state, err);
    }
    if (rc == 0) {
        rc = member_get(&workspace->members, command->arena, id, member, err);
    }
    if (rc == 0) {
        rc = db_commit(workspace->db, err);
    }
    if (rc < 0) {
        db_rollback(workspace->db);
    }
    return rc;
}

static enum exit_status add_run(struct command *command)
{
    struct workspace workspace;
    struct member_input input = {0};
    struct member member = {0};
    enum subscription_state state = SUBSCRIPTION_NONE;
    struct err err = {0};
    enum exit_status status;
    int rc;

    if (!command_has(command, "list") &&
        (command_has(command, "basis") || command_has(command, "source") ||
         command_has(command, "consent-at"))) {
        return command_misused(command, "--basis, --source and --consent-at go with --list");
    }
    status = workspace_open(command, WORKSPACE_DB, false, &workspace);
    if (status != EXIT_DONE) {
        goto out;
    }
    rc = member_input_set(&workspace.config, command->arena, &input, MEMBER_EMAIL,
                          command->arguments[0], &err);
    if (rc < 0) {
        status = command_fail(&err);
    }
    if (read_fields(command, &workspace, 1, &input) > 0 || rc < 0) {
        status = EXIT_CONTENT;
        goto out;
    }
    if (add_member(command, &workspace, &input, &member, &state, &err) < 0) {
        status = command_fail(&err);
        goto out;
    }
    if (member.delivery == MEMBER_SUPPRESSED) {
        fprintf(stderr, "teataja: warning: nothing is sent to this address: suppressed (%s)\n",
                member.delivery_reason != NULL ? member.delivery_reason : "");
    }
    if (command->json) {
        printf("{\"id\":%" PRId64 ",\"subscription\":\"%s\"}\n", member.id,
               subscription_state_name(state));
    } else {
        printf("Added member %" PRId64 "%s%s.\n", member.id, state != SUBSCRIPTION_NONE ? ": " : "",
               state != SUBSCRIPTION_NONE ? subscription_state_name(state) : "");
    }
out:
    workspace_close(&workspace);
    return status;
}

static const struct option add_options[] = {
    {"list", "LIST", "subscribe the member to this list", false},
    {"basis", "BASIS", "consent, membership, public_task or legitimate_interest", false},
    {"source", "TEXT", "where the consent or the membership is on record", false},
    {"consent-at", "DATE", "when consent was given; without it the member must confirm", false},
    {"again", NULL, "the person asked to be on record again: lifts what keeps the address out",
     false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_member_add = {
    .name = "member add",
    .usage = "ADDRESS [FIELD=VALUE]...",
    .summary = "add one member",
    .help = "Fields: id name language timezone region kind sector tag joined organisation\n"
            "organisation_code attr.NAME, as in 'member import'.",
    .min_arguments = 1,
    .max_arguments = MAX_ARGUMENTS,
    .options = add_options,
    .run = add_run,
};

static enum exit_status set_run(struct command *command)
{
    struct workspace workspace;
    struct member_input input = {0};
    struct member member;
    struct err err = {0};
    bool changed = false;
    enum exit_status status = workspace_open(command, WORKSPACE_DB, false, &workspace);

    if (status != EXIT_DONE) {
        goto out;
    }
    if (read_fields(command, &workspace, 1, &input) > 0) {
        status = EXIT_CONTENT;
        goto out;
    }
    if (member_find(&workspace.members, command->arena, command->arguments[0], &member, &err) <
            0 ||
        member_set(&workspace.members, member.id, &input, &changed, &err) < 0) {
        status = command_fail(&err);
        goto out;
    }
    if (command->json) {
        printf("{\"id\":%" PRId64 ",\"changed\":%s}\n", member.id, changed ? "true" : "false");
    } else {
        printf(changed ? "Changed member %" PRId64 ".\n" : "Member %" PRId64 " is so already.\n",
               member.id);
    }
out:
    workspace_close(&workspace);
    return status;
}

const struct verb verb_member_set = {
    .name = "member set",
    .usage = "MEMBER FIELD=VALUE...",
    .summary = "change fields of a member",
    .help = "MEMBER is an address, an id, or id:THE-OFFICE'S-ID. An empty value clears a field.",
    .min_arguments = 2,
    .max_arguments = MAX_ARGUMENTS,
    .run = set_run,
};

static enum exit_status change_address_run(struct command *command)
{
    struct workspace workspace;
    struct member member;
    struct err err = {0};
    enum exit_status status = workspace_open(command, WORKSPACE_DB, false, &workspace);

    if (status == EXIT_DONE &&
        (member_find(&workspace.members, command->arena, command->arguments[0], &member, &err) <
             0 ||
         member_change_address(&workspace.members, member.id, command->arguments[1], &err) < 0)) {
        status = command_fail(&err);
    }
    if (status == EXIT_DONE && command->json) {
        printf("{\"id\":%" PRId64 "}\n", member.id);
    } else if (status == EXIT_DONE) {
        printf("Member %" PRId64 " has a new address; answers from the old one still count.\n",
               member.id);
    }
    workspace_close(&workspace);
    return status;
}

const struct verb verb_member_change_address = {
    .name = "member change-address",
    .usage = "MEMBER ADDRESS",
    .summary = "give a member another address",
    .help = "Subscriptions, invitations and answers stay. An answer from the earlier address\n"
            "still counts as the member's. The links in letters sent so far go on working; when\n"
            "somebody else reads the earlier mailbox now, say 'member revoke-links' too.",
    .min_arguments = 2,
    .max_arguments = 2,
    .run = change_address_run,
};

static enum exit_status revoke_links_run(struct command *command)
{
    struct workspace workspace;
    struct member member;
    struct err err = {0};
    enum exit_status status = workspace_open(command, WORKSPACE_DB, false, &workspace);

    if (status == EXIT_DONE &&
        (member_find(&workspace.members, command->arena, command->arguments[0], &member, &err) <
             0 ||
         member_raise_epoch(&workspace.members, member.id, &err) < 0)) {
        status = command_fail(&err);
    }
    if (status == EXIT_DONE && command->json) {
        printf("{\"id\":%" PRId64 "}\n", member.id);
    } else if (status == EXIT_DONE) {
        printf("The links in letters that member %" PRId64
               " has got work no more; those in later letters will.\n",
               member.id);
    }
    workspace_close(&workspace);
    return status;
}

const struct verb verb_member_revoke_links = {
    .name = "member revoke-links",
    .usage = "MEMBER",
    .summary = "make the links in a member's letters so far worthless",
    .help = "For a letter that was forwarded, or a mailbox that fell into other hands: whoever has it\n"
            "can no longer leave lists, change preferences or answer for the member. Letters that are\n"
            "queued already have the old links too.",
    .min_arguments = 1,
    .max_arguments = 1,
    .run = revoke_links_run,
};

/* ---- list, show ---- */

static enum exit_status list_members(const struct command *command, struct workspace *workspace,
                                     const char *expression)
{
    static const char *const headings[] = {">id",    "email",  "name",        "languages",
                                           "region", "sectors", "organisation", "status"};
    struct output_table *table = output_table_new(8, headings);
    struct segment *segment = NULL;
    struct segment_walk *walk = NULL;
    struct err err = {0};
    int64_t id;
    int rc = workspace_segment(workspace, expression, &segment, &err);

    if (rc == 0) {
        rc = segment_open(workspace->db, segment, &walk, &err);
    }
    while (rc == 0 && (rc = segment_next(walk, &id, &err)) == 1) {
        struct arena_mark mark = arena_mark(command->arena);
        struct member member;

        rc = member_get(&workspace->members, command->arena, id, &member, &err);
        if (rc == 0) {
            const char *const cells[] = {arena_printf(command->arena, "%" PRId64, id),
                                         member.email,
                                         member.name,
                                         languages_of(command->arena, &member),
                                         member.region,
                                         terms_of(command->arena, &member.sectors),
                                         member.organisation_name,
                                         member_delivery_name(member.delivery)};
            output_table_row(table, cells);
        }
        arena_rewind(command->arena, mark);
    }
    segment_close(walk);
    segment_free(segment);
    output_table_print(table, command->json && rc == 0);
    return rc < 0 ? command_fail(&err) : EXIT_DONE;
}

static enum exit_status list_run(struct command *command)
{
    struct workspace workspace;
    enum exit_status status = workspace_open(command, WORKSPACE_DB, false, &workspace);

    if (status == EXIT_DONE) {
        status = list_members(command, &workspace,
                              command->argument_count > 0 ? command->arguments[0] : "");
    }
    workspace_close(&workspace);
    return status;
}

const struct verb verb_member_list = {
    .name = "member list",
    .usage = "[EXPRESSION]",
    .summary = "list members, all or those of a segment",
    .help = "EXPRESSION is a segment, such as 'subscribed(funding) and sector = music'.",
    .max_arguments = 1,
    .run = list_run,
};

const struct verb verb_segment_show = {
    .name = "segment show",
    .usage = "EXPRESSION",
    .summary = "list the members of a segment",
    .help = "The same as 'member list' with an expression.",
    .min_arguments = 1,
    .max_arguments = 1,
    .run = list_run,
};

static void show_line(const char *label, const char *value)
{
    if (value != NULL && value[0] != '\0') {
        printf("%-14s %s\n", label, value);
    }
}

/* What the register holds of a member beside the row itself. */
struct held {
    struct subscription *subscriptions;
    size_t subscription_count;
    struct consent *consents;
    size_t consent_count;
};

static int read_held(const struct command *command, struct workspace *workspace, int64_t id,
                     struct held *out, struct err *err)
{
    int rc = subscription_list(&workspace->members, command->arena, id, &out->subscriptions,
                               &out->subscription_count, err);

    return rc < 0 ? rc
                  : consent_list(&workspace->members, command->arena, id, &out->consents,
                                 &out->consent_count, err);
}

static void show_held(const struct command *command, const struct workspace *workspace,
                      const struct held *held)
{
    for (size_t i = 0; i < held->subscription_count; i++) {
        const struct subscription *row = &held->subscriptions[i];

        printf("%-14s %s: %s by %s since %s\n", i == 0 ? "subscriptions" : "", row->list,
               subscription_state_name(row->state), subscription_basis_name(row->basis),
               day_of(workspace, command->arena, row->since));
    }
    for (size_t i = 0; i < held->consent_count; i++) {
        const struct consent *row = &held->consents[i];

        printf("%-14s %s %s %s%s%s%s%s\n", i == 0 ? "record" : "",
               day_of(workspace, command->arena, row->at), row->list, row->act,
               row->how != NULL ? ", " : "", row->how != NULL ? row->how : "",
               row->source != NULL ? ", " : "", row->source != NULL ? row->source : "");
    }
}

static void write_record_json(const struct workspace *workspace, struct arena *arena,
                              struct json_writer *json, const struct consent *consents,
                              size_t count)
{
    json_write_key(json, "record");
    json_write_array(json);
    for (size_t i = 0; i < count; i++) {
        json_write_object(json);
        json_write_text_at(json, "on", day_of(workspace, arena, consents[i].at));
        json_write_text_at(json, "list", consents[i].list);
        json_write_text_at(json, "act", consents[i].act);
        json_write_text_at(json, "how", consents[i].how);
        json_write_text_at(json, "source", consents[i].source);
        json_write_object_end(json);
    }
    json_write_array_end(json);
}

static void write_show_json(const struct command *command, const struct workspace *workspace,
                            const struct member *member, const struct held *held)
{
    struct str out;
    struct json_writer json = json_writer(&out);

    str_init(&out, LIMIT_TEXT);
    json_write_object(&json);
    json_write_int_at(&json, "id", member->id);
    json_write_text_at(&json, "uid", member->uid);
    json_write_text_at(&json, "external_id", member->external_id);
    json_write_text_at(&json, "email", member->email);
    json_write_text_at(&json, "name", member->name);
    json_write_text_at(&json, "languages", languages_of(command->arena, member));
    json_write_text_at(&json, "timezone", member->tz);
    json_write_text_at(&json, "region", member->region);
    json_write_text_at(&json, "organisation", member->organisation_name);
    json_write_text_at(&json, "kinds", terms_of(command->arena, &member->kinds));
    json_write_text_at(&json, "sectors", terms_of(command->arena, &member->sectors));
    json_write_text_at(&json, "tags", terms_of(command->arena, &member->tags));
    json_write_text_at(&json, "status", member_delivery_name(member->delivery));
    json_write_text_at(&json, "because", member->delivery_reason);
    json_write_text_at(&json, "joined", day_of(workspace, command->arena, member->joined_at));
    json_write_key(&json, "attributes");
    json_write_object(&json);
    for (size_t i = 0; i < member->attr_count; i++) {
        json_write_text_at(&json, member->attrs[i].key, member->attrs[i].text);
    }
    json_write_object_end(&json);
    json_write_key(&json, "subscriptions");
    json_write_array(&json);
    for (size_t i = 0; i < held->subscription_count; i++) {
        const struct subscription *row = &held->subscriptions[i];

        json_write_object(&json);
        json_write_text_at(&json, "list", row->list);
        json_write_text_at(&json, "state", subscription_state_name(row->state));
        json_write_text_at(&json, "basis", subscription_basis_name(row->basis));
        json_write_text_at(&json, "since", day_of(workspace, command->arena, row->since));
        json_write_object_end(&json);
    }
    json_write_array_end(&json);
    write_record_json(workspace, command->arena, &json, held->consents, held->consent_count);
    json_write_object_end(&json);
    puts(out.data);
    str_release(&out);
}

static int show_member(struct command *command, struct workspace *workspace, struct err *err)
{
    struct member member;
    struct held held = {0};
    int rc = member_find(&workspace->members, command->arena, command->arguments[0], &member, err);

    rc = rc < 0 ? rc : read_held(command, workspace, member.id, &held, err);
    if (rc < 0) {
        return rc;
    }
    if (command->json) {
        write_show_json(command, workspace, &member, &held);
        return 0;
    }
    printf("%-14s %" PRId64 " (%s)\n", "member", member.id, member.uid);
    show_line("id", member.external_id);
    show_line("address", member.email);
    show_line("name", member.name);
    show_line("languages", languages_of(command->arena, &member));
    show_line("time zone", member.tz);
    show_line("region", member.region);
    show_line("organisation", member.organisation_name);
    show_line("kinds", terms_of(command->arena, &member.kinds));
    show_line("sectors", terms_of(command->arena, &member.sectors));
    show_line("tags", terms_of(command->arena, &member.tags));
    for (size_t i = 0; i < member.attr_count; i++) {
        show_line(member.attrs[i].key, member.attrs[i].text);
    }
    show_line("delivery", member_delivery_name(member.delivery));
    show_line("because", member.delivery_reason);
    show_line("joined", day_of(workspace, command->arena, member.joined_at));
    show_held(command, workspace, &held);
    return 0;
}

static enum exit_status show_run(struct command *command)
{
    struct workspace workspace;
    struct err err = {0};
    enum exit_status status = workspace_open(command, WORKSPACE_DB, false, &workspace);

    if (status == EXIT_DONE && show_member(command, &workspace, &err) < 0) {
        status = command_fail(&err);
    }
    workspace_close(&workspace);
    return status;
}

const struct verb verb_member_show = {
    .name = "member show",
    .usage = "MEMBER",
    .summary = "show a member with subscriptions and the record of consent",
    .help = "MEMBER is an address (also an earlier one), an id, or id:THE-OFFICE'S-ID.",
    .min_arguments = 1,
    .max_arguments = 1,
    .run = show_run,
};

/* ---- erase ---- */

static enum exit_status erase_run(struct command *command)
{
    struct workspace workspace;
    struct member member;
    struct err err = {0};
    enum exit_status status = workspace_open(command, WORKSPACE_DB, false, &workspace);

    if (status != EXIT_DONE) {
        goto out;
    }
    if (member_find(&workspace.members, command->arena, command->arguments[0], &member, &err) < 0) {
        status = command_fail(&err);
        goto out;
    }
    if (!command_confirm(command, "Remove all data of this person for good")) {
        status = EXIT_FAILED;
        goto out;
    }
    if (erase_member(&workspace, member.id, &err) < 0) {
        status = command_fail(&err);
    } else if (command->json) {
        printf("{\"id\":%" PRId64 "}\n", member.id);
    } else {
        printf("Erased member %" PRId64 ".\n", member.id);
    }
out:
    workspace_close(&workspace);
    return status;
}

const struct verb verb_member_erase = {
    .name = "member erase",
    .usage = "MEMBER",
    .summary = "remove a person's data for good (GDPR article 17)",
    .help = "Name, address, profile, the values in sent letters and comments are removed; a keyed\n"
            "hash of the address stays, so that a later import does not bring the person back.\n"
            "A line in var/erasure.log repeats it after a backup is restored.",
    .min_arguments = 1,
    .max_arguments = 1,
    .run = erase_run,
};
