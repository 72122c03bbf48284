"""The promise of the seed, row by row, on the real myfy."""
