"""Configuration of other tools as it looks in real projects, and word for word what `config migrate` makes of it."""
