/* url_part.h - a part of a URL as text. Private to net. */
#pragma once

#include <curl/curl.h>
#include <stddef.h>

/* Puts the part in out, which has `room` bytes; "" if the URL has none. `flags` of
 * curl_url_get. */
void url_part(CURLU *url, CURLUPart part, unsigned flags, char *out, size_t room);
