"""What the page and the summary say is what the data carry.

Read from the rendered files and recomputed from the results and params.yaml with NumPy and SciPy, for the two projects
of this repository and for one with invented results that provokes every case.
"""

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from report import invented, rendered
from report.rendered import Part, Table, limits, plain, value
from samples import ROOT
from scipy import stats

from pipeline.project import params
from pipeline.project.claims import Claim
from pipeline.project.labels import label
from pipeline.project.metrics import METRICS, Metric
from pipeline.project.params import Params
from pipeline.project.variants import Study, Variant
from pipeline.report.provenance import differs

EXACT = 17
DRAWS = 2**16
# p of other draws differ by chance, those of few seeds do not
CHANCE = 0.004
VERDICTS = ("better", "worse", "higher", "lower", "equivalent", "undecided", "not comparable")
DECIDED = VERDICTS[:4]
EFFECTS = ("effect", "ratio of ratios", "difference of differences")
HOLDS = ("holds", "fails", "undecided", "not measured")


@dataclass(frozen=True)
class Reported:
    """A project's params.yaml, its results, and what its page and its summary say."""

    folder: Path

    @cached_property
    def project(self) -> Params:
        return params.load(path=self.folder / "params.yaml")

    @cached_property
    def page(self) -> dict[str, Part]:
        return rendered.page((self.folder / "reports/index.html").read_text())

    @cached_property
    def summary(self) -> dict[str, Part]:
        return rendered.summary((self.folder / "reports/summary.md").read_text())

    @cached_property
    def claims(self) -> pd.DataFrame:
        table = pd.read_csv(self.folder / "reports/claims/claims.csv", keep_default_na=True)
        return table.set_index("id")

    @cached_property
    def runs(self) -> dict[str, pd.DataFrame]:
        return {
            key: pd.read_csv(self.folder / f"reports/results/{key}.csv", dtype={"variant": str})
            for key in [*self.project.studies, *self.project.measurements]
        }

    def values(self, study: Study, metric: str) -> dict[str, np.ndarray]:
        """By variant, the metric for each seed; NaN if a run diverged."""
        runs, definition = self.runs[study.id], METRICS[metric]
        chosen = runs[runs["fold"] > 0] if definition.split == "validation" else runs[runs["fold"] == 0]
        if definition.trained:
            chosen = chosen.assign(**{metric: chosen[metric].where(chosen["status"] == "finished")})
        groups = chosen.groupby(["variant", "seed_index"])[metric].apply(lambda values: values.mean(skipna=False))
        return {variant.id: groups[variant.id].to_numpy(float) for variant in study.variants}

    @cached_property
    def numbers(self) -> dict[str, dict[str, "Numbers"]]:
        """By study and variant without the baselines, what the metric that the study is judged by shows."""
        return {key: dict(self._numbers(study)) for key, study in self.project.studies.items()}

    def _numbers(self, study: Study) -> Iterator[tuple[str, "Numbers"]]:
        values, metric = self.values(study, study.metric), METRICS[study.metric]
        compared = [variant for variant in study.variants if variant.id != variant.baseline]
        p = [zero_effect(values[variant.id], values[variant.baseline], metric) for variant in compared]
        for variant, one, (adjusted, factor) in zip(compared, p, holm(p), strict=True):
            yield variant.id, Numbers(values[variant.id], values[variant.baseline], metric, one, adjusted, factor)

    def rows(self, study: Study) -> Iterator[tuple[Variant, dict[str, str], dict[str, str]]]:
        """Each variant with its row of the page and of the summary, judged by the metric of the study."""
        page = self.rows_on_page(study, *self.page[study.id].all("verdict", "wins"))
        summary = self.summary[study.id].table("verdict", "variant").rows()
        for variant, row in zip(study.variants, summary, strict=True):
            assert row["variant"].startswith(plain(variant.name))
            yield variant, page[variant.id], row

    def rows_on_page(self, study: Study, *tables: Table) -> dict[str, dict[str, str]]:
        """The row of each variant, which stands in one of the tables, within its block and below its baseline."""
        found: dict[str, dict[str, str]] = {}
        for table in tables:
            places = []
            for row, block in zip(table.rows(), table.blocks, strict=True):
                (id,) = {
                    variant.id
                    for variant in study.variants
                    if block == plain(variant.block) and row["variant"] == plain(self.heading(study, variant))
                }
                assert id not in found
                found[id] = row
                places.append((study.blocks.index(study.variant(id).block), id != study.variant(id).baseline, id))
            order = [variant.id for variant in study.variants]
            assert places == sorted(places, key=lambda place: (*place[:2], order.index(place[2])))
        assert found.keys() == {variant.id for variant in study.variants}
        return found

    def heading(self, study: Study, variant: Variant) -> str:
        return f"{variant.label} {differs(study, variant.id)}" if study.named else variant.label

    def verdicts(self, study: Study) -> dict[str, str]:
        """By variant without the baselines, the verdict of the page."""
        return {
            variant.id: verdict_of(row["verdict"])
            for variant, row, _ in self.rows(study)
            if variant.id != variant.baseline
        }

    def claim_rows(self) -> Iterator[tuple[str, Claim, dict[str, str], dict[str, str]]]:
        """Each claim with its row of the page and of the summary."""
        if not self.project.claims:
            return
        rows = [row for table in self.page["all-claims"].all("claim") for row in table.rows()]
        # those that do not hold stand first
        ids = sorted(self.project.claims, key=lambda id: self.claims.loc[id, "verdict"] == "holds")
        on_page = dict(zip(ids, rows, strict=True))
        summaries = self.summary["all-claims"].table("claim").rows()
        for (id, claim), summary in zip(self.project.claims.items(), summaries, strict=True):
            for row in (on_page[id], summary):
                assert row["claim"].startswith(plain(claim.config.claim))
            yield id, claim, on_page[id], summary


@pytest.fixture(scope="module", params=["default", "book", "invented"])
def reported(request, tmp_path_factory) -> Reported:
    if request.param == "invented":
        return Reported(invented.write(tmp_path_factory.mktemp("invented")))
    return Reported(ROOT if request.param == "default" else ROOT / "book")


