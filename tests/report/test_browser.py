"""The page in a browser: it loads nothing, runs nothing, and is as wide as its window."""

import shutil

import pytest
from policy_report import policy
from report_examples import classes, numbers

from chainrule.report import render_reinforcement, write_page, write_report

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        for path in (None, shutil.which("chromium"), shutil.which("google-chrome")):
            try:
                opened = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
            except playwright.Error:
                continue
            yield opened
            opened.close()
            return
        pytest.skip("no chromium is installed")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("report", [classes(20), numbers()], ids=["classes", "numbers"])
def test_in_a_browser(browser, tmp_path, report, width, scheme):
    """Also with names of 500 letters without a space, and on a phone."""
    path = tmp_path / "report.html"
    attack = "<script>document.title = 'run'</script>" + "x" * 500
    changes = {"classes": [attack, *report.classes[1:]]} if report.classes else {}
    fields = {**report.__dict__, "target": attack, "command": attack, **changes}
    write_report(path, type(report)(**fields))
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(path.as_uri())
    assert [path.as_uri()] == [url for url in asked if not url.startswith("data:")]
    assert ([], "flowers: ") == (said, page.title()[:9])
    assert width >= page.evaluate("document.documentElement.scrollWidth")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 22, 28)"}[scheme] == paper
    page.locator(".command").click()
    assert attack == page.evaluate("String(getSelection())").strip()
    page.emulate_media(media="print")
    printed = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert "rgb(255, 255, 255)" == printed
    page.close()


@pytest.mark.parametrize("width", [360, 1200])
def test_a_policy_in_a_browser(browser, tmp_path, width):
    """The film plays from inside of the page; nothing is loaded, and nothing is too wide."""
    path = tmp_path / "policy.html"
    attack = "<script>document.title = 'run'</script>" + "x" * 500
    report = policy(film_caption=attack, command=attack, settings=[(attack, attack, attack)])
    write_page(path, render_reinforcement(report))
    page = browser.new_page(viewport={"width": width, "height": 800})
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(path.as_uri())
    assert [path.as_uri()] == [url for url in asked if not url.startswith("data:")]
    assert ([], "CartPole-v1: ") == (said, page.title()[:13])
    assert width >= page.evaluate("document.documentElement.scrollWidth")
    assert [30, 20] == page.evaluate(
        "(() => { const film = document.querySelector('.film');"
        " return [film.naturalWidth, film.naturalHeight] })()"
    )
    band = page.evaluate("getComputedStyle(document.querySelector('.band')).fillOpacity")
    assert "0.15" == band
    page.close()
