/* Message patterns: the first line is the language, the rest the pattern. What
 * compiles is written for every plural form without an error. */
#include "fuzz.h"

#include "render/catalogue_pattern.h"
#include "teataja/base/limits.h"

static struct plural_rules *rules_of(enum language language)
{
    static struct plural_rules rules[LANG_COUNT];

    if (rules[language].rules == NULL) {
        FUZZ_CHECK(plural_rules_open(language_tag(language), &rules[language], NULL) == 0);
    }
    return &rules[language];
}

/* Texts only where the pattern lets a text stand. */
static void write_with(const struct pattern *pattern, const struct plural_rules *rules,
                       const char *text, int64_t number)
{
    struct catalogue_arg args[PATTERN_ARGUMENTS];
    char names[PATTERN_ARGUMENTS][LIMIT_NAME];
    struct err err = {0};
    struct str out;

    FUZZ_CHECK(pattern->count <= PATTERN_ARGUMENTS);
    for (size_t i = 0; i < pattern->count; i++) {
        const struct argument *argument = &pattern->arguments[i];

        FUZZ_CHECK(argument->len > 0);
        if (argument->len >= LIMIT_NAME) {
            return;
        }
        memcpy(names[i], argument->name, argument->len);
        names[i][argument->len] = '\0';
        args[i] = argument->kind == ARGUMENT_NUMBER ? catalogue_arg_number(names[i], number)
                                                    : catalogue_arg_text(names[i], text);
    }
    str_init(&out, LIMIT_TEXT);
    FUZZ_CHECK(pattern_write(pattern, rules, args, pattern->count, &out, &err) == 0);
    FUZZ_CHECK(utf8_is_valid(out.data, out.len, NULL));
    FUZZ_CHECK(pattern->plain == NULL || strcmp(pattern->plain, out.data) == 0);
    str_release(&out);
}

static void check_pattern(const struct pattern *pattern, const struct plural_rules *rules)
{
    static const int64_t numbers[] = {0,  1,  2,   3,       5,         10,       11,
                                      21, 22, 100, 1000000, INT64_MIN, INT64_MAX};

    FUZZ_CHECK((pattern->plain != NULL) == (pattern->count == 0));
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        write_with(pattern, rules, i % 2 == 0 ? "{x} # '" : "other", numbers[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *tag = fuzz_line(&data, &size);
    char *text = fuzz_text(data, size);
    enum language language = language_find(tag);
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct pattern pattern = {0};
    struct err err = {0};
    const struct plural_rules *rules = rules_of(language == LANG_NONE ? LANG_EN : language);

    if (utf8_is_valid(text, strlen(text), NULL)) {
        int rc = pattern_compile(arena, text, rules, &pattern, &err);

        if (rc == 0) {
            check_pattern(&pattern, rules);
        } else {
            FUZZ_CHECK(rc == ERR_INVALID);
            FUZZ_CHECK(strncmp(err.msg, "character ", 10) == 0);
            FUZZ_CHECK(strtoul(err.msg + 10, NULL, 10) <= utf8_length(text, strlen(text)) + 1);
            fuzz_check_error(rc, &err);
        }
    }
    arena_free(arena);
    free(text);
    free(tag);
    return 0;
}
