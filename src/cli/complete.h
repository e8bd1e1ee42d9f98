/* src/cli/complete.h - `teataja __complete WORD...`, for the shells. */
#pragma once

#include "verb.h"

/* Prints what may stand in place of the last of `words`, which are those behind "teataja":
 * a line each, "WORD<TAB>help". A line ":files" or ":folders" asks the shell for those of
 * its own. What cannot be known is left out. Returns an exit status. */
int complete(int count, char **words);
