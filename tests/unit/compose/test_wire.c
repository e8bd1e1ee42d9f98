/* Thousands of generated messages: what may be on the wire, and that libetpan reads
 * back what was meant. TEATAJA_WIRE_COUNT asks for another number than the usual, and
 * TEATAJA_WIRE_FROM for the first of them, so that several processes share a million. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libetpan/libetpan.h>

#include "envelope.h"
#include "frozen.h"
#include "kind.h"
#include "teataja/base/limits.h"
#include "teataja/base/utf8.h"
#include "teataja/compose/header.h"
#include "teataja/render/text.h"
#include "write.h"

enum { USUAL_COUNT = 20000, WORDS = 40 };

static uint64_t seed;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static size_t below(size_t most)
{
    return (size_t)(next_random() % most);
}

static const char *const words[WORDS] = {
    "a",
    "rahastus",
    "õhtusöögilauajutt",
    "Ühisprojekt",
    "финансирование",
    "конкурсы",
    "vėjas",
    "čia",
    "ģimene",
    "źdźbło",
    "příliš",
    "žluťoučký",
    "Größe",
    "räksmörgås",
    "työ",
    "שלום",
    "مرحبا",
    "👩‍🎨",
    "🎻",
    "日本語",
    "From",
    "From:",
    ".",
    "..",
    "...x",
    ".From",
    "=3D",
    "=",
    "?=",
    "=?UTF-8?Q?x?=",
    "a\"b",
    "back\\slash",
    "tab\there",
    "<b>",
    "&amp;",
    "--=_a_uid",
    "{{x}}",
    "e\xCC\x81",
    "\xC2\xA0",
    "mailto:x@y.example",
};

/* Words that no text holds but a hostile name may. */
static const char *const hostile[] = {
    "\r\nBcc: all@evil.example",
    "\n.\n",
    "\rX",
    "\x01\x02",
    "\x7F",
    "\r\n\r\n<html>",
    "Subject: x\r\n",
    "\xE2\x80\xA8",
    "\xC2\x85",
};

static void add_word(struct str *out)
{
    if (below(60) == 0) {
        str_add(out, "https://example.org/");
        str_add_repeat(out, "aB3/._-"[below(7)], 280 + below(40));
    } else {
        str_add(out, words[below(WORDS)]);
    }
}

static void make_line(struct str *out, size_t most, bool wild)
{
    size_t count = below(most);

    str_reset(out);
    for (size_t i = 0; i < count; i++) {
        if (wild && below(6) == 0) {
            str_add(out, hostile[below(sizeof(hostile) / sizeof(hostile[0]))]);
        } else {
            add_word(out);
        }
        str_add_repeat(out, ' ', below(8) == 0 ? 0 : 1 + (below(20) == 0 ? 3 : 0));
    }
}

/* A text of several lines with slots in it, ended by LF. */
static void make_text(struct str *out, bool html)
{
    size_t lines = 1 + below(12);

    str_reset(out);
    for (size_t i = 0; i < lines; i++) {
        size_t count = below(25);

        for (size_t j = 0; j < count; j++) {
            if (below(15) == 0) {
                str_add(out, slot_text((enum slot)below(SLOTS)));
            } else if (html && below(10) == 0) {
                str_add(out, "<p style=\"margin:0\">");
            } else {
                add_word(out);
            }
            str_add_repeat(out, ' ', below(10) == 0 ? 0 : 1);
        }
        str_add_char(out, '\n');
    }
}

/* ---- what was meant ---- */

/* As a header shows it: white space and controls are one space. */
static void visible(const char *text, struct str *out)
{
    size_t len = strlen(text);
    bool space = false;

    str_reset(out);
    for (size_t at = 0; at < len;) {
        size_t from = at;
        int32_t code = utf8_next(text, len, &at);

        if (code <= 0x20 || (code >= 0x7F && code <= 0x9F) || code == 0x2028 || code == 0x2029) {
            space = true;
            continue;
        }
        if (space && out->len > 0) {
            str_add_char(out, ' ');
        }
        space = false;
        str_add_bytes(out, text + from, at - from);
    }
}

/* ---- the wire ---- */

