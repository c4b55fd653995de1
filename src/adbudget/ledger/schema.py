"""The two tables, and the triggers that let them grow only. Knows SQL, no entries.

The database itself refuses to update, delete or replace an entry, or to insert one that does not
continue the chain, whoever asks. What a superuser can still do is found by ``verify.py``.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    insert,
    inspect,
    select,
    text,
)

from adbudget.errors import LedgerError
from adbudget.ledger.entry import GENESIS, NEEDS_APPROVAL

FORMAT_NUMBER = 1

WHOLE = BigInteger().with_variant(Integer(), "sqlite")  # 64 bits in both
WORDS = Text().with_variant(Text(collation="C"), "postgresql")  # text order is byte order

METADATA = MetaData()
ENTRY = Table(
    "ledger_entry",
    METADATA,
    Column("sequence", WHOLE, primary_key=True, autoincrement=False),
    Column("key", WORDS, nullable=False, unique=True),
    Column("kind", WORDS, nullable=False),
    Column("at", WORDS, nullable=False),
    Column("who", WORDS, nullable=False),
    Column("unit", WORDS, nullable=False),
    Column("currency", WORDS, nullable=False),
    Column("old_minor", WHOLE),
    Column("new_minor", WHOLE),
    Column("verdict", WORDS, nullable=False),
    Column("rule", WORDS, nullable=False),
    Column("rationale", WORDS, nullable=False),
    Column("run_id", WORDS, nullable=False),
    Column("group_id", WORDS, nullable=False),
    Column("inputs_hash", WORDS, nullable=False),
    Column("policy_hash", WORDS, nullable=False),
    Column("seed", WHOLE),
    Column("payload", WORDS, nullable=False),
    Column("previous_hash", WORDS, nullable=False),
    Column("hash", WORDS, nullable=False),
    CheckConstraint("sequence >= 1", name="ledger_counts_from_one"),
    CheckConstraint("length(hash) = 64", name="ledger_hash_is_sha256"),
    sqlite_strict=True,
)
Index("ledger_entry_by_kind", ENTRY.c.kind, ENTRY.c.sequence)
Index("ledger_entry_by_unit", ENTRY.c.unit, ENTRY.c.sequence)
Index("ledger_entry_by_run", ENTRY.c.run_id)
Index("ledger_entry_by_time", ENTRY.c.at)
_WAITING = ENTRY.c.verdict == text(f"'{NEEDS_APPROVAL}'")
Index(
    "ledger_entry_waiting",
    ENTRY.c.sequence,
    sqlite_where=_WAITING,
    postgresql_where=_WAITING,
)
ABOUT = Table(
    "ledger_about", METADATA, Column("format", WHOLE, primary_key=True), sqlite_strict=True
)

GROWS_ONLY = "the ledger only grows: entries are neither changed nor removed"
CONTINUES = "the ledger only grows: an entry must continue the chain under a key of its own"

SQLITE_GUARDS = {
    "ledger_no_update": f"""
        CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger_entry
        BEGIN SELECT RAISE(ABORT, '{GROWS_ONLY}'); END""",
    "ledger_no_delete": f"""
        CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger_entry
        BEGIN SELECT RAISE(ABORT, '{GROWS_ONLY}'); END""",
    # INSERT OR REPLACE deletes without asking the delete trigger, hence the look at the key
    "ledger_continues": f"""
        CREATE TRIGGER ledger_continues BEFORE INSERT ON ledger_entry
        WHEN NEW.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM ledger_entry)
          OR NEW.previous_hash IS NOT coalesce(
              (SELECT hash FROM ledger_entry ORDER BY sequence DESC LIMIT 1), '{GENESIS}')
          OR EXISTS (SELECT 1 FROM ledger_entry WHERE key = NEW.key)
        BEGIN SELECT RAISE(ABORT, '{CONTINUES}'); END""",
}
POSTGRES_FUNCTIONS = (
    f"""
    CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '{GROWS_ONLY}'; END $$""",
    f"""
    CREATE FUNCTION ledger_check_chain() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE last record;
    BEGIN
        EXECUTE format(
            'SELECT sequence, hash FROM %I.ledger_entry ORDER BY sequence DESC LIMIT 1',
            TG_TABLE_SCHEMA) INTO last;
        IF NEW.sequence <> coalesce(last.sequence, 0) + 1
           OR NEW.previous_hash <> coalesce(last.hash, '{GENESIS}') THEN
            RAISE EXCEPTION '{CONTINUES}';
        END IF;
        RETURN NEW;
    END $$""",
)
POSTGRES_GUARDS = {
    "ledger_no_update": """
        CREATE TRIGGER ledger_no_update BEFORE UPDATE OR DELETE ON ledger_entry
        FOR EACH ROW EXECUTE FUNCTION ledger_refuse()""",
    "ledger_no_truncate": """
        CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger_entry
        FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()""",
    "ledger_continues": """
        CREATE TRIGGER ledger_continues BEFORE INSERT ON ledger_entry
        FOR EACH ROW EXECUTE FUNCTION ledger_check_chain()""",
}


def has_tables(connection: Connection) -> bool:
    """Whether a ledger lives here. Half of one is an error, for nothing makes half a ledger."""
    known = inspect(connection)
    found = [table.name for table in METADATA.sorted_tables if known.has_table(table.name)]
    if found and len(found) < len(METADATA.tables):
        raise LedgerError(f"only the table {found[0]} of the ledger is there; restore a copy.")
    return bool(found)


def create_tables(connection: Connection) -> None:
    """Make tables and triggers; the caller holds the lock and has found none."""
    METADATA.create_all(connection, checkfirst=False)
    if connection.dialect.name == "postgresql":
        for function in POSTGRES_FUNCTIONS:
            connection.execute(text(function))
    for guard in guards(connection).values():
        connection.execute(text(guard))
    if connection.dialect.name == "postgresql":
        for name in POSTGRES_GUARDS:  # also while a replica is being fed
            connection.execute(text(f"ALTER TABLE ledger_entry ENABLE ALWAYS TRIGGER {name}"))
    connection.execute(insert(ABOUT).values(format=FORMAT_NUMBER))


def check_format(connection: Connection) -> None:
    """Refuse a ledger of another format."""
    formats = connection.scalars(select(ABOUT.c.format)).all()
    if formats != [FORMAT_NUMBER]:
        raise LedgerError(
            f"the ledger has format {', '.join(map(str, formats)) or 'none'}; this version reads "
            f"format {FORMAT_NUMBER}. Use the version of adbudget that wrote it."
        )


def guards(connection: Connection) -> dict[str, str]:
    """Name -> definition of the triggers this database must have."""
    return POSTGRES_GUARDS if connection.dialect.name == "postgresql" else SQLITE_GUARDS


def missing_guards(connection: Connection) -> list[str]:
    """Triggers that somebody has dropped, switched off or, in SQLite, rewritten."""
    if connection.dialect.name == "postgresql":
        found = connection.execute(
            text(
                "SELECT tgname FROM pg_trigger "
                "WHERE tgrelid = 'ledger_entry'::regclass AND tgenabled = 'A'"
            )
        )
        return sorted(set(POSTGRES_GUARDS) - set(found.scalars()))
    rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
    written = {name: " ".join(sql.split()) for name, sql in rows}
    return sorted(
        name for name, sql in SQLITE_GUARDS.items() if written.get(name) != " ".join(sql.split())
    )
