"""The page of a report as a person uses it, in a real browser. Pictures of it are kept in tests/artifacts."""

import os
import re
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from infra_assets.reports.changes import DELETE, ResourceChange
from infra_assets.reports.html import as_html
from infra_assets.reports.matrix import DRIFTED, Row
from infra_assets.reports.report import Report
from infra_assets.stacks.console import account_link
from infra_assets.stacks.outcome import PropertyChange
from tests.end_to_end.browser import CHROMIUM, opened
from tests.reports.reports import EIGHT, report, tep
from tests.reports.test_html import hostile, of_rows

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")
STATEFUL = [
    ResourceChange("aws:ec2/vpc:Vpc", "first", "update", (PropertyChange("tags.Name", "update", "a", "b"),), "vpc-1"),
    ResourceChange("aws:sns/topic:Topic", "second", DELETE),
    ResourceChange("aws:dynamodb/table:Table", "third", "update"),
    ResourceChange("aws:rds/cluster:Cluster", "fourth", "replace", (PropertyChange("engineVersion", "update", "14", "15"),), "main"),
]


@pytest.fixture(scope="module")
def browser() -> Generator[Page]:
    if not CHROMIUM.exists():
        missing = f"THE LOOK AT THE REPORT IS LEFT OUT: no browser at {CHROMIUM}; Debian's package is `chromium`"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    with opened() as page:
        yield page


@pytest.fixture
def desktop(browser: Page) -> Page:
    browser.set_viewport_size({"width": 1400, "height": 900})
    return browser


@pytest.fixture
def phone(browser: Page) -> Page:
    browser.set_viewport_size({"width": 390, "height": 844})
    return browser


def show(page: Page, folder: Path, shown: Report, address: str = "") -> list[str]:
    """Open the page of a report; returns what the browser complains of."""
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda request: complaints.append(request.url) if not request.url.startswith("file:") else None)
    (folder / "report.html").write_text(as_html(shown), encoding="utf-8")
    page.emulate_media(color_scheme="light", media="screen", reduced_motion="reduce")
    page.goto("about:blank")
    page.goto((folder / "report.html").as_uri() + address)
    return complaints


def cell(page: Page, name: str) -> Locator:
    return page.locator(f'[role=gridcell][aria-label^="{name}:"]')


def shown_teps(page: Page) -> list[str]:
    return page.locator("[role=rowheader] b").all_inner_texts()


def test_a_verdict_filters_and_the_address_keeps_it(desktop: Page, tmp_path: Path, artifacts: Path) -> None:
    fleet = report(40, EIGHT, not_clean=0.2, left_out=["customer0099-prod: no AWS account yet"])
    complaints = show(desktop, tmp_path, fleet)
    expect(desktop.locator("#status")).to_have_text("320 of 320 cells in 40 of 40 TEPs")
    expect(desktop.get_by_text("customer0099-prod: no AWS account yet")).to_be_visible()
    desktop.screenshot(path=artifacts / "report-desktop.png", full_page=True)
    desktop.get_by_role("button", name=re.compile("drifted$")).click()
    expect(desktop.locator("#status")).to_have_text(re.compile(rf"^{fleet.summary[DRIFTED]} of 320 cells in .*: drifted$"))
    assert desktop.evaluate("location.hash") == "#verdict=drifted"
    desktop.reload()
    expect(desktop.get_by_role("button", name=re.compile("drifted$"))).to_have_attribute("aria-pressed", "true")
    expect(desktop.locator("#status")).to_have_text(re.compile("drifted$"))
    assert complaints == []


