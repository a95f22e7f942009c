"""Values and sections of job.toml as text, always the same for the same values."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pacslift.errors import MappingError


def quote(text: str) -> str:
    r"""A TOML basic string: quotes, backslashes and control characters escaped."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda m: f"\\u{ord(m[0]):04x}", escaped) + '"'


def status_lines(profile: str, statuses: Mapping[str, str]) -> str:
    """What the target's answers mean, as the end of job.toml's [target]."""
    lines = "".join(f"{quote(codes)} = {quote(said)}\n" for codes, said in statuses.items())
    named = f"profile = {quote(profile)}\n" if profile else ""
    return named + (f"\n[target.statuses]\n{lines}" if lines else "")


def mapping_lines(mapping: Mapping[str, Sequence[Path]]) -> str:
    """[mapping] as job.toml has it; nothing for a job without one."""
    lines = "".join(
        f"{kind} = [{', '.join(quote(str(path)) for path in paths)}]\n"
        for kind, paths in sorted(mapping.items())
    )
    return f"\n[mapping]\n{lines}" if lines else ""


def ledger_lines(url: str, schema: str, dead_after: float) -> str:
    """[ledger] as job.toml has it; nothing for a ledger in the job folder."""
    if not url:
        return ""
    return f"""
# The same on all machines that work on this job (docs/machines.md).
[ledger]
url = {quote(url)}
schema = {quote(schema)}  # one for each job in the database
dead_after = {dead_after}  # seconds without a sign of life until others have a machine's studies
"""


def rules_lines(rules: Mapping[str, Any]) -> str:
    """[rules] as job.toml has it; nothing for a job without it."""
    lines = "".join(f"{quote(key)} = {toml_value(rules[key])}\n" for key in sorted(rules))
    return f"\n[rules]\n{lines}" if lines else ""


def toml_value(value: Any) -> str:  # noqa: ANN401 - whatever TOML can hold
    """A value as TOML, tables inline and their keys in order."""
    if isinstance(value, Mapping):
        pairs = (f"{quote(str(key))} = {toml_value(value[key])}" for key in sorted(value))
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return quote(value) if isinstance(value, str) else str(value)


def mapping_digests(mapping: Mapping[str, Sequence[Path]]) -> Iterator[str]:
    """The sha256 of each mapping file, hex. MappingError for one that cannot be read."""
    for path in (path for kind in sorted(mapping) for path in mapping[kind]):
        try:
            yield hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise MappingError(
                f"the mapping {path} cannot be read: {error.strerror}; mend [mapping] in job.toml"
            ) from error


def write_text(path: Path, text: str) -> None:
    r"""Write *path* whole or not at all, its lines ended by \n on every system."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8", newline="\n")
    partial.replace(path)
