"""Figures against their bars: printed for people, written for machines, and an exit code."""
import json
import os
import sys
import time

COLOUR = sys.stdout.isatty() and "NO_COLOR" not in os.environ


def paint(text, code):
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


class Story:
    """Progress for whoever watches: what happens, with the time since the start."""

    def __init__(self):
        self.began = time.monotonic()

    def _line(self, mark, text, code):
        print(f"{paint(f'{time.monotonic() - self.began:6.1f} s', '2')}  {paint(mark, code)} {text}",
              flush=True)

    def chapter(self, text):
        print(f"\n{paint(text, '1')}", flush=True)

    def doing(self, text):
        self._line("·", text, "36")

    def done(self, text):
        self._line("✓", text, "32")

    def detail(self, text):
        for line in text.rstrip().splitlines():
            print(f"            {paint(line, '2')}", flush=True)


class Bars:
    """The figures of one run; each may have a bar that it must not exceed."""

    def __init__(self):
        self.rows = []
        self.figures = {}

    def at_most(self, name, value, bar, text, unit=""):
        self._row(name, value, f"<= {bar}{unit}", value <= bar, text, unit)

    def equals(self, name, value, bar, text, unit=""):
        self._row(name, value, f"= {bar}{unit}", value == bar, text, unit)

    def figure(self, name, value, text, unit=""):
        """Without a bar: told, not judged."""
        self._row(name, value, "", True, text, unit)

    def _row(self, name, value, bar, holds, text, unit):
        self.figures[name] = value
        self.rows.append((text, f"{shown(value)}{unit}", bar, holds))

    def all_hold(self):
        return all(holds for *_, holds in self.rows)

    def print(self):
        width = max(len(text) for text, *_ in self.rows)
        for text, value, bar, holds in self.rows:
            mark = " " if not bar else paint("✓", "32") if holds else paint("✗", "31")
            print(f"  {mark} {text:<{width}}  {value:>12}   {paint(bar, '2')}")

    def write(self, file, **more):
        if file:
            with open(file, "w", encoding="utf-8") as out:
                json.dump(self.figures | more | {"bars_hold": self.all_hold()}, out, indent=1)
                out.write("\n")


def shown(value):
    if isinstance(value, float):
        return f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
