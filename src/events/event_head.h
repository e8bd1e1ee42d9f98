/* event_head.h - the front matter of events/<slug>.md, as its table fills it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "teataja/base/quantity.h"
#include "teataja/base/schema.h"
#include "teataja/base/yaml.h"
#include "teataja/events/event.h"

struct head_place {
    const struct yaml_node *node;
    const char *name;
    const char *address;
    const char *url;
};

struct head_override {
    const struct yaml_node *node;
    struct schema_moment original;
    struct schema_moment start;
    struct schema_moment end;
    int status; /* of enum event_status; confirmed when not given */
    const char *title;
    const char *summary;
    const char *online;
    struct head_place place;
};

struct head_rsvp {
    const struct yaml_node *node;
    struct schema_moment by;
    int64_t capacity;
    bool waiting_list;
    int64_t guests;
    bool open;
    const char *const *questions;
    size_t question_count;
};

struct event_head {
    const struct yaml_node *node;
    const char *title;
    const char *summary;
    struct schema_moment start;
    struct schema_moment end;
    const char *const *rules;
    size_t rule_count;
    struct schema_moment *dates;
    size_t date_count;
    struct schema_moment *exceptions;
    size_t exception_count;
    struct head_override *overrides;
    size_t override_count;
    struct head_place place;
    const char *online;
    const char *url;
    int access; /* of enum event_access */
    int status; /* of enum event_status */
    const char *list;
    int approval; /* of enum newsletter_approval */
    const char *audience;
    const char *invite;
    struct head_rsvp rsvp;
    struct period *reminders;
    size_t reminder_count;
    const char *reminder;
    const char *thanks;
    struct period thanks_after;
    const char *const *funded_by;
    size_t funded_by_count;
};