# --- recomputed -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Numbers:
    """A variant and its baseline, seed by seed, with p, adjusted p and Holm's factor."""

    values: np.ndarray
    reference: np.ndarray
    metric: Metric
    p: float
    adjusted: float
    factor: int

    @property
    def diverged(self) -> bool:
        return bool(np.isnan(self.values).any() or np.isnan(self.reference).any())

    @property
    def identical(self) -> bool:
        return np.array_equal(self.values, self.reference, equal_nan=True)

    def effect(self, level: float = 0.05) -> tuple[float, float, float]:
        """The effect and its t interval at level 1 - `level`."""
        return mean(differences(self.values, self.reference, self.metric), self.metric, level)


def transformed(values: np.ndarray, metric: Metric) -> np.ndarray:
    return np.log(values) if metric.scale == "log" else values


def differences(values: np.ndarray, reference: np.ndarray | float, metric: Metric) -> np.ndarray:
    return transformed(values, metric) - transformed(np.asarray(reference, float), metric)


def mean(values: np.ndarray, metric: Metric, level: float = 0.05, folds: float = 0.0) -> tuple[float, float, float]:
    """The mean and its t interval, corrected for `folds` of one data set, back on the scale of the metric."""
    half = stats.t.ppf(1 - level / 2, len(values) - 1) * values.std(ddof=1) * math.sqrt(1 / len(values) + folds)
    back = np.exp if metric.scale == "log" else np.asarray
    return tuple(map(float, back([values.mean(), values.mean() - half, values.mean() + half])))


def sign_flips(values: np.ndarray) -> float:
    """The p of the mean of values: all signs up to 17 seeds, beyond other draws than those of the report."""
    n = len(values)
    if n <= EXACT:
        signs = np.array(list(itertools.product([1, -1], repeat=n)))
    else:
        signs = np.random.default_rng(1).choice([1, -1], size=(DRAWS, n))
        signs[0] = 1
    sums = np.abs(signs @ values)
    return float(np.mean(sums >= np.abs(values.sum()) - 1e-9 * np.abs(values).sum()))


def zero_effect(values: np.ndarray, reference: np.ndarray, metric: Metric) -> float:
    """The p of no effect, or if runs diverged of equal rates of divergence."""
    lost = [np.isnan(side) for side in (values, reference)]
    if np.any(lost):
        first, second = int((lost[0] & ~lost[1]).sum()), int((lost[1] & ~lost[0]).sum())
        return float(stats.binomtest(first, first + second).pvalue) if first + second else 1.0
    return sign_flips(differences(values, reference, metric))


def holm(p: Sequence[float]) -> list[tuple[float, int]]:
    """Each p adjusted for the family, and the factor that its own p is multiplied by."""
    order, running = np.argsort(p, kind="stable"), 0.0
    adjusted: dict[int, tuple[float, int]] = {}
    for rank, index in enumerate(order):
        running = max(running, min(1.0, (len(p) - rank) * p[index]))
        adjusted[int(index)] = (running, len(p) - rank)
    return [adjusted[index] for index in range(len(p))]


def verdict_of(cell: str) -> str:
    """The verdict at the beginning of a cell."""
    return next(verdict for verdict in (*VERDICTS, *HOLDS) if cell.startswith(verdict))


def shown(number: float, metric: Metric) -> float:
    """A value or difference of a metric in the unit of the page."""
    return 100 * number if metric.unit == "fraction" else number


def assert_shows(text: str, numbers: Sequence[float], metric: Metric) -> None:
    """The text shows the numbers, rounded to its decimals; the largest has three digits, or two decimals."""
    found = [number.replace(",", "") for number in re.findall(rendered.NUMBER, text)]
    assert len(found) == len(numbers), text
    for one, expected in zip(found, numbers, strict=True):
        half = 0 if "e" in one else 0.51 * 0.1 ** len(one.partition(".")[2])
        assert float(one) == pytest.approx(shown(expected, metric), rel=6e-3, abs=half + 1e-12), text
    sizes = [max(map(abs, map(float, found))), max(abs(shown(number, metric)) for number in numbers)]
    assert sizes[0] == pytest.approx(sizes[1], rel=6e-3, abs=0.0051 if metric.unit else 1e-12), text


# --- tables -----------------------------------------------------------------------------------------------------------


def test_estimates_effects_and_intervals_are_those_of_the_results(reported):
    for study in reported.project.studies.values():
        metric, values = METRICS[study.metric], reported.values(study, study.metric)
        for variant, *rows in reported.rows(study):
            finished = values[variant.id][~np.isnan(values[variant.id])]
            lost = len(values[variant.id]) - len(finished)
            numbers = reported.numbers[study.id].get(variant.id)
            for row in rows:
                assert row["n"] == (f"{len(finished)} of {len(values[variant.id])}" if lost else f"{len(finished)}")
                columns = list(row)
                estimate, interval = row[columns[columns.index("n") + 1]], row["95 % interval 2"]
                if not len(finished):
                    assert estimate == interval == ""
                    continue
                expected = mean(transformed(finished, metric), metric) if len(finished) > 1 else (finished[0],)
                percent = metric.unit == "fraction"
                tolerance = {"rel": 6e-3, "abs": 0.051 if percent else 1e-12}
                assert value(estimate) == pytest.approx(shown(expected[0], metric), **tolerance)
                if lost:
                    assert interval == ""
                elif finished.std() == 0:
                    assert interval == "all equal"
                else:
                    clipped = [shown(float(np.clip(limit, *metric.bounds)), metric) for limit in expected[1:]]
                    assert limits(interval) == pytest.approx(clipped, **tolerance)
                if numbers is None:
                    assert row["verdict"] == "baseline"
                    assert row["effect"] == row["95 % interval"] == row["p, adjusted"] == ""
                elif numbers.diverged:
                    assert row["effect"] == ""
                    assert row["95 % interval"] == ""
                elif numbers.identical:
                    assert row["95 % interval"] == "all equal"
                else:
                    assert_shows(row["effect"], numbers.effect()[:1], metric)
                    assert_shows(row["95 % interval"], numbers.effect()[1:], metric)


