/* The command line: finds the verb, reads its options, runs it. */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "complete.h"
#include "output.h"
#include "teataja/base/civil.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"
#include "teataja/base/log.h"
#include "teataja/base/mem.h"
#include "teataja/base/suggest.h"
#include "teataja/base/token.h"
#include "teataja/db/fault.h"
#include "verb.h"

const struct verb *const verbs[] = {
    &verb_init,
    &verb_check,
    &verb_doctor,
    &verb_preview,
    &verb_send,
    &verb_approve,
    &verb_reject,
    &verb_mailing_list,
    &verb_mailing_show,
    &verb_mailing_diff,
    &verb_mailing_note,
    &verb_mailing_pause,
    &verb_mailing_resume,
    &verb_mailing_cancel,
    &verb_mailing_resend,
    &verb_schedule,
    &verb_schedule_log,
    &verb_schedule_run,
    &verb_schedule_run_due,
    &verb_schedule_release,
    &verb_member_import,
    &verb_member_add,
    &verb_member_list,
    &verb_member_show,
    &verb_member_set,
    &verb_member_change_address,
    &verb_member_revoke_links,
    &verb_member_subscribe,
    &verb_member_leave,
    &verb_member_export,
    &verb_member_erase,
    &verb_segment_count,
    &verb_segment_show,
    &verb_segment_explain,
    &verb_call_list,
    &verb_event_list,
    &verb_event_show,
    &verb_event_invite,
    &verb_event_remind,
    &verb_event_thank,
    &verb_event_attendees,
    &verb_event_answer,
    &verb_source_list,
    &verb_source_pull,
    &verb_staff,
    &verb_staff_test,
    &verb_serve,
    &verb_web,
    &verb_sink,
    &verb_dkim_keygen,
    &verb_dkim_record,
    &verb_mailing_evidence,
    &verb_report,
    &verb_backup,
    &verb_restore,
    &verb_migrate,
    &verb_config_sample,
    &verb_config_manual,
    NULL,
};

const struct option global_options[] = {
    {"C", "DIR", "work on the site in DIR (default: this folder)", false},
    {"json", NULL, "print JSON for programs", false},
    {"yes", NULL, "answer yes to every question", false},
    {"verbose", NULL, "log events to standard error (logfmt)", false},
    {"now", "TIME", "as if it were TIME, such as 2026-12-01T08:00:00 (UTC): for rehearsals", false},
    {"help", NULL, "this text, or the verb's", false},
    {"version", NULL, "the program's version", false},
    {NULL, NULL, NULL, false},
};

struct globals {
    const char *values[sizeof(global_options) / sizeof(global_options[0])];
};

static size_t option_index(const struct option *options, const char *name)
{
    size_t i = 0;

    while (options != NULL && options[i].name != NULL && strcmp(options[i].name, name) != 0) {
        i++;
    }
    return i;
}

static bool option_found(const struct option *options, size_t index)
{
    return options != NULL && options[index].name != NULL;
}

const char *command_value(const struct command *command, const char *name)
{
    size_t index = option_index(command->verb->options, name);

    if (!option_found(command->verb->options, index)) {
        fprintf(stderr, "teataja: verb '%s' has no option '%s'\n", command->verb->name, name);
        abort();
    }
    return command->values[index];
}

bool command_has(const struct command *command, const char *name)
{
    return command_value(command, name) != NULL;
}

int command_number(const struct command *command, const char *name, int64_t least, int64_t most,
                   int64_t fallback, int64_t *out, struct err *err)
{
    const char *text = command_value(command, name);
    char *end = NULL;
    long long number;

    *out = fallback;
    if (text == NULL) {
        return 0;
    }
    number = strtoll(text, &end, 10);
    if (*text == '\0' || *end != '\0' || number < least || number > most) {
        return err_set(err, ERR_INVALID, "--%s takes a whole number from %lld to %lld, not '%s'",
                       name, (long long)least, (long long)most, text);
    }
    *out = number;
    return 0;
}

enum exit_status command_mailing(const struct command *command, int64_t *id)
{
    const char *text = command->arguments[0];
    char *end = NULL;

    errno = 0;
    *id = strtoll(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && *id > 0 && errno == 0
               ? EXIT_DONE
               : command_misused(command, "'%s' is no number of a mailing; see 'mailing list'",
                                 text);
}

enum exit_status command_fail(const struct err *err)
{
    fprintf(stderr, "%steataja: %s%s\n", output_colour(stderr, OUTPUT_BAD), err->msg,
            output_colour(stderr, OUTPUT_PLAIN));
    return err->code == ERR_INVALID ? EXIT_CONTENT : EXIT_FAILED;
}

enum exit_status command_misused(const struct command *command, const char *format, ...)
{
    va_list args;

