"""What a person wrote on the command line -> pairs, an instant, a name, an open ledger."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from adbudget.errors import InputError

if TYPE_CHECKING:
    from adbudget.ledger import Ledger

BOUND = "ADBUDGET_IDENTITY"  # environment variable: whether names are those of users


def pair_of(text: str, option: str, form: str) -> tuple[str, str]:
    """Split what an option was given as NAME=VALUE; ``form`` is how the option calls the two."""
    name, equals, value = (part.strip() for part in text.partition("="))
    if not (name and equals and value):
        raise InputError(f"{option} must be written {form}; got {text!r}.")
    return name, value


def pairs_of(texts: Iterable[str], option: str, form: str) -> dict[str, str]:
    """Pairs of an option that may be repeated, but not for the same name."""
    pairs: dict[str, str] = {}
    for text in texts:
        name, value = pair_of(text, option, form)
        if name in pairs:
            raise InputError(f"{option} names {name!r} twice; give it once.")
        pairs[name] = value
    return pairs


def share_of(text: str, option: str) -> float:
    """0.2 or 20% -> 0.2."""
    written = text.strip()
    percent = written.endswith("%")
    try:
        number = float(written.removesuffix("%"))
    except ValueError:
        raise InputError(f"{option} must be a share such as 0.2 or 20%; got {text!r}.") from None
    return number / 100 if percent else number


def open_existing(address: str, *, read_only: bool = False) -> "Ledger":
    """Open a ledger that exists: a mistyped path must not start a new one."""
    from adbudget.ledger import open_ledger

    return open_ledger(address, create=False, read_only=read_only)


def person(who: str | None) -> str:
    """Who decides: as given, or the login name; with ADBUDGET_IDENTITY=login only the latter."""
    import os

    from adbudget.ledger.identity import LOGIN, check_login, login_name

    if who is None:
        return login_name()
    if not who.strip():
        raise InputError("--who must name the person who decides; got an empty text.")
    bound = os.environ.get(BOUND, "")
    if bound not in ("", "stated", LOGIN):
        raise InputError(f"{BOUND} must be {LOGIN} or stated; got {bound!r}.")
    if bound == LOGIN:
        check_login(who)
    return who


def today() -> str:
    """Today's date where this process runs, as "2026-03-01"."""
    return date.today().isoformat()


def instant(text: str | None, option: str) -> datetime:
    """Now, or what was written: an instant with its offset, or a date, which begins in UTC."""
    if text is None:
        return datetime.now(UTC)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is not None and len(text) == len("2026-03-01"):
        return at.replace(tzinfo=UTC)
    if at is None or at.utcoffset() is None:
        example = "2026-03-01T09:00+01:00"
        raise InputError(f"{option} must be an instant such as {example}; got {text!r}.")
    return at


def text_of(path: Path) -> str:
    """Text of a small file."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as cause:
        raise InputError(f"{path} cannot be read: {cause}.") from cause
