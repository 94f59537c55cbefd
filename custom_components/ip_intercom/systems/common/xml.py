"""XML from a device: parsed without document types, so that it can neither expand nor load anything."""

from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from .errors import UnexpectedReply

# Elements inside each other; those of ONVIF have about ten.
_DEPTH = 50


def parse_xml(content: bytes) -> Element:
    """Return the root element; names with a namespace have the form ``{uri}name``.

    Raises:
        UnexpectedReply: It is not XML, has a document type, or is nested too deeply.
    """
    builder, depth = TreeBuilder(), 0
    parser = expat.ParserCreate(namespace_separator="}")

    def refuse(*_: object) -> None:
        raise UnexpectedReply("XML with a document type")

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEPTH:
            raise UnexpectedReply("XML is nested too deeply")
        builder.start(_qualified(name), {_qualified(key): value for key, value in attributes.items()})

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(_qualified(name))

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.buffer_text = True
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, LookupError, ValueError) as err:  # the latter two for its encoding
        raise UnexpectedReply("not XML") from err
    return builder.close()


def _qualified(name: str) -> str:
    return f"{{{name}" if "}" in name else name
