"""`make compliance`: SQLAlchemy's own tests on engines of ours, beside the same tests on plain engines."""
