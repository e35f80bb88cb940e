"""Any file that an owner sends, as a document."""

import asyncio

from services.knowledge import source_file
from services.knowledge.conversion.converter import Converter
from services.knowledge.conversion.kinds import CONVERTED, check_content, check_size, ending_of
from services.knowledge.conversion.limits import MOST_TEXT, Limits
from services.knowledge.document import ParsedDocument
from services.knowledge.indexing import indexed

_SHORT_TEXT = 64 * 1024
"""Bytes of a text up to which it is read here: that takes less than the converting process takes to
start. A longer one would hold up whatever else the service does, since threads share one processor.
"""


class FileReader:
    """Reads files of all kinds: short texts here, the others in the converting process."""

    def __init__(self, limits: Limits) -> None:
        """Read within the given limits."""
        self._limits = limits
        self._converter = Converter(limits)

    async def read(self, path: str, content: bytes) -> ParsedDocument:
        """Read a file and index it; its path's ending says how.

        Args:
            path: Relative path, such as `zh/returns.pdf`.
            content: The file's bytes.

        Raises:
            UnreadableFile: it cannot be read, and why.
        """
        ending = ending_of(path)
        if ending not in CONVERTED:
            if not _SHORT_TEXT < len(content) <= MOST_TEXT:
                return await asyncio.to_thread(_read, path, content)
        else:
            check_size(content, self._limits.max_bytes)
            check_content(ending, content)
        return await self._converter.read(path, content)

    async def close(self) -> None:
        """End the converting process."""
        await self._converter.close()


def _read(path: str, content: bytes) -> ParsedDocument:
    return indexed(source_file.read(path, content))
