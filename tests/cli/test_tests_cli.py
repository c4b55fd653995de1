"""adbudget tests: which tests are worth running, and a schedule to hand over."""

import pandas as pd
import pytest

import adbudget as ab


@pytest.fixture(scope="module")
def saved(noisy_fit, tmp_path_factory):
    path = tmp_path_factory.mktemp("tests") / "shops.fit"
    noisy_fit.save(path)
    return path


def test_the_command_prints_tests_and_writes_the_schedule(saved, noisy_fit, tmp_path, call):
    asked = ("--fit", saved, "--weeks", 8, "--budget", 10_000)
    code, out, err = call(
        "tests", *asked, "--schedule", tmp_path / "s.csv", "--out", tmp_path / "t.csv"
    )
    assert (code, err) == (0 if noisy_fit.health.ok else 1, err)
    assert "Tests of 8 weeks" in out
    table = pd.read_csv(tmp_path / "t.csv")
    assert list(table) == list(ab.plan_tests(noisy_fit, weeks=8, budget=10_000).to_frame())
    assert set(pd.read_csv(tmp_path / "s.csv")["test"]) == set(table.loc[table["chosen"], "test"])


def test_channels_that_no_test_may_move_are_counted(saved, noisy_fit, call):
    named = noisy_fit.panel.channels[0]
    _, out, _ = call("tests", "--fit", saved, "--weeks", 8, "--untested", named)
    assert "Not looked at: 3 of 9 account-channels" in " ".join(out.split())


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("--kinds", "wave"), "kinds must be some of"),
        (("--kinds", ","), "--kinds needs names with commas"),
        (("--holdout-error", "two"), "--holdout-error"),
        (("--start", "soon"), "start must be a date"),
        (("--margin", "0.4"), "--fit decides from what was learned already"),
    ],
)
def test_the_command_says_what_cannot_be_used(saved, call, asked, told):
    code, _, err = call("tests", "--fit", saved, *asked)
    assert code == 2
    assert told in err