def test_cells_of_other_metrics_are_those_of_the_results(reported):
    """A cell of the matrix: an estimate and its interval, below an effect against the baseline and its interval."""
    for study in reported.project.studies.values():
        others = [metric for metric in study.metrics if metric.name != study.metric]
        tables = [table for table in reported.page[study.id].tables if table.caption.startswith("Estimate and")]
        if not others:
            assert not tables
            continue
        (table,) = tables
        assert table.headings == ["variant", *(metric.label for metric in others)]
        assert table.cards == [["", *table.headings[1:]]] * len(study.variants)
        rows = dict(zip(by_block(study), table.rows(), strict=True))
        assert table.blocks == [plain(study.variant(id).block) for id in rows]
        for metric in others:
            values = reported.values(study, metric.name)
            for id, row in rows.items():
                assert row["variant"] == plain(study.variant(id).label)
                reference = None if id == study.variant(id).baseline else values[study.variant(id).baseline]
                shared = metric.split == "validation" and reported.project.datasets[study.dataset].facts().images
                folds = correction(study) if shared else 0.0
                assert_cell(row[metric.label], values[id], reference, metric, folds)


def by_block(study: Study) -> list[str]:
    """The ids of variants block by block."""
    order = {block: index for index, block in enumerate(study.blocks)}
    return [variant.id for variant in sorted(study.variants, key=lambda variant: order[variant.block])]


def correction(study: Study) -> float:
    """By Nadeau and Bengio, of the mean over the k folds of a seed: k times that of a fold, 1 / (k - 1)."""
    configs = [variant.config.data.validation for variant in study.variants]
    return max(config.folds / (config.folds - 1) if config.name == "k_fold" else 0.0 for config in configs)


def assert_cell(text: str, values: np.ndarray, reference: np.ndarray | None, metric: Metric, folds: float) -> None:
    level, *effect = text.split("\n")
    finished = transformed(values[~np.isnan(values)], metric)
    lost = len(finished) < len(values)
    if not len(finished):
        assert text == ""
        return
    assert ("all equal" in level) == (metric.random and not lost and np.ptp(finished) == 0)
    shows_interval = metric.random and not lost and np.ptp(finished) > 0
    numbers = mean(finished, metric, folds=folds) if len(finished) > 1 else (values[~np.isnan(values)][0],)
    numbers = [numbers[0], *np.clip(numbers[1:], *metric.bounds)] if shows_interval else numbers[:1]
    # accuracies are rounded to tenths of a percent
    found = [float(number.replace(",", "")) for number in re.findall(rendered.NUMBER, level)]
    tolerance = {"rel": 6e-3, "abs": 0.051 if metric.unit == "fraction" else 1e-12}
    assert found == pytest.approx([shown(number, metric) for number in numbers], **tolerance), text
    if reference is None or lost or np.isnan(reference).any() or not metric.random:
        assert effect == [] or (not metric.random and limits(effect[0]) is None)
        return
    (below,) = effect
    if np.array_equal(values, reference):
        assert "all equal" in below
    else:
        assert_shows(below, mean(differences(values, reference, metric), metric, folds=folds), metric)


def test_of_many_variants_neighbours_that_are_alike_are_folded(reported):
    for study in reported.project.studies.values():
        verdicts, expected = reported.verdicts(study), set()
        for block in study.blocks:
            ids = [variant.id for variant in study.variants if variant.block == block]
            others = [id for id in ids if id in verdicts]
            runs: list[list[str]] = []
            for id in others:
                if runs and alike([*runs[-1], id], verdicts, reported.numbers[study.id]):
                    runs[-1].append(id)
                else:
                    runs.append([id])
            expected |= {id for run in runs for id in run if len(ids) > 12 and len(run) > 3}
        tables = reported.page[study.id].all("verdict", "wins")
        assert [bool(table.fold) for table in tables] == [False] + [True] * bool(expected)
        assert len(tables[0].cells) == len(study.variants) - len(expected)
        if expected:
            names = {plain(reported.heading(study, study.variant(id))) for id in expected}
            assert {row["variant"] for row in tables[1].rows()} == names
            counts = [f"{sum(verdicts[id] == one for id in expected)} {one}" for one in VERDICTS]
            words = ", ".join(count for count in counts if not count.startswith("0 "))
            assert tables[1].fold == f"{len(expected)} more variants: {words}"


def alike(ids: Sequence[str], verdicts: dict[str, str], numbers: dict[str, Numbers]) -> bool:
    """One verdict, and if it is a decided one, effects that lie in the intervals of all others."""
    found = {verdicts[id] for id in ids}
    if len(found) > 1 or any(numbers[id].diverged for id in ids):
        return False
    effects = [numbers[id].effect() for id in ids]
    inside = all(low <= effect <= high for effect, _, _ in effects for _, low, high in effects)
    return inside or found <= {"undecided", "equivalent"}


