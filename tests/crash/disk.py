# SPDX-License-Identifier: MIT
"""A disk that loses its power: what power_log.c wrote down -> the files that could be there afterwards."""
import collections
import copy
import struct
from pathlib import Path, PurePosixPath

HEADER = struct.Struct("<8sQII")
SECTOR = 512
Event = collections.namedtuple("Event", "kind path offset data")


def read_log(path):
    data, at, events = Path(path).read_bytes(), 0, []
    while at < len(data):
        kind, offset, path_size, data_size = HEADER.unpack_from(data, at)
        at += HEADER.size
        path = data[at:at + path_size].decode()
        events.append(Event(kind.rstrip(b"\0").decode(), path, offset, data[at + path_size:at + path_size + data_size]))
        at += path_size + data_size
    return events


def write_into(content, offset, data):
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset:offset + len(data)] = data


class File:
    """What is surely on the disk, and what was done since."""

    def __init__(self):
        self.durable, self.pending = bytearray(), []

    @staticmethod
    def apply(content, changes):
        for offset, data in changes:
            if data is not None:
                write_into(content, offset, data)
            elif len(content) < offset:
                content.extend(bytes(offset - len(content)))
            else:
                del content[offset:]
        return content

    def sync(self):
        self.apply(self.durable, self.pending)
        self.pending = []

    def after_power_cut(self, random):
        """All, nothing, a beginning, or any part of what was not synced; writes go a sector at a time."""
        how = random.choice(["all", "none", "beginning", "some", "torn"])
        changes = list(self.pending) if how == "all" else []
        if how == "beginning":
            changes = self.pending[:random.randint(0, len(self.pending))]
        elif how == "some":
            changes = [change for change in self.pending if random.random() < 0.5]
        elif how == "torn":
            changes = [part for change in self.pending for part in sectors(change) if random.random() < 0.5]
        return bytes(self.apply(bytearray(self.durable), changes))


def sectors(change):
    offset, data = change
    if data is None:
        return [change]
    return [(offset + at, data[at:at + SECTOR]) for at in range(0, len(data), SECTOR)]


class Disk:
    """
    Replays events. A name is on the disk for sure once its folder was synced, content once its file was; a name
    that was made before a file was synced need not be there, unless the disk is `ordered`, as journals make it.
    """

    def __init__(self, ordered=False):
        self.ordered = ordered
        self.files, self.names = {}, {}  # all files by number; the names as processes see them
        self.durable_names, self.pending_names = {}, []  # those on the disk; (folder, name, file or None) since

    def take(self, event):
        kind, path = event.kind, event.path
        if kind == "create":
            self.files[len(self.files)] = File()
            self._name(path, len(self.files) - 1)
        elif kind == "mkdir":
            self._name(path, "folder")
        elif kind in ("unlink", "rmdir"):
            self._name(path, None)
        elif kind == "rename":
            file = self.names.get(path)
            self._name(path, None)
            self._name(event.data.decode(), file)
        elif kind in ("write", "size") and path in self.names:
            self.files[self.names[path]].pending.append((event.offset, event.data if kind == "write" else None))
        elif kind == "content":  # of a file that others write
            if path not in self.names:
                self.take(event._replace(kind="create"))
            self.files[self.names[path]].pending = [(0, None), (0, event.data)]
        elif kind == "sync":
            self._sync(path)

    def _name(self, path, file):
        if file is None:
            self.names.pop(path, None)
        else:
            self.names[path] = file
        self.pending_names.append((str(PurePosixPath(path).parent), path, file))

    def _sync(self, path):
        file = self.names.get(path)
        if path == "." or file == "folder":
            synced = [change for change in self.pending_names if change[0] == path]
            self._keep(synced)
            self.pending_names = [change for change in self.pending_names if change[0] != path]
        elif file is not None:
            self.files[file].sync()
            if self.ordered:
                self._keep(self.pending_names)
                self.pending_names = []

    def _keep(self, changes):
        for _, path, file in changes:
            if file is None:
                self.durable_names.pop(path, None)
            else:
                self.durable_names[path] = file

    def after_power_cut(self, random, folder):
        """Writes what could be there into `folder`, which exists."""
        names = dict(self.durable_names)
        if self.ordered:
            changes = self.pending_names[:random.randint(0, len(self.pending_names))]
        else:
            changes = [change for change in self.pending_names if random.random() < 0.5]
        after = copy.copy(self)
        after.durable_names = names
        after._keep(changes)
        self._write(names, folder, lambda file: file.after_power_cut(random))

    def surely(self, folder):
        """Writes what is there in any case."""
        self._write(self.durable_names, folder, lambda file: bytes(file.durable))

    def _write(self, names, folder, content_of):
        for path in sorted(names):
            target = folder / path
            if not target.parent.is_dir():
                continue  # the folder's own name is gone, and with it what was in it
            if names[path] == "folder":
                target.mkdir(mode=0o700, exist_ok=True)
            else:
                target.write_bytes(content_of(self.files[names[path]]))
                target.chmod(0o600)
