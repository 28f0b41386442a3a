"""The pipeline that DVC runs: params.yaml -> data -> runs -> tables -> verdicts -> page.

Packages; each imports from those above its line and from itself:

    core          config base class, seeds, data set, errors, files, cache
    arithmetic    vectors, functions, draws and products with the same bits everywhere; the compiler of kernels
    data          one module per data source: its config, and how it makes examples
    training      one run: kernels, optimizers, losses, activations; concise.py is the same run in torch.nn
    measurements  one module per measurement without training
    project       params.yaml -> configs and variants; the files of a project; dvc.lock
    analysis      tables -> estimates, effects, verdicts, claims
    execution     the runs of a study: store of finished runs, pool of threads, cluster
    report        tables -> figures -> page
    stages        read -> compute -> write, one module per stage of dvc.yaml

The commands of `ablate` are a package of their own, on which no stage depends.

Read these fifteen modules, in this order, to follow a study from params.yaml to the page:

     1  stages/train.py               what a stage is: read, compute, write
     2  project/params.py             params.yaml, read and checked once
     3  project/variants.py           a study -> variants with complete configs
     4  training/config.py            the config of a run
     5  execution/runs.py             which runs are trained, which come from the store
     6  execution/results.py          one run: spec in, result out; what "diverged" means
     7  training/engine.py            the record of a run, and the call of its kernel
     8  training/kernels/training.py  epochs, batches, evaluations, early stopping
     9  training/kernels/network.py   forward pass, dropout, loss, backward pass
    10  training/kernels/optimizers.py  the update: weight decay, penalties, the step of an optimizer
    11  training/optimizers/sgd.py    one optimizer: config, step, counterpart in torch
    12  analysis/comparison.py        every variant against its baseline, paired by seed
    13  analysis/judging.py           tests, adjusted p, verdicts
    14  report/section.py             the tables that the page shows of a study
    15  report/page.py                figures, page and summary

Shapes: N examples, B batch, D inputs, H hidden units, C outputs, L layers, E evaluated epochs, S seeds.
"""
