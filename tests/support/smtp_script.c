/* smtp_script.c - see smtp_script.h. */
#include "support/smtp_script.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

/* Whom an answer is about. */
static const char *subject_of(const struct talk *talk, enum server_stage stage)
{
    return stage == SERVER_MAIL ? talk->sender : talk->recipient;
}

static unsigned roll(struct smtp_server *server)
{
    server->dice = server->dice * 1103515245U + 12345U;
    return server->dice >> 8;
}

/* A fault out of nothing; the lock is held. */
static const struct server_fault *roll_fault(struct talk *talk, enum server_stage stage)
{
    static const struct {
        unsigned below; /* of 100 */
        enum server_act act;
        const char *before; /* the name of whom it is about */
        const char *behind;
    } kinds[] = {
        {20, SERVER_SAY, "450 4.2.0 <", "> not now\r\n"},
        {34, SERVER_SAY, "550 5.2.1 <", "> never\r\n"},
        {48, SERVER_SAY_AND_CLOSE, "421 4.3.2 <", "> closing\r\n"},
        {62, SERVER_CLOSE, "", ""},
        {74, SERVER_RESET, "", ""},
        {81, SERVER_TRICKLE, "", ""},
        {84, SERVER_SAY, "hello <", ">\r\n"},
        {87, SERVER_SAY, "250-<", "> yes\r\n550 no\r\n"},
        {90, SERVER_SAY, "250 <", "> bare\n"},
        {96, SERVER_OVERSIZE, "", ""},
        {100, SERVER_STALL, "", ""},
    };
    const struct server_chaos *chaos = &talk->server->options->chaos;
    unsigned pick;
    size_t kind = 0;

    if (chaos->per_mille == 0 || roll(talk->server) % 1000 >= chaos->per_mille) {
        return NULL;
    }
    pick = roll(talk->server) % 100;
    while (pick >= kinds[kind].below) {
        kind++;
    }
    /* Before the login a stall costs a second at least: libcurl looks at its clock. */
    if (kinds[kind].act == SERVER_STALL && stage < SERVER_MAIL && pick % 2 == 0) {
        return NULL;
    }
    snprintf(talk->words, sizeof(talk->words), "%s%s%s", kinds[kind].before,
             subject_of(talk, stage), kinds[kind].behind);
    talk->rolled = (struct server_fault){
        .stage = stage, .act = kinds[kind].act, .text = talk->words, .delay_ms = 1};
    return &talk->rolled;
}

static const struct server_fault *find_fault(struct talk *talk, enum server_stage stage)
{
    struct smtp_server *server = talk->server;
    const char *about = subject_of(talk, stage);
    const struct server_fault *found = NULL;

    pthread_mutex_lock(&server->lock);
    for (size_t i = 0; i < server->options->fault_count && found == NULL; i++) {
        const struct server_fault *fault = &server->options->faults[i];
        if (fault->stage != stage ||
            (fault->recipient != NULL && fnmatch(fault->recipient, about, 0) != 0)) {
            continue;
        }
        server->hits[i]++;
        if (server->hits[i] > fault->skip &&
            (fault->times == 0 || server->hits[i] <= fault->skip + fault->times)) {
            found = fault;
        }
    }
    if (found == NULL) {
        found = roll_fault(talk, stage);
    }
    pthread_mutex_unlock(&server->lock);
    return found;
}
static bool makes_sense(const char *text)
{
    return strlen(text) > 4 && text[3] == ' ' && strchr("2345", text[0]) != NULL &&
           strcspn(text, "\r") + 2 == strlen(text);
}

struct reaction script_react(struct talk *talk, enum server_stage stage, const char *usual)
{
    struct reaction reaction = {.fault = find_fault(talk, stage), .usual = usual, .told = usual};
    const struct server_fault *fault = reaction.fault;

    reaction.done = usual[0] == '2' || usual[0] == '3';
    if (talk->choked) {
        static const struct server_fault choked = {.act = SERVER_SAY_AND_CLOSE,
                                                   .text = "421 4.7.0 too many errors\r\n"};
        fault = reaction.fault = &choked;
    }
    if (fault == NULL) {
        return reaction;
    }
    if (fault->act == SERVER_SAY || fault->act == SERVER_SAY_AND_CLOSE) {
        reaction.done = fault->text[0] == '2' || fault->text[0] == '3';
        reaction.told = makes_sense(fault->text) ? fault->text : "";
    } else if (fault->act != SERVER_SLOW && fault->act != SERVER_TRICKLE &&
               fault->act != SERVER_BABBLE) {
        reaction.told = "";
    }
    return reaction;
}