    fputs("teataja: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\nTry 'teataja %s%s--help'.\n",
            command->verb != NULL ? command->verb->name : "", command->verb != NULL ? " " : "");
    return EXIT_USAGE;
}

bool command_confirm(const struct command *command, const char *question)
{
    char line[16];

    if (command->yes) {
        return true;
    }
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
        fprintf(stderr, "teataja: %s: say --yes\n", question);
        return false;
    }
    fprintf(stderr, "%s? [yes/no] ", question);
    return fgets(line, sizeof(line), stdin) != NULL && strncmp(line, "yes", 3) == 0;
}

static void print_options(const struct option *options)
{
    for (size_t i = 0; options != NULL && options[i].name != NULL; i++) {
        char left[64];

        snprintf(left, sizeof(left), "%s%s%s%s", options[i].name[1] == '\0' ? "-" : "--",
                 options[i].name, options[i].value != NULL ? " " : "",
                 options[i].value != NULL ? options[i].value : "");
        printf("  %-24s %s\n", left, options[i].help);
    }
}

static void print_help(void)
{
    puts("teataja - newsletters and event invitations for organisations with members\n\n"
         "Usage: teataja [-C DIR] [--json] VERB [OPTION]... [ARGUMENT]...\n\nVerbs:");
    for (size_t i = 0; verbs[i] != NULL; i++) {
        printf("  %-24s %s\n", verbs[i]->name, verbs[i]->summary);
    }
    puts("\nOptions:");
    print_options(global_options);
    puts("\n'teataja VERB --help' tells more of a verb. Exit status: 0 done, 1 failed, 2 usage,\n"
         "3 content or configuration invalid, 4 partly done.");
}

static void print_verb_help(const struct verb *verb)
{
    printf("teataja %s - %s\n\nUsage: teataja [-C DIR] [--json] %s%s%s%s\n\n%s\n", verb->name,
           verb->summary, verb->name, verb->options != NULL ? " [OPTION]..." : "",
           verb->usage[0] != '\0' ? " " : "", verb->usage, verb->help);
    if (verb->options != NULL) {
        puts("\nOptions:");
        print_options(verb->options);
    }
}

/* The verb at argv[*at]; moves *at past its words. Two words go before one. */
static const struct verb *find_verb(int argc, char **argv, int *at)
{
    const struct verb *short_one = NULL;

    for (size_t i = 0; verbs[i] != NULL; i++) {
        const char *space = strchr(verbs[i]->name, ' ');
        size_t first = space != NULL ? (size_t)(space - verbs[i]->name) : strlen(verbs[i]->name);

        if (strlen(argv[*at]) != first || strncmp(argv[*at], verbs[i]->name, first) != 0) {
            continue;
        }
        if (space == NULL) {
            short_one = verbs[i];
        } else if (*at + 1 < argc && strcmp(argv[*at + 1], space + 1) == 0) {
            *at += 2;
            return verbs[i];
        }
    }
    *at += short_one != NULL;
    return short_one;
}

/* -1 if help was asked for, as for "member --help". */
static int unknown_verb(int argc, char **argv, int at)
{
    const char *names[64];
    size_t count = 0;
    const char *nearest;
    char tried[128];
    bool group = false;

    for (size_t i = 0; verbs[i] != NULL && count < 64; i++) {
        size_t len = strlen(argv[at]);

        group |= strncmp(verbs[i]->name, argv[at], len) == 0 && verbs[i]->name[len] == ' ';
        names[count++] = verbs[i]->name;
    }
    if (group && (at + 1 >= argc || argv[at + 1][0] == '-')) {
        printf("Verbs of '%s':\n", argv[at]);
        for (size_t i = 0; verbs[i] != NULL; i++) {
            if (strncmp(verbs[i]->name, argv[at], strlen(argv[at])) == 0) {
                printf("  %-24s %s\n", verbs[i]->name, verbs[i]->summary);
            }
        }
        return at + 1 < argc && strcmp(argv[at + 1], "--help") == 0 ? -1 : EXIT_USAGE;
    }
    snprintf(tried, sizeof(tried), "%s%s%s", argv[at], group ? " " : "", group ? argv[at + 1] : "");
    nearest = suggest_nearest(tried, names, count);
    fprintf(stderr, "teataja: no verb '%s'%s%s%s\nTry 'teataja --help'.\n", tried,
            nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
            nearest != NULL ? "'?" : "");
    return EXIT_USAGE;
}

