"""Makes a Python on Linux as poor as one on Windows, as far as that can be had without Windows.

Put this folder on PYTHONPATH: every process loads this module before all others, also those that
are spawned. What Windows has not is taken away, and what it does otherwise is done so:

- files opened without O_BINARY change their line ends and stop at the byte 1A; text files that are
  written without saying how a line ends get CR LF;
- a file that this process has open or mapped can be neither removed nor replaced, a folder with
  such a file not renamed, and renaming replaces nothing;
- time.monotonic() moves 64 times a second; nobody has rights on files but "read-only".

What others need to start processes on Linux, or to know that they are there, is left to them
(WNOHANG, AF_UNIX, statvfs, uname). Paths stay those of Linux. See test_windows.py for what is
tried with it.
"""

import builtins
import io
import multiprocessing.popen_fork
import os
import select
import signal
import socket
import stat
import sys
import time
from functools import wraps
from pathlib import Path

GONE = {
    os: """chown chroot confstr fchdir fchmod fchown fork forkpty getegid geteuid getgid getgroups
        getloadavg getpgid getpgrp getpriority getsid getuid initgroups killpg lchown lockf mkfifo
        mknod nice openpty pathconf pipe2 posix_fadvise posix_fallocate pread preadv pwrite pwritev
        readv sched_getaffinity sched_setaffinity sched_yield sendfile setpriority setsid
        sync sysconf tcgetpgrp ttyname wait wait3 wait4 waitid writev
        O_CLOEXEC O_DIRECT O_DIRECTORY O_NDELAY O_NOATIME O_NOCTTY O_NOFOLLOW O_NONBLOCK O_PATH
        O_SYNC""",
    select: "poll epoll POLLIN POLLOUT POLLERR POLLHUP POLLNVAL POLLPRI EPOLLIN EPOLLOUT",
    signal: """SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGTSTP SIGUSR1
        SIGUSR2 SIGWINCH alarm getitimer pause pthread_kill pthread_sigmask setitimer siginterrupt
        sigpending sigwait sigtimedwait""",
    socket: "TCP_QUICKACK TCP_USER_TIMEOUT TCP_CORK SO_REUSEPORT MSG_DONTWAIT CMSG_LEN",
    time: "tzset pthread_getcpuclockid clock_gettime clock_getres",
}
for module, names in GONE.items():
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
for name in ("fcntl", "grp", "pwd", "resource", "syslog", "termios", "tty", "pty"):
    sys.modules[name] = None
os.supports_dir_fd, os.supports_fd = set(), {os.stat, os.truncate}
os.supports_effective_ids = set()


def not_there(self: object) -> None:
    raise AttributeError(self)


for name in ("sendmsg", "sendmsg_afalg", "recvmsg", "recvmsg_into"):
    setattr(socket.socket, name, property(not_there))
multiprocessing.popen_fork.Popen.kill = lambda self: self._send_signal(9)  # as TerminateProcess

ticks = time.monotonic
time.monotonic = lambda: int(ticks() * 64) / 64

# Files opened by number, in text unless said otherwise.

os.O_BINARY = 0x8000  # which is O_LARGEFILE on Linux, and means nothing there
in_text: set[int] = set()
true = {name: getattr(os, name) for name in ("open", "read", "write", "dup", "close", "readlink")}


def opened(path: object, flags: int, mode: int = 0o777) -> int:
    fd = true["open"](path, flags, mode | stat.S_IRUSR | stat.S_IWUSR)
    in_text.discard(fd)
    if not flags & os.O_BINARY:
        in_text.add(fd)
    return fd


def read(fd: int, length: int) -> bytes:
    data = true["read"](fd, length)
    return data.split(b"\x1a")[0].replace(b"\r\n", b"\n") if fd in in_text else data


def write(fd: int, data: object) -> int:
    if fd not in in_text:
        return true["write"](fd, data)
    true["write"](fd, bytes(data).replace(b"\n", b"\r\n"))
    return len(data)


def dup(fd: int) -> int:
    copy = true["dup"](fd)
    in_text.discard(copy)
    if fd in in_text:
        in_text.add(copy)
    return copy


def close(fd: int) -> None:
    in_text.discard(fd)
    true["close"](fd)


def readlink(path: object, *more: object, **named: object) -> str:
    if os.fsdecode(path).startswith("/proc/"):
        raise FileNotFoundError(2, "No such file or directory", path)
    return true["readlink"](path, *more, **named)


os.open, os.read, os.write, os.dup, os.close = opened, read, write, dup, close
os.readlink = readlink

# Text files.

open_file = io.open


@wraps(open_file)
def open_text(  # noqa: PLR0913, PLR0917 - as the true one
    file: object, mode: str = "r", buffering: int = -1, encoding: str | None = None,
    errors: str | None = None, newline: str | None = None, closefd: bool = True,
    opener: object = None,
) -> object:  # fmt: skip
    if newline is None and "b" not in mode and not set(mode).isdisjoint("wax+"):
        newline = "\r\n"
    return open_file(file, mode, buffering, encoding, errors, newline, closefd, opener)


builtins.open = io.open = open_text

# Files in use.


def in_use() -> set[str]:
    """The paths of all files that this process has open or mapped."""
    paths = set()
    for entry in os.scandir("/proc/self/fd"):
        try:
            paths.add(true["readlink"](entry.path))
        except OSError:  # the one that listed them
            continue
    with open_file("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
        paths.update(line.rstrip("\n").split(maxsplit=5)[-1] for line in maps)
    return paths


def refuse_in_use(path: object) -> None:
    real = os.path.realpath(os.fsdecode(path))
    for used in in_use():
        if used == real or used.startswith(real + "/"):
            raise PermissionError(13, "The process cannot access the file: it is in use", path)


def careful(name: str) -> None:
    true[name] = getattr(os, name)

    @wraps(true[name])
    def changed(path: object, *more: object, **named: object) -> None:
        if any(value is not None for value in named.values()):
            raise NotImplementedError(named)  # dir_fd
        for one in (path, *more):
            refuse_in_use(one)
        if name == "rename" and os.path.lexists(*more):
            raise FileExistsError(17, "Cannot create a file when that file already exists", *more)
        true[name](path, *more)

    setattr(os, name, changed)


for name in ("rename", "replace", "unlink", "remove", "rmdir"):
    careful(name)


def chmod(path: object, mode: int, **_: object) -> None:
    now = stat.S_IMODE(Path(path).stat().st_mode)
    true_chmod(path, now | stat.S_IWUSR if mode & stat.S_IWUSR else now & ~0o222)


true_chmod, os.chmod = os.chmod, chmod

if log := os.environ.get("WINDOWSLIKE_LOG"):  # that it came to pass, for the test
    with open_file(log, "a", encoding="utf-8") as told:
        told.write(f"{os.getpid()}\n")