def test_verdicts_follow_from_the_results_and_page_and_summary_agree(reported):
    """Better and worse need adjusted p and interval, equivalent the margin; undecided has neither."""
    for study in reported.project.studies.values():
        metric, judging = METRICS[study.metric], reported.project.judging_of(study)
        margin = judging.margins.get(study.metric)
        for variant, *rows in reported.rows(study):
            numbers = reported.numbers[study.id].get(variant.id)
            if numbers is None:
                continue
            verdict, other = (verdict_of(row["verdict"]) for row in rows)
            assert verdict == other
            assert rows[0]["p, adjusted"] == rows[1]["p, adjusted"]
            assert value(rows[0]["p, adjusted"]) == pytest.approx(
                numbers.adjusted, rel=0.06, abs=CHANCE * numbers.factor
            )
            if len(numbers.values) <= EXACT and not rows[0]["p, adjusted"].startswith("<"):
                assert value(rows[0]["p, adjusted"]) == pytest.approx(numbers.adjusted, rel=0.06)
            small = numbers.adjusted <= judging.alpha
            unclear = abs(numbers.adjusted - judging.alpha) <= CHANCE * numbers.factor and len(numbers.values) > EXACT
            if numbers.diverged:
                assert verdict == "not comparable" or (small and metric.better and verdict in ("better", "worse"))
                continue
            effect, low, high = numbers.effect()
            within = False
            if margin is not None:
                bounds = (1 / margin, margin) if metric.scale == "log" else (-margin, margin)
                within = bounds[0] <= low and high <= bounds[1]
            if numbers.identical or within:
                assert verdict == "equivalent"
                continue
            zero = metric.zero_effect
            _, wide_low, wide_high = numbers.effect(min(0.05, judging.alpha / numbers.factor))
            if verdict in DECIDED:
                assert small or unclear
                assert wide_low > zero or wide_high < zero
                direction = "higher" if effect > zero else "lower"
                expected = "better" if direction == metric.better else "worse"
                assert verdict == (direction if metric.better is None else expected)
                printed = limits(rows[0]["95 % interval"])
                assert printed is not None
                assert printed[0] > zero or printed[1] < zero
            else:
                assert verdict == "undecided"
                assert unclear or not small or wide_low <= zero <= wide_high


def test_no_table_shows_what_survivors_or_computed_numbers_do_not_have(reported):
    """No interval and no effect beside "k of m"; neither n nor interval of a quantity that is not random."""
    for part in [*reported.page.values(), *reported.summary.values()]:
        for table in part.tables:
            computed = any(table.caption.lower().startswith(m.label) for m in METRICS.values() if not m.random)
            for row in table.rows():
                if " of " in row.get("n", "") or computed:
                    assert not [cell for name, cell in row.items() if "interval" in name and cell]
                for name, cell in row.items():
                    if any(name == metric.label and not metric.random for metric in METRICS.values()):
                        assert "[" not in cell
                        assert "all equal" not in cell
                if " of " in row.get("n", ""):
                    effect = (
                        row["interaction"] if "factors" in row else next(row[name] for name in row if name in EFFECTS)
                    )
                    assert effect in ("", "baseline", "–")
                if computed or "computed" in row.values():
                    assert row["n"] == ""
    for id, claim, page, summary in reported.claim_rows():
        if reported.claims.loc[id, "rule"] == "value":
            assert page["n"] == summary["n"] == summary["95 % interval"] == summary["p, adjusted"] == ""
            assert limits(page["effect and 95 % interval"]) is None
            assert claim.source in reported.project.measurements


def test_no_interval_of_a_share_leaves_its_range(reported):
    found = 0
    for part in [*reported.page.values(), *reported.summary.values()]:
        for table in part.tables:
            of_gap = "wins" in table.headings and any("gap of" in heading for heading in table.headings)
            for name, cell in itertools.chain.from_iterable(row.items() for row in table.rows()):
                # a gap between two accuracies may be negative
                smallest = -100 if of_gap or "gap of" in name else 0
                for low, high in re.findall(rf"\[({rendered.NUMBER}) %, ({rendered.NUMBER}) %\]", cell):
                    found += 1
                    assert smallest <= float(low) <= float(high) <= 100
    assert found


def test_updates_stand_in_the_table_where_they_differ(reported):
    for study in reported.project.studies.values():
        examples = reported.project.datasets[study.dataset].facts().train_examples
        expected = {}
        for variant in study.variants:
            config = variant.config
            used = examples if config.data.examples == "all" else config.data.examples
            stopping = config.training.early_stopping
            used -= round(stopping.fraction * used)
            count = f"{config.training.epochs * math.ceil(used / config.training.batch_size):,}"
            expected[variant.id] = count if stopping.name == "none" else f"up to {count}"
        for variant, *rows in reported.rows(study):
            wanted = expected[variant.id] if len(set(expected.values())) > 1 else None
            assert [row.get("updates") for row in rows] == [wanted, wanted]


def test_interactions_are_differences_of_differences_or_ratios_of_ratios(reported):
    found = 0
    for study in reported.project.studies.values():
        if study.named or len(study.factors) != 2:
            continue
        metric, values = METRICS[study.metric], reported.values(study, study.metric)
        factors = {tuple(map(label, v.factors.values())): values[v.id] for v in study.variants}
        reference = study.variant(study.variants[0].baseline).factors
        none = tuple(map(label, reference.values()))
        rows = [
            part[study.id].table(heading, "n").rows()
            for part, heading in ((reported.page, "factors"), (reported.summary, "interaction"))
        ]
        corners = [key for key in factors if key[0] != none[0] and key[1] != none[1]]
        for key, page, summary in zip(corners, *rows, strict=True):
            name, text = ("interaction", "factors") if "factors" in page else ("", "")
            assert page[text] == summary["interaction"]
            assert all(part in page[text] for part in map(plain, key)), (page[text], key)
            four = factors[key], factors[none[0], key[1]], factors[key[0], none[1]], factors[none]
            if np.isnan(four).any():
                assert "not comparable" in page["verdict"]
                continue
            both, first, second, neither = (transformed(sample, metric) for sample in four)
            expected = mean(both - first - second + neither, metric)
            assert_shows(page[name], expected[:1], metric)
            if limits(page["95 % interval"]):
                assert_shows(page["95 % interval"], expected[1:], metric)
            verdict = verdict_of(page["verdict"])
            assert verdict not in ("better", "worse")
            assert verdict == verdict_of(summary["verdict"])
            if verdict in ("higher", "lower"):
                low, high = limits(page["95 % interval"])
                assert low > metric.zero_effect if verdict == "higher" else high < metric.zero_effect
            found += 1
    assert found


# --- overview ---------------------------------------------------------------------------------------------------------


