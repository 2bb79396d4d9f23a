"""Generator of sample deliveries: made-up persons, exactly the files that the contract with the supplier describes.

``world`` holds the municipalities and what they are like, ``careers`` the persons and their spells, ``activities``
conversations, offers and paid work, ``deliveries`` the files, ``generator`` the loop over months.
The sizes and habits here shape sample data only; no measure reads them.
"""

from orchestration.sample.generator import SampleError, SampleSummary, generate_sample

__all__ = ["SampleError", "SampleSummary", "generate_sample"]
