"""Stage `report`: judge the runs of all studies, draw the figures and write the page.

Reads   data/params.ok, params.yaml (all of it), reports/results/, data/curves/, data/diagnostics/
Writes  reports/figures/, reports/claims/, reports/index.html, reports/summary.md, reports/environment.json
"""

from pipeline.core import console


def main(arguments: list[str]) -> None:
    """Report on all studies and measurements; takes no argument."""
    console.say("report: reading results")
    # after the first line, because these imports take a second
    from pipeline.project import artifacts, params
    from pipeline.report import figures, page
    from pipeline.report.section import report

    project = params.load()
    artifacts.prune([*project.studies, *project.measurements])
    whole = report(
        project,
        {key: artifacts.read_results(project, key) for key in project.studies},
        {key: artifacts.read_curves(key) for key in project.studies},
        {key: artifacts.read_diagnostics(key) for key in project.studies},
        {key: artifacts.read_measured(key) for key in project.measurements},
        artifacts.read_published(project.published),
    )
    drawn = figures.draw(whole)
    console.say("report: writing the page")
    params.check_unchanged(project)
    artifacts.write_figures(page.files(drawn))
    artifacts.write_claims(whole.claims, whole.published)
    artifacts.write_environment(whole.environments)
    artifacts.write_text(artifacts.PAGE, page.render(whole, drawn))
    artifacts.write_text(artifacts.SUMMARY, page.summary(whole, drawn))


if __name__ == "__main__":
    console.run(main)
