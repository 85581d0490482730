"""get, set, delete: each opens the chain anew, so what one stored the next finds in SQLite."""
import base64
import os
import sqlite3

from command import DEGRADED_MISS, DONE, FAILURE, NOT_FOUND, CommandTest

ALL_BYTES = bytes(range(256)) * 5 + b"\n"


class GetSetDelete(CommandTest):
    def test_a_value_is_stored_found_and_deleted(self):
        config = self.config()
        self.assertEqual(self.run_command("get", "k", "-c", config, expect=NOT_FOUND).out, b"")
        self.assertEqual(self.run_command("set", "k", "Ada", "-c", config, expect=DONE).text, "stored in L1, L2\n")
        self.assertEqual(self.run_command("get", "k", "-c", config, expect=DONE).out, b"Ada")
        self.assertEqual(self.run_command("delete", "k", "-c", config, expect=DONE).text, "deleted from L1, L2\n")
        answer = self.run_command("get", "k", "-c", config, expect=NOT_FOUND)
        self.assertEqual(answer.err, "cachechain: k: not found\n")

    def test_bytes_are_exact_and_in_json_base64(self):
        config = self.config()
        self.run_command("set", "k", "-", "-c", config, stdin=ALL_BYTES, expect=DONE)
        self.assertEqual(self.run_command("get", "k", "-c", config, expect=DONE).out, ALL_BYTES)
        answer = self.run_command("get", "k", "-c", config, "--json", expect=DONE).json
        self.assertEqual(base64.b64decode(answer["value_base64"]), ALL_BYTES)
        self.assertNotIn("value", answer)
        self.assertEqual((answer["status"], answer["layer"], answer["size"]), ("OK", "L2", len(ALL_BYTES)))

    def test_empty_values_and_odd_keys(self):
        config = self.config()
        self.run_command("set", "empty", "", "-c", config, expect=DONE)
        answer = self.run_command("get", "empty", "-c", config, "--json", expect=DONE).json
        self.assertEqual((answer["value"], answer["size"]), ("", 0))
        for key in ("[a,b]", "-", "with blank", "größer", '"quoted"', "%s%n", "k" * 1024):
            with self.subTest(key):
                self.run_command("set", "-c", config, "--", key, key, stdin=b"-", expect=DONE)
                self.assertEqual(self.run_command("get", "-c", config, "--", key, expect=DONE).out, key.encode())
        for key in ("", "k" * 1025):
            self.assertNotEqual(self.run_command("get", key, "-c", config).status, DONE)

    def test_keys_that_are_no_text(self):
        config = self.config()
        key = os.fsdecode(b"\xff\xfe\x1b[2J")
        self.run_command("set", key, "v", "-c", config, expect=DONE)
        answer = self.run_command("get", key, "-c", config, "--json", expect=DONE).json
        self.assertEqual(base64.b64decode(answer["key_base64"]), b"\xff\xfe\x1b[2J")
        self.run_command("delete", key, "-c", config, expect=DONE)
        answer = self.run_command("get", key, "-c", config, expect=NOT_FOUND)
        self.assertNotIn("\x1b", answer.err)

    def test_lives(self):
        config = self.config()
        self.run_command("set", "long", "v", "-c", config, "--ttl", "1h", "--fresh", "30min", expect=DONE)
        answer = self.run_command("get", "long", "-c", config, "--json", expect=DONE).json
        self.assertAlmostEqual(answer["expires_ms"] - answer["fresh_until_ms"], 1_800_000, delta=1000)
        self.run_command("set", "forever", "v", "-c", config, "--ttl", "none", expect=DONE)
        self.assertIsNone(self.run_command("get", "forever", "-c", config, "--json", expect=DONE).json["expires_ms"])
        self.run_command("set", "short", "v", "-c", config, "--ttl", "1ms", expect=DONE)
        while self.run_command("get", "short", "-c", config).status == DONE:
            pass  # a process takes longer than its life, or the next one does

    def test_json_of_a_miss_and_of_mutations(self):
        config = self.config()
        answer = self.run_command("get", "k", "-c", config, "--json", expect=NOT_FOUND)
        self.assertEqual((answer.json["key"], answer.json["status"], answer.err), ("k", "NOT_FOUND", ""))
        written = self.run_command("set", "k", "v", "-c", config, "--json", expect=DONE).json
        self.assertEqual((written["done"], written["owed"]), (["L1", "L2"], []))
        deleted = self.run_command("delete", "k", "-c", config, "--json", expect=DONE).json
        self.assertGreater(deleted["version"], written["version"])

    def test_a_configuration_from_standard_input(self):
        with open(self.config(), "rb") as file:
            text = file.read()
        self.run_command("set", "k", "v", "-c", "-", stdin=text, expect=DONE)
        self.assertEqual(self.run_command("get", "k", "-c", "-", stdin=text, expect=DONE).out, b"v")

    def test_a_layer_that_cannot_be_asked_makes_a_miss_degraded(self):
        config = self.config(source="application")
        self.run_command("set", "k", "v", "-c", config, expect=DONE)
        clean = self.run_command("get", "none", "-c", config, "--json", expect=NOT_FOUND).json
        self.assertEqual((clean["status"], clean["degraded"]), ("MISS", False))
        holder = sqlite3.connect(config + ".db", isolation_level=None)
        self.addCleanup(holder.close)
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        answer = self.run_command("get", "k", "-c", config, "--json", expect=DEGRADED_MISS).json
        self.assertEqual((answer["status"], answer["degraded"]), ("MISS", True))
        self.assertIn("could be asked", self.run_command("get", "k", "-c", config, expect=DEGRADED_MISS).err)
        written = self.run_command("set", "k", "w", "-c", config, "--json", expect=DONE).json
        self.assertEqual((written["done"], written["owed"]), (["L1"], ["L2"]))

    def test_namespaces_are_apart_and_cleared_one_by_one(self):
        config = self.config(namespaces={"users": {"schema": 3}})
        self.run_command("set", "k", "home", "-c", config, expect=DONE)
        self.run_command("set", "k", "user", "-c", config, "--namespace", "users", expect=DONE)
        self.assertEqual(self.run_command("get", "k", "-c", config, expect=DONE).out, b"home")
        self.assertEqual(self.run_command("get", "k", "-c", config, "-n", "users", expect=DONE).out, b"user")
        answer = self.run_command("clear", "-c", config, "-n", "users", expect=DONE)
        self.assertEqual(answer.text, "cleared; others learn of it from L2\n")
        self.run_command("get", "k", "-c", config, "-n", "users", expect=NOT_FOUND)
        self.assertEqual(self.run_command("get", "k", "-c", config, expect=DONE).out, b"home")
        cleared = self.run_command("clear", "-c", config, "--json", expect=DONE).json
        self.assertEqual((cleared["namespace"], cleared["done"], cleared["owed"]), ("default", ["L2"], []))
        self.run_command("get", "k", "-c", config, expect=NOT_FOUND)
        stats = self.run_command("stats", "-c", config, "-n", "users", "--json", expect=DONE).json
        self.assertEqual(stats["namespace"], "users")
        explained = self.run_command("explain", "-c", config, "-n", "users", "--json", expect=DONE).json
        self.assertEqual(explained["namespace"]["schema"], 3)
        answer = self.run_command("get", "k", "-c", config, "-n", "a/b", expect=FAILURE)
        self.assertIn("1 to 64", answer.err)

    def test_a_chain_that_cannot_be_opened(self):
        config = self.config(layers=[{"name": "L1", "plugin": "no_such_plugin"}], source="application")
        answer = self.run_command("get", "k", "-c", config, expect=FAILURE)
        self.assertIn("no_such_plugin", answer.err)
