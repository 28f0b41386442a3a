from pipeline.project import artifacts, params
from pipeline.stages import measure


def test_the_stage_writes_the_measured_values(params_file, in_folder):
    artifacts.write_parts(params.load(params_file()))
    measure.main(["measure@product"])
    assert (artifacts.read_measured("product")["quantity"] == "log10_largest").sum() == 20
