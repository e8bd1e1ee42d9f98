/* letter_draft.c - see letter_draft.h; letter_plan in teataja/compose/letter.h. */
#include "letter_draft.h"

#include <inttypes.h>
#include <string.h>

#include "approval_flow.h"
#include "letter_lines.h"
#include "room.h"
#include "teataja/base/clock.h"
#include "teataja/base/limits.h"

/* ---- what is approved ---- */

static void add_duration(struct str *out, const char *name, int64_t micros)
{
    char text[QUANTITY_TEXT];

    quantity_format_duration(micros, text);
    str_addf(out, "%s: %s\n", name, text);
}

static void add_blocks(struct str *out, const struct newsletter *newsletter)
{
    str_add(out, "blocks: ");
    for (size_t i = 0; i < newsletter->block_count; i++) {
        str_addf(out, "%s%s", i > 0 ? ", " : "", item_blocks[newsletter->blocks[i]]);
    }
    str_add_char(out, '\n');
}

const char *letter_rule(const struct letter *letter, struct arena *arena)
{
    const struct newsletter *newsletter = letter->newsletter;
    struct err ignored = {0};
    const char *out = NULL;
    struct str text;

    str_init(&text, LIMIT_TEXT);
    str_addf(&text, "newsletter: %s\nlist: %s\nfrom: %s\nreply to: %s\napproval: %s\n",
             newsletter->slug, newsletter->list, newsletter->from.address.text,
             newsletter->reply_to.text, newsletter_approval_name(newsletter->approval));
    str_add(&text, "languages:");
    for (size_t i = 0; i < newsletter->language_count; i++) {
        str_addf(&text, " %s", language_tag(newsletter->languages[i]));
    }
    str_addf(&text, "\nfallback: %s\n", language_tag(newsletter->fallback));
    str_addf(&text, "compose: %s\n", newsletter->compose == COMPOSE_AUTO ? "auto" : "by hand");
    if (letter->issue->automatic) {
        add_duration(&text, "closing_soon", newsletter->closing_soon);
        str_addf(&text, "skip_if_empty: %s\nmin_items: %" PRId64 "\n",
                 newsletter->skip_if_empty ? "yes" : "no", newsletter->min_items);
    }
    add_blocks(&text, newsletter);
    add_duration(&text, "news_max_age", newsletter->news_max_age);
    add_duration(&text, "events_within", newsletter->events_within);
    add_duration(&text, "deadlines_within", newsletter->deadlines_within);
    if (str_check(&text, &ignored) == 0) {
        out = arena_strdup(arena, text.data);
    }
    str_release(&text);
    return out;
}

/* What the line is about, as a digest. */
static const char *line_revision(struct arena *arena, const struct selection *selection,
                                 const struct letter_line *line)
{
    if (strcmp(line->block, "events") == 0) {
        for (size_t i = 0; i < selection->event_count; i++) {
            if (strcmp(selection->events[i].event->slug, line->slug) == 0) {
                return snapshot_event_revision(arena, selection->events[i].event,
                                               selection->events[i].told);
            }
        }
    }
    if (strcmp(line->block, "news") == 0) {
        for (size_t i = 0; i < selection->news_count; i++) {
            const struct item *item = &selection->news[i].news->item;

            if (strcmp(item->slug, line->slug) == 0) {
                return snapshot_item_revision(arena, item, item->id);
            }
        }
    }
    for (size_t i = 0; i < selection->call_count; i++) {
        const struct item *item = &selection->calls[i].call->item;

        if (strcmp(item->slug, line->slug) == 0) {
            return snapshot_item_revision(arena, item, item->id);
        }
    }
    return "";
}

