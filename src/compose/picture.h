/* picture.h - images that travel inside a letter, by content id. */
#pragma once

#include <stddef.h>

#include "room.h"

struct picture {
    const char *cid;  /* without angle brackets; the same image has the same */
    const char *type; /* "image/png" */
    const char *data;
    size_t len;
    int width; /* in pixels; 0 if the file does not say */
    int height;
};

/* Reads an image of the site, at most LIMIT_LOGO. ERR_NOT_FOUND, ERR_LIMIT, or
 * ERR_INVALID if it is no PNG, JPEG or GIF. */
int picture_load(const struct compose *compose, struct arena *arena, const char *path,
                 struct picture *out, struct err *err);

/* Its size scaled down (never up) to fit; the most if the file does not say. */
void picture_fit(const struct picture *picture, int most_width, int most_height, int *width,
                 int *height);
