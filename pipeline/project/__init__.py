"""A project: `params.yaml`, read and checked, and the files of data and results."""
