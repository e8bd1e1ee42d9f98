#include "import_seen.h"

#include <string.h>

#include "teataja/base/mem.h"

enum { PAGE = 1024 }; /* lines */

/* The page's place in the table, which grows to it. */
static int **import_seen_reach(struct import_seen *seen, size_t page)
{
    if (page >= seen->page_count) {
        size_t count = page + page / 2 + 64;
        int **pages = mem_resize(seen->pages, count, sizeof(*pages));

        if (pages == NULL) {
            return NULL;
        }
        memset(pages + seen->page_count, 0, (count - seen->page_count) * sizeof(*pages));
        seen->pages = pages;
        seen->page_count = count;
    }
    return &seen->pages[page];
}

int import_seen_add(struct import_seen *seen, int64_t member, int line, int *before,
                    struct err *err)
{
    int **page = import_seen_reach(seen, (size_t)member / PAGE);
    int *place;

    if (page != NULL && *page == NULL) {
        *page = mem_alloc(PAGE, sizeof(**page));
    }
    if (page == NULL || *page == NULL) {
        return err_nomem(err);
    }
    place = *page + member % PAGE;
    *before = *place;
    if (*place == 0) {
        *place = line;
    }
    return 0;
}

bool import_seen_has(const struct import_seen *seen, int64_t member)
{
    size_t page = (size_t)member / PAGE;

    return page < seen->page_count && seen->pages[page] != NULL &&
           seen->pages[page][member % PAGE] != 0;
}

void import_seen_release(struct import_seen *seen)
{
    for (size_t i = 0; i < seen->page_count; i++) {
        mem_free(seen->pages[i]);
    }
    mem_free(seen->pages);
    memset(seen, 0, sizeof(*seen));
}
