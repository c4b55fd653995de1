"""An item and a person -> whether this person may rule on it. Knows no rules of a team's own.

A proposal may say in its payload ``four_eyes`` and ``proposed_by``: then whoever made the run does
not approve it. It and its run may say ``identity``: then a name counts only if the operating system
or the database knows the person by it.
"""

from typing import TYPE_CHECKING

from adbudget.errors import InputError, LedgerConflictError
from adbudget.ledger.entry import FOUR_EYES, IDENTITY, LOGIN, PROPOSED_BY, STATED, Entry

if TYPE_CHECKING:
    from adbudget.ledger.reading import Snapshot


RUNS = ("run", "pacing")  # kinds of entries that say that a run was made


def check_person(reading: "Snapshot", who: str, identity: str) -> None:
    """Refuse a name that is empty, or not that of the user where names are bound to users.

    Parameters
    ----------
    identity : "stated" believes any name, "login" asks the operating system, "database" the
        database

    Raises
    ------
    InputError : the name is not the user's
    """
    if not who.strip():
        raise InputError("who must name the person who decides; got an empty text.")
    if identity in (STATED, ""):
        return
    if identity == LOGIN:
        check_login(who)
    else:
        _check_known(who, _database_user(reading), "database")


def identity_of(reading: "Snapshot", *, unit: str = "", run_id: str = "") -> str:
    """How a name is checked that decides about a unit or a run: as the policy of the run says.

    Parameters
    ----------
    unit : its newest run counts; "" when ``run_id`` is given
    run_id : of a run, or "" when no run has written what it is about
    """
    from adbudget.ledger.schema import ENTRY  # names are checked where no database is used

    if unit:
        newest = reading.last(ENTRY.c.unit == unit, ENTRY.c.run_id != "")
        run_id = "" if newest is None else newest.entry.run_id
    if not run_id:
        return STATED
    where = [ENTRY.c.run_id == run_id, ENTRY.c.kind.in_(RUNS)]
    says = ENTRY.c.payload.contains(f'"{IDENTITY}":', autoescape=True)
    if not reading.connection.execute(
        reading.select(ENTRY.c.sequence, where=[*where, says])
    ).first():
        return STATED  # a run holds whole tables: it is not read for a word that is not in it
    run = reading.last(*where)
    return STATED if run is None else str(run.entry.payload.get(IDENTITY, STATED))


def check_login(who: str) -> None:
    """Refuse a name that is not the login of this process.

    Raises
    ------
    InputError : it is another
    """
    _check_known(who, login_name(), "operating system")


def _check_known(who: str, known: str, system: str) -> None:
    if who != known:
        raise InputError(
            f"{who!r} cannot decide here: names are bound to the user of the {system}, who is "
            f"{known!r}. Leave the name out, or let that person decide. This cannot be overridden."
        )


def check_four_eyes(entry: Entry, key: str, who: str) -> None:
    """Refuse an approval by whoever made the run, where two people are wanted.

    Raises
    ------
    LedgerConflictError : it is the same person
    """
    if entry.payload.get(FOUR_EYES) is True and entry.payload.get(PROPOSED_BY) == who:
        raise LedgerConflictError(
            f"{key!r} is of a run that {who} made, and its policy says four_eyes: somebody else "
            "must approve it. This cannot be overridden."
        )


def login_name() -> str:
    """User of this process, as the operating system knows it; environment variables say nothing.

    Raises
    ------
    InputError : the process has no user that the system knows
    """
    try:
        import os
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except ImportError:  # Windows has no pwd
        import getpass

        return getpass.getuser()
    except KeyError as cause:  # a process without a user, as in a bare container
        raise InputError("this process has no login name; say who decides with --who.") from cause


def _database_user(reading: "Snapshot") -> str:
    if reading.connection.dialect.name != "postgresql":
        raise InputError(
            "identity: database needs a ledger in PostgreSQL; a file has no users of its own. "
            "Write identity: login."
        )
    from sqlalchemy import text

    return str(reading.connection.execute(text("SELECT session_user")).scalar_one())
