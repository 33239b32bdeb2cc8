"""Each checker sees what is planted for it, and leaves alone what is fine."""
import shutil

from planted import TOP, Planted

FLOORS = """
<!-- floors: -->
      0  base        ground
      3  store       SQL
      3  metrics   · series
      9  alert       rules
     11  oncall      people
<!-- -->
"""


class Cleanup(Planted):
    def test_begun_before_any_return_is_fine(self):
        self.plant("src/base/a.c", "void f(void)\n{\n\tcleanup_buf struct buf one, two;\n\tbuf_init(&one, 1);\n\tbuf_init(&two, 1);\n\treturn;\n}\n")
        self.accepts("check-cleanup")

    def test_a_return_before_the_second_is_begun_is_seen_with_file_and_line(self):
        self.plant("src/base/a.c", "void f(void)\n{\n\tcleanup_buf struct buf one, two;\n\tbuf_init(&one, 1);\n\tif (x)\n\t\treturn;\n\tbuf_init(&two, 1);\n}\n")
        self.sees("check-cleanup", 'src/base/a.c:6: returns before "two" is begun')


class Floors(Planted):
    def setUp(self):
        super().setUp()
        self.plant("docs/architecture.md", FLOORS)
        self.plant("src/base/str.h", "#pragma once\n")

    def test_looking_down_is_fine(self):
        self.plant("src/alert/alert.c", '#include <stdio.h>\n#include "alert/alert.h"\n#include "base/str.h"\n')
        self.accepts("check-floors")

    def test_looking_up_is_seen_with_file_and_line(self):
        self.plant("src/alert/alert.c", '#include "base/str.h"\n#  include "oncall/oncall.h"\n')
        self.sees("check-floors", "src/alert/alert.c:2: alert (9) looks up to oncall (11)")

    def test_equal_numbers_do_not_know_each_other(self):
        self.plant("src/metrics/engine.cc", '#include "store/store.h"\n')
        self.sees("check-floors", "src/metrics/engine.cc:1: metrics (3) looks sideways to store (3)")

    def test_a_folder_that_the_table_does_not_know_is_seen(self):
        self.plant("src/misc/misc.c", "")
        self.sees("check-floors", "src/misc/misc.c:1: the folder misc is not in the table")

    def test_an_include_of_a_folder_nobody_knows_is_seen(self):
        self.plant("src/alert/alert.c", '#include "misc/misc.h"\n')
        self.sees("check-floors", "src/alert/alert.c:1:", "in no folder of the table")

    def test_a_private_header_of_another_room_is_seen(self):
        self.plant("src/oncall/oncall.c", '#include "alert/alert_priv.h"\n')
        self.sees("check-floors", "src/oncall/oncall.c:1:", "is private to alert")

    def test_a_build_order_against_the_table_is_seen(self):
        self.plant("meson.build", "floors = ['base', 'alert',\n  'store']\n")
        self.sees("check-floors", "alert (9) is built before store (3)")

    def test_a_document_without_the_table_is_seen(self):
        self.plant("docs/architecture.md", "<!-- floors: -->\n<!-- -->\n")
        self.sees("check-floors", "the table of floors was not found")