/* What is said before a reset can still be read after it. */
static bool reset(struct talk *talk, const struct server_fault *fault)
{
    talk_say(talk, fault->text != NULL ? fault->text : "");
    talk_sleep(talk, fault->delay_ms);
    talk->reset = true;
    return false;
}

bool script_act(struct talk *talk, const struct reaction *reaction)
{
    const struct server_fault *fault = reaction->fault;

    talk->errors += reaction->told[0] == '4' || reaction->told[0] == '5';
    talk->choked =
        talk->server->options->errors > 0 && talk->errors >= talk->server->options->errors;
    if (fault == NULL) {
        return talk_say(talk, reaction->usual);
    }
    if (fault->delay_ms > 0 && fault->act <= SERVER_SAY_AND_CLOSE) {
        talk_sleep(talk, fault->delay_ms);
    }
    switch (fault->act) {
    case SERVER_SAY:
        return talk_say(talk, fault->text);
    case SERVER_SAY_AND_CLOSE:
        talk_say(talk, fault->text);
        return false;
    case SERVER_CLOSE:
        return false;
    case SERVER_RESET:
        return reset(talk, fault);
    case SERVER_STALL:
        talk_stall(talk);
        return false;
    case SERVER_SLOW:
        talk_sleep(talk, fault->delay_ms);
        return talk_say(talk, reaction->usual);
    case SERVER_TRICKLE:
        return talk_trickle(talk, reaction->usual, fault->delay_ms);
    case SERVER_OVERSIZE:
        return talk_say_oversize(talk, reaction->usual);
    case SERVER_BABBLE:
        return talk_say_both(talk, reaction->usual, fault->text);
    }
    return false;
}

bool script_answer(struct talk *talk, enum server_stage stage, const char *usual, bool *done)
{
    const struct reaction reaction = script_react(talk, stage, usual);

    *done = reaction.done;
    return script_act(talk, &reaction);
}

const char *script_naming(const struct talk *talk, const char *text, char out[TALK_NAMED])
{
    if (!talk->server->options->names || talk->recipient[0] == '\0') {
        return text;
    }
    snprintf(out, TALK_NAMED, "%.10s<%s> %s", text, talk->recipient, text + 10);
    return out;
}

bool script_body(struct talk *talk, int *pace_ms)
{
    const struct server_fault *fault = find_fault(talk, SERVER_BODY);

    if (fault == NULL) {
        return true;
    }
    switch (fault->act) {
    case SERVER_SLOW:
    case SERVER_TRICKLE:
        *pace_ms = fault->delay_ms;
        return true;
    case SERVER_RESET:
        return reset(talk, fault);
    case SERVER_STALL:
        talk_stall(talk);
        return false;
    case SERVER_OVERSIZE:
        talk_say_oversize(talk, "250 2.0.0 Ok\r\n");
        return false;
    case SERVER_SAY:
    case SERVER_SAY_AND_CLOSE:
    case SERVER_BABBLE:
        talk_say(talk, fault->text);
        return false;
    case SERVER_CLOSE:
        return false;
    }
    return false;
}

bool script_idle(struct talk *talk, const char *usual)
{
    const struct server_fault *fault = find_fault(talk, SERVER_IDLE);

    if (fault == NULL) {
        return talk_say(talk, usual);
    }
    switch (fault->act) {
    case SERVER_SAY:
    case SERVER_BABBLE:
        return talk_say_both(talk, usual, fault->text);
    case SERVER_SAY_AND_CLOSE:
        talk_say_both(talk, usual, fault->text);
        return false;
    case SERVER_TRICKLE:
        talk_say(talk, usual);
        talk_trickle(talk, fault->text != NULL ? fault->text : "", fault->delay_ms);
        return false;
    case SERVER_OVERSIZE:
        talk_say(talk, usual);
        talk_say_oversize(talk, "421 4.4.2 idle\r\n");
        return false;
    case SERVER_STALL:
        talk_say(talk, usual);
        talk_stall(talk);
        return false;
    case SERVER_CLOSE:
        talk_say(talk, usual);
        return false;
    case SERVER_SLOW:
    case SERVER_RESET:
        talk_say(talk, usual);
        talk_sleep(talk, fault->delay_ms);
        talk->reset = true;
        return false;
    }
    return false;
}
