"""`python -m nnlab.doctor`: see `nnlab/doctor/command.py`."""

from nnlab.commands.entry import start

if __name__ == "__main__":
    start("nnlab.doctor.command")
