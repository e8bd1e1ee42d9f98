"""What a disk may hold after a power cut: what was fsynced, and any part of the rest.

strace records a program's writes to its database and what it put on the wire. Cut
anywhere, every write since a file's last fsync may have reached the disk or not, or
some of its sectors only; a file that was removed may be there still.
"""

import dataclasses
import pathlib
import re

SECTOR = 512
_CALLS = "pwrite64,ftruncate,fsync,fdatasync,unlink,sendto"


def prefix(trace):
    """Put before a command line, records what read() reads."""
    return ["strace", "-f", "--seccomp-bpf", "-y", "-xx", "-s", "1000000", "-e",
            f"trace={_CALLS}", "-e", "signal=none", "-o", str(trace)]


@dataclasses.dataclass
class Event:
    kind: str           # write, truncate, sync, unlink, send
    where: str          # a file's name, or a connection
    at: int = 0         # offset, or the new length; of a sync: the first event it may miss
    data: bytes = b""
    number: int = 0     # as they began


_LINE = re.compile(r"^(\d+) +(?:(\w+)\((.*)|<\.\.\. (\w+) resumed>(.*))$")
_HEX = re.compile(r"\\x([0-9a-f]{2})")
_FD = re.compile(r"^(\d+)<([^>]*)>")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


def _text(hexed):
    return _HEX.sub(lambda found: chr(int(found.group(1), 16)), hexed)


def _bytes(arguments):
    found = _STRING.search(arguments)
    return bytes.fromhex(found.group(1).replace("\\x", "")) if found else b""


def _result(rest):
    found = re.search(r"= (-?\d+)[^=]*$", rest)
    return int(found.group(1)) if found else -1


def read(trace, var):
    """The events of a trace, in order. A write is there from its beginning on; a sync is
    from its end on, for what was written before it began."""
    events = []
    open_calls = {}
    for line in pathlib.Path(trace).read_text(encoding="latin-1").splitlines():
        found = _LINE.match(line)
        if not found:
            continue
        pid, call, arguments, resumed, rest = found.groups()
        if resumed:
            _end(events, open_calls.pop(pid, None), _result(rest))
            continue
        event = _begin(events, call, arguments, var)
        if event is not None and event.kind == "sync":
            under_way = [other.number for other in open_calls.values()
                         if other is not None and other.kind != "sync"]
            event.at = min([len(events), *under_way])
        if arguments.endswith("<unfinished ...>"):
            open_calls[pid] = event
        else:
            _end(events, event, _result(arguments))
    return [event for event in events if event.kind]


def _name(arguments, var):
    """The name of a call's file below the folder, if it is one that lasts."""
    found = _FD.match(arguments)
    path = _text(found.group(2)) if found else _bytes(arguments).decode()
    path = path.removesuffix("(deleted)").strip()
    if pathlib.Path(path).parent != pathlib.Path(var) or path.endswith("-shm"):
        return None
    name = pathlib.Path(path).name
    return name if name.startswith("teataja.db") else None


def _begin(events, call, arguments, var):
    event = None
    name = None if call == "sendto" else _name(arguments, var)
    last = re.search(r", (\d+)[^,]*$", arguments)  # the last number, finished or not
    if call == "sendto":
        event = Event("send", arguments.partition(",")[0], data=_bytes(arguments))
    elif call == "pwrite64" and name:
        event = Event("write", name, int(last.group(1)), _bytes(arguments))
    elif call == "ftruncate" and name:
        event = Event("truncate", name, int(last.group(1)))
    elif call == "unlink" and name:
        event = Event("unlink", name)
    elif call in ("fsync", "fdatasync") and name:
        return Event("sync", name)
    if event is not None:
        event.number = len(events)
        events.append(event)
    return event


def _end(events, event, result):
    if event is None:
        return
    if event.kind == "sync":
        if result == 0:
            event.number = len(events)
            events.append(event)
    elif result < 0:
        event.kind = ""
    elif event.kind in ("write", "send"):
        event.data = event.data[:result]


def _apply(image, event, dice):
    """The file's content (None: it is not there) after an event, whole or in part."""
    if event.kind == "unlink":
        return None
    image = bytearray(image or b"")
    if event.kind == "truncate":
        del image[event.at:]
        image.extend(bytes(event.at - len(image)))
        return bytes(image)
    end = event.at + len(event.data)
    image.extend(bytes(max(0, end - len(image))))
    for start in range(0, len(event.data), SECTOR):
        if dice is None or dice.random() < 0.5:
            part = event.data[start:start + SECTOR]
            image[event.at + start:event.at + start + len(part)] = part
    return bytes(image)


def _survivors(image, pending, dice):
    """One of the contents that a file may have."""
    luck = dice.choice((0.0, 0.5, 0.9, 1.0))
    for event in pending:
        if dice.random() >= luck:
            if event.kind == "unlink":
                return image  # what was written afterwards has no name
            continue
        torn = event.kind == "write" and luck < 1.0 and dice.random() < 0.3
        image = _apply(image, event, dice if torn else None)
    return image


def cut(events, var, dice):
    """Makes the folder what the disk may hold after these events; returns the addresses
    whose message was on the wire, final dot and all."""
    var = pathlib.Path(var)
    durable = {path.name: path.read_bytes() for path in var.glob("teataja.db*")}
    pending = {}
    wire = {}
    for event in events:
        if event.kind == "send":
            wire[event.where] = wire.get(event.where, b"") + event.data
        elif event.kind == "sync":
            waiting = pending.pop(event.where, [])
            for done in waiting:
                if done.number < event.at:
                    durable[event.where] = _apply(durable.get(event.where), done, None)
            pending[event.where] = [left for left in waiting if left.number >= event.at]
        else:
            pending.setdefault(event.where, []).append(event)
    for name, left in pending.items():
        durable[name] = _survivors(durable.get(name), left, dice)
    for path in var.glob("teataja.db*"):
        path.unlink()
    for name, image in durable.items():
        if image is not None and not name.endswith("-shm"):
            (var / name).write_bytes(image)
    return delivered(wire.values())


def delivered(streams):
    found = set()
    for stream in streams:
        recipients = re.findall(rb"RCPT TO:<([^>]*)>", stream)
        found.update(address.decode() for address in recipients[:stream.count(b"\r\n.\r\n")])
    return found
