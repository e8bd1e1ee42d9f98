/* Content files: the body is the text's end, on the line that is said; the name
 * of the file is the first line of the input. */
#include "fuzz.h"

#include "teataja/config/front_matter.h"

static void check_page(const struct front_matter *page, const char *text, size_t len)
{
    const char *at = text;
    size_t same = 0;

    FUZZ_CHECK(page->head != NULL && page->head->kind == YAML_MAPPING);
    FUZZ_CHECK(strlen(page->body) == page->body_len && page->body_len <= len);
    FUZZ_CHECK(page->body_line >= 1);
    for (int line = 1; line < page->body_line; line++) {
        const char *feed = memchr(at, '\n', len - (size_t)(at - text));

        at = feed != NULL ? feed + 1 : text + len;
    }
    /* From its line on the body is the file, but for the CR of CRLF. */
    for (; at < text + len; at++) {
        if (*at == '\r' && at + 1 < text + len && at[1] == '\n') {
            continue;
        }
        FUZZ_CHECK(same < page->body_len && page->body[same] == *at);
        same++;
    }
    FUZZ_CHECK(same == page->body_len);
}

static void check_name(const char *path)
{
    struct content_name name = {.language = LANG_NONE};
    struct err err = {0};
    int rc = content_name_parse(path, ".md", &name, &err);

    if (rc == 0) {
        FUZZ_CHECK(name.slug[0] != '\0' && strlen(name.slug) <= LIMIT_SLUG);
        FUZZ_CHECK(strspn(name.slug, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(name.slug));
    } else {
        fuzz_check_error(rc, &err);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *path = fuzz_line(&data, &size);
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    struct report *report = report_new();
    struct front_matter page;
    struct err err = {0};
    char *text = fuzz_text(data, size);
    int rc = front_matter_parse(arena, "calls/x.md", text, size, report, &page, &err);

    check_name(path);
    if (rc == 0) {
        check_page(&page, text, size);
    } else {
        FUZZ_CHECK(rc == ERR_INVALID || rc == ERR_LIMIT);
        FUZZ_CHECK(report_errors(report) > 0);
        fuzz_check_error(rc, &err);
    }
    fuzz_check_report(report, text, size);
    free(text);
    free(path);
    report_free(report);
    arena_free(arena);
    return 0;
}
