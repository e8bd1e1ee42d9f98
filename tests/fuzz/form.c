/* Bodies of forms: the first line is the Content-Type. What is read is text within bounds. */
#include "fuzz.h"

#include "teataja/base/arena.h"
#include "teataja/base/limits.h"
#include "teataja/web/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    char *type = fuzz_line(&data, &size);
    char *body = malloc(size + 1); /* a block of the body's own size shows every step over it */
    struct err err = {0};
    struct form form;
    int rc;

    FUZZ_CHECK(arena != NULL && body != NULL);
    body = realloc(body, size > 0 ? size : 1);
    if (size > 0) {
        memcpy(body, data, size);
    }
    rc = form_parse(arena, type, body, size, &form, &err);
    if (rc < 0) {
        fuzz_check_error(rc, &err);
        FUZZ_CHECK(form.count == 0);
    }
    FUZZ_CHECK(form.count <= FORM_FIELDS);
    for (size_t i = 0; i < form.count; i++) {
        const char *name = form.fields[i].name;
        const char *value = form.fields[i].value;

        FUZZ_CHECK(strlen(name) <= FORM_NAME && strlen(value) <= FORM_VALUE);
        FUZZ_CHECK(utf8_is_valid(name, strlen(name), NULL));
        FUZZ_CHECK(utf8_is_valid(value, strlen(value), NULL));
        FUZZ_CHECK(strpbrk(value, "\r\t\x1b") == NULL);
        FUZZ_CHECK(form_get(&form, name) != NULL && form_has(&form, name, value));
    }
    free(body);
    free(type);
    arena_free(arena);
    return 0;
}
