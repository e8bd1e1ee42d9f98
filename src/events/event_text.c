#include "event_text.h"

#include <string.h>

#include "teataja/base/report.h"
#include "teataja/base/yaml.h"
#include "teataja/render/markdown.h"

/* Markdown that begins on a line of the file; NULL if it is empty. */
static int read_markdown(const struct event_file *file, const char *text, size_t len, int line,
                         const struct markdown **out, bool *good, struct err *err)
{
    struct markdown_options options = {.file = file->path, .first_line = line};
    struct markdown *body = NULL;
    struct err local = {0};
    int rc;

    *out = NULL;
    if (strspn(text, " \t\r\n") == len) {
        return 0;
    }
    rc = markdown_parse(file->arena, text, len, &options, file->report, &body, &local);
    if (rc == ERR_NOMEM) {
        return err_nomem(err);
    }
    if (rc < 0) {
        if (*good && err != NULL) {
            *err = local;
        }
        *good = false;
    }
    *out = body;
    return 0;
}

int event_read_body(const struct event_file *file, const struct front_matter *matter,
                    const struct markdown **out, bool *good, struct err *err)
{
    return read_markdown(file, matter->body, matter->body_len, matter->body_line, out, good, err);
}

/* The Markdown of a key; NULL if it is not given. */
static int read_words(const struct event_file *file, const struct event_head *head, const char *key,
                      const char *text, const struct markdown **out, bool *good, struct err *err)
{
    const struct yaml_node *node = yaml_get(head->node, key);

    *out = NULL;
    if (text == NULL || node == NULL) {
        return 0;
    }
    /* A text of several lines begins below its key. */
    return read_markdown(file, text, strlen(text),
                         node->line + (strchr(text, '\n') != NULL ? 1 : 0), out, good, err);
}

int event_read_letters(const struct event_file *file, const struct event_head *head,
                       struct event_edition *edition, bool *good, struct err *err)
{
    int rc = read_words(file, head, "reminder", head->reminder, &edition->reminder, good, err);

    return rc == 0 ? read_words(file, head, "thanks", head->thanks, &edition->thanks, good, err)
                   : rc;
}

/* The first error of the file that is in the report. */
static void first_problem(const struct event_file *file, struct err *err)
{
    const struct problem *problem;

    for (size_t i = 0; (problem = report_get(file->report, i)) != NULL; i++) {
        if (problem->severity == REPORT_ERROR && strcmp(problem->file, file->path) == 0) {
            err_set(err, ERR_INVALID, "%s:%d:%d: %s", problem->file, problem->line, problem->column,
                    problem->message);
            return;
        }
    }
    err_set(err, ERR_INVALID, "%s has errors", file->path);
}

int event_read_head(const struct event_file *file, const struct schema *schema,
                    enum schema_mode mode, struct front_matter *matter, struct event_head *head,
                    bool *good, bool *readable, struct err *err)
{
    struct err local = {0};
    size_t before = report_errors(file->report);
    int rc = front_matter_read(file->arena, file->config->folder, file->path, file->report, matter,
                               &local);

    *readable = rc == 0;
    if (rc == 0) {
        rc = schema_fill(file->arena, schema, matter->head, mode, file->report, head, &local);
    }
    if (rc == ERR_NOMEM) {
        return err_nomem(err);
    }
    *good = rc == 0 && report_errors(file->report) == before;
    if (!*good) {
        first_problem(file, err);
    }
    return 0;
}
