/* What may stand next on a command line: the shells of contrib/completions ask for it. */
#include "complete.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "teataja/base/file.h"
#include "teataja/base/language.h"
#include "teataja/base/limits.h"
#include "teataja/config/config.h"
#include "teataja/config/front_matter.h"

struct completion {
    struct arena *arena;
    const char *folder; /* of the site */
    const char *begun;  /* what stands there so far */
};

/* What a placeholder of a usage or of an option stands for. */
enum kind { FILES, FOLDERS, WORDS, SLUGS, LANGUAGES, LISTS, RELAYS, SOURCES };

static const struct {
    const char *verb; /* only there; NULL: anywhere */
    const char *name;
    enum kind kind;
    const char *more; /* the words; the folder of the slugs */
} placeholders[] = {
    {"config sample", "FILE", WORDS, "teataja.yaml newsletters projects regions.yaml"},
    {"config manual", "FILE", WORDS,
     "teataja.yaml newsletters projects regions.yaml calls events news issues"},
    {"mailing show", "STATE", WORDS,
     "queued claimed committing sent deferred failed suppressed unknown"},
    {"call list", "STATE", WORDS, "planned open closed exhausted cancelled"},
    {"dkim keygen", "TYPE", WORDS, "rsa ed25519"},
    {"preview", "KIND", WORDS, "invitation reminder thanks"},
    {NULL, "BASIS", WORDS, "consent membership public_task legitimate_interest"},
    {NULL, "ROLES", WORDS, "schedule deliver web"},
    {NULL, "FILE", FILES, NULL},
    {NULL, "FILE.csv", FILES, NULL},
    {NULL, "DIR", FOLDERS, NULL},
    {NULL, "ISSUE", SLUGS, "issues"},
    {NULL, "EVENT", SLUGS, "events"},
    {NULL, "NEWSLETTER", SLUGS, "newsletters"},
    {"schedule run", "NAME", SLUGS, "newsletters"},
    {NULL, "events/EVENT", SLUGS, "events/"},
    {NULL, "LANG", LANGUAGES, NULL},
    {NULL, "LIST", LISTS, NULL},
    {NULL, "SOURCE", SOURCES, NULL},
    {"relay", "NAME", RELAYS, NULL}, /* the option, whatever the verb */
};

static void offer(const struct completion *completion, const char *word, const char *help)
{
    if (strncmp(word, completion->begun, strlen(completion->begun)) == 0) {
        printf("%s\t%s\n", word, help);
    }
}

/* The slugs of the files of a folder; a '/' at its end stands before each. */
static void offer_slugs(const struct completion *completion, const char *folder)
{
    static const char *const endings[] = {".md", ".ics", ".yaml"};
    const char *prefix = strchr(folder, '/') != NULL ? folder : "";
    const char *path = file_join(completion->arena, completion->folder, folder);
    char **names = NULL;
    size_t count = 0;

    if (path == NULL || file_list(completion->arena, path, &names, &count, NULL) < 0) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < sizeof(endings) / sizeof(endings[0]); j++) {
            size_t len = strlen(names[i]);
            size_t less = strlen(endings[j]);
            char *word;

            /* Language editions, intro.et.md, are no names of their own. */
            if (len <= less || strcmp(names[i] + len - less, endings[j]) != 0 ||
                memchr(names[i], '.', len - less) != NULL) {
                continue;
            }
            word = arena_printf(completion->arena, "%s%.*s", prefix, (int)(len - less), names[i]);
            if (word != NULL) {
                offer(completion, word, folder);
            }
        }
    }
}

static void offer_languages(const struct completion *completion, const struct site *site)
{
    for (size_t i = 0; i < site->language_count; i++) {
        offer(completion, language_tag(site->languages[i]), "language");
    }
}

/* Names that only teataja.yaml knows; nothing where it cannot be read. */
static void offer_configured(const struct completion *completion, enum kind kind)
{
    struct report *report = report_new();
    struct config config = {0};

    if (report != NULL &&
        config_load(completion->arena, completion->folder, report, &config, NULL) == 0) {
        const struct site *site = &config.site;

        if (kind == LANGUAGES) {
            offer_languages(completion, site);
        }
        for (size_t i = 0; kind == LISTS && i < site->list_count; i++) {
            offer(completion, site->lists[i].slug, "list");
        }
        for (size_t i = 0; kind == RELAYS && i < site->relay_count; i++) {
            offer(completion, site->relays[i].name, "relay");
        }
        for (size_t i = 0; kind == SOURCES && i < site->source_count; i++) {
            offer(completion, site->sources[i].name, "source");
        }
    }
    report_free(report);
}

static void offer_words(const struct completion *completion, const char *words)
{
    while (*words != '\0') {
        size_t len = strcspn(words, " ");
        const char *word = arena_strndup(completion->arena, words, len);

        if (word != NULL) {
            offer(completion, word, "");
        }
        words += len + strspn(words + len, " ");
    }
}

/* In an argument of a verb, or (with `option` not "") in the value of an option. */
static void offer_placeholder(const struct completion *completion, const char *verb,
                              const char *option, const char *name)
{
    for (size_t i = 0; i < sizeof(placeholders) / sizeof(placeholders[0]); i++) {
        const char *only = placeholders[i].verb;

        if (strcmp(placeholders[i].name, name) != 0 ||
            (only != NULL && strcmp(only, verb) != 0 && strcmp(only, option) != 0)) {
            continue;
        }
        switch (placeholders[i].kind) {
        case FILES:
            puts(":files");
            break;
        case FOLDERS:
            puts(":folders");
            break;
        case WORDS:
            offer_words(completion, placeholders[i].more);
            break;
        case SLUGS:
            offer_slugs(completion, placeholders[i].more);
            break;
        default:
            offer_configured(completion, placeholders[i].kind);
            break;
        }
        return;
    }
    if (islower((unsigned char)name[0])) {
        offer(completion, name, "");
    }
}

