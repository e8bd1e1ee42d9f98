/* diff.c - see teataja/base/diff.h. */
#include "teataja/base/diff.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "teataja/base/mem.h"

enum { MOST_EDITS = 4000 }; /* of one search: beyond it both sides count as changed */

struct line {
    const char *text;
    size_t len;
    uint64_t hash;
};

struct side {
    struct line *lines;
    ptrdiff_t count;
    bool *changed;
};

struct diff {
    struct side old;
    struct side new;
    ptrdiff_t *forward; /* furthest reaching x by diagonal; the middle is diagonal 0 */
    ptrdiff_t *backward;
};

/* A part of both texts: [old, old_end) against [new, new_end). */
struct box {
    ptrdiff_t old, old_end;
    ptrdiff_t new, new_end;
};

static uint64_t hash(const char *text, size_t len)
{
    uint64_t h = 14695981039346656037U;

    for (size_t i = 0; i < len; i++) {
        h = (h ^ (unsigned char)text[i]) * 1099511628211U;
    }
    return h;
}

static int split(const char *text, struct side *side, struct err *err)
{
    size_t most = 1;

    for (const char *c = text; (c = strchr(c, '\n')) != NULL; c++) {
        most++;
    }
    if (most > DIFF_LINES) {
        return err_set(err, ERR_LIMIT, "a text of more than %d lines cannot be compared",
                       DIFF_LINES);
    }
    side->lines = mem_alloc(most, sizeof(*side->lines));
    side->changed = mem_alloc(most, sizeof(*side->changed));
    if (side->lines == NULL || side->changed == NULL) {
        return err_nomem(err);
    }
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");

        side->lines[side->count++] =
            (struct line){.text = text, .len = len, .hash = hash(text, len)};
        text += len + (text[len] == '\n');
    }
    return 0;
}

