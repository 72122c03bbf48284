"""What the shop does, whichever framework it is served by."""
