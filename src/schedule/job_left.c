/* job_left.c - see job_left.h. */
#include "job_left.h"

#include <stdio.h>
#include <string.h>

int job_left(const struct schedule *schedule, const char *name, struct err *err)
{
    const char *slash = strchr(name, '/');
    char folder[JOB_NAME];
    char slug[JOB_NAME];

    if (slash == NULL) {
        return 0;
    }
    (void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - name), name);
    (void)snprintf(slug, sizeof(slug), "%.*s", (int)strcspn(slash + 1, "/"), slash + 1);
    return left_out_check(&schedule->options.config->left, folder, slug, err);
}

/* Of one that was not sent yet. */
static int refuse(const struct schedule *schedule, const char *slug, struct err *err)
{
    char subject[JOB_NAME];
    int64_t mailing;
    int rc;

    (void)snprintf(subject, sizeof(subject), "issues/%s", slug);
    rc = job_mailing(schedule->options.db, "letter", subject, &mailing, err);
    if (rc != 0) {
        return rc < 0 ? rc : 0;
    }
    return left_out_check(&schedule->options.config->left, "issues", slug, err);
}

/* What could be read of an issue that is left out; NULL if nothing. */
static const struct issue *find_issue(const struct content *content, const char *slug)
{
    for (size_t i = 0; i < content->left_issue_count; i++) {
        if (strcmp(content->left_issues[i].item.slug, slug) == 0) {
            return &content->left_issues[i];
        }
    }
    return NULL;
}

int job_left_waiting(const struct schedule *schedule, const struct job *job, bool other,
                     struct err *err)
{
    const struct left_outs *left = &schedule->options.config->left;
    bool idle = !other && job->newsletter->compose != COMPOSE_AUTO;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < left->count; i++) {
        const struct issue *issue;
        bool may_wait;

        if (strcmp(left->items[i].folder, "issues") != 0) {
            continue;
        }
        issue = find_issue(schedule->options.content, left->items[i].slug);
        /* One that does not say whose it is holds up nothing that there is to send. */
        may_wait =
            issue != NULL && issue->newsletter_slug != NULL
                ? issue->send_next && strcmp(issue->newsletter_slug, job->newsletter->slug) == 0
                : idle;
        if (may_wait) {
            rc = refuse(schedule, left->items[i].slug, err);
        }
    }
    return rc;
}
