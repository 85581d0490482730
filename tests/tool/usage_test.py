"""Wrong usage is status 2 with one line that says what is wrong; help is status 0."""
import subprocess

from command import COMMAND, DONE, FAILURE, LIMIT_SECONDS, USAGE, CommandTest


class Usage(CommandTest):
    def test_mistakes(self):
        config = self.config()
        for arguments in ([], ["fetch"], ["get"], ["get", "k"], ["get", "-c", config], ["set", "k", "-c", config],
                          ["get", "k", "extra", "-c", config], ["stats", "-c", config, "--no-such-option"],
                          ["set", "k", "v", "-c", config, "--ttl", "30"],
                          ["set", "k", "v", "-c", config, "--ttl", "soon"],
                          ["replay", "-c", config], ["replay", "-c", config, "-t", "x", "--threads", "0"],
                          ["replay", "-c", config, "-t", "x", "--format", "csv"],
                          ["bench", "--requests", "0"], ["bench", "--requests", "-1"], ["bench", "--zipf", "x"],
                          ["conform"], ["conform", "memory", "--only", "no.such.check"],
                          ["conform", "memory", "--options", "[1]"],
                          ["set", "k", "-", "-c", "-"], ["replay", "-t", "-", "-c", "-"]):
            with self.subTest(arguments):
                answer = self.run_command(*arguments, expect=USAGE)
                self.assertEqual(answer.out, b"")
                self.assertEqual(len(answer.err.splitlines()), 1, answer.err)

    def test_help_and_version(self):
        for command in ([], ["get"], ["set"], ["delete"], ["explain"], ["stats"], ["check"], ["plugins"], ["replay"],
                        ["bench"], ["conform"]):
            with self.subTest(command):
                answer = self.run_command(*command, "--help", expect=DONE)
                self.assertIn("--help", answer.text)
                self.assertEqual(answer.err, "")
        self.assertRegex(self.run_command("--version", expect=DONE).text, r"^cachechain \d+\.\d+\.\d+, ABI \d+\.\d+\n$")

    def test_files_that_are_not_there(self):
        for arguments in (["get", "k", "-c", self.path("none.json")], ["check", "-c", self.folder],
                          ["replay", "-c", self.config(), "-t", self.path("none.txt")]):
            with self.subTest(arguments):
                answer = self.run_command(*arguments, expect=FAILURE)
                self.assertIn(arguments[-1], answer.err)

    def test_an_output_that_is_full_is_a_failure(self):
        config = self.config()
        self.run_command("set", "k", "v", "-c", config, expect=DONE)
        with open("/dev/full", "wb") as full:
            finished = subprocess.run([COMMAND, "get", "k", "-c", config], stdout=full, stderr=subprocess.PIPE,
                                      stdin=subprocess.DEVNULL, timeout=LIMIT_SECONDS, check=False)
        self.assertEqual(finished.returncode, FAILURE)
        self.assertIn(b"standard output", finished.stderr)
