"""A YAML document that people wrote: read strictly, every slip reported with its line.

PyYAML's own values have no lines and hide what people trip over: `no` becomes false, `88` a number,
and of two equal keys the first one is lost. So its nodes are read.
"""

import re
from collections.abc import Iterator, Sequence

import yaml

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_-]{0,63}")

_KINDS = {
    "str": "a string", "map": "a mapping", "seq": "a list", "bool": "a truth value",
    "int": "a number", "float": "a number", "null": "nothing", "timestamp": "a date",
}  # fmt: skip


class Section:
    """A mapping of the document, with its place in it and the list of problems so far.

    Every reader returns something harmless where it reports a problem, so that reading goes on.
    """

    def __init__(self, file: str, path: str, node: yaml.Node | None, problems: list[str]) -> None:
        """Wrap a part of a document.

        Args:
            file: Its name, for reports.
            path: How a report names this part: keys joined by dots; empty for the whole.
            node: What the document holds there; None where nothing. Reported unless a mapping.
            problems: Grows with each report; shared by all sections of a document.
        """
        self._file = file
        self._path = path
        self._problems = problems
        self._node = node
        self._content: dict[str, yaml.Node] = {}
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                self._take(key, value)
        elif node is not None and _kind(node) != "nothing":
            self.report(f"must be a mapping, is {_kind(node)}", node)

    def report(self, problem: str, node: yaml.Node | None = None) -> None:
        """Add a problem of this section, or of one place in it."""
        at = node or self._node
        line = f":{at.start_mark.line + 1}" if at is not None else ""
        self._problems.append(": ".join(filter(None, (f"{self._file}{line}", self._path, problem))))

    def renamed(self, name: str) -> "Section":
        """Call the section by its name in further reports, where it has one."""
        if name:
            self._path = f"{self._path.partition('[')[0]}.{name}"
        return self

    def allow(self, *keys: str) -> None:
        """Report keys other than these: most often a slip of the pen."""
        for key, value in self._content.items():
            if key not in keys:
                self.report(f"{key!r} is not known here; known are {', '.join(keys)}", value)

    def names(self) -> list[str]:
        """List the keys."""
        return list(self._content)

    def has(self, key: str) -> bool:
        """Tell whether there is something under a key."""
        return key in self._content

    def text(self, key: str, longest: int) -> str:
        """Read an optional string of at most `longest` code points; empty where absent."""
        node = self._content.get(key)
        if node is None:
            return ""
        if _kind(node) != "a string":
            self.report(f"{key}: must be a string, is {_kind(node)}; put it in quotes", node)
            return ""
        if len(node.value) > longest:
            self.report(f"{key}: is longer than {longest} characters", node)
        return str(node.value)

    def identifier(self, key: str) -> str:
        """Read a name of lower-case ASCII letters, digits, "_" and "-", up to 64."""
        value = self.text(key, 64)
        if not _IDENTIFIER.fullmatch(value):
            node = self._content.get(key)
            self.report(f"{key}: {value!r} is not a name such as cancel_order", node)
            return ""
        return value

    def one_of(self, key: str, choices: Sequence[str]) -> str:
        """Read one of some words; the first of them where it is none."""
        value = self.text(key, 64)
        if value not in choices:
            self.report(f"{key}: {value!r} is none of {', '.join(choices)}", self._content.get(key))
            return choices[0]
        return value

    def truth(self, key: str, default: bool) -> bool:
        """Read an optional truth value."""
        node = self._content.get(key)
        if node is None:
            return default
        if _kind(node) != "a truth value":
            self.report(f"{key}: must be true or false, is {_kind(node)}", node)
            return default
        return str(node.value).lower() in ("true", "yes", "on")

    def texts(self, key: str, longest: int) -> Iterator[str]:
        """Read an optional list of strings; blank and over-long ones are reported."""
        for node in self._list(key):
            if _kind(node) != "a string":
                self.report(f"{key}: {node.value!r} is {_kind(node)}; put it in quotes", node)
            elif not node.value.strip():
                self.report(f"{key}: an entry is empty; leave it out", node)
            elif len(node.value) > longest:
                self.report(f"{key}: an entry is longer than {longest} characters", node)
            else:
                yield node.value.strip()

    def section(self, key: str) -> "Section":
        """Read an optional mapping."""
        path = ".".join(filter(None, (self._path, key)))
        return Section(self._file, path, self._content.get(key), self._problems)

    def sections(self, key: str) -> Iterator["Section"]:
        """Read an optional list of mappings."""
        for number, node in enumerate(self._list(key), 1):
            yield Section(self._file, f"{key}[{number}]", node, self._problems)

    def _take(self, key: yaml.Node, value: yaml.Node) -> None:
        if _kind(key) != "a string":
            self.report(f"{key.value!r} must be a string; put it in quotes", key)
        elif key.value in self._content:
            self.report(f"{key.value!r} stands there twice", key)
        else:
            self._content[key.value] = value

    def _list(self, key: str) -> list[yaml.Node]:
        node = self._content.get(key)
        if node is None or _kind(node) == "nothing":
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.report(f"{key}: must be a list, is {_kind(node)}", node)
            return []
        return list(node.value)


def _kind(node: yaml.Node) -> str:
    """Name a value's type in words of YAML; the trap is that yes, no and 88 are not strings."""
    return _KINDS.get(node.tag.rpartition(":")[2], "of an odd kind")
