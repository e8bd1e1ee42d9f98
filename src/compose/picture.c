/* picture.c - see picture.h. */
#include "picture.h"

#include <string.h>

#include "teataja/base/address.h"
#include "teataja/base/file.h"
#include "teataja/base/limits.h"
#include "teataja/base/token.h"

static int be16(const unsigned char *bytes)
{
    return bytes[0] << 8 | bytes[1];
}

/* The frame header of a JPEG (ITU-T T.81, B.2.2) among its segments. */
static void jpeg_size(const unsigned char *data, size_t len, struct picture *out)
{
    size_t at = 2;

    while (at + 9 < len && data[at] == 0xFF) {
        unsigned char marker = data[at + 1];

        if (marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 &&
            marker != 0xCC) {
            out->height = be16(data + at + 5);
            out->width = be16(data + at + 7);
            return;
        }
        at += 2 + (size_t)be16(data + at + 2);
    }
}

static void measure(struct picture *picture)
{
    const unsigned char *data = (const unsigned char *)picture->data;

    if (strcmp(picture->type, "image/png") == 0 && picture->len >= 24) {
        picture->width = be16(data + 18);
        picture->height = be16(data + 22);
    } else if (strcmp(picture->type, "image/gif") == 0 && picture->len >= 10) {
        picture->width = data[6] | data[7] << 8;
        picture->height = data[8] | data[9] << 8;
    } else if (strcmp(picture->type, "image/jpeg") == 0) {
        jpeg_size(data, picture->len, picture);
    }
}

int picture_load(const struct compose *compose, struct arena *arena, const char *path,
                 struct picture *out, struct err *err)
{
    const struct config *config = compose->site.config;
    const char *full = config_path(arena, config, path);
    char digest[33];
    char *data;
    int rc;

    memset(out, 0, sizeof(*out));
    if (full == NULL) {
        return err_nomem(err);
    }
    rc = file_read(arena, full, LIMIT_LOGO, &data, &out->len, err);
    if (rc == ERR_LIMIT) {
        return err_set(err, ERR_LIMIT,
                       "%s is larger than %d bytes, and it travels inside each letter: make it "
                       "smaller",
                       path, LIMIT_LOGO);
    }
    if (rc < 0) {
        return rc;
    }
    out->data = data;
    out->type = project_image_type(data, out->len);
    if (out->type == NULL) {
        return err_set(err, ERR_INVALID, "%s is no PNG, JPEG or GIF", path);
    }
    measure(out);
    token_digest(data, out->len, digest);
    out->cid =
        arena_printf(arena, "%.16s@%s", digest, address_domain(&config->site.office.address));
    return out->cid != NULL ? 0 : err_nomem(err);
}

void picture_fit(const struct picture *picture, int most_width, int most_height, int *width,
                 int *height)
{
    *width = picture->width > 0 ? picture->width : most_width;
    *height = picture->height > 0 ? picture->height : most_height;
    if (*width > most_width) {
        *height = (int)((int64_t)*height * most_width / *width);
        *width = most_width;
    }
    if (*height > most_height) {
        *width = (int)((int64_t)*width * most_height / *height);
        *height = most_height;
    }
    *width = *width > 0 ? *width : 1;
    *height = *height > 0 ? *height : 1;
}
