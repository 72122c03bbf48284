"""Section C15 of the contract: beside the sister packages of myfy."""
