"""What a person sees at last on a terminal of so many columns: a terminal in twenty lines."""

from __future__ import annotations

import re

TOKEN = re.compile(r"\x1b\[\??([0-9;]*)([A-Za-z])|([\r\n])|([^\x1b\r\n])")


def screen(written: str, columns: int) -> list[str]:
    """The lines that stand there after `written`, without trailing blanks: those that scrolled away too."""
    lines = [""]
    row = column = 0
    for token in TOKEN.finditer(written):
        number, command, control, letter = token.groups()
        if letter is not None:
            if column == columns:  # the next letter wraps, not this one
                row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
            lines[row] = lines[row].ljust(column)[:column] + letter + lines[row][column + 1 :]
            column += 1
        elif control == "\r":
            column = 0
        elif control == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        elif command == "A":
            row = max(0, row - int(number or 1))
        elif command == "K":
            lines[row] = "" if number == "2" else lines[row][:column]
    return [line.rstrip() for line in lines]
