/* config sample | manual: every setting, from the table that reads it. */
#include <stdio.h>
#include <string.h>

#include "teataja/base/limits.h"
#include "teataja/base/str.h"
#include "teataja/base/suggest.h"
#include "teataja/config/config.h"
#include "teataja/content/call.h"
#include "teataja/content/issue.h"
#include "teataja/content/news.h"
#include "teataja/events/event.h"
#include "verb.h"

static enum exit_status sample_run(struct command *command)
{
    const char *which = command->argument_count > 0 ? command->arguments[0] : "teataja.yaml";
    struct err err = {0};
    struct str out;
    enum exit_status status = EXIT_DONE;

    str_init(&out, LIMIT_TEXT);
    if (config_sample(which, command_has(command, "all"), &out, &err) < 0 ||
        str_check(&out, &err) < 0) {
        status = command_fail(&err);
    } else {
        fputs(out.data, stdout);
    }
    str_release(&out);
    return status;
}

static const struct option sample_options[] = {
    {"all", NULL, "every key, also those that are seldom needed", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_config_sample = {
    .name = "config sample",
    .usage = "[FILE]",
    .summary = "print a commented sample of a configuration file",
    .help = "FILE is teataja.yaml (default), newsletters, projects or regions.yaml.",
    .max_arguments = 1,
    .options = sample_options,
    .run = sample_run,
};

static const struct {
    const char *name;
    const struct schema *schema;
} manuals[] = {
    {"teataja.yaml", &site_schema}, {"newsletters", &newsletter_schema},
    {"projects", &project_schema},  {"regions.yaml", &regions_schema},
    {"calls", &call_schema},        {"events", &event_schema},
    {"news", &news_schema},         {"issues", &issue_schema},
};

/* The keys of one file, or of the whole configuration. */
static int write_manual(const char *name, enum schema_format format, struct str *out,
                        struct err *err)
{
    struct suggest suggest;

    if (name == NULL) {
        config_manual(format, out);
        return str_check(out, err);
    }
    suggest_start(&suggest, name);
    for (size_t i = 0; i < sizeof(manuals) / sizeof(manuals[0]); i++) {
        if (strcmp(manuals[i].name, name) == 0) {
            schema_manual(manuals[i].schema, format, out);
            return str_check(out, err);
        }
        suggest_offer(&suggest, manuals[i].name);
    }
    return err_set(err, ERR_NOT_FOUND, "no kind of file '%s'%s", name, suggest_hint(&suggest));
}

static enum exit_status manual_run(struct command *command)
{
    const char *name = command->argument_count > 0 ? command->arguments[0] : NULL;
    struct err err = {0};
    struct str out;
    enum exit_status status = EXIT_DONE;

    str_init(&out, LIMIT_TEXT);
    if (write_manual(name, command_has(command, "roff") ? SCHEMA_ROFF : SCHEMA_PLAIN, &out, &err) <
        0) {
        status = command_fail(&err);
    } else {
        fputs(out.data, stdout);
    }
    str_release(&out);
    return status;
}

static const struct option manual_options[] = {
    {"roff", NULL, "as a table for a man page", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_config_manual = {
    .name = "config manual",
    .usage = "[FILE]",
    .summary = "describe every key of the files of a site",
    .help = "Key, type, default and meaning, from the table by which the files are checked. FILE is\n"
            "teataja.yaml, newsletters, projects, regions.yaml, calls, events, news or issues; the\n"
            "whole configuration if none is named.",
    .max_arguments = 1,
    .options = manual_options,
    .run = manual_run,
};
