"""Many runs from Python: `compose` them, `run_all` of them on all cores, read them back with `nnlab.results`."""

from nnlab.config.job import Job as Job
from nnlab.execution.many import compose as compose
from nnlab.execution.many import run_all as run_all
from nnlab.execution.many import run_each as run_each
