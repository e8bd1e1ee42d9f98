/* Drafts that wait for people: who decides, and what is shown of them. */
#include "approval_print.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "output.h"
#include "teataja/base/json.h"
#include "teataja/base/limits.h"

/* ---- who ---- */

static bool is_editor(const struct newsletter_editor *editor, const char *name)
{
    struct address address;

    return (editor->name != NULL && strcmp(editor->name, name) == 0) ||
           (address_parse(name, &address, NULL) == 0 &&
            strcmp(address.key, editor->address.key) == 0);
}

void approval_person_of(const struct workspace *workspace, const char *name,
                        struct approval_person *out)
{
    const struct config *config = &workspace->config;
    const struct passwd *login = getpwuid(getuid());

    *out = (struct approval_person){.how = "cli"};
    out->name = name != NULL ? name : login != NULL ? login->pw_name : "somebody";
    for (size_t i = 0; i < config->newsletter_count; i++) {
        for (size_t j = 0; j < config->newsletters[i].editor_count; j++) {
            const struct newsletter_editor *editor = &config->newsletters[i].editors[j];

            if (is_editor(editor, out->name)) {
                out->address = editor->address.text;
                return;
            }
        }
    }
}

/* ---- a draft ---- */

static void write_draft(struct json_writer *json, const struct command *command,
                        const struct approval *draft)
{
    json_write_int_at(json, "mailing", draft->mailing);
    json_write_text_at(json, "state", draft->state);
    json_write_text_at(json, "what", draft->target);
    json_write_text_at(json, "purpose", draft->purpose);
    json_write_text_at(json, "newsletter", draft->newsletter);
    json_write_text_at(json, "subject", draft->subject);
    json_write_int_at(json, "recipients", draft->recipients);
    json_write_text_at(json, "audience", draft->audience);
    json_write_int_at(json, "needed", draft->needed);
    json_write_int_at(json, "given", draft->given);
    json_write_text_at(json, "due",
                       draft->due_at != 0 ? output_when(command->arena, draft->due_at) : "");
    json_write_int_at(json, "revision", draft->revision);
    json_write_text_at(json, "digest", draft->digest);
    json_write_text_at(json, "reason", draft->reason);
    json_write_text_at(json, "warnings", draft->warnings);
    json_write_key(json, "versions");
    json_write_array(json);
    for (size_t i = 0; i < draft->edition_count; i++) {
        const struct approval_edition *edition = &draft->editions[i];

        json_write_object(json);
        json_write_text_at(json, "language", language_tag(edition->language));
        json_write_int_at(json, "recipients", edition->recipients);
        json_write_text_at(json, "subject", edition->subject);
        json_write_key(json, "items");
        json_write_array(json);
        for (size_t j = 0; j < edition->item_count; j++) {
            json_write_object(json);
            json_write_text_at(json, "block", edition->items[j].block);
            json_write_text_at(json, "slug", edition->items[j].slug);
            json_write_text_at(json, "note", edition->items[j].note);
            json_write_object_end(json);
        }
        json_write_array_end(json);
        json_write_object_end(json);
    }
    json_write_array_end(json);
}

static void print_items(const struct approval_edition *edition)
{
    const char *block = "";

    for (size_t i = 0; i < edition->item_count; i++) {
        const struct approval_item *item = &edition->items[i];

        if (strcmp(block, item->block) != 0) {
            block = item->block;
            printf("      %s\n", block);
        }
        printf("        %s (%s)%s%s\n", item->title, item->slug, item->note[0] != '\0' ? ": " : "",
               item->note);
    }
}

static void print_head(const struct command *command, const struct approval *draft)
{
    printf("Mailing %" PRId64 " (%s) is %s: %" PRId64 " recipient%s, %d of %d approval%s\n",
           draft->mailing, draft->target, draft->state, draft->recipients,
           draft->recipients == 1 ? "" : "s", draft->given, draft->needed,
           draft->needed == 1 ? "" : "s");
    if (draft->due_at != 0) {
        printf("It is due at %s UTC.\n", output_when(command->arena, draft->due_at));
    }
    if (draft->reason[0] != '\0') {
        printf(strcmp(draft->state, "rejected") == 0 ? "Rejected: %s\n" : "It waits anew:\n%s\n",
               draft->reason);
    }
    if (draft->warnings[0] != '\0') {
        printf("Warnings:\n%s\n", draft->warnings);
    }
}

enum exit_status approval_print_draft(const struct command *command,
                                      const struct workspace *workspace,
                                      const struct approval *draft)
{
    struct str out;
    struct json_writer json = json_writer(&out);

    (void)workspace;
    if (!command->json) {
        print_head(command, draft);
        for (size_t i = 0; i < draft->edition_count; i++) {
            const struct approval_edition *edition = &draft->editions[i];

            printf("\n%s%4" PRId64 "  %s  %s%s\n", output_colour(stdout, OUTPUT_STRONG),
                   edition->recipients, language_tag(edition->language), edition->subject,
                   output_colour(stdout, OUTPUT_PLAIN));
            print_items(edition);
        }
        return EXIT_DONE;
    }
    str_init(&out, LIMIT_ARENA_WORK);
    json_write_object(&json);
    write_draft(&json, command, draft);
    json_write_object_end(&json);
    puts(out.data);
    str_release(&out);
    return EXIT_DONE;
}

