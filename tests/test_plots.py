"""What `dvc plots` and `dvc metrics` show: variants, revisions and intervals, readable, and without a network."""

import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import vl_convert
from dvc_render import VegaRenderer
from samples import ONE_STUDY, ROOT, Project

from ablate import plots_page
from pipeline.project.artifacts import write_metrics
from pipeline.project.metrics import METRICS

TEMPLATES = ROOT / ".dvc" / "plots"
WEIGHT_DECAY = ("weight_decay_curves", "weight_decay_effects")
FIRST, SECOND = [0, 3], [0, 1, 3]  # weight decays before and now


def grid(values):
    return {**ONE_STUDY, "studies.weight_decay.grid.optimizer.weight_decay": values}


@pytest.fixture(scope="module")
def drawn(shared_project) -> Project:
    """A project with the page that `make` makes, a revision in git and another one in the workspace."""
    plots_page.write(shared_project.folder / plots_page.PATH)
    shared_project.run("dvc", "config", "--local", "plots.html_template", "plots/page.html")
    shared_project.write_params(grid(FIRST))
    shared_project.run("dvc", "repro")
    shared_project.commit("first results")
    shared_project.write_params(grid(SECOND))
    shared_project.run("dvc", "repro")
    return shared_project


@pytest.fixture(scope="module")
def difference(drawn, tmp_path_factory) -> Path:
    """The page of both revisions."""
    folder = tmp_path_factory.mktemp("difference")
    drawn.run("dvc", "plots", "diff", "HEAD", "-o", str(folder))
    return folder / "index.html"


def specs(page: Path) -> dict[str, dict]:
    """What Vega is asked to draw, by the plot's place in the page."""
    plots = re.findall(r"<div id = \"(\w+)\">.*?var spec = (\{.*?\});\n", page.read_text(), flags=re.DOTALL)
    return {name: json.loads(spec) for name, spec in plots if spec != "{}"}


def labels(svg: str, start: str) -> list[dict[str, str]]:
    """What the marks say of themselves to a screen reader, of those whose words begin like this."""
    said = [label for label in re.findall(r'aria-label="([^"]*)"', svg) if label.startswith(start)]
    return [dict(part.split(": ", 1) for part in label.split("; ")) for label in said]


def bands(svg: str) -> int:
    """Areas with a width: one for each variant, split and revision."""
    areas = re.findall(r'<path [^>]*aria-roledescription="area mark"[^>]* d="([^"]*)"', svg)
    return sum(len(set(re.findall(r",(-?[\d.]+)", path))) > 2 for path in areas)


def panels(svg: str) -> list[str]:
    return re.findall(r"Title text '(weight_decay_\w+)'", svg)


@pytest.mark.slow
def test_show_draws_the_workspace(drawn, tmp_path):
    drawn.run("dvc", "plots", "show", "-o", str(tmp_path / "plots"))
    found = specs(tmp_path / "plots" / "index.html")
    assert set(found) == {
        "data_curves_weight_decay_csv",
        "reports_results_weight_decay_csv",
        "reports_results_product_csv",
    }
    svg = vl_convert.vegalite_to_svg(found["data_curves_weight_decay_csv"])
    # a panel a variant, in the order of params.yaml; a band and a line for each of two splits
    assert panels(svg) == ["weight_decay_0", "weight_decay_1", "weight_decay_3"]
    assert bands(svg) == svg.count('aria-roledescription="line mark"') == 3 * 2
    svg = vl_convert.vegalite_to_svg(found["reports_results_product_csv"])
    quantiles = {f"path, {quantile}" for quantile in ("0.05", "0.25", "0.5", "0.75", "0.95")}
    assert set(re.findall(r"Title text '([^']*)'", svg)) == {"product", "log10_largest", "log10_growth", *quantiles}


@pytest.mark.slow
def test_diff_draws_both_revisions_of_every_variant(drawn, difference):
    found = specs(difference)
    curves = found["data_curves_weight_decay_csv"]
    svg = vl_convert.vegalite_to_svg(curves)
    assert panels(svg) == ["weight_decay_0", "weight_decay_1", "weight_decay_3"]
    assert bands(svg) == svg.count('aria-roledescription="line mark"') == (3 + 2) * 2
    rows = Counter((row["rev"], row["variant"]) for row in curves["data"]["values"])
    assert set(rows) == {("workspace", f"weight_decay_{value}") for value in SECOND} | {
        ("HEAD", f"weight_decay_{value}") for value in FIRST
    }
    # a revision has its colour
    colours = set(re.findall(r'aria-roledescription="line mark"[^>]* stroke="(#\w+)"', svg))
    assert len(colours) == 2

    # every run of every revision is a point, and the tick is the estimate that the report has: the geometric mean
    svg = vl_convert.vegalite_to_svg(found["reports_results_weight_decay_csv"])
    points = Counter((point["rev"], point["variant"]) for point in labels(svg, "test_loss: "))
    assert points == dict.fromkeys(rows, 3)
    ticks = {
        (tick["rev"], tick["variant"]): float(tick["Mean of position"]) for tick in labels(svg, "Mean of position")
    }
    assert set(ticks) == set(rows)
    table = pd.read_csv(drawn.folder / "reports/results/weight_decay.csv")
    for variant, losses in table.groupby("variant")["test_loss"]:
        assert ticks["workspace", variant] == pytest.approx(np.log10(losses).mean())


