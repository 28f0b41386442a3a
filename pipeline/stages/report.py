"""Stage `report`: judge the runs of all studies, draw them and write the page.

Reads   data/params.ok, params.yaml (all of it), reports/results/, data/curves/, data/probes/
Writes  reports/figures/, reports/index.html, reports/environment.json
"""

from pipeline import artifacts, console, params
from pipeline.report import figures, page
from pipeline.report.section import section


def main(arguments: list[str]) -> None:
    """Report on all studies; takes no argument."""
    project = params.load()
    artifacts.prune(project.studies)
    sections = [
        section(
            study,
            artifacts.read_results(study, project.seeds),
            artifacts.read_curves(study.id),
            artifacts.read_probes(study.id),
        )
        for study in project.studies.values()
    ]
    drawn = [figures.svgs(one) for one in sections]
    artifacts.write_figures({one.study.id: svgs for one, svgs in zip(sections, drawn, strict=True)})
    artifacts.write_environment([one.environment for one in sections])
    artifacts.write_page(page.render(project, list(zip(sections, drawn, strict=True))))


if __name__ == "__main__":
    console.run(main)