def test_all_filters_go_together(desktop: Page, tmp_path: Path) -> None:
    fleet = report(40, EIGHT, not_clean=0.6)
    show(desktop, tmp_path, fleet, "#only=attention")
    for name, value in (("ring", "beta"), ("environment", "test"), ("project", "dns")):
        desktop.locator(f"#{name}").select_option(value)
    wanted = [row for row in fleet.attention if (row.tep.ring, row.tep.environment, row.project) == ("beta", "test", "dns")]
    assert wanted
    expect(desktop.locator("#status")).to_have_text(re.compile(rf"^{len(wanted)} of 320 cells"))
    expect(desktop.get_by_role("columnheader")).to_have_count(2)
    desktop.get_by_role("button", name="clear filters").click()
    desktop.get_by_label("Tenant").fill("customer0003")
    expect(desktop.locator("#status")).to_have_text(re.compile("^16 of 320 cells in 2 of 40 TEPs"))


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        ("protected", 4),
        ("customer0002-test", 3),
        ("NETWORK customer0002", 2),
        ("workers-customer0001-prod", 1),
        ("rds/cluster", 1),
        ("<b>", 0),
    ],
)
def test_a_search_looks_at_teps_projects_messages_and_resources(desktop: Page, tmp_path: Path, words: str, rows: int) -> None:
    fleet = report(8, not_clean=0)
    changed = list(fleet.rows)
    changed[6] = replace(changed[6], resources=[ResourceChange("aws:rds/cluster:Cluster", f"workers-{changed[6].tep.name}", "update")])
    for place in (1, 8, 9, 20):
        changed[place] = replace(changed[place], verdict="error", message="resource is Protected")
    show(desktop, tmp_path, replace(fleet, rows=changed))
    desktop.get_by_label("Search").fill(words)
    expect(desktop.locator("#status")).to_have_text(re.compile(rf"^{rows} of 24 cells"))
    expect(desktop.get_by_text("No cell is like that.")).to_be_visible(visible=not rows)


def test_teps_are_sorted(desktop: Page, tmp_path: Path) -> None:
    rows = [
        Row(tep(0), "network", "deployed", "in-sync", changes={"update": 5}, duration_s=1),
        Row(tep(1), "network", "deployed", DRIFTED, changes={"update": 9}, duration_s=3),
        Row(tep(2), "network", "deployed", "error", changes={}, duration_s=2),
    ]
    show(desktop, tmp_path, of_rows(*rows))
    first, second, third = (row.tep.name for row in rows)
    for by, wanted in (
        ("worst verdict", [third, second, first]), ("TEP", [first, second, third]), ("ring", [first, second, third]),
        ("number of changes", [second, first, third]), ("duration", [second, third, first]),
    ):  # fmt: skip
        desktop.get_by_label("Sort by").select_option(label=by)
        assert shown_teps(desktop) == wanted, by
    desktop.get_by_role("button", name="reversed").click()
    assert shown_teps(desktop) == [first, third, second]


def test_a_cell_tells_all_what_destroys_data_first(desktop: Page, tmp_path: Path, artifacts: Path) -> None:
    row = Row(
        tep(4), "network", "deployed", "both", "configuration: network:cidr", message="look\nat this", run_id="run 1",
        finished_at=report().started_at, duration_s=75, resources=STATEFUL, drift=STATEFUL[1:3], history="iiid.dbb",
    )  # fmt: skip
    show(desktop, tmp_path, replace(of_rows(row), dagster_url="https://dagster.example"))
    cell(desktop, row.name).click()
    panel = desktop.get_by_role("dialog")
    assert panel.locator(".changes").first.locator(".change b").all_inner_texts() == ["fourth", "second", "third", "first"]
    for text in (
        "look\nat this",
        "configuration: network:cidr",
        "75 s",
        "is gone from the cloud",
        "differs in the cloud",
        "engineVersion",
        "15",
    ):
        expect(panel.get_by_text(text).first).to_be_visible()
    links = [link.get_attribute("href") for link in panel.get_by_role("link").all()]
    assert "https://dagster.example/runs/run%201" in links
    assert account_link(row.tep) in links
    assert [link for link in links if link and re.match(r"https://eu-central-1\.console\.aws\.amazon\.com/.*VpcDetails:VpcId=vpc-1", link)]
    expect(panel.get_by_text("in-sync ×3, drifted, not checked, drifted, both ×2")).to_be_visible()  # noqa: RUF001
    desktop.screenshot(path=artifacts / "report-cell.png")
    assert desktop.evaluate("location.hash") == f"#cell={row.name.replace('/', '%2F')}"
    desktop.keyboard.press("Escape")
    expect(panel).to_be_hidden()


