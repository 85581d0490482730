"""bench: the same report over a built-in workload, and nothing left behind."""
import os
import pty
import subprocess

from command import COMMAND, DONE, LIMIT_SECONDS, CommandTest

SMALL = ("--requests", "20000", "--keys", "2000")


class Bench(CommandTest):
    def setUp(self):
        super().setUp()
        self.environment = dict(os.environ, TMPDIR=self.folder)

    def test_memory_over_sqlite_in_a_folder_that_goes(self):
        report = self.run_command("bench", *SMALL, "--json", expect=DONE, env=self.environment).json
        self.assertEqual([layer["plugin"] for layer in report["layers"]], ["memory", "sqlite"])
        self.assertEqual(sum(layer["hits"] for layer in report["layers"]) + report["fills"], 20_000)
        self.assertEqual((report["requests"], report["errors"]), (20_000, 0))
        # A tenth of the keys in memory takes far more than a tenth of the requests, and not all of them.
        self.assertGreater(report["layers"][0]["share"], 0.3)
        self.assertGreater(report["layers"][1]["hits"], 0)
        self.assertLessEqual(report["fills"], 2000)
        self.assertEqual(os.listdir(self.folder), [])

    def test_the_seed_decides_which_keys(self):
        def fills(seed):
            return self.run_command("bench", *SMALL, "--seed", seed, "--json", expect=DONE,
                                    env=self.environment).json["fills"]

        self.assertEqual(fills(7), fills(7))
        self.assertNotEqual({fills(1), fills(2), fills(3), fills(4)}, {fills(7)})

    def test_a_chain_of_the_users(self):
        config = self.config()
        first = self.run_command("bench", *SMALL, "-c", config, "--threads", "2", "--json", expect=DONE).json
        second = self.run_command("bench", *SMALL, "-c", config, "--json", expect=DONE).json
        self.assertGreater(first["fills"], 0)
        self.assertEqual((second["fills"], second["errors"]), (0, 0))

    def test_the_table(self):
        text = self.run_command("bench", *SMALL, "--unit", "ns", expect=DONE, env=self.environment).text
        rows = {line.split()[0]: line.split() for line in text.splitlines() if line}
        self.assertEqual(rows["all"][1], "20,000")
        self.assertTrue({"memory", "sqlite", "filled"} <= rows.keys(), text)

    def test_a_bar_on_a_terminal_that_is_gone_at_the_end(self):
        try:
            master, slave = pty.openpty()
        except OSError as none:
            self.skipTest(f"no terminal to be had here: {none}")
        try:
            bench = subprocess.Popen([COMMAND, "bench", "--requests", "200000", "--keys", "2000"],
                                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=slave,
                                     env=dict(self.environment, TERM="xterm"))
            os.close(slave)
            shown = b""
            while True:
                try:
                    block = os.read(master, 65536)
                except OSError:  # the other side is closed
                    break
                if not block:
                    break
                shown += block
            self.assertEqual(bench.wait(LIMIT_SECONDS), DONE, shown)
        finally:
            os.close(master)
        self.assertIn(b"a chain of its own", shown)
        self.assertTrue(shown.endswith(b"\r\x1b[K") or b"#" not in shown, shown[-200:])
