"""The same routes in every host: `build(data)` with our adapter, `build_naive(maker)` as many applications do it."""
