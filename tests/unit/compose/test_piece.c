/* Pieces, variants and envelopes: cut, stored, read back and filled; tampered with, and
 * without memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "envelope.h"
#include "frozen.h"
#include "support/no_memory.h"
#include "teataja/base/limits.h"
#include "teataja/base/token.h"
#include "teataja/compose/piece.h"
#include "teataja/render/text.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define ARENA 1000000

#define NAME "\xEE\x80\x80"

/* ---- Pieces ---- */

static void test_what_looks_like_a_slot_stays_or_is_refused(void **state)
{
    static const struct {
        const char *text, *filled;
        int rc;
    } cases[] = {
        {"a\xEE\x80\x80z", "aMarinz", 0},
        {"a\xEE\x81\x80z", "a\xEE\x81\x80z", 0}, /* private use, but no slot */
        {"a\xEE", "a\xEE", 0},
        {"a\xEE\x80", "a\xEE\x80", 0},
        {"a\xEE\x80\xBF", NULL, ERR_INVALID},
        {"a\xEE\x80\x8B", NULL, ERR_INVALID},
        {"\xEE\x80\x81.\xEE\x80\x82.", "..", 0}, /* no value, and an empty one */
    };
    const struct slot_values values = {.value = {[SLOT_NAME] = "Marin", [SLOT_EMAIL] = ""}};
    struct str out;

    (void)state;
    str_init(&out, LIMIT_TEXT);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};

        str_reset(&out);
        assert_int_equal(piece_fill_line(cases[i].text, &values, &out, &err), cases[i].rc);
        if (cases[i].rc == 0) {
            assert_string_equal(out.data, cases[i].filled);
        } else {
            assert_memory_equal(err.msg, "a rendered text holds an unknown slot (", 39);
        }
    }
    str_release(&out);
}

static void test_who_has_no_name_leaves_no_hole(void **state)
{
    static const struct {
        const char *text, *filled;
        bool html;
    } cases[] = {
        {"Tere, " NAME "!", "Tere!", false},
        {"Tere " NAME, "Tere", false},
        {NAME ", tere!", "tere!", false},
        {NAME, "", false},
        {"Tere!\n" NAME ", tule.", "Tere!\ntule.", false},
        {"Tere!\n" NAME "! Tule.", "Tere!\n! Tule.", false},
        {"<p>" NAME ", tere</p>", "<p>tere</p>", true},
        {"Kas, " NAME ", tuled?", "Kas, tuled?", false},
        {TEXT_OPEN TEXT_NEXT TEXT_BODY NAME ", tule" TEXT_CLOSE "\n", "tule\n", false},
    };
    const struct slot_values values = {{NULL}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct piece_options options = {.html = cases[i].html, .nameless = true};
        struct err err = {0};
        struct str out;

        str_init(&out, LIMIT_TEXT);
        assert_int_equal(
            piece_fill_plain(cases[i].text, strlen(cases[i].text), &options, &values, &out, &err),
            0);
        assert_memory_equal(out.data, cases[i].filled, strlen(cases[i].filled));
        str_release(&out);
    }
}

/* A text with a paragraph that is wrapped once it is filled. */
static const char letter[] = "Tere!\n" TEXT_OPEN "* " TEXT_NEXT "  " TEXT_BODY "Tere, " NAME
                             ", kuidas \xEE\x80\x81 elab?" TEXT_CLOSE "\nLahku: \xEE\x80\x85\n";

