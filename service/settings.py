"""Settings: from the command's options, else the environment, else the defaults of VARIABLES.

Nothing is read at import; ``from_environment`` is called once, by the command or the service.
"""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from hashing.media import Limits
from service import outward
from service.archives import DEFAULT_LIMITS, ArchiveLimits
from service.errors import BadSetting
from service.limits import LEAST, MEANINGS, ServiceLimits
from service.targets import AllowedHost

_DAY_S: Final = 86_400
_HOST_NAME: Final = re.compile(r"\[[0-9a-f:.]+\]|[a-z0-9._-]+")
_MOST_AGE_S: Final = 100 * 365 * _DAY_S


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable: its default as people read it, and what it means."""

    name: str
    default: str
    meaning: str


DATABASE: Final = Variable(
    "RECIRC_DB",
    "recirc.sqlite3 in the user's data folder",
    "The database file of lists; created on first use. The option --db goes before it.",
)
HOST: Final = Variable(
    "RECIRC_HOST",
    "127.0.0.1",
    "The address that `recirc serve` listens on. The option --host goes before it.",
)
PORT: Final = Variable(
    "RECIRC_PORT",
    "8000",
    "The TCP port that `recirc serve` listens on; 0 takes a free one. --port goes before it.",
)
FETCH_HOSTS: Final = Variable(
    "RECIRC_FETCH_HOSTS",
    "",
    "The hosts that clips may be fetched from (`POST /v1/check/url`), with commas: "
    "`media.example.org`, `*.cdn.example.org` for all names below it, `media.example.org:8443`, "
    "`http://old.example.org`. Addresses that are not public are never asked. None: nothing is "
    "fetched.",
)
WEBHOOK_HOSTS: Final = Variable(
    "RECIRC_WEBHOOK_HOSTS",
    "",
    "The hosts that may be told of finished jobs, written as those of RECIRC_FETCH_HOSTS. None: "
    "a job takes no webhook.",
)
WEBHOOK_SECRET: Final = Variable(
    "RECIRC_WEBHOOK_SECRET",
    "",
    "What webhooks are signed with: `whsec_` and 24 to 64 bytes in base64. Two with a comma while "
    "one takes the other's place: each message is signed with both.",
)
HOSTS: Final = Variable(
    "RECIRC_HOSTS",
    "",
    "Host names, with commas between them, that the service answers for beside localhost and its "
    "own address; without any, those two on loopback, and beyond it every name.",
)
BODY_LIMIT_BYTES: Final = Variable(
    "RECIRC_BODY_LIMIT_BYTES",
    "268435456",  # 256 MiB; request bodies are held in memory
    "The longest request body in bytes, at least 1024; longer ones are refused.",
)
WORKERS: Final = Variable(
    "RECIRC_WORKERS",
    "1",
    "Processes of `recirc serve` on one port, each with its own decoders and threads; Linux only. "
    "Limits of keys are kept by each for itself.",
)
DRAIN_S: Final = Variable(
    "RECIRC_DRAIN_S",
    "0",
    "Seconds, at most 10, that the service goes on after it was told to stop, while `/readyz` says "
    "`draining`: for as long as a load balancer takes to notice.",
)
LOG: Final = Variable(
    "RECIRC_LOG",
    "`text` on a terminal, else `json`",
    "How `recirc serve` logs on standard error: `json`, an object a line, or `text`.",
)
LIST_MAX_AGE_S: Final = Variable(
    "RECIRC_LIST_MAX_AGE_S",
    "0",
    "Seconds that a list may go without a new reference before `/readyz` says `stale_list`; "
    "0 is for ever.",
)
INDEX: Final = Variable(
    "RECIRC_INDEX",
    "the database's name with .index behind it",
    "The folder of index files, with one in it for each database: long lists begin with them "
    "and are not read anew. They hold what the lists hold and can be deleted at any time; where "
    "they cannot be written they are missed.",
)
SANDBOX: Final = Variable(
    "RECIRC_SANDBOX",
    "full",
    "How decoders are locked up: `full`, or `limits-only` where the system cannot do it; every "
    "answer then says `sandbox_limits_only`. The option --sandbox goes before it.",
)
CHECK_WALL_S: Final = Variable(
    "RECIRC_CHECK_WALL_S",
    "1800",  # 2 h of 1080p take half of it on one slow processor
    "Seconds that decoding one clip may take; then it is `limit_wall`.",
)
CHECK_CPU_S: Final = Variable(
    "RECIRC_CHECK_CPU_S",
    "1800",
    "Seconds of processor time that decoding one clip may take; then it is `limit_cpu`.",
)
CHECK_MEMORY_MIB: Final = Variable(
    "RECIRC_CHECK_MEMORY_MIB",
    "768",  # 4096 by 4096 pixels with 16 frames of reference fit
    "Memory in MiB that decoding one clip may take, at least 192; beyond it is `limit_memory`.",
)


class Sandbox(StrEnum):
    """How decoders are to be locked up."""

    FULL = "full"
    LIMITS_ONLY = "limits-only"


class LogForm(StrEnum):
    """How the service logs."""

    JSON = "json"  # for what collects logs
    TEXT = "text"  # for people


# What one clip may take; ``hashing.media.Limits`` says where each default comes from. Each code is
# what an answer has when the limit was reached.
_MEDIA_LIMITS: Final = {
    "frame_pixels": "The most pixels in one video frame (`limit_frame_pixels`).",
    "still_pixels": "The most pixels in one still picture (`limit_still_pixels`).",
    "frames": "The most frames of one clip, in all its tracks (`limit_frames`).",
    "total_pixels": "The most pixels in all decoded frames of one clip (`limit_pixels`).",
    "seconds": "The longest clip in seconds of playing time (`limit_seconds`).",
    "packets": "The most packets of one clip, sound included (`limit_packets`).",
    "tracks": "The most video tracks of one clip (`limit_tracks`).",
    "films": "The most further films in one file (`limit_films`).",
    "media_bytes": "The longest standard input or pipe in bytes, held in memory (`limit_bytes`).",
    "picture_bytes": "The longest picture or animation file in bytes (`limit_picture_bytes`).",
    "animation_pixels": "The most pixels in all frames of one GIF, APNG, WebP or AVIF animation "
    "(`limit_animation_pixels`).",
}
_ARCHIVE_LIMITS: Final = {
    "members": "The most members of one archive, with those inside it (`zip_limit_members`).",
    "contents_bytes": "The longest table of contents of an archive (`zip_limit_contents`).",
    "member_bytes": "The longest member of an archive, unpacked (`zip_limit_bytes`).",
    "total_bytes": "The most bytes that one archive may unpack to (`zip_limit_total`).",
    "ratio": "The most unpacked bytes for each packed one (`zip_limit_ratio`).",
    "ratio_from_bytes": "Members that unpack to less than this may have any ratio.",
    "nesting": "The most archives inside one another that are opened (`zip_nested`).",
}
_MOST_LIMIT: Final = 2**50  # of any unit: as good as none
_MOST_STILL_PIXELS: Final = 89_478_485  # Pillow's own limit, which stays


def _limit_variables(
    prefix: str, meanings: Mapping[str, str], defaults: Mapping[str, int]
) -> dict[str, Variable]:
    """A variable for each limit, by the limit's own name."""
    return {
        name: Variable(f"{prefix}_{name.upper()}", str(defaults[name]), meaning)
        for name, meaning in meanings.items()
    }


