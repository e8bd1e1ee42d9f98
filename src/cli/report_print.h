/* src/cli/report_print.h - what was counted, in the forms that people ask for. */
#pragma once

#include "teataja/base/str.h"
#include "teataja/compose/tally.h"
#include "teataja/render/catalogue.h"
#include "workspace.h"

/* What a report is about, and the language that it speaks. */
struct report_head {
    const struct catalogue *catalogue;
    enum language language;
    const char *title; /* "issues/2026-12, mailing 7" or "2026-01-01 – 2026-12-31" */
    const char *site;
    const char *made; /* "Made on 2026-11-22." */
};

/* Prints to standard output, as tables. */
void report_print_text(const struct report_head *head, const struct tally *tally);

/* "section,key,name,recipients,delivered,people", CRLF (RFC 4180); the totals are a section. */
void report_print_csv(const struct report_head *head, const struct tally *tally, struct str *out);

void report_print_json(const struct report_head *head, const struct tally *tally, struct str *out);

/* A page by itself, for a browser or a printer, from templates/report/report.html.mustache. */
int report_print_html(const struct workspace *workspace, const struct report_head *head,
                      const struct tally *tally, struct str *out, struct err *err);
