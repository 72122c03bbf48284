"""Named text: environment variables, `.env`, secret files and arguments."""
