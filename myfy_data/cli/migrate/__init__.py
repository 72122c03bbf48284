"""What `config migrate` reads of other tools' configuration, without running any of it."""
