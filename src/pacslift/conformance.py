"""The checks that every adapter meets: ours in tests/adapters, a site's own by `adapter check`.

A check is a sentence that holds or does not, with what was found where it does not. The checks
of a case run on its real dump, read as a job reads it; nothing is written but into a temporary
folder. An adapter without a case fails, since nothing is known of it then.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from pacslift.accepted import Verdict, as_text, judge, write_accepted
from pacslift.adapter import (
    NOT_REBUILT,
    Adapter,
    Names,
    claimants,
    load_adapter,
    load_adapters,
    shortened,
    unread_columns,
)
from pacslift.cases import Case, CaseRead, cases_of, copied_and_cut, load_case, names_in, read_case
from pacslift.errors import (
    AdapterFaultError,
    DumpDamagedError,
    DumpFormatError,
    NoAdapterError,
    StopError,
)
from pacslift.inventory.build import OWNERLESS, build_catalog, code_findings, known_container
from pacslift.inventory.catalog import (
    AVAILABILITIES,
    SCHEMAS,
    SPLIT,
    WITHOUT_HEADER,
    Catalog,
)
from pacslift.plan.overlay import levels_of

SOURCES = re.compile(r"^#+ .*\bSources\b", re.MULTILINE)
STRANGE = "column_of_no_known_version"


@dataclass(frozen=True, slots=True)
class Check:
    """A sentence about an adapter, whether it holds, and what was found."""

    name: str
    passed: bool
    detail: str = ""


def check_adapter(folder: Path, cases: Sequence[Path] = ()) -> list[Check]:
    """Run every check over the adapter in *folder* and its *cases* (folders with a case.toml).

    Without *cases*, those that lie where cases_of() looks. Raises nothing that an adapter or a
    case can be the cause of.
    """
    cases = cases or cases_of(folder)
    try:
        adapter = load_adapter(folder)
    except StopError as error:
        return [Check("the adapter can be loaded", passed=False, detail=str(error))]
    checks = [
        *folder_checks(adapter),
        Check(
            "the adapter brings a case",
            bool(cases),
            "" if cases else f"there is no case.toml below {folder}; name one with --case",
        ),
    ]
    for case in cases:
        label = f"{case.parent.name}/{case.name}"
        checks += [
            Check(f"{label}: {check.name}", check.passed, check.detail)
            for check in case_checks(adapter, case)
        ]
    return checks


def folder_checks(adapter: Adapter) -> list[Check]:
    """What can be said of the folder alone."""
    readme = adapter.folder / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    empty = [
        f"{table}.{column}"
        for table, columns in adapter.codes.items()
        for column, known in columns.items()
        if not known or not all(known.values())
    ]
    return [
        Check(
            "the README says where each fact comes from",
            bool(SOURCES.search(text)),
            "" if SOURCES.search(text) else f"{readme} has no heading with the word Sources",
        ),
        Check(
            "every code of a code list has a meaning",
            not empty,
            f"codes without a meaning in {', '.join(empty)}" if empty else "",
        ),
        governs_attributes(adapter),
    ]


def governs_attributes(adapter: Adapter) -> Check:
    """Whether [governs] names what can overlay a header, and only where that happens."""
    name = "what it governs are attributes of objects"
    try:
        levels_of(adapter)
    except AdapterFaultError as error:
        return Check(name, passed=False, detail=str(error))
    idle = bool(adapter.governs) and adapter.truth != "database"
    return Check(name, not idle, "[governs] overlays nothing where truth is file" if idle else "")


def case_checks(adapter: Adapter, folder: Path) -> list[Check]:
    """Everything about one case; what needs a catalog is left out where there is none."""
    checks: list[Check] = []
    try:
        case = load_case(folder)
        checks.append(claimed_once(adapter, case))
        found = read_case(adapter, case)
        checks += table_checks(adapter, found)
        catalog = build(adapter, found)
        checks += catalog_checks(adapter, case, found, catalog)
    except StopError as error:
        return [*checks, Check("the dump becomes a catalog", passed=False, detail=str(error))]
    checks.append(Check("the dump becomes a catalog", passed=True))
    checks.append(truncated_is_refused(adapter, case))
    return checks


def build(adapter: Adapter, found: CaseRead) -> Catalog:
    """The catalog of a case."""
    return build_catalog(adapter, {table: frame.lazy() for table, frame in found.frames.items()})


def claimed_once(adapter: Adapter, case: Case) -> Check:
    """Whether the adapter is the only one that recognises the dump."""
    known = load_adapters([adapter.folder])
    claiming = [other.name for other in claimants(known.values(), names_in(case))]
    return Check(
        "exactly its own adapter claims the dump",
        claiming == [adapter.name],
        "" if claiming == [adapter.name] else f"claimed by {', '.join(claiming) or 'none'}",
    )


def table_checks(adapter: Adapter, found: CaseRead) -> Iterator[Check]:
    """What can be said of the dump's tables before there is a catalog."""
    strange = unread_columns(adapter, found.tables, found.read)
    yield Check(
        "every column of the dump is read, or listed as ignored",
        not strange,
        shortened(strange) if strange else "",
    )
    silent = [name for name in unheard_of(adapter, found) if name not in
              unread_columns(adapter, with_strangers(found.tables), found.read)]  # fmt: skip
    yield Check(
        "a column that is neither read nor ignored is reported",
        not silent,
        f"nobody would notice {shortened(silent)}" if silent else "",
    )
    frames = {table: frame.lazy() for table, frame in found.frames.items()}
    unknown = code_findings(adapter, frames)
    yield Check("every code list is closed", not unknown, "\n".join(unknown))


