/* The role schedule: nothing is due by the calendar so far. */
#include "serve.h"

enum { WAIT_MS = 60000 };

int serve_schedule(struct serve_role *role, struct err *err)
{
    (void)err;
    serve_ready(role);
    while (!serve_wait(role, WAIT_MS)) {
    }
    return 0;
}
