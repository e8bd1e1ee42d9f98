/* sink: a mailbox to rehearse into. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "output.h"
#include "teataja/delivery/sink.h"
#include "verb.h"

static int stop_pipe[2] = {-1, -1};

static void on_signal(int number)
{
    const char byte = 's';

    (void)number;
    if (write(stop_pipe[1], &byte, 1) < 0) {
        _exit(EXIT_FAILED);
    }
}

static void on_listening(void *context, const char *address, unsigned port)
{
    (void)context;
    printf("Listening on %s:%u; Ctrl-C ends it. Nothing is delivered.\n", address, port);
    fflush(stdout);
}

static void on_received(void *context, const char *sender, const char *recipient, const char *path)
{
    (void)context;
    (void)sender;
    printf("%s  %s\n", recipient, path);
    fflush(stdout);
}

static enum exit_status sink_verb_run(struct command *command)
{
    struct sink_options options = {.listen = command_value(command, "listen"),
                                   .maildir = command_value(command, "maildir"),
                                   .anywhere = command_has(command, "anywhere"),
                                   .listening = on_listening};
    struct sigaction action = {.sa_handler = on_signal};
    struct sink_counts counts = {0};
    struct err err = {0};

    if (options.maildir == NULL) {
        return command_misused(command, "sink needs --maildir");
    }
    options.listen = options.listen != NULL ? options.listen : "127.0.0.1:2525";
    options.received = command_has(command, "list") ? on_received : NULL;
    if (pipe(stop_pipe) != 0) {
        err_set(&err, ERR_IO, "cannot make a pipe");
        return command_fail(&err);
    }
    options.stop_fd = stop_pipe[0];
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (sink_run(&options, &counts, &err) < 0) {
        return command_fail(&err);
    }
    printf("%" PRIu64 " messages for %" PRIu64 " recipients over %" PRIu64 " connections.\n",
           counts.messages, counts.recipients, counts.connections);
    return EXIT_DONE;
}

static const struct option sink_options_table[] = {
    {"listen", "ADDR:PORT", "where to listen (default 127.0.0.1:2525; port 0 takes a free one)",
     false},
    {"maildir", "DIR", "where to keep what comes: DIR/ADDRESS/new", false},
    {"list", NULL, "print a line for each message", false},
    {"anywhere", NULL, "also listen where other machines can reach it", false},
    {NULL, NULL, NULL, false},
};

const struct verb verb_sink = {
    .name = "sink",
    .usage = "--maildir DIR",
    .summary = "an SMTP server that keeps everything and delivers nothing",
    .help = "A mailbox to rehearse into: point a relay of teataja.yaml at it.",
    .options = sink_options_table,
    .run = sink_verb_run,
};
