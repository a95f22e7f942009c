"""A new job: its folder, and its job.toml with the comments that a person needs to edit it.

A job folder is made readable by its owner alone, since it comes to hold patient data.
"""

from datetime import UTC, datetime

from pacslift.access import access_lines
from pacslift.errors import JobFolderError
from pacslift.job import Job
from pacslift.job_order import order_lines
from pacslift.job_pace import pace_lines
from pacslift.job_text import (
    ledger_lines,
    mapping_lines,
    quote,
    rules_lines,
    status_lines,
    write_text,
)

FOUND, OR_FOUND = "  # 0: found while sending", "; 0: found while sending"


def create_job(job: Job) -> None:
    """Make the folder and its job.toml. JobFolderError if that cannot be or a job is there."""
    if (job.folder / "job.toml").exists():
        raise JobFolderError(
            f"{job.folder} already holds a job; edit its job.toml, or choose another folder"
        )
    try:
        job.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        job.folder.chmod(0o700)
        write_text(job.folder / "job.toml", to_toml(job))
    except OSError as error:
        raise JobFolderError(
            f"the job folder {job.folder} cannot be made: {error.strerror}; "
            "choose a folder that this user may write"
        ) from error


def to_toml(job: Job) -> str:
    """job.toml for *job*, with the comments a person needs to edit it."""
    dumps = "".join(f"  {quote(str(dump))},\n" for dump in (*job.dumps, *job.databases))
    mounts = "".join(f"{quote(name)} = {quote(str(path))}\n" for name, path in job.mounts.items())
    adapter = f"adapter = {quote(job.adapter)}\n" if job.adapter else ""
    folders = ", ".join(quote(str(path)) for path in job.adapters)
    truncated = "accept_truncated = true\n" if job.accept_truncated else ""
    truncated += f"schema = {quote(job.schema)}\n" if job.schema else ""
    lines = "".join(f"{quote(name)} = {quote(said)}\n" for name, said in job.charset.items())
    charset = f"\n[charset]\n{lines}" if lines else ""
    name = f"name = {quote(job.source_name)}\n" if job.source_name else ""
    return f"""\
# One migration. Edit it, then run `pacslift plan` or `pacslift run` again.
revised = {job.revised or now()}  # written by init and plan; the only time that enters an object

[source]
dumps = [
{dumps}]
{name}{adapter}{f"adapters = [{folders}]" + chr(10) if folders else ""}{truncated}{charset}
# The old name of a storage root = the folder where its copy is now. "" is the only root.
[storage.mounts]
{mounts}
[target]
aet = {quote(job.target.aet)}
host = {quote(job.target.host)}
port = {job.target.port}
calling_aet = {quote(job.target.calling_aet)}
{status_lines(job.profile, job.statuses)}{access_lines(job.target.tls, job.target.identity)}
[inventory]
probe = {quote(job.probe)}  # none, sample or all: how many files are opened before sending
{"accept_lost = true" + chr(10) if job.accept_lost else ""}
[send]
processes = {job.processes}{FOUND if not job.processes else ""}
associations = {job.associations}  # of each process{OR_FOUND if not job.associations else ""}
window = {job.window}  # objects unanswered at once on an association, where the target grants it
response_timeout = {job.response_timeout}  # seconds
busy_waits = {list(job.busy_waits)}  # seconds before a target out of resources is asked again
lost_waits = {list(job.lost_waits)}  # seconds before an object without an answer is sent again
{pace_lines(job.pace)}{order_lines(job.order)}{mapping_lines(job.mapping)}\
{rules_lines(job.rules)}{ledger_lines(job.ledger_url, job.ledger_schema, job.dead_after)}"""


def now() -> str:
    """The present moment in UTC, to the second, as TOML writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
