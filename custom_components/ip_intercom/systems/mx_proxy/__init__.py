"""Extensions of a Zultys MX, by way of the REST proxy in front of it."""