/* Cuts, stores, reads and fills, with an arena of `ceiling` bytes for each half. */
static int go_through_pieces(bool html, size_t ceiling, struct str *out, struct err *err)
{
    const struct piece_options options = {.html = html};
    const struct slot_values values = {
        .value = {[SLOT_NAME] = "Õnne <b>", [SLOT_EMAIL] = "a@b.example", [SLOT_LEAVE] = "l"}};
    struct arena *arena = arena_new(ceiling);
    struct arena *second = arena_new(ceiling);
    struct pieces cut;
    struct pieces read;
    struct str bytes;
    int rc = arena != NULL && second != NULL ? 0 : err_nomem(err);

    str_init(&bytes, LIMIT_MESSAGE);
    rc = rc == 0 ? piece_cut(arena, letter, strlen(letter), &options, &cut, err) : rc;
    if (rc == 0) {
        piece_write(&cut, &bytes);
        rc = str_check(&bytes, err);
    }
    rc = rc == 0 ? piece_read(second, bytes.data, bytes.len, &read, err) : rc;
    rc = rc == 0 ? piece_fill(&read, &values, out, err) : rc;
    str_release(&bytes);
    arena_free(second);
    arena_free(arena);
    return rc;
}

static int go_through_text(struct err *err)
{
    struct str out;
    int rc;

    str_init(&out, LIMIT_MESSAGE);
    rc = go_through_pieces(false, ARENA, &out, err);
    if (rc == 0) {
        assert_string_equal(out.data, "Tere!\r\n* Tere, =C3=95nne <b>, kuidas a@b.example elab?\r\n"
                                      "Lahku: l\r\n");
    }
    str_release(&out);
    return rc;
}

static int go_through_html(struct err *err)
{
    struct str out;
    int rc;

    str_init(&out, LIMIT_MESSAGE);
    rc = go_through_pieces(true, ARENA, &out, err);
    if (rc == 0) {
        assert_non_null(strstr(out.data, "=C3=95nne &lt;b&gt;"));
    }
    str_release(&out);
    return rc;
}

static int fill_plainly(struct err *err)
{
    const struct piece_options options = {.fixed = {.value = {[SLOT_EMAIL] = "x"}}};
    const struct slot_values values = {.value = {[SLOT_NAME] = "Õnne"}};
    struct str out;
    int rc;

    str_init(&out, LIMIT_MESSAGE);
    rc = piece_fill_plain(letter, strlen(letter), &options, &values, &out, err);
    if (rc == 0) {
        assert_string_equal(out.data, "Tere!\n* Tere, Õnne, kuidas x elab?\nLahku:\n");
    }
    str_release(&out);
    return rc;
}

static void test_pieces_without_memory_are_no_pieces(void **state)
{
    (void)state;
    assert_told_without_memory(go_through_text);
    assert_told_without_memory(go_through_html);
    assert_told_without_memory(fill_plainly);
    for (int html = 0; html <= 1; html++) {
        int rc = ERR_NOMEM;

        for (size_t ceiling = 0; rc == ERR_NOMEM; ceiling += 16) {
            struct err err = {0};
            struct str out;

            str_init(&out, LIMIT_MESSAGE);
            rc = go_through_pieces(html != 0, ceiling, &out, &err);
            str_release(&out);
        }
        assert_int_equal(rc, 0);
    }
}

static void test_stored_pieces_that_make_no_sense_are_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        int rc;
    } cases[] = {
        {"", 0, ERR_CORRUPT},
        {"\0\0\0\0", 4, ERR_CORRUPT},
        {"\0\0\0\0\0", 5, 0},
        {"\0\1\0\0\0", 5, ERR_CORRUPT},                        /* one, and none there */
        {"\0\1\0\0\0\0\0\1\0\0\0x", 12, 0},                    /* a byte */
        {"\0\1\0\0\0\0\0\2\0\0\0x", 12, ERR_CORRUPT},          /* two, and one there */
        {"\0\1\0\0\0\3\0\1\0\0\0x", 12, ERR_CORRUPT},          /* of no kind */
        {"\0\1\0\0\0\1\13\0\0\0\0", 11, ERR_CORRUPT},          /* of no slot */
        {"\0\1\0\0\0\1\12\0\0\0\0", 11, 0},                    /* of the last one */
        {"\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, ERR_CORRUPT}, /* the second cut short */
        {"\0\377\377\377\377\0\0\0\0\0\0", 11, ERR_CORRUPT},   /* very many */
        {"\0\1\0\0\0\0\0\377\377\377\377x", 12, ERR_CORRUPT},  /* very long */
    };
    struct arena *arena = arena_new(ARENA);

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pieces pieces;
        int rc = piece_read(arena, cases[i].bytes, cases[i].len, &pieces, NULL);

        if (rc != cases[i].rc) {
            fail_msg("case %zu: %d", i, rc);
        }
    }
    arena_free(arena);
}

