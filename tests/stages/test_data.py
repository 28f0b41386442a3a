from samples import seeds

from pipeline.project import artifacts, params
from pipeline.stages import data


def test_the_stage_writes_the_data_set_of_its_config(params_file, in_folder):
    artifacts.write_parts(params.load(params_file()))
    data.main(["book/dvc.yaml:data@linear"])
    assert artifacts.read_dataset("linear", seeds(3)).train.inputs.shape == (3, 20, 30)
