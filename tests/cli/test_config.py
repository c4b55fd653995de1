"""A config file says what the call in Python would say, or is refused by name."""

import inspect
import json

import pytest

import adbudget
from adbudget.cli.config import (
    KEYS,
    RECORDS,
    TABLE_KEYS,
    panel_arguments,
    read_config,
    recommend_arguments,
)
from adbudget.errors import InputError
from adbudget.plan import Group, Limits
from adbudget.risk import Risk

EVERYTHING = """
columns: {date: day}
missing_spend: zero
currency: {a: EUR, 7: USD}
holidays: {a: DE, 7: US}
seed: 3
limits:
  change: {a: {search: 0.1, social: [0.2, 0.5]}}
  total: fixed
  max_share: 0.6
  fixed: [display, [a, video]]
  step: 10
  beyond_observed: true
  groups:
    - {name: google, channels: [search, video], maximum: 500}
risk: {aversion: 0.0}
priors: {roi_median: 2.0, half_life_days: [1, 7, 28]}
thresholds: {prob: 0.9}
current: {a: {search: 100.0}}
policy: rules.yaml
lift_tests: tests.csv
forgetting: auto
"""


@pytest.fixture
def written(tmp_path):
    def write(text: str, name: str = "c.yaml"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


def test_every_argument_of_recommend_is_a_key():
    parameters = inspect.signature(adbudget.recommend).parameters.values()
    arguments = {one.name for one in parameters if one.kind is one.KEYWORD_ONLY}
    assert set(KEYS) - set(TABLE_KEYS) == arguments - {"progress"}


def test_mappings_become_the_records_of_python(written):
    arguments = recommend_arguments(read_config(written(EVERYTHING)))
    assert arguments["limits"] == Limits(
        change={("a", "search"): 0.1, ("a", "social"): (0.2, 0.5)},
        total="fixed",
        max_share=0.6,
        fixed=("display", ("a", "video")),
        step=10,
        beyond_observed=True,
        groups=(Group(name="google", channels=("search", "video"), maximum=500),),
    )
    assert arguments["risk"] == Risk(aversion=0.0)
    assert arguments["priors"].half_life_days == (1, 7, 28)
    assert arguments["thresholds"].prob == 0.9
    assert arguments["current"] == {("a", "search"): 100.0}
    assert arguments["currency"] == {"a": "EUR", "7": "USD"}
    assert set(RECORDS) < set(arguments)
    assert arguments["policy"] == "rules.yaml", "files stay paths"
    assert arguments["lift_tests"] == "tests.csv"
    assert arguments["forgetting"] == "auto"


@pytest.mark.parametrize(
    ("written_as", "read"), [("364", 364), ("'364'", 364.0), ("auto", "auto"), ("soon", "soon")]
)
def test_a_half_life_is_a_number_however_it_is_written(written, written_as, read):
    settings = read_config(written(f"forgetting: {written_as}\n"))
    assert recommend_arguments(settings) == {"forgetting": read}


def test_the_panel_takes_its_own_keys_only(written):
    settings = read_config(written(EVERYTHING))
    assert set(panel_arguments(settings)) == {*("columns", "missing_spend", "currency", "holidays")}


def test_yaml_json_and_toml_say_the_same(written):
    settings = {"limits": {"change": [0.2, 0.5]}, "channels": ["a", "b"]}
    toml = 'channels = ["a", "b"]\n[limits]\nchange = [0.2, 0.5]\n'
    yaml = "channels: [a, b]\nlimits:\n  change: [0.2, 0.5]\n"
    assert read_config(written(json.dumps(settings), "c.json")) == settings
    assert read_config(written(toml, "c.toml")) == settings
    assert read_config(written(yaml, "c.yml")) == settings


def test_countries_and_channels_called_no_and_on_stay_what_they_are(written):
    settings = read_config(written("currency: {NO: NOK}\nchannels: [on, yes]\n"))
    assert settings == {"currency": {"NO": "NOK"}, "channels": ["on", "yes"]}


def test_an_empty_file_changes_nothing(written):
    assert read_config(written("# nothing yet\n")) == {}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("limts: {change: 0.2}", "'limts' (did you mean 'limits'?)"),
        ("- a", "must be a mapping"),
        ("limits: 0.3", "limits must be a mapping"),
        ("draws: many", "draws must be a whole number"),
        ("lift_tests: [a, b]", "lift_tests must be the path of a file"),
        ("policy: {rules: []}", "policy must be the path of a file"),
        ("currency: {true: NOK}", "in quotes"),
        ("channels: [true]", "in quotes"),
        ("limits: {change: {a: {b: true}}}", "in quotes"),
        ("a: [1", "cannot be read as YAML"),
    ],
)
def test_a_config_that_cannot_be_used_says_why(written, text, why):
    with pytest.raises(InputError) as error:
        read_config(written(text))
    assert why in str(error.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("limits: {chnge: 0.2}", "'chnge' (did you mean 'change'?)"),
        ("limits: {change: -1}", "limits: change must be a fraction"),
        ("limits: {beyond_observed: maybe}", "limits: beyond_observed must be True or False"),
        ("limits: {change: {a: 0.2}}", "{account: {channel: value}}"),
        ("limits: {groups: [google]}", "a group must be a mapping"),
        ("limits: {groups: [{name: g, maxmum: 1}]}", "did you mean 'maximum'?"),
        ("risk: {aversion: high}", "risk cannot hold"),
        ("priors: {roi_median: -1}", "roi_median"),
    ],
)
def test_a_record_that_cannot_be_made_says_why(written, text, why):
    settings = read_config(written(text))
    with pytest.raises(InputError) as error:
        recommend_arguments(settings)
    assert why in str(error.value)


@pytest.mark.parametrize("name", ["none.yaml", "c.ini"])
def test_a_config_that_is_not_there_or_not_known_is_refused(tmp_path, name):
    with pytest.raises(InputError, match=name):
        read_config(tmp_path / name)
