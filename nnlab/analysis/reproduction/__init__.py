"""Running a recorded run again, and comparing the two to the last digit.

`plan` says what there is to do, `setting` what has to be set before NumPy starts, `again` does it in a process of its
own, `verdict` compares. `nnlab.analysis.reproduction.reproduce` is all of it.
"""
