"""Extensions of a Zultys MX, through the REST proxy in front of it."""
