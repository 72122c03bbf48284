"""From an address to a driver connection that is open, protected, and explained when it fails."""
