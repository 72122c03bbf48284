"""Which fixes the package can print outside of configuration, and pasting them."""
