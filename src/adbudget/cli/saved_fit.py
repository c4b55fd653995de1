"""--fit FILE -> a saved fit in the place of tables, and the settings that still mean something."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adbudget.cli.options import option_for
from adbudget.cli.terminal import note
from adbudget.display.stages import stage, watched
from adbudget.errors import InputError

if TYPE_CHECKING:
    from adbudget.model.fit import Fit


def load_fit(
    path: Path,
    files: list[str] | None,
    outcome: list[str] | None,
    options: Mapping[str, Any],
    settings: dict[str, Any],
    used: tuple[str, ...],
) -> "Fit":
    """Load it, and take out of ``settings`` what a fit that is made already cannot take.

    Parameters
    ----------
    path : of the saved fit
    files, outcome : the tables, which may not be given beside it
    options : what was given on the command line by name, which is refused where it has no effect
    settings : that and the config file; what only the file says is left out, and told
    used : names that have an effect

    Raises
    ------
    InputError : something is given that has no effect; there is no such file
    FileFormatError : it is no saved fit
    """
    flags = {name: flag.split(" ")[0] for name, flag in option_for().items()}
    idle = [flags.get(name, name) for name in options if name not in used]
    tables = {"FILE": files, "--outcome": outcome}
    idle = [name for name, table in tables.items() if table] + idle
    if idle:
        raise InputError(
            f"--fit decides from what was learned already, so {', '.join(idle)} would have no "
            "effect. Leave that out; or leave out --fit, and fit the tables again."
        )
    silent = [name for name in settings if name not in used]
    said = [name for name in silent if name != "today"]  # a day is always set
    if said:
        note(f"--fit: {', '.join(said)} of the config file are about data and fit, and not used.")
    for name in silent:
        del settings[name]
    try:
        with watched(), stage(f"reading {path}"):
            from adbudget.model.fit import Fit  # which takes longer than reading

            return Fit.load(path)
    except OSError as cause:
        raise InputError(f"{path} cannot be read: {cause.strerror or cause}.") from cause


def needed(files: list[str] | None) -> list[str]:
    """The tables of spend, which only a saved fit can stand in for.

    Raises
    ------
    InputError : it is not given
    """
    if not files:
        raise InputError("Missing argument 'FILE': the table of spend, or --fit and a saved fit.")
    return files