class Sql(Planted):
    def test_sql_in_a_store_file_is_fine(self):
        self.plant("src/alert/alert_store.c",
                   'a("SELECT id FROM alert "\n "WHERE state = ?1 ORDER BY started_at DESC, id LIMIT ?2");')
        self.assertIn("1 pieces", self.accepts("check-sql"))

    def test_sql_elsewhere_is_seen(self):
        self.plant("src/alert/alert.c", '\n\nrun("UPDATE alert SET state = 2");\n')
        self.sees("check-sql", "src/alert/alert.c:3: SQL outside src/store")

    def test_sentences_and_comments_are_not_sql(self):
        self.plant("src/alert/alert.c", '/* "DELETE FROM alert" */ // "DROP TABLE x"\n'
                   'say("select a service from the list"); say("could not update the set");\nchar c = \'"\';\n')
        self.accepts("check-sql")

    def test_like_the_clock_the_dice_and_printed_values_are_seen(self):
        self.plant("src/doc/doc_store.c", 'a("SELECT id FROM doc WHERE text LIKE ?1");\n'
                   'a("INSERT INTO doc VALUES (?1, unixepoch())");\n'
                   'a("SELECT id FROM doc WHERE n > random()");\n'
                   'a("DELETE FROM doc WHERE id = %d");\n')
        self.sees("check-sql", "doc_store.c:1: matches text", "doc_store.c:2: reads the engine's clock",
                  "doc_store.c:3: rolls the engine's dice", "doc_store.c:4: prints a value")

    def test_the_store_itself_may_print_the_names_of_tables(self):
        self.plant("src/store/table.c", 'print(&sql, "DELETE FROM %s WHERE id = ?1", table->name);\n')
        self.accepts("check-sql")

    def test_a_rule_broken_over_two_neighbouring_strings_is_seen(self):
        self.plant("src/store/find.c", 'a("SELECT id FROM doc " /* why */\n  "WHERE text LIKE ?1");\n')
        self.sees("check-sql", "find.c:1: matches text")

    def test_an_order_without_a_unique_key_is_a_hint_only(self):
        self.plant("src/store/find.c", 'a("SELECT a FROM doc ORDER BY title");\n')
        self.assertIn("find.c:1: hint: does ORDER BY", self.accepts("check-sql"))


class Words(Planted):
    def test_a_note_to_oneself_is_seen(self):
        self.plant("src/base/str.c", "int a;\n/* TO" "DO: later */\n")
        self.sees("check-words", 'src/base/str.c:2: "TO' 'DO"')

    def test_a_path_of_one_machine_is_seen(self):
        self.plant("docs/a.md", "see /ho" "me/ann/mainstay and /ro" "ot/x\n")
        self.sees("check-words", "docs/a.md:1:", "/ho" "me/ann/m")

    def test_paths_that_every_machine_has_are_fine(self):
        self.plant("docs/a.md", "/etc/mainstay, $HOME/work/x, src/work/x, https://example.org/home/a\n")
        self.accepts("check-words")


class Headers(Planted):
    def test_a_header_that_needs_another_first_is_seen(self):
        self.plant("src/base/a.h", "#pragma once\n#include <stdint.h>\nuint8_t a(void);\n")
        self.plant("src/base/b.h", "#pragma once\nuint8_t b(void);\n")
        self.sees("check-headers", "src/base/b.h:1: does not compile alone", "unknown type name")

    def test_headers_that_include_what_they_name_are_fine(self):
        self.plant("src/base/a.h", "#pragma once\n#include <stdint.h>\nuint8_t a(void);\n")
        self.plant("src/base/b.h", '#pragma once\n#include "base/a.h"\nuint8_t b(void);\n')
        self.assertIn("2 compile alone", self.accepts("check-headers"))


class Sizes(Planted):
    def test_a_long_function_is_reported_and_nothing_fails(self):
        if not shutil.which("ctags"):
            self.skipTest("there is no ctags")
        self.plant("src/base/a.c", "int a(void)\n{\n" + "\t;\n" * 100 + "\treturn 0;\n}\n")
        self.assertIn("note: src/base/a.c: a() has 104 lines", self.accepts("check-sizes"))


class Docs(Planted):
    def test_a_link_and_a_name_that_lead_nowhere_are_seen(self):
        self.plant("docs/a.md", "[b](b.md)\n`src/base/gone.c` `src/base`\n")
        self.plant("src/base/a.c", "")
        self.sees("check-docs", "docs/a.md:1: the link b.md", "docs/a.md:2: there is no src/base/gone.c")

    def test_links_that_lead_somewhere_are_fine(self):
        self.plant("docs/a.md", "[b](b.md#part) [c](https://example.org)\n```\n`./nothing`\n```\n")
        self.plant("docs/b.md", "[a](a.md)\n")
        self.assertIn("ok docs: docs/b.md", self.accepts("check-docs"))


class House(Planted):
    def test_the_real_table_names_every_folder_of_src(self):
        text = (TOP / "docs" / "architecture.md").read_text()
        for folder in (TOP / "src").iterdir():
            if folder.is_dir():
                self.assertRegex(text, rf"(?m)^ +\d+  {folder.name} ", folder.name)