enum exit_status approval_print_sent(const struct command *command, struct workspace *workspace,
                                     const struct approval_sent *sent)
{
    struct approval draft;
    struct err err = {0};

    if (approval_get(workspace->db, command->arena, sent->mailing, &draft, &err) < 0) {
        return command_fail(&err);
    }
    if (approval_print_draft(command, workspace, &draft) != EXIT_DONE || command->json) {
        return EXIT_DONE;
    }
    if (draft.needed == 0) {
        puts("\nIt goes out at its time, unless it is rejected.");
    } else {
        printf("\nNothing was sent: it waits for %d approval%s. 'teataja approve %" PRId64
               "' approves it,\n'teataja reject %" PRId64 " --reason TEXT' rejects it.\n",
               draft.needed - draft.given, draft.needed - draft.given == 1 ? "" : "s",
               draft.mailing, draft.mailing);
    }
    return EXIT_DONE;
}

/* ---- its trail ---- */

enum exit_status approval_print_trail(const struct command *command,
                                      const struct workspace *workspace, int64_t mailing)
{
    static const char *const headings[] = {"when (UTC)", "what", "who",   ">revision",
                                           "how",        "void", "remark"};
    struct approval_step *steps = NULL;
    struct output_table *table;
    struct err err = {0};
    size_t count = 0;

    if (approval_trail(workspace->db, command->arena, mailing, &steps, &count, &err) < 0) {
        return command_fail(&err);
    }
    table = output_table_new(7, headings);
    for (size_t i = 0; i < count; i++) {
        const struct approval_step *step = &steps[i];
        const char *const cells[] = {
            output_when(command->arena, step->at),
            step->what,
            step->who,
            arena_printf(command->arena, "%" PRId64, step->revision),
            step->how,
            strcmp(step->what, "approved") == 0 && !step->valid ? "void" : "",
            step->remark,
        };

        output_table_row(table, cells);
    }
    output_table_print(table, command->json);
    return EXIT_DONE;
}

/* ---- what changed ---- */

static void print_diff_text(const char *diff)
{
    while (*diff != '\0') {
        int len = (int)strcspn(diff, "\n");
        enum output_tone tone =
            strncmp(diff, "---", 3) == 0 || strncmp(diff, "+++", 3) == 0 || *diff == '@'
                ? OUTPUT_STRONG
            : *diff == '-' ? OUTPUT_BAD
            : *diff == '+' ? OUTPUT_GOOD
                           : OUTPUT_PLAIN;

        printf("%s%.*s%s\n", output_colour(stdout, tone), len, diff,
               output_colour(stdout, OUTPUT_PLAIN));
        diff += len;
        diff += *diff == '\n';
    }
}

static void print_diff(const struct approval_diff *diff)
{
    printf("%s, revision %" PRId64 " ", diff->target, diff->revision);
    if (diff->revision_to != 0) {
        printf("against revision %" PRId64 "\n", diff->revision_to);
    } else {
        puts("against what the site's files give now");
    }
    printf("Recipients: %" PRId64 " then, %" PRId64 " now\n", diff->recipients_then,
           diff->recipients_now);
    if (strcmp(diff->audience_then, diff->audience_now) != 0) {
        printf("Audience then: %s\nAudience now:  %s\n", diff->audience_then, diff->audience_now);
    }
    puts(diff->voids ? diff->changes : "Nothing that would have to be approved anew.");
    for (size_t i = 0; i < diff->item_count; i++) {
        printf("  %-7s %s (%s, %s)\n", diff->items[i].what, diff->items[i].title,
               diff->items[i].block, diff->items[i].slug);
    }
    for (size_t i = 0; i < diff->edition_count; i++) {
        const struct approval_edition_change *edition = &diff->editions[i];

        printf("\n%s: %" PRId64 " recipients then, %" PRId64 " now\n",
               language_tag(edition->language), edition->then, edition->now);
        print_diff_text(edition->diff);
    }
}

static void diff_json(const struct approval_diff *diff)
{
    struct str out;
    struct json_writer json = json_writer(&out);

    str_init(&out, LIMIT_ARENA_WORK);
    json_write_object(&json);
    json_write_text_at(&json, "what", diff->target);
    json_write_int_at(&json, "revision", diff->revision);
    json_write_int_at(&json, "revision_to", diff->revision_to);
    json_write_bool_at(&json, "voids", diff->voids);
    json_write_text_at(&json, "changes", diff->changes);
    json_write_int_at(&json, "recipients_then", diff->recipients_then);
    json_write_int_at(&json, "recipients_now", diff->recipients_now);
    json_write_text_at(&json, "audience_then", diff->audience_then);
    json_write_text_at(&json, "audience_now", diff->audience_now);
    json_write_key(&json, "items");
    json_write_array(&json);
    for (size_t i = 0; i < diff->item_count; i++) {
        json_write_object(&json);
        json_write_text_at(&json, "what", diff->items[i].what);
        json_write_text_at(&json, "block", diff->items[i].block);
        json_write_text_at(&json, "slug", diff->items[i].slug);
        json_write_text_at(&json, "title", diff->items[i].title);
        json_write_object_end(&json);
    }
    json_write_array_end(&json);
    json_write_key(&json, "versions");
    json_write_array(&json);
    for (size_t i = 0; i < diff->edition_count; i++) {
        const struct approval_edition_change *edition = &diff->editions[i];

        json_write_object(&json);
        json_write_text_at(&json, "language", language_tag(edition->language));
        json_write_int_at(&json, "recipients_then", edition->then);
        json_write_int_at(&json, "recipients_now", edition->now);
        json_write_text_at(&json, "subject_then", edition->subject_then);
        json_write_text_at(&json, "subject_now", edition->subject_now);
        json_write_text_at(&json, "diff", edition->diff);
        json_write_object_end(&json);
    }
    json_write_array_end(&json);
    json_write_object_end(&json);
    puts(out.data);
    str_release(&out);
}

enum exit_status approval_print_diff(const struct command *command,
                                     const struct approval_diff *diff)
{
    if (command->json) {
        diff_json(diff);
    } else {
        print_diff(diff);
    }
    return EXIT_DONE;
}
