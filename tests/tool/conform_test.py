"""conform: one line per check, and a status that tells whether any failed."""
from command import DONE, FAILURE, CommandTest


class Conform(CommandTest):
    def names(self):
        return self.run_command("conform", "--list", expect=DONE).text.split()

    def test_the_list(self):
        names = self.names()
        self.assertGreater(len(names), 10)
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual(self.run_command("conform", "--list", "--json", expect=DONE).json, names)

    def test_one_check_over_memory(self):
        name = self.names()[0]
        answer = self.run_command("conform", "memory", "--only", name, "--quick", expect=DONE)
        self.assertRegex(answer.text, rf"^(passed|skipped)\s+{name}")
        self.assertIn("0 failed", answer.text)

    def test_sqlite_gets_a_folder_per_check(self):
        report = self.run_command("conform", "sqlite", "--options", '{"path": "{scratch}/db"}', "--only",
                                  "slots.keys_*", "--only", "slots.persists", "--quick", "--json", expect=DONE).json
        self.assertGreaterEqual(report["passed"], 2)
        self.assertEqual((report["failed"], report["passed"] + report["skipped"]), (0, len(report["checks"])))

    def test_what_is_no_plugin_fails(self):
        file = self.write("fake.so", "no ELF file")
        answer = self.run_command("conform", file, "--only", self.names()[0], expect=FAILURE)
        self.assertIn("FAILED", answer.text)
        self.assertIn("fake.so", answer.text)
