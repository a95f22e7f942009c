"""Objects made to take time and memory without end get neither: each has a process with limits."""

import gzip
import json
import subprocess
import sys
import zlib

import pytest

from storedobjects import (
    CT,
    DELIMITER,
    IMPLICIT,
    INSTANCE,
    JPEG,
    PIXELS,
    SYNTAX,
    element,
    identified,
    image,
    item,
    opened,
    part10,
    uid,
)

MEGABYTE = 1 << 20
DEFLATED = "1.2.840.10008.1.2.1.99"
BOMB = 100 * MEGABYTE  # unpacked
SEQUENCE = 0x00400555
MOST_SECONDS, MOST_MEMORY = 20, 512 * MEGABYTE  # of the CPU, on top of what the program takes

# Prepares each file that is named, with all rules and an overlay that needs Unicode, in a process
# of its own; a line for each: name, what became of it.
CHILD = """
import json, os, resource, sys
from pathlib import Path
from pacslift.errors import SetAsideError
from pacslift.inventory.stored import open_stored
from pacslift.repair.order import RULES
from pacslift.repair.orders import Orders, RuleSettings
from pacslift.repair.outgoing import prepare
from pacslift.repair.overlay import compile_overlay

seconds, memory, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
rules = RuleSettings(on=frozenset(rule.id for rule in RULES))
greek = {"00100010": {"vr": "PN", "Value": [{"Alphabetic": "\\u0394"}]}}
facts = {"patient_name": "M\\u00fcller", "texts": {0x00081030: "Sch\\u00e4del"}}
orders = Orders(compile_overlay(greek), rules, None, facts)

def became(path):
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + memory,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    container = "orthanc-zlib" if path.suffix == ".zlib" else None
    try:
        with prepare(open_stored(os.open(path, os.O_RDONLY), container), orders) as outgoing:
            outgoing.digest()
            return "sent"
    except SetAsideError as error:
        return error.cause.value

for path in sorted(folder.iterdir()):
    sys.stdout.flush()
    child = os.fork()
    if not child:
        try:
            said = became(path)
        except BaseException as error:
            said = repr(error)[:200]
        print(json.dumps([path.stem, said]), flush=True)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        print(json.dumps([path.stem, f"killed, {status}"]), flush=True)
"""


def deflated(content: bytes, wbits: int) -> bytes:
    """*content* and many zero bytes behind it, packed."""
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    packed = [packer.compress(content)]
    packed += [packer.compress(bytes(MEGABYTE)) for _ in range(BOMB // MEGABYTE)]
    return b"".join([*packed, packer.flush()])


def pixels_to_come() -> bytes:
    """An object up to its Pixel Data, as long as the bomb."""
    return identified() + element(0x7FE00010, "OW", b"")[:-4] + BOMB.to_bytes(4, "little")


def nested(levels: int, vr: str = "SQ") -> bytes:
    closing = b"\xfe\xff\x0d\xe0\0\0\0\0" + DELIMITER
    return (opened(SEQUENCE, vr) + item(b"", 0xFFFFFFFF)) * levels + closing * levels


def behind(part: bytes) -> bytes:
    return part10(identified() + part + image()[len(identified()) :])


def many_elements() -> bytes:
    """A million elements without a value, in groups that are private."""
    tags = (
        (group | 1) << 16 | number
        for group in range(0x11, 0x31, 2)
        for number in range(0x1000, 0xFFFF)
    )
    empty = b"".join(
        element(tag, "LO", b"", IMPLICIT) for tag, _ in zip(tags, range(1_000_000), strict=False)
    )
    ids = element(0x00080016, "UI", uid(CT), IMPLICIT) + element(
        0x00080018, "UI", uid(INSTANCE), IMPLICIT
    )
    return part10(ids + empty, SYNTAX[IMPLICIT])


def frames_without_end() -> bytes:
    shape = element(0x00280002, "US", b"\1\0") + element(0x00280008, "IS", b"2147483646")
    shape += element(0x00280010, "US", b"\xff\xff") + element(0x00280011, "US", b"\xff\xff")
    shape += element(0x00280100, "US", b"\x40\0")
    return behind(shape)


def fragments(table: int, count: int) -> bytes:
    head = opened(0x7FE00010, "OB") + item(b"", table)
    return part10(identified() + head + item(b"") * count + DELIMITER, JPEG)


HOSTILE = {
    "gzip bomb": lambda: gzip.compress(b"") and deflated(bytes(128), 31),
    "gzip bomb of an object": lambda: deflated(part10(pixels_to_come()), 31),
    "gzip within gzip": lambda: gzip.compress(gzip.compress(part10(image()))),
    "zlib bomb.zlib": lambda: (8 << 30).to_bytes(8, "little") + deflated(part10(image()), 15),
    "zlib that lies.zlib": lambda: (4).to_bytes(8, "little") + deflated(part10(image()), 15),
    "deflated bomb": lambda: part10(deflated(pixels_to_come(), -15), DEFLATED),
    "deflated bomb in zlib": lambda: part10(deflated(pixels_to_come(), 15), DEFLATED),
    "ten thousand deep": lambda: behind(nested(10_000)),
    "ten thousand deep, unknown": lambda: behind(nested(10_000, "UN")),
    "deep and never closed": lambda: behind(nested(10_000)[: 10_000 * 20]),
    "lengths past the end": lambda: behind(element(SEQUENCE, "SQ", item(b"", 0xFFFFFFF0))),
    "four gigabytes of text": lambda: behind(
        element(0x00420011, "UT", b"")[:-4] + (0xFFFFFFFE).to_bytes(4, "little")
    ),
    "four gigabytes of pixels": lambda: part10(image())[: -len(PIXELS) - 4] + b"\xfe\xff\xff\xff",
    "frames without end": frames_without_end,
    "an offset table of four gigabytes": lambda: fragments(0xFFFFFFFE, 10),
}
HEAVY = {
    "a million elements": many_elements,
    "a million items": lambda: behind(element(SEQUENCE, "SQ", item(b"") * 1_000_000)),
    "a million fragments": lambda: fragments(0, 1_000_000),
    "escapes without end": lambda: behind(
        element(0x00420011, "UT", b"\x1b$B;3\x1b(B" * 500_000)
    ).replace(b"ISO_IR 100", b"\\ISO 2022 "),
    "foreign text without end": lambda: behind(element(0x00420011, "UT", b"\xe4" * 8 * MEGABYTE)),
    "values without end": lambda: behind(element(0x00420011, "UC", b"\\" * 8 * MEGABYTE)),
}


@pytest.fixture(scope="module")
def became(tmp_path_factory):
    """What became of each object, by its name."""
    folder = tmp_path_factory.mktemp("hostile")
    for name, made in (HOSTILE | HEAVY).items():
        (folder / (name if "." in name else f"{name}.dcm")).write_bytes(made())
    limits = [str(MOST_SECONDS), str(MOST_MEMORY)]
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *limits, folder], capture_output=True, text=True, check=True
    )
    return dict(json.loads(line) for line in done.stdout.splitlines())


@pytest.mark.parametrize("name", HOSTILE)
def test_what_lies_about_its_size_or_depth_is_set_aside_in_bounded_time_and_memory(became, name):
    causes = {"container_damaged", "header_damaged", "truncated", "pixels_damaged", "not_dicom"}
    assert became[name.removesuffix(".zlib")] in causes


@pytest.mark.parametrize("name", HEAVY)
def test_what_is_only_strange_is_sent_or_set_aside_in_bounded_time_and_memory(became, name):
    assert became[name] in {"sent", "header_damaged", "pixels_damaged", "text_unreadable"}
