"""One reader of YAML, JSON and TOML: the same values, nothing twice, nothing endless."""

import datetime

import pytest

from adbudget import InputError, PolicyError, load_policy
from adbudget.tables.documents import LARGEST, parse_document, read_document

ENDINGS = (".yaml", ".json")


def nested_aliases(levels: int) -> str:
    """Ten aliases a level: ten to the power of the levels, written in a few lines."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, levels)]
    return "\n".join(lines)


def test_yaml_is_of_version_1_2():
    text = "a: 050\nb: no\nc: on\nd: 0o17\ne: 12:30\nf: 2026-03-01\ng: true\nh: ~"
    assert parse_document(text, "x") == {
        "a": 50,
        "b": "no",
        "c": "on",
        "d": 15,
        "e": "12:30",
        "f": datetime.date(2026, 3, 1),
        "g": True,
        "h": None,
    }


def test_aliases_and_merged_keys_stand_for_what_they_name():
    text = "a: &a {k: 1}\nb: *a\nc: {<<: *a, m: 2}"
    assert parse_document(text, "x") == {"a": {"k": 1}, "b": {"k": 1}, "c": {"k": 1, "m": 2}}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (nested_aliases(9), f"more than {LARGEST:,} values"),
        ("a: &a [*a]", "stands inside what it names"),
        ("a: *nope", "undefined alias 'nope'"),
        ("b: 1\na: {k: 1,\n k: 2}", "'k' is written twice, in lines 2 and 3"),
        ("%YAML 1.1\n---\na: 050", "only YAML 1.2"),
        ("[" * 150 + "]" * 150, "nested more than 100 deep"),
        ("[" * 5000, "cannot be read as YAML"),
        ("a: !!python/object:os.system x", "cannot be read as YAML"),
        ("a: 1\n--- \nb: 2", "cannot be read as YAML"),
        ("a: " + "9" * 5000, "cannot be read as YAML"),
        ("{}: 1", "cannot be read as YAML"),
    ],
)
def test_what_is_unclear_or_endless_is_refused(text, told):
    with pytest.raises(InputError, match=told):
        parse_document(text, "x")


def test_a_policy_of_nested_aliases_is_a_policy_error():
    with pytest.raises(PolicyError, match="counting those that aliases"):
        load_policy(nested_aliases(9))


def test_a_leading_zero_is_no_octal_number():
    assert load_policy("target_cpl: 050").targets == {"target_cpl": 50}


def test_json_and_toml_refuse_keys_written_twice():
    with pytest.raises(InputError, match="'a' is written twice"):
        parse_document('{"a": 1, "a": 2}', "x", ".json")
    with pytest.raises(InputError, match="cannot be read as TOML"):
        parse_document("a = 1\na = 2", "x", ".toml")


def test_a_file_is_read_by_its_ending_and_told_by_its_name(tmp_path):
    path = tmp_path / "c.json"
    path.write_text('{"a": 1}', encoding="utf-8")
    assert read_document(path, endings=ENDINGS, kind="a file") == {"a": 1}
    with pytest.raises(InputError, match=r"c\.toml: a file ends in \.yaml or \.json"):
        read_document(tmp_path / "c.toml", endings=ENDINGS, kind="a file")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8"):
        read_document(path, endings=ENDINGS, kind="a file")