int letter_snapshot(const struct letter *letter, struct arena *scratch,
                    const struct selection *selection, const char *key,
                    const struct preview *preview, struct snapshot *out, struct err *err)
{
    const struct letter_line *lines = NULL;
    struct approval_item *items;
    struct preview shown = *preview;
    size_t count = 0;
    int rc = letter_list_lines(letter, scratch, selection, &lines, &count, err);

    if (rc < 0) {
        return rc;
    }
    items = arena_alloc(scratch, count + 1, sizeof(*items));
    if (items == NULL) {
        return err_nomem(err);
    }
    for (size_t i = 0; i < count; i++) {
        items[i] = (struct approval_item){.block = lines[i].block,
                                          .slug = lines[i].slug,
                                          .title = lines[i].title,
                                          .note = lines[i].note,
                                          .revision = line_revision(scratch, selection, &lines[i])};
        if (items[i].revision == NULL) {
            return err_nomem(err);
        }
    }
    shown.input =
        (struct write_input){.address = letter->compose->site.config->site.office.address.text,
                             .values = {.name = "…", .organisation = "…", .organizer = ""}};
    return snapshot_add(out, &shown, key, items, count, err);
}

/* ---- what is done ---- */

struct letter_case {
    struct compose *compose;
    struct arena *arena;
    const char *slug;
    const struct letter_options *options;
    struct letter_summary *out;
};

static int make(void *ctx, const struct plan_way *way, struct err *err)
{
    const struct letter_case *letter = ctx;

    return letter_make(letter->compose, letter->arena, letter->slug, letter->options, way,
                       letter->out, err);
}

static int open_flow(struct letter_case *letter, struct approval_flow *out, struct err *err)
{
    const struct issue *issue = NULL;
    int rc = letter_find(letter->compose, letter->slug, &issue, err);

    if (rc < 0) {
        return rc;
    }
    if (issue->newsletter == NULL) {
        return err_set(err, ERR_INVALID, "%s: no newsletter '%s'", issue->item.file,
                       issue->newsletter_slug != NULL ? issue->newsletter_slug : "");
    }
    *out = (struct approval_flow){
        .compose = letter->compose,
        .arena = letter->arena,
        .purpose = mail_kinds[MAIL_LETTER].name,
        .target = arena_printf(letter->arena, "%s/%s",
                               issue->automatic ? "newsletters" : mail_kinds[MAIL_LETTER].folder,
                               issue->item.slug),
        .newsletter = issue->newsletter->slug,
        .needed = issue->newsletter->approval,
        .tolerance = issue->newsletter->approval_tolerance,
        .too_late_after = issue->newsletter->too_late_after,
        .dated = true,
        .occurrence = issue->automatic && letter->options->wish.act != APPROVAL_SEND
                          ? letter->options->occurrence
                          : NULL,
        .wish = &letter->options->wish,
        .make = make,
        .ctx = letter};
    return out->target != NULL ? 0 : err_nomem(err);
}

int letter_plan(struct compose *compose, struct arena *arena, const char *slug,
                const struct letter_options *options, struct letter_summary *out, struct err *err)
{
    struct letter_case letter = {compose, arena, slug, options, out};
    struct approval_sent sent = {.state = "queued", .changes = ""};
    struct approval_flow flow = {.needed = APPROVAL_NONE};
    int rc;

    memset(out, 0, sizeof(*out));
    if (options->dry_run || options->test != NULL) {
        rc = letter_make(compose, arena, slug, options, NULL, out, err);
    } else {
        rc = open_flow(&letter, &flow, err);
        flow.out = &sent;
        rc = rc == 0 ? approval_flow_run(&flow, err) : rc;
    }
    approval_flow_tell(&sent, &out->mailing, out->total);
    out->sent = sent;
    return rc;
}

int letter_look(struct compose *compose, struct arena *arena, const struct approval *approval,
                struct snapshot *out, int *tolerance, struct err *err)
{
    bool automatic = strncmp(approval->target, LETTER_AUTOMATIC, strlen(LETTER_AUTOMATIC)) == 0;
    const struct letter_options options = {.date = clock_now()};
    struct letter_summary summary = {0};
    struct letter_case letter = {compose, arena,
                                 automatic ? approval->target : strchr(approval->target, '/') + 1,
                                 &options, &summary};
    struct approval_flow flow = {.needed = APPROVAL_NONE};
    int rc = open_flow(&letter, &flow, err);

    if (rc < 0) {
        return rc;
    }
    *tolerance = flow.tolerance;
    return approval_flow_look(&flow, approval, out, err);
}
