"""A fifth system, made up."""
