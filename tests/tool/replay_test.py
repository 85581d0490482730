"""replay: each request ends as a hit of one layer, a fill or an error, and a wrong value is an error."""
import json
import random
import signal
import subprocess

from command import COMMAND, DONE, FAILURE, LIMIT_SECONDS, CommandTest


def skewed_keys(count, distinct, seed=1):
    draw = random.Random(seed)
    return [str(int(draw.paretovariate(0.7)) % distinct) for _ in range(count)]


class Replay(CommandTest):
    def check_sum(self, report):
        hits = sum(layer["hits"] for layer in report["layers"])
        self.assertEqual(hits + report["fills"] + report["errors"], report["requests"], report)

    def replay(self, config, trace, *more, expect=DONE, **how):
        answer = self.run_command("replay", "-c", config, "-t", trace, "--json", *more, expect=expect, **how)
        self.check_sum(answer.json)
        return answer.json

    def test_the_first_run_fills_every_key_once_and_the_second_finds_all(self):
        keys = skewed_keys(20_000, 3000)
        trace = self.write("trace.txt", "\n".join(keys) + "\n")
        config = self.config(memory={"max_entries": 300})
        report = self.replay(config, trace)
        self.assertEqual((report["requests"], report["fills"], report["errors"]), (20_000, len(set(keys)), 0))
        self.assertGreater(report["layers"][0]["hits"], 0)
        self.assertGreater(report["layers"][1]["hits"], 0)
        self.assertEqual(report["layers"][0]["misses"], 20_000 - report["layers"][0]["hits"])
        self.assertEqual(report["layers"][1]["misses"], report["fills"])
        self.assertGreater(report["seconds"], 0)
        self.assertGreater(report["requests_per_second"], 0)
        self.assertLessEqual(0, report["p50_us"])
        self.assertLessEqual(report["p50_us"], report["p99_us"])
        self.assertLessEqual(report["p99_us"], report["p999_us"])
        self.assertEqual((report["format"], report["skipped_lines"]), ("lines", 0))
        again = self.replay(config, trace)
        self.assertEqual((again["fills"], again["errors"]), (0, 0))

    def test_threads_share_the_trace(self):
        keys = skewed_keys(20_000, 3000)
        report = self.replay(self.config(), self.write("trace.txt", "\n".join(keys)), "--threads", "4")
        self.assertEqual((report["requests"], report["errors"], report["threads"]), (20_000, 0, 4))
        self.assertGreaterEqual(report["fills"], len(set(keys)))

    def test_standard_input_and_a_limit(self):
        report = self.replay(self.config(), "-", "--requests", "3", stdin=b"a\nb\na\nb\n")
        self.assertEqual((report["requests"], report["fills"], report["trace"]), (3, 2, "standard input"))

    def test_a_foreign_value_is_an_error(self):
        config = self.config()
        trace = self.write("trace.txt", "a\nb\n")
        self.replay(config, trace)
        self.run_command("set", "b", "not what replay stores", "-c", config, expect=DONE)
        report = self.replay(config, trace, expect=FAILURE)
        self.assertEqual((report["errors"], report["wrong_values"]), (1, 1))
        self.assertEqual(report["errors_by_status"], {"WRONG_VALUE": 1})

    def test_the_value_of_another_key_is_an_error(self):
        config = self.config()
        trace = self.write("trace.txt", "a\nb\n")
        self.replay(config, trace)
        value = self.run_command("get", "a", "-c", config, expect=DONE).out
        self.assertEqual(len(value), 100)
        self.run_command("set", "b", "-", "-c", config, stdin=value, expect=DONE)
        self.assertEqual(self.replay(config, trace, expect=FAILURE)["wrong_values"], 1)

    def test_failures_are_counted_by_their_status(self):
        trace = self.write("trace.txt", "a\nb\na\n")
        report = self.replay(self.config(max_value_bytes=50), trace, expect=FAILURE)
        self.assertEqual((report["errors"], report["fills"]), (3, 0))
        self.assertEqual(report["errors_by_status"], {"VALUE_TOO_LARGE": 3})

    def test_the_twitter_format(self):
        trace = self.write("trace.csv", "0,a,1,300,1,get,0\n"
                                        "0,b,1,10,1,set,3600\n"
                                        "1,b,1,10,1,get,0\n"
                                        "1,a,1,0,1,delete,0\n"
                                        "2,a,1,20,1,gets,0\n")
        config = self.config()
        report = self.replay(config, trace)
        self.assertEqual((report["requests"], report["sets"], report["deletes"], report["fills"]), (3, 1, 1, 2))
        self.assertEqual(report["format"], "twitter")
        self.assertEqual(report["layers"][0]["hits"], 1)
        self.assertEqual(len(self.run_command("get", "a", "-c", config, expect=DONE).out), 20)
        self.assertIsNotNone(self.run_command("get", "b", "-c", config, "--json").json["expires_ms"])
        as_lines = self.replay(self.config("other.json"), trace, "--format", "lines")
        self.assertEqual((as_lines["requests"], as_lines["fills"]), (5, 5))

    def test_malformed_lines(self):
        trace = self.write("trace.csv", "0,a,1,3,1,get,0\nrubbish\n0,b,1,3,1,get,0\n")
        answer = self.run_command("replay", "-c", self.config(), "-t", trace, "--json", expect=FAILURE)
        self.assertIn("line 2", answer.err)
        self.assertEqual(answer.out, b"")
        report = self.replay(self.config(), trace, "--skip-malformed")
        self.assertEqual((report["requests"], report["skipped_lines"]), (2, 1))

    def test_traces_that_are_none(self):
        for content, word in ((b"", "empty"), (b"\x28\xb5\x2f\xfdx", "zstd"), (b"k" * 1025, "1024")):
            answer = self.run_command("replay", "-c", self.config(), "-t", self.write("trace", content), expect=FAILURE)
            self.assertIn(word, answer.err)

    def test_the_table(self):
        trace = self.write("trace.txt", "a\nb\na\n")
        text = self.run_command("replay", "-c", self.config(), "-t", trace, expect=DONE).text
        rows = {line.split()[0]: line.split() for line in text.splitlines() if line}
        self.assertEqual(rows["L1"][1:3], ["1", "33.33"])
        self.assertEqual(rows["filled"][1], "2")
        self.assertEqual(rows["all"][1], "3")

    def test_an_interruption_reports_what_was_done(self):
        replay = subprocess.Popen([COMMAND, "replay", "-c", self.config(), "-t", "-", "--json"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        # More than a pipe and the reader's buffer hold: when it is written, the replay is under way.
        replay.stdin.write(b"key\n" * (1 << 20))
        replay.stdin.flush()
        replay.send_signal(signal.SIGINT)
        out, err = b"", b""
        try:
            out, err = replay.stdout.read(), replay.stderr.read()
            self.assertEqual(replay.wait(LIMIT_SECONDS), FAILURE, err)
        finally:
            replay.kill()
            for stream in (replay.stdin, replay.stdout, replay.stderr):
                stream.close()
            replay.wait()
        report = json.loads(out)
        self.check_sum(report)
        self.assertIs(report["interrupted"], True)
        self.assertIn(b"interrupted", err)
