"""The pipeline that DVC runs: params.yaml -> data -> runs -> tables -> verdicts -> page.

Packages; each imports only from those listed above it and from itself:

    core          config base class, seeds, data set, errors, files, cache, progress
    arithmetic    vectors, functions, draws and products with the same bits everywhere; the compiler of kernels
    data          one module per data source: its config, and how it makes examples
    training      one run: kernels, optimizers, losses, activations; concise.py is the same run in torch.nn
    measurements  one module per measurement that needs no training
    project       params.yaml -> configs and variants; the files of a project; dvc.lock
    analysis      tables -> estimates, effects, verdicts, claims
    execution     the runs of a study: store of finished runs, pool of threads or Dask cluster
    report        tables -> figures -> page
    stages        read -> compute -> write, one module per stage of dvc.yaml

The commands of `ablate` are a package of their own, on which no stage depends.

Read these fifteen modules, in this order, to follow a study from params.yaml to its verdicts. dvc.yaml lists for every
stage the modules that it depends on: editing any other module does not rerun that stage.

     1  stages/train.py                what a stage is: read, compute, write
     2  project/params.py              params.yaml, read and checked once (parts.py: the part that a stage reads)
     3  project/variants.py            a study -> variants with complete configs (layers.py: overrides over the base)
     4  training/config.py             the config of a run
     5  execution/runs.py              the runs of a study: finished ones from the store, the others from the pool
     6  execution/store.py             what makes two runs the same run
     7  execution/results.py           one run: spec in, result out; what "diverged" means
     8  training/engine.py             the record of a run, and the call of its kernel
     9  training/kernels/arguments.py  the fields of the record, which kernels call `run`
    10  training/kernels/training.py   epochs, batches, evaluations, early stopping
    11  training/kernels/network.py    forward pass, dropout, loss, backward pass; for linear regression linear.py
    12  training/kernels/update.py     the update: weight decay, penalties, the step of an optimizer
    13  training/optimizers/sgd.py     one optimizer: config, step, counterpart in torch; __init__.py registers it
    14  analysis/comparison.py         every variant against its baseline, paired by seed; diverged runs
    15  analysis/judging.py            tests, adjusted p-values, verdicts

From there stages/report.py leads to the page: report/section.py collects the tables of a study, study_figures.py
draws them, figures.py keeps what was drawn, page.py fills the templates.

Kernels are compiled by numba and work on memory by get, put, load and store (arithmetic/vector.py). A matrix is stored
in strips of 16 columns; a row of a strip is one vector.

Shapes: N examples, B batch, D inputs, H hidden units, C outputs, L layers, E evaluated epochs, S seeds.
"""