static int unknown_option(const struct command *command, const char *written, const char *bare)
{
    const struct option *const tables[] = {command->verb != NULL ? command->verb->options : NULL,
                                           global_options};
    struct suggest suggest;

    suggest_start(&suggest, bare);
    for (size_t i = 0; i < 2; i++) {
        for (const struct option *option = tables[i]; option != NULL && option->name != NULL;
             option++) {
            suggest_offer(&suggest, option->name);
        }
    }
    return suggest.best != NULL
               ? (int)command_misused(command, "no option '%s'; did you mean '%s%s'?", written,
                                      suggest.best[1] == '\0' ? "-" : "--", suggest.best)
               : (int)command_misused(command, "no option '%s'", written);
}

/* Takes one option at argv[*at]; 0 or an exit status. */
static int take_option(struct command *command, struct globals *globals, int argc, char **argv,
                       int *at)
{
    const char *name = argv[*at] + (argv[*at][1] == '-' ? 2 : 1);
    const struct option *verb_options = command->verb != NULL ? command->verb->options : NULL;
    char bare[64];
    const char *value = strchr(name, '=');
    size_t len = value != NULL ? (size_t)(value - name) : strlen(name);
    const struct option *option;
    const char **slot;
    size_t index;

    if (len == 0 || len >= sizeof(bare)) {
        return (int)command_misused(command, "no option '%s'", argv[*at]);
    }
    memcpy(bare, name, len);
    bare[len] = '\0';
    index = option_index(verb_options, bare);
    if (option_found(verb_options, index)) {
        option = &verb_options[index];
        slot = &command->values[index];
    } else {
        index = option_index(global_options, bare);
        if (!option_found(global_options, index)) {
            return unknown_option(command, argv[*at], bare);
        }
        option = &global_options[index];
        slot = &globals->values[index];
    }
    if (option->value == NULL && value != NULL) {
        return (int)command_misused(command, "option '%s' takes no value", bare);
    }
    if (option->value != NULL && value == NULL && *at + 1 >= argc) {
        return (int)command_misused(command, "option '%s' needs a value (%s)", bare, option->value);
    }
    if (*slot != NULL && !option->many) {
        return (int)command_misused(command, "option '%s' was given twice", bare);
    }
    if (option->value == NULL) {
        *slot = "";
    } else if (value != NULL) {
        *slot = value + 1;
    } else {
        *at += 1;
        *slot = argv[*at];
    }
    if (option->many) {
        if (command->many_count == MAX_MANY) {
            return (int)command_misused(command, "option '%s' was given more than %d times", bare,
                                        MAX_MANY);
        }
        command->many[command->many_count++] = *slot;
    }
    *at += 1;
    return 0;
}

static const char *global_value(const struct globals *globals, const char *name)
{
    return globals->values[option_index(global_options, name)];
}

/* Reads everything before and behind the verb. Returns 0, an exit status, or -1 if all
 * is done. */
static int parse(struct command *command, struct globals *globals, int argc, char **argv)
{
    bool only_arguments = false;
    int at = 1;

    while (at < argc) {
        if (!only_arguments && strcmp(argv[at], "--") == 0) {
            only_arguments = true;
            at++;
        } else if (!only_arguments && argv[at][0] == '-' && argv[at][1] != '\0') {
            int status = take_option(command, globals, argc, argv, &at);

            if (status != 0) {
                return status;
            }
        } else if (command->verb == NULL) {
            command->verb = find_verb(argc, argv, &at);
            if (command->verb == NULL) {
                return unknown_verb(argc, argv, at);
            }
        } else if (command->argument_count == MAX_ARGUMENTS) {
            return (int)command_misused(command, "more than %d arguments", MAX_ARGUMENTS);
        } else {
            command->arguments[command->argument_count++] = argv[at++];
        }
    }
    return 0;
}

static int check_count(const struct command *command)
{
    const struct verb *verb = command->verb;

    if (command->argument_count < verb->min_arguments) {
        return (int)command_misused(command, "%s needs %s", verb->name, verb->usage);
    }
    if (command->argument_count > verb->max_arguments) {
        return (int)command_misused(command, "unexpected argument '%s': %s takes %s",
                                    command->arguments[verb->max_arguments], verb->name,
                                    verb->usage[0] != '\0' ? verb->usage : "none");
    }
    return 0;
}

