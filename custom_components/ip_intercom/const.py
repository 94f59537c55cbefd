"""Names that more than one module needs. No imports: every layer may look here."""

DOMAIN = "ip_intercom"

# Which system an entry belongs to.
CONF_SYSTEM = "system"
SYSTEM_TWO_N = "two_n"

# Entry data.
CONF_URL = "url"
CONF_HOST = "host"
CONF_USERNAME = "username"
CONF_PASSWORD = "password"
CONF_VERIFY_SSL = "verify_ssl"
CONF_FINGERPRINT = "fingerprint"
CONF_CONTROLS = "controls"

# Entry options.
CONF_PLAIN_SWITCHES = "plain_switches"
CONF_SHOW_NAMES = "show_names"
CONF_SHOW_CARDS = "show_cards"
CONF_SHOW_TOUCHES = "show_touches"
CONF_STREAM_USERNAME = "stream_username"
CONF_STREAM_PASSWORD = "stream_password"
CONF_STREAM_PATH = "stream_path"
DEFAULT_STREAM_PATH = "h264_stream"

# The bus event that every record of a device's log becomes.
EVENT_LOG = "ip_intercom_event"
