"""What every benchmark takes on its command line."""
import argparse
import sys

from .machine import Failed


def parse(doc, **defaults):
    """--json FILE, --quick, --seed N; and one option of a number for each of `defaults`."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    parser.add_argument("--quick", action="store_true", help="a tenth of it, to see that it works")
    parser.add_argument("--seed", type=int, default=1)
    for name, value in defaults.items():
        parser.add_argument(f"--{name}", type=type(value), default=value)
    arguments = parser.parse_args()
    if arguments.quick:
        for name, value in defaults.items():
            if getattr(arguments, name) == value and isinstance(value, int):
                setattr(arguments, name, max(2, value // 10))
    return arguments


def run(measure):
    """Runs `measure()`, which returns its Bars; exits with 0 if all hold, else 1."""
    try:
        bars = measure()
    except Failed as failure:
        print(f"failed: {failure}", file=sys.stderr)
        sys.exit(1)
    sys.exit(0 if bars.all_hold() else 1)


def print_losses(report, count=20):
    for loss in report["losses"][:count]:
        print(f"    lost: {loss}")
