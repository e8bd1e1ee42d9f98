/* teataja/events/ical_write.h - an event as iCalendar (RFC 5545, 5546, 6047).
 *
 * One VCALENDAR with METHOD, a VTIMEZONE made of the system's tzdata, and one
 * VEVENT (for a series one more for each changed occurrence; cancelled ones are
 * EXDATEs). CRLF, lines of at most 75 octets that split no character, texts
 * escaped, controls gone: whatever stands in names and titles, no line of its
 * own comes of it.
 *
 * What is the same for every recipient is written once:
 *
 *     ical_prepare(arena, event, &options, &draft, err);      // per event and language
 *     for (...) ical_write(&draft, &organizer, &attendee, &out, err); // per recipient
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "teataja/base/arena.h"
#include "teataja/base/err.h"
#include "teataja/base/str.h"
#include "teataja/events/event.h"

enum ical_method {
    ICAL_REQUEST, /* an invitation: one attendee, who is asked to answer */
    ICAL_PUBLISH  /* for reading only: an attachment or a link, no attendee */
};

struct ical_options {
    enum ical_method method;
    const char *uid;  /* from event_record */
    int64_t sequence; /* from event_record */
    int64_t dtstamp;  /* microseconds UTC */
    const struct event_edition *edition;
    const char *description; /* plain text; NULL: made of summary, body and links */
    const char *url;         /* URL property; NULL: the event's url, online or place */
};

/* A person in a calendar. */
struct ical_party {
    const char *address; /* of a struct address */
    const char *name;    /* CN, any text; NULL or "": the address */
};

/* Pieces between which ORGANIZER and ATTENDEE of each VEVENT stand. */
struct ical_draft {
    enum ical_method method;
    const char *const *pieces; /* at least 2 */
    size_t count;
};

/* ERR_INVALID for a UID that is empty, over 255 octets or holds a control or a
 * space; ERR_STATE for a REQUEST to a cancelled event; ERR_NOMEM, ERR_LIMIT. *out
 * lives in the arena. */
int ical_prepare(struct arena *arena, const struct event *event, const struct ical_options *options,
                 struct ical_draft *out, struct err *err);

/* Appends the calendar. REQUEST needs both parties (ERR_INVALID otherwise);
 * PUBLISH takes an organizer or NULL, and no attendee. */
int ical_write(const struct ical_draft *draft, const struct ical_party *organizer,
               const struct ical_party *attendee, struct str *out, struct err *err);

/* Both at once, for a single calendar. `arena` is for what it needs meanwhile. */
int ical_invitation(struct arena *arena, const struct event *event,
                    const struct ical_options *options, const struct ical_party *organizer,
                    const struct ical_party *attendee, struct str *out, struct err *err);

/* Appends one content line `NAME;params:value`, folded, with CRLF. The caller has
 * escaped it. */
void ical_line(struct str *out, const char *text, size_t len);

/* Appends a TEXT value (RFC 5545 section 3.3.11): escaped, line breaks as \n,
 * other controls left out. */
void ical_text(struct str *out, const char *text);

/* Appends a quoted parameter value: quotes become apostrophes, runs of controls
 * and white space one space, at most LIMIT_NAME octets. */
void ical_parameter(struct str *out, const char *text);

/* Appends a VTIMEZONE (RFC 5545 section 3.6.5) of the system's tzdata that is right from the
 * beginning of `first` to the end of year `last`. Where the clocks change by one rule, each
 * observance has its RRULE and holds on; otherwise every change is written out.
 * ERR_NOT_FOUND for an unknown zone. */
int ical_vtimezone(struct str *out, const char *tzid, int first, int last, struct err *err);
