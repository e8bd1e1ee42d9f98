/* config sample | manual: every setting, from the table that reads it. */
#include <stdio.h>

#include "teataja/base/limits.h"
#include "teataja/base/str.h"
#include "teataja/config/config.h"
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

static enum exit_status manual_run(struct command *command)
{
    struct err err = {0};
    struct str out;
    enum exit_status status = EXIT_DONE;

    str_init(&out, LIMIT_TEXT);
    config_manual(command_has(command, "roff") ? SCHEMA_ROFF : SCHEMA_PLAIN, &out);
    if (str_check(&out, &err) < 0) {
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
    .usage = "",
    .summary = "describe every key of the configuration files",
    .help = "Key, type, default and meaning, from the table by which the files are checked.",
    .options = manual_options,
    .run = manual_run,
};
