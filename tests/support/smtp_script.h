/* smtp_script.h - what the scripted server says: the usual, or what a fault wants.
 *
 * Inside the server only (smtp_server.h is for tests). False means everywhere that
 * the connection is over.
 */
#pragma once

#include "support/smtp_talk.h"

/* What is going to be said at a stage. */
struct reaction {
    const struct server_fault *fault; /* NULL: the usual */
    const char *usual;
    const char *told; /* as the client will understand it; "" for nothing that makes sense */
    bool done;        /* the command is to be carried out */
};

/* Decides, without saying it. */
struct reaction script_react(struct talk *talk, enum server_stage stage, const char *usual);

/* Says it. */
bool script_act(struct talk *talk, const struct reaction *reaction);

/* Both. *done is set to whether the command is to be carried out. */
bool script_answer(struct talk *talk, enum server_stage stage, const char *usual, bool *done);

/* `text` with the recipient in it, if the options want that: "250 2.1.5 <a@b> Ok". */
const char *script_naming(const struct talk *talk, const char *text, char out[TALK_NAMED]);

/* The first line of the message is there; the others may have to be read slowly. */
bool script_body(struct talk *talk, int *pace_ms);

/* Behind the answer to a dot: something unasked, or the end. */
bool script_idle(struct talk *talk, const char *usual);