def main_variant(reported: Reported, study: Study) -> tuple[str, str]:
    """The variant whose effect stands for a study, and the rule that chose it."""
    verdicts = reported.verdicts(study)
    for claim in reported.project.claims.values():
        trend = getattr(claim.config, "trend", None)
        if claim.source != study.id or claim.unknown or (claim.config.metric or study.metric) != study.metric:
            continue
        if named := trend[-1] if trend else judged_pair(study, claim):
            if named in verdicts:
                return named, "claim"
            break
    zero = METRICS[study.metric].zero_effect
    sizes = {
        id: abs(distance(numbers.effect()[0], zero))
        for id, numbers in reported.numbers[study.id].items()
        if not numbers.diverged
    }
    return max(sizes, key=lambda id: sizes[id]), "largest" if len(verdicts) > 1 else "only"


def test_the_overview_shows_the_main_effect_of_every_study(reported):
    tables = [pd.read_csv(path) for path in sorted((reported.folder / "reports/tables").glob("overview_*.csv"))]
    rows = pd.concat(tables).set_index("study")
    compared = [study for study in reported.project.studies.values() if reported.numbers[study.id]]
    assert sorted(rows.index) == sorted(study.id for study in compared)
    for study in compared:
        row, metric = rows.loc[study.id], METRICS[study.metric]
        id, rule = main_variant(reported, study)
        numbers, verdicts = reported.numbers[study.id][id], reported.verdicts(study)
        assert (row.variant, row.rule, row.metric, row.n) == (id, rule, metric.name, len(numbers.values))
        assert row.verdict == verdicts[id]
        level = 0.05
        if rule == "largest" and row.verdict in DECIDED:
            # as the intervals of an answer, for the selection
            by_p = sum(
                reported.numbers[study.id][other].adjusted <= reported.project.judging.alpha for other in verdicts
            )
            level *= by_p / len(verdicts)
        expected = [math.nan] * 3 if numbers.diverged else numbers.effect(level)
        assert [row.effect, row.low, row.high] == pytest.approx(expected, rel=1e-5, abs=1e-9, nan_ok=True)
        margin = reported.project.judging_of(study).margins.get(metric.name, math.nan)
        assert row.margin == pytest.approx(margin, nan_ok=True)
        scale = "ratio" if metric.scale == "log" else "points" if metric.unit == "fraction" else metric.name
        assert row.scale == scale
        assert study.id in pd.read_csv(reported.folder / f"reports/tables/overview_{scale}.csv")["study"].tolist()


def test_the_overview_counts_claims_and_names_those_that_do_not_hold(reported):
    verdicts, claims = reported.claims["verdict"].tolist(), reported.project.claims
    names = {
        verdict: [f"{plain(claims[id].config.claim)} ({claims[id].source.replace('_', ' ')})" for id in table.index]
        for verdict, table in reported.claims.groupby("verdict", sort=False)
    }
    counts = {verdict: verdicts.count(verdict) for verdict in ("holds", "fails", "undecided")}
    words = {"holds": ("holds", "hold"), "fails": ("fails", "fail"), "undecided": ("is undecided", "are undecided")}
    holds, fails, undecided = (f"{count} {words[verdict][count != 1]}" for verdict, count in counts.items())
    sentence = f"Of {len(verdicts)} claims that were declared beforehand, {holds}, {fails} and {undecided}"
    if "not measured" in verdicts:
        sentence += f", {verdicts.count('not measured')} not measured"
    for id in ("overview", "all-claims"):
        assert f"{sentence}." in without_gaps(reported.page[id].text)
    for verdict, words in (("fails", "Failed"), ("undecided", "Not known")):
        listed, more = names.get(verdict, []), len(names.get(verdict, [])) - 4
        named = ", ".join(listed[:4]) + (f" and {more} more" if more > 0 else "")
        assert (f"{words}: {named}." in without_gaps(reported.page["overview"].text)) == bool(listed)


def without_gaps(text: str) -> str:
    """The text without the gaps that elements leave before punctuation."""
    return re.sub(r" (?=[.,;)])|(?<=\() ", "", " ".join(text.split()))


def test_what_does_not_hold_is_open_and_the_rest_is_counted(reported):
    pages = [("all-claims", "claim", "holds", "claim")]
    if reported.project.published:
        pages.append(("published-outcomes", "theory", "inside", "outcome"))
    for id, heading, settled, noun in pages:
        tables = reported.page[id].all(heading)
        assert len(tables) == 2
        for table in tables:
            assert {row["verdict"].startswith(settled) for row in table.rows()} == {bool(table.fold)}
        count = len(tables[1].cells)
        assert tables[1].fold.startswith(f"{count} {noun}{'s' if count > 1 else ''} ")


# --- claims -----------------------------------------------------------------------------------------------------------


def judged_pair(study: Study, claim: Claim) -> str:
    """The variant whose verdict is about the pair and the metric of a claim; empty if there is none."""
    config = claim.config
    if getattr(config, "trend", None) or (config.metric or study.metric) != study.metric:
        return ""
    against = study.variant(config.variant).baseline if config.against is None else config.against
    pairs = {frozenset((v.id, v.baseline)): v.id for v in study.variants if v.id != v.baseline}
    return pairs.get(frozenset((config.variant, against)), "")


def test_no_claim_contradicts_a_verdict(reported):
    """A claim about a pair and metric that the study judges has the verdict of the row, on page and in summary."""
    for id, claim, *rows in reported.claim_rows():
        study = reported.project.studies.get(claim.source)
        if study is None or claim.unknown or not (judged := judged_pair(study, claim)):
            continue
        verdict, metric = reported.verdicts(study)[judged], METRICS[study.metric]
        if verdict == "better":
            direction = metric.better
        elif verdict == "worse":
            direction = "lower" if metric.better == "higher" else "higher"
        else:
            direction = {"equivalent": "equal"}.get(verdict, verdict)
        if claim.config.variant != judged and direction in ("higher", "lower"):
            direction = "lower" if direction == "higher" else "higher"
        expected = "undecided"
        if verdict in (*DECIDED, "equivalent"):
            expected = "holds" if direction == claim.config.expect else "fails"
        assert [verdict_of(row["verdict"]) for row in rows] == [expected] * 2
        assert reported.claims.loc[id, "verdict"] == expected
        assert reported.claims.loc[id, "p"] == pytest.approx(
            reported.numbers[study.id][judged].adjusted, abs=CHANCE * reported.numbers[study.id][judged].factor
        )


