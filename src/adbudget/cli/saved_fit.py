"""Tables, or --fit FILE in their place -> a fit, and the settings that still mean something."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adbudget.cli.options import option_for
from adbudget.cli.panel_tables import read_tables
from adbudget.cli.terminal import note
from adbudget.display.stages import stage, watched
from adbudget.errors import InputError
from adbudget.model.options import SeededFitOptions
from adbudget.options import part_of

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


def fit_of(files: list[str], outcome: list[str] | None, settings: dict[str, Any]) -> "Fit":
    """Tables and settings -> a fit, with the arguments that recommend takes."""
    from adbudget.cli.config import panel_arguments, recommend_arguments
    from adbudget.model.storage import EXAMPLE
    from adbudget.tables.files import read_table
    from adbudget.tables.whole_files import check_place

    arguments = recommend_arguments(settings)
    save_fit = arguments.pop("save_fit", None)
    if save_fit is not None:
        check_place(Path(save_fit), EXAMPLE)  # before minutes go into a fit
    if "lift_tests" in arguments:
        names = ("account", "channel")
        arguments["lift_tests"] = read_table(Path(arguments["lift_tests"]), names)
    data, outcome_data = read_tables(files, outcome, settings)

    import adbudget

    panel = adbudget.read_panel(data, outcome_data, **panel_arguments(settings))
    how: dict[str, Any] = {"seed": 0} | dict(part_of(SeededFitOptions, arguments))
    fitted = adbudget.fit(panel, **how)
    if save_fit is not None:
        fitted.save(save_fit)
    return fitted
