"""The other packages of myfy on this one: their own tests, their commands, and the page that says how to keep them."""
