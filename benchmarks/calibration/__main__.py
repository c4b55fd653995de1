"""Is the inference calibrated? python -m benchmarks.calibration run | prior | report."""

import argparse
import time
from pathlib import Path

from .cache import append_record, read_records, source_key
from .replication import KINDS, replicate


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m benchmarks.calibration", description=__doc__)
    jobs = options.add_subparsers(dest="job", required=True)
    run = jobs.add_parser("run", help="replicate; what is kept already is not made again")
    run.add_argument("--kind", choices=KINDS, required=True)
    run.add_argument("--replications", type=int, default=200)
    run.add_argument("--cores", type=int, default=2, help="of the sampler; they change no draw")
    run.add_argument("--seconds", type=float, default=float("inf"), help="stop after, and resume")
    prior = jobs.add_parser("prior", help="what the default priors say before any outcome")
    prior.add_argument("--real", type=Path, help="folder with the Conjura files, if at hand")
    report = jobs.add_parser("report", help="rewrite the tables and plots of docs/calibration.md")
    report.add_argument("--key", help="source to report on; by default the one in use")
    given = options.parse_args()
    if given.job == "run":
        _run(given.kind, given.replications, given.seconds, given.cores)
    elif given.job == "prior":
        from .prior import report_prior

        report_prior(given.real)
    else:
        from .report import write_report

        write_report(given.key or source_key())


def _run(kind: str, n_replications: int, seconds: float, cores: int) -> None:
    key, start = source_key(), time.monotonic()
    kept = {record["seed"] for record in read_records(kind, key)}
    missing = [seed for seed in range(n_replications) if seed not in kept]
    for done, seed in enumerate(missing):
        if time.monotonic() - start > seconds:
            print(f"{kind}: {len(missing) - done} of {n_replications} left; run again to go on")
            return
        append_record(replicate(kind, seed, cores=cores), key)
    print(f"{kind}: all {n_replications} kept under {key}")


if __name__ == "__main__":
    main()
