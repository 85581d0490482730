"""Builds and runs the code of the README as it stands there. Each block prints "Ada".

usage: readme.py README INCLUDE LIBDIR CC CXX
"""
import os
import re
import subprocess
import sys
import tempfile


def main(readme, include, libdir, cc, cxx):
    with open(readme, encoding="utf-8") as file:
        blocks = dict(re.findall(r"^```(c|cpp|python)\n(.*?)^```$", file.read(), re.M | re.S))
    if sorted(blocks) != ["c", "cpp", "python"]:
        sys.exit(f"expected a block of c, cpp and python, found {sorted(blocks)}")
    environment = dict(os.environ, LD_LIBRARY_PATH=libdir)
    with tempfile.TemporaryDirectory() as folder:
        runs = {"python": [sys.executable, f"{folder}/example.python"]}
        for language, code in blocks.items():
            source = f"{folder}/example.{language}"
            with open(source, "w", encoding="utf-8") as file:
                file.write(code)
            if language == "python":
                continue
            program = f"{folder}/{language}"
            compiler = [cc, "-std=c11"] if language == "c" else [cxx, "-std=c++20"]
            subprocess.run(compiler + ["-Wall", "-Wextra", "-Werror", f"-I{include}", source, "-o", program,
                                       f"-L{libdir}", "-lcachechain"], check=True)
            runs[language] = [program]
        for language, command in runs.items():
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
            if done.returncode != 0 or done.stdout != "Ada\n":
                sys.exit(f"{language}: exit {done.returncode}, printed {done.stdout!r}, {done.stderr!r}")
            print(f"{language}: {done.stdout.strip()}")


main(*sys.argv[1:])
