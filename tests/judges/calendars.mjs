// Reads calendars with ical.js: node calendars.mjs < list of paths, one a line.
// Prints a JSON array: method, zones, and each event with times as instants that
// follow from the calendar's own VTIMEZONE.
import { readFileSync } from 'node:fs';

import ICAL from 'ical.js';

const OCCURRENCES = 12;

function person(property) {
  return property && {
    value: property.getFirstValue(),
    cutype: property.getParameter('cutype'),
    role: property.getParameter('role'),
    partstat: property.getParameter('partstat'),
    rsvp: property.getParameter('rsvp'),
    cn: property.getParameter('cn'),
  };
}

function moment(time) {
  return time && {
    local: time.toString(),
    date: time.isDate,
    zone: time.zone ? time.zone.tzid : null,
    unix: time.isDate ? null : time.toUnixTime(),
  };
}

// Where the occurrences of a series begin, those that were moved at their new time.
function readStarts(component, overrides) {
  const event = new ICAL.Event(component, { exceptions: overrides });
  const starts = [];
  const iterator = event.iterator();
  for (let next = iterator.next(); next && starts.length < OCCURRENCES; next = iterator.next()) {
    starts.push(moment(event.getOccurrenceDetails(next).startDate));
  }
  return starts;
}

function readEvent(component, overrides) {
  const event = new ICAL.Event(component);
  return {
    uid: event.uid,
    sequence: event.sequence,
    summary: event.summary,
    location: event.location,
    override: event.recurrenceId ? moment(event.recurrenceId) : null,
    status: component.getFirstPropertyValue('status'),
    dtstamp: moment(component.getFirstPropertyValue('dtstamp')),
    start: moment(event.startDate),
    end: moment(event.endDate),
    starts: event.isRecurring() ? readStarts(component, overrides) : [],
    organizer: person(component.getFirstProperty('organizer')),
    attendees: component.getAllProperties('attendee').map(person),
  };
}

function readCalendar(path) {
  const calendar = new ICAL.Component(ICAL.parse(readFileSync(path, 'utf8')));
  ICAL.TimezoneService.reset();
  const zones = calendar.getAllSubcomponents('vtimezone').map((component) => {
    const zone = new ICAL.Timezone(component);
    ICAL.TimezoneService.register(zone, zone.tzid);
    return zone.tzid;
  });
  const events = calendar.getAllSubcomponents('vevent');
  const overrides = events.filter((component) => component.getFirstProperty('recurrence-id'));
  return {
    path,
    method: calendar.getFirstPropertyValue('method'),
    version: calendar.getFirstPropertyValue('version'),
    components: calendar.getAllSubcomponents().map((component) => component.name),
    zones,
    events: events.map((component) => readEvent(component, overrides)),
  };
}

const paths = readFileSync(0, 'utf8').split('\n').filter(Boolean);
process.stdout.write(JSON.stringify(paths.map(readCalendar)));
