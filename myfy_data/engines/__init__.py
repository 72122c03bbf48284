"""Floor F5: from frozen settings to live engines. Nothing below opens a connection, nothing above opens an engine."""