static void check_wire(const char *message, size_t len)
{
    bool body = false;
    size_t start = 0;

    assert_int_equal(strlen(message), len);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)message[i];
        size_t line = i - start;

        if (c >= 0x80 || (c < ' ' && c != '\r' && c != '\n' && c != '\t') ||
            (c == '\r' && message[i + 1] != '\n') || (c == '\n' && message[i - 1] != '\r')) {
            fail_msg("byte %02x at %zu of:\n%s", c, i, message);
        }
        if (c != '\r') {
            continue;
        }
        if (message[start] == '.' || (line >= 5 && strncmp(message + start, "From ", 5) == 0) ||
            line > (body ? LIMIT_FOLD : LIMIT_HEADER_LINE)) {
            fail_msg("line '%.*s'", (int)line, message + start);
        }
        if (body && line > 0 && (message[i - 1] == ' ' || message[i - 1] == '\t')) {
            fail_msg("white space at the end of '%.*s'", (int)line, message + start);
        }
        body = body || line == 0;
        i++;
        start = i + 1;
    }
    assert_int_equal(start, len);
}

static int base64_value(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = strchr(digits, c);

    assert_non_null(found);
    return (int)(found - digits);
}

/* The bytes of one encoded word; libetpan would mend what is broken. */
static size_t decode_word(const char *text, size_t len, bool base64, char out[80])
{
    size_t used = 0;
    unsigned bits = 0;
    int have = 0;

    for (size_t i = 0; i < len && text[i] != '=' && base64; i++) {
        bits = bits << 6 | (unsigned)base64_value(text[i]);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[used++] = (char)(bits >> have & 0xFF);
        }
    }
    for (size_t i = 0; i < len && !base64; i++) {
        unsigned value = (unsigned char)text[i];

        if (text[i] == '=') {
            value = (unsigned)strtoul((const char[]){text[i + 1], text[i + 2], '\0'}, NULL, 16);
            i += 2;
        }
        out[used++] = text[i] == '_' ? ' ' : (char)value;
    }
    return used;
}

/* Words of RFC 2047 are at most 75 characters, and each is whole UTF-8. */
static void check_encoded_words(const char *headers)
{
    const char *end = strstr(headers, "\r\n\r\n");

    for (const char *at = headers; (at = strstr(at, "=?UTF-8?")) != NULL && at < end;) {
        const char *stop = strstr(at + 10, "?=");
        char decoded[80];
        size_t len;

        assert_non_null(stop);
        assert_true(stop + 2 - at <= 75);
        assert_true((at[8] == 'B' || at[8] == 'Q') && at[9] == '?');
        len = decode_word(at + 10, (size_t)(stop - at - 10), at[8] == 'B', decoded);
        assert_true(utf8_is_valid(decoded, len, NULL));
        at = stop + 2;
    }
}

/* Each multipart has a boundary of its own, none the beginning of another's (RFC 2046,
 * section 5.1.2): else a reader would end the wrong part. */
static void check_boundaries(const char *message)
{
    static const char word[] = "boundary=\"";
    const char *found[4];
    size_t len[4];
    size_t count = 0;

    for (const char *at = message; (at = strstr(at, word)) != NULL;) {
        assert_true(count < 4);
        found[count] = at + strlen(word);
        len[count] = strcspn(found[count], "\"\r");
        assert_int_equal(found[count][len[count]], '"');
        assert_true(len[count] > 0 && len[count] <= 70);
        for (size_t i = 0; i < count; i++) {
            size_t least = len[i] < len[count] ? len[i] : len[count];

            assert_memory_not_equal(found[i], found[count], least);
        }
        at = found[count++];
    }
    assert_true(count > 0);
}

/* ---- read back ---- */

static void assert_phrase(const char *raw, const char *meant)
{
    size_t index = 0;
    char *decoded = NULL;
    struct str clean;

    str_init(&clean, LIMIT_TEXT);
    visible(meant, &clean);
    assert_int_equal(
        mailmime_encoded_phrase_parse("UTF-8", raw, strlen(raw), &index, "UTF-8", &decoded),
        MAILIMF_NO_ERROR);
    assert_string_equal(decoded, clean.data);
    free(decoded);
    str_release(&clean);
}

static struct mailmime *child(struct mailmime *mime, size_t index)
{
    clistiter *at;

    assert_int_equal(mime->mm_type, MAILMIME_MULTIPLE);
    for (at = clist_begin(mime->mm_data.mm_multipart.mm_mp_list); index > 0; index--) {
        assert_non_null(at);
        at = clist_next(at);
    }
    assert_non_null(at);
    return clist_content(at);
}

