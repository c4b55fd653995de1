"""The site is built without a warning, names every public name, and needs no network to be read."""

import importlib
import inspect
import os
import re
import sys
import warnings
import zlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PUBLIC = (
    "adbudget",
    "adbudget.ledger",
    "adbudget.loop",
    "adbudget.pacing",
    "adbudget.pacing.requests",
    "adbudget.platforms",
    "adbudget.plot",
    "adbudget.scale",
    "adbudget.synthetic",
)
LOADED = re.compile(r"""<(?:script|img|iframe|source)\b[^>]*\bsrc="([^"]+)"|<link\b[^>]*>""")
SHEET = re.compile(r"""(?:@import|url\()\s*["']?(?!data:|#)([^"')]+)""")


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The pages as HTML, built as the workflow does: a warning is an error."""
    for needed in ("sphinx", "furo", "myst_parser", "latex2mathml"):
        pytest.importorskip(needed, reason="the group docs is not installed: uv sync --group docs")
    from sphinx.cmd.build import main

    folder = tmp_path_factory.mktemp("site")
    told = folder / "warnings.txt"
    before = sys.path[:]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Sphinx and its parts about each other
        ended = main(["-W", "--keep-going", "-q", "-w", str(told), str(DOCS), str(folder / "html")])
    sys.path[:] = before
    assert ended == 0, told.read_text(encoding="utf-8")
    return folder / "html"


def documented(site: Path) -> set[str]:
    """Python names of the inventory that other sites would link to."""
    packed = (site / "objects.inv").read_bytes().split(b"\n", 4)[4]
    lines = zlib.decompress(packed).decode().splitlines()
    return {line.split()[0] for line in lines if " py:" in line}


def names_of(module: str) -> set[tuple[str, str]]:
    """Where a public name may be described: as it is imported, or where it lives."""
    found = importlib.import_module(module)
    names = set()
    for name in found.__all__:
        one = getattr(found, name)
        if not inspect.ismodule(one) and name != "__version__":
            home = f"{getattr(one, '__module__', module)}.{getattr(one, '__qualname__', name)}"
            names.add((f"{module}.{name}", home))
    return names


def test_every_public_name_stands_in_the_reference(site):
    known = documented(site)
    public = {name for module in PUBLIC for name in names_of(module)}
    elsewhere = {home for name, home in public if name in known}
    assert [name for name, home in public if name not in known and home not in elsewhere] == []


def test_what_a_class_inherits_from_ours_stands_in_the_reference(site):
    known = documented(site)
    for one, member in (("Ledger", "pending"), ("Ledger", "entries"), ("Fit", "current_spend")):
        assert f"adbudget.{one}.{member}" in known


def test_every_package_with_a_list_of_public_names_is_asked():
    stubs = (ROOT / "src" / "adbudget").rglob("__init__.pyi")
    packages = {".".join(stub.parent.relative_to(ROOT / "src").parts) for stub in stubs}
    assert packages <= set(PUBLIC)


def test_no_page_loads_anything_from_elsewhere(site):
    outside = []
    for page in site.rglob("*.html"):
        for tag in LOADED.finditer(page.read_text(encoding="utf-8")):
            address = tag[1] or (re.search(r'href="([^"]+)"', tag[0]) or [""])[1]
            if address.startswith(("http", "//")) and 'rel="canonical"' not in tag[0]:
                outside.append((page.name, address))
    for sheet in site.rglob("*.css"):
        addresses = SHEET.findall(sheet.read_text(encoding="utf-8"))
        outside += [(sheet.name, one) for one in addresses if one.startswith(("http", "//"))]
    assert outside == []


def test_every_page_can_be_reached_from_the_first(site):
    pages = {page.relative_to(site).as_posix() for page in site.rglob("*.html")}
    made = {"genindex.html", "py-modindex.html", "search.html"}
    seen, waiting = set(), ["index.html"]
    while waiting:
        page = waiting.pop()
        if page in seen or page not in pages:
            continue
        seen.add(page)
        text = (site / page).read_text(encoding="utf-8")
        links = re.findall(r'href="([^"#:]+\.html)', text)
        waiting += [os.path.normpath(Path(page).parent / link) for link in links]
    assert pages - seen - made == set()
