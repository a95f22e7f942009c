"""How the target lets us in: TLS and the user's identity, as job.toml's [target] says it.

Rules: a secret stands in an environment variable or a file of its own and is read when it is
needed, so neither job.toml, nor the revision, nor what goes to another process holds one. What
the certificate says is verified unless a line says `verify = false`, and then the report says so.

PS3.15 B.9 to B.12 (TLS profiles), RFC 9325 (BCP 195); PS3.7 D.3.3.7 (User Identity).
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pacslift.errors import JobFileError
from pacslift.job_text import quote
from pacslift.job_values import refuse_unknown, typed

PROFILES = ("non-downgrading", "bcp195", "extended")
TLS_KEYS = frozenset(
    {"profile", "ca", "certificate", "key", "key_password_env", "key_password_file", "name",
     "verify"}
)  # fmt: skip
USER_NAME, PASSCODE, KERBEROS, SAML, JWT = range(1, 6)  # PS3.7 Table D.3-14
TOKENS: Mapping[str, int] = {"kerberos": KERBEROS, "saml": SAML, "jwt": JWT}
IDENTITY_KEYS = frozenset(
    {"user", "passcode_env", "passcode_file", "confirm",
     *(f"{kind}_{place}" for kind in TOKENS for place in ("env", "file"))}
)  # fmt: skip
LONGEST = 0xFFFF  # bytes of a field, PS3.7 Table D.3-14


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret is kept: in the environment variable *env*, or in the file *file*."""

    key: str  # in job.toml, without _env and _file
    env: str = ""
    file: Path | None = None

    def read(self) -> bytes:
        """The secret; of a file without the end of its last line. JobFileError if it is missing."""
        if self.file is None:
            value = os.environ.get(self.env)
            if not value:
                raise JobFileError(
                    f"the environment variable {self.env}, which {self.key}_env in job.toml names, "
                    "is not set; set it before the run"
                )
            return value.encode()
        try:
            content = self.file.read_bytes()
        except OSError as error:
            raise JobFileError(
                f"the file {self.file}, which {self.key}_file in job.toml names, cannot be read: "
                f"{error.strerror}"
            ) from error
        if not content.strip():
            raise JobFileError(f"the file {self.file}, which {self.key}_file names, is empty")
        return content.rstrip(b"\r\n")

    def line(self) -> str:
        """Its line in job.toml."""
        place = "env" if self.file is None else "file"
        return f"{self.key}_{place} = {quote(self.env or str(self.file))}\n"


@dataclass(frozen=True, slots=True)
class Tls:
    """How the connection to the target is secured. Paths are absolute."""

    profile: str = PROFILES[0]
    ca: Path | None = None  # certificates to trust, PEM; None: the system's
    certificate: Path | None = None  # our own, PEM, its chain behind it
    key: Path | None = None  # None: in the certificate's file
    key_password: Secret | None = None
    name: str = ""  # that the target's certificate must carry; "": the host of the target
    verify: bool = True


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we say we are when an association is asked for."""

    kind: int  # of PS3.7 Table D.3-14
    user: str = ""
    secret: Secret | None = None  # the passcode, ticket, assertion or token
    confirm: bool = False  # whether the target must say that it took the identity

    def fields(self) -> tuple[bytes, bytes]:
        """The primary and the secondary field of the item. JobFileError if a secret is missing."""
        secret = self.secret.read() if self.secret else b""
        if len(secret) > LONGEST:
            raise JobFileError(
                f"the identity's {secret_name(self)} has {len(secret):,} bytes; PS3.7 D.3.3.7 has "
                f"room for {LONGEST:,}"
            )
        return (secret, b"") if self.kind in TOKENS.values() else (self.user.encode(), secret)


def secret_name(identity: Identity) -> str:
    """What the secret of *identity* is called in job.toml."""
    return identity.secret.key if identity.secret else "user"


def tls_from(folder: Path, said: Mapping[str, Any]) -> Tls:
    """[target.tls]; relative paths count from the job's *folder*."""
    refuse_unknown(said, TLS_KEYS, "target.tls")
    profile = typed(said, "profile", str, PROFILES[0])
    if profile not in PROFILES:
        raise JobFileError(
            f"[target.tls] profile is {profile!r}; it must be one of {', '.join(PROFILES)}"
        )
    certificate, key = path_in(folder, said, "certificate"), path_in(folder, said, "key")
    if key and not certificate:
        raise JobFileError("[target.tls] has a key without a certificate; name both, or neither")
    return Tls(
        profile=profile,
        ca=path_in(folder, said, "ca"),
        certificate=certificate,
        key=key,
        key_password=secret_in(folder, said, "key_password", "target.tls"),
        name=typed(said, "name", str, ""),
        verify=typed(said, "verify", bool, default=True),
    )