def p_of_claim(reported: Reported, claim: Claim) -> tuple[list[float], bool | None]:
    """Each p of a claim of a family, and whether its effect is on the expected side; None if it does not matter."""
    config = claim.config
    if claim.source in reported.project.measurements:
        return of_measurement(reported, claim)
    study, metric = reported.project.studies[claim.source], METRICS[claim.metric]
    values = reported.values(study, claim.metric)
    if config.trend is not None:
        samples = [values[id] for id in config.trend]
        if np.isnan(samples).any():
            return [math.nan], None
        order = range(len(samples))
        ranks = [stats.spearmanr(order, seed).statistic if np.ptp(seed) else 0.0 for seed in np.transpose(samples)]
        margin = reported.project.judging_of(study).margins.get(metric.name)
        largest = 0.0 if margin is None else math.log(margin) if metric.scale == "log" else margin

        def matters(change: np.ndarray) -> bool:
            low, high = stats.ttest_1samp(change, 0.0).confidence_interval(0.95)
            return not -largest <= low <= high <= largest

        if not matters(differences(samples[-1], samples[0], metric)):
            return [sign_flips(np.array(ranks)), 1.0], None
        steps = [differences(after, before, metric) for before, after in itertools.pairwise(samples)]
        adjusted = [p for p, _ in holm(list(map(sign_flips, steps)))]
        sign = 1 if config.expect == "higher" else -1
        contrary = [
            p
            for p, step in zip(adjusted, steps, strict=True)
            if sign * step.mean() < 0 and matters(step) and stats.ttest_1samp(step, 0.0).pvalue < 0.05
        ]
        return [sign_flips(np.array(ranks)), min(contrary, default=1.0)], sign * np.mean(ranks) > 0
    reference = values[claim.against] if isinstance(claim.against, str) else float(claim.against)
    change = differences(values[config.variant], reference, metric)
    if np.isnan(change).any():
        return [math.nan], None
    if config.margin is None:
        return [sign_flips(change)], (change.mean() > 0) == (config.expect == "higher")
    margin = math.log(config.margin) if metric.scale == "log" else config.margin
    return [p_of_margin(change.mean(), change.std(ddof=1), len(change), margin)], bool(abs(change.mean()) <= margin)


def p_of_margin(mean: float, sd: float, n: int, margin: float) -> float:
    distance = min(abs(mean - margin), abs(mean + margin))
    return float(distance == 0) if sd == 0 else float(2 * stats.t.sf(distance / (sd / math.sqrt(n)), n - 1))


def of_measurement(reported: Reported, claim: Claim) -> tuple[list[float], bool | None]:
    quantity = reported.project.measurements[claim.source].quantities[claim.metric]
    table, (case, name) = reported.runs[claim.source], quantity.source
    # an empty case is read as missing, and "0" as a number
    cases = table["case"].map(lambda case: case if isinstance(case, str) else "" if pd.isna(case) else f"{case:g}")
    values = table[(cases == case) & (table["quantity"] == name)]["value"].to_numpy()
    config, n = claim.config, len(values)
    if quantity.statistic == "share":
        hits = int((values <= quantity.level).sum())
        return [stats.binomtest(hits, n, config.against).pvalue], (hits / n > config.against) == (
            config.expect == "higher"
        )
    if quantity.statistic != "mean":
        return [math.nan], None
    change = values.mean() - config.against
    if config.margin is not None:
        return [p_of_margin(change, values.std(ddof=1), n, config.margin)], bool(abs(change) <= config.margin)
    return [stats.ttest_1samp(values, config.against).pvalue], (change > 0) == (config.expect == "higher")


def by_interval(reported: Reported, claim: Claim, factor: int) -> float:
    """The p of the t test times Holm's factor, for a claim of a direction: its interval has the adjusted level."""
    if claim.source in reported.project.measurements or claim.config.margin is not None or claim.config.trend:
        return 0.0
    study, metric = reported.project.studies[claim.source], METRICS[claim.metric]
    values = reported.values(study, claim.metric)
    reference = values[claim.against] if isinstance(claim.against, str) else float(claim.against)
    return factor * float(stats.ttest_1samp(differences(values[claim.config.variant], reference, metric), 0.0).pvalue)


def test_other_claims_of_a_study_are_one_family_adjusted_together(reported):
    alpha = reported.project.judging.alpha
    found = {id: rows for id, _, *rows in reported.claim_rows()}
    for source, group in itertools.groupby(reported.project.claims.items(), lambda item: item[1].source):
        family = {
            id: claim
            for id, claim in group
            if not claim.unknown
            and not (source in reported.project.studies and judged_pair(reported.project.studies[source], claim))
        }
        tests = {id: p_of_claim(reported, claim) for id, claim in family.items()}
        keys = [(id, index) for id, (values, _) in tests.items() for index, p in enumerate(values) if not math.isnan(p)]
        adjusted = dict(zip(keys, holm([tests[id][0][index] for id, index in keys]), strict=True))
        for id in family:
            verdict = reported.claims.loc[id, "verdict"]
            assert [verdict_of(row["verdict"]) for row in found[id]] == [verdict] * 2
            if (id, 0) not in adjusted:
                assert verdict == "undecided" or reported.claims.loc[id, "rule"] == "value"
                continue
            p, factor = adjusted[id, 0]
            contrary = adjusted.get((id, 1), (1.0, 1))[0]
            assert reported.claims.loc[id, "p"] == pytest.approx(p, rel=0.02, abs=CHANCE * factor)
            assert reported.claims.loc[id, "family"] == len(keys)
            if tests[id][1] is None:
                assert verdict == "fails"
            elif verdict == "holds":
                assert tests[id][1]
                assert p <= alpha + CHANCE
                assert by_interval(reported, family[id], factor) <= alpha
                assert contrary > alpha - CHANCE
            elif verdict == "fails":
                assert contrary <= alpha + CHANCE or (p <= alpha + CHANCE and not tests[id][1])
            else:
                assert p > alpha - CHANCE or by_interval(reported, family[id], factor) > alpha


