"""Stage `report`: judge the runs of all studies, draw the figures and write the page.

Reads   data/params.ok, params.yaml (all of it), tables/, reports/results/, data/curves/, data/diagnostics/
Writes  reports/figures/, reports/images/, reports/tables/, reports/claims/, reports/index.html, reports/summary.md,
        reports/environment.json
"""

from pipeline.core import console


def main(arguments: list[str]) -> None:
    """Report on all studies and measurements; takes no argument."""
    console.say("report: reading results")
    # after the first line, because these imports take a second
    from pipeline.project import artifacts, params
    from pipeline.report import figures, page, section

    project = params.load()
    artifacts.prune([*project.studies, *project.measurements])
    whole = section.read(project)
    drawn = figures.draw(whole)
    console.say("report: writing the page")
    params.check_unchanged(project)
    artifacts.write_figures(*page.files(drawn))
    artifacts.write_claims(whole.claims, whole.published)
    artifacts.write_environment(whole.environments)
    artifacts.write_text(artifacts.PAGE, page.render(whole, drawn))
    artifacts.write_text(artifacts.SUMMARY, page.summary(whole, drawn))


if __name__ == "__main__":
    console.run(main)
