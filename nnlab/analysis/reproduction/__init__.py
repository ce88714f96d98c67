"""Running a recorded run again, and comparing."""
