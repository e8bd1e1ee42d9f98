/* src/cli/summary.h - who would get what, told by dry runs. */
#pragma once

#include "forecast.h"
#include "teataja/base/json.h"
#include "teataja/compose/invite.h"
#include "teataja/compose/letter.h"
#include "workspace.h"

/* What a letter shows, block by block, behind `indent`; and as a key "items". */
void summary_lines(const struct letter_line *lines, size_t count, const char *indent);
void summary_lines_json(struct json_writer *json, const struct letter_line *lines, size_t count);

/* Recipients by language, the versions in a table and one by one, and why others get nothing. */
void summary_print(const struct letter_summary *summary);

/* The same, with what is left out and the forecast, as one object. */
void summary_json(const struct workspace *workspace, const struct letter_summary *summary,
                  const struct forecast *forecast);

/* The same of invitations. */
void summary_invite_print(const struct invite_summary *summary);
void summary_invite_json(const struct workspace *workspace, const struct invite_summary *summary,
                         const struct forecast *forecast);