@pytest.mark.slow
def test_figures_stand_side_by_side(drawn, difference):
    images = re.findall(r'<p>([\w ]+)</p>\s*<img src="([^"]*)"', difference.read_text())
    names = sorted(path.name for path in (drawn.folder / "reports" / "figures").iterdir())
    assert names == [f"{name}.svg" for name in ("overview_ratio", "product_product", *WEIGHT_DECAY)]
    assert images == [(rev, f"static/{rev}_reports_figures_{name}") for name in names for rev in ("workspace", "HEAD")]
    for name, now, before in zip(names, images[::2], images[1::2], strict=True):
        drawings = [(difference.parent / path).read_bytes() for _, path in (now, before)]
        assert drawings[0] == (drawn.folder / "reports" / "figures" / name).read_bytes()
        assert (drawings[0] != drawings[1]) == (name != "product_product.svg")


@pytest.mark.slow
def test_the_page_asks_nothing_of_a_network(difference):
    outside = re.sub(r"<script>.*?</script>", "", difference.read_text(), flags=re.DOTALL)
    named = re.findall(r'<(?:script|link|img|iframe)\b[^>]*?(?:src|href)="([^"]*)"', outside)
    assert named
    assert all(name.startswith("static/") for name in named), named
    # the committed configuration names no page: where `make` was not run, it would be missing
    assert "html_template" not in (ROOT / ".dvc" / "config").read_text()


OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--dump-dom")
OPTIONS += ("--host-resolver-rules=MAP * ~NOTFOUND",)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.mark.slow
def test_a_browser_without_a_network_draws_every_plot(difference, tmp_path):
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} is installed")
    done = subprocess.run(
        [browser, *OPTIONS, f"--user-data-dir={tmp_path / 'profile'}", difference.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    drawings = re.findall(r'<svg [^>]*class="marks" width="(\d+)"', done.stdout)
    assert len([width for width in drawings if int(width) > 300]) == len(specs(difference)) == 3
    assert bands(done.stdout) == (3 + 2) * 2
    assert len(labels(done.stdout, "test_loss: ")) == (3 + 2) * 3
    # the measurement has not changed, so it comes last; DVC lists it first
    places = re.findall(r'<div id="((?:data|reports)_\w+)"', done.stdout)
    changed = [place for place in places if "weight_decay" in place]
    assert places[: len(changed)] == changed
    assert next(iter(specs(difference))) == places[len(changed)] == "reports_results_product_csv"


# --- the template of single runs, on rows made for it ----------------------------------------------------------------


def seeds_svg(rows, metric="test_loss"):
    """What the template draws of `rows`: variant, fold, value."""
    data = [
        {"variant": variant, "fold": fold, "seed_index": "0", metric: value, "rev": "workspace"}
        for variant, fold, value in rows
    ]
    renderer = VegaRenderer(data, "runs", x="variant", y=metric, template="seeds", template_dir=str(TEMPLATES))
    return vl_convert.vegalite_to_svg(renderer.get_filled_template())


def test_runs_on_the_whole_training_set_are_drawn_or_counted():
    """A diverged run has an empty cell, and a loss of 0 no place on a log scale."""
    whole = [("b", "0", "0.1"), ("b", "0", ""), ("b", "0", "0.0"), ("a", "0", ""), ("a", "0", "1.0")]
    svg = seeds_svg([*whole, ("a", "1", "0.2"), ("a", "2", "0.3")])
    assert re.findall(r">(✕ \d)<", svg) == ["✕ 2", "✕ 1"]
    assert len(labels(svg, "test_loss: ")) == 2
    # in the order of the file
    assert [name for name in re.findall(r">(\w+)</text>", svg) if name in "ab"] == ["b", "a"]
    assert "✕ " not in re.sub(r"Subtitle text '[^']*'|>points are runs[^<]*<", "", seeds_svg([("a", "0", "1.0")]))


def test_an_accuracy_keeps_its_own_scale():
    svg = seeds_svg([("a", "0", "0.5"), ("a", "0", "0.7"), ("a", "0", "0")], metric="test_accuracy")
    (tick,) = labels(svg, "Mean of position")
    assert float(tick["Mean of position"]) == pytest.approx(0.4)


def test_the_template_knows_which_metrics_lie_on_a_log_scale():
    template = json.loads((TEMPLATES / "seeds.json").read_text())
    (logarithmic,) = (one["expr"] for one in template["params"] if one["name"] == "logarithmic")
    listed = re.findall(r"'(\w+)'", logarithmic)
    assert listed == [metric.name for metric in METRICS.values() if metric.scale == "log"]


@pytest.mark.parametrize("path", ["dvc.yaml", "book/dvc.yaml"])
def test_every_template_is_there_and_used(path):
    used = set(re.findall(r"^ +template: (\w+)$", (ROOT / path).read_text(), flags=re.MULTILINE))
    assert used == {template.stem for template in TEMPLATES.glob("*.json")}
    tracked = subprocess.run(["git", "ls-files", ".dvc/plots"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {f".dvc/plots/{name}.json" for name in used} == set(tracked.stdout.split())


# --- sixty variants --------------------------------------------------------------------------------------------------


def test_metrics_of_sixty_variants_stay_readable(project, monkeypatch):
    monkeypatch.chdir(project.folder)
    path = "reports/metrics/weight_decay.json"
    variants = {f"activation_leaky_relu_weight_decay_0p{number:03d}": 0.123456789 for number in range(60)}
    write_metrics("weight_decay", variants)
    project.commit("sixty variants")
    changed = list(variants)[3], list(variants)[41]
    write_metrics("weight_decay", variants | dict.fromkeys(changed, 0.133456789))
    header, *rows = project.run("dvc", "metrics", "diff").stdout.splitlines()
    assert header.split() == ["Path", "Metric", "HEAD", "workspace", "Change"]
    assert [row.split()[:2] for row in rows] == [[path, name] for name in changed]
    assert max(map(len, [header, *rows])) <= 120
