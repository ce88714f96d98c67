"""Data and results that others published."""

from __future__ import annotations

# Student, "The probable error of a mean", 1908: hours of sleep gained by ten patients with each of two drugs, as in R's
# `sleep`. R: t.test(extra ~ group, paired = TRUE), t.test(extra ~ group).
SLEEP_1 = (0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0)
SLEEP_2 = (1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4)

# C. Darwin's maize, crossed and self-fertilized, in eighths of an inch: R. A. Fisher, "The design of experiments",
# 1935, 21, counts 863 of the 2¹⁵ sums at least as high as the observed 314; 1726 on both sides.
DARWIN = (49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48)
DARWIN_BEYOND = 1726
