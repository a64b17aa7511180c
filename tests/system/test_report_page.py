"""The report in a real browser, opened from disk: charts drawn, nothing fetched, no complaint, usable by everybody."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from allocator.cli import main
from allocator.letters import Template, default_template, rep_letter, unit_letter
from allocator.letters.content import Paper
from allocator.pages.reading import read_plan
from allocator.texts import in_language

ROOT = Path(__file__).parents[2]
AXE = Path(sys.prefix) / "node_modules" / "axe-core" / "axe.min.js"
HOSTILE = "<img src=x onerror=document.title='taken'>"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Reports by name: a run with a map, in English and in Chinese, a large one, and a comparison with a sweep."""
    folder = tmp_path_factory.mktemp("pages")
    clients = (ROOT / "models" / "field_sales" / "reps.csv").read_text("utf-8")
    assert main(["new", str(folder / "m"), "--from", "field_sales", "-q"]) == 0
    (folder / "m" / "reps.csv").write_text(clients.replace("Rep 01", HOSTILE), "utf-8")
    assert main(["solve", str(folder / "m"), "-o", str(folder / "en"), "-q", "--lang", "en"]) == 0
    assert main(["solve", str(ROOT / "models" / "telecom"), "-o", str(folder / "telecom"), "-q", "--lang", "zh"]) == 0
    assert main(["new", str(folder / "p"), "--from", "pocket", "-q"]) == 0
    (folder / "p" / "scenarios").mkdir()
    (folder / "p" / "scenarios" / "lost.yaml").write_text(
        "title: Harbour leaves\nevents:\n  - client_loss: {client: harbour, from: 2026-05-18}\n"
        "vary:\n  - {name: money, table: budget, operation: multiply, column: maximum, values: [0, 0.5, 1]}\n",
        "utf-8",
    )
    (folder / "p" / "scenarios" / "gone.yaml").write_text(
        "title: Harbour is gone\nevents:\n  - client_loss: {client: harbour, from: 2026-05-18}\n", "utf-8"
    )
    command = ["compare", str(folder / "p"), "-s", "lost", "-s", "gone", "-o", str(folder / "compared"), "--no-visits"]
    assert main([*command, "-q", "--lang", "zh"]) == 0
    return {name: folder / name / "report.html" for name in ("en", "telecom", "compared")}


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    """Return a browser without a window, which writes down what it fetches and what it complains of."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    found = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    yield found
    found.quit()


def show(browser: webdriver.Chrome, path: Path, *, scheme: str = "light", width: int = 1280) -> None:
    """Open a page from disk and wait until its charts are drawn."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    browser.get_log("performance")
    browser.get_log("browser")
    browser.get(path.absolute().as_uri())
    until = time.monotonic() + 60
    while time.monotonic() < until:
        state = browser.execute_script(
            "const d = document.documentElement.dataset; return [d.drawn || null, d.failed || null]"
        )
        assert state[1] is None, state[1]
        if state[0] is not None:
            return
        time.sleep(0.1)
    raise AssertionError("the charts were not drawn within a minute")


