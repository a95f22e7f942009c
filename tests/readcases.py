"""Read a case as a job would: its dump, its catalog, its storage."""

from pathlib import Path

from inventories import Taken, taken
from pacslift.adapter import Adapter, load_adapters
from pacslift.cases import Case, load_case, read_case
from pacslift.conformance import build
from pacslift.inventory.catalog import Catalog

FIXTURES = Path(__file__).parents[1] / "fixtures"


def case_of(name: str) -> Case:
    """A case by its folder below fixtures/."""
    return load_case(FIXTURES / name)


def adapter_of(name: str) -> Adapter:
    return load_adapters()[name]


def catalog_of(case: Case, adapter: str) -> Catalog:
    return build(adapter_of(adapter), read_case(adapter_of(adapter), case))


def inventory_of(case: Case, adapter: str) -> Taken:
    """What is found when every file is opened."""
    catalog = catalog_of(case, adapter)
    return taken(adapter_of(adapter), catalog, case.mounts, case.dumps, "all")


def causes(found: Taken) -> dict[str, str]:
    """The instances that are set aside, with their cause."""
    rows = found.reconciled.instances.drop_nulls("cause")
    return dict(rows.select("instance_key", "cause").iter_rows())


def file_states(found: Taken) -> dict[str, str]:
    """Every file of the storage, by its name, with its state."""
    rows = found.reconciled.files.select("relative", "state").iter_rows()
    return {Path(relative).name: state for relative, state in rows}
