"""Reads the one YAML document of a configuration file: plain values only, within limits, each key once.

Neighbours: ``load.py`` reads the files and says where a mistake is. Every limit applies while the document is composed,
before any value exists. The aliases of a small file can stand for gigabytes, and deep nesting can crash the process
(libyaml's stack).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import yaml
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import Resolver
from yaml.scanner import Scanner

MAX_FILE_SIZE = 10 * 1024 * 1024
"""The most bytes in a file, and the most characters in all its values. Values repeated by aliases count."""

MAX_VALUES = 200_000
"""The most keys and values in a document. Those repeated by aliases count."""

MAX_DEPTH = 100
"""The most levels of nested mappings and lists."""

RETOLD_SIZE = 256 * 1024
"""If libyaml refuses a text of at most this many characters, PyYAML reads it again: its messages are better."""

T = TypeVar("T")

_MERGE = "tag:yaml.org,2002:merge"


class DocumentError(yaml.MarkedYAMLError):
    """A document is beyond the limits, or not one configuration; its problem is a whole sentence."""


def read_document(text: str) -> Any:
    """The value of the only document of a text; None for an empty one.

    libyaml reads it if PyYAML has it: this is several times as fast.

    :raises yaml.YAMLError: when it is not YAML, or beyond the limits.
    """
    return _load(text, lambda loader: loader.get_single_data())


def _load(text: str, use: Callable[[Any], T]) -> T:
    """The result of loading a text: with libyaml, or with PyYAML if libyaml refuses the text."""
    if _FastLoader is None:
        return _result_of(_Loader, text, use)
    try:
        return _result_of(_FastLoader, text, use)
    except DocumentError:
        raise
    except yaml.YAMLError:
        if len(text) > RETOLD_SIZE:
            raise
        return _result_of(_Loader, text, use)


def _result_of(loader_class: type[Any], text: str, use: Callable[[Any], T]) -> T:
    loader = loader_class(text)
    try:
        return use(loader)
    finally:
        loader.dispose()


@dataclass(frozen=True)
class KeyLines:
    """The lines of a mapping's keys, and of the keys of the mappings in it.

    :param line: of the key itself, from 1.
    :param keys: by key, the same for the mapping that is its value.
    """

    line: int
    keys: dict[str, KeyLines] = field(default_factory=dict)


def read_lines(text: str, *, levels: int) -> KeyLines:
    """The lines of the keys of a text's only document.

    :param levels: how many levels of nested mappings are searched for keys.
    :raises yaml.YAMLError: as :func:`read_document`.
    """
    return _load(text, lambda loader: KeyLines(1, _keys(loader.get_single_node(), levels)))


def _keys(node: yaml.Node | None, levels: int) -> dict[str, KeyLines]:
    if not levels or not isinstance(node, yaml.MappingNode):
        return {}
    merged_keys: dict[str, KeyLines] = {}
    written_keys: dict[str, KeyLines] = {}
    for key, value in node.value:
        if key.tag == _MERGE:
            merged_keys |= _keys(value, levels)
        elif isinstance(key, yaml.ScalarNode):
            written_keys[key.value] = KeyLines(_line(key.start_mark), _keys(value, levels - 1))
    return merged_keys | written_keys


def sentence_of(error: yaml.YAMLError) -> str:
    """What is wrong with a document, on one line, with its place."""
    if isinstance(error, DocumentError):
        return f"line {_line(error.problem_mark)}: {error.problem}"
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        context = ""
        if error.context and error.context_mark:
            context = f" ({error.context} that begins at line {_line(error.context_mark)})"
        return f"line {_line(error.problem_mark)}: {error.problem}{context}, expected YAML."
    return f"{' '.join(str(error).split())}, expected YAML."


def _line(mark: Any) -> int:
    return int(mark.line) + 1


@dataclass(frozen=True)
class _Size:
    """The size of a node with its aliases written out."""

    values: int = 1
    characters: int = 0

    def __add__(self, other: _Size) -> _Size:
        return _Size(self.values + other.values, self.characters + other.characters)


class _BoundedComposer(Composer):
    """Composes one document, within the limits.

    An alias is the same object as the node of its anchor, so the document itself stays small in memory. It grows when
    it is merged, copied or written. So the limits count the size with aliases written out.
    """

    check_event: Callable[..., bool]
    get_event: Callable[[], Any]
    peek_event: Callable[[], Any]

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0
        self._sizes: dict[yaml.Node, _Size] = {}
        self._total = _Size(0)

    def get_single_node(self) -> yaml.Node | None:
        self.get_event()
        node = None if self.check_event(yaml.StreamEndEvent) else self.compose_document()
        if not self.check_event(yaml.StreamEndEvent):
            mark = self.get_event().start_mark
            raise DocumentError(
                problem=f"found a second document at line {_line(mark)}, expected one configuration a file: remove the "
                "line '---', or put what follows it into a file of its own.",
                problem_mark=mark,
            )
        self.get_event()
        return node

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node:
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent) and event.anchor in self.anchors:
            self._refuse_recursion(event)
        elif event.anchor in self.anchors:
            first = _line(self.anchors[event.anchor].start_mark)
            raise DocumentError(
                problem=f"the anchor {event.anchor!r} stands twice, first at line {first}, expected each anchor once.",
                problem_mark=event.start_mark,
            )
        before = self._total
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise DocumentError(
                problem=f"found more than {MAX_DEPTH} mappings and lists in each other, expected {MAX_DEPTH} at most.",
                problem_mark=event.start_mark,
            )
        node = cast(yaml.Node, super().compose_node(parent, index))
        self._depth -= 1
        if isinstance(event, yaml.AliasEvent):
            self._grow(self._sizes[node], event.start_mark)
            return node
        node_size = _Size(1, len(node.value) if isinstance(node, yaml.ScalarNode) else 0)
        self._grow(node_size, event.start_mark)
        self._sizes[node] = _Size(
            self._total.values - before.values, self._total.characters - before.characters
        )
        return node

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        self._refuse_doubled_keys(node)
        return node

    def _refuse_recursion(self, event: Any) -> None:
        if self.anchors[event.anchor] not in self._sizes:
            raise DocumentError(
                problem=f"the alias '*{event.anchor}' stands in its own anchor '&{event.anchor}', expected values that "
                "end: write out what is meant.",
                problem_mark=event.start_mark,
            )

    def _grow(self, size: _Size, mark: Any) -> None:
        self._total += size
        excess = None
        if self._total.values > MAX_VALUES:
            excess = f"{MAX_VALUES} keys and values"
        elif self._total.characters > MAX_FILE_SIZE:
            excess = f"{MAX_FILE_SIZE} characters"
        if excess is not None:
            raise DocumentError(
                problem=f"the file comes to more than {excess} when its aliases are written out, expected no more: "
                "use fewer aliases, or several files.",
                problem_mark=mark,
            )

    def _refuse_doubled_keys(self, node: yaml.MappingNode) -> None:
        """Compare the keys as written. Keys of a merge key do not count: the mapping's own keys take precedence over
        them.
        """
        keys: set[Any] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == _MERGE:
                continue
            key = cast(Any, self).construct_object(key_node)
            if key in keys:
                raise DocumentError(
                    problem=f"the key {key_node.value!r} stands twice in one mapping, expected each key once.",
                    problem_mark=key_node.start_mark,
                )
            keys.add(key)


class _Constructor(SafeConstructor):
    """Constructs plain values; an impossible one (2026-02-31) is an error at its line."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep=deep)
        except yaml.YAMLError:
            raise
        except Exception as error:
            # PyYAML's constructors convert text unguarded: int() and others raise what they raise.
            if not isinstance(node, yaml.ScalarNode):
                raise
            raise DocumentError(
                problem=f"the value {node.value[:60]!r} cannot be read as {node.tag.rpartition(':')[2]} "
                f"({str(error) or type(error).__name__}), expected YAML; put a text into quotes.",
                problem_mark=node.start_mark,
            ) from error


class _Loader(Reader, Scanner, Parser, _BoundedComposer, _Constructor, Resolver):
    """PyYAML's own reader."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        _BoundedComposer.__init__(self)
        _Constructor.__init__(self)
        Resolver.__init__(self)


_FastLoader: type[Any] | None = None
"""libyaml's reader with PyYAML's composer on top. libyaml's own composer recurses without a limit."""

if yaml.__with_libyaml__:
    from yaml._yaml import CParser

    class _LibyamlLoader(_BoundedComposer, CParser, _Constructor, Resolver):
        def __init__(self, text: str) -> None:
            CParser.__init__(self, text)
            _BoundedComposer.__init__(self)
            _Constructor.__init__(self)
            Resolver.__init__(self)

        def dispose(self) -> None:
            """End reading; CParser has no more to do."""

    _FastLoader = _LibyamlLoader
