/* Rendered texts cut at their slots: filled piece by piece and decoded they are the
 * text that was filled whole. Lines of the input: "h" (HTML) or "t", and "n" for
 * nobody's name; the member's name; the organisation; the rest is the text. */
#include "quoted.h"

#include "teataja/compose/piece.h"
#include "teataja/render/text.h"

/* Not from a renderer: broken UTF-8, controls, marks in no order. */
static bool is_rendered(const char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        int32_t code = utf8_next(text, len, &at);

        if ((code < ' ' && code != '\n' && code != '\t') || code == 0x7F ||
            (code >= TEXT_OPEN_CODE && code <= TEXT_CLOSE_CODE)) {
            return false;
        }
    }
    return true;
}

static void check_stored(struct arena *arena, const struct pieces *pieces)
{
    struct pieces again = {0};
    struct str stored;

    str_init(&stored, (size_t)LIMIT_MESSAGE * 2);
    piece_write(pieces, &stored);
    FUZZ_CHECK(piece_read(arena, stored.data, stored.len, &again, NULL) == 0);
    FUZZ_CHECK(again.html == pieces->html && again.count == pieces->count);
    for (size_t i = 0; i < again.count; i++) {
        FUZZ_CHECK(again.items[i].kind == pieces->items[i].kind);
        FUZZ_CHECK(again.items[i].slot == pieces->items[i].slot);
        FUZZ_CHECK(again.items[i].len == pieces->items[i].len);
        FUZZ_CHECK(again.items[i].len == 0 ||
                   memcmp(again.items[i].data, pieces->items[i].data, again.items[i].len) == 0);
    }
    str_release(&stored);
}

static void check_filled(const struct pieces *pieces, const char *text, size_t len,
                         const struct piece_options *options, const struct slot_values *values)
{
    struct str encoded;
    struct str decoded;
    struct str plain;

    str_init(&encoded, LIMIT_MESSAGE);
    str_init(&decoded, LIMIT_MESSAGE);
    str_init(&plain, LIMIT_MESSAGE);
    FUZZ_CHECK(piece_fill(pieces, values, &encoded, NULL) == 0);
    FUZZ_CHECK(piece_fill_plain(text, len, options, values, &plain, NULL) == 0);
    FUZZ_CHECK(encoded.len == 0 || str_ends_with(&encoded, "\r\n"));
    quoted_decode(encoded.data, encoded.len, &decoded);
    if (plain.len > 0 && plain.data[plain.len - 1] != '\n') {
        str_add_char(&plain, '\n');
    }
    FUZZ_CHECK(decoded.len == plain.len && memcmp(decoded.data, plain.data, plain.len) == 0);
    str_release(&encoded);
    str_release(&decoded);
    str_release(&plain);
}

/* What no renderer made, and stored bytes that are not ours: an error, or a text. */
static void check_hostile(struct arena *arena, const char *text, size_t len,
                          const struct slot_values *values)
{
    struct pieces pieces = {0};
    struct err err = {0};
    struct str out;
    int rc = piece_read(arena, text, len, &pieces, &err);

    if (rc < 0) {
        FUZZ_CHECK(rc == ERR_CORRUPT);
        fuzz_check_error(rc, &err);
        return;
    }
    str_init(&out, LIMIT_MESSAGE);
    (void)piece_fill(&pieces, values, &out, &err);
    str_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *how = fuzz_line(&data, &size);
    char *name = fuzz_line(&data, &size);
    char *organisation = fuzz_line(&data, &size);
    struct arena *arena = arena_new(LIMIT_ARENA_WORK);
    const char *text = (const char *)data;
    struct piece_options options = {.html = strchr(how, 'h') != NULL,
                                    .nameless = strchr(how, 'n') != NULL};
    struct slot_values values = {.value = {[SLOT_NAME] = name,
                                           [SLOT_EMAIL] = "mari@linn.example",
                                           [SLOT_LEAVE] = "https://x.example/leave/abc"}};
    struct pieces pieces = {0};
    struct err err = {0};

    options.fixed.value[SLOT_NEWSLETTER] = "Rahastus & <uudised>";
    values.value[SLOT_ORGANISATION] = organisation;
    check_hostile(arena, text, size, &values);
    if (size < LIMIT_TEXT / 8 && is_rendered(text, size)) {
        int rc = piece_cut(arena, text, size, &options, &pieces, &err);

        if (rc == 0) {
            check_stored(arena, &pieces);
            check_filled(&pieces, text, size, &options, &values);
        } else {
            FUZZ_CHECK(rc == ERR_INVALID || (rc == ERR_LIMIT && size > 1000));
            fuzz_check_error(rc, &err);
        }
    }
    arena_free(arena);
    free(how);
    free(name);
    free(organisation);
    return 0;
}
