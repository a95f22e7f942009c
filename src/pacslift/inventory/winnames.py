r"""What Windows makes of a file's name and of a long path.

There a name in a database can mean a device (NUL, COM1.dcm), a stream inside of another file
(a.dcm:b), or another file (a.dcm. is a.dcm): all of that is somewhere else than the row says.
Source: Microsoft, "Naming Files, Paths, and Namespaces" and "Maximum Path Length Limitation".
"""

_NOT_IN_NAMES = frozenset('<>:"|?*') | frozenset(map(chr, range(32)))
_DEVICES = frozenset(
    {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
    | {f"{port}{number}" for port in ("COM", "LPT") for number in "0123456789¹²³"}
)
_VERBATIM, _VERBATIM_SERVER = "\\\\?\\", "\\\\?\\UNC\\"


def means_something_else(name: str) -> bool:
    """Whether Windows does not take *name*, one component of a path, for a file of that name."""
    return (
        name.endswith((".", " "))
        or not _NOT_IN_NAMES.isdisjoint(name)
        or name.partition(".")[0].rstrip(" ").upper() in _DEVICES
    )


def verbatim(path: str) -> str:
    r"""An absolute path with backslashes as Windows takes it at any length: \\?\D:\images.

    Without that, 260 characters are the most for a program that was not set up for more.
    """
    if path.startswith(_VERBATIM):
        return path
    if path.startswith("\\\\"):
        return _VERBATIM_SERVER + path[2:]
    return _VERBATIM + path
