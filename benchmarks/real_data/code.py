"""Study -> fingerprint of the code behind its numbers. Comments and docstrings do not count."""

from functools import cache
from pathlib import Path

from benchmarks.real_data.sets import ROOT
from benchmarks.worlds.source import files_fingerprint, library_fingerprint

HERE = Path(__file__).parent
LIBRARY = ("adbudget.recommendation", "adbudget.model.fit", "adbudget.model.held_out")
SHARED = ("settings.py", "reading.py", "questions.py", "describing.py")
BY_STUDY = {  # what else shapes a study, by the start of its name
    "conjura_marketing": ("scoring.py", "marketing.py", "marketing_child.py"),
    "conjura_daily": ("forecasting.py", "scoring.py"),
    "conjura_weekly": ("forecasting.py", "scoring.py"),
    "lydia": ("carry_over_length.py", "carry_over.py"),
    "mmm_simple": ("truth.py", "forecasting.py", "scoring.py"),
    "dietary": ("carry_over_length.py", "carry_over.py"),
}


def code_of(study: str) -> str:
    """Short hash; that of a peer does not depend on the library it is compared with."""
    own = next((BY_STUDY[start] for start in BY_STUDY if study.startswith(start)), ())
    if study == "conjura_marketing":
        peer = ("settings.py", "reading.py", *own)
        return files_fingerprint([*(HERE / name for name in peer), HERE.parent / "bench_peers.py"])
    return f"{_library()[:6]}{files_fingerprint([HERE / name for name in (*SHARED, *own)])[:6]}"


@cache
def _library() -> str:
    return library_fingerprint(ROOT / "src", LIBRARY)
