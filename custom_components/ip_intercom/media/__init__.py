"""Images, short videos, and voicemails."""
