/* staff | staff test: who is told by mail how the site does, and what. */
#include <stdio.h>
#include <string.h>

#include "desk.h"
#include "output.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/str.h"
#include "teataja/compose/staff.h"

/* ---- staff ---- */

static int add_people(const struct command *command, const struct config *config,
                      struct output_table *table, const char *what, enum site_staff_role role,
                      const struct newsletter *newsletter, struct err *err)
{
    struct staff_person *people = NULL;
    size_t count = 0;
    int rc = staff_people(config, command->arena, role, newsletter, &people, &count, err);

    for (size_t i = 0; rc == 0 && i < count; i++) {
        const char *const cells[] = {what, people[i].address.text, people[i].name,
                                     language_tag(people[i].language)};

        output_table_row(table, cells);
    }
    return rc;
}

static int show_people(const struct command *command, const struct config *config, struct err *err)
{
    static const char *const headings[] = {"told of", "address", "name", "language"};
    struct output_table *table = output_table_new(4, headings);
    int rc = add_people(command, config, table, "the site", SITE_STAFF_ADMIN, NULL, err);

    for (size_t i = 0; rc == 0 && i < config->newsletter_count; i++) {
        const char *what =
            arena_printf(command->arena, "newsletters/%s", config->newsletters[i].slug);

        rc = what == NULL ? err_nomem(err)
                          : add_people(command, config, table, what, SITE_STAFF_EDITOR,
                                       &config->newsletters[i], err);
    }
    output_table_print(table, command->json && rc == 0);
    return rc;
}

static const char *join(struct arena *arena, const struct staff_notice *notice)
{
    struct str text;
    const char *out;

    str_init(&text, LIMIT_TEXT);
    for (size_t i = 0; i < notice->address_count; i++) {
        str_addf(&text, "%s%s", i > 0 ? ", " : "", notice->addresses[i]);
    }
    out = arena_strdup(arena, text.data);
    str_release(&text);
    return out;
}

static int show_due(const struct command *command, struct compose *compose, struct err *err)
{
    const struct staff_options options = {.now = clock_now(), .dry_run = true};
    struct staff_notice *notices = NULL;
    size_t count = 0;
    int rc = staff_tell(compose, command->arena, &options, &notices, &count, err);

    puts(rc == 0 && count == 0 ? "\nThere is nothing to tell now." : "\nTo be told now:");
    for (size_t i = 0; rc == 0 && i < count; i++) {
        printf("  %s\n    to %s\n", notices[i].title, join(command->arena, &notices[i]));
    }
    return rc;
}

static enum exit_status staff_run(struct command *command)
{
    struct err err = {0};
    struct desk desk;
    enum exit_status status = desk_open(command, "shown", &desk);
    int rc = 0;

    if (status == EXIT_DONE) {
        rc = show_people(command, &desk.workspace.config, &err);
    }
    if (status == EXIT_DONE && rc == 0 && !command->json) {
        rc = show_due(command, desk.compose, &err);
    }
    if (rc < 0) {
        status = command_fail(&err);
    }
    desk_close(&desk);
    return status;
}

const struct verb verb_staff = {
    .name = "staff",
    .usage = "",
    .summary = "show who is told by mail of drafts, mailings and trouble, and what",
    .help =
        "Admins stand under 'staff' of teataja.yaml, editors there and under 'editors' of their\n"
        "newsletter; where nobody does, the office is told. 'teataja serve' tells once a minute, "
        "of\n"
        "one subject at most once an hour.",
    .run = staff_run,
};

/* ---- staff test ---- */

static enum exit_status test_run(struct command *command)
{
    struct staff_notice notice = {0};
    struct err err = {0};
    struct desk desk;
    enum exit_status status = desk_open(command, "sent", &desk);

    if (status == EXIT_DONE && deliver_ready(&desk.workspace, NULL, &err) < 0) {
        status = command_fail(&err);
    }
    if (status == EXIT_DONE &&
        staff_test(desk.compose, command->arena, clock_now(), &notice, &err) < 0) {
        status = command_fail(&err);
    }
    if (status == EXIT_DONE) {
        status = deliver_mailing(command, &desk.workspace, notice.mailing, NULL, 0);
    }
    desk_close(&desk);
    return status;
}

const struct verb verb_staff_test = {
    .name = "staff test",
    .usage = "",
    .summary = "send everybody who is told something a mail that says so",
    .help = "It shows that such mail arrives. Readers of letters get nothing.",
    .run = test_run,
};