def fetched(browser: webdriver.Chrome) -> list[str]:
    """Return what the browser has asked for since the page was opened, but for data within it."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    return [url for url in urls if not url.startswith(("data:", "blob:"))]


def marks(browser: webdriver.Chrome) -> dict[str, int]:
    """Return how many visible marks (bars, points, cells' picture) each chart shows."""
    script = """
      const found = {};
      for (const place of document.querySelectorAll("[data-chart]")) {
        const of = "svg.main-svg .point path, svg.main-svg path.point, svg.main-svg .hm image, svg.main-svg path.js-line";
        found[place.dataset.chart] = [...place.querySelectorAll(of)].filter((m) => m.getBoundingClientRect().width > 0).length;
      }
      return found;
    """
    return dict(browser.execute_script(script))


@pytest.mark.parametrize("name", ["en", "telecom", "compared"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_drawn_without_a_network_or_a_complaint(
    name: str, scheme: str, pages: dict[str, Path], browser: webdriver.Chrome
) -> None:
    """Proves that every chart has marks, that nothing but the file is fetched, and that the console is silent."""
    show(browser, pages[name], scheme=scheme)
    assert browser.get_log("browser") == []
    assert fetched(browser) == [pages[name].absolute().as_uri()]
    drawn = marks(browser)
    assert len(drawn) >= 3
    assert not [chart for chart, count in drawn.items() if count == 0]


@pytest.mark.parametrize("name", ["en", "telecom", "compared"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_for_axe(name: str, scheme: str, pages: dict[str, Path], browser: webdriver.Chrome) -> None:
    """Proves that axe-core finds nothing serious or critical, with all tables open: contrast, names, order, keyboard."""
    show(browser, pages[name], scheme=scheme)
    browser.execute_script("for (const d of document.querySelectorAll('details')) d.open = d.innerText.length < 200000")
    browser.set_script_timeout(240)
    browser.execute_cdp_cmd("Runtime.evaluate", {"expression": AXE.read_text("utf-8")})
    found = browser.execute_async_script(
        "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then((r) => done(r.violations))"
    )
    serious = [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")]
    assert serious == []


def test_a_large_page_is_small(pages: dict[str, Path]) -> None:
    """Proves that the report of 60 reps stays well below 10 MB."""
    assert pages["telecom"].stat().st_size < 4_000_000


def test_hostile_names_do_nothing(pages: dict[str, Path], browser: webdriver.Chrome) -> None:
    """Proves that a name which is markup runs nothing and is read letter by letter, in a chart too."""
    show(browser, pages["en"])
    assert browser.title != "taken"
    text = browser.execute_script("return document.getElementById('c-load').textContent")
    assert HOSTILE in text


def test_tables_are_sorted_and_filtered_by_keyboard(pages: dict[str, Path], browser: webdriver.Chrome) -> None:
    """Proves that a heading is reached and pressed by key, sorts both ways, says so, and that the filter hides rows."""
    show(browser, pages["en"])
    script = """
      const region = document.querySelector("#targets > .table"), table = region.querySelector("table");
      const k = [...table.tHead.rows[0].cells].findIndex((c) => c.classList.contains("n"));
      const button = table.tHead.rows[0].cells[k].querySelector("button");
      const values = () => [...table.tBodies[0].rows].map((r) => Number(r.cells[k].dataset.v));
      button.focus();
      const focused = document.activeElement === button;
      button.click();
      const down = values(), first = button.parentElement.getAttribute("aria-sort");
      button.click();
      const up = values(), second = button.parentElement.getAttribute("aria-sort");
      const input = region.previousElementSibling.querySelector("input");
      input.value = "five_new";
      input.dispatchEvent(new Event("input"));
      const left = [...table.tBodies[0].rows].filter((r) => !r.hidden).map((r) => r.cells[0].textContent);
      return {focused, down, up, first, second, left};
    """
    found: dict[str, Any] = browser.execute_script(script)
    assert found["focused"]
    assert (found["first"], found["second"]) == ("descending", "ascending")
    assert found["down"] == sorted(found["down"], reverse=True)
    assert found["up"] == sorted(found["up"])
    assert found["left"] == ["five_new_clients"]


def test_a_narrow_window_has_no_bar_below(pages: dict[str, Path], browser: webdriver.Chrome) -> None:
    """Proves that on a telephone's width the page itself need not be moved sideways."""
    show(browser, pages["telecom"], width=390)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    widths = browser.execute_script("return [...document.querySelectorAll('.chart svg')].map((s) => s.clientWidth)")
    assert max(widths) <= 390


def test_printed_in_light_whatever_the_screen(
    pages: dict[str, Path], browser: webdriver.Chrome, tmp_path: Path
) -> None:
    """Proves that a page shown dark is printed on white, and that its charts are on the paper."""
    show(browser, pages["en"], scheme="dark")
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": True, "preferCSSPageSize": True})
    (tmp_path / "page.pdf").write_bytes(base64.b64decode(printed["data"]))
    pixels = rendered(tmp_path / "page.pdf")
    assert len(pixels) > 3
    for page in pixels:
        white = sum(1 for i in range(0, len(page), 3) if min(page[i : i + 3]) > 230)
        assert white > 0.4 * len(page) / 3
    blue = sum(1 for page in pixels for i in range(0, len(page), 3) if page[i] < 60 < 110 < page[i + 2])
    assert blue > 2000


def rendered(pdf: Path) -> list[bytes]:
    """Return the pixels of the pages of a PDF file, red, green and blue."""
    subprocess.run(["pdftoppm", "-r", "30", str(pdf), str(pdf.with_suffix(""))], check=True)
    found = []
    for path in sorted(pdf.parent.glob(f"{pdf.stem}-*.ppm")):
        file = io.BytesIO(path.read_bytes())
        for _line in range(3):
            file.readline()
        found.append(file.read())
    return found


@pytest.mark.parametrize("language", ["en", "zh"])
def test_letters_open_in_an_office(language: str, pages: dict[str, Path], tmp_path: Path) -> None:
    """Proves that letters of a rep and a unit become pages with their texts, numbers and lines to sign."""
    plan = read_plan(pages["telecom"].parent)
    with in_language(language):
        template = Template("", default_template())
        rep, unit = rep_letter(Paper(plan), "E01"), unit_letter(Paper(plan), "core")
        (tmp_path / "rep.docx").write_bytes(template.fill(rep))
        (tmp_path / "unit.docx").write_bytes(template.fill(unit))
    command = [
        "soffice",
        f"-env:UserInstallation={(tmp_path / 'office').as_uri()}",
        "--headless",
        "--convert-to",
        "pdf",
    ]
    documents = [str(tmp_path / "rep.docx"), str(tmp_path / "unit.docx")]
    subprocess.run([*command, "--outdir", str(tmp_path), *documents], check=True, timeout=240, capture_output=True)
    for letter, name in ((rep, "rep"), (unit, "unit")):
        told = subprocess.run(
            ["pdftotext", "-layout", str(tmp_path / f"{name}.pdf"), "-"], check=True, capture_output=True
        )
        text = told.stdout.decode()
        assert {"en": "Target letter", "zh": "目标责任书"}[language] in text
        assert str(letter.fields["base"]) in text
        assert all(row["base"] in text for row in letter.fields["months"])
        assert "{{" not in text
        assert "{%" not in text