def with_strangers(tables: Names) -> dict[str, tuple[str, ...]]:
    """*tables* with a column more each, and a table more, that no version has."""
    more = {table: (*columns, STRANGE) for table, columns in tables.items()}
    return {**more, STRANGE: (STRANGE,)}


def unheard_of(adapter: Adapter, found: CaseRead) -> list[str]:
    """Which of those the adapter has to notice: not those in tables it ignores as a whole."""
    read = (table for table in found.read if "*" not in adapter.ignored.get(table, ()))
    return [STRANGE, *(f"{table}.{STRANGE}" for table in read if table in found.tables)]


def catalog_checks(
    adapter: Adapter, case: Case, found: CaseRead, catalog: Catalog
) -> Iterator[Check]:
    """What can be said of the catalog."""
    kept = catalog["instances"].height
    yield Check(
        "every row of the dump's instance table is kept",
        kept == found.instance_rows,
        "" if kept == found.instance_rows
        else f"the dump has {found.instance_rows} instance rows, the catalog {kept}",
    )  # fmt: skip
    wrong = [*wrong_shapes(catalog), *wrong_files(catalog), *headless_files(adapter, catalog)]
    yield Check("the catalog has the canonical shape", not wrong, "\n".join(wrong))
    changed = [table for table in SCHEMAS if as_text(catalog[table], table)
               != as_text(build(adapter, found)[table], table)]  # fmt: skip
    yield Check(
        "the same dump gives the same catalog again",
        not changed,
        f"{', '.join(changed)} came out otherwise; hooks must be pure" if changed else "",
    )
    verdict, detail = judge(case, catalog)
    yield Check("the catalog equals the accepted one", verdict is Verdict.SAME, detail)


def wrong_shapes(catalog: Catalog) -> list[str]:
    """Tables that are not of their schema."""
    return [
        f"{table} has the columns {', '.join(catalog[table].columns)}"
        for table, schema in SCHEMAS.items()
        if catalog[table].schema != schema
    ]


def wrong_files(catalog: Catalog) -> list[str]:
    """What no stage after the inventory could understand in the files' rows."""
    files = catalog["files"]
    containers = [c for c in files["container"].unique() if not known_container(c)]
    said = [f"files has the container {container!r}" for container in containers]
    strange = files.filter(~pl.col("availability").is_in(AVAILABILITIES))
    said += [f"files has the availability {a!r}" for a in strange["availability"].unique()]
    said += [finding for finding in catalog.findings if OWNERLESS in finding]
    doubled = files.height - files.select("instance_key", "rank").n_unique()
    said += [f"{doubled} files rows repeat instance_key and rank"] * bool(doubled)
    return said


def headless_files(adapter: Adapter, catalog: Catalog) -> list[str]:
    """What keeps files that are only pixels from becoming objects, whatever they hold."""
    files = catalog["files"]
    said = []
    if adapter.rebuild.iod == NOT_REBUILT:
        met = files.filter(pl.col("container").is_in(WITHOUT_HEADER))["container"].unique().sort()
        said += [f"files has the container {c!r}, and there is no [rebuild] iod" for c in met]
    lost = files.filter(pl.col("container") == SPLIT, pl.col("member").is_null()).height
    return said + [f"{lost} files rows of {SPLIT!r} have no member, their header"] * bool(lost)


def truncated_is_refused(adapter: Adapter, case: Case) -> Check:
    """Whether reading the dump cut to half stops, rather than giving half an archive."""
    sentence = "a truncated dump is refused and not half read"
    with TemporaryDirectory() as name:
        cut = copied_and_cut(case, Path(name) / "copy")
        try:
            found = read_case(adapter, cut)
        except (DumpDamagedError, DumpFormatError) as error:
            return Check(sentence, passed=True, detail=str(error))
        except StopError as error:
            told = f"cut to half, {case.truncated.name} is refused for another reason: {error}"
            return Check(sentence, passed=False, detail=told)
    told = f"cut to half, {case.truncated.name} still gives {found.instance_rows} instance rows"
    return Check(sentence, passed=False, detail=told)


def accept_case(folder: Path, *, force: bool = False, adapters: Sequence[Path] = ()) -> list[str]:
    """Accept the catalog that the case in *folder* gives now: write its expected/.

    The adapter is the one that claims the dump, of *adapters* and the shipped ones.
    Gives   how it differs from what was accepted before; nothing if it is the same or the first.
    Raises  AdapterFaultError if another catalog is accepted and *force* is not given,
            NoAdapterError or AdapterClashError if not exactly one adapter claims the dump, and
            what reading the dump raises.
    """
    case = load_case(folder)
    claiming = claimants(load_adapters(adapters).values(), names_in(case))
    if len(claiming) != 1:
        raise NoAdapterError(
            f"{Verdict.NOT_RECOGNISED}: {case.folder} is claimed by "
            f"{', '.join(adapter.name for adapter in claiming) or 'no adapter'}"
        )
    return write_accepted(case, build(claiming[0], read_case(claiming[0], case)), force=force)
