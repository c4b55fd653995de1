"""check: tables nobody has described -> a proposed reading, as a command and a config file."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adbudget.cli.options import words_of
from adbudget.cli.terminal import say
from adbudget.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from adbudget.panel.proposal import Proposed

CONFIG_ENDINGS = (".yaml", ".yml", ".json")
NOT_SAID = ("today",)  # of the day the command runs on, not of the reading


def proposed(
    data: "list[pd.DataFrame]",
    outcome: "list[pd.DataFrame]",
    settings: Mapping[str, Any],
    problem: InputError,
) -> "Proposed":
    """The whole reading of tables that could not be read as they are.

    Raises
    ------
    InputError : the problem itself, when no reading of these tables is found
    """
    from adbudget.cli.config import panel_arguments
    from adbudget.panel.proposal import propose

    found = propose(data, outcome, panel_arguments(settings))
    given = panel_arguments(settings)
    if found.panel is None and set(found.options) <= set(given):
        raise problem
    return found


def show_proposed(
    found: "Proposed", files: list[str], outcome: list[str], problem: InputError
) -> None:
    """Print a proposed reading: its parts, its doubts, and the command that takes it."""
    say(f"Not read as it is: {problem}")
    say("\nProposed reading:")
    width = max((len(part) for part, _ in found.found), default=0)
    for part, how in found.found:
        say(f"  {part.ljust(width)}  {how}")
    for title, told in (("To decide", found.doubts), ("To know", found.cautions)):
        if told:
            say(f"\n{title}:")
            for one in told:
                say(f"  - {one[:1].upper()}{one[1:]}.")
    if found.panel is None:
        say(f"\nThis does not read yet: {found.problem}")
    say("\nTo take it, correct what is wrong and run:")
    say(f"  {command('check', files, outcome, found.options)}")
    more = "" if found.doubts else ", or --yes to take it now"
    say(f"Add --write-config FILE to keep it as settings{more}.")


def command(name: str, files: list[str], outcome: list[str], options: Mapping[str, Any]) -> str:
    """A command line that can be pasted into a shell."""
    words = ["adbudget", name, *files]
    for one in outcome:
        words += ["--outcome", one]
    for key, value in options.items():
        if key not in NOT_SAID:
            words += words_of(key, value)
    return shlex.join(words)


def write_config(path: Path, settings: Mapping[str, Any]) -> None:
    """Keep settings as a file for --config.

    Raises
    ------
    InputError : another ending, or the disk refuses
    """
    import json

    from adbudget.plain_json import to_plain
    from adbudget.tables.whole_files import replace_file

    if path.suffix.lower() not in CONFIG_ENDINGS:
        raise InputError(f"{path}: --write-config writes {', '.join(CONFIG_ENDINGS)} files.")
    kept = {key: to_plain(value) for key, value in settings.items() if key not in NOT_SAID}
    if path.suffix.lower() == ".json":
        text = json.dumps(kept, indent=1, ensure_ascii=False) + "\n"
    else:  # JSON values are YAML, and leave no doubt about a name such as no or 007
        lines = (f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in kept.items())
        text = "".join(lines)
    try:
        replace_file(path, text.encode())
    except OSError as cause:
        raise InputError(f"{path} cannot be written: {cause.strerror or cause}.") from cause
