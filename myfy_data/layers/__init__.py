"""Reading what files, variables and arguments say into layers: trees with the way back to their places."""
