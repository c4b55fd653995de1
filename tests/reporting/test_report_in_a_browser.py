"""The page in a real browser: it renders, sorts, filters, complains of nothing and loads nothing.

Skipped where no Chromium is (on Debian: apt-get install chromium).
"""

import shutil

import pytest

from adbudget.reporting.html.report import report
from tests.made_fits import unsampled
from tests.plot.test_plot_pictures import pacing_report
from tests.reporting.conftest import decided, world

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
pytestmark = pytest.mark.skipif(not BROWSER, reason="no Chromium is installed")


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def place(frame, fitted, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    return report([frame, pacing_report()], folder / "report.html", fit=fitted)


def opened(browser, place, **options):
    """The page, and what it complained of or asked for."""
    tab = browser.new_context(**options).new_page()
    complaints, asked = [], []
    tab.on("console", lambda one: complaints.append(one.text))
    tab.on("pageerror", lambda one: complaints.append(str(one)))
    tab.on("request", lambda one: asked.append(one.url))
    tab.goto(place.as_uri())
    return tab, complaints, asked


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_loaded_nothing_complains_and_nothing_sticks_out(browser, place, scheme, width):
    size = {"width": width, "height": 900}
    tab, complaints, asked = opened(browser, place, viewport=size, color_scheme=scheme)
    assert complaints == []
    assert asked == [place.as_uri()]
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_rows_are_sorted_by_number_and_the_other_way_round(browser, place, frame):
    tab, complaints, _ = opened(browser, place)
    button = tab.locator("#cells thead button", has_text="now")
    button.click()
    cells = tab.locator("#cells tbody tr:first-child td[data-h=now]")
    shown = [float(one) for one in cells.evaluate_all("cells => cells.map(one => one.dataset.v)")]
    assert shown == pytest.approx(sorted(frame["current_spend"], reverse=True))
    button.click()
    first = tab.locator("#cells tbody tr:first-child td[data-h=now]").first
    assert float(first.get_attribute("data-v")) == pytest.approx(frame["current_spend"].min())
    assert complaints == []


def test_rows_are_searched_and_filtered_and_counted(browser, place, frame):
    tab, _, _ = opened(browser, place)
    box = tab.locator('[data-for="cells"]')
    box.locator("select[name=channel]").select_option("social")
    n_social = int((frame["channel"] == "social").sum())
    assert tab.locator("#cells tbody:visible").count() == n_social
    assert box.locator("output").inner_text() == f"{n_social} of {len(frame)} shown"
    box.locator("input").fill("plain social")
    assert tab.locator("#cells tbody:visible").count() == 1
    box.locator("input").fill("nothing like it")
    assert tab.locator("#cells tbody:visible").count() == 0


def test_a_row_opens_to_its_curve(browser, place):
    tab, _, _ = opened(browser, place)
    details = tab.locator("#cells details").first
    assert not details.locator("svg").is_visible()
    details.locator("summary").click()
    assert details.locator("svg").is_visible()


def test_without_scripts_the_page_reads_and_rows_open(browser, place):
    tab, _, _ = opened(browser, place, java_script_enabled=False)
    assert not tab.locator('[data-for="cells"]').is_visible()
    tab.locator("#cells summary").first.click()
    assert tab.locator("#cells details svg").first.is_visible()


def test_the_page_prints(browser, place):
    tab, _, _ = opened(browser, place)
    assert tab.pdf().startswith(b"%PDF")


def test_axe_finds_nothing_to_mend(browser, place):
    axe = pytest.importorskip("axe_core_python.sync_playwright", reason="axe is not installed")
    tab, _, _ = opened(browser, place, bypass_csp=True)
    found = axe.Axe().run(tab)["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:120]) for one in found] == []


def test_on_paper_nothing_sticks_out_and_heads_keep_their_words(browser, tmp_path):
    """A4 in pixels is 794 wide; half an inch of margin is left on both sides."""
    channels = tuple(f"display and remarketing {i:02}" for i in range(30))
    wide = unsampled(world(("a shop with a long name",), channels))
    path = report(decided(wide), tmp_path / "wide.html", fit=wide)
    tab, _, _ = opened(browser, path, viewport={"width": 698, "height": 1000})
    tab.emulate_media(media="print")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 698
    shown = tab.locator("#cells thead button").first.evaluate(
        "one => getComputedStyle(one).display"
    )
    assert shown == "contents"  # or a head that is repeated on the next page is empty
    assert not tab.locator("nav").is_visible()
