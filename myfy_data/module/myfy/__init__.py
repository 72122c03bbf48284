"""`DataModule` inside myfy: its services in the container, and a unit of work around each handler (contract C6).

The kernel calls `configure`, `extend` and `finalize` of the module, which call those of the rooms here.
"""
