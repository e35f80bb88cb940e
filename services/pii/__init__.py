"""Finds what says who somebody is in Chinese, English and mixed text; shared by the services.

Numbers are told apart by their check digits and forms, beside Chinese characters without blanks,
grouped or full width, and never inside a longer run of digits. Names and addresses are found where
their surroundings make them certain: no list knows all of them. Everything here is pure; the time
grows with the length of the text whatever stands in it.
"""

from services.pii.finder import Finder
from services.pii.kinds import Kind, Personal
from services.pii.orders import PatternRejected

__all__ = ["Finder", "Kind", "PatternRejected", "Personal"]
