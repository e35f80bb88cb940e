"""The generation service: the one door to models, and honest answers where there is none."""