static bool same(const struct diff *diff, ptrdiff_t old, ptrdiff_t new)
{
    const struct line *a = &diff->old.lines[old];
    const struct line *b = &diff->new.lines[new];

    return a->hash == b->hash && a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

/* How far diagonal k is reached with one more edit. */
static ptrdiff_t step(const ptrdiff_t *reach, ptrdiff_t k, ptrdiff_t d)
{
    return k == -d || (k != d && reach[k - 1] < reach[k + 1]) ? reach[k + 1] : reach[k - 1] + 1;
}

/* Where the paths from both ends of the box meet: *x, *y from its beginning. False when
 * that takes too many edits. */
static bool find_middle(const struct diff *diff, const struct box *box, ptrdiff_t *x, ptrdiff_t *y)
{
    ptrdiff_t n = box->old_end - box->old;
    ptrdiff_t m = box->new_end - box->new;
    ptrdiff_t delta = n - m;
    bool odd = (delta & 1) != 0;

    diff->forward[1] = diff->backward[1] = 0;
    for (ptrdiff_t d = 0; d <= MOST_EDITS && d <= (n + m + 1) / 2; d++) {
        for (ptrdiff_t k = -d; k <= d; k += 2) {
            *x = step(diff->forward, k, d);
            *y = *x - k;
            while (*x < n && *y < m && same(diff, box->old + *x, box->new + *y)) {
                ++*x;
                ++*y;
            }
            diff->forward[k] = *x;
            if (odd && k - delta < d && delta - k < d && *x <= n && *y <= m &&
                *x + diff->backward[delta - k] >= n) {
                return true;
            }
        }
        for (ptrdiff_t k = -d; k <= d; k += 2) {
            *x = step(diff->backward, k, d);
            *y = *x - k;
            while (*x < n && *y < m && same(diff, box->old_end - 1 - *x, box->new_end - 1 - *y)) {
                ++*x;
                ++*y;
            }
            diff->backward[k] = *x;
            if (!odd && delta - k <= d && k - delta <= d && *x <= n && *y <= m &&
                *x + diff->forward[delta - k] >= n) {
                *x = n - *x;
                *y = m - *y;
                return true;
            }
        }
    }
    return false;
}

static void compare(const struct diff *diff, struct box box)
{
    struct box rest;
    ptrdiff_t x;
    ptrdiff_t y;

    while (box.old < box.old_end && box.new < box.new_end &&same(diff, box.old, box.new)) {
        box.old++;
        box.new ++;
    }
    while (box.old < box.old_end &&
           box.new < box.new_end &&same(diff, box.old_end - 1, box.new_end - 1)) {
        box.old_end--;
        box.new_end--;
    }
    if (box.old == box.old_end || box.new == box.new_end || !find_middle(diff, &box, &x, &y)) {
        memset(diff->old.changed + box.old, 1, (size_t)(box.old_end - box.old));
        memset(diff->new.changed + box.new, 1, (size_t)(box.new_end - box.new));
        return;
    }
    rest = box;
    box.old_end = rest.old += x;
    box.new_end = rest.new += y;
    compare(diff, box);
    compare(diff, rest);
}

/* ---- printing ---- */

static void add_line(struct str *out, char mark, const struct line *line)
{
    str_add_char(out, mark);
    str_add_bytes(out, line->text, line->len);
    str_add_char(out, '\n');
}

/* The part behind `at` up to where nothing changes for more than twice the context. */
static struct box group(const struct diff *diff, struct box at, ptrdiff_t context)
{
    struct box group = at;
    ptrdiff_t still = 0;

    while (at.old < diff->old.count || at.new < diff->new.count) {
        if (at.old < diff->old.count && diff->old.changed[at.old]) {
            at.old++;
            still = 0;
        } else if (at.new < diff->new.count && diff->new.changed[at.new]) {
            at.new ++;
            still = 0;
        } else {
            at.old++;
            at.new ++;
            still++;
        }
        if (still > 2 * context) {
            break;
        }
        if (still <= context) {
            group.old_end = at.old;
            group.new_end = at.new;
        }
    }
    return group;
}

static void print_group(const struct diff *diff, struct box at, struct str *out)
{
    ptrdiff_t olds = at.old_end - at.old;
    ptrdiff_t news = at.new_end - at.new;

    /* A side without lines is named by the line before it. */
    str_addf(out, "@@ -%td,%td +%td,%td @@\n", at.old + (olds > 0), olds, at.new + (news > 0),
             news);
    while (at.old < at.old_end || at.new < at.new_end) {
        if (at.old < at.old_end && diff->old.changed[at.old]) {
            add_line(out, '-', &diff->old.lines[at.old++]);
        } else if (at.new < at.new_end && diff->new.changed[at.new]) {
            add_line(out, '+', &diff->new.lines[at.new ++]);
        } else {
            add_line(out, ' ', &diff->old.lines[at.old++]);
            at.new ++;
        }
    }
}

static void print(const struct diff *diff, ptrdiff_t context, struct str *out)
{
    struct box at = {0};

    while (at.old < diff->old.count || at.new < diff->new.count) {
        if ((at.old < diff->old.count && diff->old.changed[at.old]) ||
            (at.new < diff->new.count && diff->new.changed[at.new])) {
            ptrdiff_t back = at.old < context ? at.old : context;
            struct box found;

            /* What stands before it is not in the group before: that one ends sooner. */
            back = back < at.old - at.old_end ? back : at.old - at.old_end;
            at.old -= back;
            at.new -= back;
            found = group(diff, at, context);
            print_group(diff, found, out);
            at = (struct box){found.old_end, found.old_end, found.new_end, found.new_end};
        } else {
            at.old++;
            at.new ++;
        }
    }
}

static int count_changed(const struct side *side)
{
    int count = 0;

    for (ptrdiff_t i = 0; i < side->count; i++) {
        count += side->changed[i];
    }
    return count;
}

int diff_unified(const char *before, const char *old, const char *after, const char *new,
                 size_t context, struct str *out, struct err *err)
{
    struct diff diff = {0};
    ptrdiff_t *reach = NULL;
    size_t diagonals;
    int rc = split(old, &diff.old, err);

    if (rc == 0) {
        rc = split(new, &diff.new, err);
    }
    if (rc != 0) {
        goto out;
    }
    diagonals = (size_t)(diff.old.count + diff.new.count) + 3;
    reach = mem_alloc(diagonals * 4, sizeof(*reach));
    if (reach == NULL) {
        rc = err_nomem(err);
        goto out;
    }
    diff.forward = reach + diagonals;
    diff.backward = reach + diagonals * 3;
    compare(&diff, (struct box){0, diff.old.count, 0, diff.new.count});
    rc = count_changed(&diff.old) + count_changed(&diff.new);
    if (rc > 0) {
        str_addf(out, "--- %s\n+++ %s\n", before, after);
        print(&diff, (ptrdiff_t)context, out);
    }
out:
    mem_free(reach);
    mem_free(diff.old.lines);
    mem_free(diff.old.changed);
    mem_free(diff.new.lines);
    mem_free(diff.new.changed);
    return rc;
}
