"""Letters that the figures' font lacks: drawn in another installed font, or as their Unicode numbers."""

import re
import zlib
from collections.abc import Iterable
from contextlib import suppress
from functools import cache

import matplotlib
from matplotlib.figure import Figure
from matplotlib.font_manager import FontEntry, findSystemFonts, fontManager, get_font, weight_dict
from matplotlib.text import Text

FONT = "DejaVu Sans"  # matplotlib brings it, so the figures look the same everywhere
LAST_RESORT = "Last Resort"  # matplotlib's too: a box for every letter
LONGEST = 40  # characters of a class's name that a figure shows
UNSHOWN = "No font that is installed here has all letters of"


def legible(text: str) -> str:
    """``text`` with Unicode numbers, such as U+9CE5, in place of letters that no installed font has.

    Another font that is needed is added to matplotlib's settings, for everything drawn afterwards.
    """
    lacking = {letter for letter in text if letter.isprintable() and ord(letter) not in letters_of(FONT)}
    for letter in sorted(lacking):
        if font := font_with(letter):
            lacking.remove(letter)
            if font not in (families := matplotlib.rcParams["font.family"]):
                matplotlib.rcParams["font.family"] = [*families, font]
    if not lacking:
        return text
    runs = f" ?([{re.escape(''.join(lacking))}]+) ?"
    return re.sub(runs, lambda run: f" {numbers_of(run[1])} ", text).strip(" ")


def numbers_of(letters: str) -> str:
    """The letters' Unicode numbers; for more than two, the first number and a checksum of all."""
    if len(letters) <= 2:
        return " ".join(f"U+{ord(letter):04X}" for letter in letters)
    return f"U+{ord(letters[0]):04X}…{zlib.crc32(letters.encode()) & 0xFFFF:04x}"


@cache
def font_with(letter: str) -> str | None:
    """The name of an installed font with this letter, preferably one of Noto; None where there is none."""
    return next((name for name in installed() if ord(letter) in letters_of(name)), None)


@cache
def installed() -> list[str]:
    """The names of all fonts, including those installed since matplotlib last looked."""
    for path in sorted(set(findSystemFonts()) - {font.fname for font in fontManager.ttflist}):
        with suppress(Exception):  # matplotlib raises many kinds for fonts that it cannot draw, such as emoji
            fontManager.addfont(path)
    names = {font.name for font in fontManager.ttflist if not font.name.startswith(LAST_RESORT)}
    return sorted(names, key=lambda name: (not name.startswith("Noto Sans"), name))


@cache
def letters_of(name: str) -> frozenset[int]:
    """The Unicode numbers of the letters in a font, in its regular style."""
    fonts = [font for font in fontManager.ttflist if font.name == name]

    def strangeness(font: FontEntry) -> tuple[bool, int]:
        weight = weight_dict[font.weight] if isinstance(font.weight, str) else font.weight
        return font.style != "normal", abs(weight - weight_dict["normal"])

    with suppress(OSError, RuntimeError):  # removed or damaged
        return frozenset(get_font(min(fonts, key=strangeness).fname).get_charmap())
    return frozenset()


def spell(figure: Figure) -> str:
    """Make all text of a figure :func:`legible`; return the text."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            labels = [label.get_text() for label in axis.get_ticklabels()]
            if labels != (shown := list(map(legible, labels))):
                axis.set_ticklabels(shown)
    found = [text for text in figure.findobj(Text) if isinstance(text, Text)]
    for text in found:
        text.set_text(legible(text.get_text()))
    return " ".join(" ".join(text.get_text() for text in found).split())


def explained(figure: Figure, names: Iterable[str]) -> str:
    """Make a figure's text legible; return a sentence that explains its Unicode numbers, or ""."""
    numbered = {name: legible(name) for name in names if legible(name) != name}
    if not numbered:
        return ""
    text = spell(figure)
    numbers = ", ".join(
        f"{name} ({shown} in the figure)" for name, shown in numbered.items() if shown[: LONGEST - 1] in text
    )
    return f"{UNSHOWN} {numbers}; one that has them, such as Noto Sans CJK, would be used" if numbers else ""
