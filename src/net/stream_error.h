/* stream_error.h - what is known of a connection while it is being made, and
 * the words for why it was not. Private to net. */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "teataja/base/err.h"
#include "teataja/net/stream.h"

#define STREAM_PEER 280 /* "host:port" and NUL */

struct stream_dialogue {
    CURL *curl;
    char scheme[8];
    char peer[STREAM_PEER];
    int stop_fd;
    int64_t connect_ms;
    int64_t reply_ms;
    int64_t since; /* clock_ticks when the present wait began */
    bool connected;
    bool logged_in;
    bool stopped;
    bool timed_out;
    char line[200];              /* the last that the server said, "" if nothing */
    char words[CURL_ERROR_SIZE]; /* libcurl's own */
};

/* Sets the error for a connection that failed with `rc`; returns its code. */
int stream_error(const struct stream_dialogue *dialogue, const struct stream_options *options,
                 CURLcode rc, struct err *err);
