"""The table of requests, by the sections of the manual."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One request; variable parts of its path are in braces. `csta` is the status of what the MX refuses."""

    name: str
    method: str
    path: str
    section: str
    csta: int = 500


ENDPOINTS = (
    Endpoint("login", "POST", "/auth", "Авторизация пользователя и приложения"),
    Endpoint("user_info", "GET", "/auth", "Информация об авторизованном пользователе MX"),
    Endpoint("documented_logout", "DELETE", "/auth/logout", "Удаление пользователя"),
    Endpoint("logout", "DELETE", "/auth", "Удаление пользователя"),
    Endpoint("contacts", "GET", "/contacts", "Список контактов"),
    Endpoint("call_log", "GET", "/calls", "Список звонков пользователя"),
    Endpoint("services", "GET", "/services", "Список сервисов"),
    Endpoint("call_mode", "PATCH", "/calls", "Режим звонков"),
    Endpoint("assign", "PATCH", "/calls/{name}", "Назначение устройства для звонка", 400),
    Endpoint("make_call", "POST", "/calls", "Серверный звонок", 400),
    Endpoint("answer", "PUT", "/calls/{callId}", "Перехват звонка для SIP устройства"),
    Endpoint("transfer", "POST", "/calls/{callId}", "Перенаправление звонка"),
    Endpoint("clear", "DELETE", "/calls/{callId}", "Сброс звонка"),
    Endpoint("hold", "PUT", "/calls/{callId}/hold", "Блокировка звонка"),
    Endpoint("unhold", "PUT", "/calls/{callId}/unhold", "Разблокировка звонка"),
    Endpoint("call_info", "GET", "/calls/{callId}", "Информация о звонке"),
    Endpoint("voicemails", "GET", "/voicemails", "Список голосовых сообщений пользователя (голосовая почта)", 404),
    Endpoint("voicemail_file", "GET", "/voicemails/{id}", "Файл с голосовым сообщением", 404),
    Endpoint("voicemail_delete", "DELETE", "/voicemails/{id}", "Удаление голосового сообщения", 404),
    Endpoint("voicemail_change", "PATCH", "/voicemails/{id}", "Заметки и статус голосового сообщения", 404),
    Endpoint("conference_info", "GET", "/conferences/info", "Серверная информация о конференция", 404),
    Endpoint("conferences", "GET", "/conferences", "Список конференций", 404),
    Endpoint("conference_delete", "DELETE", "/conferences/{id}", "Удаление конференции", 404),
    Endpoint("conference_create", "POST", "/conferences", "Создание конференции", 404),
    Endpoint("conference_update", "PUT", "/conferences/{id}", "Изменение конференции", 404),
    Endpoint("conference_join", "POST", "/conferences/{id}", "Присоединение к конференции", 404),
    Endpoint("conference_from_call", "POST", "/calls/{callId}/conference", "Создание конференции из звонка", 404),
    Endpoint("token_add", "PUT", "/tokens/{type}/{topic}/{token}", "Регистрация токена устройства"),
    Endpoint("token_remove", "DELETE", "/tokens/{type}/{topic}/{token}", "Удаление токена устройства"),
)
NAMES = frozenset(endpoint.name for endpoint in ENDPOINTS)
# Any other method is unknown to the router: 405 instead of 404.
METHODS = frozenset(endpoint.method for endpoint in ENDPOINTS)


def _matches(method: str, segments: list[str]) -> Iterator[tuple[Endpoint, Mapping[str, str]]]:
    for endpoint in ENDPOINTS:
        pattern = endpoint.path[1:].split("/")
        if method != endpoint.method or len(pattern) != len(segments):
            continue
        parts = {part[1:-1]: segment for part, segment in zip(pattern, segments, strict=True) if part.startswith("{")}
        fixed = all(part in (segment, f"{{{part[1:-1]}}}") for part, segment in zip(pattern, segments, strict=True))
        if fixed and all(parts.values()):
            yield endpoint, parts


def find(method: str, raw_path: str) -> tuple[Endpoint, Mapping[str, str]] | None:
    """Find the request of a path; a fixed path wins over one with variable parts."""
    # An escaped slash divides as well.
    segments = unquote(raw_path.removeprefix("/")).split("/")
    return min(_matches(method, segments), key=lambda match: len(match[1]), default=None)


def is_path(raw_path: str) -> bool:
    """Return whether there is such a path, with any method."""
    return any(find(method, raw_path) for method in METHODS)