/* The argument number `at` of a verb, by its usage: "EVENT MEMBER yes|no|maybe". */
static void offer_argument(const struct completion *completion, const struct verb *verb, size_t at)
{
    const char *usage = verb->usage;
    size_t len = strcspn(usage, " ");
    char *token;
    char *rest;

    for (; at > 0 && usage[len] != '\0'; at--) {
        usage += len + 1;
        len = strcspn(usage, " ");
    }
    if (at > 0 && strstr(usage, "...") == NULL) {
        return;
    }
    usage += *usage == '[';
    rest = arena_strndup(completion->arena, usage, strcspn(usage, " ]"));
    while (rest != NULL && (token = strsep(&rest, "|")) != NULL) {
        offer_placeholder(completion, verb->name, "", token);
    }
}

static void offer_options(const struct completion *completion, const struct option *options)
{
    for (size_t i = 0; options != NULL && options[i].name != NULL; i++) {
        char name[64];

        snprintf(name, sizeof(name), "%s%s", options[i].name[1] == '\0' ? "-" : "--",
                 options[i].name);
        offer(completion, name, options[i].help);
    }
}

/* The length of a verb's first word. */
static size_t first_word(const struct verb *verb)
{
    return strcspn(verb->name, " ");
}

/* True if a verb before this one begins with the same word. */
static bool was_offered(size_t index)
{
    size_t len = first_word(verbs[index]);

    for (size_t i = 0; i < index; i++) {
        if (first_word(verbs[i]) == len && strncmp(verbs[i]->name, verbs[index]->name, len) == 0) {
            return true;
        }
    }
    return false;
}

/* Verbs, or with `group` the second words of those that begin with it. */
static void offer_verbs(const struct completion *completion, const char *group)
{
    for (size_t i = 0; verbs[i] != NULL; i++) {
        const char *space = strchr(verbs[i]->name, ' ');
        const char *word = arena_strndup(completion->arena, verbs[i]->name, first_word(verbs[i]));

        if (word == NULL) {
            return;
        }
        if (group != NULL && strcmp(group, word) == 0 && space != NULL) {
            offer(completion, space + 1, verbs[i]->summary);
        } else if (group == NULL && !was_offered(i)) {
            offer(completion, word, space != NULL ? "more words follow" : verbs[i]->summary);
        }
    }
}

/* The verb whose name is one word, or two. */
static const struct verb *verb_of(const char *first, const char *second)
{
    for (size_t i = 0; verbs[i] != NULL; i++) {
        size_t len = strlen(first);

        if (strncmp(verbs[i]->name, first, len) == 0 &&
            (second == NULL
                 ? verbs[i]->name[len] == '\0'
                 : verbs[i]->name[len] == ' ' && strcmp(verbs[i]->name + len + 1, second) == 0)) {
            return verbs[i];
        }
    }
    return NULL;
}

static const struct option *option_of(const struct option *options, const char *word)
{
    const char *name = word + (word[1] == '-' ? 2 : 1);

    for (; options != NULL && options->name != NULL; options++) {
        if (strcmp(options->name, name) == 0) {
            return options;
        }
    }
    return NULL;
}

/* What was typed before the word that is to be completed. */
struct typed {
    const struct verb *verb;
    const char *first;           /* a first word that is no verb by itself */
    const struct option *option; /* waits for its value */
    size_t arguments;
};

static void take_word(struct completion *completion, struct typed *typed, const char *word)
{
    const struct verb *verb;

    if (typed->option != NULL) {
        if (strcmp(word, "=") == 0) {
            return; /* bash cuts --name=value in three */
        }
        completion->folder = strcmp(typed->option->name, "C") == 0 ? word : completion->folder;
        typed->option = NULL;
    } else if (word[0] == '-' && word[1] != '\0') {
        const struct option *option =
            option_of(typed->verb != NULL ? typed->verb->options : NULL, word);

        option = option != NULL ? option : option_of(global_options, word);
        typed->option = option != NULL && option->value != NULL ? option : NULL;
    } else if (typed->first == NULL) {
        typed->first = word;
        typed->verb = verb_of(word, NULL);
    } else if (typed->arguments == 0 && strchr(word, ' ') == NULL &&
               (verb = verb_of(typed->first, word)) != NULL) {
        typed->verb = verb;
    } else {
        typed->arguments++;
    }
}

int complete(int count, char **words)
{
    struct completion completion = {.folder = ".", .begun = count > 0 ? words[count - 1] : ""};
    struct typed typed = {.verb = NULL};

    completion.arena = arena_new(LIMIT_ARENA_SITE);
    if (completion.arena == NULL) {
        return EXIT_FAILED;
    }
    for (int i = 0; i + 1 < count; i++) {
        take_word(&completion, &typed, words[i]);
    }
    if (typed.option != NULL) {
        completion.begun += strcmp(completion.begun, "=") == 0;
        offer_placeholder(&completion, typed.verb != NULL ? typed.verb->name : "",
                          typed.option->name, typed.option->value);
    } else if (completion.begun[0] == '-') {
        offer_options(&completion, typed.verb != NULL ? typed.verb->options : NULL);
        offer_options(&completion, global_options);
    } else if (typed.first == NULL) {
        offer_verbs(&completion, NULL);
    } else {
        if (typed.arguments == 0 && (typed.verb == NULL || strchr(typed.verb->name, ' ') == NULL)) {
            offer_verbs(&completion, typed.first);
        }
        if (typed.verb != NULL) {
            offer_argument(&completion, typed.verb, typed.arguments);
        }
    }
    arena_free(completion.arena);
    return EXIT_DONE;
}
