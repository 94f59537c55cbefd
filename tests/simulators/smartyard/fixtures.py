"""Two houses with their residents and their history."""

from .cameras import Camera, Kind
from .houses import Door, Flat, House, Key, Town
from .people import Role, Subscriber

# The owner of two flats, a resident of one of them, and a neighbor.
PHONE, ROOMMATE, NEIGHBOUR = "79161234501", "79161234502", "79161234503"
GARDEN, RIVER = 11, 12


def town() -> Town:
    """Return the houses with everything in them."""
    return Town(
        [
            House(GARDEN, "г. Примерск, ул. Садовая, д. 3"),
            House(RIVER, "г. Примерск, наб. Речная, д. 12"),
        ],
        [
            Door(21, 0, "entrance", "Подъезд 1", 31, GARDEN, camera=41),
            Door(22, 0, "wicket", "Калитка", 32, GARDEN, camera=45, video=True),
            Door(21, 1, "barrier", "Шлагбаум", 33, GARDEN, coded=False),
            Door(23, 0, "entrance", "Подъезд 2", 34, GARDEN, frozenset({52}), camera=42, numbered=True),
            Door(24, 0, "entrance", "Вход", 35, RIVER, camera=46, numbered=True),
            Door(25, 0, "gate", "Ворота", 36, RIVER, camera=44, coded=False),
        ],
        [
            Flat(51, "7", GARDEN, "40374", [Key(61, "0000001A2B3C4D", "Ключ"), Key(62, "00000000C0FFEE", "")]),
            Flat(52, "42", GARDEN, "51485"),
            Flat(53, "3", RIVER, "62596"),
        ],
        [
            Camera(41, "Подъезд 1", Kind.FLUSSONIC, "/door21", GARDEN, has_sound=True, fmp4=True),
            Camera(42, "Двор", Kind.NIMBLE, "/live/yard", GARDEN),
            Camera(43, "Парковка", Kind.MACROSCOP, "/hls?channelid=e6f2848c-f361-44b9-bbec-1e54eae777c0", GARDEN),
            Camera(44, "Ворота", Kind.TRASSIR, "/video?channel=abc", RIVER),
            Camera(45, "Калитка", Kind.FORPOST, "/system-api/GetTranslationURL?CameraID=5", GARDEN),
            Camera(46, "Вход", Kind.FLUSSONIC, "/door24", RIVER, has_sound=True),
        ],
        [Camera(47, "Город/Площадь", Kind.FLUSSONIC, "/city1", None, fmp4=True)],
    )


def subscribers() -> list[Subscriber]:
    """Return the people; the first is the one that tests use."""
    return [
        Subscriber(PHONE, "Анна", "Петровна", "Ключева", {51: Role.OWNER, 53: Role.OWNER}),
        Subscriber(ROOMMATE, "Борис", "", "Ключев", {51: Role.INNER}),
        Subscriber(NEIGHBOUR, "Вера", "", "", {52: Role.OWNER}),
    ]