def test_attention_has_destroyed_data_first_then_errors_and_what_is_alike_once(desktop: Page, tmp_path: Path) -> None:
    alike = [
        Row(tep(number), "network", "deployed", DRIFTED, drift=[ResourceChange("aws:ec2/vpc:Vpc", "main", "update",
            (PropertyChange("tags.Name", "update", f"{tep(number).name}-vpc", "other"),), f"vpc-{number}")]) for number in range(5)
    ]  # fmt: skip
    failed = Row(tep(6), "network", "failed", "error", message="no such thing")
    destroyed = Row(tep(7), "database", "deployed", "pending", resources=STATEFUL)
    show(
        desktop,
        tmp_path,
        of_rows(*alike, failed, destroyed, Row(tep(8), "network", "never"), Row(tep(9), "network", "deployed", "in-sync")),
    )
    groups = desktop.locator(".group > details > summary")
    assert [re.sub(r"\s+", " ", text) for text in groups.all_inner_texts()] == [
        f"→ pending stateful {destroyed.name} ± replace fourth (aws:rds/Cluster): engineVersion 14 → 15; 3 other resources 1 TEP",
        f"✕ error {failed.name} no such thing 1 TEP",
        "≠ drifted network ~ main (aws:ec2/Vpc) differs in the cloud: tags.Name ‹TEP›-vpc → other 5 TEPs",  # noqa: RUF001
        f"○ never network/{tep(8).name} never deployed 1 TEP",
    ]
    groups.nth(2).click()
    desktop.locator(".group").nth(2).get_by_role("button", name=tep(3).name).click()
    expect(desktop.get_by_role("dialog").get_by_role("heading", name=f"network/{tep(3).name}")).to_be_visible()
    expect(desktop.get_by_role("dialog").get_by_text(f"{tep(3).name}-vpc")).to_be_visible()


def test_the_trend_is_listed_and_filters(desktop: Page, tmp_path: Path) -> None:
    fleet = report(12, not_clean=0.5)
    assert fleet.trend
    show(desktop, tmp_path, fleet)
    gone = desktop.locator("#trend-gone")
    gone.locator("summary").click()
    assert gone.locator(".name").all_inner_texts() == list(fleet.trend.gone)
    desktop.locator("#trend-new summary").click()
    desktop.locator("#trend-new").get_by_role("button", name="show in the map").click()
    expect(desktop.locator("#status")).to_have_text(re.compile(rf"^{len(fleet.trend.new)} of 36 cells .*new since"))


def test_the_keyboard_is_enough(desktop: Page, tmp_path: Path) -> None:
    show(desktop, tmp_path, report(200, not_clean=0), "#sort=tep")
    desktop.keyboard.press("Tab")
    desktop.keyboard.press("Enter")  # the link that skips to the cells
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "End", "ArrowLeft"):
        desktop.keyboard.press(key)
    expect(cell(desktop, "network/customer0001-prod")).to_be_focused()
    assert desktop.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    desktop.keyboard.press("Control+End")
    expect(cell(desktop, "cluster/customer0099-test")).to_be_focused()
    desktop.keyboard.press("Enter")
    expect(desktop.get_by_role("dialog").get_by_role("heading", name="cluster/customer0099-test")).to_be_focused()
    desktop.keyboard.press("Escape")
    expect(cell(desktop, "cluster/customer0099-test")).to_be_focused()
    desktop.keyboard.press("/")
    expect(desktop.get_by_label("Search")).to_be_focused()


def test_nothing_that_was_said_runs(desktop: Page, tmp_path: Path) -> None:
    shown = hostile()
    complaints = show(desktop, tmp_path, shown)
    desktop.locator(".group summary").first.click()
    desktop.locator("#trend-new summary").click()
    desktop.locator(".cell").first.click()
    desktop.get_by_label("Search").fill("</script><script>")
    desktop.emulate_media(media="print")
    expect(desktop.locator("#paper")).to_contain_text("<img src=x onerror=hacked=1>")
    assert desktop.evaluate("typeof hacked") == "undefined"
    assert desktop.evaluate("document.querySelectorAll('img, iframe').length") == 0
    assert desktop.evaluate("document.scripts.length") == 2
    assert [
        link.get_attribute("href")
        for link in desktop.get_by_role("link").all()
        if not (link.get_attribute("href") or "").startswith(("http", "/", "#"))
    ] == []
    assert complaints == []


