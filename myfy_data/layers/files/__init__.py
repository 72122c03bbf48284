"""Files: finding them, reading one, and making a layer of it."""
