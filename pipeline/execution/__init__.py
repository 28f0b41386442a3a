"""Training of all runs of a study, on threads or a cluster, and the tables of their results."""