static void test_a_stored_paragraph_needs_its_marks(void **state)
{
    static const struct piece piece = {.kind = PIECE_PARAGRAPH, .data = "abc", .len = 3};
    const struct pieces pieces = {.items = &piece, .count = 1};
    const struct slot_values values = {{NULL}};
    struct err err = {0};
    struct str out;

    (void)state;
    str_init(&out, LIMIT_TEXT);
    assert_int_equal(piece_fill(&pieces, &values, &out, &err), ERR_CORRUPT);
    assert_string_equal(err.msg, "a stored paragraph has lost its marks");
    str_release(&out);
}

/* ---- Variants and envelopes as they are stored ---- */

static void test_a_stored_variant_that_makes_no_sense_is_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *told; /* NULL: it is read */
    } cases[] = {
        {"", 0, "a stored variant lacks its headers"},
        {"s\1\0\0\0xf\0\0\0\0h\0\0\0\0", 16, NULL},
        {"f\0\0\0\0h\0\0\0\0", 10, "a stored variant lacks its headers"},
        {"s\1\0\0\0xh\0\0\0\0", 11, "a stored variant lacks its headers"},
        {"s\1\0\0\0xf\0\0\0\0", 11, "a stored variant lacks its headers"},
        {"s\1\0\0", 4, "a stored variant is cut short"},
        {"s\2\0\0\0x", 6, "a stored variant is cut short"},
        {"z\0\0\0\0", 5, "a stored variant has an unknown field 'z'"},
        {"t\0\0\0\0", 5, "a stored variant is cut short"},
        {"m\6\0\0\0\0\1\0\0\0\0", 11, "a stored variant does not make sense"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena *arena = arena_new(ARENA);
        struct frozen frozen;
        struct err err = {0};
        int rc = frozen_read(arena, cases[i].bytes, cases[i].len, &frozen, &err);

        assert_int_equal(rc, cases[i].told != NULL ? ERR_CORRUPT : 0);
        assert_string_equal(err.msg, cases[i].told != NULL ? cases[i].told : "");
        arena_free(arena);
    }
}

static const char *const calendar[] = {"BEGIN:VCALENDAR\r\n", "END:VCALENDAR\r\n"};

static struct frozen make_frozen(void)
{
    return (struct frozen){
        .subject = "Tere",
        .from = "From: a@b.example\r\n",
        .headers = "MIME-Version: 1.0\r\n",
        .organizer = "Office",
        .cids = {"one@b.example"},
        .cid_count = 1,
        .calendar = {.method = ICAL_REQUEST, .pieces = calendar, .count = COUNT(calendar)}};
}

static int store_and_read(const struct frozen *frozen, size_t ceiling, struct frozen *out,
                          struct arena **arena, struct err *err)
{
    struct str bytes;
    int rc;

    str_init(&bytes, LIMIT_MESSAGE);
    *arena = arena_new(ceiling);
    rc = *arena != NULL ? frozen_write(frozen, &bytes, err) : err_nomem(err);
    rc = rc == 0 ? frozen_read(*arena, bytes.data, bytes.len, out, err) : rc;
    str_release(&bytes);
    return rc;
}

static int store_usual(struct err *err)
{
    const struct frozen frozen = make_frozen();
    struct frozen out;
    struct arena *arena;
    int rc = store_and_read(&frozen, ARENA, &out, &arena, err);

    if (rc == 0) {
        assert_string_equal(out.subject, frozen.subject);
        assert_string_equal(out.from, frozen.from);
        assert_string_equal(out.headers, frozen.headers);
        assert_string_equal(out.organizer, frozen.organizer);
        assert_int_equal(out.cid_count, 1);
        assert_string_equal(out.cids[0], frozen.cids[0]);
        assert_int_equal(out.calendar.count, COUNT(calendar));
        assert_string_equal(out.calendar.pieces[1], calendar[1]);
    }
    arena_free(arena);
    return rc;
}

