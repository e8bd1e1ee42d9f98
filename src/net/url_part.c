/* url_part.c - see url_part.h. */
#include "url_part.h"

#include <stdio.h>

void url_part(CURLU *url, CURLUPart part, unsigned flags, char *out, size_t room)
{
    char *text = NULL;

    out[0] = '\0';
    if (curl_url_get(url, part, &text, flags) == CURLUE_OK) {
        snprintf(out, room, "%s", text);
    }
    curl_free(text);
}
