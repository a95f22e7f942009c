"""The commands that need no job: what a dump is, and the adapters.

What they call loads the readers of all dumps and sqlglot, which a run that goes on has no need of,
so it is imported where it is called.
"""

import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from pacslift.adapter import load_adapters
from pacslift.cli_frame import ACCEPT_TRUNCATED, ADAPTERS, AS_JSON, PATH, Listed
from pacslift.extract.packed.parts import without_later_parts
from pacslift.job import files_and_databases, resolve_all
from pacslift.repair.catalogue import MEANING, rule_rows


@click.command()
@click.argument("paths", nargs=-1, required=True)
@click.option("--describe", is_flag=True, help="Draft the manifest that delimited text needs.")
@ACCEPT_TRUNCATED
@ADAPTERS
@AS_JSON
def inspect(paths: Sequence[str], describe: bool, accept_truncated: bool,
            adapters: Sequence[Path], as_json: bool) -> None:  # fmt: skip
    """Say what a dump is, what it holds, and which adapter claims it.

    Format, server, tables, rows; of each adapter why it claims the dump, or does not.
    """
    from pacslift.extract.inspection import inspection  # noqa: PLC0415 - see the top

    if describe:
        from pacslift.extract.text.describe import describe_delimited  # noqa: PLC0415

        for path in paths:
            click.echo(describe_delimited(Path(path)))
        return
    known = load_adapters(resolve_all(adapters))
    files, databases = files_and_databases(paths)
    dumps: list[Path | str] = [*without_later_parts([Path(f) for f in files]), *databases]
    with tempfile.TemporaryDirectory(prefix="pacslift-") as private:
        seen = [
            inspection(dump, known, Path(private), accept_truncated=accept_truncated)
            for dump in dumps
        ]
    if as_json:
        click.echo(json.dumps({"dumps": [asdict(one) for one in seen]}))
        return
    for one in seen:
        click.echo(f"{one.path}: {one.format}" + (f", {one.server}" if one.server else ""))
        for table in one.tables:
            click.echo(f"  {table.rows:>11,} rows  {table.name} ({len(table.columns)} columns)")
        for sentence in (*one.cuts, *one.findings, *(claim.sentence for claim in one.claims)):
            click.echo(f"  {sentence}")


@click.command()
@AS_JSON
def rules(as_json: bool) -> None:
    """List the rules of repair and what each does.

    By id, with tier, and on or off. Switch them in job.toml: [rules] on = [...], off = [...].
    docs/repair.md says more.
    """
    if as_json:
        click.echo(json.dumps({"rules": [row._asdict() for row in rule_rows()]}))
        return
    for row in rule_rows():
        click.echo(f"{row.id:<9} {row.tier}  {'on ' if row.on else 'off'}  {row.sentence}")
    click.echo("\n" + "\n".join(MEANING.values()))


@click.group(cls=Listed)
def adapter() -> None:
    """List, check and start adapters."""


@adapter.command(name="list")
@ADAPTERS
@AS_JSON
def adapter_list(adapters: Sequence[Path], as_json: bool) -> None:
    """List the adapters there are."""
    known = sorted(load_adapters(resolve_all(adapters)).items())
    if as_json:
        rows = [{"name": n, "product": a.product, "folder": str(a.folder)} for n, a in known]
        click.echo(json.dumps({"adapters": rows}))
        return
    for name, one in known:
        click.echo(f"{name:<12} {one.product}; truth: {one.truth}")


@adapter.command(name="check")
@click.argument("folder", type=PATH)
@click.option("--case", "cases", type=PATH, multiple=True, help="A folder with a case of it.")
@AS_JSON
def adapter_check(folder: Path, cases: Sequence[Path], as_json: bool) -> None:
    """Hold an adapter against the rules that every adapter meets."""
    from pacslift.conformance import check_adapter  # noqa: PLC0415 - see the top

    checks = check_adapter(folder, cases)
    if as_json:
        click.echo(json.dumps({"checks": [asdict(check) for check in checks]}))
    else:
        for check in checks:
            click.echo(f"{'ok  ' if check.passed else 'FAIL'}  {check.name}")
            if check.detail and not check.passed:
                click.echo(f"      {check.detail}")
    sys.exit(0 if all(check.passed for check in checks) else 3)


@adapter.command(name="accept")
@click.argument("case", type=PATH)
@click.option("--force", is_flag=True, help="Write over what was accepted before.")
@ADAPTERS
def adapter_accept(case: Path, force: bool, adapters: Sequence[Path]) -> None:
    """Write down a case's catalog as right, once a person looked at it."""
    from pacslift.conformance import accept_case  # noqa: PLC0415 - see the top

    for difference in accept_case(case, force=force, adapters=resolve_all(adapters)):
        click.echo(difference)
    click.echo(f"{case}/expected is written; read it before you trust it")


@adapter.command(name="scaffold")
@click.argument("folder", type=PATH)
@click.option(
    "--dump",
    metavar="PATH",
    help="A dump to take tables and columns from, or the database itself, as init takes it.",
)
def adapter_scaffold(folder: Path, dump: str | None) -> None:
    """Start an adapter: a folder with every file that it needs."""
    from pacslift.scaffold import scaffold  # noqa: PLC0415 - see the top

    is_file = dump is not None and not files_and_databases([dump])[1]
    for path in scaffold(folder, Path(dump) if dump and is_file else dump):
        click.echo(f"wrote {path}")