static void test_a_variant_is_read_back_or_told_that_memory_is_out(void **state)
{
    struct frozen frozen = make_frozen();
    struct frozen out;
    struct arena *arena;
    struct err err = {0};
    struct str bytes;
    int rc = ERR_NOMEM;

    (void)state;
    assert_told_without_memory(store_usual);
    for (size_t ceiling = 0; rc == ERR_NOMEM; ceiling += 16) {
        rc = store_and_read(&frozen, ceiling, &out, &arena, &err);
        arena_free(arena);
    }
    assert_int_equal(rc, 0);
    /* More pictures than there may be, and no calendar. */
    frozen.calendar.count = 0;
    str_init(&bytes, LIMIT_MESSAGE);
    assert_int_equal(frozen_write(&frozen, &bytes, &err), 0);
    for (int i = 0; i < FROZEN_PICTURES; i++) {
        str_add_bytes(&bytes, "i\1\0\0\0x", 6);
    }
    arena = arena_new(ARENA);
    assert_int_equal(frozen_read(arena, bytes.data, bytes.len, &out, &err), 0);
    assert_int_equal(out.cid_count, FROZEN_PICTURES);
    assert_int_equal(out.calendar.count, 0);
    str_release(&bytes);
    arena_free(arena);
}

static void test_stored_json_that_makes_no_sense_is_refused(void **state)
{
    static const struct {
        const char *json;
        int rc;
    } envelopes[] = {
        {"{\"kind\":\"letter\",\"list\":2}", 0},
        {"{", ERR_CORRUPT},
        {"{\"kind\":\"pigeon\"}", ERR_CORRUPT},
        {"{}", ERR_CORRUPT},
        {"[]", ERR_CORRUPT},
    };
    static const struct {
        const char *json;
        int rc;
    } rows[] = {
        {"[\"n\",\"o\",1,2,\"p\"]", 0},       {"[\"n\",\"o\",1,2,\"p\"", ERR_CORRUPT},
        {"[\"n\",\"o\",1,2]", ERR_CORRUPT},   {"[\"n\",\"o\",1,2,\"p\",3]", ERR_CORRUPT},
        {"[1,\"o\",1,2,\"p\"]", ERR_CORRUPT}, {"[\"n\",\"o\",1,2,5]", ERR_CORRUPT},
        {"{\"a\":1}", ERR_CORRUPT},
    };
    struct arena *arena = arena_new(ARENA);
    struct arena *none = arena_new(0);
    struct envelope envelope;
    struct row_values values;

    (void)state;
    for (size_t i = 0; i < COUNT(envelopes); i++) {
        assert_int_equal(envelope_read(arena, envelopes[i].json, &envelope, NULL), envelopes[i].rc);
        assert_int_equal(envelope_read(none, "{\"kind\":1}", &envelope, NULL), ERR_NOMEM);
    }
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(row_values_read(arena, rows[i].json, &values, NULL), rows[i].rc);
        assert_int_equal(row_values_read(none, "[1]", &values, NULL), ERR_NOMEM);
    }
    arena_free(none);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_looks_like_a_slot_stays_or_is_refused),
        cmocka_unit_test(test_who_has_no_name_leaves_no_hole),
        cmocka_unit_test(test_pieces_without_memory_are_no_pieces),
        cmocka_unit_test(test_stored_pieces_that_make_no_sense_are_refused),
        cmocka_unit_test(test_a_stored_paragraph_needs_its_marks),
        cmocka_unit_test(test_a_stored_variant_that_makes_no_sense_is_refused),
        cmocka_unit_test(test_a_variant_is_read_back_or_told_that_memory_is_out),
        cmocka_unit_test(test_stored_json_that_makes_no_sense_is_refused),
    };

    return token_init(NULL) < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
