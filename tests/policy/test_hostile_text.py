"""Names that would be obeyed, numbers without an end, aliases that multiply."""

import pandas as pd
import pytest

from adbudget import InputError, PolicyError, load_policy, open_ledger
from adbudget.cli.terminal import show
from adbudget.policy.apply import apply_policy, rerun
from adbudget.reporting.policy import policy_report
from tests.policy.test_standing import at

HOSTILE = [
    *("\x1b[2J\x1b[31mRED\x1b[0m", "=cmd|'/C calc'!A0", "'; DROP TABLE ledger_entry;--"),
    *("\u202egnp.exe", "a\tb", "two\nlines", "\x07bell", "[bold red]rich[/]", "n" * 400),
]
RULES = {"target_cpl": 50, "rules": [{"name": "r", "trigger": "cpl < 40", "action": "hold"}]}


def frame_of(names) -> pd.DataFrame:
    return pd.DataFrame({"campaign_id": names, "budget": 100, "cpl": 35.0})


def test_a_ledger_holds_any_name_under_keys_that_can_be_printed(tmp_path):
    with open_ledger(tmp_path / "l.db") as ledger:
        plan = apply_policy(load_policy(RULES), frame_of(HOSTILE), ledger=ledger, as_of=at(2))
        entries = ledger.entries(kind="recommendation")
        assert entries["unit"].tolist() == HOSTILE
        assert all(key.isprintable() and len(key) <= 250 for key in entries["key"])
        assert ledger.replay(plan.run_id, rerun).identical


def test_no_name_of_a_page_moves_the_cursor_or_breaks_a_line(capsys):
    plan = apply_policy(load_policy(RULES), frame_of(HOSTILE), as_of=at(2))
    show(lambda width: policy_report(plan, width=width, show="all"), no_color=False)
    out = capsys.readouterr().out
    assert not {"\x1b", "\x07", "\u202e", "\t"} & set(out)
    assert "two\\u000alines" in out


def test_a_name_that_no_ledger_can_hold_is_refused_at_reading_with_its_row():
    with pytest.raises(InputError, match=r"campaign_id holds a character .* in row 1"):
        apply_policy(load_policy(RULES), frame_of(["fine", "a\0b"]), as_of=at(2))


@pytest.mark.parametrize("action", ["increase_budget_{}%", "decrease_budget_{}%"])
def test_an_amount_of_four_hundred_digits_is_a_policy_error(action):
    rules = [{"name": "r", "trigger": "cpl < 40", "action": action.format("9" * 400)}]
    with pytest.raises(PolicyError, match=r'rules\[0\] "r": action'):
        load_policy({"target_cpl": 50, "rules": rules})


def test_aliases_that_multiply_are_refused():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    with pytest.raises(PolicyError, match=r"aliases \(\*name\) repeat"):
        load_policy("\n".join(lines))
