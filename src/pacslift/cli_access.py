"""The options of `pacslift init` for how the target lets us in: TLS and the user's identity."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from pacslift.access import PROFILES, identity_from, tls_from
from pacslift.job import TargetAddress

F = TypeVar("F", bound=Callable[..., Any])

FILE = click.Path(path_type=Path)
OPTIONS = (
    click.option("--tls", is_flag=True, help="Encrypt the connection; the other --tls do so, too."),
    click.option("--tls-ca", type=FILE, metavar="FILE",
                 help="Certificates to trust (PEM), instead of the system's."),
    click.option("--tls-certificate", type=FILE, metavar="FILE",
                 help="Our own certificate (PEM), where the target demands one."),
    click.option("--tls-key", type=FILE, metavar="FILE", help="Its key (PEM), if in another file."),
    click.option("--tls-key-password-env", metavar="VARIABLE",
                 help="The environment variable with the key's password."),
    click.option("--tls-key-password-file", type=FILE, metavar="FILE",
                 help="The file with the key's password."),
    click.option("--tls-name", metavar="NAME",
                 help="What the target's certificate must carry, instead of HOST."),
    click.option("--tls-profile", type=click.Choice(PROFILES),
                 help="Cipher suites of PS3.15 B.9 to B.11."),
    click.option("--user", metavar="NAME", help="The user to name to the target (PS3.7 D.3.3.7)."),
    click.option("--passcode-env", metavar="VARIABLE",
                 help="The environment variable with the user's passcode."),
    click.option("--passcode-file", type=FILE, metavar="FILE",
                 help="The file with the user's passcode."),
)  # fmt: skip


def ACCESS(command: F) -> F:  # noqa: N802 - a decorator like those of cli_frame
    """Give *command* the options of TLS and identity."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def accessed(target: TargetAddress, folder: Path, options: Mapping[str, Any]) -> TargetAddress:
    """*target* as the *options* let us in. Raises JobFileError where they do not fit together."""
    said = {
        name: str(value.expanduser().resolve()) if isinstance(value, Path) else value
        for name, value in options.items()
        if value
    }
    tls = {name.removeprefix("tls_"): value for name, value in said.items() if "tls" in name}
    identity = {name: value for name, value in said.items() if "tls" not in name}
    wanted = bool(tls)
    tls.pop("tls", None)
    return replace(
        target,
        tls=tls_from(folder, tls) if wanted else None,
        identity=identity_from(folder, identity) if identity else None,
    )
