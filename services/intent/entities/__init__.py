"""What a message names: order numbers, money, dates, lengths of time, quantities, products."""

from services.intent.entities.extractor import (
    DEFAULT_ZONE,
    MAX_ENTITIES,
    EntityExtractor,
    EntityType,
    check,
)

__all__ = ["DEFAULT_ZONE", "MAX_ENTITIES", "EntityExtractor", "EntityType", "check"]
