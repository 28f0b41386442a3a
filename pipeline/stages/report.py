"""Stage `report`: judge the runs of all studies, draw them and write the page.

Reads   data/params.ok, params.yaml (all of it), reports/results/, data/curves/, data/probes/
Writes  reports/figures/, reports/ledger/, reports/index.html, reports/summary.md,
        reports/environment.json
"""

from pipeline.project import artifacts, console, params
from pipeline.report import page
from pipeline.report.section import report


def main(arguments: list[str]) -> None:
    """Report on all studies and probes; takes no argument."""
    project = params.load()
    artifacts.prune([*project.studies, *project.probes])
    whole = report(
        project,
        {key: artifacts.read_results(project, key) for key in project.studies},
        {key: artifacts.read_curves(key) for key in project.studies},
        {key: artifacts.read_probes(key) for key in project.studies},
        {key: artifacts.read_measured(key) for key in project.probes},
        artifacts.read_published(project.published),
    )
    drawn = page.draw(whole)
    params.demand_unchanged(project)
    artifacts.write_figures(page.files(drawn))
    artifacts.write_ledger(whole.ledger, whole.published)
    artifacts.write_environment(whole.environments)
    artifacts.write_page(page.render(whole, drawn))
    artifacts.write_summary(page.summary(whole, drawn))


if __name__ == "__main__":
    console.run(main)
