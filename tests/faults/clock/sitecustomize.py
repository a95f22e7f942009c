"""Lets the wall clock jump: put before a program on PYTHONPATH, with CLOCK_JUMPS="SECONDS BY".

So many seconds after the start, time.time() and datetime.now() are by so many seconds off, as after
somebody, or NTP, has set the clock. time.monotonic() is not, as the system promises.
"""

import datetime as dt
import os
import time

_after, _by = map(float, os.environ.get("CLOCK_JUMPS", "0 0").split())
_began = time.monotonic()
_time, _time_ns, _datetime = time.time, time.time_ns, dt.datetime


def _off() -> float:
    return _by if time.monotonic() - _began >= _after else 0.0


class _Shifted(type(_datetime)):
    """Whatever is a datetime is one of these, too."""

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, _datetime)


class _Clock(_datetime, metaclass=_Shifted):
    """A datetime whose now() jumps. Gives plain ones, since not all libraries take others."""

    @classmethod
    def now(cls, tz=None):
        return _datetime.now(tz) + dt.timedelta(seconds=_off())

    @classmethod
    def utcnow(cls):
        return cls.now(dt.UTC).replace(tzinfo=None)


time.time = lambda: _time() + _off()
time.time_ns = lambda: _time_ns() + int(_off() * 1e9)
dt.datetime = _Clock
