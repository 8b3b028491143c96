"""Write what is made from the code: docs/cli.md, settings.md, api.md and errors.md.

python docs/generate.py            write them
python docs/generate.py --check    change nothing; exit 1 where a page is out of date
"""

import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Final

import typer
from typer.core import TyperGroup

_ROOT: Final = Path(__file__).resolve().parent.parent
_COLUMNS: Final = 80
_HEAD: Final = """# The command line

Made from the program by `python docs/generate.py`; change the program, not this page.

Without `--json` the output is for people and may change in wording. With `--json` there is one
object a line on standard output and all else goes to standard error. A command that was not done
prints one line `error-code: what is wrong, and the mend` on standard error.

## Folders and archives

Every file in them goes through the decoders. Where those find no picture, two kinds of files are
skipped: they are counted in one line (with `--json`, on standard error), have no answer of their
own and do not change the exit code.

- **text:** UTF-8 without control characters, of 32 MiB at most, with no picture written as text in
  it (SVG, base64), such as the chat itself and contacts; and empty files.
- **sound only:** a container with no picture, named as sound (`.opus`, `.ogg`, `.m4a` and so on),
  such as voice notes. recirc compares pictures; what is said in them is not looked at.

A file that is named like a video or picture is never skipped, nor is one that is named on the
command line itself. A folder or archive with nothing but skipped files was not checked
(`no_clips`).

## Exit codes

| code | means |
|---|---|
"""
_SETTINGS_HEAD: Final = """# Settings

Made from the program by `python docs/generate.py`. A command's option goes before the variable, and
a variable that is set to nothing counts as not set; a value that cannot be used is `bad_setting`.
`RECIRC_DEBUG=1` shows where an unexpected error came from; that may quote file names.

| variable | default | means |
|---|---|---|
"""
_MEANINGS: Final = {
    "DONE": "done; `check`: nothing was found in any clip",
    "FOUND": "`check` alone: at least one match or possible match; goes before 2",
    "NOT_DONE": "not done; `check`: a clip could not be checked, or a path could not be read",
    "INTERRUPTED": "stopped by Ctrl-C",
    "PIPE_CLOSED": "whoever read the output has gone, as `head` does",
}
# What keeps a path or an archive's member from being a clip; the other codes have words in
# service/wording.py, which the command itself prints.
_UNREAD: Final = {
    "unreadable_path": "the path does not exist, or may not be read",
    "empty_folder": "the folder has no file in it",
    "no_clips": "the folder or archive holds nothing but text or sound, which was skipped",
    "linked_folder": "a link to a folder outside the one that is walked; it is not followed",
    "not_a_file": "a pipe, socket or device inside a folder; it is not opened",
    "limit_bytes": "standard input is longer than is held in memory",
    "zip_damaged": "the archive or the member is damaged",
    "zip_empty": "the archive has no file in it",
    "zip_encrypted": "the member is encrypted",
    "zip_nested": "the member is an archive itself, inside more archives than are opened",
    "zip_unsupported": "the member is packed in another way than stored or deflated",
    "zip_limit_contents": "the archive's table of contents is too long",
    "zip_limit_members": "the archive has too many members",
    "zip_limit_bytes": "the member is too long",
    "zip_limit_total": "the member is too long together with those before it",
    "zip_limit_ratio": "the member unpacks to far more than media would",
    "internal_error": "a fault in recirc; please report it",
}


def pages() -> dict[Path, str]:
    """Each page's path and what has to stand in it."""
    return {
        _ROOT / "docs" / "cli.md": _command_line(),
        _ROOT / "docs" / "settings.md": _settings(),
        **_over_http(),
    }


def _over_http() -> dict[Path, str]:
    """What the OpenAPI document says."""
    import reference  # noqa: PLC0415  # beside this file

    document = reference.document()
    return {
        _ROOT / "docs" / "api.md": reference.api(document),
        _ROOT / "docs" / "errors.md": reference.errors(),
    }


def _settings() -> str:
    """A table of the environment variables."""
    from service.settings import VARIABLES  # noqa: PLC0415  # as above

    rows = "".join(f"| `{one.name}` | {one.default} | {one.meaning} |\n" for one in VARIABLES)
    return _SETTINGS_HEAD + rows


def stale() -> list[Path]:
    """The pages that are missing or not what the code makes."""
    return [
        path
        for path, text in pages().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


def main() -> int:
    """Write or check; the exit code."""
    if "--check" in sys.argv[1:]:
        old = stale()
        for path in old:
            sys.stderr.write(f"{path.relative_to(_ROOT)} is out of date: run docs/generate.py\n")
        return 1 if old else 0
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
    return 0


def _command_line() -> str:
    sys.path.insert(0, str(_ROOT))
    import cli  # noqa: PLC0415  # found only with the line above, from a checkout

    rows = "".join(f"| {int(code)} | {_MEANINGS[code.name]} |\n" for code in cli.Exit)
    command = typer.main.get_command(cli.app)
    if not isinstance(command, TyperGroup):
        raise TypeError("recirc has to be a group of commands")
    sections = "".join(
        f"\n## `{' '.join(('recirc', *words))}`\n\n```text\n{_help(command, words)}```\n"
        for words in _commands(command)
    )
    return _HEAD + rows + _problem_codes() + sections


def _problem_codes() -> str:
    """The table of ``problems``. Raises KeyError for a code that has no meaning here."""
    from service import archives, paths, wording  # noqa: PLC0415  # as above

    codes = [*paths.PathProblem, *archives.ArchiveProblem, "internal_error"]
    meanings = {code: what for code, (what, _) in wording.PROBLEMS.items()}
    meanings |= {str(code): _UNREAD[str(code)] for code in codes}
    rows = "".join(f"| `{code}` | {what} |\n" for code, what in sorted(meanings.items()))
    return (
        "\n## Problem codes\n\nWhy a clip was not checked, or not in full (`problems` in JSON).\n\n"
        f"| code | means |\n|---|---|\n{rows}"
    )


def _commands(command: object, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of each command, groups before their members."""
    yield words
    if isinstance(command, TyperGroup):
        for name, member in command.commands.items():
            yield from _commands(member, (*words, name))


def _help(command: TyperGroup, words: tuple[str, ...]) -> str:
    printed = StringIO()
    with redirect_stdout(printed):
        command.main(
            [*words, "--help"],
            prog_name="recirc",
            standalone_mode=False,
            terminal_width=_COLUMNS,
        )
    return "".join(f"{line.rstrip()}\n" for line in printed.getvalue().splitlines())


if __name__ == "__main__":
    sys.exit(main())
