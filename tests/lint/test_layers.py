# SPDX-License-Identifier: MIT
"""The lint catches what it is there to catch, and nothing else."""
import tempfile
import unittest
from pathlib import Path

from layers import Lint

SPDX = "/* SPDX-License-Identifier: MIT */\n"


def lint(files):
    """The errors about a tree of these files; C files get the licence line, headers the pragma."""
    with tempfile.TemporaryDirectory() as root:
        for name, text in files.items():
            path = Path(root, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            if name.endswith(".h"):
                text = SPDX + "#pragma once\n" + text
            elif name.endswith(".c"):
                text = SPDX + text
            path.write_text(text)
            for folder in (path.parent, path.parent.parent):
                (folder / "README.md").touch()
        return Lint(root).run()


class Layers(unittest.TestCase):
    def caught(self, files, *words):
        errors = lint(files)
        for word in words:
            self.assertTrue(any(word in error for error in errors), f"{word!r} is not in {errors}")
        self.assertEqual(len(errors), len(words), errors)

    def fine(self, files):
        self.assertEqual(lint(files), [])

    def include(self, path, header, system=False):
        line = f"#include <{header}>\n" if system else f'#include "{header}"\n'
        return {path: line} if system else {header: "", path: line}

    def test_allowed_includes(self):
        for path, header in (
                ("scheduler/time/a.c", "scheduler/model/b.h"), ("scheduler/template/a.c", "scheduler/time/b.h"),
                ("scheduler/load/a.c", "scheduler/template/b.h"), ("scheduler/engine/a.c", "scheduler/time/b.h"),
                ("scheduler/store/a.c", "scheduler/model/b.h"), ("executors/local/a.c", "scheduler/model/b.h"),
                ("executors/local/a.c", "executors/b.h"), ("executors/local/x/a.c", "executors/local/b.h"),
                ("scheduler/daemon/a.c", "scheduler/store/b.h"), ("scheduler/daemon/a.c", "executors/local/b.h"),
                ("web/api/a.c", "scheduler/store/reader.h"), ("web/api/a.c", "scheduler/daemon/client.h"),
                ("cli/a.c", "scheduler/daemon/b.h"), ("tests/unit/cli/a.c", "cli/b.h"),
                ("tests/sim/a.c", "tests/sim/b.h"), ("scheduler/engine/a.c", "scheduler/engine/internal.h")):
            with self.subTest(path=path, header=header):
                self.fine(self.include(path, header))

    def test_forbidden_includes(self):
        for path, header in (
                ("scheduler/model/a.c", "scheduler/time/b.h"), ("scheduler/time/a.c", "scheduler/engine/b.h"),
                ("scheduler/template/a.c", "scheduler/load/b.h"), ("scheduler/load/a.c", "scheduler/store/b.h"),
                ("scheduler/engine/a.c", "scheduler/store/b.h"), ("scheduler/engine/a.c", "executors/b.h"),
                ("scheduler/store/a.c", "scheduler/engine/b.h"), ("executors/local/a.c", "scheduler/daemon/b.h"),
                ("executors/local/a.c", "executors/http/b.h"), ("scheduler/daemon/a.c", "cli/b.h"),
                ("web/api/a.c", "scheduler/store/writer.h"), ("web/api/a.c", "scheduler/engine/b.h"),
                ("scheduler/daemon/a.c", "web/b.h"), ("cli/a.c", "tests/unit/b.h"),
                ("tools/one/a.c", "scheduler/model/b.h"), ("tools/one/a.c", "tools/two/b.h")):
            with self.subTest(path=path, header=header):
                self.caught(self.include(path, header), "may not include")

    def test_internal_headers_stay_inside(self):
        self.caught(self.include("scheduler/daemon/a.c", "scheduler/engine/internal.h"), "is internal to")
        self.caught(self.include("cli/a.c", "executors/local/runner_internal.h"), "is internal to")
        self.fine(self.include("tests/unit/engine/a.c", "scheduler/engine/internal.h"))

    def test_includes_are_found(self):
        self.caught({"scheduler/load/b.h": "", "scheduler/load/a.c": '#include "b.h"\n'}, "from the root of the tree")
        self.caught({"scheduler/load/b.h": "", "scheduler/load/a.c": "#include <scheduler/load/b.h>\n"}, "is ours")
        self.caught({"rooms/b.h": "", "rooms/a.c": '#include "rooms/b.h"\n'}, "is no layer")
        self.fine({"scheduler/load/a.c": '/* #include "gone.h" */\n// #include "gone.h"\n'})
        self.fine({"cli/a.c": '#include "weir_version.h"\n'})

    def test_folders_in_a_circle(self):
        self.caught({"scheduler/daemon/b.h": '#include "scheduler/daemon/in/c.h"\n', "scheduler/daemon/in/c.h": "",
                     "scheduler/daemon/in/a.c": '#include "scheduler/daemon/b.h"\n'}, "include each other")

    def test_third_party_headers(self):
        for path, header in (
                ("scheduler/daemon/a.c", "sqlite3.h"), ("cli/a.c", "sqlite3.h"), ("scheduler/model/a.c", "yaml.h"),
                ("scheduler/daemon/a.c", "curl/curl.h"), ("scheduler/daemon/a.c", "curl/multi.h"),
                ("web/api/a.c", "microhttpd.h"), ("scheduler/store/a.c", "uv.h"), ("scheduler/engine/a.c", "uv.h"),
                ("scheduler/engine/a.c", "jansson.h"), ("scheduler/time/a.c", "jansson.h"),
                ("cli/a.c", "cmocka.h")):
            with self.subTest(path=path, header=header):
                self.caught(self.include(path, header, system=True), "only")
        for path, header in (
                ("scheduler/store/a.c", "sqlite3.h"), ("scheduler/load/a.c", "yaml.h"), ("cli/a.c", "uv.h"),
                ("executors/http/a.c", "curl/curl.h"), ("web/server/a.c", "microhttpd.h"),
                ("scheduler/model/a.c", "jansson.h"), ("tests/unit/store/a.c", "sqlite3.h"),
                ("tests/unit/store/a.c", "cmocka.h")):
            with self.subTest(path=path, header=header):
                self.fine(self.include(path, header, system=True))

    def test_purity(self):
        for call in ("time(NULL)", "clock_gettime(0, &t)", "g_get_real_time()", "g_get_monotonic_time ()", "rand()",
                     "random()", "g_random_int()", "getenv(\"X\")", "open(\"x\", 0)", "g_thread_new(a, b, c)",
                     "g_date_time_new_now_utc()", "g_file_get_contents(a, b, c, d)", "printf(\"x\")"):
            for folder in ("engine", "time", "model", "template"):
                with self.subTest(call=call, folder=folder):
                    self.caught({f"scheduler/{folder}/a.c": f"void f(void) {{ {call}; }}\n"}, "which is pure")
        self.caught(self.include("scheduler/engine/a.c", "unistd.h", system=True), "which is pure")
        self.caught(self.include("scheduler/time/a.c", "pthread.h", system=True), "which is pure")
        self.fine({"scheduler/model/crash_point.c": '#include <unistd.h>\nvoid f(void) { getenv("X"); }\n'})
        self.fine({"scheduler/daemon/a.c": "void f(void) { time(NULL); }\n"})
        self.fine({"scheduler/engine/a.c": "/* time(NULL) */\nint x = run_time(1) + world->time(2);\n"
                                           'const char *s = "rand()";\n'})

    def test_banned_functions(self):
        for call in ("strcpy(a, b)", "strcat(a, b)", "sprintf(a, b)", "vsprintf(a, b, c)", "gets(a)", "atoi(a)",
                     "atol(a)", "strtok(a, b)", "sscanf(a, b)", "localtime(a)", "gmtime(a)", "system(a)",
                     "popen(a, b)", "tmpnam(a)", "mktemp(a)", "alloca(1)"):
            for path in ("scheduler/daemon/a.c", "tests/sim/a.c", "tools/one/a.c", "cli/b.h"):
                with self.subTest(call=call, path=path):
                    self.caught({path: f"void f(void) {{ {call}; }}\n"}, "is banned")
        self.fine({"scheduler/model/crash_point.c": "long f(void) { return atol(a); }\n"})
        self.fine({"cli/a.c": 'void f(void) { g_snprintf(a, 1, "system(x)"); localtime_r(a, b); my_system(1); }\n'})

    def test_banned_functions_in_hard_places(self):
        self.caught({"cli/a.c": "char c = '\"';\nvoid f(void) { system (\n    x); }\n"}, "a.c:3: error: system()")
        self.caught({"cli/a.c": '#define RUN(x) \\\n    system(x)\n'}, "system()")
        self.fine({"cli/a.c": 'const char *s = "a \\" system(x)"; /* "\n system(x) */\n'})

    def test_sql(self):
        for text in ("SELECT id FROM dag", "INSERT INTO dag VALUES (1)", "UPDATE dag SET x = 1", "DELETE FROM dag",
                     "PRAGMA foreign_keys", "CREATE TABLE x (y)"):
            with self.subTest(text=text):
                self.caught({"scheduler/daemon/a.c": f'const char *s = "{text}";\n'}, "SQL outside")
                self.fine({"scheduler/store/a.c": f'const char *s = "{text}";\n'})
                self.fine({"tests/unit/store/a.c": f'const char *s = "{text}";\n'})
        self.caught({"cli/a.c": 'const char *s = "SELECT id"\n    " FROM dag";\n'}, "SQL outside")
        self.fine({"cli/a.c": 'const char *s = "SELECT a task from the list"; const char *t = "update it";\n'})
        self.caught({"scheduler/store/a.c": 'char *s = g_strdup_printf("DELETE FROM dag WHERE id = %d", 1);\n'},
                    "SQL made by a format")
        self.caught({"scheduler/store/a.c": 'g_snprintf(s, n, "UPDATE dag SET x = \'%s\'", x);\n'}, "SQL made by a")
        self.caught({"scheduler/store/a.c": 'char *s = sqlite3_mprintf("DELETE FROM dag WHERE id = %Q", x);\n'},
                    "sqlite3_mprintf() is banned")

    def test_sizes(self):
        self.caught({"cli/a.c": "\n" * 800}, "800 are the most")
        self.fine({"cli/a.c": "\n" * 790})

    def test_licence_pragma_names(self):
        with tempfile.TemporaryDirectory() as root:
            for name, text in (("cli/README.md", ""), ("cli/Bad-Name.c", SPDX), ("cli/a.h", SPDX), ("cli/b.c", ""),
                               ("migrations/1_x.sql", "-- SPDX-License-Identifier: MIT\n"),
                               ("scripts/run", "#!/bin/sh\n"), ("scripts/data", "no script\n")):
                Path(root, name).parent.mkdir(exist_ok=True)
                Path(root, name).write_text(text)
            errors = "\n".join(Lint(root).run())
        for expected in ("cli/Bad-Name.c:1: error: names of files", "cli/a.h:1: error: no #pragma once",
                         "cli/b.c:1: error: no SPDX", "migrations/1_x.sql:1: error: migrations are named",
                         "scripts/run:1: error: no SPDX"):
            self.assertIn(expected, errors)
        self.assertEqual(errors.count("\n"), 4, errors)

    def test_links(self):
        self.caught({"docs/a.md": "see [b](b.md), [c](c.md#part)\nand [d](../gone)\n", "docs/b.md": ""},
                    "a.md:1: error: the link to c.md", "a.md:2: error: the link to ../gone")
        self.fine({"docs/a.md": "[b](b.md) [x](https://example.org/x) `[x](y)` [here](#here)\n```\n[x](y)\n```\n",
                   "docs/b.md": "[up](..)\n"})

    def test_readmes_and_forgotten_sources(self):
        with tempfile.TemporaryDirectory() as root:
            for name, text in (("cli/CMakeLists.txt", "weir_layer(cli SOURCES a.c sub/b.c)"), ("cli/a.c", SPDX),
                               ("cli/sub/b.c", SPDX), ("cli/lost_a.c", SPDX), ("tests/unit/cli/test_x.c", SPDX),
                               ("tests/unit/cli/CMakeLists.txt", "foreach(name x)")):
                Path(root, name).parent.mkdir(parents=True, exist_ok=True)
                Path(root, name).write_text(text)
            errors = "\n".join(Lint(root).run())
        for expected in ("cli:1: error: no README.md", "cli/sub:1: error: no README.md",
                         "tests/unit:1: error: no README.md", "cli/lost_a.c:1: error: in no CMakeLists.txt"):
            self.assertIn(expected, errors)
        self.assertEqual(errors.count("\n"), 3, errors)


if __name__ == "__main__":
    unittest.main()
