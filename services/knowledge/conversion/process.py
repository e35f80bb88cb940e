"""The process that reads files: `python -m services.knowledge.conversion.process LIMITS`.

A hostile file may take its time, its memory or its life, but no other. It has no secrets in its
environment, writes no files, and ends with its parent.

Files come over its standard input, one after the other, and are answered over its standard output
as `frames` says.
"""

import json
import os
import re
import resource
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any, BinaryIO

from services.knowledge import source_file
from services.knowledge.conversion import answers, html, office, pdf, sheets
from services.knowledge.conversion.frames import ANSWER, REQUEST
from services.knowledge.conversion.kinds import ending_of
from services.knowledge.conversion.limits import MOST_TEXT, Converted, Limits, UnreadableFile
from services.knowledge.document import ParsedDocument, normalise
from services.knowledge.indexing import indexed

_NOT_TEXT = re.compile("[\0-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""Characters that are no text and cannot be stored."""

_CONVERTERS: dict[str, Callable[[bytes], Converted]] = {
    ".pdf": pdf.convert,
    ".docx": office.convert,
    ".xlsx": sheets.convert,
    ".html": html.convert,
    ".htm": html.convert,
}


def main() -> None:
    """Read files until standard input ends."""
    limits = Limits(**json.loads(sys.argv[1]))
    requests = sys.stdin.buffer
    said = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Whatever a library prints must not stand between the answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    _confine(limits)
    _send(said, {})
    while header := requests.read(REQUEST.size):
        path_length, length = REQUEST.unpack(header)
        path = requests.read(path_length).decode()
        answer = _answer(path, requests.read(length), limits)
        _send(said, answer)
        if "last" in answer:
            return


def _confine(limits: Limits) -> None:
    """Give up what converting does not need."""
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answer(path: str, content: bytes, limits: Limits) -> dict[str, Any]:
    """Read a file, or say why not."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    # Holds where the parent, which watches the clock, is gone.
    seconds = int(used.ru_utime + used.ru_stime + limits.seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))
    try:
        return answers.written(indexed(_read(path, content)))
    except UnreadableFile as error:
        return {"problem": str(error)}
    except MemoryError:
        # What is left of the memory is in pieces.
        return {"problem": limits.out_of_memory, "last": True}
    except RecursionError:
        return {"problem": "damaged: its parts are nested too deeply; simplify the file"}
    except Exception as error:
        # Libraries raise anything for a damaged file, with its content in the words.
        if "out of memory" in str(error):  # What the XML parsers make of it.
            return {"problem": limits.out_of_memory, "last": True}
        return {"problem": "damaged: the file cannot be read; open it and save it again"}


def _read(path: str, content: bytes) -> ParsedDocument:
    convert = _CONVERTERS.get(ending_of(path))
    if convert is None:
        return source_file.read(path, content)
    converted = convert(content)
    values = [value for _, row in converted.faq_rows or () for value in row.values()]
    if len(converted.text) + sum(map(len, values)) > MOST_TEXT:
        raise UnreadableFile(f"too much text: more than {MOST_TEXT} characters; split the file")
    text = normalise(_NOT_TEXT.sub("", converted.text))
    return source_file.document_of(path, content, replace(converted, text=text))


def _send(said: BinaryIO, answer: dict[str, Any]) -> None:
    data = json.dumps(answer, ensure_ascii=False).encode()
    said.write(ANSWER.pack(len(data)) + data)
    said.flush()


if __name__ == "__main__":
    main()