def identity_from(folder: Path, said: Mapping[str, Any]) -> Identity:
    """[target.identity]; its kind follows from what is given."""
    refuse_unknown(said, IDENTITY_KEYS, "target.identity")
    user = typed(said, "user", str, "")
    passcode = secret_in(folder, said, "passcode", "target.identity")
    tokens = [
        (number, secret)
        for kind, number in TOKENS.items()
        if (secret := secret_in(folder, said, kind, "target.identity"))
    ]
    if len(tokens) + bool(user) != 1 or (passcode and not user):
        raise JobFileError(
            "[target.identity] must have either user, with or without passcode_env or "
            "passcode_file, or one of kerberos_file, saml_file, jwt_file or their _env"
        )
    if len(user.encode()) > LONGEST:
        raise JobFileError(f"[target.identity] user is longer than {LONGEST:,} bytes")
    kind, secret = tokens[0] if tokens else (PASSCODE if passcode else USER_NAME, passcode)
    return Identity(kind, user, secret, typed(said, "confirm", bool, default=False))


def path_in(folder: Path, said: Mapping[str, Any], key: str) -> Path | None:
    """The path under *key*, made absolute; None where it is missing."""
    name = typed(said, key, str, "")
    return folder / Path(name).expanduser() if name else None


def secret_in(folder: Path, said: Mapping[str, Any], key: str, where: str) -> Secret | None:
    """Where the secret *key* is kept, if it is said."""
    env, file = typed(said, f"{key}_env", str, ""), path_in(folder, said, f"{key}_file")
    if env and file:
        raise JobFileError(f"[{where}] has {key}_env and {key}_file; one of them is enough")
    return Secret(key, env, file) if env or file else None


def access_lines(tls: Tls | None, identity: Identity | None) -> str:
    """[target.tls] and [target.identity] as job.toml has them; nothing where there is none."""
    lines = f"\n[target.tls]\n{''.join(tls_lines(tls))}" if tls else ""
    if identity:
        lines += "\n[target.identity]\n"
        lines += f"user = {quote(identity.user)}\n" if identity.user else ""
        lines += identity.secret.line() if identity.secret else ""
        lines += (
            f"confirm = {str(identity.confirm).lower()}  # whether the target must confirm it\n"
        )
    return lines


def tls_lines(tls: Tls) -> Iterator[str]:
    """The lines of [target.tls]."""
    yield f"profile = {quote(tls.profile)}  # {', '.join(PROFILES)}\n"
    for key in ("ca", "certificate", "key"):
        if path := getattr(tls, key):
            yield f"{key} = {quote(str(path))}\n"
    if tls.key_password:
        yield tls.key_password.line()
    if tls.name:
        yield f"name = {quote(tls.name)}  # that the target's certificate must carry\n"
    if not tls.verify:
        yield "verify = false  # anybody can pass for the target\n"


def access_findings(tls: Tls | None, identity: Identity | None) -> Iterator[str]:
    """What an operator should know of how the target lets us in."""
    if tls and not tls.verify:
        yield (
            "the target's certificate is not verified (`verify = false` in [target.tls]): anybody "
            "between here and there can pass for the target and read what is sent"
        )
    if identity and identity.secret and not tls:
        yield (
            f"the identity's {secret_name(identity)} goes over the network unencrypted, since "
            "job.toml has no [target.tls]"
        )