static int set_clock(const char *text, struct err *err)
{
    struct civil civil;
    int rc = civil_parse(text, &civil, err);

    if (rc < 0) {
        return err_prefix(err, "--now");
    }
    clock_fix(civil_to_utc(&civil), 1);
    return 0;
}

static enum exit_status run(struct command *command, const struct globals *globals)
{
    struct err err = {0};
    enum exit_status status;

    if (token_init(&err) < 0) {
        return command_fail(&err);
    }
    if (global_value(globals, "now") != NULL && set_clock(global_value(globals, "now"), &err) < 0) {
        command_fail(&err);
        return EXIT_USAGE;
    }
    if (global_value(globals, "verbose") != NULL) {
        log_set_level(LOG_INFO);
    }
    command->arena = arena_new(LIMIT_ARENA_SITE);
    if (command->arena == NULL) {
        err_nomem(&err);
        return command_fail(&err);
    }
    status = command->verb->run(command);
    arena_free(command->arena);
    /* A reader such as head that has had enough is no failure. */
    if ((fflush(stdout) != 0 || ferror(stdout)) && errno != EPIPE) {
        fputs("teataja: cannot write to standard output\n", stderr);
        return EXIT_FAILED;
    }
    if (mem_failed()) {
        fputs("teataja: out of memory: what is said above may be wrong or incomplete\n", stderr);
        return EXIT_FAILED;
    }
    return status;
}

#ifdef TEATAJA_TEST_HOOKS
static void print_allocations(void)
{
    fprintf(stderr, "%lu allocations\n", mem_count());
}

static void print_steps(void)
{
    fprintf(stderr, "%lu steps\n", db_steps());
}

/* For tests of the whole program: TEATAJA_TEST_FAIL_ALLOC=7 lets the seventh
 * allocation fail, "7+" every later one too, and 0 only counts them. */
static void fail_allocation(void)
{
    const char *wish = getenv("TEATAJA_TEST_FAIL_ALLOC");
    char *end = NULL;
    unsigned long nth;

    if (wish == NULL) {
        return;
    }
    nth = strtoul(wish, &end, 10);
    mem_fail_at(nth, *end == '+');
    if (nth == 0) {
        atexit(print_allocations);
    }
}

/* The same for the database: TEATAJA_TEST_FAIL_STEP=7:busy, or 7+:full, ioerr, corrupt. */
static void fail_step(void)
{
    static const char *const names[] = {[DB_FAULT_BUSY] = "busy",
                                        [DB_FAULT_FULL] = "full",
                                        [DB_FAULT_IO] = "ioerr",
                                        [DB_FAULT_CORRUPT] = "corrupt"};
    const char *wish = getenv("TEATAJA_TEST_FAIL_STEP");
    char *end = NULL;
    unsigned long nth;
    enum db_fault fault = DB_FAULT_BUSY;

    if (wish == NULL) {
        return;
    }
    nth = strtoul(wish, &end, 10);
    while (nth != 0 && fault < DB_FAULT_CORRUPT && strstr(end, names[fault]) == NULL) {
        fault++;
    }
    db_fail_at(nth, *end == '+', fault);
    if (nth == 0) {
        atexit(print_steps);
    }
}
#endif

int main(int argc, char **argv)
{
    static struct command command = {.folder = "."};
    struct globals globals = {{0}};
    int status;

    setlocale(LC_CTYPE, "C.UTF-8");
    signal(SIGPIPE, SIG_IGN);
#ifdef TEATAJA_TEST_HOOKS
    fail_allocation();
    fail_step();
#endif
    if (argc > 1 && strcmp(argv[1], "__complete") == 0) {
        return complete(argc - 2, argv + 2);
    }
    status = parse(&command, &globals, argc, argv);
    if (status != 0) {
        return status < 0 ? EXIT_DONE : status;
    }
    if (global_value(&globals, "version") != NULL) {
        puts("teataja " TEATAJA_VERSION);
        return EXIT_DONE;
    }
    if (global_value(&globals, "help") != NULL) {
        if (command.verb != NULL) {
            print_verb_help(command.verb);
        } else {
            print_help();
        }
        return EXIT_DONE;
    }
    if (command.verb == NULL) {
        print_help();
        return EXIT_USAGE;
    }
    if (global_value(&globals, "C") != NULL) {
        command.folder = global_value(&globals, "C");
    }
    command.json = global_value(&globals, "json") != NULL;
    command.yes = global_value(&globals, "yes") != NULL;
    status = check_count(&command);
    return status != 0 ? status : (int)run(&command, &globals);
}