def test_a_claim_shows_an_effect_of_its_metric_and_the_number_of_its_seeds(reported):
    for id, claim, page, summary in reported.claim_rows():
        study = reported.project.studies.get(claim.source)
        if study is None or claim.unknown:
            continue
        metric, text = METRICS[claim.metric], page["effect and 95 % interval"]
        seeds = reported.runs[study.id]["seed_index"].nunique()
        assert page["n"] == summary["n"] == f"{seeds}"
        if claim.config.trend is not None:
            assert "correlation" in text
            assert all(abs(limit) <= 1 for limit in limits(text) or (0.0,))
        elif not math.isnan(reported.claims.loc[id, "effect"]):
            assert ("×" in text) == (metric.scale == "log")
            assert ("points" in text) == (metric.unit == "fraction")
            values = reported.values(study, claim.metric)
            reference = values[claim.against] if isinstance(claim.against, str) else float(claim.against)
            effect = mean(differences(values[claim.config.variant], reference, metric), metric)
            tolerance = {"rel": 6e-3, "abs": 0.0051 if metric.unit else 1e-12}
            assert value(text) == pytest.approx(shown(effect[0], metric), **tolerance)


# --- sentences --------------------------------------------------------------------------------------------------------


def answers(reported: Reported, study: Study) -> list[str]:
    """The answer of a study wherever it stands: in its section of the page, and of the summary."""
    on_page = reported.page[study.id].answer
    on_page, summary = (re.sub(r" ?\*?Caveat: .*", "", text) for text in (on_page, reported.summary[study.id].answer))
    assert on_page == summary
    return [on_page]


def name_of(study: Study, variant: Variant) -> str:
    """The name of a variant in an answer."""
    return plain(study.spoken(variant.id))


def test_an_answer_names_every_decided_variant_or_their_number(reported):
    for study in reported.project.studies.values():
        (text,) = answers(reported, study)
        verdicts = reported.verdicts(study)
        decided = any(verdict in DECIDED for verdict in verdicts.values())
        blocks = study.blocks if decided and 1 < len(study.blocks) <= 3 else [None]
        for block, verdict in itertools.product(blocks, DECIDED):
            group = [v for v in study.variants if verdicts.get(v.id) == verdict and block in (None, v.block)]
            if group:
                assert verdict in text.lower()
                if all(name_of(study, variant) in text for variant in group):
                    continue
                assert f"{len(group)} variants" in text
                measured = [v for v in group if not reported.numbers[study.id][v.id].diverged]
                if not measured:
                    assert f"{len(group)} variants, whose runs diverged" in text
                    continue
                zero = METRICS[study.metric].zero_effect
                sizes = {v.id: abs(distance(reported.numbers[study.id][v.id].effect()[0], zero)) for v in measured}
                largest = study.variant(max(sizes, key=lambda id: sizes[id]))
                assert re.search(rf"{re.escape(name_of(study, largest))}[^,;()]* has the largest effect", text)
        for verdict in ("undecided", "not comparable", "equivalent"):
            if verdict in verdicts.values():
                assert verdict in text.lower() or "has the same" in text


def distance(effect: float, zero: float) -> float:
    return math.log(effect) if zero else effect


def test_intervals_of_an_answer_are_adjusted_for_the_selection(reported):
    """Benjamini and Yekutieli: with R of m rows selected, the level is 1 - 0.05 R / m."""
    for study in reported.project.studies.values():
        (text,) = answers(reported, study)
        verdicts, metric = reported.verdicts(study), METRICS[study.metric]
        selected = [id for id, verdict in verdicts.items() if verdict in DECIDED]
        by_p = sum(reported.numbers[study.id][id].adjusted <= reported.project.judging.alpha for id in verdicts)
        group = [id for id in selected if not reported.numbers[study.id][id].diverged]
        for id in group:
            variant = study.variant(id)
            name = rf"(?<![\w.]){re.escape(name_of(study, variant))}"
            block = rf"(?: with {re.escape(plain(variant.block))})?(?: has the largest effect)?"
            found = re.search(rf"{name}{block} \(([^()]*\[[^\]]*\])\)", _part_of(text, study, variant))
            if found is None:
                assert sum(verdicts[other] == verdicts[id] for other in selected) > 5
                continue
            effect = reported.numbers[study.id][id].effect(0.05 * by_p / len(verdicts))
            assert_shows(found[1], effect, metric)
        if group:
            assert "95 % intervals" in text
            assert (f"selection of {by_p} of {len(verdicts)}" in text) == (by_p < len(verdicts))


def _part_of(text: str, study: Study, variant: Variant) -> str:
    """The sentence about the block of a variant, if blocks have sentences of their own."""
    start = text.find(f"With {plain(variant.block)}: ") if variant.block else -1
    return text[start:] if start >= 0 else text


def test_losses_are_compared_as_factors_and_points_as_test_examples(reported):
    for study in reported.project.studies.values():
        (text,) = answers(reported, study)
        metric = METRICS[study.metric]
        if metric.scale == "log":
            assert set(re.findall(r"([\d.]+) %", text)) <= {"95", "80"}
            assert "points" not in text
        examples = reported.project.datasets[study.dataset].facts().test_examples
        sentence = f"{examples / 100:.3g} of {examples:,} test examples"
        if metric.name == "test_accuracy":
            assert ("points" in text) == (sentence in text)
            table = reported.page[study.id].table("verdict", "wins")
            assert sentence in table.caption
            assert sentence in reported.summary[study.id].text
        # the size of an effect that are found less often, or are equivalent has both directions
        for cell in [row.get("verdict", "") for _, row, _ in reported.rows(study)] + re.findall(
            r"\(80 % power from .*?\)", text
        ):
            if "80 % power" in cell:
                numbers = re.findall(r"× ([\d.e-]+)", cell)
                assert len(numbers) == 2 * (metric.scale == "log")
                assert not numbers or float(numbers[0]) * float(numbers[1]) == pytest.approx(1, rel=0.02)
                assert numbers or "±" in cell


