/* Heads of requests: a verdict on the whole is the verdict on its parts, and a head that
 * is taken has none of what two readers could read differently. */
#include "fuzz.h"

#include "teataja/web/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *head = malloc(size > 0 ? size : 1);
    size_t part = size > 2000 ? size - 2000 : 0;
    int whole;
    int last = HEAD_MORE;

    FUZZ_CHECK(head != NULL);
    if (size > 0) {
        memcpy(head, data, size);
    }
    whole = head_check(head, size);
    for (; part <= size && last == HEAD_MORE; part++) {
        last = head_check(head, part);
    }
    FUZZ_CHECK(last == whole);
    if (whole == HEAD_FINE) {
        const char *end = memmem(head, size, "\r\n\r\n", 4);

        FUZZ_CHECK(end != NULL && end - head + 4 <= HEAD_MOST);
        for (const char *at = head; at < end; at++) {
            FUZZ_CHECK(*at != '\0');
            FUZZ_CHECK(*at != '\n' || (at > head && at[-1] == '\r'));
            FUZZ_CHECK(*at != '\r' || at[1] == '\n');
            FUZZ_CHECK(*at != '\n' || (at[1] != ' ' && at[1] != '\t'));
        }
    }
    free(head);
    return 0;
}
