"""Names and sizes of made-up worlds on the command line -> their specs."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adbudget.synthetic import WorldSpec


def preset_spec(name: str, option: str) -> "WorldSpec":
    """Spec of a preset; ``option`` is how messages call the option it was given to."""
    from adbudget.options import check_names
    from adbudget.synthetic import WorldSpec, families

    presets = {"agency": WorldSpec.agency(), "shop_daily": WorldSpec.shop_daily()} | families()
    check_names([name], presets, option)
    return presets[name]


def resized(
    spec: "WorldSpec", accounts: int | None, channels: int | None, periods: int | None
) -> "WorldSpec":
    """Another size where one is given; channels keep their names as far as they go."""
    from adbudget.synthetic import WorldSpec

    changes: dict[str, Any] = {}
    if accounts is not None:
        changes["n_accounts"] = accounts
    if periods is not None:
        changes["n_periods"] = periods
    if channels is not None:
        usual = WorldSpec(n_channels=channels).channel_names
        names = tuple(dict.fromkeys(spec.channels + usual))[:channels]
        duds = tuple(dud for dud in spec.dud_channels if dud in names)
        changes |= {"n_channels": channels, "channels": names, "dud_channels": duds}
    return replace(spec, **changes)
