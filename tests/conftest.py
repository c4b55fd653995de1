"""A small noisy fit; ledgers to test with: SQLite files, and databases of a PostgreSQL server.

The server is of the system's packages (on Debian: apt-get install postgresql). Where none can be
started, its tests are skipped and say why.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from glob import glob
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings

import adbudget as ab
from adbudget.ledger import Ledger, open_ledger
from adbudget.synthetic import WorldSpec, synthesize

# How long an example takes says how busy the machine is; speed is measured in benchmarks/.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

UNPRIVILEGED = ("postgres", "nobody")  # the server refuses to run as root
NUMBERS = count(1)


def find_program(name: str) -> str | None:
    """Find initdb or postgres, which live outside PATH on Debian; the newest version wins."""
    versions = sorted(
        glob("/usr/lib/postgresql/*/bin"), key=lambda path: float(path.split("/")[-2])
    )
    others = ["/usr/pgsql/bin", "/opt/homebrew/opt/postgresql/bin"]
    folders = [*reversed(versions), *os.environ.get("PATH", "").split(os.pathsep), *others]
    return shutil.which(name, path=os.pathsep.join(folders))


def user_for_server() -> dict:
    """Arguments of subprocess that leave root behind."""
    if os.geteuid() != 0:
        return {}
    for name in UNPRIVILEGED:
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    pytest.skip(f"PostgreSQL does not run as root, and there is no user {UNPRIVILEGED}")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a server that lives as long as the tests and is reached by a socket only."""
    psycopg = pytest.importorskip("psycopg", reason="the driver is missing: pip install psycopg")
    initdb, postgres = find_program("initdb"), find_program("postgres")
    if initdb is None or postgres is None:
        pytest.skip("no PostgreSQL server is installed: apt-get install postgresql")
    who = user_for_server()
    folder = Path(tempfile.mkdtemp(prefix="ledger-pg-"))  # short, for a socket's path is limited
    if who:
        os.chown(folder, who["user"], who["group"])
    settings = {"cwd": folder, "capture_output": True, "text": True, "timeout": 120, **who}
    options = ["--auth=trust", "--username=tester", "--encoding=UTF8", "--locale=C", "--no-sync"]
    made = subprocess.run([initdb, "-D", folder / "data", *options], check=False, **settings)
    if made.returncode:
        shutil.rmtree(folder)
        pytest.skip(f"PostgreSQL's initdb failed: {made.stderr.strip() or made.stdout.strip()}")
    log = (folder / "log").open("w")
    server = subprocess.Popen(
        [postgres, "-D", folder / "data", "-k", folder, "-c", "listen_addresses=", "-F"],
        **{"cwd": folder, "stdout": log, "stderr": subprocess.STDOUT, **who},
    )
    address = f"host={folder} user=tester dbname=postgres"
    try:
        wait_for(server, lambda: psycopg.connect(address).close(), folder / "log")
        yield f"postgresql+psycopg://tester@/postgres?host={folder}"
    finally:
        server.send_signal(signal.SIGINT)  # fast shutdown
        server.wait(timeout=60)
        log.close()
        shutil.rmtree(folder)


def wait_for(server: subprocess.Popen, connect, log: Path, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            return connect()
        except Exception as cause:
            if server.poll() is not None or time.monotonic() > end:
                pytest.skip(f"PostgreSQL did not start ({cause}): {log.read_text()[-500:]}")
            time.sleep(0.1)


@pytest.fixture
def postgres_url(postgres_server) -> str:
    """A schema of its own, which is made faster than a database."""
    import psycopg

    name = f"ledger_{next(NUMBERS)}"
    address = postgres_server.replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    return f"{postgres_server}&options=-csearch_path%3D{name}"


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request, tmp_path) -> str:
    """Address of an empty place, in both databases."""
    if request.param == "sqlite":
        return str(tmp_path / "ledger.db")
    return request.getfixturevalue("postgres_url")


@pytest.fixture
def ledger(ledger_url) -> Iterator[Ledger]:
    with open_ledger(ledger_url) as opened:
        yield opened


@pytest.fixture(scope="session")
def noisy_world():
    """Three accounts with three channels each, 60 weeks, and much noise."""
    spec = WorldSpec(n_accounts=3, n_channels=3, n_periods=60, noise=0.2, currency="EUR")
    return synthesize(spec, 4)


@pytest.fixture(scope="session")
def noisy_fit(noisy_world) -> ab.Fit:
    """Its fit, whose calls are mostly monitors."""
    panel = ab.read_panel(noisy_world.spend, noisy_world.outcome, currency="EUR")
    return ab.fit(panel, seed=1, draws=500, tune=400, chains=2, progress=False)
