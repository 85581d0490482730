"""check, plugins, explain, stats: text that names what is there, JSON that a program can read."""
import os

from command import DONE, FAILURE, CommandTest


class Check(CommandTest):
    def test_a_right_configuration(self):
        config = self.config()
        self.assertEqual(self.run_command("check", "-c", config, expect=DONE).text, config + ": right\n")
        self.assertFalse(os.path.exists(config + ".db"), "check opens nothing")
        self.assertIn("it opens", self.run_command("check", "-c", config, "--open", expect=DONE).text)
        self.assertTrue(os.path.exists(config + ".db"))
        report = self.run_command("check", "-c", config, "--json", expect=DONE).json
        self.assertIs(report["ok"], True)

    def test_print_shows_values_and_their_origin(self):
        lines = self.run_command("check", "-c", self.config(), "--print", expect=DONE).text.splitlines()
        self.assertEqual(lines[0].split(), ["option", "value", "from"])
        rows = [line.split() for line in lines[1:]]
        self.assertIn(["chain", "shop", "configuration"], rows)
        self.assertTrue(any(row[0] == "deadline_ms" and row[-1] == "default" for row in rows), lines)
        start = lines[0].index("from")
        self.assertTrue(all(line[start - 1] == " " and line[start] != " " for line in lines[1:]), "aligned")

    def test_every_problem_is_told(self):
        config = self.config(source="elsewhere", layers=[{"name": "L1", "plugin": "memory", "ttl": 5}])
        answer = self.run_command("check", "-c", config, expect=FAILURE)
        self.assertIn("source", answer.err)
        self.assertIn("layers[0].ttl", answer.err)
        report = self.run_command("check", "-c", config, "--json", expect=FAILURE).json
        self.assertIs(report["ok"], False)
        self.assertGreaterEqual(len(report["problems"]), 2)

    def test_what_is_no_json(self):
        answer = self.run_command("check", "-c", self.write("broken.json", '{"chain": \n "shop'), expect=FAILURE)
        self.assertIn("broken.json", answer.err)

    def test_a_plugin_that_is_missing_shows_when_opening(self):
        config = self.config(layers=[{"name": "L1", "plugin": "no_such_plugin"}], source="application")
        self.run_command("check", "-c", config, expect=DONE)
        self.assertIn("no_such_plugin", self.run_command("check", "-c", config, "--open", expect=FAILURE).err)


class Plugins(CommandTest):
    def test_ours_are_listed(self):
        names = [plugin.get("name") for plugin in self.run_command("plugins", "--json", expect=DONE).json]
        self.assertIn("memory", names)
        self.assertIn("sqlite", names)
        lines = self.run_command("plugins", expect=DONE).text.splitlines()
        self.assertEqual(lines[0].split()[:2], ["name", "version"])
        self.assertTrue(any(line.startswith("memory ") for line in lines), lines)

    def test_a_file_that_is_none_is_refused_with_its_name(self):
        self.write("fake.so", "no ELF file")
        answer = self.run_command("plugins", "--plugin-path", self.folder, expect=DONE)
        self.assertIn("fake.so", answer.err)
        self.assertIn("memory", answer.text)


class ExplainAndStats(CommandTest):
    def test_explain_a_key(self):
        config = self.config()
        self.run_command("set", "k", "v", "-c", config, expect=DONE)
        answer = self.run_command("explain", "k", "-c", config, "--json", expect=DONE).json
        self.assertEqual([layer["name"] for layer in answer["layers"]], ["L1", "L2"])
        text = self.run_command("explain", "k", "-c", config, expect=DONE).text
        self.assertIn("L2", text)

    def test_explain_the_chain(self):
        answer = self.run_command("explain", "-c", self.config(), "--json", expect=DONE).json
        self.assertEqual(answer["chain"], "shop")
        self.assertEqual(len(answer["layers"]), 2)

    def test_stats(self):
        config = self.config()
        self.run_command("set", "k", "v", "-c", config, expect=DONE)
        answer = self.run_command("stats", "-c", config, "--json", expect=DONE).json
        self.assertEqual(answer["chain"], "shop")
        self.assertIs(answer["opened_for_this_answer"], True)
        self.assertEqual([layer["name"] for layer in answer["layers"]], ["L1", "L2"])
        text = self.run_command("stats", "-c", config, expect=DONE).text
        self.assertIn("counters begin at zero", text)
        self.assertIn("L2", text)