MEDIA_LIMITS: Final = _limit_variables("RECIRC_LIMIT", _MEDIA_LIMITS, asdict(Limits()))
ARCHIVE_LIMITS: Final = _limit_variables(
    "RECIRC_ZIP_LIMIT", _ARCHIVE_LIMITS, asdict(DEFAULT_LIMITS)
)
SERVICE_LIMITS: Final = _limit_variables("RECIRC", MEANINGS, asdict(ServiceLimits()))
VARIABLES: Final = (
    DATABASE,
    INDEX,
    HOST,
    PORT,
    HOSTS,
    FETCH_HOSTS,
    WEBHOOK_HOSTS,
    WEBHOOK_SECRET,
    BODY_LIMIT_BYTES,
    WORKERS,
    DRAIN_S,
    LOG,
    LIST_MAX_AGE_S,
    SANDBOX,
    CHECK_WALL_S,
    CHECK_CPU_S,
    CHECK_MEMORY_MIB,
    *MEDIA_LIMITS.values(),
    *ARCHIVE_LIMITS.values(),
    *SERVICE_LIMITS.values(),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """All that a deployment may choose. ``index``: None keeps no index files. ``log``: None is as
    standard error has it. ``list_max_age_s``: None is for ever.

    ``hosts``: names that requests may be for, beside those of this machine.

    ``media``: what one clip may take; ``archives``: what one zip archive may; ``limits``: what the
    service takes on.
    """

    database: Path
    host: str
    port: int
    body_limit_bytes: int
    sandbox: Sandbox
    check_wall_s: int
    check_cpu_s: int
    check_memory_mib: int
    index: Path | None = None
    hosts: frozenset[str] = frozenset()
    workers: int = 1
    drain_s: int = 0
    fetch_hosts: tuple[AllowedHost, ...] = ()
    webhook_hosts: tuple[AllowedHost, ...] = ()
    webhook_secrets: tuple[bytes, ...] = field(default=(), repr=False)
    log: LogForm | None = None
    list_max_age_s: int | None = None
    media: Limits = field(default_factory=Limits)
    archives: ArchiveLimits = DEFAULT_LIMITS
    limits: ServiceLimits = field(default_factory=ServiceLimits)


def from_environment(
    environment: Mapping[str, str],
    *,
    database: Path | None = None,
    host: str | None = None,
    port: int | None = None,
    sandbox: str | None = None,
) -> Settings:
    """The settings; each argument goes before its variable, each variable before its default.

    A variable that is set to nothing counts as not set. Raises BadSetting, naming the variable.
    """
    path = _database(environment, database)
    return Settings(
        database=path,
        host=_host(host if host is not None else _value(environment, HOST)),
        port=_whole(PORT, _value(environment, PORT) if port is None else str(port), 0, 65_535),
        body_limit_bytes=_whole(
            BODY_LIMIT_BYTES, _value(environment, BODY_LIMIT_BYTES), 1024, 2**40
        ),
        sandbox=_sandbox(_value(environment, SANDBOX) if sandbox is None else sandbox),
        check_wall_s=_whole(CHECK_WALL_S, _value(environment, CHECK_WALL_S), 1, _DAY_S),
        check_cpu_s=_whole(CHECK_CPU_S, _value(environment, CHECK_CPU_S), 1, _DAY_S),
        check_memory_mib=_whole(
            CHECK_MEMORY_MIB, _value(environment, CHECK_MEMORY_MIB), 192, 1024 * 1024
        ),
        index=_index(environment, path),
        hosts=_hosts(_value(environment, HOSTS)),
        workers=_whole(WORKERS, _value(environment, WORKERS), 1, 64),
        drain_s=_whole(DRAIN_S, _value(environment, DRAIN_S), 0, 10),
        fetch_hosts=outward.hosts(FETCH_HOSTS.name, _value(environment, FETCH_HOSTS)),
        webhook_hosts=outward.hosts(WEBHOOK_HOSTS.name, _value(environment, WEBHOOK_HOSTS)),
        webhook_secrets=outward.secrets(WEBHOOK_SECRET.name, _value(environment, WEBHOOK_SECRET)),
        log=_log(environment.get(LOG.name)),
        list_max_age_s=_whole(LIST_MAX_AGE_S, _value(environment, LIST_MAX_AGE_S), 0, _MOST_AGE_S)
        or None,
        media=Limits(**_limits(environment, MEDIA_LIMITS)),
        archives=ArchiveLimits(**_limits(environment, ARCHIVE_LIMITS)),
        limits=ServiceLimits(**_limits(environment, SERVICE_LIMITS)),
    )


def _limits(environment: Mapping[str, str], variables: Mapping[str, Variable]) -> dict[str, int]:
    return {
        name: _whole(variable, _value(environment, variable), _least(name), _most(name))
        for name, variable in variables.items()
    }


def _most(name: str) -> int:
    return _MOST_STILL_PIXELS if name == "still_pixels" else _MOST_LIMIT


def _least(name: str) -> int:
    """Without archives in archives, or further films, clips are still checked."""
    return 0 if name in ("nesting", "films") else LEAST.get(name, 1)


def _value(environment: Mapping[str, str], variable: Variable) -> str:
    return environment.get(variable.name) or variable.default


def _database(environment: Mapping[str, str], chosen: Path | None) -> Path:
    named = environment.get(DATABASE.name)
    if chosen is None and not named:
        from platformdirs import user_data_path  # noqa: PLC0415  # seldom needed: loaded late

        return user_data_path("recirc") / "recirc.sqlite3"
    path = Path(named or "") if chosen is None else chosen
    if "\0" in str(path) or path.is_dir():
        raise BadSetting(f"{DATABASE.name} (--db): {str(path)!a} is not the name of a file")
    try:
        return path.expanduser()
    except RuntimeError as problem:
        raise BadSetting(f"{DATABASE.name} (--db): {str(path)!a}: {problem}") from problem


def _index(environment: Mapping[str, str], database: Path) -> Path:
    named = environment.get(INDEX.name)
    if not named:
        return database.with_name(f"{database.name}.index")
    if "\0" in named or Path(named).is_file():
        raise BadSetting(f"{INDEX.name}: {named!a} is not the name of a folder")
    # Databases may have lists of the same name.
    told = hashlib.sha256(os.fsencode(database.absolute())).hexdigest()[:8]
    return Path(named).absolute() / f"{database.name}-{told}"


def _host(untrusted: str) -> str:
    if not untrusted or not untrusted.isascii() or not untrusted.isprintable() or " " in untrusted:
        raise BadSetting(f"{HOST.name} (--host): {untrusted!a} is not an address or host name")
    return untrusted


def _hosts(untrusted: str) -> frozenset[str]:
    names = frozenset(one.strip().lower() for one in untrusted.split(",")) - {""}
    for name in names:
        if not _HOST_NAME.fullmatch(name):
            raise BadSetting(f"{HOSTS.name}: {name[:80]!a} is no host name (and takes no port)")
    return frozenset(name.strip("[]") for name in names)


def _sandbox(untrusted: str) -> Sandbox:
    try:
        return Sandbox(untrusted.strip())
    except ValueError as problem:
        known = " or ".join(Sandbox)
        raise BadSetting(
            f"{SANDBOX.name} (--sandbox): {untrusted[:40]!a} is not {known}"
        ) from problem


def _log(untrusted: str | None) -> LogForm | None:
    if not untrusted:
        return None
    try:
        return LogForm(untrusted.strip())
    except ValueError as problem:
        known = " or ".join(LogForm)
        raise BadSetting(f"{LOG.name}: {untrusted[:40]!a} is not {known}") from problem


def _whole(variable: Variable, untrusted: str, least: int, most: int) -> int:
    text = untrusted.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise BadSetting(f"{variable.name}: {untrusted[:40]!a} is not a whole number")
    if not least <= int(text) <= most:
        raise BadSetting(f"{variable.name}: {text} is not from {least} to {most}")
    return int(text)
