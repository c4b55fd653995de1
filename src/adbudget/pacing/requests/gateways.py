"""Address -> the gateway that speaks to a seller there. A new gateway is one entry of GATEWAYS."""

from collections.abc import Callable

import numpy as np

from adbudget.errors import InputError
from adbudget.pacing.requests.adcp import AdcpGateway
from adbudget.pacing.requests.gateway import SellerGateway
from adbudget.pacing.requests.mcp_calls import McpServer
from adbudget.pacing.requests.outbox import FileOutbox
from adbudget.pacing.requests.seller_api import HttpGateway

Open = Callable[[str, np.random.Generator, str | None], SellerGateway]


def open_gateway(
    address: str, *, rng: np.random.Generator, token: str | None = None
) -> SellerGateway:
    """Gateway of an address: "https://...", "adcp:https://.../mcp" or "outbox:FOLDER".

    Parameters
    ----------
    address : where the seller is reached; what stands before the colon says how
    rng : draws the waits between tries
    token : the buyer's key with this seller; None sends none

    Raises
    ------
    InputError : an address of another kind, or one that its gateway refuses

    Examples
    --------
    >>> type(requests.open_gateway("outbox:asked", rng=np.random.default_rng(0))).__name__
    'FileOutbox'
    """
    kind, colon, _ = address.partition(":")
    if not colon or kind not in GATEWAYS:
        raise InputError(
            "a seller agent lives at an address such as https://ads.example.org; got kind "
            f"{kind if colon else ''!r}. Known are {', '.join(f'{name}:' for name in GATEWAYS)}."
        )
    return GATEWAYS[kind](address, rng, token)


def _http(address: str, rng: np.random.Generator, token: str | None) -> SellerGateway:
    return HttpGateway(url=address, rng=rng, token=token)


def _outbox(address: str, rng: np.random.Generator, token: str | None) -> SellerGateway:
    folder = address.partition(":")[2]
    if not folder:
        raise InputError("an outbox needs its folder, as in outbox:requests/northstar.")
    return FileOutbox(folder=folder)


def _adcp(address: str, rng: np.random.Generator, token: str | None) -> SellerGateway:
    return AdcpGateway(server=McpServer(url=address.partition(":")[2], token=token))


GATEWAYS: dict[str, Open] = {
    "https": _http,
    "http": _http,
    "outbox": _outbox,
    "adcp": _adcp,
}
