"""An option is stated once: signature, defaults, did-you-mean, command line and config file."""

import inspect
import re
import sys
from typing import Annotated, TypedDict

import pytest
from typer.main import get_command

import adbudget
from adbudget import cli
from adbudget.cli.app import app
from adbudget.cli.config import KEYS, RECORDS, WHOLE_NUMBERS
from adbudget.cli.options import CHECK, RECOMMEND, FieldOptions, TableOptions, option_for
from adbudget.errors import InputError, nearest
from adbudget.options import Option, Shell, options_of, part_of, takes

TAKING = (adbudget.recommend, adbudget.read_panel, adbudget.fit)


class Few(TypedDict, total=False):
    draws: Annotated[int, Option(help="Kept draws", default=1000)]
    currency: Annotated["str | None", Option(help="Code", shell=Shell(kind="text"))]


@takes(Few)
def count(panel: str, *, seed: int, **options: object) -> dict[str, object]:
    """Count what is taken."""
    return {"panel": panel, "seed": seed, **options}


def test_what_is_not_given_is_filled_in():
    assert count("p", seed=1) == {"panel": "p", "seed": 1, "draws": 1000, "currency": None}
    assert count("p", seed=1, draws=5)["draws"] == 5


def test_the_signature_shows_names_types_and_defaults():
    shown = "(panel: str, *, seed: int, draws: int = 1000, currency: str | None = None)"
    assert str(inspect.signature(count)).startswith(shown)
    assert count.__doc__ == "Count what is taken."


@pytest.mark.parametrize("function", TAKING, ids=lambda function: function.__name__)
def test_an_unknown_name_is_refused_with_the_nearest(function):
    with pytest.raises(InputError, match=r"unknown 'dras'.*Known are") as error:
        function(None, dras=1, seed=0)
    if function is not adbudget.read_panel:
        assert "did you mean 'draws'?" in str(error.value)


def test_a_part_holds_what_its_statement_knows():
    assert part_of(Few, {"draws": 3, "seed": 1}) == {"draws": 3}


@pytest.mark.parametrize("function", TAKING, ids=lambda function: function.__name__)
def test_every_name_of_the_signature_is_documented(function):
    parameters = inspect.signature(function).parameters
    section = inspect.cleandoc(function.__doc__).split("Parameters\n")[1].split("Returns\n")[0]
    told = re.findall(r"^([a-z][a-z_, ]*) :", section, flags=re.MULTILINE)
    names = [name for names in told for name in re.split(r",\s*", names)]
    assert sorted(names) == sorted(parameters)


def test_recommend_takes_what_the_command_line_and_config_files_are_made_from():
    stated = options_of(*RECOMMEND)
    keywords = {
        name: one.default
        for name, one in inspect.signature(adbudget.recommend).parameters.items()
        if one.kind is one.KEYWORD_ONLY
    }
    of_tables = set(options_of(TableOptions))
    assert {n: one.default for n, one in stated.items() if n not in of_tables} == keywords
    assert set(KEYS) == set(stated) - {"progress"}
    assert set(RECORDS) == {"limits", "risk", "priors", "thresholds"}
    assert set(WHOLE_NUMBERS) == {"seed", "draws", "tune", "chains", "cores"}


@pytest.mark.parametrize("command", ["recommend", "check"])
def test_help_says_what_is_stated(command, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["adbudget", command, "--help"])
    monkeypatch.setenv("COLUMNS", "300")
    with pytest.raises(SystemExit):
        cli.main()
    told = " ".join(capsys.readouterr().out.replace("│", " ").split())
    flags = option_for()
    parameters = {one.name for one in get_command(app).commands[command].params}
    stated = options_of(*((*RECOMMEND, FieldOptions) if command == "recommend" else CHECK))
    own = {"files", "outcome", "config", "fit", "out", "why", "everything", "no_color", "help"}
    own |= {"keep", "yes", "page", "cluster", "workers", "work"}
    assert parameters - own == set(flags) & set(stated)
    for name in set(flags) & set(stated):
        option = stated[name]
        assert flags[name].split(" ")[0] in told
        end = "" if option.default is None else f"; {option.default} if not given."
        assert f"{option.help}{end}" in told


def test_letters_in_another_order_are_likelier_a_slip_than_another_letter():
    assert nearest("target_clp", ["target_cpa", "target_cpm", "target_cpl"]) == "target_cpl"
    assert nearest("spnd", ["spend", "outcome"]) == "spend"
    assert nearest("xyz", ["abc"]) is None
