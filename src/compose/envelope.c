/* envelope.c - see envelope.h. */
#include "envelope.h"

#include <string.h>

#include "teataja/base/json.h"

int envelope_write(const struct envelope *envelope, struct str *out, struct err *err)
{
    struct json_writer json = json_writer(out);

    json_write_object(&json);
    json_write_text_at(&json, "kind", envelope->kind->name);
    json_write_text_at(&json, "domain", envelope->domain);
    json_write_int_at(&json, "list", envelope->list);
    if (envelope->occurrence != NULL && envelope->occurrence[0] != '\0') {
        json_write_text_at(&json, "occurrence", envelope->occurrence);
    }
    json_write_text_at(&json, "web", envelope->base.web);
    json_write_int_at(&json, "mode", envelope->base.mode);
    json_write_text_at(&json, "bounce_domain", envelope->base.domain);
    json_write_text_at(&json, "mailbox", envelope->base.mailbox);
    json_write_object_end(&json);
    return str_check(out, err);
}

int envelope_read(struct arena *arena, const char *json, struct envelope *out, struct err *err)
{
    const struct json *root;
    int rc = json_parse(arena, json, strlen(json), &root, err);

    if (rc < 0) {
        return rc == ERR_NOMEM ? rc
                               : err_set(err, ERR_CORRUPT,
                                         "a mailing's configuration is "
                                         "not readable");
    }
    out->kind = mail_kind_find(json_get_text(root, "kind", ""));
    out->domain = json_get_text(root, "domain", "");
    out->list = json_get_int(root, "list", 0);
    out->occurrence = json_get_text(root, "occurrence", "");
    out->base = (struct link_base){.web = json_get_text(root, "web", ""),
                                   .mode = (int)json_get_int(root, "mode", 0),
                                   .domain = json_get_text(root, "bounce_domain", ""),
                                   .mailbox = json_get_text(root, "mailbox", "")};
    return out->kind != NULL ? 0
                             : err_set(err, ERR_CORRUPT,
                                       "a mailing is of a kind that this program does not "
                                       "know");
}

int row_values_write(const struct row_values *values, struct str *out, struct err *err)
{
    struct json_writer json = json_writer(out);

    json_write_array(&json);
    json_write_text(&json, values->name);
    json_write_text(&json, values->organisation);
    json_write_int(&json, values->epoch);
    json_write_int(&json, values->invitation);
    json_write_text(&json, values->organizer);
    json_write_array_end(&json);
    return str_check(out, err);
}

int row_values_read(struct arena *arena, const char *json, struct row_values *out, struct err *err)
{
    static const enum json_kind kinds[] = {JSON_TEXT, JSON_TEXT, JSON_INT, JSON_INT, JSON_TEXT};
    enum { PLACES = sizeof(kinds) / sizeof(kinds[0]) };
    const struct json *root;
    int rc = json_parse(arena, json, strlen(json), &root, err);
    bool right = rc == 0 && root->kind == JSON_ARRAY && root->count == PLACES;

    for (size_t i = 0; right && i < PLACES; i++) {
        right = root->items[i].kind == kinds[i];
    }
    if (!right) {
        return rc == ERR_NOMEM ? rc
                               : err_set(err, ERR_CORRUPT, "a recipient's values are not readable");
    }
    *out = (struct row_values){.name = root->items[0].text,
                               .organisation = root->items[1].text,
                               .epoch = root->items[2].number,
                               .invitation = root->items[3].number,
                               .organizer = root->items[4].text};
    return 0;
}
