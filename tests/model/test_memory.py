"""A fit that would not fit into memory is refused before it begins, with what helps."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import adbudget as ab
from adbudget.model import sampling
from adbudget.model.memory import available_bytes, check_memory, has_room, most_kept, size_of_fit
from adbudget.model.sampler import SamplerSettings
from adbudget.synthetic import WorldSpec, synthesize

MB = 1024.0**2


@pytest.fixture
def machine(tmp_path):
    """A Linux with 8,000 MB left, of which swap is 1,000; this process holds 300 MB."""
    return written(
        tmp_path,
        {
            "proc/meminfo": f"MemAvailable: {7000 * 1024} kB\nSwapFree: {1000 * 1024} kB\n",
            "proc/self/status": f"Name:\tpython\nVmRSS:\t{300 * 1024} kB\n",
        },
    )


def written(root: Path, texts: dict[str, str]) -> Path:
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_what_a_machine_has_left_counts_what_the_process_holds(machine):
    assert available_bytes(machine) == 8300 * MB


def test_nothing_is_refused_where_the_system_does_not_say(tmp_path, panel, priors):
    assert available_bytes(tmp_path) is None
    check_memory(size_of_fit(panel, priors, 10**9), tmp_path)


def test_the_limit_of_a_container_counts_with_files_that_can_be_dropped(machine):
    group = "sys/fs/cgroup/pod"
    limits = {
        "proc/self/cgroup": "0::/pod\n",
        f"{group}/memory.max": str(int(2000 * MB)),
        f"{group}/memory.current": str(int(900 * MB)),
        f"{group}/memory.stat": f"anon 5\ninactive_file {int(400 * MB)}\n",
    }
    assert available_bytes(written(machine, limits)) == (300 + 2000 - 900 + 400) * MB


def test_a_limit_further_up_counts_and_none_is_none(machine):
    limits = {
        "proc/self/cgroup": "0::/slice/job\n",
        "sys/fs/cgroup/slice/job/memory.max": "max\n",
        "sys/fs/cgroup/slice/job/memory.current": "1\n",
        "sys/fs/cgroup/slice/memory.max": str(int(500 * MB)),
        "sys/fs/cgroup/slice/memory.current": str(int(100 * MB)),
    }
    assert available_bytes(written(machine, limits)) == 700 * MB


def test_groups_of_the_first_version_are_read_even_where_the_path_is_that_of_the_host(machine):
    limits = {
        "proc/self/cgroup": "4:memory:/docker/abc\n1:name=systemd:/docker/abc\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": str(int(600 * MB)),
        "sys/fs/cgroup/memory/memory.usage_in_bytes": str(int(500 * MB)),
        "sys/fs/cgroup/memory/memory.stat": f"total_inactive_file {int(50 * MB)}\n",
    }
    assert available_bytes(written(machine, limits)) == 450 * MB


def test_a_fit_that_is_too_large_is_refused_with_what_helps(machine, panel, priors):
    size = size_of_fit(panel, priors, 10**8)
    with pytest.raises(ab.OutOfMemoryError) as refused:
        check_memory(size, machine)
    said = str(refused.value)
    assert f"about {size.needed / 1e6:,.0f} MB" in said
    assert "can have 8,703 MB" in said
    for what in ("fewer draws", "population=fit.population", "--workers"):
        assert what in said
    assert refused.value.needed == size.needed
    assert isinstance(refused.value, ab.FitError)
    check_memory(size.of(4000), machine)


def test_fewer_draws_are_not_proposed_where_they_would_not_help(machine, panel, priors):
    wide = replace(size_of_fit(panel, priors, 400), gram=10**10)
    with pytest.raises(ab.OutOfMemoryError) as refused:
        check_memory(wide, machine)
    assert "fewer draws" not in str(refused.value)


def test_every_further_account_takes_the_same_memory(priors):
    spec = WorldSpec(n_accounts=2, n_channels=3, n_periods=60)
    sizes = []
    for n_accounts in (2, 4, 6):
        world = synthesize(replace(spec, n_accounts=n_accounts), 1)
        panel = ab.read_panel(world.spend, world.outcome)
        sizes.append(size_of_fit(panel, priors, 4000).checking)
    assert sizes[2] - sizes[1] == pytest.approx(sizes[1] - sizes[0], rel=0.05)


def test_the_numbers_of_a_fit_are_those_that_were_counted(fitted, panel, priors):
    size = size_of_fit(panel, priors, 4000)
    assert size.parameters == fitted.layout.size
    assert size.cells == fitted.evidence.design.exists.sum()
    assert size.gram == pytest.approx(sum(gram.size for gram in fitted.evidence.gram), rel=0.1)
    weights = fitted.draws.weights
    assert size.grid == weights.shape[3] * weights.shape[4]


def test_no_chains_are_added_that_there_is_no_memory_for(
    evidence, likelihood, priors, panel, monkeypatch
):
    asked = []

    def room(size):
        asked.append(size.draws)
        return False

    monkeypatch.setattr(sampling, "has_room", room)
    monkeypatch.setattr(sampling, "MAX_RUNS", 3)
    settings = SamplerSettings(draws=60, tune=60, chains=2)
    size = size_of_fit(panel, priors, 120)
    sample, health = sampling.sample_until_healthy(
        evidence, likelihood, priors, 1, "compiled", settings, size=size
    )
    assert sample.positions.shape[:2] == (2, 60), "120 draws never reach the target"
    assert asked == [240]
    assert health.warnings[-1] == sampling.NO_ROOM


def test_few_kept_draws_are_said():
    assert sampling.told_of_thinning(4000, 12_000) == ()
    assert sampling.told_of_thinning(400, 400) == ()
    (said,) = sampling.told_of_thinning(most_kept(19_000), 4000)
    assert said.startswith("526 of 4,000 draws are kept")
    assert "error of up to 2.2%" in said


def test_the_machine_at_hand_has_room_for_a_small_fit(panel, priors):
    assert has_room(size_of_fit(panel, priors, 4000))


def test_the_command_line_says_it_in_one_paragraph(tmp_path):
    synthesize(WorldSpec(n_accounts=2, n_channels=2, n_periods=30), 1).save(tmp_path, "shops")
    (tmp_path / "huge.yaml").write_text("draws: 2000000000\n")
    tables = ["shops_spend.csv", "--outcome", "shops_outcome.csv", "--config", "huge.yaml"]
    ended = subprocess.run(
        [sys.executable, "-m", "adbudget", "recommend", *tables],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 3, ended.stderr
    assert "This fit needs about" in ended.stderr
    assert "Traceback" not in ended.stderr
