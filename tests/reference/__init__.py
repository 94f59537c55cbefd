"""Generated reference pages: actions, entities, and events."""
