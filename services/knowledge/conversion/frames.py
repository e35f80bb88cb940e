"""How files and answers stand on the pipes between the service and the converting process."""

import struct

from services.knowledge.conversion.limits import MEBIBYTE

REQUEST = struct.Struct(">II")
"""Before a file: the lengths of its path and of its content, in bytes. Both follow."""

ANSWER = struct.Struct(">I")
"""Before an answer: its length in bytes. JSON follows: what `answers` writes, or a `problem`;
`last` where the process ends after it. Before any file it sends an empty object: it is ready."""

MOST_ANSWER = 128 * MEBIBYTE
"""Largest answer: a text of the largest size, all of it FAQs, with its terms is smaller. The
service does not take more: a file may have taken over the process that answers."""
