"""Ctrl-C, sent to a real process at many moments: one line, exit code 130, nothing half written."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from adbudget import synthetic

SECONDS = 1.0  # to end within, as Python or a waiting thread gets to it
BUSY = 1.0  # more where other processes hold the processor
COMMAND = (sys.executable, "-m", "adbudget", "-v", "recommend")


@pytest.fixture(scope="module")
def shops(tmp_path_factory) -> Path:
    """Tables of three shops, and settings with which sampling takes long."""
    folder = tmp_path_factory.mktemp("shops")
    spec = synthetic.WorldSpec(n_accounts=3, n_channels=3, n_periods=60)
    synthetic.synthesize(spec, 1).save(folder, "shops", tables="long")
    (folder / "long.yaml").write_text("draws: 20000\ntune: 2000\n")
    return folder


def start(shops: Path, folder: Path) -> subprocess.Popen:
    tables = [str(shops / "shops_spend.csv"), "--outcome", str(shops / "shops_outcome.csv")]
    kept = ["--out", str(folder / "out.csv"), "--save-fit", str(folder / "shops.fit")]
    return subprocess.Popen(
        [*COMMAND, *tables, "--seed", "1", "--config", str(shops / "long.yaml"), *kept],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def stopped(process: subprocess.Popen, folder: Path) -> str:
    """Send the signal, check how it ends, and give what standard error said."""
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.wait(timeout=60)
    took = time.monotonic() - sent
    out, err = process.communicate()
    assert process.returncode == 130, err
    assert took < SECONDS + BUSY * (os.getloadavg()[0] > (os.cpu_count() or 1)), err
    lines = [line for line in err.splitlines() if " adbudget: " not in line]
    assert (out, lines) == ("", ["Stopped."])
    assert list(folder.iterdir()) == [], "nothing is left, not even a scratch file"
    return err


def wait_for(process: subprocess.Popen, stage: str) -> None:
    while line := process.stderr.readline():
        if f"{stage}: begins" in line:
            return
    raise AssertionError(f"no stage {stage!r}")


@pytest.mark.parametrize("stage", ["reading", "sampling"])
def test_ctrl_c_ends_it_in_one_line(shops, tmp_path, stage):
    process = start(shops, tmp_path)
    if stage == "reading":
        process.stderr.readline()  # the first stage: libraries are being loaded
    else:
        wait_for(process, stage)
        time.sleep(0.5)  # in the middle of it
    stopped(process, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("moment", range(20))
def test_ctrl_c_at_twenty_moments_ends_it_in_one_line(shops, tmp_path, moment):
    process = start(shops, tmp_path)
    process.stderr.readline()
    time.sleep(moment * 0.5)
    assert process.poll() is None, "the fit must outlast the moments"
    stopped(process, tmp_path)


def decided(shops: Path, folder: Path, settings: Path) -> tuple[list[str], Path]:
    """The command that decides and keeps chains on the way, and where it writes."""
    tables = [str(shops / "shops_spend.csv"), "--outcome", str(shops / "shops_outcome.csv")]
    kept = ["--checkpoint", str(folder / "chains"), "--out", str(folder / "out.csv")]
    return [*COMMAND, *tables, "--config", str(settings), *kept], folder / "out.csv"


@pytest.mark.slow
def test_a_killed_fit_goes_on_from_its_chains_to_the_same_decisions(shops, tmp_path):
    settings = tmp_path / "one_core.yaml"
    settings.write_text("draws: 3000\ntune: 500\nchains: 3\ncores: 1\nseed: 1\n")
    whole, left = tmp_path / "whole", tmp_path / "left"
    whole.mkdir()
    left.mkdir()
    subprocess.run(decided(shops, whole, settings)[0], check=True, capture_output=True)
    command, out = decided(shops, left, settings)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list(left.glob("chains/*.chain")):
        assert process.poll() is None, "a chain is kept before the fit is there"
        time.sleep(0.05)
    process.kill()
    process.wait(timeout=60)
    first = min(left.glob("chains/*.chain"))
    made = first.stat().st_mtime_ns
    assert not out.exists()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and first.exists():
        assert first.stat().st_mtime_ns == made
        time.sleep(0.2)
    assert process.wait(timeout=300) == 0
    assert out.read_bytes() == (whole / "out.csv").read_bytes()
    assert not (left / "chains").exists()
