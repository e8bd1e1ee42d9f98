/* src/cli/verb.h - a verb of the command line, and what it is handed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"

/* Exit statuses (teataja(1), "EXIT STATUS"). */
enum exit_status {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_CONTENT = 3, /* content or configuration is invalid */
    EXIT_PARTLY = 4   /* some recipients could not be served */
};

/* One option of a verb. The value of an option without `value` is "" when it was
 * given. An option may be given once, unless `many`. */
struct option {
    const char *name;  /* "dry-run" for --dry-run; "o" for -o */
    const char *value; /* what stands for its value in the help, "FILE"; NULL if it takes none */
    const char *help;
    bool many;
};

enum { MAX_OPTIONS = 16, MAX_ARGUMENTS = 256, MAX_MANY = 64 };

/* A parsed command line. */
struct command {
    const struct verb *verb;
    const char *folder; /* of the site */
    bool json;          /* print JSON */
    bool yes;           /* answer yes to questions */
    const char *arguments[MAX_ARGUMENTS];
    size_t argument_count;
    const char *values[MAX_OPTIONS]; /* by index into verb->options; NULL if not given */
    const char *many[MAX_MANY];      /* values of the verb's one `many` option */
    size_t many_count;
    struct arena *arena; /* for the whole run */
};

struct verb {
    const char *name;    /* "member import"; two words are one verb */
    const char *usage;   /* arguments, as in the synopsis: "FILE.csv" */
    const char *summary; /* one line for the list of verbs */
    const char *help;    /* paragraphs for --help */
    size_t min_arguments;
    size_t max_arguments;
    const struct option *options; /* ends with a NULL name; may be NULL */
    enum exit_status (*run)(struct command *command);
};

/* The value of an option, NULL if it was not given. The name must be one of the
 * verb's: a misspelt one aborts, and the tests run every verb. */
const char *command_value(const struct command *command, const char *name);
bool command_has(const struct command *command, const char *name);

/* A whole number from an option, within [least, most]; `fallback` if it was not
 * given. ERR_INVALID names the option. */
int command_number(const struct command *command, const char *name, int64_t least, int64_t most,
                   int64_t fallback, int64_t *out, struct err *err);

/* The first argument as a mailing's number. EXIT_DONE, or EXIT_USAGE, told. */
enum exit_status command_mailing(const struct command *command, int64_t *id);

/* Prints "teataja: message" on standard error and gives the exit status that
 * belongs to the error's code. */
enum exit_status command_fail(const struct err *err);

/* Prints "teataja: message" and a line about --help. */
enum exit_status command_misused(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Asks for "yes" on the terminal. Without a terminal the answer is no, unless
 * --yes was given. */
bool command_confirm(const struct command *command, const char *question);

/* The options that every verb takes; ends with a NULL name. */
extern const struct option global_options[];

/* All verbs, in the order of the help; ends with a NULL name. */
extern const struct verb *const verbs[];

/* The verbs' tables, one file a noun. */
extern const struct verb verb_init, verb_check, verb_preview, verb_send, verb_sink, verb_call_list,
    verb_backup, verb_report, verb_mailing_evidence, verb_restore, verb_migrate, verb_config_sample,
    verb_config_manual, verb_dkim_keygen, verb_dkim_record, verb_member_import, verb_member_add,
    verb_member_list, verb_member_show, verb_member_set, verb_member_export, verb_member_subscribe,
    verb_member_leave, verb_member_change_address, verb_member_erase, verb_segment_count,
    verb_segment_show, verb_segment_explain, verb_event_list, verb_event_show, verb_event_invite,
    verb_doctor, verb_event_attendees, verb_event_answer, verb_mailing_list, verb_mailing_show,
    verb_mailing_resume, verb_mailing_pause, verb_mailing_cancel, verb_mailing_resend, verb_web,
    verb_serve;
extern const struct verb verb_approve, verb_reject, verb_mailing_note, verb_mailing_diff;
extern const struct verb verb_member_revoke_links;
extern const struct verb verb_event_remind, verb_event_thank;
extern const struct verb verb_source_list, verb_source_pull;
extern const struct verb verb_staff, verb_staff_test;
extern const struct verb verb_schedule, verb_schedule_log, verb_schedule_run,
    verb_schedule_run_due, verb_schedule_release;
