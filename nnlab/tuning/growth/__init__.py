"""`sweep.from`: a new study that begins with the trials of another one."""
