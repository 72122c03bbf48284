"""Small broken projects, and word for word what the loader says about each."""
