"""What an exchange can do, one file a noun."""