static void assert_part(struct mailmime *part, const char *subtype, int encoding, const char *meant,
                        size_t meant_len)
{
    size_t index = 0;
    char *decoded = NULL;
    size_t len = 0;
    size_t out = 0;

    assert_int_equal(part->mm_type, MAILMIME_SINGLE);
    assert_string_equal(part->mm_content_type->ct_subtype, subtype);
    assert_int_equal(mailmime_part_parse(part->mm_data.mm_single->dt_data.dt_text.dt_data,
                                         part->mm_data.mm_single->dt_data.dt_text.dt_length, &index,
                                         encoding, &decoded, &len),
                     MAILIMF_NO_ERROR);
    if (encoding == MAILMIME_MECHANISM_QUOTED_PRINTABLE) {
        for (size_t i = 0; i < len; i++) {
            if (decoded[i] != '\r') {
                decoded[out++] = decoded[i];
            }
        }
        len = out;
        while (len > 0 && decoded[len - 1] == '\n') {
            len--;
        }
        while (meant_len > 0 && meant[meant_len - 1] == '\n') {
            meant_len--;
        }
    }
    if (len != meant_len || memcmp(decoded, meant, len) != 0) {
        fail_msg("%s part is\n%.*s\nand not\n%.*s", subtype, (int)len, decoded, (int)meant_len,
                 meant);
    }
    mailmime_decoded_part_free(decoded);
}

static struct mailimf_mailbox *first_mailbox(struct mailimf_address_list *list)
{
    struct mailimf_address *address = clist_content(clist_begin(list->ad_list));

    assert_int_equal(clist_count(list->ad_list), 1);
    assert_int_equal(address->ad_type, MAILIMF_ADDRESS_MAILBOX);
    return address->ad_data.ad_mailbox;
}

/* One message in the making. */
struct sample {
    struct arena *arena;
    struct str name, subject, text, html;
    struct rendered_plain {
        struct str text, html, subject;
    } meant;
    struct frozen frozen;
    struct program program;
    struct write_input input;
    const char *picture;
    size_t picture_len;
};

static const struct token_key key = {.id = 1, .secret = {1, 2, 3}};

static void build(struct sample *sample)
{
    static const char *const calendar[] = {"BEGIN:VCALENDAR\r\n", "END:VCALENDAR\r\n"};
    struct piece_options options = {
        .fixed = {.value = {[SLOT_NEWSLETTER] = "Kirjad & <muu>", [SLOT_SITE] = "Sait"}}};
    struct layout_picture picture = {.cid = "0123456789abcdef@cluster.example",
                                     .type = "image/png",
                                     .data = sample->picture,
                                     .len = sample->picture_len};
    const struct layout_input input = {
        .uid = "uid", .lang = "et", .pictures = &picture, .picture_count = below(2)};
    const struct mail_kind *kind = &mail_kinds[below(MAIL_KINDS)];
    struct err err = {0};
    struct address from;
    struct str header;

    memset(&sample->frozen, 0, sizeof(sample->frozen));
    assert_int_equal(address_parse("letters@cluster.example", &from, &err), 0);
    str_init(&header, LIMIT_TEXT);
    header_mailbox(&header, "From", "Loomeklaster", &from);
    sample->frozen.from = arena_strdup(sample->arena, header.data);
    str_release(&header);
    sample->frozen.headers = "MIME-Version: 1.0\r\n";
    sample->frozen.subject = sample->subject.data;
    sample->frozen.organizer = "Office";
    sample->frozen.calendar =
        (struct ical_draft){.method = ICAL_REQUEST, .pieces = calendar, .count = 2};
    assert_int_equal(piece_cut(sample->arena, sample->text.data, sample->text.len, &options,
                               &sample->frozen.text, &err),
                     0);
    options.html = true;
    assert_int_equal(piece_cut(sample->arena, sample->html.data, sample->html.len, &options,
                               &sample->frozen.html, &err),
                     0);
    sample->program =
        (struct program){.mailing = 3,
                         .uid = "uid",
                         .date = INT64_C(1796119200) * 1000000,
                         .envelope = {.kind = kind,
                                      .domain = "cluster.example",
                                      .list = 2,
                                      .base = {.web = "https://letters.cluster.example",
                                               .mode = (int)below(3),
                                               .domain = "bounce.cluster.example",
                                               .mailbox = "bounce@cluster.example"}},
                         .frozen = sample->frozen};
    assert_int_equal(write_prepare(&sample->program, sample->arena, &err), 0);
    assert_int_equal(kind->lay_out(sample->arena, &input, &sample->program.layout, &err), 0);
    sample->picture_len = input.picture_count == 0 ? 0 : picture.len;
}

