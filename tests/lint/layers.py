#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The rules of the house that a compiler does not know: who may include whom, what is banned where, sizes, names.

    layers.py [ROOT]        prints FILE:LINE: what is wrong, and exits 1 if anything is

The rules are the tables below; README.md beside this file says why they are.
"""
import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

# Who may include whom, besides itself. A path that ends in .h allows that header alone.
MODEL, TIME = "scheduler/model", "scheduler/time"
LAYERS = {
    "scheduler/model": [],
    "scheduler/time": [MODEL],
    "scheduler/template": [MODEL, TIME],
    "scheduler/load": [MODEL, TIME, "scheduler/template"],
    "scheduler/engine": [MODEL, TIME],
    "scheduler/store": [MODEL],
    "executors": [MODEL],
    "scheduler/daemon": ["scheduler", "executors"],
    "web": [MODEL, "scheduler/store/reader.h", "scheduler/store/rows.h", "scheduler/store/error.h",
            "scheduler/daemon/client.h", "scheduler/daemon/daemon.h"],
    "cli": ["scheduler", "executors", "web"],
    "tools": [],
    "tests": ["scheduler", "executors", "web", "cli"],
}
# Kinds of executors know the interface, never each other.
SIBLINGS = ("executors", "tools")
GENERATED = {"weir_version.h", "web_assets.h"}

# Third-party headers, and the only folders that may include them. tests/ may include any.
CONFINED = {
    "sqlite3.h": ["scheduler/store"],
    "yaml.h": ["scheduler/load"],
    "uv.h": ["scheduler/daemon", "executors", "cli"],
    "curl/curl.h": ["executors"],
    "microhttpd.h": ["web/server"],
    "sodium.h": ["web"],
    "cmocka.h": [],
    "jansson.h": ["scheduler/model", "scheduler/template", "scheduler/load", "scheduler/store", "scheduler/daemon",
                  "executors", "web", "cli"],
}

# No I/O, no clock, no threads, no randomness: these get the time as an argument.
PURE = ["scheduler/engine", "scheduler/time", "scheduler/model", "scheduler/template"]
PURE_EXCEPT = {"scheduler/model/crash_point.c"}
IMPURE_HEADERS = {"stdio.h", "unistd.h", "fcntl.h", "pthread.h", "threads.h", "dirent.h", "signal.h", "poll.h",
                  "glib/gstdio.h", "gio/gio.h", "sys/stat.h", "sys/socket.h", "sys/wait.h", "sys/mman.h",
                  "sys/time.h", "sys/random.h"}
IMPURE_CALLS = re.compile(
    r"\b(time|clock|clock_gettime|gettimeofday|nanosleep|sleep|usleep|random|rand|srand|srandom|[dlm]rand48|getrandom"
    r"|getentropy|arc4random\w*|getenv|fopen|open|read|write|printf|puts|fprintf|perror"
    r"|g_get_(?:real|monotonic|current)_time|g_date_time_new_now\w*|g_random_\w+|g_rand_\w+|g_usleep|g_getenv"
    r"|g_file_\w+|g_print|g_printerr|g_thread_\w+|g_mutex_\w+|g_once_\w+|g_uuid_string_random"
    r"|pthread_\w+|uv_\w+)\s*\(")
IMPURE_ALLOWED = {"g_once_init_enter", "g_once_init_leave"}

BANNED = {
    "strcpy": "g_strlcpy", "strcat": "g_string_append", "strncpy": "g_strlcpy", "strncat": "g_string_append",
    "stpcpy": "g_string_append", "sprintf": "g_snprintf", "vsprintf": "g_vsnprintf", "g_sprintf": "g_snprintf",
    "gets": "fgets", "atoi": "g_ascii_string_to_signed", "atol": "g_ascii_string_to_signed",
    "atoll": "g_ascii_string_to_signed", "atof": "g_ascii_strtod", "strtok": "g_strsplit", "strtok_r": "g_strsplit",
    "sscanf": "a parser", "localtime": "scheduler/time", "gmtime": "scheduler/time", "asctime": "scheduler/time",
    "ctime": "scheduler/time", "system": "posix_spawn", "popen": "posix_spawn", "tmpnam": "mkstemp",
    "tempnam": "mkstemp", "mktemp": "mkstemp", "alloca": "g_malloc", "g_alloca": "g_malloc", "g_newa": "g_new",
    "sqlite3_mprintf": "a bound parameter", "sqlite3_vmprintf": "a bound parameter",
    "sqlite3_snprintf": "a bound parameter", "sqlite3_get_table": "a prepared statement",
}
BANNED_EXCEPT = {("scheduler/model/crash_point.c", "atol")}
BANNED_CALLS = re.compile(r"\b(" + "|".join(BANNED) + r")\s*\(")

SQL = re.compile(r"\s*(SELECT\s.*\bFROM\b|SELECT\s+\w+\(|INSERT\s+(OR\s+\w+\s+)?INTO\b|UPDATE\s+\w+\s+SET\b"
                 r"|DELETE\s+FROM\b|(CREATE|DROP|ALTER)\s+(TABLE|INDEX|VIEW|TRIGGER)\b|PRAGMA\s|ATTACH\s|VACUUM\b"
                 r"|BEGIN\s+IMMEDIATE\b)", re.DOTALL)
CONVERSION = re.compile(r"%[-+ #0-9.*lhjzt]*[diouxXeEfgGcsp]")
FORMATTERS = re.compile(r"\b(g_strdup_printf|g_string_printf|g_string_append_printf|g_snprintf|snprintf|asprintf"
                        r"|g_strdup_vprintf)\s*\(\s*(?:[^\",;]*,)*\s*\0(\d+)\0")

LONG, TOO_LONG = 500, 800
FILE_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9]+)+")
MIGRATION_NAME = re.compile(r"\d{4}_[a-z0-9_]+\.sql")
ROOMS = ("scheduler", "executors", "cli", "web", "tools", "tests")


class Source:
    """A C file: its text without comments, its string literals as \\0N\\0, and what it includes."""

    def __init__(self, path, text):
        self.path = path
        self.lines = text.split("\n")
        self.strings = []
        self.includes = []
        code, i, end = [], 0, len(text)
        while i < end:
            two = text[i:i + 2]
            if two == "//":
                stop = text.find("\n", i)
                i = end if stop < 0 else stop
            elif two == "/*":
                stop = text.find("*/", i + 2)
                stop = end if stop < 0 else stop + 2
                code.append("\n" * text.count("\n", i, stop) or " ")
                i = stop
            elif text[i] in "\"'":
                stop = i + 1
                while stop < end and text[stop] != text[i] and text[stop] != "\n":
                    stop += 2 if text[stop] == "\\" else 1
                if text[i] == '"':
                    code.append(f"\0{len(self.strings)}\0")
                    self.strings.append(text[i + 1:stop])
                else:
                    code.append("' '")
                i = stop + 1
            else:
                code.append(text[i])
                i += 1
        self.code = "".join(code)
        for number, line in enumerate(self.code.split("\n"), 1):
            match = re.match(r"\s*#\s*include\s*(?:<([^>]+)>|\0(\d+)\0)", line)
            if match:
                name = match[1] or self.strings[int(match[2])]
                self.includes.append((number, name, match[1] is None))

    def line_of(self, position):
        return self.code.count("\n", 0, position) + 1

    def joined_strings(self):
        """String literals with their lines; adjacent ones are one."""
        for match in re.finditer(r"\0\d+\0(?:\s*(?:[A-Z_0-9]+\s*)?\0\d+\0)*", self.code):
            parts = re.findall(r"\0(\d+)\0", match[0])
            yield self.line_of(match.start()), "".join(self.strings[int(part)] for part in parts)


class Lint:
    def __init__(self, root):
        self.root = Path(root)
        self.errors = []
        self.warnings = []
        self.files = self.list_files()
        self.sources = {}
        for path in self.files:
            if path.endswith((".c", ".h")):
                text = (self.root / path).read_text(encoding="utf-8", errors="replace")
                self.sources[path] = Source(path, text)

    def error(self, path, line, what):
        self.errors.append(f"{path}:{line}: error: {what}")

    def list_files(self):
        """What git knows or would add; without git, every file outside of build/ and hidden folders."""
        command = ["git", "-C", self.root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "."]
        if (self.root / ".git").exists():
            listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
            return sorted({path for path in listed if path and (self.root / path).is_file()})
        listed = []
        for folder, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if not name.startswith(".") and name not in ("build", "node_modules")]
            listed += [os.path.relpath(os.path.join(folder, name), self.root) for name in names]
        return sorted(listed)

    def run(self):
        for source in self.sources.values():
            self.check_includes(source)
            self.check_purity(source)
            self.check_banned(source)
            self.check_sql(source)
            self.check_size(source)
            if source.path.endswith(".h") and not re.search(r"^#pragma once$", source.code, re.MULTILINE):
                self.error(source.path, 1, "no #pragma once")
        self.check_cycles()
        for path in self.files:
            self.check_licence(path)
            self.check_name(path)
            self.check_links(path)
        self.check_readmes()
        self.check_built()
        return self.errors

    # ---- includes ----

    def check_includes(self, source):
        path = source.path
        layer = layer_of(path)
        for line, name, quoted in source.includes:
            if not quoted:
                self.check_third_party(source, line, name)
                continue
            if name in GENERATED:
                continue
            beside = os.path.join(os.path.dirname(path), name)
            if path.startswith("tests/") and beside in self.sources:
                continue
            if name not in self.sources:
                self.error(path, line, f'"{name}" is no header here; includes are written from the root of the tree')
                continue
            if layer is None:
                self.error(path, line, f"{top(path)}/ is no layer: give it a row in tests/lint/layers.py")
                continue
            if not allowed(layer, path, name):
                may = ", ".join(LAYERS[layer]) or "nothing of ours"
                self.error(path, line, f'{layer} may not include "{name}": it may include {may}')
            elif is_internal(name) and not path.startswith("tests/") and os.path.dirname(path) != os.path.dirname(name):
                self.error(path, line, f'"{name}" is internal to {os.path.dirname(name)}/')

    def check_third_party(self, source, line, name):
        path = source.path
        if name in self.sources:
            self.error(path, line, f'<{name}> is ours: write "{name}"')
        for confined, folders in CONFINED.items():
            same = name == confined or ("/" in confined and name.startswith(confined.split("/")[0] + "/"))
            if same and not path.startswith("tests/") and not under(path, folders):
                self.error(path, line, f"<{name}> belongs in {', '.join(folders) or 'tests'} only")

    def check_cycles(self):
        """No folder includes, over others, itself."""
        graph = defaultdict(set)
        for source in self.sources.values():
            if source.path.startswith("tests/"):
                continue
            here = os.path.dirname(source.path)
            for _, name, quoted in source.includes:
                if quoted and name in self.sources and os.path.dirname(name) != here:
                    graph[here].add(os.path.dirname(name))
        done = set()

        def visit(folder, trail):
            if folder in trail:
                cycle = trail[trail.index(folder):] + [folder]
                self.error(folder, 1, "folders include each other: " + " -> ".join(cycle))
                return
            if folder in done:
                return
            for other in sorted(graph[folder]):
                visit(other, trail + [folder])
            done.add(folder)

        for folder in sorted(graph):
            visit(folder, [])

    # ---- what is called ----

    def check_purity(self, source):
        path = source.path
        if not under(path, PURE) or path in PURE_EXCEPT:
            return
        for line, name, quoted in source.includes:
            if not quoted and name in IMPURE_HEADERS:
                self.error(path, line, f"<{name}> in {layer_of(path)}, which is pure: no I/O, clock, thread, randomness")
        for match in IMPURE_CALLS.finditer(source.code):
            if match[1] not in IMPURE_ALLOWED and not declared_here(source.code, match):
                self.error(path, source.line_of(match.start()),
                           f"{match[1]}() in {layer_of(path)}, which is pure: no I/O, clock, thread, randomness")

    def check_banned(self, source):
        for match in BANNED_CALLS.finditer(source.code):
            if (source.path, match[1]) not in BANNED_EXCEPT:
                self.error(source.path, source.line_of(match.start()),
                           f"{match[1]}() is banned: use {BANNED[match[1]]}")

    def check_sql(self, source):
        path = source.path
        if path.startswith("tests/"):
            return
        if not path.startswith("scheduler/store/"):
            for line, text in source.joined_strings():
                if SQL.match(text):
                    self.error(path, line, "SQL outside of scheduler/store")
            return
        for match in FORMATTERS.finditer(source.code):
            text = source.strings[int(match[2])]
            if SQL.match(text) and CONVERSION.search(text):
                self.error(path, source.line_of(match.start()), "SQL made by a format: bind a parameter")

    # ---- files ----

    def check_size(self, source):
        lines = len(source.lines) - 1
        if lines > TOO_LONG:
            self.error(source.path, lines, f"{lines} lines; {TOO_LONG} are the most: what are its two subjects?")
        elif lines > LONG:
            self.warnings.append(f"{source.path}:{lines}: warning: {lines} lines; over {LONG} asks for a reason")

    def check_licence(self, path):
        if not wants_licence(self.root / path, path):
            return
        with open(self.root / path, encoding="utf-8", errors="replace") as file:
            head = [file.readline() for _ in range(3)]
        if not any("SPDX-License-Identifier: MIT" in line for line in head):
            self.error(path, 1, "no SPDX-License-Identifier: MIT in the first three lines")

    def check_name(self, path):
        folder, name = os.path.split(path)
        if folder == "migrations" and name.endswith(".sql"):
            if not MIGRATION_NAME.fullmatch(name):
                self.error(path, 1, "migrations are named NNNN_name.sql")
        elif top(path) in ROOMS and name.endswith((".c", ".h", ".py", ".sh")) and not FILE_NAME.fullmatch(name):
            self.error(path, 1, "names of files are lower_case_with_underscores")

    def check_links(self, path):
        """Links of a page to files beside it lead somewhere."""
        if not path.endswith(".md"):
            return
        text = (self.root / path).read_text(encoding="utf-8")
        text = re.sub(r"```.*?```|`[^`\n]*`", lambda code: "\n" * code[0].count("\n"), text, flags=re.DOTALL)
        for match in re.finditer(r"\]\(([^)#:\s]+)(#[^)\s]*)?\)", text):
            if not (self.root / os.path.dirname(path) / match[1]).exists():
                self.error(path, text.count("\n", 0, match.start()) + 1, f"the link to {match[1]} leads nowhere")

    def check_readmes(self):
        """A folder with sources has a README.md; so does tests/unit, for the folders in it."""
        folders = set()
        for path in self.files:
            if top(path) in ROOMS and path.endswith((".c", ".h", ".py")):
                folder = os.path.dirname(path)
                folders.add("tests/unit" if folder.startswith("tests/unit/") else folder)
        for folder in sorted(folders - {"tools"}):
            if not (self.root / folder / "README.md").is_file():
                self.error(folder, 1, "no README.md: purpose, types, invariants, entry points")

    def check_built(self):
        """Each .c is named in the CMakeLists.txt of its folder or of one above it."""
        lists = {}
        for path in self.files:
            if os.path.basename(path) == "CMakeLists.txt":
                lists[os.path.dirname(path)] = (self.root / path).read_text(encoding="utf-8")
        if not lists:
            return
        for path in self.sources:
            if not path.endswith(".c"):
                continue
            folder, built = os.path.dirname(path), False
            while folder and not built:
                name = os.path.relpath(path, folder)
                if name.startswith("test_"):  # a list of tests may leave out what all names have in common
                    name = name.removeprefix("test_").removesuffix(".c")
                built = re.search(rf"(?<![^\W_]){re.escape(name)}\b", lists.get(folder, ""))
                folder = os.path.dirname(folder)
            if not built:
                self.error(path, 1, "in no CMakeLists.txt of its folder or above: nothing builds it")


def top(path):
    return path.split("/")[0]


def under(path, folders):
    return any(path == folder or path.startswith(folder + "/") for folder in folders)


def layer_of(path):
    found = [layer for layer in LAYERS if under(path, [layer])]
    return max(found, key=len, default=None)


def allowed(layer, path, name):
    if not under(name, [layer]):
        return under(name, LAYERS[layer])
    if layer not in SIBLINGS:
        return True
    kind, other = os.path.dirname(path), os.path.dirname(name)
    return other == layer or kind == layer or under(other, [kind]) or under(kind, [other])


def is_internal(name):
    return os.path.basename(name).removesuffix(".h").endswith("internal")


def declared_here(code, match):
    """A member or function of the same name that is none of libc's: x->open(), .read(, a declaration."""
    before = code[:match.start()].rstrip()
    return before.endswith(("->", "."))


def wants_licence(full, path):
    if path.endswith((".c", ".h", ".py", ".sh", ".ts", ".tsx", ".js", ".mjs")):
        return True
    if path.startswith("migrations/"):
        return path.endswith(".sql")
    if "." in os.path.basename(path):
        return False
    with open(full, "rb") as file:
        return file.read(2) == b"#!"


def main():
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]
    lint = Lint(root)
    errors = lint.run()
    for line in lint.warnings + errors:
        print(line)
    print(f"layers: {len(lint.sources)} C files, {len(errors)} errors, {len(lint.warnings)} warnings")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
