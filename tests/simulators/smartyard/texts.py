"""What the server says to people, in its two languages."""

from collections.abc import Mapping
from typing import NamedTuple


class Text(NamedTuple):
    """One sentence; a client that does not ask for English gets Russian (captures 01, 67)."""

    en: str
    ru: str

    def in_language(self, accepted: str) -> str:
        """Return the text in the language of Accept-Language."""
        return self.en if accepted.strip().lower().startswith("en") else self.ru


def only_russian(text: str) -> Text:
    """Return a text that is never translated: errors of authorization (field notes 3)."""
    return Text(text, text)


OK = Text("OK", "Хорошо")
STATUS: Mapping[int, Text] = {
    401: Text("Unauthorized", "Не авторизован"),
    402: Text("Payment Required", "Необходима оплата"),
    403: Text("Forbidden", "Запрещено"),
    404: Text("Not Found", "Не найдено"),
    405: Text("Method Not Allowed", "Метод не поддерживается"),
    406: Text("Not Acceptable", "Неприемлемо"),
    410: Text("Gone", "Удалён"),
    422: Text("Unprocessable Entity", "Необрабатываемый экземпляр"),
    424: Text("Failed Dependency", "Невыполненная зависимость"),
    429: Text("Too Many Requests", "Слишком много запросов"),
    449: Text("Retry With", "Повторить с"),
}
UNKNOWN = Text("Unknown error", "Неизвестная ошибка")

NO_AUTHORIZATION = only_russian("Ошибка авторизации")
UNKNOWN_TOKEN = only_russian("Не авторизован")
NO_TOKEN = only_russian("Отсутствует токен авторизации")

ERROR = Text("Error", "Ошибка")
NOT_FOUND_DOOR = Text("Not found", "Не найдено")
UNAVAILABLE = Text("Intercom is unavailable", "Домофон недоступен")
BLOCKED = Text(
    "The service is unavailable (the contract is blocked or not paid)",
    "Услуга недоступна (договор заблокирован либо не оплачен)",
)
WRONG_CODE = Text("The PIN code was entered incorrectly", "Пин-код введен неверно")
NO_MORE_ATTEMPTS = Text(
    "Maximum number of login attempts exceeded", "Превышено максимальное количество попыток ввода пин-кода"
)
TOO_MANY_DEVICES = Text("The limit of devices is exceeded", "Превышено допустимое количество устройств")
EMPTY_MESSAGE = Text("Message (msg) must not be empty", "Сообщение (msg) не должно быть пустым")
EMPTY_ACTION = Text("Action must not be empty", "Действие (action) не должно быть пустым")
