"""Constants of more than one module; without imports, so that every layer can use them."""

DOMAIN = "ip_intercom"

# The system of an entry.
CONF_SYSTEM = "system"
SYSTEM_AKUVOX = "akuvox"
SYSTEM_MX_PROXY = "mx_proxy"
SYSTEM_SMARTYARD = "smartyard"
SYSTEM_TWO_N = "two_n"

# Entry data.
CONF_URL = "url"
CONF_HOST = "host"
CONF_USERNAME = "username"
CONF_PASSWORD = "password"
CONF_CLIENT_ID = "client_id"
CONF_CLIENT_SECRET = "client_secret"
CONF_VERIFY_SSL = "verify_ssl"
CONF_FINGERPRINT = "fingerprint"
CONF_LEGACY_TLS = "legacy_tls"
CONF_CONTROLS = "controls"
# Of an account with a login by phone: its number and id, the one-time code, which is not stored, the token of the
# login, and the token that identifies this client at the server.
CONF_PHONE = "phone"
CONF_ACCOUNT = "account"
CONF_CODE = "code"
CONF_TOKEN = "token"
# The name of the account when it was added.
CONF_NAME = "name"
CONF_DEVICE_TOKEN = "device_token"
# The language of the server's texts.
CONF_LANGUAGE = "language"
# The webhook id of the push address, and the device's settings before the address was set.
CONF_PUSH_TOKEN = "push_token"
CONF_PUSH_ORIGINALS = "push_originals"
# The numbers that Home Assistant entered at the buttons of the device.
CONF_BUTTON_NUMBERS = "button_numbers"

# Entry options.
CONF_PLAIN_SWITCHES = "plain_switches"
CONF_GATES = "gates"
CONF_GARAGE_DOORS = "garage_doors"
CONF_SHOW_NAMES = "show_names"
CONF_SHOW_CARDS = "show_cards"
CONF_SHOW_TOUCHES = "show_touches"
# Maximum age in hours of late events that are delivered; not set for all.
CONF_LATE_HOURS = "late_hours"
CONF_SHOW_UNKNOWN = "show_unknown"
# Days for which visitors and their pictures are kept, and the most MiB of pictures.
CONF_VISITOR_DAYS = "visitor_days"
DEFAULT_VISITOR_DAYS = 14
CONF_VISITOR_STORAGE = "visitor_storage"
DEFAULT_VISITOR_STORAGE = 200
CONF_STREAM_USERNAME = "stream_username"
CONF_STREAM_PASSWORD = "stream_password"
CONF_STREAM_PORT = "stream_port"
DEFAULT_STREAM_PORT = 554
CONF_STREAM_PATH = "stream_path"
DEFAULT_STREAM_PATH = "h264_stream"
# Sound from dashboards and phones to the door.
CONF_TALK = "talk"
# The buttons that call Home Assistant.
CONF_TALK_BUTTONS = "talk_buttons"
CONF_INVERTED = "inverted"
CONF_SECURITY_RELAYS = "security_relays"
CONF_OPENING_USERNAME = "opening_username"
CONF_OPENING_PASSWORD = "opening_password"
CONF_PICTURE_PORT = "picture_port"
DEFAULT_PICTURE_PORT = 8080
# Port of direct calls.
CONF_SIP_PORT = "sip_port"
DEFAULT_SIP_PORT = 5060
CONF_PUSH = "push"
# The operator's name of the forwarder for this account's pushes.
CONF_PUSH_ROUTE = "push_route"
# The app at Google to which a server sends its pushes.
CONF_FCM_PROJECT_ID = "fcm_project_id"
CONF_FCM_APP_ID = "fcm_app_id"
CONF_FCM_API_KEY = "fcm_api_key"
CONF_FCM_SENDER_ID = "fcm_sender_id"
CONFS_FCM = (CONF_FCM_PROJECT_ID, CONF_FCM_APP_ID, CONF_FCM_API_KEY, CONF_FCM_SENDER_ID)
CONF_CALL_DEVICE = "call_device"
CONF_MOBILE_NUMBER = "mobile_number"
CONF_RING_DELAY = "ring_delay"
CONF_VOICEMAIL_DELAY = "voicemail_delay"

# The event type on the bus for every record of a device's log.
EVENT_LOG = "ip_intercom_event"
