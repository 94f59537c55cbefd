"""Pictures, films and voicemails."""
