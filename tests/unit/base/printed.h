/* printed.h - a report as the text that a person would see. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "teataja/base/report.h"

/* The caller frees with free(). */
static inline char *printed(struct report *report)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    if (!out) {
        return NULL;
    }
    report_print(report, out);
    fclose(out);
    return text;
}
