import hashlib
import json

from faults import whole

from pipeline.project import artifacts, lock
from pipeline.stages import check, report


def test_the_stage_draws_and_writes_the_page_and_forgets_studies_that_are_gone(params_file, in_folder):
    params_file()
    whole.run()
    assert "How strongly should large weights be punished?" in artifacts.PAGE.read_text()
    names = {
        "overview_ratio",
        "overview_points",
        "weight_decay_curves",
        "weight_decay_effects",
        "activation_curves",
        "activation_effects",
        "activation_layers",
        "product_product",
    }
    for folder, suffix in ((artifacts.FIGURES, "svg"), (artifacts.IMAGES, "png"), (artifacts.TABLES, "csv")):
        assert {path.name for path in folder.iterdir()} == {f"{name}.{suffix}" for name in names}
    assert len(json.loads(artifacts.ENVIRONMENT.read_text())) == 1
    params_file({"studies.activation": ...})
    check.main([])
    # as DVC, which keeps the entries of a study that is gone
    files = [path.relative_to(in_folder) for path in in_folder.rglob("*/*.*") if path.suffix != ".yaml"]
    outs = "".join(
        f"    - {{path: {path}, md5: {hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}}}\n"
        for path in files
    )
    lock.PATH.write_text(f"stages:\n  all:\n    outs:\n{outs}")
    report.main([])
    assert "Which activation?" not in artifacts.PAGE.read_text()
    assert not list(in_folder.rglob("*activation*"))
