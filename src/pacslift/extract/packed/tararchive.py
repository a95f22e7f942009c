"""The members of a tar archive, read where they lie in it."""

import re
import tarfile

from pacslift.errors import DumpDamagedError, DumpFormatError
from pacslift.extract.packed.bytesfrom import Bytes, Stretch, file_of, taken
from pacslift.patterns import compiled

# pg_dump's own tar format has a reader of its own, pgfiles.py.
SIGN = compiled(rb"(?!toc\.dat\0.{504}PGDMP).{257}ustar", re.DOTALL)
_BLOCK = 512
_SKIP = 1 << 20


def tar_members(archive: Bytes, name: str) -> dict[str, Bytes]:
    """The files in *archive*, by name, in its order; *name* is its own, for messages.

    All of it is passed over, so that its end is seen. Raises DumpDamagedError where that is not
    there, since nobody can say which files came behind it.
    """
    members: dict[str, Bytes] = {}
    try:
        with file_of(archive) as file, tarfile.open(fileobj=file, mode="r:") as tar:
            for info in tar:
                if info.issparse():
                    raise DumpFormatError(f"{name}/{info.name} is a sparse file. Unpack it.")
                if info.isfile():
                    members[info.name.removeprefix("./")] = Stretch(
                        archive, info.offset_data, info.size
                    )
            file.seek(tar.offset)
            ended = taken(file.read, _BLOCK) == bytes(_BLOCK)
            while file.read(_SKIP):
                pass
    except (tarfile.TarError, ValueError, OverflowError) as error:
        raise _cut(archive, name, members) from error
    if not ended or archive.early:
        raise _cut(archive, name, members)
    return members


def _cut(archive: Bytes, name: str, members: dict[str, Bytes]) -> DumpDamagedError:
    last = f"behind {list(members)[-1]}" if members else "in its first file"
    why = f": {archive.early}" if archive.early else ""
    return DumpDamagedError(
        f"{name}: the tar archive ends early or is damaged, {last}{why}. Copy it again, or unpack "
        "what can be unpacked and give that."
    )
