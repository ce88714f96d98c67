"""Running a recorded run again, and comparing the two to the last digit.

`plan` says what there is to do, `setting` what has to be set before NumPy starts, `process` does it in a process of its
own, `verdict` compares; `reproduce` is all of it. `sources` finds the runs; `there` does one in a
worktree of its code.
"""