def test_a_phone_shows_it_without_scrolling_sideways(phone: Page, tmp_path: Path, artifacts: Path) -> None:
    show(phone, tmp_path, report(40, EIGHT, not_clean=0.2, left_out=["customer0099-prod: " + "no-account-at-all" * 9]))
    assert phone.evaluate("document.documentElement.scrollWidth") == 390
    assert phone.evaluate("document.getElementById('scroll').scrollWidth <= document.getElementById('scroll').clientWidth")
    phone.screenshot(path=artifacts / "report-phone.png", full_page=True)
    phone.locator(".cell.t-due").first.click()
    expect(phone.get_by_role("dialog")).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") == 390
    phone.screenshot(path=artifacts / "report-phone-cell.png")
    phone.get_by_role("button", name="Close").click()
    expect(phone.get_by_role("dialog")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read(desktop: Page, tmp_path: Path, artifacts: Path, scheme: str) -> None:
    for kind in ("drift", "preview"):
        show(desktop, tmp_path, report(40, EIGHT, kind=kind, not_clean=0.4, left_out=["acme-prod: no account"]), "#only=attention")  # type: ignore[arg-type]
        desktop.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        desktop.locator(".group summary").first.click()
        desktop.locator(".cell:has(.stateful), .cell.t-due").first.click()
        found = desktop.evaluate(CONTRAST)
        assert found["looked_at"] > 300
        assert found["too_little"] == []
        desktop.keyboard.press("Escape")
        desktop.screenshot(path=artifacts / f"report-{kind}-{scheme}.png", full_page=True)


def test_paper_has_every_cell_that_is_not_clean_and_no_controls(desktop: Page, tmp_path: Path, artifacts: Path) -> None:
    fleet = report(60, EIGHT, not_clean=0.3, left_out=["acme-prod: no account"])
    show(desktop, tmp_path, fleet)
    desktop.emulate_media(media="print", color_scheme="dark")
    rows = desktop.locator("#paper tbody tr")
    expect(rows).to_have_count(len(fleet.attention))
    printed = {"/".join(row.split("\t")[:2]) for row in rows.all_inner_texts()}
    assert printed == {row.name for row in fleet.attention}
    expect(desktop.locator("#filters")).to_be_hidden()
    expect(desktop.get_by_role("grid")).to_be_hidden()
    expect(desktop.get_by_text("acme-prod: no account")).to_be_visible()
    assert desktop.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    desktop.set_viewport_size({"width": 794, "height": 1123})
    desktop.screenshot(path=artifacts / "report-print.png", full_page=True)
    desktop.set_viewport_size({"width": 1400, "height": 900})
    desktop.emulate_media(media="screen", color_scheme="light")
    desktop.pdf(path=artifacts / "report.pdf", format="A4")
    assert (artifacts / "report.pdf").stat().st_size > 20_000


def test_paper_says_what_a_filter_has_left_out(desktop: Page, tmp_path: Path) -> None:
    fleet = report(40, EIGHT, not_clean=0.3)
    show(desktop, tmp_path, fleet, "#verdict=error")
    desktop.emulate_media(media="print")
    left = len(fleet.attention) - fleet.summary["error"]
    expect(desktop.locator("#paper > p")).to_have_text(f"Only: error. {left} cells that need attention are not on this paper.")


def test_a_link_opens_the_same_cell_again(desktop: Page, tmp_path: Path) -> None:
    show(desktop, tmp_path, report(4), "#project=network&cell=network/customer0001-test&dense=1")
    expect(desktop.get_by_role("dialog").get_by_role("heading", name="network/customer0001-test")).to_be_visible()
    expect(cell(desktop, "network/customer0001-test")).to_have_class(re.compile("chosen"))
    expect(desktop.get_by_role("button", name="dense")).to_have_attribute("aria-pressed", "true")


def test_forty_thousand_cells_can_be_used_at_once(
    desktop: Page, tmp_path: Path, artifacts: Path, record_property: Callable[[str, object], None]
) -> None:
    show(desktop, tmp_path, report(1, not_clean=0))
    (tmp_path / "fleet.html").write_text(as_html(report(5000, EIGHT, not_clean=0.05)), encoding="utf-8")
    desktop.goto((tmp_path / "fleet.html").as_uri(), wait_until="commit")
    desktop.locator('[data-verdict="drifted"]').click()
    expect(desktop.locator("#status")).to_have_text(re.compile("drifted$"))
    seconds = desktop.evaluate("performance.now()") / 1000
    record_property("interactive_s", seconds)
    assert seconds <= 10, "the goal is 3 s, see benchmarks/report.py; this bound is for busy machines"
    desktop.locator("#clear").click()
    assert desktop.evaluate("document.querySelectorAll('.cell').length") <= 8 * 40
    desktop.locator("#scroll").evaluate("box => { box.scrollTop = box.scrollHeight; }")
    expect(desktop.locator('[role=row][aria-rowindex="5001"]')).to_be_visible()
    desktop.screenshot(path=artifacts / "report-fleet.png")
