"""Write docs/repair.md: the rules as they are, and what dciodvfy says of objects they repaired.

    python benchmarks/repair_document.py FOLDER...

Each FOLDER of objects, such as pydicom's test files, gives one row of the second table. Without
any, only the first table is written; a test sees to it that it is as the rules are.
"""

import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
sys.path[:0] = [str(CHECKOUT / "tests"), str(CHECKOUT / "tests" / "repair")]

import faulty  # noqa: E402
import oracle  # noqa: E402

from pacslift.repair.catalogue import markdown  # noqa: E402

DOCUMENT = CHECKOUT / "docs" / "repair.md"
RULES = ("<!-- rules -->\n", "<!-- end of rules -->\n")
JUDGED = ("<!-- judged -->\n", "<!-- end of judged -->\n")
LARGEST = 4_000_000


def between(text: str, marks: tuple[str, str], lines: list[str]) -> str:
    """*text* with other *lines* between two marks."""
    head, rest = text.split(marks[0])
    _, tail = rest.split(marks[1])
    return head + marks[0] + "\n" + "\n".join(lines) + "\n\n" + marks[1] + tail


def judged_folder(folder: Path, scratch: Path) -> list[oracle.Judged]:
    """Every object of a folder that is not set aside and not very large."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    small = [path for path in paths if path.stat().st_size <= LARGEST]
    found = (oracle.judged(path.name, path, scratch) for path in small)
    return [one for one in found if one is not None]


def judged_cases(scratch: Path) -> list[oracle.Judged]:
    """The objects that the tests build, one for each fault."""
    found = []
    for case in faulty.CASES:
        (scratch / "object").write_bytes(case.content)
        one = oracle.judged(case.rule, scratch / "object", scratch, case.orders)
        found += [one] if one else []
    return found


def row(name: str, found: list[oracle.Judged]) -> str:
    """One line of the table."""
    clear = [one for one in found if not one.unreadable_before]
    before = sum(one.before.total() for one in clear)
    after = sum(one.after.total() for one in clear)
    worse = sum(one.after.total() > one.before.total() for one in clear)
    return f"| {name} | {len(found)} | {len(clear)} | {before} | {after} | {worse} |"


def main(folders: list[Path]) -> None:
    """Write the document."""
    text = between(DOCUMENT.read_text("utf-8"), RULES, list(markdown()))
    if folders:
        with tempfile.TemporaryDirectory() as name:
            sets = [(folder.name, judged_folder(folder, Path(name))) for folder in folders]
            sets.append(("objects with one fault each (tests)", judged_cases(Path(name))))
        head = "| objects | sent | judged before | errors before | after | with more errors after |"
        table = [head, "| --- | ---: | ---: | ---: | ---: | ---: |"]
        text = between(text, JUDGED, table + [row(name, found) for name, found in sets])
    DOCUMENT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
