"""Any file that an owner sends, as a document."""

import asyncio

from services.knowledge import source_file
from services.knowledge.conversion.converter import Converter
from services.knowledge.conversion.kinds import CONVERTED, check_content, check_size, ending_of
from services.knowledge.conversion.limits import Limits
from services.knowledge.document import ParsedDocument


class FileReader:
    """Reads files of all kinds: text here, the others by way of the converting process."""

    def __init__(self, limits: Limits) -> None:
        """Read within the given limits."""
        self._limits = limits
        self._converter = Converter(limits)

    async def read(self, path: str, content: bytes) -> ParsedDocument:
        """Read a file; its path's ending says how.

        Args:
            path: Relative path, such as `zh/returns.pdf`.
            content: The file's bytes.

        Raises:
            UnreadableFile: it cannot be read, and why.
        """
        ending = ending_of(path)
        if ending not in CONVERTED:
            # A large text takes a second; other calls go on meanwhile.
            return await asyncio.to_thread(source_file.read, path, content)
        check_size(content, self._limits.max_bytes)
        check_content(ending, content)
        converted = await self._converter.convert(path, content)
        return await asyncio.to_thread(source_file.document_of, path, content, converted)

    async def close(self) -> None:
        """End the converting process."""
        await self._converter.close()
