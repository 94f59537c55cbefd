"""Actions for an Akuvox in Home Assistant: lists, logs, configuration, firmware, packets, codes."""
