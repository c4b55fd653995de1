"""A metric is one entry: its words, column, target, texts and documentation follow from it."""

import re
from pathlib import Path

import pytest

from adbudget import InputError, PolicyError, apply_policy, load_policy
from adbudget.policy.file import policy_schema
from adbudget.policy.metrics import registry
from adbudget.policy.metrics.registry import METRICS, words_table
from adbudget.policy.metrics.wording import evidence_text, figure_text
from tests.policy.worked import AS_OF, table

WORDS = Path(__file__).parents[2] / "docs" / "guide" / "policy-language.md"
RULE = """
rules:
- {{name: watched, trigger: "{trigger}", action: increase_budget_10%}}
"""


@pytest.fixture
def vtr(monkeypatch):
    """The one entry."""
    rate = registry._rate("view-through rate", "clicks", "impressions")
    monkeypatch.setitem(registry.METRICS, "vtr", rate)


def policy_with(trigger: str, target: str = "") -> str:
    return target + RULE.format(trigger=trigger)


@pytest.mark.usefixtures("vtr")
def test_a_new_metric_is_read_from_its_column_and_told_as_a_percentage():
    policy = load_policy(policy_with("vtr > target", "target_vtr: 30%"))
    frame = table(("A", 1000, 50), ("B", 1000, 50), vtr=[0.4, 0.1])
    plan = apply_policy(policy, frame, as_of=AS_OF)
    assert plan.of("A").rule_fired == "watched"
    assert "with vtr 40% and target_vtr 30%" in plan.of("A").rationale
    assert not plan.of("B").rule_fired


@pytest.mark.usefixtures("vtr")
def test_a_new_metric_is_worked_out_from_its_parts():
    policy = load_policy(policy_with("vtr >= 40%"))
    frame = table(("A", 1000, 50), clicks=[400], impressions=[1000])
    assert "vtr 40%" in apply_policy(policy, frame, as_of=AS_OF).of("A").rationale


@pytest.mark.usefixtures("vtr")
@pytest.mark.parametrize(
    ("text", "told"),
    [
        (policy_with("vtr > 25"), r"column 7: vtr is a share, at most 100%; .* write 25%"),
        (policy_with("25 < vtr"), r"column 1: vtr is a share, at most 100%; .* write 25%"),
        (policy_with("vtr > 150%"), "vtr is a share, at most 100%"),
        (policy_with("vtrr > 25%"), "unknown word 'vtrr'; did you mean 'vtr'"),
        (policy_with("vtr_chnge > 25% in 24h"), "did you mean 'vtr_change'"),
        (policy_with("vtr > target"), "no target for vtr; add 'target_vtr: ...'"),
        ("target_vtr: 25", "target_vtr: vtr is a share, at most 100%; .* write 25%"),
        ("target_vtrr: 25%", "unknown key 'target_vtrr' .did you mean 'target_vtr'"),
        (policy_with("vtr > spend"), "cannot be compared with money"),
    ],
)
def test_a_new_metric_is_checked_and_suggested(text, told):
    with pytest.raises(PolicyError, match=told):
        load_policy(text)


@pytest.mark.usefixtures("vtr")
def test_a_new_metric_is_refused_where_it_cannot_be_and_suggested_for_its_column():
    policy = load_policy(policy_with("cpl < 5"))
    with pytest.raises(InputError, match=r"vtr is above 1 in row 0 .* 25\.0?"):
        apply_policy(policy, table(("A", 1000, 50), vtr=[25.0]), as_of=AS_OF)
    notes = apply_policy(policy, table(("A", 1000, 50), vrt=[0.25]), as_of=AS_OF).notes
    assert any("'vrt' may be meant as" in note.message for note in notes)


@pytest.mark.usefixtures("vtr")
def test_a_new_metric_is_in_the_schema_and_in_the_listing():
    assert policy_schema()["properties"]["target_vtr"]["description"].startswith("Target of vtr")
    line = "| `vtr` | view-through rate | percentage | clicks / impressions | `target_vtr` |"
    assert line in words_table()


def test_the_documentation_lists_every_metric():
    assert words_table() in WORDS.read_text(encoding="utf-8"), "put words_table() into the page"


def test_parts_of_a_metric_stand_above_it():
    names = list(METRICS)
    for name, metric in METRICS.items():
        assert all(names.index(part) < names.index(name) for part in metric.parts)


@pytest.mark.parametrize(
    ("value", "label", "text"),
    [
        (0.4, "ctr", "40%"),
        (0.0123, "target_ctr", "1.23%"),
        (1.5, "spend_pace 1 day before", "150%"),
        (0.525, "cpl_change", "+52.5%"),
        (123.4, "cpl_change", "+123.4"),
        (1234.5, "spend", "1,234.50"),
        (35, "cpl", "35"),
        (2.5, "roas", "2.50"),
        (1000, "impressions", "1,000"),
        (5, "paused campaigns", "5"),
    ],
)
def test_figures_are_told_as_people_write_them(value, label, text):
    assert figure_text(value, label) == text
    assert evidence_text({label: value}) == f"{label} {text}"


def test_no_file_but_the_registry_lists_metrics():
    folder = Path(registry.__file__).parents[1]
    pattern = re.compile(r'"c(?:tr|vr|pc|pm)"')
    listing = [p.name for p in folder.rglob("*.py") if pattern.search(p.read_text("utf-8"))]
    assert listing == ["registry.py"]
