"""Edits secrets in a document's text; all else stays as it is, byte for byte: comments, layout, quotes.

What is edited is read again and compared with what was meant, so that a text is never spoilt.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import cast

from infra_assets.environments.language.dialect.tokens import FLOW, FOLDED, LITERAL, YamlError
from infra_assets.environments.language.envelope import EnvelopeError, open_envelope, seal_envelope
from infra_assets.environments.language.evaluation import Patch
from infra_assets.environments.language.expressions import SECRET, ExpressionParser, Literal
from infra_assets.environments.language.extents import Text
from infra_assets.environments.language.golang import octets_of
from infra_assets.environments.language.json_text import dump
from infra_assets.environments.language.model import Decrypter, DecryptionError, Number, Plain, Value
from infra_assets.environments.language.nodes import ARRAY, OBJECT, STRING, Node
from infra_assets.environments.language.paths import Path, parse_path
from infra_assets.environments.language.scalars import resolve
from infra_assets.environments.language.yaml_text import double_quoted
from infra_assets.errors import InfraError

_CIPHERTEXT = "ciphertext"
_BARE = re.compile(r"[A-Za-z0-9_./+][A-Za-z0-9_./+=-]*\Z")
_BLOCK_HEADER = re.compile(r"[|>][0-9+-]*[ \t]*(#[^\n]*)?")
_LINE_BREAK = re.compile(r"\r\n|[\r\n]")
_REFERS = re.compile(r"\$(?=[${])")


def seal_secrets(source: bytes, encrypt: Callable[[bytes], bytes]) -> bytes:
    """Return a document whose `fn::secret` hold ciphertexts; those that do already stay.

    Raises:
        InfraError: the document cannot be read.
    """
    editor = _Editor(source)
    for secret in editor.secrets():
        plaintext = _plaintext(secret)
        if plaintext is not None:
            editor.replace(secret, {_CIPHERTEXT: seal_envelope(encrypt(octets_of(plaintext)))})
    return editor.edited()


def reveal_secrets(source: bytes, decrypter: Decrypter) -> bytes:
    """Return a document whose `fn::secret` under `values` hold plaintexts.

    Raises:
        InfraError: the document cannot be read, or a secret cannot be decrypted.
    """
    editor = _Editor(source)
    for secret in editor.secrets():
        sealed = _sealed(secret)
        if sealed is not None and secret.path.startswith("values"):
            editor.replace(secret, _escaped(_decrypted(secret, sealed, decrypter)))
    return editor.edited()


def read_secrets(source: bytes) -> dict[str, tuple[str, bool]]:
    """Return the texts of a document's `fn::secret` by their paths, each with whether it is a ciphertext.

    Raises:
        InfraError: the document cannot be read.
    """
    found: dict[str, tuple[str, bool]] = {}
    for secret in _Editor(source).secrets():
        sealed, plaintext = _sealed(secret), _plaintext(secret)
        if sealed is not None or plaintext is not None:
            found[secret.path] = (sealed, True) if sealed is not None else (plaintext or "", False)
    return found


def replace_ciphertexts(source: bytes, known: Mapping[str, str]) -> tuple[bytes, list[str]]:
    """Return a document with plaintexts in the place of the ciphertexts that are `known`, and the paths of all others.

    Raises:
        InfraError: the document cannot be read, or not be edited.
    """
    editor = _Editor(source)
    left: list[str] = []
    for secret in editor.secrets():
        sealed = _sealed(secret)
        if sealed is not None and sealed in known:
            editor.replace(secret, _escaped(known[sealed]))
        elif sealed is not None:
            left.append(secret.path)
    return editor.edited(), sorted(left)


def apply_patches(source: bytes, patches: Iterable[Patch]) -> bytes:
    """Return a document with rotated secrets' new states; what is secret in them is in `fn::secret`, in clear.

    Raises:
        InfraError: the document cannot be read, or there is no such place in it.
    """
    for patch in patches:
        editor = _Editor(source)
        editor.set(parse_path(patch.path), _written(patch.value))
        source = editor.edited()
    return source


def _plaintext(secret: Node) -> str | None:
    if secret.kind != STRING:
        return None
    parsed = ExpressionParser().parse(secret)
    return str(parsed.value) if isinstance(parsed, Literal) else None


def _sealed(secret: Node) -> str | None:
    if secret.kind != OBJECT or len(secret.entries) != 1:
        return None
    key, value = secret.entries[0]
    return value.text if key.text == _CIPHERTEXT and value.kind == STRING else None


def _decrypted(secret: Node, sealed: str, decrypter: Decrypter) -> str:
    try:
        return decrypter.decrypt(open_envelope(sealed)).decode()
    except (EnvelopeError, DecryptionError) as problem:
        raise InfraError(f"the secret at {secret.path} cannot be decrypted: {problem}") from None
    except UnicodeDecodeError:
        raise InfraError(f"the secret at {secret.path} is no text") from None


def _escaped(text: str) -> str:
    """Return a string that stands for a text, though it may hold what would refer to something."""
    return _REFERS.sub("$$", text)


def _written(value: Value) -> Plain:
    if value.secret:
        plain = value.plain(reveal=True) if isinstance(value.value, str) else None
        if isinstance(plain, str):
            return {SECRET: _escaped(plain)}
        return {"fn::fromJSON": {SECRET: _escaped(dump(_numbers(value)))}}
    if isinstance(value.value, list):
        return [_written(item) for item in value.value]
    if isinstance(value.value, dict):
        return {key: _written(item) for key, item in value.value.items()}
    return _escaped(value.value) if isinstance(value.value, str) else value.value


def _numbers(value: Value) -> Plain:
    if isinstance(value.value, list):
        return [_numbers(item) for item in value.value]
    if isinstance(value.value, dict):
        return {key: _numbers(item) for key, item in value.value.items()}
    return value.value


def _flow(plain: Plain) -> str:
    """Return a value as YAML on one line, legal wherever a value is."""
    if isinstance(plain, Mapping):
        entries = cast("Mapping[str, Plain]", plain)
        return f"{{{', '.join(f'{_flow_string(key)}: {_flow(value)}' for key, value in entries.items())}}}"
    if isinstance(plain, list):
        return f"[{', '.join(map(_flow, cast('list[Plain]', plain)))}]"
    if isinstance(plain, Number):
        return plain.text
    if isinstance(plain, str):
        return _flow_string(plain)
    return {None: "null", True: "true", False: "false"}[plain]


def _flow_string(text: str) -> str:
    if text.startswith("fn::") and _BARE.match(text.replace(":", "")):
        return text
    return text if _BARE.match(text) and resolve(text)[0] == "!!str" else double_quoted(text)


class _Editor:
    def __init__(self, source: bytes) -> None:
        self._source = source
        try:
            self._read = Text(source)
        except YamlError as problem:
            raise InfraError(f"the document cannot be edited: {problem}") from None
        self._edits: list[tuple[int, int, str]] = []
        self._meant: dict[Node, Plain] = {}
        self._added: dict[Node, dict[str, Plain]] = {}

    def secrets(self) -> list[Node]:
        """Return the arguments of all `fn::secret`."""
        found: list[Node] = []
        left = [self._read.root] if self._read.root else []
        while left:
            node = left.pop()
            if len(node.entries) == 1 and node.entries[0][0].text == SECRET:
                found.append(node.entries[0][1])
            left += [*node.items, *(value for _, value in node.entries)]
        return found

    def replace(self, node: Node, plain: Plain) -> None:
        """Put another value in a node's place."""
        begin, end = self._read.extent(node)
        text = _flow(plain)
        if begin == end and self._read.text[begin - 1 : begin] not in ("", " ", "\n"):
            text = f" {text}"
        if node.style in (LITERAL, FOLDED):
            header = _BLOCK_HEADER.search(self._read.text, begin)
            comment = header[1] if header else None
            text = f"{text} {comment}" if comment else text
        self._edits.append((begin, end, text))
        self._meant[node] = _as_read(plain)

    def set(self, path: Path, plain: Plain) -> None:
        """Put a value at a path, of which all but the last step must be there."""
        node = self._read.root
        for at, step in enumerate(path):
            below = _below(node, step, top=at == 0) if node else None
            if below is None and (node is None or at < len(path) - 1 or node.kind != OBJECT or not isinstance(step, str)):
                raise InfraError(f"the document has no {'.'.join(map(str, path))}")
            if below is None and node is not None and isinstance(step, str):
                self._add(node, step, plain)
                return
            node = below
        if node:
            self._update(node, plain)

    def _update(self, node: Node, plain: Plain) -> None:
        keys = [key.text for key, _ in node.entries]
        if node.kind == OBJECT and isinstance(plain, Mapping) and keys and sorted(keys) == sorted(cast("Mapping[str, Plain]", plain)):
            for key, value in node.entries:
                self._update(value, plain[key.text])
        elif _tree(node, {}, {}) != plain:
            self.replace(node, plain)

    def _add(self, node: Node, key: str, plain: Plain) -> None:
        begin, end = self._read.extent(node)
        entry = f"{_flow_string(key)}: {_flow(plain)}"
        if node.style == FLOW:
            text = self._read.text[begin:end]
            separator = "" if text[1:-1].strip() == "" or text[1:-1].rstrip().endswith(",") else ", "
            self._edits.append((end - 1, end - 1, separator + entry))
        else:
            found = _LINE_BREAK.search(self._read.text, end)
            at, line_break = (found.start(), found[0]) if found else (len(self._read.text), "\n")
            self._edits.append((at, at, f"{line_break}{' ' * (node.column - 1)}{entry}"))
        self._added[node] = {key: _as_read(plain)}

    def edited(self) -> bytes:
        """Return the text with all that was changed.

        Raises:
            InfraError: it would not be what was meant.
        """
        if not self._edits:
            return self._source
        text = self._read.text
        for begin, end, replacement in sorted(self._edits, reverse=True):
            text = text[:begin] + replacement + text[end:]
        marked = b"\xef\xbb\xbf" if self._source.startswith(b"\xef\xbb\xbf") else b""
        edited = marked + text.encode()
        try:
            became = _tree(Text(edited).root, {}, {})
        except YamlError:
            became = None
        if self._read.root is None or became != _tree(self._read.root, self._meant, self._added):
            raise InfraError("the document cannot be edited without being laid out anew", remedy="Write it in a simpler layout.")
        return edited


def _as_read(plain: Plain) -> Plain:
    if isinstance(plain, Mapping):
        return {key: _as_read(value) for key, value in cast("Mapping[str, Plain]", plain).items()}
    if isinstance(plain, list):
        return [_as_read(item) for item in cast("list[Plain]", plain)]
    return resolve(plain.text)[1] if isinstance(plain, Number) else plain


def _below(node: Node, step: str | int, *, top: bool) -> Node | None:
    if isinstance(step, int):
        return node.items[step] if node.kind == ARRAY and step < len(node.items) else None
    if top:  # a document's own keys: read without regard to case, and of two the last one counts
        return next((value for key, value in reversed(node.entries) if key.text.lower() == step), None)
    return next((value for key, value in node.entries if key.text == step), None)


def _tree(node: Node | None, meant: Mapping[Node, Plain], added: Mapping[Node, Mapping[str, Plain]]) -> Plain:
    if node is None:
        return None
    if node in meant:
        return meant[node]
    if node.kind == ARRAY:
        return [_tree(item, meant, added) for item in node.items]
    if node.kind == OBJECT:
        return {**{key.text: _tree(value, meant, added) for key, value in reversed(node.entries)}, **added.get(node, {})}
    return node.value