def test_a_study_of_choice_answers_with_what_validation_chooses_and_one_of_agreement_with_what_agrees(reported):
    for study in reported.project.studies.values():
        (text,) = answers(reported, study)
        if study.asks == "choice":
            assert study.blocks == [""], "a block has a sentence of its own"
            sign, metric = (-1 if study.score == "accuracy" else 1), METRICS[f"test_{study.score}"]
            validated = pd.DataFrame(reported.values(study, f"validation_{study.score}")) * sign
            tested = pd.DataFrame(reported.values(study, metric.name)) * sign
            chosen = validated.idxmin(axis=1)
            counts = chosen.value_counts()
            sentence = re.match(r"Validation \(best score[^)]*\) chooses (.*?)\.(?: |$)", text)[1]
            first = study.variant(counts.index[0])
            assert f"{name_of(study, first)} ({counts.iloc[0]} of {len(chosen)} seeds)" in sentence
            listed = [int(count) for count in re.findall(r"\((\d+) of", sentence)]
            assert sum(listed) == len(chosen) or " other" in sentence
            taken = np.array([tested.loc[seed, id] for seed, id in chosen.items()])
            costs = differences(sign * taken, (sign * tested.min(axis=1)).to_numpy(), metric)
            cost = sentence.partition(metric.label)[2].partition(" against ")[0]
            assert_shows(cost, mean(costs, metric)[: 3 if costs.any() else 1], metric)
        if study.asks == "agreement" and "equivalent" in reported.verdicts(study).values():
            assert re.match(r"Equivalent|Every variant has the same|With [^:]*: equivalent", text)


def test_a_caveat_is_repeated_by_the_answer_and_by_every_claim_of_the_study(reported):
    for study in reported.project.studies.values():
        if study.caveat:
            for text in (reported.page[study.id].answer, reported.summary[study.id].text):
                assert plain(study.caveat) in text
    for _, claim, *rows in reported.claim_rows():
        study = reported.project.studies.get(claim.source)
        for row in rows:
            assert ("caveat" in row["claim"].lower()) == bool(study and study.caveat)
            assert study is None or plain(study.caveat) in row["claim"]


def test_a_test_is_called_exact_only_if_it_is(reported):
    for study in reported.project.studies.values():
        if not reported.numbers[study.id]:
            continue
        seeds = reported.runs[study.id]["seed_index"].nunique()
        lost = any(numbers.diverged for numbers in reported.numbers[study.id].values())
        for part in (reported.page, reported.summary):
            assert ("exact sign flips" in part[study.id].text) == (seeds <= EXACT)
            assert ("Monte Carlo, 65,536 draws" in part[study.id].text) == (seeds > EXACT)
            assert ("McNemar" in part[study.id].text) == lost


def within(margin: float, metric: Metric) -> str:
    """The effects within a margin, as the sentences spell them."""
    if metric.scale == "log":
        digits = ".5f" if margin < 1.01 else ".3g"
        return f"× {1 / margin:{digits}} to × {margin:{digits}}"
    return f"± {100 * margin:.2f} points" if metric.unit == "fraction" else f"± {margin:g}"


def test_the_summary_can_be_read_alone(reported):
    judging = reported.project.judging
    studies = reported.project.studies
    judged = {study.metric for study in studies.values()}
    texts = [part["how-to-read"].text for part in (reported.page, reported.summary)]
    assert " ".join(texts[1].split()) in " ".join(texts[0].split())
    assert f" {judging.alpha:g}," in texts[1]
    fixed = "test images are fixed" in texts[1]
    assert fixed == any(reported.project.datasets[study.dataset].facts().images for study in studies.values())
    for name in judged & judging.margins.keys():
        assert within(judging.margins[name], METRICS[name]) in texts[1]
    for study in studies.values():
        if study.margin is not None:
            words = within(study.margin, METRICS[study.metric])
            assert all(words in part[study.id].text for part in (reported.page, reported.summary))
        undecided = "undecided" in reported.verdicts(study).values() if reported.numbers[study.id] else False
        known = not any(numbers.diverged for numbers in reported.numbers[study.id].values())
        if undecided and known and reported.runs[study.id]["seed_index"].nunique() > 8:
            for part in (reported.page, reported.summary):
                assert "are found less often, or are equivalent" in part[study.id].text


# --- the invented project provokes what the others may not -----------------------------------------------------------


def test_the_invented_project_has_every_case(tmp_path):
    made = Reported(invented.write(tmp_path))
    studies = made.project.studies
    verdicts = {(key, verdict) for key, study in studies.items() for verdict in made.verdicts(study).values()}
    assert {verdict for _, verdict in verdicts} == set(VERDICTS)
    assert ("undirected", "not comparable") in verdicts
    assert [row["n"] for _, row, _ in made.rows(studies["survivors"])] == ["10", "1 of 10", "8 of 10", "10", "10"]
    verdict_by_id = made.claims["verdict"].to_dict()
    # unadjusted, this claim would hold
    assert p_of_claim(made, made.project.claims["by_itself"])[0][0] < 0.05
    assert {
        "by_itself": "undecided",
        "falls": "holds",
        "contrary": "fails",
        "reversed": "holds",
    }.items() <= verdict_by_id.items()
    folded = made.page["very_many"].all("verdict", "wins")[1]
    assert folded.fold == "8 more variants: 4 equivalent, 4 undecided"
    assert "100.0 %]" in made.page["perfect"].table("verdict", "wins").rows()[0]["95 % interval 2"]
    assert max(mean(made.values(studies["perfect"], "test_accuracy")["activation_tanh"], METRICS["test_accuracy"])) > 1
    assert "Monte Carlo" in made.page["product"].text
    assert "exact" in made.page["rates"].text
