"""Runs a program and kills it as it enters a given system call, whichever thread does.

strace's --inject counts the calls of each thread for itself; here all threads share
one count, so that every call of the program is somebody's turn.
"""

import ctypes
import os
import signal
import subprocess

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long

# From linux/ptrace.h and bits/waitflags.h.
_TRACEME, _SYSCALL, _SETOPTIONS, _GET_SYSCALL_INFO = 0, 24, 0x4200, 0x420E
_TRACESYSGOOD, _TRACECLONE, _EXITKILL = 1, 8, 0x100000
_SYSCALL_STOP = signal.SIGTRAP | 0x80
_INFO_ENTRY = 1
_WALL = 0x40000000


def _ptrace(request, pid, address=0, data=0):
    return _libc.ptrace(request, pid, address, data)


def kill_at(line, number, env, folder):
    """Runs the command line and kills it as it enters its system call `number`, the
    first being 1; 0 lets it run. Returns (exit status, calls entered)."""
    with open(os.path.join(folder, "killed.out"), "wb") as output:
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                   env=env, cwd=folder,
                                   preexec_fn=lambda: _ptrace(_TRACEME, 0))
    try:
        return _follow(process, number)
    finally:
        if process.returncode is None:
            process.kill()
            os.waitpid(process.pid, _WALL)


def _follow(process, number):
    info = ctypes.create_string_buffer(128)
    entered = 0
    os.waitpid(process.pid, _WALL)  # stopped by its exec
    _ptrace(_SETOPTIONS, process.pid, 0, _TRACESYSGOOD | _TRACECLONE | _EXITKILL)
    _ptrace(_SYSCALL, process.pid)
    while True:
        pid, status = os.waitpid(-1, _WALL)
        if not os.WIFSTOPPED(status):
            if pid == process.pid:
                process.returncode = os.waitstatus_to_exitcode(status)
                return process.returncode, entered
            continue
        stop = os.WSTOPSIG(status)
        if stop == _SYSCALL_STOP:
            _ptrace(_GET_SYSCALL_INFO, pid, len(info), ctypes.addressof(info))
            if info.raw[0] == _INFO_ENTRY:
                entered += 1
                if entered == number:
                    os.kill(process.pid, signal.SIGKILL)
                    continue
        # A thread's first stop and the events of tracing are not the program's signals.
        passed_on = stop if stop not in (_SYSCALL_STOP, signal.SIGTRAP, signal.SIGSTOP) else 0
        _ptrace(_SYSCALL, pid, 0, passed_on)
