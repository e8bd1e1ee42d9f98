/* event_md.h - an event's Markdown file that is being read. */
#pragma once

#include "event_file.h"
#include "event_head.h"
#include "event_series.h"

struct md {
    const struct event_file *file;
    struct event_head head;
    struct event_maker maker;
};

/* Where the value of `path` stands; the mapping itself if it is not given. */
struct event_spot event_md_spot(const struct yaml_node *node, const char *path);
