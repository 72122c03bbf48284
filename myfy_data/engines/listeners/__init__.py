"""What is attached to an engine's events; each file offers one `attach_*` function, or a class that attaches itself."""
