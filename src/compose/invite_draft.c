/* invite_draft.c - see invite_draft.h; invite_plan in teataja/compose/invite.h. */
#include "invite_draft.h"

#include <string.h>

#include "approval_flow.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"

enum { TOLERANCE = 500 }; /* where no newsletter says another: 5 % */

#define HOLDS (24 * CLOCK_HOUR) /* likewise for too_late_after */

/* ---- what is approved ---- */

static int approval_of(const struct event *event, const struct newsletter *newsletter)
{
    return event->has_approval  ? event->approval
           : newsletter != NULL ? newsletter->approval
                                : APPROVAL_NONE;
}

int invite_describe(const struct invitation_page *page, bool again, struct snapshot *out,
                    struct err *err)
{
    const struct event *event = page->event;
    const struct site_office *office = &page->compose->site.config->site.office;
    char by[CIVIL_TEXT] = "";
    struct str rule;
    int rc;

    if (event->rsvp.has_by) {
        civil_print(&event->rsvp.by, by);
    }
    str_init(&rule, LIMIT_TEXT);
    str_addf(&rule, "event: %s\nlist: %s\nfrom: %s\napproval: %s\ninvite: %s\n", event->slug,
             event->list, office->address.text,
             newsletter_approval_name(approval_of(event, page->newsletter)),
             event->invite.text != NULL ? event->invite.text : "");
    str_addf(&rule, "answers until: %s\nalso who is invited: %s\n", by, again ? "yes" : "no");
    rc = str_check(&rule, err);
    if (rc == 0) {
        out->date = page->date;
        out->rule = arena_strdup(out->arena, rule.data);
        out->audience =
            arena_strdup(out->arena, event->audience.text != NULL ? event->audience.text : "");
        rc = out->rule != NULL && out->audience != NULL ? 0 : err_nomem(err);
    }
    str_release(&rule);
    return rc;
}

int invite_snapshot(const struct invitation_page *page, struct arena *scratch, const char *zone,
                    const struct preview *preview, struct snapshot *out, struct err *err)
{
    const struct event *event = page->event;
    const struct site_office *office = &page->compose->site.config->site.office;
    struct preview shown = *preview;
    char start[CIVIL_TEXT];
    struct approval_item item = {.block = "events",
                                 .slug = event->slug,
                                 .title = event_edition(event, preview->rendered->language)->title,
                                 .note = ""};

    civil_format(&page->next.start, start);
    item.revision = snapshot_event_revision(scratch, event, start);
    if (item.revision == NULL) {
        return err_nomem(err);
    }
    shown.input = (struct write_input){
        .address = office->address.text,
        .values = {.name = "…", .organisation = "…", .organizer = office->address.text}};
    return snapshot_add(out, &shown, zone, &item, 1, err);
}

/* ---- what is done ---- */

struct invite_case {
    struct compose *compose;
    struct arena *arena;
    const char *slug;
    const struct invite_options *options;
    struct invite_summary *out;
};

static int make(void *ctx, const struct plan_way *way, struct err *err)
{
    const struct invite_case *invite = ctx;

    return invite_make(invite->compose, invite->arena, invite->slug, invite->options, way,
                       invite->out, err);
}

static int open_flow(struct invite_case *invite, struct approval_flow *out, struct err *err)
{
    struct invitation_page page;
    const struct newsletter *newsletter;
    int rc = invitation_open(invite->compose, invite->arena, invite->slug, clock_now(), &page, err);

    if (rc < 0) {
        return rc;
    }
    newsletter = page.newsletter;
    *out = (struct approval_flow){
        .compose = invite->compose,
        .arena = invite->arena,
        .purpose = mail_kinds[MAIL_INVITATION].name,
        .target = arena_printf(invite->arena, "%s/%s", mail_kinds[MAIL_INVITATION].folder,
                               page.event->slug),
        .newsletter = newsletter != NULL ? newsletter->slug : "",
        .needed = approval_of(page.event, newsletter),
        .tolerance = newsletter != NULL ? newsletter->approval_tolerance : TOLERANCE,
        .too_late_after = newsletter != NULL ? newsletter->too_late_after : HOLDS,
        .dated = true,
        .leaves_traces = true, /* people who are invited */
        .again = invite->options->again,
        .wish = &invite->options->wish,
        .make = make,
        .ctx = invite};
    return out->target != NULL ? 0 : err_nomem(err);
}

int invite_plan(struct compose *compose, struct arena *arena, const char *slug,
                const struct invite_options *options, struct invite_summary *out, struct err *err)
{
    struct invite_case invite = {compose, arena, slug, options, out};
    struct approval_sent sent = {.state = "queued", .changes = ""};
    struct approval_flow flow = {.needed = APPROVAL_NONE};
    int rc;

    memset(out, 0, sizeof(*out));
    if (options->dry_run || options->test != NULL) {
        rc = invite_make(compose, arena, slug, options, NULL, out, err);
    } else {
        rc = open_flow(&invite, &flow, err);
        flow.out = &sent;
        rc = rc == 0 ? approval_flow_run(&flow, err) : rc;
    }
    approval_flow_tell(&sent, &out->mailing, out->total);
    out->sent = sent;
    return rc;
}

int invite_look(struct compose *compose, struct arena *arena, const struct approval *approval,
                bool again, struct snapshot *out, int *tolerance, struct err *err)
{
    const struct invite_options options = {.again = again};
    struct invite_summary summary;
    struct invite_case invite = {compose, arena, strchr(approval->target, '/') + 1, &options,
                                 &summary};
    struct approval_flow flow = {.needed = APPROVAL_NONE};
    int rc = open_flow(&invite, &flow, err);

    if (rc < 0) {
        return rc;
    }
    *tolerance = flow.tolerance;
    return approval_flow_look(&flow, approval, out, err);
}
