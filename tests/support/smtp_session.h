/* smtp_session.h - the commands of one connection of the scripted server.
 *
 * Inside the server only (smtp_server.h is for tests).
 */
#pragma once

/* Serves a `struct talk` from the greeting to the end and frees it: a thread. */
void *session_serve(void *context);
