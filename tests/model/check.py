#!/usr/bin/env python3
"""Checks variants of the models with spin, or names them.

    check.py list            the names, one a line; those of the long run end in " long"
    check.py NAME...         checks these; exit status 0 only if every verdict is the one that variants.txt expects
    check.py all | long      checks all but the long ones, or all

A variant is "violated" only if spin's verifier reports a violated assertion, and "holds" only if it searched every
state and found nothing. Anything else is an error of its own: no compiler, a model that does not compile, a search that
was cut off by its depth or by memory, a model that gets stuck before its assertion. Exit status 1: another verdict or
an error; 2: usage; 77: spin is not installed, nothing was checked.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

FOLDER = pathlib.Path(__file__).resolve().parent
SKIPPED = 77
DEPTH = 200000
MEMORY_MB = 4096  # a model that grows past this fails, and not the machine that it runs on


class Trouble(Exception):
    """The variant could not be checked."""


def read_variants(path):
    variants = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        fields = line.split()
        if not fields or fields[0].startswith("#"):
            continue
        verdict, model, name, states, run, *switches = fields
        if (verdict not in ("holds", "violated") or run not in ("short", "long") or name in variants
                or not all(switch.startswith("-D") for switch in switches)):
            raise SystemExit(f"{path.name}:{number}: not a variant: {line}")
        variants[name] = (verdict, model, switches, int(states), run == "long")
    return variants


def run(command, folder):
    try:
        done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except OSError as failure:
        raise Trouble(f"{command[0]}: {failure.strerror}") from failure
    return done.returncode, done.stdout


def verdict_of(output):
    """What the verifier's report says, which its exit status does not."""
    if "pan: reached -DMEMLIM" in output or "out of memory" in output:
        raise Trouble(f"more than {MEMORY_MB} MB")
    if "max search depth too small" in output:
        raise Trouble(f"deeper than {DEPTH} steps")
    errors = re.search(r"errors: (\d+)", output)
    states = re.search(r"^\s*([\d.e+]+) states, stored", output, re.MULTILINE)
    if not errors or not states:
        raise Trouble("the verifier did not finish")
    found = re.search(r"^pan:\d+: (.*)", output, re.MULTILINE)
    if errors[1] == "0" and not found and "Search not completed" not in output:
        return "holds", int(float(states[1]))
    if found and found[1].startswith("assertion violated"):
        return "violated", int(float(states[1]))
    raise Trouble(found[1] if found else "the search is not complete")


def check(model, switches):
    with tempfile.TemporaryDirectory(prefix="model-") as folder:
        status, output = run(["spin", "-a", *switches, str(FOLDER / f"{model}.pml")], folder)
        if status != 0 or "rror" in output:
            raise Trouble(f"spin -a failed\n{output}")
        limits = ["-DSAFETY", "-DVECTORSZ=2048", f"-DMEMLIM={MEMORY_MB}"]
        status, output = run(["gcc", "-O2", "-w", *limits, "-o", "pan", "pan.c"], folder)
        if status != 0:
            raise Trouble(f"gcc failed\n{output}")
        # Without -E: a process that waits for ever is an error, not a quiet end that never reached its assertion.
        status, output = run(["./pan", f"-m{DEPTH}", "-w24"], folder)
        try:
            return verdict_of(output)
        except Trouble as trouble:
            raise Trouble(f"{trouble}\n{output}") from None


def main(arguments):
    variants = read_variants(FOLDER / "variants.txt")
    if arguments == ["list"]:
        for name, variant in variants.items():
            print(name + (" long" if variant[4] else ""))
        return 0
    if arguments in (["all"], ["long"]):
        arguments = [name for name, variant in variants.items() if arguments == ["long"] or not variant[4]]
    unknown = [name for name in arguments if name not in variants]
    if unknown or not arguments:
        print(__doc__ if not unknown else f"no such variant: {' '.join(unknown)}", file=sys.stderr)
        return 2
    if not shutil.which("spin"):
        print("skipped: spin is not installed")
        return SKIPPED
    wrong = 0
    for name in arguments:
        expected, model, switches, states, _ = variants[name]
        begin = time.monotonic()
        try:
            verdict, stored = check(model, switches)
        except Trouble as trouble:
            verdict, stored = f"error: {trouble}", 0
        as_expected = verdict == expected
        wrong += not as_expected
        print(f"{'ok   ' if as_expected else 'WRONG'} {name} ({' '.join([model, *switches])}): {verdict}, "
              f"{stored} states (about {states}), {time.monotonic() - begin:.1f} s", flush=True)
        if not as_expected:
            print(f"      expected: {expected}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
