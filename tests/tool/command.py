"""Runs the command as a user would: a program with arguments, two outputs and an exit status."""
import json
import os
import subprocess
import tempfile
import unittest

COMMAND = os.environ["CACHECHAIN_COMMAND"]
LIMIT_SECONDS = 300

DONE, FAILURE, USAGE, NOT_FOUND, DEGRADED_MISS = range(5)


class Answer:
    def __init__(self, finished):
        self.status = finished.returncode
        self.out = finished.stdout
        self.err = finished.stderr.decode(errors="replace")

    @property
    def text(self):
        return self.out.decode()

    @property
    def json(self):
        return json.loads(self.out)


class CommandTest(unittest.TestCase):
    """A folder of its own, and a chain of memory over SQLite in it."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="cachechain-tool-test-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return self.path(name)

    def config(self, name="chain.json", memory=None, **changes):
        chain = {
            "chain": "shop",
            "source": "last_layer",
            "layers": [
                {"name": "L1", "plugin": "memory", "ttl_ms": "1h", "options": memory or {}},
                {"name": "L2", "plugin": "sqlite", "options": {"path": self.path(name + ".db")}},
            ],
        }
        chain.update(changes)
        return self.write(name, json.dumps(chain))

    def run_command(self, *arguments, stdin=b"", expect=None, **more):
        finished = subprocess.run([COMMAND, *map(str, arguments)], input=stdin, capture_output=True,
                                  timeout=LIMIT_SECONDS, check=False, **more)
        answer = Answer(finished)
        if expect is not None:
            self.assertEqual(answer.status, expect, f"{arguments}\n{answer.out!r}\n{answer.err}")
        for line in answer.err.splitlines():
            self.assertTrue(line.startswith("cachechain: "), answer.err)
        return answer
