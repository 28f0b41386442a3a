import json

from faults import whole

from pipeline.project import artifacts
from pipeline.stages import check, report


def test_the_stage_draws_and_writes_the_page_and_forgets_studies_that_are_gone(params_file, in_folder):
    params_file()
    whole.run()
    assert "How strongly should large weights be punished?" in artifacts.PAGE.read_text()
    assert {path.name for path in artifacts.FIGURES.iterdir()} == {
        "weight_decay_curves.svg",
        "weight_decay_effects.svg",
        "activation_curves.svg",
        "activation_effects.svg",
        "activation_layers.svg",
        "product_product.svg",
    }
    assert len(json.loads(artifacts.ENVIRONMENT.read_text())) == 1
    params_file({"studies.activation": ...})
    check.main([])
    report.main([])
    assert "Which activation?" not in artifacts.PAGE.read_text()
    assert not list(in_folder.rglob("*activation*"))
