"""Runs a program and, as it enters a given system call, whichever thread does, kills it
or lets the call move less than was asked for.

strace's --inject counts the calls of each thread for itself, and cannot shorten any; here
all threads share one count, so that every call of the program is somebody's turn.
"""

import ctypes
import os
import pathlib
import platform
import signal
import struct
import subprocess

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long

# From linux/ptrace.h and bits/waitflags.h.
_TRACEME, _SYSCALL, _SETOPTIONS, _GET_SYSCALL_INFO = 0, 24, 0x4200, 0x420E
_GETREGSET, _SETREGSET, _NT_PRSTATUS = 0x4204, 0x4205, 1
_TRACESYSGOOD, _TRACECLONE, _EXITKILL = 1, 8, 0x100000
_SYSCALL_STOP = signal.SIGTRAP | 0x80
_INFO_ENTRY = 1
_WALL = 0x40000000
_NUMBER_AT, _THIRD_AT = 24, 48  # in ptrace_syscall_info

# read, write, pread64, pwrite64, sendto, recvfrom; where the registers hold the third argument.
_MOVING, _THIRD_REGISTER_AT = {
    "x86_64": ((0, 1, 17, 18, 44, 45), 12 * 8),
    "aarch64": ((63, 64, 67, 68, 206, 207), 2 * 8),
}[platform.machine()]


class _Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def _ptrace(request, pid, address=0, data=0):
    return _libc.ptrace(request, pid, address, data)


def kill_at(line, number, env, folder):
    """Runs the command line and kills it as it enters its system call `number`, the
    first being 1; 0 lets it run. Returns (exit status, calls entered)."""
    entered = 0

    def on_entry(process, _pid, _info):
        nonlocal entered
        entered += 1
        if entered == number:
            os.kill(process.pid, signal.SIGKILL)
            return False
        return True
    return _run(line, env, folder, on_entry), entered


def shorten_at(line, number, for_good, env, folder):
    """Runs the command line; the call `number` of those that read or write two bytes or
    more moves half of them, and with `for_good` every later one does; 0 shortens none.
    Returns (exit status, calls of that kind); the output is in files of the folder."""
    made = 0

    def on_entry(_process, pid, info):
        nonlocal made
        asked = _word(info, _THIRD_AT)
        if _word(info, _NUMBER_AT) in _MOVING and asked >= 2:
            made += 1
            if number != 0 and (made == number or (for_good and made > number)):
                _set_third(pid, asked // 2)
        return True
    return _run(line, env, folder, on_entry), made


def output_of(folder):
    """What the last run wrote to (standard output, standard error)."""
    return tuple((pathlib.Path(folder) / name).read_text() for name in ("traced.out", "traced.err"))


def _word(info, at):
    return struct.unpack_from("=Q", info, at)[0]


def _set_third(pid, value):
    room = ctypes.create_string_buffer(1024)
    vector = _Iovec(ctypes.addressof(room), len(room))
    if _ptrace(_GETREGSET, pid, _NT_PRSTATUS, ctypes.addressof(vector)) != 0:
        raise OSError(ctypes.get_errno(), "cannot read the registers")
    struct.pack_into("=Q", room, _THIRD_REGISTER_AT, value)
    _ptrace(_SETREGSET, pid, _NT_PRSTATUS, ctypes.addressof(vector))


def _run(line, env, folder, on_entry):
    folder = pathlib.Path(folder)
    with open(folder / "traced.out", "wb") as out, open(folder / "traced.err", "wb") as err:
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                   env=env, cwd=folder,
                                   preexec_fn=lambda: _ptrace(_TRACEME, 0))
    try:
        return _follow(process, on_entry)
    finally:
        if process.returncode is None:
            process.kill()
            os.waitpid(process.pid, _WALL)


def _follow(process, on_entry):
    """Calls on_entry(process, thread, info) at each system call; the thread goes on if it
    says so."""
    info = ctypes.create_string_buffer(128)
    os.waitpid(process.pid, _WALL)  # stopped by its exec
    _ptrace(_SETOPTIONS, process.pid, 0, _TRACESYSGOOD | _TRACECLONE | _EXITKILL)
    _ptrace(_SYSCALL, process.pid)
    while True:
        pid, status = os.waitpid(-1, _WALL)
        if not os.WIFSTOPPED(status):
            if pid == process.pid:
                process.returncode = os.waitstatus_to_exitcode(status)
                return process.returncode
            continue
        stop = os.WSTOPSIG(status)
        if stop == _SYSCALL_STOP:
            _ptrace(_GET_SYSCALL_INFO, pid, len(info), ctypes.addressof(info))
            if info.raw[0] == _INFO_ENTRY and not on_entry(process, pid, info):
                continue
        # A thread's first stop and the events of tracing are not the program's signals.
        passed_on = stop if stop not in (_SYSCALL_STOP, signal.SIGTRAP, signal.SIGSTOP) else 0
        _ptrace(_SYSCALL, pid, 0, passed_on)