/* What the parts must say, by the way that previews go. */
static void mean(struct sample *sample)
{
    struct piece_options options = {
        .fixed = {.value = {[SLOT_NEWSLETTER] = "Kirjad & <muu>", [SLOT_SITE] = "Sait"}}};
    static struct write_links links;
    struct slot_values values;
    struct err err = {0};

    assert_int_equal(
        write_values(&sample->program.envelope, 3, &key, &sample->input, &links, &values, &err), 0);
    assert_int_equal(piece_fill_plain(sample->text.data, sample->text.len, &options, &values,
                                      &sample->meant.text, &err),
                     0);
    options.html = true;
    assert_int_equal(piece_fill_plain(sample->html.data, sample->html.len, &options, &values,
                                      &sample->meant.html, &err),
                     0);
    assert_int_equal(piece_fill_line(sample->subject.data, &values, &sample->meant.subject, &err),
                     0);
}

static void check_fields(const struct sample *sample, struct mailimf_fields *fields)
{
    struct mailimf_single_fields single;
    struct mailimf_mailbox *to;
    struct str clean;
    char id[64];
    int senders = 0;

    mailimf_single_fields_init(&single, fields);
    assert_non_null(single.fld_subject);
    assert_phrase(single.fld_subject->sbj_value, sample->meant.subject.data);
    assert_non_null(single.fld_to);
    to = first_mailbox(single.fld_to->to_addr_list);
    assert_string_equal(to->mb_addr_spec, sample->input.address);
    str_init(&clean, LIMIT_TEXT);
    visible(sample->input.values.name, &clean);
    if (clean.len == 0) {
        assert_null(to->mb_display_name);
    } else {
        assert_non_null(to->mb_display_name);
        assert_phrase(to->mb_display_name, clean.data);
    }
    str_release(&clean);
    (void)snprintf(id, sizeof(id), "uid.%lld@cluster.example", (long long)sample->input.row);
    assert_string_equal(single.fld_message_id->mid_value, id);
    for (clistiter *at = clist_begin(fields->fld_list); at != NULL; at = clist_next(at)) {
        struct mailimf_field *field = clist_content(at);

        senders += field->fld_type == MAILIMF_FIELD_FROM;
        assert_int_not_equal(field->fld_type, MAILIMF_FIELD_BCC);
        assert_int_not_equal(field->fld_type, MAILIMF_FIELD_CC);
    }
    assert_int_equal(senders, 1);
}

static void check_html(const struct sample *sample, struct mailmime *part)
{
    const struct str *html = &sample->meant.html;

    if (sample->picture_len > 0) {
        assert_string_equal(part->mm_content_type->ct_subtype, "related");
        assert_part(child(part, 1), "png", MAILMIME_MECHANISM_BASE64, sample->picture,
                    sample->picture_len);
        part = child(part, 0);
    }
    assert_part(part, "html", MAILMIME_MECHANISM_QUOTED_PRINTABLE, html->data, html->len);
}

static void check_parts(const struct sample *sample, struct mailmime *mime)
{
    bool invitation = sample->program.envelope.kind == &mail_kinds[MAIL_INVITATION];
    const struct ical_party organizer = {.address = sample->input.values.organizer,
                                         .name = sample->frozen.organizer};
    const struct ical_party attendee = {.address = sample->input.address,
                                        .name = sample->input.values.name};
    struct err err = {0};
    struct str calendar;

    str_init(&calendar, LIMIT_TEXT);
    if (invitation) {
        assert_string_equal(mime->mm_content_type->ct_subtype, "mixed");
        assert_int_equal(
            ical_write(&sample->frozen.calendar, &organizer, &attendee, &calendar, &err), 0);
        assert_part(child(mime, 1), "ics", MAILMIME_MECHANISM_BASE64, calendar.data, calendar.len);
        mime = child(mime, 0);
        assert_part(child(mime, 2), "calendar", MAILMIME_MECHANISM_BASE64, calendar.data,
                    calendar.len);
    }
    assert_string_equal(mime->mm_content_type->ct_subtype, "alternative");
    assert_part(child(mime, 0), "plain", MAILMIME_MECHANISM_QUOTED_PRINTABLE,
                sample->meant.text.data, sample->meant.text.len);
    check_html(sample, child(mime, 1));
    str_release(&calendar);
}

