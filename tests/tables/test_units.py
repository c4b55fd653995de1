"""Units: names of campaigns that no two accounts share, and keys that any name gives."""

import pytest
from hypothesis import given, strategies as st

from adbudget import InputError
from adbudget.tables.units import key_part, scope_of, split_unit, unit_of

plain = st.text(max_size=12).filter(lambda text: "::" not in text and not text.endswith(":"))


def test_a_campaign_of_nobody_is_called_by_its_name_alone():
    assert unit_of("brand") == "brand"
    assert unit_of("brand", scope_of("acme")) == "acme::brand"
    assert unit_of("brand", scope_of("acme", "google")) == "google/acme::brand"


@given(plain, st.text(max_size=12))
def test_scope_and_name_come_back_whatever_the_name(account, name):
    assert split_unit(unit_of(name, scope_of(account))) == (account, name)


@pytest.mark.parametrize(("account", "platform"), [("a::b", ""), ("a:", ""), ("", "a/b")])
def test_signs_that_stand_between_the_parts_are_refused_in_them(account, platform):
    with pytest.raises(InputError, match=r"must not hold|stands between"):
        scope_of(account, platform)


@given(st.text(max_size=400), st.text(max_size=400))
def test_every_name_makes_a_short_printable_key_of_its_own(one, other):
    keys = [key_part(name) for name in (one, other)]
    assert all(len(key) <= 170 and key.isprintable() for key in keys)
    assert (keys[0] == keys[1]) == (one == other)