static void check_message(const struct sample *sample, const struct str *message)
{
    struct mailmime *mime = NULL;
    size_t index = 0;

    check_wire(message->data, message->len);
    check_encoded_words(message->data);
    check_boundaries(message->data);
    assert_int_equal(mailmime_parse(message->data, message->len, &index, &mime), MAILIMF_NO_ERROR);
    assert_int_equal(mime->mm_type, MAILMIME_MESSAGE);
    check_fields(sample, mime->mm_data.mm_message.mm_fields);
    check_parts(sample, mime->mm_data.mm_message.mm_msg_mime);
    mailmime_free(mime);
}

static struct str *const *texts_of(struct sample *sample)
{
    static struct str *texts[7];

    texts[0] = &sample->name;
    texts[1] = &sample->subject;
    texts[2] = &sample->text;
    texts[3] = &sample->html;
    texts[4] = &sample->meant.text;
    texts[5] = &sample->meant.html;
    texts[6] = &sample->meant.subject;
    return texts;
}

/* The envelope's sender goes into a command of its own. */
static void check_sender(const char *sender)
{
    struct address address;
    struct err err = {0};

    if (address_parse(sender, &address, &err) < 0) {
        fail_msg("sender '%s': %s", sender, err.msg);
    }
    assert_true(strcspn(sender, "@") <= LIMIT_LOCAL_PART);
    assert_string_equal(address.text, sender);
}

/* `number` is the row in the ledger, which makes the Message-ID its own. */
static void one_message(struct sample *sample, unsigned long number)
{
    static const char *const addresses[] = {
        "mari.oun@post.example",
        "x@y.example",
        "o'neil+news=list@xn--mnchen-3ya.example",
        "!#$%&'*+-/=?^_`{|}~@post.example",
        "a123456789b123456789c123456789d123456789e123456789f123456789abcd@long.example",
    };
    char sender[LIMIT_ADDRESS + 1];
    struct err err = {0};
    struct str message;
    struct str again;

    for (size_t i = 0; i < 7; i++) {
        str_reset(texts_of(sample)[i]);
    }
    make_line(&sample->name, 6, true);
    make_line(&sample->subject, 14, true);
    if (below(4) == 0) {
        str_add(&sample->subject, slot_text(SLOT_NAME));
    }
    make_text(&sample->text, false);
    make_text(&sample->html, true);
    sample->picture_len = 1 + below(400);
    sample->input = (struct write_input){.row = (int64_t)number,
                                         .member = 5,
                                         .address = addresses[below(5)],
                                         .values = {.name = sample->name.data,
                                                    .organisation = "MTÜ \"Loov\" & <pojad>",
                                                    .epoch = 1,
                                                    .organizer = "office@cluster.example"}};
    build(sample);
    mean(sample);
    str_init(&message, LIMIT_MESSAGE);
    str_init(&again, LIMIT_MESSAGE);
    if (write_message(&sample->program, &key, &sample->input, &message, sender, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    check_message(sample, &message);
    check_sender(sender);
    assert_int_equal(write_message(&sample->program, &key, &sample->input, &again, sender, &err),
                     0);
    assert_string_equal(message.data, again.data);
    str_release(&message);
    str_release(&again);
}

static unsigned long from_environment(const char *name, unsigned long usual)
{
    const char *wanted = getenv(name);

    return wanted != NULL ? strtoul(wanted, NULL, 10) : usual;
}

static void test_generated_messages_are_safe_on_the_wire_and_read_back(void **state)
{
    unsigned long count = from_environment("TEATAJA_WIRE_COUNT", USUAL_COUNT);
    unsigned long first = from_environment("TEATAJA_WIRE_FROM", 0);
    struct sample sample = {.arena = arena_new(LIMIT_ARENA_WORK)};
    struct arena_mark mark = arena_mark(sample.arena);
    char picture[512];

    (void)state;
    for (size_t i = 0; i < 7; i++) {
        str_init(texts_of(&sample)[i], LIMIT_TEXT);
    }
    for (size_t i = 0; i < sizeof(picture); i++) {
        picture[i] = (char)(i * 37 % 251);
    }
    sample.picture = picture;
    for (unsigned long i = first; i < first + count; i++) {
        seed = 0x9E3779B97F4A7C15U + i;
        one_message(&sample, i + 1);
        arena_rewind(sample.arena, mark);
    }
    for (size_t i = 0; i < 7; i++) {
        str_release(texts_of(&sample)[i]);
    }
    arena_free(sample.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generated_messages_are_safe_on_the_wire_and_read_back),
    };

    if (token_init(NULL) < 0) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
